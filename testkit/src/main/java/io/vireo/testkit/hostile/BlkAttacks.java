package io.vireo.testkit.hostile;

import io.vireo.linux.ForeignMemory;
import io.vireo.testkit.DriverMemory;
import io.vireo.testkit.VhostUserFrontEnd.HungUpException;
import io.vireo.testkit.VhostUserSession;
import io.vireo.testkit.VhostUserSession.Ring;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntPredicate;

/**
 * Requests that a block device cannot do (VIRTIO 1.3, 5.2.6): group 17, and framing of group 10.
 */
public final class BlkAttacks {
    private static final int IN = 0;
    private static final int OUT = 1;
    private static final int FLUSH = 4;
    private static final int GET_ID = 8;
    private static final int DISCARD = 11;
    private static final int WRITE_ZEROES = 13;
    private static final int ZONE_APPEND = 15;

    private static final byte PENDING = 99;
    private static final int HEADER = 16;
    private static final int SEGMENT = 16;
    private static final int SECTOR = 512;
    private static final long PLACE = DriverMemory.GUEST_BASE + Attempt.MEMORY / 2;
    private static final long STATUS = PLACE + HEADER;
    private static final long DATA = PLACE + 4096;

    private BlkAttacks() {}

    /** What a request says. */
    private record Request(int type, long sector, int readable, int writable) {}

    /** Attacks for a device that can be written, of fewer than 2^40 sectors. */
    public static List<Attack> all() {
        var all = new ArrayList<Attack>();
        for (long sector :
                new long[] {
                    1L << 40, Long.MAX_VALUE / SECTOR, Long.MAX_VALUE, Long.MIN_VALUE, -1
                }) {
            var at = " at sector " + Long.toUnsignedString(sector);
            all.add(fails("read" + at, new Request(IN, sector, 0, SECTOR)));
            all.add(fails("write" + at, new Request(OUT, sector, SECTOR, 0)));
        }
        for (int length : new int[] {1, 511, 513, 4095}) {
            all.add(fails("read of " + length + " bytes", new Request(IN, 0, 0, length)));
            all.add(fails("write of " + length + " bytes", new Request(OUT, 0, length, 0)));
        }
        for (int type : new int[] {2, 99, -1, ZONE_APPEND, 0x100}) {
            all.add(fails("request of type " + type, new Request(type, 0, 0, SECTOR)));
        }
        for (int type : new int[] {DISCARD, WRITE_ZEROES}) {
            all.add(segments(type, "beyond the end", 1, 1L << 40, 8, 0));
            all.add(segments(type, "that wraps around", 1, -1, 8, 0));
            all.add(segments(type, "of 2^32 - 1 sectors", 1, 1L << 41, -1, 0));
            all.add(segments(type, "with unknown flags", 1, 0, 8, 0x80));
            all.add(segments(type, "in too many segments", 4000, 0, 1, 0));
            all.add(fails(type + " of half a segment", new Request(type, 0, SEGMENT / 2, 0)));
        }
        all.add(survives("GET_ID into 4 bytes", new Request(GET_ID, 0, 0, 4)));
        all.add(survives("FLUSH with data", new Request(FLUSH, 0, SECTOR, 0)));
        all.add(survives("a read with readable data", new Request(IN, 0, SECTOR, SECTOR)));
        all.add(survives("a write with writable data", new Request(OUT, 8, SECTOR, SECTOR)));
        all.add(framing("no header", new long[] {STATUS}, new int[] {1}, 0));
        all.add(framing("half a header", new long[] {PLACE, STATUS}, new int[] {8, 1}, 1));
        all.add(framing("no status byte", new long[] {PLACE, DATA}, new int[] {HEADER, SECTOR}, 2));
        all.add(framing("writable header", new long[] {PLACE, STATUS}, new int[] {HEADER, 1}, 0));
        all.add(
                new Attack(
                        10,
                        "header and status in single bytes, which is legal",
                        BlkAttacks::bytewise));
        return all;
    }

    /** The device says that it failed; the session goes on. */
    private static Attack fails(String name, Request request) {
        return answered(name, request, status -> status != 0 && status != PENDING);
    }

    /** The specification leaves the answer open; there is one, and the session goes on. */
    private static Attack survives(String name, Request request) {
        return answered(name, request, status -> status != PENDING);
    }

    private static Attack answered(String name, Request request, IntPredicate expected) {
        return new Attack(
                17,
                name,
                target -> {
                    try (var attempt = Attempt.open(target)) {
                        var ring = attempt.start();
                        byte status = send(attempt, ring, request);
                        if (!expected.test(status)) {
                            throw new AssertionError("status " + status);
                        }
                        attempt.served(ring);
                    }
                });
    }

    private static Attack segments(
            int type, String name, int count, long sector, int sectors, int flags) {
        return new Attack(
                17,
                type + " " + name,
                target -> {
                    try (var attempt = Attempt.open(target)) {
                        var ring = attempt.start();
                        for (int i = 0; i < count; i++) {
                            long at = attempt.memory().host(DATA + (long) SEGMENT * i);
                            ForeignMemory.putLong(at, sector);
                            ForeignMemory.putInt(at + 8, sectors);
                            ForeignMemory.putInt(at + 12, flags);
                        }
                        byte status = send(attempt, ring, new Request(type, 0, SEGMENT * count, 0));
                        if (status == 0 || status == PENDING) {
                            throw new AssertionError("status " + status);
                        }
                        attempt.served(ring);
                    }
                });
    }

    private static byte send(Attempt attempt, Ring ring, Request request) {
        var memory = attempt.memory();
        ForeignMemory.putInt(memory.host(PLACE), request.type());
        ForeignMemory.putLong(memory.host(PLACE + 8), request.sector());
        ForeignMemory.putByte(memory.host(STATUS), PENDING);
        var addresses = new long[] {PLACE, 0, 0, 0};
        var lengths = new int[] {HEADER, 0, 0, 0};
        int count = 1;
        if (request.readable() > 0) {
            addresses[count] = DATA;
            lengths[count++] = request.readable();
        }
        int readable = count;
        if (request.writable() > 0) {
            addresses[count] = DATA + Attempt.MEMORY / 4;
            lengths[count++] = request.writable();
        }
        addresses[count] = STATUS;
        lengths[count++] = 1;
        ring.queue().add(addresses, lengths, count, readable);
        VhostUserSession.publish(ring);
        VhostUserSession.awaitUsed(ring);
        return ForeignMemory.getByte(memory.host(STATUS));
    }

    /**
     * A chain without the parts that every request has: it is given back, or the ring is broken.
     */
    private static Attack framing(String name, long[] addresses, int[] lengths, int readable) {
        return new Attack(
                10,
                name,
                target -> {
                    try (var attempt = Attempt.open(target)) {
                        var ring = attempt.start();
                        ring.queue().add(addresses, lengths, addresses.length, readable);
                        VhostUserSession.publish(ring);
                        Attempt.pause(50);
                        if (attempt.survived()) {
                            VhostUserSession.awaitUsed(ring);
                            attempt.served(ring);
                        }
                    } catch (HungUpException e) {
                        // Broken, while we were still asking.
                        target.witness().run();
                    }
                });
    }

    private static void bytewise(Target target) {
        try (var attempt = Attempt.open(target)) {
            var ring = attempt.session().start(attempt.queue(), 64);
            var memory = attempt.memory();
            ForeignMemory.putLong(memory.host(PLACE), IN);
            ForeignMemory.putLong(memory.host(PLACE + 8), 0);
            ForeignMemory.putByte(memory.host(STATUS), PENDING);
            var addresses = new long[HEADER + 3];
            var lengths = new int[HEADER + 3];
            for (int i = 0; i < HEADER; i++) {
                addresses[i] = PLACE + i;
                lengths[i] = 1;
            }
            addresses[HEADER] = DATA;
            lengths[HEADER] = 7;
            addresses[HEADER + 1] = DATA + 7;
            lengths[HEADER + 1] = SECTOR - 7;
            addresses[HEADER + 2] = STATUS;
            lengths[HEADER + 2] = 1;
            ring.queue().add(addresses, lengths, addresses.length, HEADER);
            VhostUserSession.publish(ring);
            VhostUserSession.awaitUsed(ring);
            if (ForeignMemory.getByte(memory.host(STATUS)) != 0) {
                throw new AssertionError("a read framed in single bytes failed");
            }
        }
    }
}
