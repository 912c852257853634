package io.vireo.testkit.hostile;

import static io.vireo.testkit.VhostUserFrontEnd.SET_CONFIG;
import static io.vireo.testkit.VhostUserFrontEnd.SET_FEATURES;
import static io.vireo.testkit.VhostUserFrontEnd.payload;
import static io.vireo.testkit.VhostUserFrontEnd.u64;

import io.vireo.linux.ForeignMemory;
import io.vireo.testkit.DriverMemory;
import io.vireo.testkit.VhostUserSession;
import io.vireo.testkit.VhostUserSession.Ring;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.function.Predicate;

/**
 * Requests that a virtio SCSI host device cannot do (VIRTIO 1.3, 5.6.6.1): group 18, and framing of
 * group 10. What changes a unit for good is done to {@link #SPARE}.
 */
public final class ScsiAttacks {
    /** The eight bytes of LUN 7, a small unit that nobody else minds. */
    static final long SPARE = 0x0100_4007_0000_0000L;

    /** No unit is there. */
    private static final long ABSENT = 0x0100_4005_0000_0000L;

    static final long PLACE = DriverMemory.GUEST_BASE + Attempt.MEMORY / 2;
    static final long OUT = PLACE + 4096;
    static final long IN = DriverMemory.GUEST_BASE + Attempt.MEMORY / 4;
    private static final int GUARD = 64;
    static final int LONG_RING = 256;
    private static final byte[] NOTHING = new byte[6];
    private static final byte[] INQUIRY = HexFormat.of().parseHex("120000002400");

    /** VIRTIO_SCSI_F_INOUT. */
    static final long INOUT = 1;

    private static final int SENSE_SIZE = 20;
    private static final int CDB_SIZE = 24;

    /** Operation codes of SPC-4 and SBC-3. */
    static final byte[] OPERATIONS =
            HexFormat.of()
                    .parseHex(
                            "000304080a121516171a1b1c1d1e25282a2e2f3435373b3c4142484d555657"
                                    + "5a5e5f7f838488898a8b8e8f909193"
                                    + "9c9e9fa0a3a4a8aaaeafb7");

    private ScsiAttacks() {}

    /** What a request says, and how many bytes it sends and has room for. */
    record Request(long lun, byte[] cdb, int out, int in) {}

    /** Attacks by request queues, on a device with a unit at LUN 0, one at LUN 7 and no other. */
    public static List<Attack> all() {
        var all = new ArrayList<Attack>();
        all.addAll(framing());
        all.addAll(units());
        all.addAll(data());
        all.addAll(sizes());
        all.addAll(ScsiRandomAttacks.all());
        return all;
    }

    private static List<Attack> framing() {
        var all = new ArrayList<Attack>();
        for (int length : new int[] {0, 1, 18, 19, ScsiPlace.HEADER - 1}) {
            all.add(breaks("header of " + length + " bytes", length, ScsiPlace.RESPONSE));
        }
        for (int length : new int[] {0, 1, 11, 12, ScsiPlace.RESPONSE - 1}) {
            all.add(breaks("room for " + length + " bytes of it", ScsiPlace.HEADER, length));
        }
        all.add(new Attack(10, "all in single bytes, which is legal", ScsiAttacks::bytewise));
        all.add(overlap(10, "response over its own request", _ -> PLACE, _ -> IN));
        all.add(new Attack(11, "data read into the ring itself", ScsiAttacks::intoRing));
        all.add(
                overlap(
                        10,
                        "data over request and response",
                        place -> place.response(),
                        _ -> PLACE));
        return all;
    }

    /** A request without the parts that each has. */
    private static Attack breaks(String name, int header, int response) {
        return new Attack(
                10,
                name,
                target -> {
                    try (var attempt = Attempt.open(target)) {
                        var ring = attempt.start();
                        attempt.served(ring);
                        new ScsiPlace(attempt.memory(), PLACE).write(ScsiPlace.LUN_0, 1, INQUIRY);
                        var addresses = new long[2];
                        var lengths = new int[2];
                        int count = 0;
                        if (header > 0) {
                            addresses[count] = PLACE;
                            lengths[count++] = header;
                        }
                        int readable = count;
                        if (response > 0) {
                            addresses[count] = IN;
                            lengths[count++] = response;
                        }
                        ring.queue().add(addresses, lengths, count, readable);
                        ring.queue().publish();
                        attempt.broken(ring);
                    }
                });
    }

    private static void bytewise(Target target) {
        try (var attempt = Attempt.open(target)) {
            var ring = attempt.session().start(attempt.queue(), LONG_RING);
            attempt.served(ring);
            var place = new ScsiPlace(attempt.memory(), PLACE);
            place.write(ScsiPlace.LUN_0, 1, ScsiDriver.read(0, 1));
            int single = ScsiPlace.HEADER + ScsiPlace.RESPONSE;
            var addresses = new long[single + 2];
            var lengths = new int[single + 2];
            for (int i = 0; i < single; i++) {
                boolean readable = i < ScsiPlace.HEADER;
                addresses[i] = readable ? PLACE + i : place.response() + i - ScsiPlace.HEADER;
                lengths[i] = 1;
            }
            addresses[single] = IN;
            lengths[single] = 7;
            addresses[single + 1] = IN + 7;
            lengths[single + 1] = ScsiDriver.BLOCK - 7;
            ring.queue().add(addresses, lengths, addresses.length, ScsiPlace.HEADER);
            VhostUserSession.publish(ring);
            VhostUserSession.awaitUsed(ring);
            if (!place.isGood()) {
                throw new AssertionError(place.toString());
            }
        }
    }

    /** Where something of a request is. */
    @FunctionalInterface
    private interface Where {
        long of(ScsiPlace place);
    }

    /** A READ whose parts lie over each other; whatever it says then, it ends. */
    private static Attack overlap(int group, String name, Where response, Where data) {
        return new Attack(
                group,
                name,
                target -> {
                    try (var attempt = Attempt.open(target)) {
                        var ring = attempt.start();
                        attempt.served(ring);
                        var place = new ScsiPlace(attempt.memory(), PLACE);
                        place.write(ScsiPlace.LUN_0, 1, ScsiDriver.read(0, 2));
                        var addresses = new long[] {PLACE, response.of(place), data.of(place)};
                        var lengths =
                                new int[] {
                                    ScsiPlace.HEADER, ScsiPlace.RESPONSE, 2 * ScsiDriver.BLOCK
                                };
                        ring.queue().add(addresses, lengths, 3, 1);
                        VhostUserSession.publish(ring);
                        VhostUserSession.awaitUsed(ring);
                        attempt.served(ring);
                    }
                });
    }

    private static void intoRing(Target target) {
        try (var attempt = Attempt.open(target)) {
            var ring = attempt.start();
            attempt.served(ring);
            var place = new ScsiPlace(attempt.memory(), PLACE);
            place.write(ScsiPlace.LUN_0, 1, ScsiDriver.read(0, 1));
            var queue = ring.queue();
            int half = ScsiDriver.BLOCK / 2;
            var addresses = new long[] {PLACE, place.response(), queue.descriptors(), queue.used()};
            var lengths = new int[] {ScsiPlace.HEADER, ScsiPlace.RESPONSE, half, half};
            queue.add(addresses, lengths, 4, 1);
            VhostUserSession.publish(ring);
            Attempt.pause(20);
            attempt.survived();
        }
    }

    private static List<Attack> units() {
        var all = new ArrayList<Attack>();
        for (long lun :
                new long[] {
                    0, // target 0
                    0x0200_0000_0000_0000L, // target 2
                    0x0000_4000_0000_0000L,
                    ScsiPlace.LUN_0 | 1, // what is reserved
                    ScsiPlace.LUN_0 | 0xFFFF_FFFFL,
                    0xC100_0000_0000_0000L, // well known units but that of REPORT LUNS
                    0xC102_0000_0000_0000L,
                    0xC101_0000_0000_0001L,
                    Long.MAX_VALUE,
                    -1
                }) {
            all.add(
                    answered(
                            "LUN %016x, of no target here".formatted(lun),
                            new Request(lun, INQUIRY, 0, 36),
                            place -> place.outcome() == ScsiPlace.BAD_TARGET));
        }
        for (long lun :
                new long[] {
                    ABSENT,
                    0x0100_0100_0000_0000L, // peripheral device addressing of bus 1
                    0x0100_8000_0000_0000L, // logical unit addressing
                    0x0100_D200_0000_0000L, // extended flat space addressing, and others
                    0x0100_C000_0000_0000L,
                    0x0100_FFFF_0000_0000L,
                    0x0100_7FFF_0000_0000L
                }) {
            all.add(
                    answered(
                            "a read of LUN %016x, which there is not".formatted(lun),
                            new Request(lun, ScsiDriver.read(0, 1), 0, ScsiDriver.BLOCK),
                            place -> fails(place, 5, 0x2500)));
        }
        all.add(
                answered(
                        "LUN 0 in flat space addressing, which is legal",
                        new Request(
                                0x0100_4000_0000_0000L, ScsiDriver.read(0, 1), 0, ScsiDriver.BLOCK),
                        ScsiPlace::isGood));
        return all;
    }

    private static List<Attack> data() {
        var all = new ArrayList<Attack>();
        int block = ScsiDriver.BLOCK;
        Predicate<ScsiPlace> ends = place -> place.outcome() != ScsiPlace.PENDING;
        for (var cdb : List.of(ScsiDriver.read(0, 1), ScsiDriver.write(0, 1), NOTHING, INQUIRY)) {
            var name = "operation %02x with data both ways".formatted(cdb[0]);
            all.add(answered(name, new Request(SPARE, cdb, block, block), ends));
            all.add(new Attack(18, name + ", not negotiated", target -> oneWay(target, cdb)));
        }
        for (int blocks : new int[] {2, 128, 0xFFFF}) {
            for (int room : new int[] {0, 1, block - 1, block}) {
                var name = " of %d blocks in %d bytes".formatted(blocks, room);
                all.add(
                        answered(
                                "read" + name,
                                new Request(ScsiPlace.LUN_0, ScsiDriver.read(0, blocks), 0, room),
                                place -> !place.isGood()));
                all.add(
                        answered(
                                "write" + name,
                                new Request(SPARE, ScsiDriver.write(0, blocks), room, 0),
                                place -> !place.isGood()));
            }
        }
        all.add(
                answered(
                        "a write that sends nothing and has room",
                        new Request(SPARE, ScsiDriver.write(0, 1), 0, block),
                        place -> !place.isGood()));
        all.add(
                answered(
                        "a read that sends",
                        new Request(SPARE, ScsiDriver.read(0, 1), block, 0),
                        place -> !place.isGood()));
        for (var cdb :
                List.of(
                        "880000000000000000000000FFFFFFFF0000",
                        "8800FFFFFFFFFFFFFFFF000000080000",
                        "8A00FFFFFFFFFFFFFFFF000000080000",
                        "28007FFFFFFF00FFFF00",
                        "9300000000000000000000FFFFFFFF00")) {
            all.add(
                    answered(
                            "beyond the end: " + cdb,
                            new Request(SPARE, HexFormat.of().parseHex(cdb), 0, block),
                            place -> fails(place, 5, -1)));
        }
        for (var cdb :
                List.of(
                        "12000000FF00",
                        "12000000FFFF00",
                        "12010000FF00",
                        "1A003F00FF00",
                        "5A003FFF000000FFFF00",
                        "A00002000000FFFFFFFF0000",
                        "0300000000FF00",
                        "9E100000000000000000FFFFFFFF0000",
                        "A30C00000000FFFFFFFF0000",
                        "4D00400000000000FFFF00")) {
            for (int room : new int[] {0, 1, 3, 15}) {
                all.add(
                        answered(
                                "%s into %d bytes".formatted(cdb, room),
                                new Request(ScsiPlace.LUN_0, HexFormat.of().parseHex(cdb), 0, room),
                                ends));
            }
        }
        return all;
    }

    private static List<Attack> sizes() {
        var all = new ArrayList<Attack>();
        for (int size : new int[] {0, 1, 17, 252}) {
            all.add(new Attack(18, "sense data of " + size + " bytes", t -> senseOf(t, size)));
        }
        for (int size : new int[] {253, 4096, -1, Integer.MIN_VALUE}) {
            all.add(refused("sense data of %d bytes".formatted(size), SENSE_SIZE, size));
        }
        for (int size : new int[] {0, 261, -1}) {
            all.add(refused("CDBs of %d bytes".formatted(size), CDB_SIZE, size));
        }
        for (int size : new int[] {1, 260}) {
            all.add(new Attack(18, "CDBs of " + size + " bytes", t -> cdbsOf(t, size)));
        }
        return all;
    }

    private static Attack refused(String name, int offset, int value) {
        return new Attack(
                18,
                name,
                target -> {
                    try (var attempt = Attempt.open(target)) {
                        attempt.refused(SET_CONFIG, configuration(offset, value));
                        attempt.served(attempt.start());
                    }
                });
    }

    private static ByteBuffer configuration(int offset, int value) {
        return payload(16).putInt(0, offset).putInt(4, 4).putInt(12, value);
    }

    /** A command that fails has so much room for its sense data, and no more is written. */
    private static void senseOf(Target target, int size) {
        try (var attempt = Attempt.open(target)) {
            attempt.session().tell(SET_CONFIG, configuration(SENSE_SIZE, size));
            var ring = attempt.start();
            var place = new ScsiPlace(attempt.memory(), PLACE);
            place.write(ABSENT, 1, ScsiDriver.read(0, 1));
            int room = 12 + size;
            var addresses = new long[] {PLACE, place.response()};
            ring.queue().add(addresses, new int[] {ScsiPlace.HEADER, room}, 2, 1);
            VhostUserSession.publish(ring);
            VhostUserSession.awaitUsed(ring);
            boolean told = place.status() == ScsiPlace.CHECK_CONDITION;
            if (!told || place.senseLength() > size || place.response(room) != ScsiPlace.PENDING) {
                throw new AssertionError(place + ", " + place.senseLength() + " bytes of sense");
            }
        }
    }

    private static void cdbsOf(Target target, int size) {
        try (var attempt = Attempt.open(target)) {
            attempt.session().tell(SET_CONFIG, configuration(CDB_SIZE, size));
            var ring = attempt.start();
            var place = new ScsiPlace(attempt.memory(), PLACE);
            for (byte operation : OPERATIONS) {
                place.write(ABSENT, 1, new byte[] {operation});
                var addresses = new long[] {PLACE, place.response()};
                var lengths = new int[] {ScsiPlace.BEFORE_CDB + size, ScsiPlace.RESPONSE};
                ring.queue().add(addresses, lengths, 2, 1);
                VhostUserSession.publish(ring);
                VhostUserSession.awaitUsed(ring);
                if (place.outcome() == ScsiPlace.PENDING) {
                    throw new AssertionError("no response to %02x".formatted(operation));
                }
            }
        }
    }

    private static boolean fails(ScsiPlace place, int key, int code) {
        return place.outcome() == ScsiPlace.OK
                && place.status() == ScsiPlace.CHECK_CONDITION
                && place.senseKey() == key
                && (code < 0 || place.senseCode() == code);
    }

    /** The answer is as expected, in what it has room for, and the session goes on. */
    private static Attack answered(String name, Request request, Predicate<ScsiPlace> expected) {
        return new Attack(
                18,
                name,
                target -> {
                    try (var attempt = Attempt.open(target)) {
                        var ring = attempt.start();
                        attempt.served(ring);
                        var place = send(attempt, ring, request);
                        while (place.isUnitAttention()) {
                            place = send(attempt, ring, request);
                        }
                        if (!expected.test(place)) {
                            throw new AssertionError(place.toString());
                        }
                        attempt.served(ring);
                    }
                });
    }

    private static void oneWay(Target target, byte[] cdb) {
        try (var attempt = Attempt.open(target)) {
            attempt.session().tell(SET_FEATURES, u64(attempt.session().features() & ~INOUT));
            var ring = attempt.start();
            int block = ScsiDriver.BLOCK;
            var place = send(attempt, ring, new Request(SPARE, cdb, block, block));
            if (place.outcome() != ScsiPlace.FAILURE) {
                throw new AssertionError(place.toString());
            }
            attempt.served(ring);
        }
    }

    /** Nothing is written behind the room that a request has, or said to be. */
    static ScsiPlace send(Attempt attempt, Ring ring, Request request) {
        var memory = attempt.memory();
        var place = new ScsiPlace(memory, PLACE);
        place.write(request.lun(), 1, request.cdb());
        ForeignMemory.fill(memory.host(IN), request.in() + GUARD, (byte) ScsiPlace.PENDING);
        var addresses = new long[] {PLACE, 0, 0, 0};
        var lengths = new int[] {ScsiPlace.HEADER, 0, 0, 0};
        int count = 1;
        if (request.out() > 0) {
            addresses[count] = OUT;
            lengths[count++] = request.out();
        }
        int readable = count;
        addresses[count] = place.response();
        lengths[count++] = ScsiPlace.RESPONSE;
        if (request.in() > 0) {
            addresses[count] = IN;
            lengths[count++] = request.in();
        }
        ring.queue().add(addresses, lengths, count, readable);
        VhostUserSession.publish(ring);
        VhostUserSession.awaitUsed(ring);
        for (int i = 0; i < GUARD; i++) {
            int behind = ForeignMemory.getByte(memory.host(IN + request.in() + i)) & 0xFF;
            if (behind != ScsiPlace.PENDING
                    || place.response(ScsiPlace.RESPONSE + i) != ScsiPlace.PENDING) {
                throw new AssertionError("written behind the room for it: " + place);
            }
        }
        int used = ring.queue().usedLength();
        if (used < 0 || used > ScsiPlace.RESPONSE + request.in()) {
            throw new AssertionError("it says that it wrote " + used + " bytes");
        }
        return place;
    }
}
