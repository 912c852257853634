package io.vireo.testkit.hostile;

import io.vireo.linux.ForeignMemory;
import io.vireo.testkit.DriverMemory;
import io.vireo.testkit.DriverQueue;
import io.vireo.testkit.VhostUserFrontEnd.HungUpException;
import io.vireo.testkit.VhostUserSession;
import io.vireo.testkit.VhostUserSession.Ring;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Frames and buffers that a network card cannot send or fill (VIRTIO 1.3, 5.1.6): group 16. */
public final class NetAttacks {
    private static final int RECEIVE = 0;
    private static final int TRANSMIT = 1;
    private static final long PLACE = DriverMemory.GUEST_BASE + Attempt.MEMORY / 2;

    private static final int NEEDS_CSUM = 1;
    private static final int GSO_TCPV4 = 1;
    private static final int GSO_UDP = 3;

    private NetAttacks() {}

    /** struct virtio_net_hdr, and how many bytes follow it. */
    private record Frame(
            int flags,
            int gsoType,
            int headerLength,
            int gsoSize,
            int csumStart,
            int csumOffset,
            int bytes) {}

    /**
     * The attacks.
     *
     * @param neighbour socket of another card of the same network
     */
    public static List<Attack> all(Path neighbour) {
        var all = new ArrayList<Attack>();
        for (int bytes : new int[] {0, 1, 13, 14, 65535, 65537, 100_000}) {
            all.add(survives("frame of " + bytes + " bytes", new Frame(0, 0, 0, 0, 0, 0, bytes)));
        }
        for (int size : new int[] {0, 1, 65535}) {
            all.add(
                    survives(
                            "segments of " + size + " bytes",
                            new Frame(NEEDS_CSUM, GSO_TCPV4, 54, size, 34, 16, 4000)));
        }
        all.add(
                survives(
                        "headers longer than the frame",
                        new Frame(NEEDS_CSUM, GSO_TCPV4, 65535, 1000, 34, 16, 100)));
        all.add(
                survives(
                        "checksum past the end",
                        new Frame(NEEDS_CSUM, 0, 0, 0, 65535, 65535, 100)));
        all.add(survives("checksum at the end", new Frame(NEEDS_CSUM, 0, 0, 0, 98, 1, 100)));
        all.add(
                survives(
                        "checksum in the Ethernet header",
                        new Frame(NEEDS_CSUM, 0, 0, 0, 0, 0, 100)));
        all.add(
                survives(
                        "an offload that does not exist",
                        new Frame(0xff, 0x7f, 14, 1000, 34, 16, 4000)));
        all.add(
                survives(
                        "UFO, which was not negotiated",
                        new Frame(NEEDS_CSUM, GSO_UDP, 42, 1000, 34, 6, 4000)));
        for (int bytes : new int[] {1, 4, 11, 12, 20}) {
            all.add(
                    new Attack(
                            16,
                            "receive buffers of " + bytes + " bytes",
                            target -> runts(target, neighbour, bytes)));
        }
        all.add(
                new Attack(
                        16,
                        "a receive ring that stays empty",
                        target -> runts(target, neighbour, 0)));
        for (int bytes : new int[] {1, 4, 11}) {
            all.add(
                    new Attack(
                            16,
                            "half a header of " + bytes + " bytes",
                            target -> half(target, bytes)));
        }
        all.add(new Attack(16, "a buffer to write in the transmit ring", NetAttacks::writable));
        all.add(
                new Attack(
                        16,
                        "a buffer to read in the receive ring",
                        target -> readable(target, neighbour)));
        return all;
    }

    /** Sent or not, the frame is used, and the session goes on. */
    private static Attack survives(String name, Frame frame) {
        return new Attack(
                16,
                name,
                target -> {
                    try (var attempt = Attempt.open(target)) {
                        var ring = attempt.start();
                        write(attempt.memory(), frame);
                        ring.queue().addReadable(PLACE, FrameSender.HEADER + frame.bytes());
                        VhostUserSession.publish(ring);
                        VhostUserSession.awaitUsed(ring);
                        attempt.served(ring);
                    }
                });
    }

    private static void write(DriverMemory memory, Frame frame) {
        long at = memory.host(PLACE);
        ForeignMemory.fill(at, FrameSender.HEADER + frame.bytes(), (byte) 0);
        ForeignMemory.putByte(at, (byte) frame.flags());
        ForeignMemory.putByte(at + 1, (byte) frame.gsoType());
        ForeignMemory.putShort(at + 2, (short) frame.headerLength());
        ForeignMemory.putShort(at + 4, (short) frame.gsoSize());
        ForeignMemory.putShort(at + 6, (short) frame.csumStart());
        ForeignMemory.putShort(at + 8, (short) frame.csumOffset());
        if (frame.bytes() >= 14) {
            ForeignMemory.fill(at + FrameSender.HEADER, 6, (byte) 0xff);
            ForeignMemory.putByte(at + FrameSender.HEADER + 6, (byte) 2);
            ForeignMemory.putShort(at + FrameSender.HEADER + 12, (short) 8);
        }
    }

    /** Chains that are too short: given back, or the ring is broken. */
    private static void half(Target target, int bytes) {
        try (var attempt = Attempt.open(target)) {
            var ring = attempt.start();
            ring.queue().addReadable(PLACE, bytes);
            VhostUserSession.publish(ring);
            settle(attempt, ring);
        }
    }

    private static void writable(Target target) {
        try (var attempt = Attempt.open(target)) {
            var ring = attempt.start();
            ring.queue().addWritable(PLACE, 100);
            VhostUserSession.publish(ring);
            settle(attempt, ring);
        }
    }

    private static void settle(Attempt attempt, Ring ring) {
        Attempt.pause(50);
        try {
            if (attempt.survived()) {
                VhostUserSession.awaitUsed(ring);
                attempt.served(ring);
            }
        } catch (HungUpException e) {
            // Broken, while we were still asking.
            Attempt.pause(1);
        }
    }

    private static void readable(Target target, Path neighbour) {
        try (var attempt = Attempt.open(target)) {
            var ring = receiving(attempt);
            ring.queue().addReadable(PLACE, 2000);
            VhostUserSession.publish(ring);
            broadcast(neighbour);
            attempt.survived();
        }
    }

    /**
     * A neighbour sends to a card whose buffers are too small: its frames are lost, and no more
     * than these.
     */
    private static void runts(Target target, Path neighbour, int bytes) {
        try (var attempt = Attempt.open(target)) {
            var ring = receiving(attempt);
            for (int i = 0; bytes > 0 && i < Attempt.QUEUE_SIZE; i++) {
                ring.queue().addWritable(PLACE + 64L * i, bytes);
            }
            VhostUserSession.publish(ring);
            broadcast(neighbour);
            attempt.survived();
        }
    }

    private static Ring receiving(Attempt attempt) {
        var queue =
                DriverQueue.of(attempt.memory(), Attempt.QUEUE_SIZE, attempt.session().features());
        return attempt.session().start(RECEIVE, queue, 0);
    }

    /** What the neighbour sends is all used, whoever gets it. */
    private static void broadcast(Path neighbour) {
        try (var memory = new DriverMemory(Attempt.MEMORY);
                var session = VhostUserSession.open(neighbour, memory)) {
            var ring = session.start(TRANSMIT, Attempt.QUEUE_SIZE);
            write(memory, new Frame(0, 0, 0, 0, 0, 0, 60));
            for (int i = 0; i < 64; i++) {
                ring.queue().addReadable(PLACE, FrameSender.HEADER + 60);
                VhostUserSession.publish(ring);
                VhostUserSession.awaitUsed(ring);
            }
        }
    }
}
