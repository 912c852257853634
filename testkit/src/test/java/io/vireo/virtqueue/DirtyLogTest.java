package io.vireo.virtqueue;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.linux.ForeignMemory;
import io.vireo.linux.NativeBuffer;
import io.vireo.testkit.DriverMemory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Every page that a queue lets be written is marked before the driver can know of it; {@code
 * -Dvireo.seed=N} repeats a random one.
 */
@ParameterizedClass
@ValueSource(longs = {Rig.ALL, Rig.PACKED})
@Tag("endurance")
class DirtyLogTest {
    private static final int GRANULE = 8 * DirtyLog.PAGE;
    private static final int FIRST = (int) (DriverMemory.GUEST_BASE / GRANULE);
    private static final int GRANULES = (int) (Rig.MEMORY / GRANULE);
    private static final long LOG_BYTES = DirtyLog.bytesFor(DriverMemory.GUEST_BASE + Rig.MEMORY);
    private static final int PIECES = 6;

    private final long features;

    DirtyLogTest(long features) {
        this.features = features;
    }

    private final NativeBuffer memory = NativeBuffer.allocate(LOG_BYTES + 8, 8);
    private final DirtyLog log = new DirtyLog(memory.address(), LOG_BYTES);

    @AfterEach
    void close() {
        memory.close();
    }

    private Optional<DirtyLog> on() {
        return Optional.of(log);
    }

    private BitSet marks() {
        var marks = new BitSet();
        for (int i = 0; i < GRANULES; i++) {
            if (ForeignMemory.getByte(memory.address() + FIRST + i) != 0) {
                marks.set(i);
            }
        }
        return marks;
    }

    private void clear() {
        ForeignMemory.fill(memory.address(), LOG_BYTES + 8, (byte) 0);
    }

    private static byte[] contents(Rig rig) {
        var bytes = new byte[(int) Rig.MEMORY];
        ForeignMemory.copyToArray(rig.memory.host(DriverMemory.GUEST_BASE), bytes, 0, bytes.length);
        return bytes;
    }

    private static BitSet changed(byte[] before, byte[] after) {
        var granules = new BitSet();
        for (int i = 0; i < before.length; i++) {
            if (before[i] != after[i]) {
                granules.set(i / GRANULE);
            }
        }
        return granules;
    }

    /** A chain that the device has: native addresses and lengths of what it may write to. */
    private record Held(int head, int room, List<Long> addresses, List<Integer> lengths) {
        static Held of(ChainBatch batch, int chain) {
            var addresses = new ArrayList<Long>();
            var lengths = new ArrayList<Integer>();
            for (int i = 0; i < batch.writableRanges[chain]; i++) {
                addresses.add(batch.rangeAddress[batch.firstWritable[chain] + i]);
                lengths.add(batch.rangeLength[batch.firstWritable[chain] + i]);
            }
            int room = (int) batch.writableBytes[chain];
            return new Held(batch.head[chain], room, addresses, lengths);
        }

        void write(int count, byte value) {
            int left = count;
            for (int i = 0; left > 0; i++) {
                int piece = Math.min(left, lengths.get(i));
                ForeignMemory.fill(addresses.get(i), piece, value);
                left -= piece;
            }
        }
    }

    @RepeatedTest(4)
    void everyPageWrittenIsMarked() {
        long seed = Long.getLong("vireo.seed", System.nanoTime());
        System.out.println("DirtyLogTest -Dvireo.seed=" + seed);
        var random = new Random(seed);
        long some = random.nextBoolean() ? features : features & ~Virtqueue.EVENT_IDX;
        int regions = 1 << random.nextInt(3);
        try (Rig rig = new Rig(new DriverMemory(Rig.MEMORY, regions), 64, some, 65500)) {
            var used = OptionalLong.of(rig.driver.used());
            long arena = rig.memory.allocate(Rig.MEMORY / 2 + Rig.MEMORY / 4, GRANULE);
            var held = new ArrayList<Held>();
            boolean logging = false;
            for (int round = 0; round < 150; round++) {
                add(rig, random, arena);
                if (random.nextInt(4) == 0) {
                    logging = !logging;
                    rig.queue.log(logging ? on() : Optional.empty(), used);
                }
                clear();
                var before = contents(rig);
                serve(rig, random, held);
                var written = changed(before, contents(rig));
                var missed = (BitSet) written.clone();
                missed.andNot(marks());
                if (logging) {
                    assertThat(missed)
                            .as("seed " + seed + ", round " + round)
                            .isEqualTo(new BitSet());
                } else {
                    assertThat(marks()).isEqualTo(new BitSet());
                }
                while (rig.driver.poll()) {}
            }
            assertThat(rig.failures).isEmpty();
        }
    }

    @Test
    void theEndOfATableThatIsLongerThanTheQueueIsMarked() {
        int count = 1024;
        try (Rig rig = new Rig(new DriverMemory(Rig.MEMORY, 1), 8, features, 0)) {
            long buffer = rig.memory.allocate(2L * GRANULE, GRANULE);
            long table = rig.memory.allocate(16L * count, 16);
            var addresses = new long[count];
            var lengths = new int[count];
            Arrays.fill(addresses, buffer);
            Arrays.fill(lengths, 1);
            addresses[count - 1] = buffer + GRANULE;
            rig.queue.log(on(), OptionalLong.empty());
            rig.driver.addIndirect(table, addresses, lengths, count, count - 1);
            rig.driver.publish();
            rig.pop();
            clear();
            rig.queue.push(rig.batch.head[0], 1);
            rig.queue.flush();
            int granule = (int) ((buffer - DriverMemory.GUEST_BASE) / GRANULE);
            assertThat(marks().get(granule)).isFalse();
            assertThat(marks().get(granule + 1)).isTrue();
        }
    }

    private static void add(Rig rig, Random random, long arena) {
        while (rig.driver.free() >= PIECES && random.nextInt(3) > 0) {
            int pieces = 1 + random.nextInt(PIECES);
            var addresses = new long[pieces];
            var lengths = new int[pieces];
            for (int i = 0; i < pieces; i++) {
                lengths[i] = random.nextInt(5) == 0 ? 0 : 1 + random.nextInt(9000);
                addresses[i] = arena + random.nextInt((int) (Rig.MEMORY / 2));
            }
            int readable = random.nextInt(pieces + 1);
            if (random.nextBoolean()) {
                long table = rig.memory.allocate(16L * PIECES, 16);
                rig.driver.addIndirect(table, addresses, lengths, pieces, readable);
            } else {
                rig.driver.add(addresses, lengths, pieces, readable);
            }
        }
        rig.driver.publish();
    }

    /** Takes, writes to and completes some chains, not all of those taken and others too. */
    private static void serve(Rig rig, Random random, List<Held> held) {
        rig.pop();
        for (int i = 0; i < rig.batch.count; i++) {
            held.add(Held.of(rig.batch, i));
        }
        var heads = new int[held.size()];
        var written = new int[held.size()];
        int count = 0;
        while (!held.isEmpty() && random.nextInt(5) > 0) {
            var chain = held.remove(random.nextInt(held.size()));
            heads[count] = chain.head;
            written[count] = random.nextInt(chain.room + 1);
            chain.write(written[count], (byte) random.nextInt());
            count++;
        }
        if (random.nextBoolean()) {
            rig.queue.push(heads, written, count);
        } else {
            for (int i = 0; i < count; i++) {
                rig.queue.push(heads[i], written[i]);
            }
        }
        rig.queue.flush();
        if (!rig.queue.arm()) {
            rig.queue.disarm();
        }
    }

    @Test
    void chainsInFlightAreMarkedWhenLoggingBeginsAfterThem() {
        try (Rig rig = new Rig(16, features, 0)) {
            long buffer = rig.memory.allocate(100, GRANULE);
            take(rig, buffer);
            rig.queue.log(on(), OptionalLong.empty());
            complete(rig);
            assertThat(marks()).isEqualTo(isPacked() ? everything() : granule(buffer));
            clear();
            // Those that come after it are known in both formats, under another log, too.
            take(rig, buffer);
            rig.queue.log(on(), OptionalLong.empty());
            complete(rig);
            assertThat(marks()).isEqualTo(marked(rig, buffer));
            take(rig, buffer);
            rig.queue.log(Optional.empty(), OptionalLong.empty());
            clear();
            complete(rig);
            assertThat(marks()).isEqualTo(new BitSet());
        }
    }

    private static void take(Rig rig, long buffer) {
        rig.driver.addWritable(buffer, 100);
        rig.driver.publish();
        assertThat(rig.pop()).isEqualTo(1);
    }

    private static void complete(Rig rig) {
        rig.queue.push(rig.batch.head[0], 100);
        rig.queue.flush();
        assertThat(rig.driver.poll()).isTrue();
    }

    private boolean isPacked() {
        return features == Rig.PACKED;
    }

    private static BitSet everything() {
        var all = new BitSet();
        all.set(0, GRANULES);
        return all;
    }

    /** A buffer, and the ring if it holds used descriptors. */
    private BitSet marked(Rig rig, long buffer) {
        var marks = granule(buffer);
        if (isPacked()) {
            marks.or(granule(rig.driver.descriptors()));
        }
        return marks;
    }

    /** The device area, where we say what we want to be told of, has an address of its own. */
    @Test
    void writesToTheDeviceAreaAreMarkedWhereToldSo() {
        try (Rig rig = new Rig(16, features, 0)) {
            long logged = rig.memory.allocate(GRANULE, GRANULE);
            rig.queue.log(on(), OptionalLong.of(logged));
            assertThat(marks()).isEqualTo(marked(rig, logged));
            clear();
            assertThat(rig.queue.arm()).isTrue();
            assertThat(marks()).isEqualTo(granule(logged));
            clear();
            rig.queue.disarm();
            assertThat(marks()).isEqualTo(granule(logged));
        }
    }

    @Test
    void onlyWhatWasWrittenIsMarked() {
        try (Rig rig = new Rig(16, features, 0)) {
            long buffer = rig.memory.allocate(3 * GRANULE, GRANULE);
            rig.queue.log(on(), OptionalLong.empty());
            rig.driver.addWritable(buffer, 3 * GRANULE);
            rig.driver.addReadable(buffer, 3 * GRANULE);
            rig.driver.publish();
            rig.pop();
            rig.queue.push(rig.batch.head[0], GRANULE);
            rig.queue.push(rig.batch.head[1], 0);
            rig.queue.flush();
            assertThat(marks()).isEqualTo(marked(rig, buffer));
        }
    }

    private static BitSet granule(long guestAddress) {
        var one = new BitSet();
        one.set((int) ((guestAddress - DriverMemory.GUEST_BASE) / GRANULE));
        return one;
    }

    /** Nothing outside of the log is written, whatever a driver says. */
    @Test
    void marksBeyondTheLogAreLeftOut() {
        var small = new DirtyLog(memory.address(), 4);
        small.mark(3L * GRANULE, 10L * GRANULE);
        small.mark(4L * GRANULE, 1);
        small.mark(Long.MAX_VALUE - 5, 100);
        small.mark(-1, 100);
        small.mark(0, 0);
        assertThat(ForeignMemory.getLong(memory.address())).isEqualTo(0xFF00_0000L);
    }

    /** A split queue reads them once more; a packed one has no need to. */
    @Test
    void descriptorsThatChangeUnderwayDoNoHarm() {
        var random = new Random(7);
        try (Rig rig = new Rig(16)) {
            rig.queue.log(on(), OptionalLong.of(rig.driver.used()));
            long buffer = rig.memory.allocate(4096, GRANULE);
            for (int i = 0; i < 2000; i++) {
                rig.driver.addWritable(buffer, 4096);
                rig.driver.publish();
                rig.pop();
                for (int d = 0; d < 16; d++) {
                    rig.split()
                            .descriptor(
                                    d,
                                    random.nextBoolean() ? buffer : random.nextLong(),
                                    random.nextInt(),
                                    random.nextInt(8),
                                    random.nextInt(20));
                }
                rig.queue.push(rig.batch.head[0], random.nextInt());
                rig.queue.flush();
                assertThat(rig.driver.poll()).isTrue();
            }
            assertThat(rig.failures).isEmpty();
            assertThat(ForeignMemory.getLong(memory.address() + LOG_BYTES)).isZero();
        }
    }
}
