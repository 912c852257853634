package io.vireo.testkit.hostile;

import static io.vireo.testkit.VhostUserFrontEnd.SET_FEATURES;
import static io.vireo.testkit.VhostUserFrontEnd.SET_VRING_ENABLE;
import static io.vireo.testkit.VhostUserFrontEnd.payload;
import static io.vireo.testkit.VhostUserFrontEnd.state;
import static io.vireo.testkit.VhostUserFrontEnd.u64;
import static io.vireo.testkit.hostile.Attempt.QUEUE_SIZE;

import io.vireo.linux.Fd;
import io.vireo.testkit.DriverQueue;
import io.vireo.testkit.VhostUserSession;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;

/** Records of requests in flight in packed rings that cannot be: group 26. */
final class PackedInflightAttacks {
    // struct QueueRegionPacked and struct DescStatePacked
    private static final int FEATURES = 0;
    private static final int VERSION = 8;
    private static final int DESC_NUM = 10;
    private static final int OLD_FREE_HEAD = 14;
    private static final int USED_IDX = 16;
    private static final int OLD_USED_IDX = 18;
    private static final int OLD_USED_WRAP_COUNTER = 21;
    private static final int ENTRIES = 32;
    private static final int ENTRY = 32;
    private static final int NEXT = 2;
    private static final int NUM = 6;

    private PackedInflightAttacks() {}

    static List<Attack> all() {
        var all = new ArrayList<Attack>();
        all.add(refused("other version", record -> record.putShort(VERSION, (short) 7)));
        all.add(refused("unknown features", record -> record.putLong(FEATURES, 1)));
        all.add(
                refused(
                        "other number of descriptors",
                        record -> record.putShort(DESC_NUM, (short) 8)));
        all.add(refused("mark 255", record -> record.put(ENTRIES, (byte) 0xff)));
        all.add(refused("used index 16", record -> record.putShort(USED_IDX, (short) 16)));
        all.add(refused("old used index -1", record -> record.putShort(OLD_USED_IDX, (short) -1)));
        all.add(refused("wrap counter 2", record -> record.put(OLD_USED_WRAP_COUNTER, (byte) 2)));
        all.add(
                refused(
                        "free list that loops",
                        record -> mark(record).putShort(ENTRIES + ENTRY + NEXT, (short) 1)));
        all.add(
                refused(
                        "chain of no descriptors",
                        record -> mark(record).putShort(ENTRIES + NUM, (short) 0)));
        all.add(
                refused(
                        "chain longer than the queue",
                        record -> mark(record).putShort(ENTRIES + NUM, (short) -1)));
        all.add(
                refused(
                        "chain that leaves the table",
                        record ->
                                mark(record)
                                        .putShort(ENTRIES + NUM, (short) 2)
                                        .putShort(ENTRIES + NEXT, (short) 99)));
        all.add(new Attack(26, "packed record: at random", PackedInflightAttacks::random));
        all.add(
                new Attack(
                        26, "packed record: of a split ring", PackedInflightAttacks::otherFormat));
        return all;
    }

    /** The first entry is in flight, the free list begins behind it. */
    private static ByteBuffer mark(ByteBuffer record) {
        record.put(ENTRIES, (byte) 1).putShort(ENTRIES + NUM, (short) 1);
        return record.putShort(OLD_FREE_HEAD, (short) 1);
    }

    private static ByteBuffer empty() {
        var record = payload(ENTRIES + ENTRY * QUEUE_SIZE);
        record.putShort(VERSION, (short) 1).putShort(DESC_NUM, (short) QUEUE_SIZE);
        for (int i = 0; i < QUEUE_SIZE; i++) {
            record.putShort(ENTRIES + ENTRY * i + NEXT, (short) (i + 1));
        }
        return record;
    }

    /** A record as we leave it, with one thing changed, must not start a queue. */
    private static Attack refused(String name, Consumer<ByteBuffer> change) {
        return new Attack(
                26,
                "packed record: " + name,
                target -> {
                    var record = empty();
                    change.accept(record);
                    try (var attempt = Attempt.packed(target)) {
                        describe(attempt, record);
                        attempt.refused(SET_VRING_ENABLE, state(attempt.queue(), 1));
                    }
                });
    }

    /** Tells all of a ring whose record is as given; it is not enabled yet. */
    private static VhostUserSession.Ring describe(Attempt attempt, ByteBuffer record) {
        try (Fd fd = attempt.session().trackInflight(attempt.queue() + 1, QUEUE_SIZE)) {
            long region = (ENTRIES + ENTRY * QUEUE_SIZE + 63) & -64;
            InflightAttacks.write(fd, region * attempt.queue(), record.array());
        }
        var queue = DriverQueue.of(attempt.memory(), QUEUE_SIZE, attempt.session().features());
        var ring = attempt.session().describe(attempt.queue(), queue, 1 << 15);
        attempt.session().kick(attempt.queue(), ring);
        return ring;
    }

    private static void random(Target target) {
        long seed = Long.getLong("vireo.hostile.seed", System.nanoTime());
        var random = new Random(seed);
        for (int i = 0; i < 100; i++) {
            var record = empty();
            for (int change = random.nextInt(8); change >= 0; change--) {
                record.put(random.nextInt(record.capacity()), (byte) random.nextInt(3));
            }
            try (var attempt = Attempt.packed(target)) {
                var ring = describe(attempt, record);
                attempt.frontEnd().sendNeedReply(SET_VRING_ENABLE, state(attempt.queue(), 1));
                ring.kick().signal();
                Attempt.pause(2);
                attempt.survived();
            } catch (RuntimeException e) {
                throw new AssertionError("seed " + seed, e);
            }
        }
    }

    /** A record is taken for split rings, which then turn out to be packed. */
    private static void otherFormat(Target target) {
        try (var attempt = Attempt.packed(target)) {
            long packed = attempt.session().features();
            attempt.session().tell(SET_FEATURES, u64(packed & ~VhostUserSession.RING_PACKED));
            attempt.session().trackInflight(attempt.queue() + 1, QUEUE_SIZE).close();
            attempt.session().tell(SET_FEATURES, u64(packed));
            var queue = DriverQueue.of(attempt.memory(), QUEUE_SIZE, packed);
            var ring = attempt.session().describe(attempt.queue(), queue, 1 << 15);
            attempt.session().kick(attempt.queue(), ring);
            attempt.refused(SET_VRING_ENABLE, state(attempt.queue(), 1));
        }
    }
}
