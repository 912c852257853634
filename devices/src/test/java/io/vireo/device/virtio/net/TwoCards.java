package io.vireo.device.virtio.net;

import io.vireo.reactor.PollMode;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.ReactorConfig;
import io.vireo.resource.MacAddress;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;

/** Tests of two cards that a wire joins; on the test's thread. */
abstract class TwoCards {
    static final long A = 0x5254_0000_000AL;
    static final long B = 0x5254_0000_000BL;

    /** What a sender may leave to do. */
    static final long HOST_ALL =
            NetFeatures.CSUM | NetFeatures.HOST_TSO4 | NetFeatures.HOST_TSO6 | NetFeatures.HOST_ECN;

    /** What a receiver may take undone. */
    static final long GUEST_ALL =
            NetFeatures.GUEST_CSUM
                    | NetFeatures.GUEST_TSO4
                    | NetFeatures.GUEST_TSO6
                    | NetFeatures.GUEST_ECN;

    /** Where the checksum is in a TCP header. */
    static final int TCP_CHECKSUM = 16;

    /** Payload bytes of a segment. */
    static final int MSS = 1460;

    private static Reactor reactor;

    final VirtioNetDevice a = device("a", A, 1);
    final VirtioNetDevice b = device("b", B, 1);
    final Wire wire = new Wire();

    @BeforeAll
    static void start() {
        reactor = Reactor.start(new ReactorConfig("test", -1, PollMode.INTERRUPT));
    }

    @AfterAll
    static void stop() {
        reactor.close();
    }

    @AfterEach
    void close() {
        wire.close();
    }

    /** Whom the cards belong to while none of their queues runs. */
    static Reactor reactor() {
        return reactor;
    }

    static VirtioNetDevice device(String name, long mac, int pairs) {
        return new VirtioNetDevice(
                new VirtioNetConfig(name, new MacAddress(mac), 1500, pairs, reactor));
    }
}
