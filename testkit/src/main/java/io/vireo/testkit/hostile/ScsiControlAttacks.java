package io.vireo.testkit.hostile;

import io.vireo.linux.ForeignMemory;
import io.vireo.testkit.DriverMemory;
import io.vireo.testkit.VhostUserSession;
import io.vireo.testkit.VhostUserSession.Ring;
import java.util.ArrayList;
import java.util.List;

/**
 * What a virtio SCSI host device cannot do of what its control and event queues ask for (VIRTIO
 * 1.3, 5.6.6.2 and 5.6.6.3): group 18.
 */
public final class ScsiControlAttacks {
    private static final long PLACE = DriverMemory.GUEST_BASE + Attempt.MEMORY / 2;
    private static final long RESPONSE = PLACE + ScsiControlDriver.REQUEST;
    private static final int AN_QUERY = 1;
    private static final int AN_SUBSCRIBE = 2;

    /** Bytes of a request for asynchronous notification: type, LUN, events. */
    private static final int NOTIFICATION = 16;

    /** Events that a device keeps. */
    private static final int KEPT = 64;

    private ScsiControlAttacks() {}

    /** A request, of which so many bytes are there. */
    private record Request(int type, int subtype, long lun, long tag, int length, int room) {}

    /** Attacks by the control queue. */
    public static List<Attack> requests() {
        int whole = ScsiControlDriver.REQUEST;
        var all = new ArrayList<Attack>();
        for (int type : new int[] {3, 4, 255, 0x100, -1, Integer.MIN_VALUE}) {
            all.add(rejected("request of type " + type, request(type, 0, whole)));
        }
        for (int subtype : new int[] {8, 9, 255, 0x100, -1, Integer.MIN_VALUE}) {
            all.add(rejected("function " + subtype, request(0, subtype, whole)));
        }
        for (int length : new int[] {4, 8, 16, whole - 1}) {
            all.add(rejected("function in " + length + " bytes", request(0, 5, length)));
        }
        for (int type : new int[] {AN_QUERY, AN_SUBSCRIBE}) {
            for (int length : new int[] {4, NOTIFICATION - 1}) {
                all.add(rejected(type + " in " + length + " bytes", request(type, 0, length)));
            }
            for (int room : new int[] {1, 4}) {
                var request = new Request(type, 0, ScsiPlace.LUN_0, 0, NOTIFICATION, room);
                all.add(rejected(type + " with room for " + room + " bytes", request));
            }
        }
        for (int length : new int[] {0, 1, 3}) {
            all.add(breaks("request of " + length + " bytes", length, 1));
        }
        all.add(breaks("request without room for the response", whole, 0));
        for (int subtype = 0; subtype < 8; subtype++) {
            var request = new Request(0, subtype, -1, 0, whole, 1);
            var name = "function " + subtype + " of no target here";
            all.add(answered(name, request, ScsiPlace.BAD_TARGET));
        }
        for (long lun : new long[] {0x0100_4005_0000_0000L, 0x0100_FFFF_0000_0000L}) {
            var request = new Request(0, ScsiControlDriver.LOGICAL_UNIT_RESET, lun, 0, whole, 1);
            var name = "reset of LUN %016x, which there is not".formatted(lun);
            all.add(answered(name, request, ScsiPlace.INCORRECT_LUN));
        }
        for (long tag : new long[] {0, 1, -1}) {
            var abort = ScsiControlDriver.ABORT_TASK;
            var request = new Request(0, abort, ScsiPlace.LUN_0, tag, whole, 1);
            all.add(answered("abort of a task that is not there", request, ScsiPlace.OK));
        }
        all.add(new Attack(18, "as many resets as there is room for", ScsiControlAttacks::storm));
        return all;
    }

    private static Request request(int type, int subtype, int length) {
        return new Request(type, subtype, ScsiPlace.LUN_0, 0, length, 1);
    }

    private static Attack rejected(String name, Request request) {
        return answered(name, request, ScsiPlace.FUNCTION_REJECTED);
    }

    /** There is a response of one byte, and the session goes on. */
    private static Attack answered(String name, Request request, int expected) {
        return new Attack(
                18,
                name,
                target -> {
                    try (var attempt = Attempt.open(target)) {
                        var ring = attempt.start();
                        add(attempt, ring, request);
                        VhostUserSession.publish(ring);
                        VhostUserSession.awaitUsed(ring);
                        long host = attempt.memory().host(RESPONSE);
                        if (ForeignMemory.getByte(host) != expected
                                || ring.queue().usedLength() != 1) {
                            throw new AssertionError("response " + ForeignMemory.getByte(host));
                        }
                        attempt.served(ring);
                    }
                });
    }

    private static Attack breaks(String name, int length, int room) {
        return new Attack(
                18,
                name,
                target -> {
                    try (var attempt = Attempt.open(target)) {
                        var ring = attempt.start();
                        attempt.served(ring);
                        add(attempt, ring, new Request(0, 5, ScsiPlace.LUN_0, 0, length, room));
                        ring.queue().publish();
                        attempt.broken(ring);
                    }
                });
    }

    private static void add(Attempt attempt, Ring ring, Request request) {
        ScsiControlDriver.write(
                attempt.memory(),
                PLACE,
                request.type(),
                request.subtype(),
                request.lun(),
                request.tag());
        var addresses = new long[2];
        var lengths = new int[2];
        int count = 0;
        if (request.length() > 0) {
            addresses[count] = PLACE;
            lengths[count++] = request.length();
        }
        int readable = count;
        if (request.room() > 0) {
            addresses[count] = RESPONSE;
            lengths[count++] = request.room();
        }
        ring.queue().add(addresses, lengths, count, readable);
    }

    private static void storm(Target target) {
        try (var attempt = Attempt.open(target)) {
            var ring = attempt.start();
            for (int round = 0; round < 100; round++) {
                int count = Attempt.QUEUE_SIZE / 2;
                for (int i = 0; i < count; i++) {
                    int function =
                            i % 2 == 0
                                    ? ScsiControlDriver.LOGICAL_UNIT_RESET
                                    : ScsiControlDriver.I_T_NEXUS_RESET;
                    add(attempt, ring, request(0, function, ScsiControlDriver.REQUEST));
                }
                VhostUserSession.publish(ring);
                for (int i = 0; i < count; i++) {
                    VhostUserSession.awaitUsed(ring);
                }
            }
            attempt.served(ring);
        }
    }

    /** Attacks by the event queue. */
    public static List<Attack> events() {
        var all = new ArrayList<Attack>();
        for (int length : new int[] {1, 4, ScsiEventDriver.EVENT - 1}) {
            all.add(
                    breaks(
                            "room for " + length + " bytes of an event",
                            ring -> ring.queue().addWritable(PLACE, length)));
        }
        all.add(
                breaks(
                        "an event to read",
                        ring -> ring.queue().addReadable(PLACE, ScsiEventDriver.EVENT)));
        all.add(new Attack(18, "no room for events, for long", ScsiControlAttacks::noRoom));
        return all;
    }

    /** Adds something to a ring. */
    @FunctionalInterface
    private interface Adding {
        void to(Ring ring);
    }

    private static Attack breaks(String name, Adding adding) {
        return new Attack(
                18,
                name,
                target -> {
                    try (var attempt = Attempt.open(target)) {
                        var ring = attempt.start();
                        attempt.served(ring);
                        adding.to(ring);
                        ring.queue().publish();
                        attempt.broken(ring);
                    }
                });
    }

    /** What is kept is bounded, and the driver is told that it missed what is more. */
    private static void noRoom(Target target) {
        try (var attempt = Attempt.open(target)) {
            var ring = attempt.start();
            for (int i = 0; i < 2 * KEPT; i++) {
                target.driver().prompt();
            }
            int type = 0;
            for (int i = 0; i < KEPT; i++) {
                ring.queue().addWritable(PLACE, ScsiEventDriver.EVENT);
                VhostUserSession.publish(ring);
                VhostUserSession.awaitUsed(ring);
                type |= ForeignMemory.getInt(attempt.memory().host(PLACE));
            }
            if (type >= 0) {
                throw new AssertionError("no event says that some are missed");
            }
            attempt.served(ring);
        }
    }
}
