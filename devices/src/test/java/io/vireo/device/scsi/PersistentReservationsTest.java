package io.vireo.device.scsi;

import static io.vireo.device.scsi.ScsiBed.BLOCK;
import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.vireo.device.scsi.ScsiClient.Result;
import io.vireo.scsi.ScsiInitiator;
import io.vireo.scsi.ScsiStatus;
import io.vireo.scsi.ScsiTask;
import io.vireo.scsi.TaskAttribute;
import io.vireo.scsi.TaskManagement;
import io.vireo.testkit.BlockClient;
import io.vireo.testkit.Eventually;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class PersistentReservationsTest {
    private static final int REGISTER = 0;
    private static final int RESERVE = 1;
    private static final int RELEASE = 2;
    private static final int CLEAR = 3;
    private static final int PREEMPT = 4;
    private static final int PREEMPT_AND_ABORT = 5;
    private static final int REGISTER_AND_IGNORE = 6;
    private static final int REGISTER_AND_MOVE = 7;
    private static final int APTPL = 1;
    private static final int ALL_TG_PT = 4;
    private static final int SPEC_I_PT = 8;

    private final ScsiBed bed = new ScsiBed();
    private final ScsiClient one = bed.client(1);
    private final ScsiClient two = bed.client(2, bed.other);

    @AfterEach
    void close() {
        bed.close();
    }

    private static byte[] list(long key, long actionKey, int flags) {
        byte[] list = new byte[24];
        Bytes.put64(list, 0, key);
        Bytes.put64(list, 8, actionKey);
        list[20] = (byte) flags;
        return list;
    }

    private static Result out(ScsiClient from, int action, int type, byte[] list) {
        String cdb =
                "5F"
                        + HexFormat.of().toHexDigits((byte) action)
                        + HexFormat.of().toHexDigits((byte) type)
                        + "0000"
                        + HexFormat.of().toHexDigits(list.length)
                        + "00";
        return from.out(0, cdb, list);
    }

    private static Result out(ScsiClient from, int action, int type, long key, long actionKey) {
        return out(from, action, type, list(key, actionKey, 0));
    }

    private static void register(ScsiClient from, long key) {
        assertThat(out(from, REGISTER_AND_IGNORE, 0, 0, key).good()).isTrue();
    }

    private static byte[] in(ScsiClient from, int action) {
        Result result = from.in(0, "5E0" + action + "0000000000FFFF00", 1 << 16);
        assertThat(result.good()).isTrue();
        return result.data();
    }

    private static ScsiStatus read(ScsiClient from) {
        return from.in(0, "28000000000000000100", BLOCK).status();
    }

    private static ScsiStatus write(ScsiClient from) {
        return from.out(0, "2A000000000000000100", new byte[BLOCK]).status();
    }

    @Test
    void registeringChecksTheKey() {
        assertThat(out(one, REGISTER, 0, 5, 1).status()).isEqualTo(ScsiStatus.RESERVATION_CONFLICT);
        assertThat(out(one, REGISTER, 0, 0, 1).good()).isTrue();
        assertThat(out(one, REGISTER, 0, 0, 2).status()).isEqualTo(ScsiStatus.RESERVATION_CONFLICT);
        assertThat(out(one, REGISTER, 0, 1, 2).good()).isTrue();
        register(two, 3);
        assertThat(HexFormat.of().formatHex(in(one, 0)))
                .isEqualTo("00000003" + "00000010" + "0000000000000002" + "0000000000000003");
        assertThat(out(one, REGISTER, 0, 2, 0).good()).isTrue();
        assertThat(HexFormat.of().formatHex(in(one, 0)))
                .isEqualTo("00000004" + "00000008" + "0000000000000003");
        assertThat(one.in(0, "5E000000000000000800", 64).hex()).isEqualTo("0000000400000008");
    }

    /** SPC-4, table 66, and SBC-3, table 13. */
    @ParameterizedTest
    @CsvSource({
        "WRITE_EXCLUSIVE, true, false, true, false",
        "EXCLUSIVE_ACCESS, false, false, false, false",
        "WRITE_EXCLUSIVE_REGISTRANTS_ONLY, true, true, true, false",
        "EXCLUSIVE_ACCESS_REGISTRANTS_ONLY, true, true, false, false",
        "WRITE_EXCLUSIVE_ALL_REGISTRANTS, true, true, true, false",
        "EXCLUSIVE_ACCESS_ALL_REGISTRANTS, true, true, false, false",
    })
    void whoMayDoWhat(
            PrType type,
            boolean registeredReads,
            boolean registeredWrites,
            boolean otherReads,
            boolean otherWrites) {
        register(one, 1);
        register(two, 2);
        assertThat(out(one, RESERVE, type.code(), 1, 0).good()).isTrue();
        assertThat(read(one)).isEqualTo(ScsiStatus.GOOD);
        assertThat(write(one)).isEqualTo(ScsiStatus.GOOD);
        assertThat(read(two) == ScsiStatus.GOOD).isEqualTo(registeredReads);
        assertThat(write(two) == ScsiStatus.GOOD).isEqualTo(registeredWrites);
        assertThat(out(two, REGISTER, 0, 2, 0).good()).isTrue();
        assertThat(read(two) == ScsiStatus.GOOD).isEqualTo(otherReads);
        assertThat(write(two) == ScsiStatus.GOOD).isEqualTo(otherWrites);
        assertThat(two.in(0, "120000FFFF00", 255).good()).isTrue();
        assertThat(two.run(0, "000000000000").good()).isTrue();
        String key = type.allHold() ? "0000000000000000" : "0000000000000001";
        assertThat(HexFormat.of().formatHex(in(two, 1)).substring(8))
                .isEqualTo(
                        "00000010"
                                + key
                                + "0000000000"
                                + HexFormat.of().toHexDigits((byte) type.code())
                                + "0000");
    }

    @Test
    void reservingIsForRegistrantsAndOnce() {
        assertThat(out(one, RESERVE, 3, 0, 0).status()).isEqualTo(ScsiStatus.RESERVATION_CONFLICT);
        register(one, 1);
        register(two, 2);
        assertThat(out(one, RESERVE, 3, 9, 0).status()).isEqualTo(ScsiStatus.RESERVATION_CONFLICT);
        assertThat(out(one, RESERVE, 2, 1, 0).code()).isEqualTo(0x052400);
        assertThat(out(one, RESERVE, 0x13, 1, 0).code()).isEqualTo(0x052400);
        assertThat(out(one, RESERVE, 3, 1, 0).good()).isTrue();
        assertThat(out(one, RESERVE, 3, 1, 0).good()).isTrue();
        assertThat(out(one, RESERVE, 1, 1, 0).status()).isEqualTo(ScsiStatus.RESERVATION_CONFLICT);
        assertThat(out(two, RESERVE, 3, 2, 0).status()).isEqualTo(ScsiStatus.RESERVATION_CONFLICT);
        assertThat(out(two, RELEASE, 3, 2, 0).good()).isTrue();
        assertThat(read(two)).isEqualTo(ScsiStatus.RESERVATION_CONFLICT);
        assertThat(out(one, RELEASE, 1, 1, 0).code()).isEqualTo(0x052604);
        assertThat(out(one, RELEASE, 3, 1, 0).good()).isTrue();
        assertThat(read(two)).isEqualTo(ScsiStatus.GOOD);
    }

    @ParameterizedTest
    @EnumSource(PrType.class)
    void releaseTellsRegistrantsWhereTheyCould(PrType type) {
        register(one, 1);
        register(two, 2);
        out(one, RESERVE, type.code(), 1, 0);
        out(one, RELEASE, type.code(), 1, 0);
        assertThat(two.run(0, "000000000000").code())
                .isEqualTo(type.letsRegistrantsIn() ? 0x062A04 : 0);
    }

    @Test
    void clearTakesEverythingAndTellsOthers() {
        register(one, 1);
        register(two, 2);
        out(one, RESERVE, 3, 1, 0);
        assertThat(out(two, CLEAR, 0, 2, 0).good()).isTrue();
        assertThat(one.run(0, "000000000000").code()).isEqualTo(0x062A03);
        assertThat(HexFormat.of().formatHex(in(one, 0))).isEqualTo("0000000300000000");
        assertThat(HexFormat.of().formatHex(in(one, 1))).isEqualTo("0000000300000000");
    }

    @Test
    void preemptTakesTheReservationOver() {
        register(one, 1);
        register(two, 2);
        out(one, RESERVE, 3, 1, 0);
        assertThat(out(two, PREEMPT, 1, 2, 1).good()).isTrue();
        assertThat(one.run(0, "000000000000").code()).isEqualTo(0x062A05);
        assertThat(HexFormat.of().formatHex(in(one, 0)))
                .isEqualTo("00000003" + "00000008" + "0000000000000002");
        assertThat(HexFormat.of().formatHex(in(one, 1)).substring(8))
                .isEqualTo("00000010" + "0000000000000002" + "0000000000010000");
        assertThat(out(one, RESERVE, 3, 1, 0).status()).isEqualTo(ScsiStatus.RESERVATION_CONFLICT);
    }

    @Test
    void preemptWithoutAMatchIsAConflictAndWithoutAKeyAnError() {
        register(two, 2);
        assertThat(out(two, PREEMPT, 1, 2, 7).status()).isEqualTo(ScsiStatus.RESERVATION_CONFLICT);
        assertThat(out(two, PREEMPT, 1, 2, 0).code()).isEqualTo(0x052600);
    }

    @Test
    void preemptOfAllRegistrantsTakesAllOut() {
        register(one, 1);
        register(two, 2);
        out(one, RESERVE, 8, 1, 0);
        assertThat(out(two, PREEMPT, 7, 2, 0).good()).isTrue();
        assertThat(HexFormat.of().formatHex(in(two, 0)).substring(8))
                .isEqualTo("00000008" + "0000000000000002");
        assertThat(one.run(0, "000000000000").code()).isEqualTo(0x062A05);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void preemptAndAbortAborts(boolean withStatus) {
        if (withStatus) {
            byte[] tas = ScsiClient.bytes("00000000" + "0a0a021000400000ffff0000");
            assertThat(two.out(0, "151000001000", tas).good()).isTrue();
            one.ready(0);
        }
        register(one, 1);
        register(two, 2);
        bed.disk.fate(_ -> io.vireo.testkit.MemoryBlockDevice.Fate.HELD);
        CompletableFuture<Result> task =
                one.start(
                        0,
                        99,
                        io.vireo.scsi.TaskAttribute.SIMPLE,
                        ScsiClient.bytes("28000000000000000100"),
                        new byte[0],
                        BLOCK);
        one.in(0, "120000FFFF00", 255);
        assertThat(out(two, PREEMPT_AND_ABORT, 1, 2, 1).good()).isTrue();
        Result ended = BlockClient.await(task);
        bed.disk.fate(_ -> io.vireo.testkit.MemoryBlockDevice.Fate.DONE);
        assertThat(one.run(0, "000000000000").code()).isEqualTo(0x062A05);
        if (withStatus) {
            assertThat(ended.status()).isEqualTo(ScsiStatus.TASK_ABORTED);
            assertThat(one.run(0, "000000000000").good()).isTrue();
        } else {
            assertThat(ended.outcome()).isEqualTo(io.vireo.scsi.ScsiTask.Outcome.ABORTED);
            assertThat(one.run(0, "000000000000").code()).isEqualTo(0x062F00);
        }
    }

    @Test
    void anAllRegistrantsReservationEndsWithTheLastOne() {
        register(one, 1);
        register(two, 2);
        out(one, RESERVE, 7, 1, 0);
        out(one, REGISTER, 0, 1, 0);
        assertThat(in(two, 1)).hasSize(24);
        out(two, REGISTER, 0, 2, 0);
        assertThat(in(two, 1)).hasSize(8);
    }

    @Test
    void unregisteringTheHolderReleases() {
        register(one, 1);
        register(two, 2);
        out(one, RESERVE, 6, 1, 0);
        out(one, REGISTER, 0, 1, 0);
        assertThat(two.run(0, "000000000000").code()).isEqualTo(0x062A04);
        assertThat(in(two, 1)).hasSize(8);
    }

    @Test
    void specifiedInitiatorsAndAllPortsAreRegistered() {
        ScsiClient iscsi = bed.iscsi("iqn.2026-11.test:a", 0x0123_4567_89ABL, 1);
        byte[] id = TransportIds.encode(new ScsiInitiator.Iscsi("iqn.2026-11.test:b", 7));
        byte[] list = Arrays.copyOf(list(0, 0x77, SPEC_I_PT | ALL_TG_PT), 28 + id.length);
        Bytes.put32(list, 24, id.length);
        System.arraycopy(id, 0, list, 28, id.length);
        assertThat(out(iscsi, REGISTER, 0, list).good()).isTrue();
        byte[] full = in(iscsi, 3);
        int descriptors = 0;
        for (int at = 8; at < full.length; at += 24 + (int) Bytes.u32(full, at + 20)) {
            assertThat(Bytes.u64(full, at)).isEqualTo(0x77);
            assertThat(full[at + 12]).isEqualTo((byte) 2);
            assertThat(Bytes.u16(full, at + 18)).isNotZero();
            descriptors++;
        }
        // Two initiators at two ports each.
        assertThat(descriptors).isEqualTo(4);
        assertThat(new String(full, java.nio.charset.StandardCharsets.US_ASCII))
                .contains("iqn.2026-11.test:b,i,0x000000000007");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 23})
    void listsOfOtherLengthsAreRefused(int length) {
        assertThat(out(one, REGISTER, 0, new byte[length]).code()).isEqualTo(0x051A00);
    }

    @Test
    void listsThatLieAreRefused() {
        assertThat(out(one, REGISTER, 0, new byte[25]).code()).isEqualTo(0x051A00);
        byte[] list = Arrays.copyOf(list(0, 1, SPEC_I_PT), 28 + 24);
        Bytes.put32(list, 24, 23);
        assertThat(out(one, REGISTER, 0, list).code()).isEqualTo(0x052600);
        Bytes.put32(list, 24, 24);
        list[28] = 5;
        Bytes.put16(list, 30, 20);
        Arrays.fill(list, 32, list.length, (byte) 'a');
        assertThat(out(one, REGISTER, 0, list).code()).isEqualTo(0x052600);
        list[28] = 9;
        assertThat(out(one, REGISTER, 0, list).code()).isEqualTo(0x052600);
        assertThat(out(one, REGISTER_AND_IGNORE, 0, list).code()).isEqualTo(0x052600);
        assertThat(in(one, 0)).hasSize(8);
        // The CDB asks for more than was sent.
        assertThat(one.out(0, "5F000000000000001800", new byte[8]).code()).isEqualTo(0x051A00);
    }

    @Test
    void registerAndMoveMovesTheReservation() {
        register(one, 1);
        out(one, RESERVE, 3, 1, 0);
        byte[] id = TransportIds.encode(new ScsiInitiator.FibreChannel(0x1000_0000_0000_0002L));
        byte[] list = Arrays.copyOf(list(1, 0x22, 0), 24 + id.length);
        list[17] = 2;
        Bytes.put16(list, 18, bed.target.fibreChannelPort().relativeId());
        Bytes.put32(list, 20, id.length);
        System.arraycopy(id, 0, list, 24, id.length);
        assertThat(out(one, REGISTER_AND_MOVE, 0, list).good()).isTrue();
        assertThat(write(two)).isEqualTo(ScsiStatus.GOOD);
        assertThat(write(one)).isEqualTo(ScsiStatus.RESERVATION_CONFLICT);
        assertThat(HexFormat.of().formatHex(in(one, 0)).substring(8))
                .isEqualTo("00000008" + "0000000000000022");
        Bytes.put16(list, 18, 0);
        assertThat(out(two, REGISTER_AND_MOVE, 0, list).status())
                .isEqualTo(ScsiStatus.RESERVATION_CONFLICT);
        Bytes.put64(list, 0, 0x22);
        assertThat(out(two, REGISTER_AND_MOVE, 0, list).code()).isEqualTo(0x052600);
    }

    @Test
    void whatIsToSurviveIsDurableBeforeGood() {
        assertThat(out(one, REGISTER, 0, list(0, 1, APTPL)).good()).isTrue();
        assertThat(bed.store.kept).isPresent();
        out(one, RESERVE, 5, 1, 0);
        assertThat(PrState.parse(bed.store.kept.orElseThrow()).reservation().orElseThrow().type())
                .isEqualTo(PrType.WRITE_EXCLUSIVE_REGISTRANTS_ONLY);
        LogicalUnit again = bed.unit("disk1", bed.disk, bed.store);
        assertThat(again.reservations().state().registrations()).hasSize(1);
        assertThat(again.reservations().state().survives()).isTrue();
        assertThat(again.reservations().state().generation()).isZero();
        assertThat(HexFormat.of().formatHex(in(one, 2))).isEqualTo("00081d81ea010000");
        assertThat(out(one, REGISTER, 0, list(1, 1, 0)).good()).isTrue();
        assertThat(bed.store.kept).isEmpty();
        assertThat(HexFormat.of().formatHex(in(one, 2))).isEqualTo("00081d80ea010000");
    }

    @Test
    void whatCannotBeMadeDurableDoesNotHappen() {
        bed.store.fails = true;
        assertThat(out(one, REGISTER, 0, list(0, 1, APTPL)).code()).isEqualTo(0x044400);
        assertThat(in(one, 0)).hasSize(8);
        bed.store.fails = false;
        assertThat(out(one, REGISTER, 0, list(0, 1, APTPL)).good()).isTrue();
    }

    @Test
    void aStoreThatCannotBeReadBeginsEmpty() {
        bed.store.kept = Optional.of("2 junk");
        assertThat(bed.unit("x", bed.disk, bed.store).reservations().state())
                .isEqualTo(PrState.NONE);
    }

    @Test
    void stateSurvivesItsText() {
        var registration =
                new Registration(new ScsiInitiator.Iscsi("iqn.x:y", 5), "iqn.t,t,0x0001", true, -3);
        var other = new Registration(new ScsiInitiator.FibreChannel(-1), "naa.2", false, 4);
        PrState state =
                PrState.NONE
                        .withRegistration(other)
                        .withRegistration(registration)
                        .withReservation(
                                Optional.of(
                                        new PrState.Reservation(
                                                PrType.EXCLUSIVE_ACCESS, registration)))
                        .withGeneration(-7)
                        .withSurvives(true);
        assertThat(PrState.parse(state.format())).isEqualTo(state);
    }

    @Test
    void thereIsAnEndToRegistrations() {
        PrState full = PrState.NONE;
        for (int i = 0; i < PrState.MAX_REGISTRATIONS; i++) {
            full =
                    full.withRegistration(
                            new Registration(new ScsiInitiator.FibreChannel(i), "p", false, 1));
        }
        bed.store.kept = Optional.of(full.withSurvives(true).format());
        LogicalUnit unit = bed.unit("full", bed.disk, bed.store);
        ScsiBed.map(
                bed.target,
                new UnitTarget.Mapping(0, bed.unit, false),
                new UnitTarget.Mapping(1, unit, false));
        one.ready(0);
        one.ready(1);
        byte[] list = list(0, 1, 0);
        assertThat(one.out(1, "5F000000000000001800", list).code()).isEqualTo(0x055504);
        ScsiBed.map(bed.target, new UnitTarget.Mapping(0, bed.unit, false));
    }

    /**
     * As many as fit a list, all of them others: they are counted before a state is made of them.
     */
    @Test
    void aListOfTooManyInitiatorsCostsNothing() {
        int many = 2700;
        byte[] list = Arrays.copyOf(list(0, 1, SPEC_I_PT), 28 + 24 * many);
        Bytes.put32(list, 24, 24L * many);
        for (int i = 0; i < many; i++) {
            byte[] id = TransportIds.encode(new ScsiInitiator.FibreChannel(i));
            System.arraycopy(id, 0, list, 28 + 24 * i, id.length);
        }
        long before = allocated();
        assertThat(out(one, REGISTER, 0, list).code()).isEqualTo(0x055504);
        // The state with each of them in turn would be a hundred megabytes.
        assertThat(allocated() - before).isLessThan(10_000_000);
        assertThat(in(one, 0)).hasSize(8);
        // Each once, however often it is named.
        Arrays.fill(list, 28, list.length, (byte) 0);
        assertThat(out(one, REGISTER, 0, list).good()).isTrue();
        assertThat(in(one, 0)).hasSize(8 + 2 * 8);
    }

    private long allocated() {
        var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        return BlockClient.on(bed.owner, threads::getCurrentThreadAllocatedBytes);
    }

    @Test
    void reserveGetsAlongWithRegistrations() {
        assertThat(one.run(0, "160000000000").good()).isTrue();
        assertThat(two.run(0, "1A003F00FF00").status()).isEqualTo(ScsiStatus.RESERVATION_CONFLICT);
        assertThat(two.run(0, "170000000000").good()).isTrue();
        assertThat(read(two)).isEqualTo(ScsiStatus.RESERVATION_CONFLICT);
        assertThat(out(one, REGISTER, 0, 0, 1).status()).isEqualTo(ScsiStatus.RESERVATION_CONFLICT);
        assertThat(one.run(0, "170000000000").good()).isTrue();
        register(one, 1);
        assertThat(one.run(0, "160000000000").good()).isTrue();
        assertThat(two.run(0, "160000000000").status()).isEqualTo(ScsiStatus.RESERVATION_CONFLICT);
        assertThat(read(two)).isEqualTo(ScsiStatus.GOOD);
    }

    @Test
    void reserveHasItsTurnBehindARegistrationThatIsBeingMadeDurable() {
        ScsiClient other = bed.client(3);
        var gate = new CountDownLatch(1);
        CompletableFuture<Result> registered = startRegistration(gate);
        CompletableFuture<Result> reserved = startReserve(other);
        gate.countDown();
        assertThat(registered.join().good()).isTrue();
        assertThat(reserved.join().status()).isEqualTo(ScsiStatus.RESERVATION_CONFLICT);
        assertThat(read(one)).isEqualTo(ScsiStatus.GOOD);
    }

    @Test
    void aRegistrationHasItsTurnBehindReserve() {
        ScsiClient other = bed.client(3);
        var gate = new CountDownLatch(1);
        bed.store.fails = true;
        CompletableFuture<Result> failed = startRegistration(gate);
        CompletableFuture<Result> reserved = startReserve(other);
        CompletableFuture<Result> second = startOut(one, REGISTER, list(0, 1, 0));
        gate.countDown();
        assertThat(failed.join().code()).isEqualTo(0x044400);
        assertThat(reserved.join().good()).isTrue();
        assertThat(second.join().status()).isEqualTo(ScsiStatus.RESERVATION_CONFLICT);
    }

    /** Who was taken out, and his commands with him, is not in again by one that waited. */
    @Test
    void aRegistrationThatIsAbortedBeforeItsTurnHasNoEffect() {
        ScsiClient other = bed.client(3);
        var gate = new CountDownLatch(1);
        CompletableFuture<Result> registered = startRegistration(gate);
        CompletableFuture<Result> waits = startOut(other, REGISTER, list(0, 2, 0));
        assertThat(BlockClient.on(bed.owner, () -> true)).isTrue();
        var aborted = other.startManage(TaskManagement.Function.ABORT_TASK, 0, 100);
        assertThat(BlockClient.on(bed.owner, () -> true)).isTrue();
        assertThat(aborted).isNotCompleted();
        gate.countDown();
        assertThat(registered.join().good()).isTrue();
        assertThat(BlockClient.await(aborted)).isEqualTo(TaskManagement.Response.FUNCTION_COMPLETE);
        assertThat(waits.join().outcome()).isEqualTo(ScsiTask.Outcome.ABORTED);
        assertThat(HexFormat.of().formatHex(in(one, 0)))
                .isEqualTo("00000001" + "00000008" + "0000000000000001");
    }

    @Test
    void movingAReservationMakesNoRegistrationTooMany() {
        register(one, 1);
        assertThat(out(one, RESERVE, 1, 1, 0).good()).isTrue();
        byte[] many = list(0, 2, SPEC_I_PT);
        var ids = new StringBuilder();
        for (int i = 0; i < PrState.MAX_REGISTRATIONS - 2; i++) {
            ids.append("00".repeat(8))
                    .append(HexFormat.of().toHexDigits(0x5000_0000_0000_0000L + i));
            ids.append("00".repeat(8));
        }
        byte[] initiators = ScsiClient.bytes(HexFormat.of().toHexDigits(ids.length() / 2) + ids);
        byte[] all = Arrays.copyOf(many, many.length + initiators.length);
        System.arraycopy(initiators, 0, all, many.length, initiators.length);
        assertThat(out(two, REGISTER, 0, all).good()).isTrue();
        byte[] move = new byte[48];
        Bytes.put64(move, 0, 1);
        Bytes.put64(move, 8, 3);
        Bytes.put16(move, 18, bed.target.fibreChannelPort().relativeId());
        Bytes.put32(move, 20, 24);
        Bytes.put64(move, 24 + 8, 0x6000_0000_0000_0000L);
        assertThat(out(one, REGISTER_AND_MOVE, 0, move).code()).isEqualTo(0x055504);
        assertThat(Bytes.u32(in(one, 0), 4)).isEqualTo(8 * PrState.MAX_REGISTRATIONS);
        // One that leaves makes room.
        move[17] = 2;
        assertThat(out(one, REGISTER_AND_MOVE, 0, move).good()).isTrue();
        assertThat(Bytes.u32(in(one, 0), 4)).isEqualTo(8 * PrState.MAX_REGISTRATIONS);
    }

    /** It is being made durable when this returns, until the gate opens. */
    private CompletableFuture<Result> startRegistration(CountDownLatch gate) {
        bed.store.gate = gate;
        CompletableFuture<Result> registered = startOut(one, REGISTER, list(0, 1, APTPL));
        Eventually.until("it is being made durable", () -> bed.store.saves == 1);
        return registered;
    }

    /** It is there when this returns. */
    private CompletableFuture<Result> startReserve(ScsiClient from) {
        byte[] cdb = ScsiClient.bytes("160000000000");
        var reserved = from.start(0, 5, TaskAttribute.SIMPLE, cdb, new byte[0], 0);
        assertThat(BlockClient.on(bed.owner, () -> true)).isTrue();
        return reserved;
    }

    private static CompletableFuture<Result> startOut(ScsiClient client, int action, byte[] list) {
        byte[] cdb = new byte[10];
        cdb[0] = 0x5F;
        cdb[1] = (byte) action;
        Bytes.put32(cdb, 5, list.length);
        return client.start(0, 100 + list[20], TaskAttribute.SIMPLE, cdb, list, 0);
    }
}
