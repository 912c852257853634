package io.vireo.adapter.tap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vireo.linux.Errno;
import io.vireo.linux.FileCalls;
import io.vireo.linux.ForeignMemory;
import io.vireo.linux.Mapping;
import io.vireo.linux.NetInterface;
import io.vireo.linux.NetworkNamespace;
import io.vireo.linux.Tap;
import io.vireo.net.NetPort;
import io.vireo.reactor.PollMode;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.ReactorConfig;
import io.vireo.testkit.NetPortContract;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.Test;

/**
 * A TAP and the kernel: in a namespace of its own, a bridge leads to a second TAP, which the test
 * holds.
 */
class TapUplinkTest extends NetPortContract {
    private static final int PEER_HEADER = 12;
    private static final int BUFFER = 70_000;

    private final Reactor reactor =
            Reactor.start(new ReactorConfig("tap-test", -1, PollMode.INTERRUPT));
    private final Mapping buffer = mapping();
    private Tap peer;
    private TapUplink uplink;

    @SuppressWarnings("NullAway.Init") // set by open, before each test
    TapUplinkTest() {}

    private static Mapping mapping() {
        try {
            return Mapping.anonymous(BUFFER);
        } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    @Override
    protected NetPort open(Runnable wake) throws Exception {
        try (var inside = NetworkNamespace.enterNew()) {
            var bridge = NetInterface.createBridge("br0");
            uplink = new TapUplink("uplink", Tap.open("up0", false, TapUplink.OFFLOADS), 1500);
            peer = Tap.open("peer0", false, 0);
            for (var name : List.of("up0", "peer0")) {
                var port = NetInterface.of(name);
                port.setUp(true);
                bridge.addPort(port);
            }
            bridge.setUp(true);
        }
        run(() -> uplink.attached(reactor, wake));
        return uplink;
    }

    @Override
    protected void run(Runnable task) throws Exception {
        var done = new CompletableFuture<Boolean>();
        reactor.execute(() -> {
            try {
                task.run();
                done.complete(true);
            } catch (Throwable e) {
                done.completeExceptionally(e);
            }
        });
        try {
            done.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RuntimeException cause) {
                throw cause;
            }
            throw e;
        }
    }

    @Override
    protected void arrive(byte[] frame) {
        ForeignMemory.fill(buffer.address(), PEER_HEADER, (byte) 0);
        ForeignMemory.copyFromArray(frame, 0, buffer.address() + PEER_HEADER, frame.length);
        long length = PEER_HEADER + frame.length;
        assertThat(FileCalls.write(peer.fd().number(), buffer.address(), length)).isEqualTo(length);
    }

    @Override
    protected List<byte[]> departed() {
        var frames = new ArrayList<byte[]>();
        long count = FileCalls.read(peer.fd().number(), buffer.address(), BUFFER);
        while (count >= 0) {
            var frame = new byte[(int) count - PEER_HEADER];
            ForeignMemory.copyToArray(buffer.address() + PEER_HEADER, frame, 0, frame.length);
            frames.add(frame);
            count = FileCalls.read(peer.fd().number(), buffer.address(), BUFFER);
        }
        assertThat(count).isEqualTo(-Errno.EAGAIN);
        return frames;
    }

    @Override
    protected void shut() throws Exception {
        run(() -> uplink.detached());
        uplink.close();
        peer.close();
        buffer.unmap();
        reactor.close();
    }

    @Test
    void isPluggedIntoOneNetworkOnly() {
        assertThatThrownBy(() -> run(() -> uplink.attached(reactor, () -> {})))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("another network");
    }
}
