package io.vireo.device.virtio.blk;

import static io.vireo.device.virtio.blk.BlkBed.segment;
import static io.vireo.device.virtio.blk.BlkBed.segments;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import io.vireo.block.BlockOperation;
import io.vireo.block.BlockStatus;
import io.vireo.linux.ForeignMemory;
import io.vireo.reactor.Reactor;
import io.vireo.testkit.BlockClient;
import io.vireo.testkit.DriverMemory;
import io.vireo.testkit.Eventually;
import io.vireo.testkit.MemoryBlockDevice;
import io.vireo.testkit.MemoryBlockDevice.Fate;
import io.vireo.virtqueue.Virtqueue;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The device by the rules of VIRTIO 1.3, 5.2. */
@ParameterizedClass
@ValueSource(longs = {0, Virtqueue.RING_PACKED})
class VirtioBlkDeviceTest {
    private final long ring;

    VirtioBlkDeviceTest(long ring) {
        this.ring = ring;
    }

    private static final int CAPACITY = 4 << 20;
    private static final byte[] NONE = {};

    private final MemoryBlockDevice block = new MemoryBlockDevice(CAPACITY, 512);
    private final List<BlkBed> beds = new ArrayList<>();

    private BlkBed bed() {
        return bed(false, 1, BlkBed.FEATURES);
    }

    private BlkBed bed(boolean readOnly, int queues, long features) {
        var bed = new BlkBed(block, readOnly, queues, features | ring);
        beds.add(bed);
        return bed;
    }

    @AfterEach
    void close() {
        block.release();
        beds.forEach(BlkBed::close);
        assertThat(block.openChannels()).isZero();
        assertThat(block.geometryListeners()).isZero();
    }

    private static byte[] bytes(int length) {
        byte[] data = new byte[length];
        new Random(length).nextBytes(data);
        return data;
    }

    private static ByteBuffer config(VirtioBlkDevice device) {
        byte[] space = new byte[device.configSize()];
        device.readConfig(0, space, space.length);
        return ByteBuffer.wrap(space).order(ByteOrder.LITTLE_ENDIAN);
    }

    @Test
    void describesTheDisk() {
        BlkBed bed = bed(false, 3, BlkBed.FEATURES);
        ByteBuffer config = config(bed.device);
        assertThat(config.getLong(0)).isEqualTo(CAPACITY / 512);
        assertThat(config.getInt(12)).isEqualTo(126);
        assertThat(config.getInt(20)).isEqualTo(512);
        assertThat(config.get(24)).isEqualTo((byte) 3);
        assertThat(config.getShort(26)).isEqualTo((short) 8);
        assertThat(config.get(32)).isEqualTo((byte) 1);
        assertThat(config.getShort(34)).isEqualTo((short) 3);
        assertThat(config.getInt(36)).isEqualTo((1 << 20) / 512);
        assertThat(config.getInt(40)).isEqualTo(16);
        assertThat(config.getInt(44)).isEqualTo(8);
        assertThat(config.get(56)).isEqualTo((byte) 1);
        assertThat(bed.device.features()).isEqualTo(0x7E44L);
        assertThat(bed(true, 1, 0).device.features()).isEqualTo(0x1E64L);
        var plain = EnumSet.of(BlockOperation.READ, BlockOperation.WRITE, BlockOperation.FLUSH);
        var simple = new MemoryBlockDevice(CAPACITY, 4096, plain);
        var device = bed.device(simple, false);
        assertThat(device.features()).isEqualTo(0x1E44L);
        assertThat(config(device).get(24)).isZero();
    }

    @Test
    void aPhysicalBlockIsWhatTheDiskKeepsWhole() {
        var disk = new MemoryBlockDevice(CAPACITY, 512);
        disk.atomicWriteSize(1024);
        ByteBuffer config = config(bed(false, 1, BlkBed.FEATURES).device(disk, false));
        assertThat(config.get(24)).isEqualTo((byte) 1);
        // What requests are best a multiple of is another matter.
        assertThat(config.getShort(26)).isEqualTo((short) 8);
    }

    @Test
    void readsBackWhatWasWritten() {
        BlkBed bed = bed();
        byte[] data = bytes(8 * 512);
        assertThat(bed.write(7, data)).isEqualTo(BlkProtocol.S_OK);
        assertThat(bed.read(7, data.length)).isEqualTo(data);
        assertThat(bed.read(0, 7 * 512)).isEqualTo(new byte[7 * 512]);
        assertThat(block.contents(7 * 512, data.length)).isEqualTo(data);
    }

    @Test
    void framingDoesNotMatter() {
        BlkBed bed = bed();
        byte[] data = bytes(2 * 512);
        for (int piece = 1; piece <= 16; piece++) {
            for (boolean indirect : new boolean[] {false, true}) {
                bed.forget();
                data[0]++;
                long header = bed.header(BlkProtocol.T_OUT, piece);
                long out = bed.take(data.length);
                bed.put(out, data);
                var write = bed.chain().outPieces(header, 16, piece).outPieces(out, 1024, 100);
                assertThat(bed.answer(indirect ? write.indirect() : write))
                        .isEqualTo(BlkProtocol.S_OK);
                long again = bed.header(BlkProtocol.T_IN, piece);
                long in = bed.take(data.length + 1);
                bed.put(in, new byte[data.length + 1]);
                // The last byte of the last piece is the status.
                var read =
                        bed.chain()
                                .outPieces(again, 16, piece)
                                .inPieces(in, data.length + 1, 64 * piece + 1);
                (indirect ? read.indirect() : read).submit(0);
                bed.used(0);
                assertThat(bed.get(in, data.length)).as("pieces of %d", piece).isEqualTo(data);
                assertThat(bed.get(in + data.length, 1)).containsExactly(BlkProtocol.S_OK);
                assertThat(bed.driver[0].usedLength()).isEqualTo(data.length + 1);
            }
        }
    }

    @Test
    void headerAndDataMayShareADescriptor() {
        BlkBed bed = bed();
        byte[] data = bytes(512);
        long at = bed.header(BlkProtocol.T_OUT, 3);
        long after = bed.take(512);
        assertThat(after).isEqualTo(at + 16);
        bed.put(after, data);
        assertThat(bed.answer(bed.chain().out(at, 16 + 512))).isEqualTo(BlkProtocol.S_OK);
        assertThat(bed.read(3, 512)).isEqualTo(data);
    }

    @Test
    void whatIsReadAndWrittenIsTimed() {
        BlkBed bed = bed();
        long begin = System.nanoTime();
        bed.write(0, new byte[512]);
        bed.write(1, new byte[512]);
        bed.read(0, 512);
        double all = (System.nanoTime() - begin) / 1e9;
        block.fate(_ -> new MemoryBlockDevice.Fate.Ends(BlockStatus.IO_ERROR));
        assertThat(bed.write(0, new byte[512])).isEqualTo(BlkProtocol.S_IOERR);
        assertThat(bed.device.writes().count()).as("what ended well").isEqualTo(2);
        assertThat(bed.device.reads().count()).isEqualTo(1);
        assertThat(bed.device.reads().seconds() + bed.device.writes().seconds())
                .isBetween(0.0, all);
        assertThat(bed.device.writes().window(System.nanoTime()).count()).isEqualTo(2);
    }

    @Test
    void tellsItsSerial() {
        BlkBed bed = bed();
        long in = bed.take(20);
        assertThat(bed.request(BlkProtocol.T_GET_ID, 0, NONE, in, 20)).isEqualTo(BlkProtocol.S_OK);
        byte[] expected =
                Arrays.copyOf("SERIAL-0123456789".getBytes(StandardCharsets.US_ASCII), 20);
        assertThat(bed.get(in, 20)).isEqualTo(expected);
    }

    @Test
    void flushIsPassedOn() {
        BlkBed bed = bed();
        assertThat(bed.request(BlkProtocol.T_FLUSH, 0, NONE, 0, 0)).isEqualTo(BlkProtocol.S_OK);
        assertThat(block.log().getFirst().operation()).isEqualTo(BlockOperation.FLUSH);
    }

    @Test
    void segmentsAreCarriedOutOneAfterTheOther() {
        BlkBed bed = bed();
        byte[] data = bytes(64 * 512);
        assertThat(bed.write(0, data)).isEqualTo(BlkProtocol.S_OK);
        byte[] segments = segments(segment(1, 2, 0), segment(10, 4, 1), segment(63, 1, 0));
        assertThat(bed.request(BlkProtocol.T_WRITE_ZEROES, 0, segments, 0, 0))
                .isEqualTo(BlkProtocol.S_OK);
        Arrays.fill(data, 512, 3 * 512, (byte) 0);
        Arrays.fill(data, 10 * 512, 14 * 512, (byte) 0);
        Arrays.fill(data, 63 * 512, 64 * 512, (byte) 0);
        assertThat(bed.read(0, data.length)).isEqualTo(data);
        assertThat(
                        block.log().stream()
                                .filter(e -> e.operation() == BlockOperation.WRITE_ZEROES)
                                .filter(MemoryBlockDevice.Entry::completion)
                                .map(MemoryBlockDevice.Entry::unmap))
                .containsExactly(false, true, false);
    }

    @Test
    void aFailedSegmentEndsTheRequest() {
        BlkBed bed = bed();
        block.fate(r -> r.offset() == 512 ? new Fate.Ends(BlockStatus.IO_ERROR) : Fate.DONE);
        byte[] segments = segments(segment(0, 1, 0), segment(1, 1, 0), segment(2, 1, 0));
        assertThat(bed.request(BlkProtocol.T_DISCARD, 0, segments, 0, 0))
                .isEqualTo(BlkProtocol.S_IOERR);
        assertThat(block.log().stream().filter(MemoryBlockDevice.Entry::completion)).hasSize(2);
    }

    @Test
    void everyFailureOfTheDiskIsAnIoError() {
        BlkBed bed = bed();
        for (BlockStatus status : BlockStatus.values()) {
            block.fate(_ -> new Fate.Ends(status));
            byte expected =
                    switch (status) {
                        case OK -> BlkProtocol.S_OK;
                        case UNSUPPORTED -> BlkProtocol.S_UNSUPP;
                        default -> BlkProtocol.S_IOERR;
                    };
            assertThat(bed.write(0, new byte[512])).isEqualTo(expected);
        }
        block.fate(_ -> Fate.DONE);
        assertThat(bed.write(0, new byte[512])).isEqualTo(BlkProtocol.S_OK);
    }

    @Test
    void writesAreDurableWhereTheDriverCannotFlush() {
        BlkBed bed = bed(false, 1, BlkBed.FEATURES & ~BlkProtocol.F_FLUSH);
        bed.write(0, new byte[512]);
        assertThat(block.log()).allMatch(MemoryBlockDevice.Entry::durable);
    }

    @Test
    void writeThroughFlushesAndThenWritesDurably() {
        BlkBed bed = bed();
        bed.write(0, new byte[512]);
        assertThat(bed.writeback(false)).isTrue();
        assertThat(config(bed.device).get(32)).isZero();
        bed.write(1, new byte[512]);
        bed.request(BlkProtocol.T_WRITE_ZEROES, 0, segment(0, 1, 0), 0, 0);
        assertThat(bed.writeback(true)).isTrue();
        bed.write(2, new byte[512]);
        var submitted = block.log().stream().filter(e -> !e.completion()).toList();
        var written = submitted.stream().filter(e -> e.operation() != BlockOperation.FLUSH);
        assertThat(written)
                .extracting(MemoryBlockDevice.Entry::operation, MemoryBlockDevice.Entry::durable)
                .containsExactly(
                        tuple(BlockOperation.WRITE, false),
                        tuple(BlockOperation.WRITE, true),
                        tuple(BlockOperation.WRITE_ZEROES, true),
                        tuple(BlockOperation.WRITE, false));
        // The first write that is durable by itself may overtake it.
        assertThat(submitted.subList(1, 3))
                .extracting(MemoryBlockDevice.Entry::operation)
                .containsOnlyOnce(BlockOperation.FLUSH);
        assertThat(submitted).hasSize(5);
    }

    @Test
    void aFlushThatIsOwedWaitsForAQueue() {
        BlkBed bed = bed();
        bed.write(0, new byte[512]);
        BlockClient.await(bed.stop(0));
        bed.writeback(false);
        bed.start(0, 1);
        bed.read(0, 512);
        assertThat(block.log().stream().filter(e -> !e.completion()).skip(1).findFirst())
                .hasValueSatisfying(e -> assertThat(e.operation()).isEqualTo(BlockOperation.FLUSH));
    }

    @Test
    void onlyWritebackCanBeWritten() {
        BlkBed bed = bed();
        assertThat(BlkBed.configure(bed.device, 0, new byte[8])).isFalse();
        assertThat(BlkBed.configure(bed.device, 32, new byte[2])).isFalse();
        assertThat(BlkBed.configure(bed.device, 32, (byte) 2)).isFalse();
        assertThat(BlkBed.configure(bed.device, 33, (byte) 0)).isFalse();
        assertThat(config(bed.device).get(32)).isEqualTo((byte) 1);
    }

    @Test
    void aCacheThatIsOffStaysOffWhateverHappensToDriverAndDaemon() {
        BlkBed bed = bed();
        assertThat(bed.writeback(false)).isTrue();
        BlockClient.await(bed.stop(0));
        bed.device.reset(() -> {});
        bed.device.negotiated(BlkBed.FEATURES | ring);
        assertThat(bed.device.writeThrough()).isTrue();
        assertThat(config(bed.device).get(32)).isZero();
        // Another daemon, to which the front end says nothing of it.
        assertThat(isOffInTheNextDaemon(bed)).isTrue();
        assertThat(bed.writeback(true)).isTrue();
        assertThat(isOffInTheNextDaemon(bed)).isFalse();
        bed.start(0, 0);
    }

    @Test
    void theFrontEndHasItsAnswerBeforeItIsForgottenThatTheCacheIsOff() {
        BlkBed bed = bed();
        bed.writeback(false);
        var before = new ArrayList<Boolean>();
        bed.device.writeConfig(32, new byte[] {1}, 1, _ -> before.add(isOffInTheNextDaemon(bed)));
        assertThat(before).containsExactly(true);
        assertThat(isOffInTheNextDaemon(bed)).isFalse();
    }

    @Test
    void whatCannotBeRecordedIsRefused() {
        BlkBed bed = bed();
        bed.state.failing(true);
        assertThat(bed.writeback(false)).isFalse();
        // Durable all the same: who was refused may take it for either.
        assertThat(bed.device.writeThrough()).isTrue();
        bed.state.failing(false);
        assertThat(bed.writeback(false)).isTrue();
        bed.state.failing(true);
        assertThat(bed.writeback(true)).isTrue();
        bed.state.failing(false);
        assertThat(isOffInTheNextDaemon(bed)).isTrue();
    }

    @Test
    void aDriverThatCannotTurnTheCacheOnFlushes() {
        BlkBed bed = bed(false, 1, BlkBed.FEATURES & ~BlkProtocol.F_CONFIG_WCE);
        bed.writeback(false);
        assertThat(bed.device.writeThrough()).isFalse();
    }

    @Test
    void aDiskThatWritesThroughHasNoCacheToTellOf() {
        BlkBed bed = bed();
        long cache = BlkProtocol.F_FLUSH | BlkProtocol.F_CONFIG_WCE;
        assertThat(bed.device.features() & cache).isEqualTo(cache);
        block.writeThrough(true);
        assertThat(bed.device.features() & cache).isZero();
        assertThat(config(bed.device).get(32)).isZero();
        // Who took them before goes on.
        assertThat(bed.device.formerFeatures()).isEqualTo(cache);
        assertThat(bed.request(BlkProtocol.T_FLUSH, 0, NONE, 0, 0)).isEqualTo(BlkProtocol.S_OK);
        assertThat(bed.writeback(true)).isTrue();
        assertThat(config(bed.device).get(32)).isZero();
        block.writeThrough(false);
        assertThat(config(bed.device).get(32)).isEqualTo((byte) 1);
    }

    private boolean isOffInTheNextDaemon(BlkBed bed) {
        VirtioBlkDevice next = bed.device(block, false);
        next.negotiated(BlkBed.FEATURES);
        next.close();
        boolean off = config(next).get(32) == 0;
        assertThat(next.writeThrough()).isEqualTo(off);
        return off;
    }

    @Test
    void growthIsToldToTheDriver() {
        BlkBed bed = bed();
        var told = new java.util.concurrent.atomic.AtomicInteger();
        bed.device.onConfigChange(told::incrementAndGet);
        block.pretendToGrow(2 * CAPACITY);
        assertThat(told).hasValue(1);
        assertThat(config(bed.device).getLong(0)).isEqualTo(2 * CAPACITY / 512);
    }

    @Test
    void completesOutOfOrder() {
        BlkBed bed = bed();
        block.fate(r -> r.offset() == 0 ? Fate.HELD : Fate.DONE);
        int[] heads = new int[3];
        for (int i = 0; i < 3; i++) {
            heads[i] = submitRead(bed, 0, i);
        }
        assertThat(bed.used(0)).isEqualTo(heads[1]);
        assertThat(bed.used(0)).isEqualTo(heads[2]);
        block.release();
        assertThat(bed.used(0)).isEqualTo(heads[0]);
    }

    private static int submitRead(BlkBed bed, int queue, long sector) {
        long header = bed.header(BlkProtocol.T_IN, sector);
        long in = bed.take(513);
        return bed.chain().out(header, 16).in(in, 513).submit(queue);
    }

    @Test
    void stoppingWaitsForWhatIsInFlight() throws Exception {
        BlkBed bed = bed();
        block.fate(_ -> Fate.HELD);
        for (int i = 0; i < 10; i++) {
            submitRead(bed, 0, i);
        }
        Eventually.until("all have begun", () -> block.log().size() >= 10);
        var drained = bed.stop(0);
        BlockClient.on(bed.reactors.getFirst(), () -> true);
        submitRead(bed, 0, 11);
        BlockClient.on(bed.reactors.getFirst(), () -> true);
        assertThat(drained).isNotDone();
        block.release();
        BlockClient.await(drained);
        int used = 0;
        while (bed.driver[0].poll()) {
            used++;
        }
        assertThat(used).isEqualTo(10);
        assertThat(bed.queues[0].inFlight()).isZero();
        // What was not popped is served by the next run of the queue.
        block.fate(_ -> Fate.DONE);
        bed.start(0, BlockClient.on(bed.reactors.getFirst(), bed.queues[0]::base));
        bed.used(0);
        assertThat(bed.failures).isEmpty();
    }

    @Test
    void whatWaitsForRoomGoesBackToTheRingOfAQueueThatStops() {
        BlkBed bed = bed();
        byte[] data = bytes(512);
        assertThat(bed.write(1, data)).isEqualTo(BlkProtocol.S_OK);
        block.fate(_ -> Fate.WAITS_FOR_ROOM);
        int before = block.log().size();
        long[] statuses = new long[3];
        for (int i = 0; i < 3; i++) {
            long header = bed.header(BlkProtocol.T_OUT, 10 + i);
            long out = bed.take(512);
            bed.put(out, data);
            statuses[i] = bed.statusByte();
            bed.chain().out(header, 16).out(out, 512).in(statuses[i], 1).submit(0);
        }
        Eventually.until("all have begun", () -> block.log().size() >= before + 3);
        BlockClient.await(bed.stop(0));
        assertThat(bed.queues[0].inFlight()).isZero();
        assertThat(bed.driver[0].poll()).isFalse();
        for (long status : statuses) {
            assertThat(bed.get(status, 1)).containsExactly(BlkBed.NOTHING);
        }
        block.fate(_ -> Fate.DONE);
        bed.start(0, BlockClient.on(bed.reactors.getFirst(), bed.queues[0]::base));
        for (long status : statuses) {
            bed.used(0);
            assertThat(bed.get(status, 1)).containsExactly(BlkProtocol.S_OK);
        }
        assertThat(block.contents(10 * 512, 512)).isEqualTo(data);
        assertThat(bed.failures).isEmpty();
    }

    @Test
    void whatWaitsForRoomBeforeAnAnsweredRequestIsWaitedFor() {
        BlkBed bed = bed();
        block.fate(request ->
                request.operation() == BlockOperation.WRITE ? Fate.WAITS_FOR_ROOM : Fate.DONE);
        long header = bed.header(BlkProtocol.T_OUT, 3);
        long out = bed.take(512);
        long status = bed.statusByte();
        bed.chain().out(header, 16).out(out, 512).in(status, 1).submit(0);
        bed.read(5, 512);
        var drained = bed.stop(0);
        BlockClient.on(bed.reactors.getFirst(), () -> true);
        assertThat(drained).isNotDone();
        block.release();
        BlockClient.await(drained);
        bed.used(0);
        assertThat(bed.get(status, 1)).containsExactly(BlkProtocol.S_OK);
    }

    @Test
    void neverHasMoreInFlightThanTheDiskTakes() {
        BlkBed bed = bed();
        block.fate(_ -> Fate.HELD);
        // 64 is both the queue and the depth of the disk; two rounds overlap.
        for (int i = 0; i < 32; i++) {
            submitRead(bed, 0, i);
        }
        // In this order: some may not be popped yet, and would be held for ever.
        block.fate(_ -> Fate.DONE);
        block.release();
        for (int i = 0; i < 32; i++) {
            bed.used(0);
        }
        assertThat(bed.failures).isEmpty();
    }

    @Test
    void queuesRunOnTheirOwnReactorsAndFlushComesAfterWhatHadEnded() {
        BlkBed bed = bed(false, 2, BlkBed.FEATURES);
        byte[] data = bytes(512);
        assertThat(bed.write(5, data)).isEqualTo(BlkProtocol.S_OK);
        long header = bed.header(BlkProtocol.T_FLUSH, 0);
        long status = bed.statusByte();
        bed.chain().out(header, 16).in(status, 1).submit(1);
        bed.used(1);
        assertThat(bed.get(status, 1)).containsExactly(BlkProtocol.S_OK);
        var log = block.log();
        assertThat(log.get(1).completion()).isTrue();
        assertThat(log.get(1).operation()).isEqualTo(BlockOperation.WRITE);
        assertThat(log.get(2).operation()).isEqualTo(BlockOperation.FLUSH);
        assertThat(log.get(2).channel()).isNotEqualTo(log.get(1).channel());
    }

    @Test
    void memoryThatVanishesBreaksThatQueueOnly() {
        BlkBed victim = bed();
        var neighbour = new BlkBed(block, false, 1, BlkBed.FEATURES);
        beds.add(neighbour);
        byte[] data = bytes(512);
        for (int i = 0; i < 20_000; i++) {
            // Compiled code reports such an error late: warm up.
            victim.forget();
            victim.write(i % 100, data);
        }
        block.fate(_ -> Fate.HELD);
        victim.forget();
        submitRead(victim, 0, 1);
        BlockClient.on(victim.reactors.getFirst(), () -> true);
        victim.memory.truncate(0);
        block.release();
        victim.kick(0);
        // As a transport does that was told of the fault and finds its memory gone.
        BlockClient.on(victim.reactors.getFirst(), victim.queues[0]::stop);
        BlockClient.await(victim.stop(0));
        block.fate(_ -> Fate.DONE);
        assertThat(neighbour.write(0, data)).isEqualTo(BlkProtocol.S_OK);
        victim.memory.truncate(victim.memory.size());
        assertThat(ForeignMemory.getByte(victim.memory.host(victim.take(1)))).isZero();
    }

    /** What vanishes is the header, then the status: nothing of the batch is taken for read. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void whatIsReadOfVanishedMemoryIsNotCarriedOut(boolean header) {
        BlkBed bed = bed();
        byte[] data = bytes(512);
        for (int i = 0; i < 20_000; i++) {
            bed.forget();
            bed.write(i % 100, data);
        }
        int carriedOut = block.log().size();
        bed.forget();
        long half = bed.memory.size() / 2;
        long gone = DriverMemory.GUEST_BASE + half;
        long there = bed.header(BlkProtocol.T_OUT, 1);
        long out = bed.take(512);
        long status = bed.statusByte();
        bed.memory.truncate(half);
        for (int i = 0; i < 8; i++) {
            boolean vanished = i % 2 == 1;
            bed.chain()
                    .out(vanished && header ? gone : there, BlkProtocol.HEADER)
                    .out(out, 512)
                    .in(vanished && !header ? gone : status, 1)
                    .indirect()
                    .submit(0);
        }
        Reactor reactor = bed.reactors.getFirst();
        if (header) {
            Eventually.until("the queue has failed", () -> !bed.failures.isEmpty());
        } else {
            // It may come when the request was completed: then the queue does not learn of it.
            Eventually.until("a fault is told", () -> reactor.metrics().memoryFaults() > 0);
        }
        BlockClient.await(bed.stop(0));
        assertThat(bed.failures).allMatch("the memory of a request is gone"::equals);
        assertThat(block.log().stream().skip(carriedOut))
                .allMatch(entry -> entry.operation() == BlockOperation.WRITE)
                .allMatch(entry -> entry.offset() == 512);
        bed.memory.truncate(bed.memory.size());
    }
}
