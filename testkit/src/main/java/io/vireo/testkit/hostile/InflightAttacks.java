package io.vireo.testkit.hostile;

import static io.vireo.testkit.VhostUserFrontEnd.*;
import static io.vireo.testkit.hostile.Attempt.QUEUE_SIZE;

import io.vireo.linux.Fd;
import io.vireo.linux.FileCalls;
import io.vireo.linux.ForeignMemory;
import io.vireo.linux.Memfd;
import io.vireo.linux.NativeBuffer;
import io.vireo.testkit.DriverQueue;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;

/** Records of requests in flight that cannot be: group 26. */
final class InflightAttacks {
    private static final int FLOOD = 2000;
    private static final int RECORD = 4096;

    // struct QueueRegionSplit and struct DescStateSplit
    private static final int FEATURES = 0;
    private static final int VERSION_FIELD = 8;
    private static final int DESC_NUM = 10;
    private static final int LAST_BATCH_HEAD = 12;
    private static final int USED_IDX = 14;
    private static final int ENTRIES = 16;
    private static final int ENTRY = 16;
    private static final int NEXT = 6;

    private InflightAttacks() {}

    static List<Attack> all() {
        var all = new ArrayList<Attack>();
        all.add(new Attack(26, "records asked for again and again", InflightAttacks::flood));
        for (var numbers :
                new int[][] {
                    {0, QUEUE_SIZE}, {65535, QUEUE_SIZE}, {1, 0}, {1, 65535}, {1, 3}, {65535, 65535}
                }) {
            all.add(
                    new Attack(
                            26,
                            "record for " + numbers[0] + " queues of " + numbers[1],
                            target -> numbers(target, numbers[0], numbers[1])));
        }
        all.add(new Attack(26, "record that is too short", target -> place(target, 64, 0, RECORD)));
        all.add(
                new Attack(
                        26,
                        "record beyond its file",
                        target -> place(target, RECORD, RECORD, RECORD)));
        all.add(
                new Attack(
                        26,
                        "record at an odd offset",
                        target -> place(target, RECORD, 8, 2 * RECORD)));
        all.add(
                new Attack(
                        26,
                        "record whose offset wraps around",
                        target -> place(target, RECORD, -4096, RECORD)));
        all.add(refused("other version", record -> record.putShort(VERSION_FIELD, (short) 7)));
        all.add(refused("unknown features", record -> record.putLong(FEATURES, 1)));
        all.add(
                refused(
                        "other number of descriptors",
                        record -> record.putShort(DESC_NUM, (short) 8)));
        all.add(refused("mark 255", record -> record.put(ENTRIES, (byte) 0xff)));
        all.add(
                refused(
                        "last batch out of range",
                        record ->
                                mark(record)
                                        .putShort(USED_IDX, (short) -1)
                                        .putShort(LAST_BATCH_HEAD, (short) 99)));
        all.add(
                refused(
                        "last batch that loops",
                        record ->
                                mark(record)
                                        .putShort(USED_IDX, (short) -3)
                                        .putShort(ENTRIES + NEXT, (short) 0)));
        all.add(
                refused(
                        "used index far away",
                        record -> mark(record).putShort(USED_IDX, (short) 1000)));
        all.add(new Attack(26, "counters that are all the same", InflightAttacks::sameCounters));
        all.add(new Attack(26, "records at random", InflightAttacks::random));
        all.add(new Attack(26, "record while a queue runs", InflightAttacks::running));
        all.add(new Attack(26, "record that is taken away under I/O", InflightAttacks::truncated));
        return all;
    }

    private static ByteBuffer mark(ByteBuffer record) {
        return record.put(ENTRIES, (byte) 1);
    }

    private static ByteBuffer description(long size, long offset, int queues, int queueSize) {
        var body = payload(24).putLong(0, size).putLong(8, offset);
        return body.putShort(16, (short) queues).putShort(18, (short) queueSize);
    }

    private static void flood(Target target) {
        try (var attempt = Attempt.open(target)) {
            for (int i = 0; i < FLOOD; i++) {
                var body = description(0, 0, 1, QUEUE_SIZE);
                attempt.frontEnd().ask(GET_INFLIGHT_FD, body).fds().get(0).close();
            }
            attempt.served(attempt.start());
        }
    }

    private static void numbers(Target target, int queues, int queueSize) throws Exception {
        try (var attempt = Attempt.open(target)) {
            attempt.dropped(GET_INFLIGHT_FD, description(0, 0, queues, queueSize));
        }
        try (var attempt = Attempt.open(target);
                var fd = Memfd.create("record", 1 << 22, Memfd.MFD_ALLOW_SEALING)) {
            attempt.refused(SET_INFLIGHT_FD, description(1 << 22, 0, queues, queueSize), fd);
        }
    }

    private static void place(Target target, long size, long offset, long file) throws Exception {
        try (var attempt = Attempt.open(target);
                var fd = Memfd.create("record", file, Memfd.MFD_ALLOW_SEALING)) {
            attempt.refused(SET_INFLIGHT_FD, description(size, offset, 1, QUEUE_SIZE), fd);
        }
    }

    /** A record as we leave it, with one thing changed, must not start a queue. */
    private static Attack refused(String name, Consumer<ByteBuffer> change) {
        return new Attack(
                26,
                name,
                target -> {
                    var record = empty();
                    change.accept(record);
                    try (var attempt = Attempt.open(target)) {
                        describe(attempt, record);
                        attempt.refused(SET_VRING_ENABLE, state(attempt.queue(), 1));
                    }
                });
    }

    private static ByteBuffer empty() {
        var record = payload(ENTRIES + ENTRY * QUEUE_SIZE);
        record.putShort(VERSION_FIELD, (short) 1);
        return record.putShort(DESC_NUM, (short) QUEUE_SIZE);
    }

    /** Tells all of a ring whose record is as given; it is not enabled yet. */
    private static io.vireo.testkit.VhostUserSession.Ring describe(
            Attempt attempt, ByteBuffer record) {
        int queues = attempt.queue() + 1;
        try (Fd fd = attempt.session().trackInflight(queues, QUEUE_SIZE)) {
            int region = (ENTRIES + ENTRY * QUEUE_SIZE + 63) & -64;
            write(fd, (long) region * attempt.queue(), record.array());
        }
        var queue = DriverQueue.of(attempt.memory(), QUEUE_SIZE, attempt.session().features());
        var ring = attempt.session().describe(attempt.queue(), queue, 0);
        attempt.session().kick(attempt.queue(), ring);
        return ring;
    }

    static void write(Fd fd, long offset, byte[] bytes) {
        try (var buffer = NativeBuffer.allocate(bytes.length, 8)) {
            ForeignMemory.copyFromArray(bytes, 0, buffer.address(), bytes.length);
            if (FileCalls.pwrite(fd.number(), buffer.address(), bytes.length, offset)
                    != bytes.length) {
                throw new IllegalStateException("the record cannot be written");
            }
        }
    }

    /** Marks of requests that the ring does not have: at worst the driver's own ring is broken. */
    private static void sameCounters(Target target) {
        var record = empty();
        for (int i = 0; i < QUEUE_SIZE; i++) {
            record.put(ENTRIES + ENTRY * i, (byte) 1);
        }
        survives(target, record);
    }

    private static void random(Target target) {
        long seed = Long.getLong("vireo.hostile.seed", System.nanoTime());
        var random = new Random(seed);
        for (int i = 0; i < 100; i++) {
            var record = empty();
            for (int change = random.nextInt(8); change >= 0; change--) {
                record.put(random.nextInt(record.capacity()), (byte) random.nextInt(3));
            }
            try {
                survives(target, record);
            } catch (RuntimeException e) {
                throw new AssertionError("seed " + seed, e);
            }
        }
    }

    private static void survives(Target target, ByteBuffer record) {
        try (var attempt = Attempt.open(target)) {
            var ring = describe(attempt, record);
            attempt.frontEnd().sendNeedReply(SET_VRING_ENABLE, state(attempt.queue(), 1));
            ring.kick().signal();
            Attempt.pause(2);
            attempt.survived();
        }
    }

    private static void running(Target target) {
        try (var attempt = Attempt.open(target)) {
            var ring = attempt.start();
            var reply = attempt.frontEnd().ask(GET_INFLIGHT_FD, description(0, 0, 1, QUEUE_SIZE));
            try (var fd = reply.fds().get(0)) {
                attempt.refused(SET_INFLIGHT_FD, reply.body(), fd);
            }
            attempt.served(ring);
        }
    }

    private static void truncated(Target target) throws Exception {
        try (var attempt = Attempt.open(target);
                var fd = Memfd.create("record", RECORD, 0)) {
            int queues = attempt.queue() + 1;
            attempt.session().tell(SET_INFLIGHT_FD, description(RECORD, 0, queues, QUEUE_SIZE), fd);
            var ring = attempt.start();
            attempt.served(ring);
            FileCalls.ftruncate(fd, 0);
            target.driver().request(attempt.session(), ring, 3);
            attempt.dropped();
        }
    }
}
