package io.vireo.testkit.hostile;

import static io.vireo.testkit.DriverQueue.INDIRECT;
import static io.vireo.testkit.DriverQueue.NEXT;
import static io.vireo.testkit.DriverQueue.WRITE;
import static io.vireo.testkit.PackedDriverQueue.AVAIL;
import static io.vireo.testkit.PackedDriverQueue.USED;
import static io.vireo.testkit.VhostUserFrontEnd.SET_VRING_ADDR;
import static io.vireo.testkit.VhostUserFrontEnd.SET_VRING_ENABLE;
import static io.vireo.testkit.VhostUserFrontEnd.SET_VRING_NUM;
import static io.vireo.testkit.VhostUserFrontEnd.state;
import static io.vireo.testkit.hostile.Attempt.LONGEST_TABLE;
import static io.vireo.testkit.hostile.Attempt.QUEUE_SIZE;

import io.vireo.testkit.DriverMemory;
import io.vireo.testkit.DriverQueue;
import io.vireo.testkit.PackedDriverQueue;
import io.vireo.testkit.VhostUserSession;
import io.vireo.testkit.VhostUserSession.Ring;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;

/** What a driver does to its packed ring: group 13, and those of split rings that it has, too. */
final class PackedRingAttacks {
    private static final long DATA = DriverMemory.GUEST_BASE + Attempt.MEMORY / 2;
    private static final long TABLE = DriverMemory.GUEST_BASE + Attempt.MEMORY / 4;
    private static final int HAMMER_MILLIS = 300;

    private PackedRingAttacks() {}

    /** Writes something into a ring that is running, and empty. */
    @FunctionalInterface
    private interface Writing {
        void into(PackedDriverQueue queue);
    }

    static List<Attack> all() {
        var all = new ArrayList<Attack>();
        all.addAll(flags());
        all.addAll(chains());
        all.addAll(indirect());
        all.addAll(descriptions());
        return all;
    }

    private static PackedDriverQueue packed(Ring ring) {
        return (PackedDriverQueue) ring.queue();
    }

    private static Attack breaks(String name, Writing writing) {
        return new Attack(
                13,
                name,
                target -> {
                    try (var attempt = Attempt.packed(target)) {
                        var ring = attempt.start();
                        attempt.served(ring);
                        writing.into(packed(ring));
                        attempt.broken(ring);
                    }
                });
    }

    /** May break the ring or not; the back end has to get over it. */
    private static Attack survives(String name, Writing writing) {
        return new Attack(
                13,
                name,
                target -> {
                    try (var attempt = Attempt.packed(target)) {
                        var ring = attempt.start();
                        writing.into(packed(ring));
                        attempt.kick(ring);
                        Attempt.pause(20);
                        attempt.survived();
                    }
                });
    }

    private static List<Attack> flags() {
        return List.of(
                survives("wrap counter inverted", queue -> queue.offer(DATA, 16, 0, AVAIL | USED)),
                survives("neither available nor used", queue -> queue.offer(DATA, 16, 0, AVAIL)),
                survives("available and used", queue -> queue.offer(DATA, 16, 0, USED)),
                survives(
                        "every descriptor available, in either lap",
                        queue -> {
                            for (int i = 0; i < 3 * QUEUE_SIZE; i++) {
                                queue.offer(DATA, 16, i % QUEUE_SIZE, 0);
                            }
                        }),
                breaks("buffer id beyond the queue", queue -> queue.offer(DATA, 16, QUEUE_SIZE, 0)),
                breaks("buffer id 65535", queue -> queue.offer(DATA, 16, 0xffff, 0)),
                breaks(
                        "the same buffer id twice",
                        queue -> {
                            // The second first: both are seen at once.
                            int position = queue.next();
                            int available = queue.availability();
                            queue.skip();
                            queue.offer(DATA, 16, 4, 0);
                            queue.descriptor(position, DATA, 16, 4, available);
                        }),
                new Attack(13, "flags that change all the time", PackedRingAttacks::flapping),
                new Attack(13, "notification wishes at random", PackedRingAttacks::wishes));
    }

    private static List<Attack> chains() {
        return List.of(
                breaks(
                        "chain that never ends",
                        queue -> {
                            int first = queue.next();
                            int available = queue.availability();
                            queue.skip();
                            for (int i = 1; i < QUEUE_SIZE; i++) {
                                queue.offer(DATA, 16, 0, NEXT);
                            }
                            queue.descriptor(first, DATA, 16, 0, available | NEXT);
                        }),
                breaks(
                        "chain that goes on in a used descriptor",
                        queue -> queue.offer(DATA, 16, 0, NEXT)),
                breaks(
                        "readable after writable",
                        queue -> {
                            int first = queue.next();
                            int available = queue.availability();
                            queue.skip();
                            queue.offer(DATA, 16, 0, 0);
                            queue.descriptor(first, DATA, 16, 0, available | NEXT | WRITE);
                        }),
                survives("nothing but an empty descriptor", queue -> queue.offer(0, 0, 0, 0)),
                breaks("address outside of memory", queue -> queue.offer(0x1000, 16, 0, 0)),
                breaks("address that wraps around", queue -> queue.offer(-8, 16, 0, 0)),
                breaks("buffer of 4 GiB", queue -> queue.offer(DATA, -1, 0, 0)),
                survives(
                        "buffers in the ring itself",
                        queue -> {
                            int first = queue.next();
                            int available = queue.availability();
                            queue.skip();
                            queue.offer(queue.descriptors(), 16 * QUEUE_SIZE, 0, WRITE);
                            queue.descriptor(first, queue.descriptors(), 64, 0, available | NEXT);
                        }),
                new Attack(
                        13,
                        "chain as long as the queue, which is legal",
                        target -> {
                            try (var attempt = Attempt.packed(target)) {
                                var ring = attempt.start();
                                attempt.served(ring);
                                target.driver().exchange(attempt.session(), ring, QUEUE_SIZE);
                            }
                        }));
    }

    private static List<Attack> indirect() {
        return List.of(
                breaks("table of 15 bytes", queue -> queue.offer(TABLE, 15, 0, INDIRECT)),
                breaks("table of 0 bytes", queue -> queue.offer(TABLE, 0, 0, INDIRECT)),
                breaks(
                        "table longer than any",
                        queue -> queue.offer(TABLE, 16 * (LONGEST_TABLE + 1), 0, INDIRECT)),
                breaks("table of almost 4 GiB", queue -> queue.offer(TABLE, -16, 0, INDIRECT)),
                breaks("table outside of memory", queue -> queue.offer(1L << 50, 16, 0, INDIRECT)),
                breaks("table that goes on", queue -> queue.offer(TABLE, 16, 0, INDIRECT | NEXT)),
                breaks(
                        "table in a chain",
                        queue -> {
                            int first = queue.next();
                            int available = queue.availability();
                            queue.skip();
                            queue.entry(TABLE, 0, DATA, 16, 0, 0);
                            queue.offer(TABLE, 16, 0, INDIRECT);
                            queue.descriptor(first, DATA, 16, 0, available | NEXT);
                        }),
                survives(
                        "table of nothing but tables",
                        queue -> {
                            queue.entry(TABLE, 0, TABLE, 16, 0, INDIRECT | NEXT);
                            queue.offer(TABLE, 16, 0, INDIRECT);
                        }),
                new Attack(13, "table that changes all the time", PackedRingAttacks::hammerTable));
    }

    private static List<Attack> descriptions() {
        var all = new ArrayList<Attack>();
        for (int part = 0; part < 3; part++) {
            all.add(refusedPart("misaligned", part, 2));
            all.add(refusedPart("outside", part, 1L << 46));
        }
        for (int size : new int[] {0, 32769, 65535, 65536, -1, Integer.MIN_VALUE}) {
            all.add(
                    new Attack(
                            13,
                            "queue size " + Integer.toUnsignedString(size),
                            target -> {
                                try (var attempt = Attempt.packed(target)) {
                                    attempt.refused(SET_VRING_NUM, state(attempt.queue(), size));
                                }
                            }));
        }
        for (int base : new int[] {QUEUE_SIZE, 0x7fff, 0xffff, -1}) {
            all.add(
                    new Attack(
                            13,
                            "place to go on from 0x" + Integer.toHexString(base),
                            target -> refusedBase(target, base)));
        }
        all.add(new Attack(13, "parts of a ring overlap", PackedRingAttacks::overlap));
        return all;
    }

    private static Attack refusedPart(String how, int part, long offset) {
        return new Attack(
                13,
                "ring part " + part + " " + how,
                target -> {
                    try (var attempt = Attempt.packed(target)) {
                        attempt.session().tell(SET_VRING_NUM, state(attempt.queue(), QUEUE_SIZE));
                        var body = VhostUserSession.addresses(attempt.queue(), queue(attempt));
                        int at = 8 + 8 * part;
                        body.putLong(at, body.getLong(at) + offset);
                        attempt.refused(SET_VRING_ADDR, body);
                    }
                });
    }

    private static DriverQueue queue(Attempt attempt) {
        return DriverQueue.of(attempt.memory(), QUEUE_SIZE, attempt.session().features());
    }

    private static void refusedBase(Target target, int base) {
        try (var attempt = Attempt.packed(target)) {
            var ring = attempt.session().describe(attempt.queue(), queue(attempt), base);
            attempt.session().kick(attempt.queue(), ring);
            attempt.refused(SET_VRING_ENABLE, state(attempt.queue(), 1));
        }
    }

    private static void overlap(Target target) {
        try (var attempt = Attempt.packed(target)) {
            var queue = queue(attempt);
            var ring = attempt.session().describe(attempt.queue(), queue, 1 << 15);
            var body = VhostUserSession.addresses(attempt.queue(), queue);
            body.putLong(16, body.getLong(8) + 16 * QUEUE_SIZE - 4);
            attempt.session().tell(SET_VRING_ADDR, body);
            attempt.session().kick(attempt.queue(), ring);
            attempt.refused(SET_VRING_ENABLE, state(attempt.queue(), 1));
        }
    }

    private static void wishes(Target target) {
        var random = new Random(13);
        try (var attempt = Attempt.packed(target)) {
            var ring = attempt.start();
            for (int i = 0; i < 200; i++) {
                packed(ring).driverEvent(random.nextInt());
                target.driver().request(attempt.session(), ring, 3);
                ring.kick().signal();
                VhostUserSession.awaitUsed(ring);
            }
        }
    }

    /** Available when it is looked at first, something else when it is looked at again. */
    private static void flapping(Target target) {
        hammer(
                target,
                (queue, random) -> {
                    int flags = random.nextInt(8) | (random.nextBoolean() ? AVAIL : USED);
                    long address = random.nextInt(4) == 0 ? random.nextLong() : DATA;
                    int length = random.nextInt(4) == 0 ? random.nextInt() : 16;
                    int id = random.nextInt(4) == 0 ? random.nextInt(65536) : random.nextInt(16);
                    queue.descriptor(random.nextInt(QUEUE_SIZE), address, length, id, flags);
                });
    }

    private static void hammerTable(Target target) {
        hammer(
                target,
                (queue, random) -> {
                    long address = random.nextBoolean() ? random.nextLong() : DATA;
                    int length = random.nextBoolean() ? random.nextInt() : 16;
                    queue.entry(TABLE, random.nextInt(4), address, length, 0, random.nextInt(8));
                });
    }

    /** Changes something while the device looks. */
    @FunctionalInterface
    private interface Change {
        void of(PackedDriverQueue queue, Random random);
    }

    private static void hammer(Target target, Change change) {
        long seed = Long.getLong("vireo.hostile.seed", System.nanoTime());
        var random = new Random(seed);
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(HAMMER_MILLIS);
        while (System.nanoTime() < end) {
            try (var attempt = Attempt.packed(target)) {
                var ring = attempt.start();
                for (int round = 0; round < 64 && System.nanoTime() < end; round++) {
                    for (int i = 0; i < 4; i++) {
                        packed(ring).entry(TABLE, i, DATA, 16, 0, i < 3 ? 0 : WRITE);
                    }
                    packed(ring).offer(TABLE, 64, round % QUEUE_SIZE, INDIRECT);
                    attempt.kick(ring);
                    for (int i = 0; i < 200; i++) {
                        change.of(packed(ring), random);
                    }
                }
                attempt.survived();
            } catch (RuntimeException | AssertionError e) {
                throw new AssertionError("seed " + seed, e);
            }
        }
    }
}
