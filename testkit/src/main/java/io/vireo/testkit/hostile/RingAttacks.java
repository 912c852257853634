package io.vireo.testkit.hostile;

import static io.vireo.testkit.DriverQueue.INDIRECT;
import static io.vireo.testkit.DriverQueue.NEXT;
import static io.vireo.testkit.DriverQueue.WRITE;
import static io.vireo.testkit.VhostUserFrontEnd.SET_FEATURES;
import static io.vireo.testkit.VhostUserFrontEnd.SET_MEM_TABLE;
import static io.vireo.testkit.VhostUserFrontEnd.SET_VRING_ADDR;
import static io.vireo.testkit.VhostUserFrontEnd.SET_VRING_ENABLE;
import static io.vireo.testkit.VhostUserFrontEnd.SET_VRING_NUM;
import static io.vireo.testkit.VhostUserFrontEnd.state;
import static io.vireo.testkit.VhostUserFrontEnd.u64;
import static io.vireo.testkit.hostile.Attempt.LONGEST_TABLE;
import static io.vireo.testkit.hostile.Attempt.QUEUE_SIZE;

import io.vireo.linux.Fd;
import io.vireo.linux.ForeignMemory;
import io.vireo.testkit.DriverMemory;
import io.vireo.testkit.DriverQueue;
import io.vireo.testkit.SplitDriverQueue;
import io.vireo.testkit.VhostUserSession;
import io.vireo.testkit.VhostUserSession.Ring;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;

/** What a driver does to its split ring: groups 1 to 12, 14 and 15. */
final class RingAttacks {
    private static final long DATA = DriverMemory.GUEST_BASE + Attempt.MEMORY / 2;
    private static final long TABLE = DriverMemory.GUEST_BASE + Attempt.MEMORY / 4;
    private static final int HAMMER_MILLIS = 300;

    private RingAttacks() {}

    /** Writes something into a ring that is running, and empty. */
    @FunctionalInterface
    private interface Writing {
        void into(SplitDriverQueue queue);
    }

    static List<Attack> all() {
        var all = new ArrayList<Attack>();
        all.addAll(indices());
        all.addAll(chains());
        all.addAll(indirect());
        all.addAll(addresses());
        all.addAll(descriptions());
        return all;
    }

    private static SplitDriverQueue split(Ring ring) {
        return (SplitDriverQueue) ring.queue();
    }

    private static Attack breaks(int group, String name, Writing writing) {
        return new Attack(
                group,
                name,
                target -> {
                    try (var attempt = Attempt.open(target)) {
                        var ring = attempt.start();
                        attempt.served(ring);
                        writing.into(split(ring));
                        attempt.broken(ring);
                    }
                });
    }

    /** May break the ring or not; the back end has to get over it. */
    private static Attack survives(int group, String name, Writing writing) {
        return new Attack(
                group,
                name,
                target -> {
                    try (var attempt = Attempt.open(target)) {
                        var ring = attempt.start();
                        writing.into(split(ring));
                        attempt.kick(ring);
                        Attempt.pause(20);
                        attempt.survived();
                    }
                });
    }

    private static List<Attack> indices() {
        return List.of(
                breaks(
                        1,
                        "available index jumps ahead",
                        queue -> queue.availableIndex(1 + QUEUE_SIZE + 1)),
                breaks(1, "available index goes back", queue -> queue.availableIndex(0)),
                new Attack(
                        1,
                        "available index wraps, which is legal",
                        target -> {
                            try (var attempt = Attempt.open(target)) {
                                var queue =
                                        DriverQueue.of(
                                                attempt.memory(),
                                                QUEUE_SIZE,
                                                attempt.session().features(),
                                                0xfffb);
                                var ring = attempt.session().start(attempt.queue(), queue, 0xfffb);
                                for (int i = 0; i < 2 * QUEUE_SIZE; i++) {
                                    attempt.served(ring);
                                }
                            }
                        }),
                breaks(2, "head beyond the table", queue -> queue.offer(QUEUE_SIZE)),
                breaks(2, "head 65535", queue -> queue.offer(0xffff)),
                breaks(
                        3,
                        "the same head twice",
                        queue -> {
                            queue.descriptor(0, DATA, 16, 0, 0);
                            queue.available(1, 0);
                            queue.available(2, 0);
                            queue.availableIndex(3);
                        }));
    }

    private static List<Attack> chains() {
        return List.of(
                breaks(
                        4,
                        "next beyond the table",
                        queue -> offer(queue, 0, DATA, 16, NEXT, QUEUE_SIZE)),
                breaks(4, "next 65535", queue -> offer(queue, 0, DATA, 16, NEXT, 0xffff)),
                breaks(
                        5,
                        "descriptor that follows itself",
                        queue -> offer(queue, 0, DATA, 16, NEXT, 0)),
                breaks(
                        5,
                        "two descriptors in a circle",
                        queue -> {
                            queue.descriptor(1, DATA, 16, NEXT, 0);
                            offer(queue, 0, DATA, 16, NEXT, 1);
                        }),
                new Attack(
                        5,
                        "chain as long as the queue, which is legal",
                        target -> {
                            try (var attempt = Attempt.open(target)) {
                                var ring = attempt.start();
                                target.driver().exchange(attempt.session(), ring, QUEUE_SIZE);
                            }
                        }),
                survives(
                        9,
                        "empty descriptors at head, middle and tail",
                        queue -> {
                            queue.descriptor(1, DATA, 0, NEXT, 2);
                            queue.descriptor(2, DATA, 0, WRITE, 0);
                            offer(queue, 0, DATA, 0, NEXT, 1);
                        }),
                survives(
                        9, "nothing but an empty descriptor", queue -> offer(queue, 0, 0, 0, 0, 0)),
                breaks(
                        10,
                        "readable after writable",
                        queue -> {
                            queue.descriptor(1, DATA, 16, 0, 0);
                            offer(queue, 0, DATA, 16, WRITE | NEXT, 1);
                        }),
                survives(
                        11,
                        "buffers in the rings themselves",
                        queue -> {
                            queue.descriptor(1, queue.used(), 64, WRITE | NEXT, 2);
                            queue.descriptor(2, queue.descriptors(), 256, WRITE, 0);
                            offer(queue, 0, queue.available(), 32, NEXT, 1);
                        }),
                new Attack(14, "notification wishes at random", RingAttacks::wishes));
    }

    private static List<Attack> indirect() {
        return List.of(
                breaks(6, "table of 15 bytes", queue -> offer(queue, 0, TABLE, 15, INDIRECT, 0)),
                breaks(6, "table of 0 bytes", queue -> offer(queue, 0, TABLE, 0, INDIRECT, 0)),
                breaks(
                        6,
                        "table longer than any",
                        queue -> {
                            for (int i = 0; i < LONGEST_TABLE + 1; i++) {
                                int flags = i < LONGEST_TABLE ? NEXT : 0;
                                queue.entry(TABLE, i, DATA, 1, flags, i + 1);
                            }
                            offer(queue, 0, TABLE, 16 * (LONGEST_TABLE + 1), INDIRECT, 0);
                        }),
                breaks(
                        6,
                        "table that loops",
                        queue -> {
                            for (int i = 0; i < LONGEST_TABLE; i++) {
                                int following = (i + 1) % LONGEST_TABLE;
                                queue.entry(TABLE, i, DATA, 0, NEXT, following);
                            }
                            offer(queue, 0, TABLE, 16 * LONGEST_TABLE, INDIRECT, 0);
                        }),
                breaks(
                        6,
                        "table of almost 4 GiB",
                        queue -> offer(queue, 0, TABLE, -16, INDIRECT, 0)),
                breaks(
                        6,
                        "table in a table",
                        queue -> {
                            queue.entry(TABLE, 0, TABLE, 16, INDIRECT, 0);
                            offer(queue, 0, TABLE, 16, INDIRECT, 0);
                        }),
                breaks(
                        6,
                        "table that goes on",
                        queue -> {
                            queue.entry(TABLE, 0, DATA, 16, 0, 0);
                            queue.descriptor(1, DATA, 16, 0, 0);
                            offer(queue, 0, TABLE, 16, INDIRECT | NEXT, 1);
                        }),
                breaks(
                        6,
                        "table whose next is beyond it",
                        queue -> {
                            queue.entry(TABLE, 0, DATA, 16, NEXT, 1);
                            offer(queue, 0, TABLE, 16, INDIRECT, 0);
                        }),
                breaks(
                        6,
                        "table outside of memory",
                        queue -> offer(queue, 0, 1L << 50, 16, INDIRECT, 0)),
                new Attack(6, "table that was not negotiated", RingAttacks::notNegotiated),
                new Attack(
                        7, "table and descriptors that change all the time", RingAttacks::hammer));
    }

    private static List<Attack> addresses() {
        long end = DriverMemory.GUEST_BASE + Attempt.MEMORY;
        return List.of(
                breaks(8, "address outside of memory", queue -> offer(queue, 0, 0x1000, 16, 0, 0)),
                breaks(8, "address that wraps around", queue -> offer(queue, 0, -8, 16, 0, 0)),
                breaks(8, "address of 2^63", queue -> offer(queue, 0, Long.MIN_VALUE, 16, 0, 0)),
                breaks(
                        8,
                        "buffer that crosses the end",
                        queue -> offer(queue, 0, end - 8, 16, 0, 0)),
                breaks(8, "buffer of 4 GiB", queue -> offer(queue, 0, DATA, -1, 0, 0)),
                new Attack(
                        8, "buffer across adjacent regions, which is legal", RingAttacks::adjacent),
                new Attack(8, "buffer across a hole", RingAttacks::hole));
    }

    private static List<Attack> descriptions() {
        var all = new ArrayList<Attack>();
        for (int i = 0; i < 3; i++) {
            int part = i;
            all.add(refused(12, "ring part " + i + " misaligned", SET_VRING_ADDR, 1, part));
            all.add(refused(12, "ring part " + i + " outside", SET_VRING_ADDR, 1L << 46, part));
            all.add(
                    refused(
                            12,
                            "ring part " + i + " across the end",
                            SET_VRING_ADDR,
                            Attempt.MEMORY - 64,
                            part));
        }
        all.add(new Attack(12, "parts of a ring overlap", RingAttacks::overlap));
        for (int size : new int[] {0, 3, 65535, 65536, -1, Integer.MIN_VALUE}) {
            all.add(refusedSize("queue size " + Integer.toUnsignedString(size), size));
        }
        all.add(
                new Attack(
                        15,
                        "queue size changes while it runs",
                        target -> {
                            try (var attempt = Attempt.open(target)) {
                                var ring = attempt.start();
                                attempt.refused(SET_VRING_NUM, state(attempt.queue(), 32));
                                attempt.served(ring);
                            }
                        }));
        all.add(
                new Attack(
                        15,
                        "queue size differs from the in-flight record's",
                        RingAttacks::otherRecord));
        return all;
    }

    private static Attack refusedSize(String name, int size) {
        return new Attack(
                15,
                name,
                target -> {
                    for (boolean acknowledged : new boolean[] {true, false}) {
                        try (var attempt =
                                Attempt.open(
                                        target, acknowledged, new DriverMemory(Attempt.MEMORY))) {
                            attempt.refused(SET_VRING_NUM, state(attempt.queue(), size));
                        }
                    }
                });
    }

    private static Attack refused(int group, String name, int request, long offset, int part) {
        return new Attack(
                group,
                name,
                target -> {
                    for (boolean acknowledged : new boolean[] {true, false}) {
                        try (var attempt =
                                Attempt.open(
                                        target, acknowledged, new DriverMemory(Attempt.MEMORY))) {
                            attempt.session()
                                    .tell(SET_VRING_NUM, state(attempt.queue(), QUEUE_SIZE));
                            var queue = DriverQueue.of(attempt.memory(), QUEUE_SIZE, 0);
                            var body = VhostUserSession.addresses(attempt.queue(), queue);
                            int at = 8 + 8 * part;
                            body.putLong(at, body.getLong(at) + offset);
                            attempt.refused(request, body);
                        }
                    }
                });
    }

    private static void offer(
            SplitDriverQueue queue, int head, long address, int length, int flags, int next) {
        queue.descriptor(head, address, length, flags, next);
        queue.offer(head);
    }

    private static void wishes(Target target) {
        var random = new Random(14);
        try (var attempt = Attempt.open(target)) {
            var ring = attempt.start();
            for (int i = 0; i < 200; i++) {
                split(ring).usedEvent(random.nextInt(65536));
                split(ring).availFlags(random.nextInt(2));
                target.driver().request(attempt.session(), ring, 3);
                ring.kick().signal();
                VhostUserSession.awaitUsed(ring);
            }
        }
    }

    private static void notNegotiated(Target target) {
        try (var attempt = Attempt.open(target)) {
            long features = attempt.session().features() & ~VhostUserSession.INDIRECT_DESC;
            attempt.session().tell(SET_FEATURES, u64(features));
            var ring = attempt.start();
            split(ring).entry(TABLE, 0, DATA, 16, 0, 0);
            offer(split(ring), 0, TABLE, 16, INDIRECT, 0);
            attempt.broken(ring);
        }
    }

    /** A table is right when it is looked at first, and wrong when it is looked at again. */
    private static void hammer(Target target) {
        long seed = System.nanoTime();
        var random = new Random(seed);
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(HAMMER_MILLIS);
        while (System.nanoTime() < end) {
            try (var attempt = Attempt.open(target)) {
                var ring = attempt.start();
                hammer(attempt, ring, random, end);
            } catch (RuntimeException | AssertionError e) {
                throw new AssertionError("seed " + seed, e);
            }
        }
    }

    private static void hammer(Attempt attempt, Ring ring, Random random, long end) {
        var queue = split(ring);
        for (int round = 0; round < 64 && System.nanoTime() < end; round++) {
            for (int i = 0; i < 4; i++) {
                queue.entry(TABLE, i, DATA, 16, i < 3 ? NEXT : WRITE, i + 1);
            }
            offer(queue, round % QUEUE_SIZE, TABLE, 64, INDIRECT, 0);
            attempt.kick(ring);
            for (int change = 0; change < 200; change++) {
                long address = random.nextBoolean() ? random.nextLong() : DATA;
                int length = random.nextBoolean() ? random.nextInt() : 16;
                queue.entry(
                        TABLE,
                        random.nextInt(4),
                        address,
                        length,
                        random.nextInt(8),
                        random.nextInt(65536));
                queue.descriptor(
                        round % QUEUE_SIZE,
                        TABLE,
                        random.nextInt(),
                        random.nextInt(8),
                        random.nextInt(65536));
            }
        }
        attempt.survived();
    }

    private static void adjacent(Target target) {
        try (var attempt = Attempt.open(target, true, new DriverMemory(Attempt.MEMORY, 2))) {
            var ring = attempt.start();
            attempt.served(ring);
            // Half in one region and half in the next; what it says is another matter.
            ring.queue().addReadable(DriverMemory.GUEST_BASE + Attempt.MEMORY / 2 - 8, 16);
            ring.queue().publish();
            attempt.kick(ring);
            Attempt.pause(20);
            attempt.survived();
        }
    }

    private static void hole(Target target) {
        try (var attempt = Attempt.connect(target)) {
            attempt.negotiate();
            var table = io.vireo.testkit.VhostUserFrontEnd.payload(8 + 64).putInt(0, 2);
            long half = Attempt.MEMORY / 2;
            table.putLong(8, DriverMemory.GUEST_BASE)
                    .putLong(16, half)
                    .putLong(24, DriverMemory.USER_BASE);
            table.putLong(40, DriverMemory.GUEST_BASE + 2 * half).putLong(48, half);
            table.putLong(56, DriverMemory.USER_BASE + Attempt.MEMORY).putLong(64, half);
            attempt.session()
                    .tell(SET_MEM_TABLE, table, attempt.memory().fd(), attempt.memory().fd());
            var ring = attempt.start();
            offer(split(ring), 0, DriverMemory.GUEST_BASE + half - 8, 16, 0, 0);
            attempt.broken(ring);
        }
    }

    private static void overlap(Target target) {
        try (var attempt = Attempt.open(target)) {
            var queue = DriverQueue.of(attempt.memory(), QUEUE_SIZE, 0);
            var ring = attempt.session().describe(attempt.queue(), queue, 0);
            var body = VhostUserSession.addresses(attempt.queue(), queue);
            body.putLong(16, body.getLong(8));
            attempt.session().tell(SET_VRING_ADDR, body);
            attempt.session().kick(attempt.queue(), ring);
            attempt.refused(SET_VRING_ENABLE, state(attempt.queue(), 1));
        }
    }

    private static void otherRecord(Target target) {
        try (var attempt = Attempt.open(target);
                Fd record = attempt.session().trackInflight(attempt.queue() + 1, 2 * QUEUE_SIZE)) {
            ForeignMemory.fullFence();
            var queue = DriverQueue.of(attempt.memory(), 4 * QUEUE_SIZE, 0);
            var ring = attempt.session().describe(attempt.queue(), queue, 0);
            attempt.session().kick(attempt.queue(), ring);
            attempt.refused(SET_VRING_ENABLE, state(attempt.queue(), 1));
        }
    }
}
