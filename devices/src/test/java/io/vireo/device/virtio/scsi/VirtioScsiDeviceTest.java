package io.vireo.device.virtio.scsi;

import static io.vireo.device.virtio.scsi.ScsiDriver.BLOCK;
import static io.vireo.device.virtio.scsi.ScsiDriver.NOTHING;
import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRatePolicy;
import io.vireo.block.BlockRates;
import io.vireo.device.scsi.SteeredRates;
import io.vireo.device.virtio.scsi.ScsiDriver.Answer;
import io.vireo.testkit.BlockClient;
import io.vireo.testkit.DriverMemory;
import io.vireo.testkit.DriverQueue;
import io.vireo.testkit.Eventually;
import io.vireo.testkit.MemoryBlockDevice.Fate;
import io.vireo.virtqueue.Virtqueue;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class VirtioScsiDeviceTest {
    private static final String READ = "28000000000000000200";
    private static final String WRITE = "2A000000000000000200";
    private static final String LUN_0 = "0100000000000000";
    private static final String LUN_5 = "0100400500000000";

    private final ScsiDriver driver = new ScsiDriver();

    @AfterEach
    void close() {
        driver.close();
    }

    @ParameterizedTest
    @ValueSource(ints = {1 << 20, 100, 37})
    void readsAndWritesHoweverItIsFramed(int piece) {
        driver.ready();
        byte[] data = new byte[2 * BLOCK];
        new Random(piece).nextBytes(data);
        Answer written = driver.run(LUN_0, WRITE, data, 0, piece);
        assertThat(written.response()).isEqualTo(ScsiProtocol.S_OK);
        assertThat(written.status()).isZero();
        assertThat(written.residual()).isZero();
        assertThat(driver.disk.contents(0, 2 * BLOCK)).isEqualTo(data);
        Answer read = driver.run(LUN_0, READ, NOTHING, 2 * BLOCK, piece);
        assertThat(read.data()).isEqualTo(data);
        assertThat(read.residual()).isZero();
    }

    /**
     * Room for sense data that nothing is in is written only where data comes behind it. In one
     * piece, and in several, of which some end within a number.
     */
    @ParameterizedTest
    @ValueSource(ints = {4096, 50, 7})
    void theUsedLengthIsWhatWasWritten(int piece) {
        driver.ready();
        int header = ScsiProtocol.RESPONSE_HEADER;
        assertWritten(driver.start(LUN_0, "00 00 00 00 00 00", NOTHING, 0, piece), header);
        long failing = driver.start(LUN_0, "FF 00 00 00 00 00", NOTHING, BLOCK / 4, piece);
        assertWritten(failing, header + 18);
        assertThat(driver.answer(failing, 0).code()).isEqualTo(0x052000);
        long reading = driver.start(LUN_0, READ, NOTHING, 2 * BLOCK, Math.max(piece, 37));
        assertWritten(reading, header + ScsiProtocol.SENSE_SIZE + 2 * BLOCK);
        assertThat(driver.get(reading + header, ScsiProtocol.SENSE_SIZE)).containsOnly(0);
    }

    /** A request used so many bytes, and left the rest of its response alone. */
    private void assertWritten(long in, int bytes) {
        driver.used(ScsiDriver.REQUEST);
        assertThat(driver.driver[ScsiDriver.REQUEST].usedLength()).isEqualTo(bytes);
        int rest = ScsiProtocol.RESPONSE_HEADER + ScsiProtocol.SENSE_SIZE - bytes;
        if (rest > 0) {
            assertThat(driver.get(in + bytes, rest)).containsOnly((byte) 0xEE);
        }
    }

    @Test
    void protectionInformationIsNotOffered() {
        // VIRTIO_SCSI_F_T10_PI.
        assertThat(driver.device.features() >> 3 & 1).isZero();
    }

    @Test
    void theFirstCommandMeetsAUnitAttention() {
        Answer first = driver.run("000000000000", NOTHING, 0);
        assertThat(first.status()).isEqualTo(2);
        assertThat(first.code()).isEqualTo(0x062900);
        assertThat(driver.run("000000000000", NOTHING, 0).status()).isZero();
    }

    @Test
    void residualsAreToldBothWays() {
        driver.ready();
        Answer less = driver.run(READ, NOTHING, 3 * BLOCK);
        assertThat(less.response()).isEqualTo(ScsiProtocol.S_OK);
        assertThat(less.residual()).isEqualTo(BLOCK);
        Answer more = driver.run(READ, NOTHING, BLOCK);
        assertThat(more.response()).isEqualTo(ScsiProtocol.S_OVERRUN);
        Answer none = driver.run("2800FFFFFFFF00000200", NOTHING, 2 * BLOCK);
        assertThat(none.code()).isEqualTo(0x052100);
        assertThat(none.residual()).isEqualTo(2 * BLOCK);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "0101000000000000",
                "0000000000000000",
                "0100000000000001",
                "FFFFFFFFFFFFFFFF"
            })
    void anotherTargetIsABadOne(String lun) {
        assertThat(driver.run(lun, "000000000000", NOTHING, 0, 4096).response())
                .isEqualTo(ScsiProtocol.S_BAD_TARGET);
    }

    @Test
    void anotherLunIsAnsweredByTheTarget() {
        Answer answer = driver.run("0100400500000000", "000000000000", NOTHING, 0, 4096);
        assertThat(answer.response()).isEqualTo(ScsiProtocol.S_OK);
        assertThat(answer.code()).isEqualTo(0x052500);
        Answer luns = driver.run("C101000000000000", "A00000000000000000100000", NOTHING, 16, 4096);
        assertThat(luns.data()[3]).isEqualTo((byte) 8);
    }

    @ParameterizedTest
    @CsvSource({
        // ABORT TASK of none, ABORT TASK SET, CLEAR ACA, CLEAR TASK SET, I_T NEXUS RESET, LOGICAL
        // UNIT RESET, QUERY TASK, QUERY TASK SET.
        "00000000 00000000 0100000000000000 0000000000000000, 0",
        "00000000 01000000 0100000000000000 0000000000000000, 0",
        "00000000 02000000 0100000000000000 0000000000000000, 11",
        "00000000 03000000 0100000000000000 0000000000000000, 0",
        "00000000 04000000 0100000000000000 0000000000000000, 0",
        "00000000 05000000 0100000000000000 0000000000000000, 0",
        "00000000 06000000 0100000000000000 0000000000000000, 0",
        "00000000 07000000 0100000000000000 0000000000000000, 0",
        "00000000 08000000 0100000000000000 0000000000000000, 11",
        "00000000 05000000 0100400900000000 0000000000000000, 12",
        "00000000 05000000 0102000000000000 0000000000000000, 3",
        "00000000 05000000, 11",
        "09000000 05000000 0100000000000000 0000000000000000, 11",
    })
    void functionsAreAnswered(String request, int response) {
        assertThat(driver.control(request, 1)).containsExactly(response);
    }

    @Test
    void noAsynchronousNotificationIsSupported() {
        assertThat(driver.control("01000000 0100000000000000 FF000000", 5))
                .containsExactly(0, 0, 0, 0, 0);
        assertThat(driver.control("02000000 0100000000000000 FF000000", 5))
                .containsExactly(0, 0, 0, 0, 0);
    }

    @Test
    void anAbortedRequestSaysSo() {
        driver.ready();
        driver.disk.fate(_ -> Fate.HELD);
        long in = driver.start(LUN_0, READ, NOTHING, 2 * BLOCK, 4096);
        String tag = HexFormat.of().toHexDigits(Long.reverseBytes(driver.lastTag()));
        awaitTask("06000000 " + LUN_0 + tag);
        assertThat(driver.control("00000000 00000000 " + LUN_0 + tag, 1)).containsExactly(0);
        driver.used(ScsiDriver.REQUEST);
        assertThat(driver.answer(in, 0).response()).isEqualTo(ScsiProtocol.S_ABORTED);
        long second = driver.start(LUN_0, READ, NOTHING, 2 * BLOCK, 4096);
        awaitTask("07000000 " + LUN_0 + "0000000000000000");
        assertThat(driver.control("00000000 05000000 " + LUN_0 + "0000000000000000", 1))
                .containsExactly(0);
        driver.used(ScsiDriver.REQUEST);
        assertThat(driver.answer(second, 0).response()).isEqualTo(ScsiProtocol.S_RESET);
    }

    /** Asks until there is a task: the queues are served in no particular order. */
    private void awaitTask(String query) {
        while (driver.control("00000000 " + query, 1)[0] != ScsiProtocol.S_FUNCTION_SUCCEEDED) {
            LockSupport.parkNanos(1000);
        }
    }

    @Test
    void requestsWaitForALinkThatComesUpAgain() {
        driver.ready();
        driver.device.link().timeout(3600);
        linkIs(false);
        long in = driver.start(LUN_0, READ, NOTHING, 2 * BLOCK, 4096);
        // What waits cannot be aborted: it is told so, and goes on waiting.
        assertThat(driver.control("00000000 05000000 " + LUN_0 + "0000000000000000", 1))
                .containsExactly(ScsiProtocol.S_TRANSPORT_FAILURE);
        assertThat(driver.driver[ScsiDriver.REQUEST].poll()).isFalse();
        linkIs(true);
        driver.used(ScsiDriver.REQUEST);
        Answer answer = driver.answer(in, 2 * BLOCK);
        assertThat(answer.response()).isEqualTo(ScsiProtocol.S_OK);
        assertThat(answer.status()).as("a short absence is none").isZero();
    }

    @Test
    void requestsFailWhenALinkIsLost() {
        driver.ready();
        driver.disk.fate(_ -> Fate.HELD);
        long held = driver.start(LUN_0, READ, NOTHING, 2 * BLOCK, 4096);
        awaitTask("07000000 " + LUN_0 + "0000000000000000");
        driver.device.link().timeout(0);
        linkIs(false);
        driver.used(ScsiDriver.REQUEST);
        Answer cutOff = driver.answer(held, 0);
        assertThat(cutOff.response()).isEqualTo(ScsiProtocol.S_TRANSPORT_FAILURE);
        assertThat(cutOff.residual()).isEqualTo(2 * BLOCK);
        assertThat(driver.run(READ, NOTHING, 2 * BLOCK).response())
                .isEqualTo(ScsiProtocol.S_TRANSPORT_FAILURE);
        assertThat(driver.control("00000000 05000000 " + LUN_0 + "0000000000000000", 1))
                .containsExactly(ScsiProtocol.S_TRANSPORT_FAILURE);
        driver.disk.fate(_ -> Fate.DONE);
        linkIs(true);
        Answer first = driver.run(READ, NOTHING, 2 * BLOCK);
        assertThat(first.code()).as("I_T NEXUS LOSS OCCURRED").isEqualTo(0x062907);
        assertThat(driver.run(READ, NOTHING, 2 * BLOCK).status()).isZero();
    }

    @Test
    void aQueueStopsWhileRequestsWaitAndGoesOnWithThem() {
        driver.ready();
        driver.device.link().timeout(3600);
        linkIs(false);
        long in = driver.start(LUN_0, READ, NOTHING, 2 * BLOCK, 4096);
        driver.restart(ScsiDriver.REQUEST);
        linkIs(true);
        driver.used(ScsiDriver.REQUEST);
        assertThat(driver.answer(in, 2 * BLOCK).response()).isEqualTo(ScsiProtocol.S_OK);
    }

    @Test
    void aQueueThatStopsWaitsForNoRates() {
        driver.ready();
        var rates = new SteeredRates();
        var changed = new CompletableFuture<Runnable>();
        driver.hba.rates(Optional.of(policy(rates, changed)));
        long before = startBeyondRates();
        driver.restart(ScsiDriver.REQUEST);
        driver.used(ScsiDriver.REQUEST);
        assertThat(driver.answer(before, 2 * BLOCK).response()).isEqualTo(ScsiProtocol.S_OK);
        assertThat(rates.unasked).containsExactly(BlockOperation.READ);
        long after = startBeyondRates();
        assertThat(driver.poll(ScsiDriver.REQUEST)).isFalse();
        rates.change(() -> rates.shutReads = false);
        changed.join().run();
        driver.used(ScsiDriver.REQUEST);
        assertThat(driver.answer(after, 2 * BLOCK).response()).isEqualTo(ScsiProtocol.S_OK);
        assertThat(rates.unasked).hasSize(1);
    }

    private static BlockRatePolicy policy(BlockRates rates, CompletableFuture<Runnable> changed) {
        return new BlockRatePolicy() {
            @Override
            public String name() {
                return "steered";
            }

            @Override
            public BlockRates open(String user, Runnable onChange) {
                changed.complete(onChange);
                return rates;
            }
        };
    }

    private long startBeyondRates() {
        long in = driver.start(LUN_0, READ, NOTHING, 2 * BLOCK, 4096);
        while (driver.hba.waits().waiting() == 0) {
            LockSupport.parkNanos(1000);
        }
        return in;
    }

    /** The link of the target; the device has been told. */
    private void linkIs(boolean up) {
        driver.hba.link(up);
        BlockClient.on(driver.reactor, () -> true);
    }

    private byte[] event() {
        long in = driver.memory.allocate(16, 16);
        driver.submit(1, NOTHING, in, 16, 5);
        driver.used(1);
        return driver.get(in, 16);
    }

    @Test
    void eventsTellOfUnitsThatComeGoAndGrow() {
        driver.ready();
        driver.disk.pretendToGrow(2 << 20);
        assertThat(HexFormat.of().formatHex(event()))
                .isEqualTo("03000000" + "0100000000000000" + "2a090000");
        driver.hba.map(List.of());
        assertThat(HexFormat.of().formatHex(event()))
                .isEqualTo("01000000" + "0100000000000000" + "02000000");
        driver.hba.map(List.of(driver.lun(300)));
        assertThat(HexFormat.of().formatHex(event()))
                .isEqualTo("01000000" + "0100412c00000000" + "01000000");
    }

    @Test
    void whatTheDriverMissedItIsTold() {
        driver.ready();
        for (int i = 0; i < EventLog.ROOM + 5; i++) {
            driver.disk.pretendToGrow((2L << 20) + i * BLOCK);
            // The next change is news again.
            while (driver.run("000000000000", NOTHING, 0).code() != 0x062A09) {
                LockSupport.parkNanos(1000);
            }
        }
        assertThat(event()[3]).isEqualTo((byte) 0x80);
        for (int i = 1; i < EventLog.ROOM; i++) {
            assertThat(event()[3]).isZero();
        }
    }

    @ParameterizedTest
    @CsvSource({"50, 108", "51, 107", "0, 108"})
    void aRequestWithoutItsHeaderOrResponseBreaksTheQueue(int out, int in) {
        driver.submit(ScsiDriver.REQUEST, new byte[out], driver.memory.allocate(in, 16), in, 4096);
        while (driver.failures.isEmpty()) {
            LockSupport.parkNanos(1000);
        }
        assertThat(driver.failures).hasSize(1);
    }

    @Test
    void controlRequestsAndEventBuffersThatAreTooSmallBreakTheirQueues() {
        driver.submit(0, new byte[3], driver.memory.allocate(1, 16), 1, 4096);
        driver.submit(1, NOTHING, driver.memory.allocate(15, 16), 15, 4096);
        driver.disk.pretendToGrow(2 << 20);
        while (driver.failures.size() < 2) {
            LockSupport.parkNanos(1000);
        }
        driver.ready();
    }

    @Test
    void stoppingWaitsForWhatIsInFlight() {
        driver.ready();
        driver.disk.fate(_ -> Fate.HELD);
        driver.start(LUN_0, READ, NOTHING, 2 * BLOCK, 4096);
        awaitTask("07000000 " + LUN_0 + "0000000000000000");
        driver.disk.release();
        driver.stop(ScsiDriver.REQUEST);
        assertThat(driver.poll(ScsiDriver.REQUEST)).isTrue();
    }

    /** Starts a write of two blocks from a block on; where its answer will be. */
    private long startWrite(int block, byte[] data) {
        return driver.start(LUN_0, "2A00%08X00000200".formatted(block), data, 0, 4096);
    }

    private static byte[] twoBlocks(int value) {
        byte[] data = new byte[2 * BLOCK];
        Arrays.fill(data, (byte) value);
        return data;
    }

    @Test
    void whatWaitsForRoomGoesBackToTheRingOfAQueueThatStops() {
        driver.ready();
        driver.disk.fate(_ -> Fate.WAITS_FOR_ROOM);
        int before = driver.disk.log().size();
        long[] answers = new long[3];
        for (int i = 0; i < answers.length; i++) {
            answers[i] = startWrite(2 * i, twoBlocks(i + 1));
        }
        Eventually.until(
                "all have begun", () -> driver.disk.log().size() >= before + answers.length);
        driver.stop(ScsiDriver.REQUEST);
        assertThat(driver.queues[ScsiDriver.REQUEST].inFlight()).isZero();
        assertThat(driver.poll(ScsiDriver.REQUEST)).isFalse();
        for (long answer : answers) {
            assertThat(driver.get(answer, ScsiDriver.RESPONSE)).containsOnly((byte) 0xEE);
        }
        assertThat(driver.disk.contents(0, 6 * BLOCK)).containsOnly(0);
        driver.disk.fate(_ -> Fate.DONE);
        driver.resume(ScsiDriver.REQUEST);
        for (int i = 0; i < answers.length; i++) {
            driver.used(ScsiDriver.REQUEST);
        }
        for (int i = 0; i < answers.length; i++) {
            Answer answer = driver.answer(answers[i], 0);
            assertThat(answer.response()).isEqualTo(ScsiProtocol.S_OK);
            assertThat(answer.status()).isZero();
            assertThat(driver.disk.contents(2L * i * BLOCK, 2 * BLOCK)).isEqualTo(twoBlocks(i + 1));
        }
        assertThat(driver.poll(ScsiDriver.REQUEST)).isFalse();
        assertThat(driver.failures).isEmpty();
    }

    @Test
    void whatWaitsForRoomBeforeAnAnsweredRequestIsWaitedFor() {
        driver.ready();
        driver.disk.fate(request ->
                request.operation() == BlockOperation.WRITE ? Fate.WAITS_FOR_ROOM : Fate.DONE);
        long write = startWrite(0, twoBlocks(5));
        assertThat(driver.run(READ, NOTHING, 2 * BLOCK).status()).isZero();
        CompletableFuture<Boolean> drained = driver.startStop(ScsiDriver.REQUEST);
        BlockClient.on(driver.reactor, () -> true);
        assertThat(drained).isNotDone();
        driver.disk.release();
        BlockClient.await(drained);
        driver.used(ScsiDriver.REQUEST);
        assertThat(driver.answer(write, 0).response()).isEqualTo(ScsiProtocol.S_OK);
        assertThat(driver.disk.contents(0, 2 * BLOCK)).containsOnly(5);
    }

    /** COMPARE AND WRITE has compared; the write behind it has not begun. */
    @Test
    void whatCannotBeBegunAnewIsWaitedForWithAllBeforeIt() {
        driver.ready();
        driver.disk.fate(request ->
                request.operation() == BlockOperation.WRITE ? Fate.WAITS_FOR_ROOM : Fate.DONE);
        byte[] both = twoBlocks(7);
        Arrays.fill(both, 0, BLOCK, (byte) 0);
        long compared = driver.start(LUN_0, "89000000000000000008000000010000", both, 0, 4096);
        Eventually.until("a write has begun", () -> writes() > 0);
        long behind = startWrite(0, twoBlocks(6));
        Eventually.until("both are under way", () -> inFlight() >= 2);
        CompletableFuture<Boolean> drained = driver.startStop(ScsiDriver.REQUEST);
        Eventually.until("one has ended", () -> inFlight() <= 1);
        BlockClient.on(driver.reactor, () -> true);
        assertThat(drained).isNotDone();
        driver.disk.release();
        BlockClient.await(drained);
        driver.used(ScsiDriver.REQUEST);
        assertThat(driver.answer(compared, 0).status()).isZero();
        assertThat(driver.poll(ScsiDriver.REQUEST)).isFalse();
        driver.disk.fate(_ -> Fate.DONE);
        driver.resume(ScsiDriver.REQUEST);
        driver.used(ScsiDriver.REQUEST);
        assertThat(driver.answer(behind, 0).status()).isZero();
        assertThat(driver.disk.contents(0, 2 * BLOCK)).containsOnly(6);
        assertThat(driver.disk.contents(8 * BLOCK, BLOCK)).containsOnly(7);
    }

    /** COMPARE AND WRITE would miscompare with what the dead process has written for it. */
    @Test
    void whatCannotBeCarriedOutTwiceIsNotBegunAgainAfterACrash() {
        driver.ready();
        driver.stop(ScsiDriver.REQUEST);
        byte[] both = twoBlocks(7);
        Arrays.fill(both, 0, BLOCK, (byte) 0);
        String compareAndWrite = "89000000000000000008000000010000";
        long compared = driver.start(LUN_0, compareAndWrite, both, 0, 4096);
        long written = startWrite(0, twoBlocks(5));
        byte[] keys = new byte[24];
        keys[15] = 1;
        long registered = driver.start(LUN_0, "5F000000000000001800", keys, 0, 4096);
        long later = driver.start(LUN_0, compareAndWrite, both, 0, 4096);
        driver.recover(ScsiDriver.REQUEST, 3);
        for (int i = 0; i < 4; i++) {
            driver.used(ScsiDriver.REQUEST);
        }
        assertThat(driver.answer(compared, 0).code()).isEqualTo(0x062F02);
        assertThat(driver.answer(registered, 0).code()).isEqualTo(0x062F02);
        assertThat(driver.answer(written, 0).status()).isZero();
        assertThat(driver.disk.contents(0, 2 * BLOCK)).containsOnly(5);
        // That one was not in flight, and all is as the others left it: nothing compared.
        assertThat(driver.answer(later, 0).status()).isZero();
        assertThat(driver.disk.contents(8 * BLOCK, BLOCK)).containsOnly(7);
    }

    private int inFlight() {
        return BlockClient.on(driver.reactor, driver.queues[ScsiDriver.REQUEST]::inFlight);
    }

    private long writes() {
        return driver.disk.log().stream()
                .filter(entry -> entry.operation() == BlockOperation.WRITE && !entry.completion())
                .count();
    }

    @Test
    void memoryThatVanishesEndsThisDeviceOnly() {
        driver.ready();
        driver.disk.fate(_ -> Fate.HELD);
        driver.start(LUN_0, READ, NOTHING, 2 * BLOCK, 4096);
        awaitTask("07000000 " + LUN_0 + "0000000000000000");
        driver.memory.truncate(0);
        driver.disk.release();
        // As a transport does that was told of the fault and finds its memory gone.
        for (Virtqueue queue : driver.queues) {
            BlockClient.on(driver.reactor, queue::stop);
        }
        driver.stop(ScsiDriver.REQUEST);
        assertThat(BlockClient.on(driver.reactor, () -> true)).isTrue();
        driver.memory.truncate(driver.memory.size());
    }

    /** Header and response are there, the data are not: the command is answered, each time. */
    @ParameterizedTest
    @CsvSource({
        LUN_0 + ", 120000002400, 0",
        LUN_5 + ", 120000002400, 0",
        LUN_0 + ", a00000000000000000400000, 0",
        LUN_5 + ", a00000000000000000400000, 0",
        LUN_0 + ", 5f000000000000001800, 24",
        LUN_0 + ", 3b020000000000004000, 64",
        LUN_0 + ", 28000000000000000100, 0"
    })
    void aCommandWhoseDataHaveVanishedIsAnswered(String lun, String cdb, int out) {
        driver.ready();
        long gone = DriverMemory.GUEST_BASE + driver.memory.size() / 2;
        driver.memory.truncate(driver.memory.size() / 2);
        for (int i = 0; i < 300; i++) {
            Answer answer = driver.run(lun, cdb, gone, out, out > 0 ? 0 : BLOCK);
            assertThat(answer.response()).isZero();
            assertThat(answer.status()).isEqualTo(2);
            assertThat(answer.code()).isEqualTo(0xB4B00);
        }
        driver.stop(ScsiDriver.REQUEST);
        assertThat(driver.failures).isEmpty();
        driver.memory.truncate(driver.memory.size());
    }

    /** Of a batch in which one header is gone nothing that was not asked for is carried out. */
    @Test
    void whatIsReadOfVanishedMemoryIsNotCarriedOut() {
        driver.ready();
        String write = "2a000000000100000100";
        byte[] data = new byte[BLOCK];
        for (int i = 0; i < 2_000; i++) {
            driver.run(LUN_0, write, data, 0, 4096);
        }
        int carriedOut = driver.disk.log().size();
        long there = driver.put(ScsiDriver.request(LUN_0, 1 << 20, write, data));
        long response = driver.memory.allocate(ScsiDriver.RESPONSE, 16);
        long gone = DriverMemory.GUEST_BASE + driver.memory.size() / 2;
        driver.memory.truncate(driver.memory.size() / 2);
        DriverQueue queue = driver.driver[ScsiDriver.REQUEST];
        for (int i = 0; i < 8; i++) {
            long header = i == 4 ? gone : there;
            int length = 51 + BLOCK;
            queue.add(new long[] {header, response}, new int[] {length, ScsiDriver.RESPONSE}, 2, 1);
        }
        queue.publish();
        driver.kick(ScsiDriver.REQUEST);
        Eventually.until("the queue has failed", () -> !driver.failures.isEmpty());
        driver.stop(ScsiDriver.REQUEST);
        assertThat(driver.failures).containsOnly("the memory of a request is gone");
        assertThat(driver.disk.log().stream().skip(carriedOut))
                .allMatch(entry -> entry.operation() == BlockOperation.WRITE)
                .allMatch(entry -> entry.offset() == BLOCK);
        driver.memory.truncate(driver.memory.size());
    }

    @Test
    void theConfigurationSpaceIsThatOfTheSpecification() {
        byte[] space = new byte[36];
        driver.device.readConfig(0, space, 36);
        assertThat(HexFormat.of().formatHex(space))
                .isEqualTo(
                        "01000000"
                                + "7e000000"
                                + "00200000"
                                + "80000000"
                                + "10000000"
                                + "60000000"
                                + "20000000"
                                + "0000"
                                + "0000"
                                + "ff3f0000");
        assertThat(driver.configure(20, 18, 0, 0, 0)).isTrue();
        assertThat(driver.device.config().senseSize()).isEqualTo(18);
        assertThat(driver.configure(24, 0, 2, 0, 0)).isFalse();
        assertThat(driver.configure(0, 18, 0, 0, 0)).isFalse();
    }
}
