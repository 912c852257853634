package io.vireo.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockStatus;
import io.vireo.linux.Fd;
import io.vireo.linux.FileCalls;
import io.vireo.linux.ForeignMemory;
import io.vireo.linux.Mapping;
import io.vireo.linux.Memfd;
import io.vireo.linux.NativeBuffer;
import io.vireo.linux.OpenFiles;
import io.vireo.memory.ScatterGatherList;
import io.vireo.reactor.PollMode;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.ReactorConfig;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What every {@link BlockDevice} does. Random tests replay with {@code -Dvireo.seed=N}. */
@Tag("endurance")
public abstract class BlockDeviceContract {
    protected static final int BLOCK = 512;
    protected static final int CAPACITY = 4 << 20;

    /** Requests after which what they run through is compiled. */
    private static final int COMPILED = 6_000;

    private static final long COMPILER_NANOS = TimeUnit.SECONDS.toNanos(60);

    @TempDir protected Path directory;

    protected Reactor reactor;
    protected BlockDevice device;
    protected BlockClient client;

    /** A device of {@link #CAPACITY} bytes in blocks of {@link #BLOCK} that reads as zeroes. */
    protected abstract BlockDevice make() throws Exception;

    /** Gives back what {@link #make} took. */
    protected void unmake() throws Exception {}

    /** Whether its data path allocates nothing. */
    protected boolean allocatesNothing() {
        return true;
    }

    /** Whether it keeps what is written. */
    protected boolean keepsData() {
        return true;
    }

    /**
     * Whether the kernel copies from and to the client's memory, and tells of what is not there. A
     * test's own device copies by itself, and would die of it.
     */
    protected boolean kernelCopies() {
        return true;
    }

    @BeforeEach
    void open() throws Exception {
        reactor = Reactor.start(new ReactorConfig("block-test", -1, PollMode.ADAPTIVE));
        device = make();
        client = new BlockClient(device, reactor);
    }

    @AfterEach
    void close() throws Exception {
        client.close();
        unmake();
        assertThat(reactor.metrics().delegatedRequests()).isZero();
        reactor.close();
    }

    /** A seed that is printed. */
    protected static Random random() {
        long seed = Long.getLong("vireo.seed", System.nanoTime());
        System.out.println("vireo.seed=" + seed);
        return new Random(seed);
    }

    protected static byte[] bytes(Random random, int length) {
        byte[] data = new byte[length];
        random.nextBytes(data);
        return data;
    }

    /** Two channels of a reactor may share what tells them of completions. */
    @Test
    void whoSleepsIsToldAfterAnotherChannelHasGone() {
        byte[] data = new byte[BLOCK];
        for (int i = 0; i < 50; i++) {
            assertThat(client.write(0, data)).isEqualTo(BlockStatus.OK);
            var flush = client.start(BlockOperation.FLUSH, 0, 0, _ -> {});
            // Long enough for the poller to sleep, short enough for the flush to be under way.
            LockSupport.parkNanos(200_000);
            BlockClient.on(reactor, this::openPollAndClose);
            assertThat(BlockClient.await(flush)).isEqualTo(BlockStatus.OK);
        }
    }

    private int openPollAndClose() {
        var channel = device.open(reactor);
        int work = channel.poll();
        channel.close(() -> {});
        return work;
    }

    @Test
    void saysItsShape() {
        assertThat(device.geometry().capacity()).isEqualTo(CAPACITY);
        assertThat(device.geometry().logicalBlockSize()).isEqualTo(BLOCK);
        assertThat(device.operations()).contains(BlockOperation.READ);
    }

    @Test
    void readsWhatWasWrittenAndZeroesElsewhere() {
        byte[] data = bytes(random(), 8 * BLOCK);
        assertThat(client.write(3 * BLOCK, data)).isEqualTo(BlockStatus.OK);
        byte[] all = client.read(0, 16 * BLOCK);
        if (keepsData()) {
            byte[] expected = new byte[16 * BLOCK];
            System.arraycopy(data, 0, expected, 3 * BLOCK, data.length);
            assertThat(all).isEqualTo(expected);
        }
    }

    @Test
    void writesAndReadsTheLastBlock() {
        byte[] data = bytes(random(), BLOCK);
        assertThat(client.write(CAPACITY - BLOCK, data, true)).isEqualTo(BlockStatus.OK);
        byte[] read = client.read(CAPACITY - BLOCK, BLOCK);
        if (keepsData()) {
            assertThat(read).isEqualTo(data);
        }
    }

    @Test
    void flushAndEmptyRequestsSucceed() {
        assertThat(client.run(BlockOperation.FLUSH, 0, 0)).isEqualTo(BlockStatus.OK);
        assertThat(client.run(BlockOperation.DISCARD, 0, 0)).isEqualTo(BlockStatus.OK);
        assertThat(client.run(BlockOperation.READ, CAPACITY, 0)).isEqualTo(BlockStatus.OK);
    }

    /** What is said not to be mapped reads as zeroes; what was written is mapped. */
    @Test
    void saysWhatIsMapped() {
        Random random = random();
        byte[] data = bytes(random, 40 * BLOCK);
        for (int i = 0; i < 20; i++) {
            long offset = (long) random.nextInt(CAPACITY / BLOCK - 40) * BLOCK;
            assertThat(client.write(offset, data)).isEqualTo(BlockStatus.OK);
            assertThat(mapped(offset, data.length)).isEqualTo(data.length);
            long zero = (long) random.nextInt(CAPACITY / BLOCK / 2) * BLOCK;
            assertThat(client.run(BlockOperation.DISCARD, zero, CAPACITY / 4))
                    .isEqualTo(BlockStatus.OK);
        }
        byte[] all = client.read(0, CAPACITY);
        long at = 0;
        while (at < CAPACITY) {
            long run = mapped(at, CAPACITY - at);
            assertThat(Math.abs(run)).isBetween(1L, CAPACITY - at);
            if (run < 0) {
                assertThat(all).as("at %d", at).satisfies(allZero((int) at, (int) -run));
            }
            at += Math.abs(run);
        }
    }

    private static java.util.function.Consumer<byte[]> allZero(int offset, int length) {
        return bytes ->
                assertThat(
                                Arrays.mismatch(
                                        bytes,
                                        offset,
                                        offset + length,
                                        new byte[length],
                                        0,
                                        length))
                        .isEqualTo(-1);
    }

    protected long mapped(long offset, long length) {
        return BlockClient.on(
                reactor,
                () -> {
                    var channel = device.open(reactor);
                    long mapped = channel.mapped(offset, length);
                    channel.close(() -> {});
                    return mapped;
                });
    }

    @Test
    void zeroesReadAsZeroes() {
        byte[] data = bytes(random(), 64 * BLOCK);
        for (boolean unmap : new boolean[] {false, true}) {
            assertThat(client.write(0, data)).isEqualTo(BlockStatus.OK);
            var ended =
                    client.start(
                            BlockOperation.WRITE_ZEROES,
                            5 * BLOCK,
                            50 * BLOCK,
                            r -> r.unmap(unmap).forceUnitAccess(true));
            assertThat(BlockClient.await(ended)).isEqualTo(BlockStatus.OK);
            if (keepsData()) {
                byte[] expected = data.clone();
                Arrays.fill(expected, 5 * BLOCK, 55 * BLOCK, (byte) 0);
                assertThat(client.read(0, data.length)).isEqualTo(expected);
            }
        }
    }

    @Test
    void discardedBlocksReadAsZeroesOrAsTheyWere() {
        byte[] data = bytes(random(), 16 * BLOCK);
        assertThat(client.write(0, data)).isEqualTo(BlockStatus.OK);
        assertThat(client.run(BlockOperation.DISCARD, 0, 8 * BLOCK)).isEqualTo(BlockStatus.OK);
        byte[] read = client.read(0, data.length);
        if (keepsData()) {
            for (int i = 0; i < 8 * BLOCK; i++) {
                assertThat(read[i]).isIn((byte) 0, data[i]);
            }
            assertThat(Arrays.copyOfRange(read, 8 * BLOCK, data.length))
                    .isEqualTo(Arrays.copyOfRange(data, 8 * BLOCK, data.length));
        }
    }

    @Test
    void roomThatIsSetAsideChangesNothing() {
        if (!device.operations().contains(BlockOperation.ALLOCATE)) {
            return;
        }
        byte[] data = bytes(random(), 4 * BLOCK);
        assertThat(client.write(2 * BLOCK, data)).isEqualTo(BlockStatus.OK);
        assertThat(client.run(BlockOperation.ALLOCATE, 0, 8 * BLOCK)).isEqualTo(BlockStatus.OK);
        if (keepsData()) {
            byte[] expected = new byte[8 * BLOCK];
            System.arraycopy(data, 0, expected, 2 * BLOCK, data.length);
            assertThat(client.read(0, expected.length)).isEqualTo(expected);
        }
    }

    @Test
    void takesMoreRangesThanOneSystemCallDoes() {
        int count = 3000;
        byte[] data = bytes(random(), count * BLOCK);
        try (NativeBuffer buffer = NativeBuffer.allocate(2L * data.length, 4096)) {
            // Every other block of memory, in reverse order.
            var list = new ScatterGatherList(8);
            for (int i = 0; i < count; i++) {
                long at = buffer.address() + 2L * BLOCK * (count - 1 - i);
                list.add(at, BLOCK);
                ForeignMemory.copyFromArray(data, i * BLOCK, at, BLOCK);
            }
            assertThat(client.transfer(BlockOperation.WRITE, BLOCK, list))
                    .isEqualTo(BlockStatus.OK);
            if (keepsData()) {
                assertThat(client.read(BLOCK, data.length)).isEqualTo(data);
                ForeignMemory.fill(buffer.address(), buffer.length(), (byte) 1);
            }
            assertThat(client.transfer(BlockOperation.READ, BLOCK, list)).isEqualTo(BlockStatus.OK);
            if (keepsData()) {
                assertThat(contents(list)).isEqualTo(data);
            }
        }
    }

    @Test
    void manyAtOnceEachEndOnce() {
        var ended = new ArrayList<CompletableFuture<BlockStatus>>();
        try (NativeBuffer buffer = NativeBuffer.allocate(2000L * BLOCK, 4096)) {
            for (int i = 0; i < 2000; i++) {
                long address = buffer.address() + (long) i * BLOCK;
                ForeignMemory.fill(address, BLOCK, (byte) i);
                long offset = (long) i * BLOCK;
                BlockOperation operation =
                        i % 100 == 99 ? BlockOperation.FLUSH : BlockOperation.WRITE;
                long length = operation == BlockOperation.FLUSH ? 0 : BLOCK;
                ended.add(
                        client.start(
                                operation,
                                operation == BlockOperation.FLUSH ? 0 : offset,
                                length,
                                r -> r.data().add(address, (int) length)));
            }
            ended.forEach(f -> assertThat(BlockClient.await(f)).isEqualTo(BlockStatus.OK));
        }
        assertThat(client.inFlight()).isZero();
        if (keepsData()) {
            byte[] expected = new byte[BLOCK];
            Arrays.fill(expected, (byte) 1777);
            assertThat(client.read(1777L * BLOCK, BLOCK)).isEqualTo(expected);
        }
        assertThat(device.counters().writes()).isEqualTo(1980);
        assertThat(device.counters().flushes()).isEqualTo(20);
        assertThat(device.counters().writtenBytes()).isEqualTo(1980L * BLOCK);
        assertThat(device.counters().errors()).isZero();
    }

    @Test
    void memoryThatIsNotThereIsTheClientsFault() throws Exception {
        if (!keepsData() || !kernelCopies()) {
            return;
        }
        byte[] data = bytes(random(), 16 * BLOCK);
        assertThat(client.write(0, data)).isEqualTo(BlockStatus.OK);
        try (Fd file = Memfd.create("hole", 1 << 16, 0);
                Mapping hole = Mapping.map(file, 0, 1 << 16, Mapping.PROT_NONE, true)) {
            var list = new ScatterGatherList(1);
            list.add(hole.address(), 8 * BLOCK);
            assertThat(client.transfer(BlockOperation.WRITE, 0, list))
                    .isEqualTo(BlockStatus.MEMORY_FAULT);
            assertThat(client.transfer(BlockOperation.READ, 0, list))
                    .isEqualTo(BlockStatus.MEMORY_FAULT);
        }
        assertThat(client.read(0, data.length)).isEqualTo(data);
    }

    /** Whoever copies it: compiled code tells of it late, in the middle of another request. */
    @Test
    void memoryThatWasTakenAwayEndsItsRequestsAndNoOthers() throws Exception {
        if (!keepsData()) {
            return;
        }
        int length = 8 * BLOCK;
        byte[] data = bytes(random(), length);
        try (Fd file = Memfd.create("taken-away", length, 0);
                Mapping gone =
                        Mapping.map(file, 0, length, Mapping.PROT_READ | Mapping.PROT_WRITE, true);
                NativeBuffer there = NativeBuffer.allocate(2L * length, 4096)) {
            ForeignMemory.copyFromArray(data, 0, there.address(), length);
            for (int i = 0; i < COMPILED; i++) {
                assertThat(fourAtOnce(gone.address(), there.address(), length))
                        .containsOnly(BlockStatus.OK);
            }
            FileCalls.ftruncate(file, 0);
            for (int i = 0; i < 100; i++) {
                ForeignMemory.fill(there.address() + length, length, (byte) 0x5A);
                assertThat(fourAtOnce(gone.address(), there.address(), length))
                        .containsExactly(
                                BlockStatus.MEMORY_FAULT,
                                BlockStatus.OK,
                                BlockStatus.MEMORY_FAULT,
                                BlockStatus.OK);
                byte[] read = new byte[length];
                ForeignMemory.copyToArray(there.address() + length, read, 0, length);
                assertThat(read).isEqualTo(data);
            }
        }
        assertThat(client.inFlight()).isZero();
        assertThat(client.read(2L * length, length)).isEqualTo(data);
    }

    /** Two of them with memory that may be gone. The last one reads what the second had written. */
    private List<BlockStatus> fourAtOnce(long gone, long there, int length) {
        var ended =
                List.of(
                        start(BlockOperation.WRITE, 0, gone, length),
                        start(BlockOperation.WRITE, 2 * length, there, length),
                        start(BlockOperation.READ, length, gone, length));
        var statuses = new ArrayList<>(ended.stream().map(BlockClient::await).toList());
        statuses.add(
                BlockClient.await(start(BlockOperation.READ, 2 * length, there + length, length)));
        return statuses;
    }

    private CompletableFuture<BlockStatus> start(
            BlockOperation operation, long offset, long address, int length) {
        return client.start(operation, offset, length, r -> r.data().add(address, length));
    }

    @Test
    void channelsOfOneDeviceSeeEachOthersData() {
        byte[] data = bytes(random(), 8 * BLOCK);
        Reactor other = Reactor.start(new ReactorConfig("block-test-2", -1, PollMode.INTERRUPT));
        try (var second = new BlockClient(device, device.home().orElse(other));
                var third = new BlockClient(device, reactor)) {
            assertThat(client.write(0, data)).isEqualTo(BlockStatus.OK);
            assertThat(second.run(BlockOperation.FLUSH, 0, 0)).isEqualTo(BlockStatus.OK);
            byte[] read = second.read(0, data.length);
            byte[] readToo = third.read(0, data.length);
            if (keepsData()) {
                assertThat(read).isEqualTo(data);
                assertThat(readToo).isEqualTo(data);
            }
        }
        other.close();
    }

    @Test
    void givesEverythingBack() {
        try (var warm = new BlockClient(device, reactor)) {
            warm.read(0, BLOCK);
        }
        int before = OpenFiles.count();
        for (int i = 0; i < 20; i++) {
            try (var another = new BlockClient(device, reactor)) {
                another.read(0, BLOCK);
            }
        }
        Eventually.until("descriptors are closed", () -> OpenFiles.count() <= before);
    }

    @Test
    void randomRequestsAgreeWithAnOracle() {
        if (!keepsData()) {
            return;
        }
        Random random = random();
        byte[] oracle = new byte[CAPACITY];
        for (int round = 0; round < 40; round++) {
            randomRound(random, oracle);
        }
        assertThat(client.read(0, CAPACITY)).isEqualTo(oracle);
    }

    /** Requests to ranges that do not overlap, all at once. */
    private void randomRound(Random random, byte[] oracle) {
        int count = 16;
        int share = CAPACITY / count;
        var checks = new ArrayList<Runnable>();
        var buffers = new ArrayList<NativeBuffer>();
        for (int i = 0; i < count; i++) {
            int blocks = 1 + random.nextInt(1 + random.nextInt(share / BLOCK - 1));
            int first = random.nextInt(share / BLOCK - blocks + 1);
            int offset = i * share + first * BLOCK;
            int length = blocks * BLOCK;
            switch (random.nextInt(6)) {
                case 0, 1 -> checks.add(write(random, oracle, offset, length, buffers));
                case 2, 3 -> checks.add(read(random, oracle, offset, length, buffers));
                case 4 -> {
                    boolean unmap = random.nextBoolean();
                    var ended =
                            client.start(
                                    BlockOperation.WRITE_ZEROES,
                                    offset,
                                    length,
                                    r -> r.unmap(unmap));
                    checks.add(
                            () -> assertThat(BlockClient.await(ended)).isEqualTo(BlockStatus.OK));
                    Arrays.fill(oracle, offset, offset + length, (byte) 0);
                }
                default -> {
                    var ended = client.start(BlockOperation.FLUSH, 0, 0, _ -> {});
                    checks.add(
                            () -> assertThat(BlockClient.await(ended)).isEqualTo(BlockStatus.OK));
                }
            }
        }
        checks.forEach(Runnable::run);
        buffers.forEach(NativeBuffer::close);
    }

    private Runnable write(
            Random random, byte[] oracle, int offset, int length, List<NativeBuffer> buffers) {
        byte[] data = bytes(random, length);
        ScatterGatherList list = scatter(random, length, buffers);
        fill(list, data);
        System.arraycopy(data, 0, oracle, offset, length);
        boolean durable = random.nextInt(8) == 0;
        var ended =
                client.start(
                        BlockOperation.WRITE,
                        offset,
                        length,
                        r -> r.forceUnitAccess(durable).data().addSlice(list, 0, length));
        return () -> assertThat(BlockClient.await(ended)).isEqualTo(BlockStatus.OK);
    }

    private Runnable read(
            Random random, byte[] oracle, int offset, int length, List<NativeBuffer> buffers) {
        ScatterGatherList list = scatter(random, length, buffers);
        byte[] expected = Arrays.copyOfRange(oracle, offset, offset + length);
        var ended =
                client.start(
                        BlockOperation.READ,
                        offset,
                        length,
                        r -> r.data().addSlice(list, 0, length));
        return () -> {
            assertThat(BlockClient.await(ended)).isEqualTo(BlockStatus.OK);
            assertThat(contents(list)).isEqualTo(expected);
        };
    }

    /** Memory in pieces: aligned ones, or of any address and length. */
    private static ScatterGatherList scatter(Random random, int length, List<NativeBuffer> owner) {
        NativeBuffer buffer = NativeBuffer.allocate(2L * length + 8192, 4096);
        owner.add(buffer);
        var list = new ScatterGatherList(4);
        boolean odd = random.nextInt(3) == 0;
        long at = buffer.address() + (odd ? random.nextInt(4096) : 0);
        int left = length;
        while (left > 0) {
            int piece =
                    Math.min(
                            left,
                            odd ? 1 + random.nextInt(9000) : BLOCK * (1 + random.nextInt(32)));
            list.add(at, piece);
            left -= piece;
            at += piece;
            if (random.nextBoolean() && at + left + BLOCK < buffer.address() + buffer.length()) {
                at += odd ? 1 : BLOCK;
            }
        }
        return list;
    }

    private static void fill(ScatterGatherList list, byte[] data) {
        int at = 0;
        for (int i = 0; i < list.count(); i++) {
            ForeignMemory.copyFromArray(data, at, list.address(i), list.length(i));
            at += list.length(i);
        }
    }

    protected static byte[] contents(ScatterGatherList list) {
        byte[] data = new byte[(int) list.total()];
        int at = 0;
        for (int i = 0; i < list.count(); i++) {
            ForeignMemory.copyToArray(list.address(i), data, at, list.length(i));
            at += list.length(i);
        }
        return data;
    }

    @Test
    void steadyStateAllocatesNothing() {
        if (!allocatesNothing()) {
            return;
        }
        try (NativeBuffer buffer = NativeBuffer.allocate(SteadyBlockLoad.MEMORY, 4096)) {
            // A compiler that lags behind still allocates: the first window without counts.
            long least = Long.MAX_VALUE;
            long deadline = System.nanoTime() + COMPILER_NANOS;
            while (least > 0 && System.nanoTime() - deadline < 0) {
                SteadyBlockLoad load =
                        BlockClient.on(
                                reactor,
                                () -> new SteadyBlockLoad(device, reactor, buffer.address()));
                least = Math.min(least, BlockClient.await(load.allocated()));
            }
            assertThat(least).isZero();
        }
    }
}
