package io.vireo.device.scsi;

import static io.vireo.device.scsi.ScsiBed.BLOCK;
import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.device.scsi.ScsiClient.Result;
import io.vireo.scsi.ScsiInitiator;
import io.vireo.scsi.ScsiStatus;
import io.vireo.scsi.ScsiTask.Outcome;
import io.vireo.scsi.TaskAttribute;
import io.vireo.scsi.TaskManagement.Function;
import io.vireo.scsi.TaskManagement.Response;
import io.vireo.testkit.BlockClient;
import io.vireo.testkit.MemoryBlockDevice;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TaskManagementTest {
    /** MODE SELECT of the control page with the TAS bit. */
    private static final byte[] TAS = ScsiClient.bytes("00000000" + "0a0a021000400000ffff0000");

    private static final byte[] NO_TAS = ScsiClient.bytes("00000000" + "0a0a021000000000ffff0000");

    private final ScsiBed bed = new ScsiBed();

    @AfterEach
    void close() {
        bed.disk.fate(_ -> MemoryBlockDevice.Fate.DONE);
        bed.close();
    }

    private ScsiClient holding(int number, boolean direct) {
        ScsiClient client = bed.client(number, direct ? bed.owner : bed.other);
        bed.disk.fate(_ -> MemoryBlockDevice.Fate.HELD);
        return client;
    }

    private static CompletableFuture<Result> read(ScsiClient client, long tag) {
        return start(client, tag, TaskAttribute.SIMPLE, "28000000000000000100");
    }

    private static CompletableFuture<Result> start(
            ScsiClient client, long tag, TaskAttribute attribute, String cdb) {
        return client.start(0, tag, attribute, ScsiClient.bytes(cdb), new byte[0], BLOCK);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void abortTaskEndsIt(boolean direct) {
        ScsiClient client = holding(1, direct);
        CompletableFuture<Result> task = read(client, 41);
        CompletableFuture<Result> other = read(client, 42);
        assertThat(client.manage(Function.QUERY_TASK, 0, 41))
                .isEqualTo(Response.FUNCTION_SUCCEEDED);
        assertThat(client.manage(Function.ABORT_TASK, 0, 41)).isEqualTo(Response.FUNCTION_COMPLETE);
        assertThat(task).isCompleted();
        assertThat(task.join().outcome()).isEqualTo(Outcome.ABORTED);
        assertThat(client.manage(Function.ABORT_TASK, 0, 41)).isEqualTo(Response.TASK_NOT_FOUND);
        assertThat(client.manage(Function.QUERY_TASK, 0, 41)).isEqualTo(Response.FUNCTION_COMPLETE);
        assertThat(other).isNotCompleted();
        bed.disk.release();
        assertThat(BlockClient.await(other).good()).isTrue();
    }

    @Test
    void abortTaskSetSparesOthers() {
        ScsiClient second = bed.client(2, bed.other);
        ScsiClient client = holding(1, true);
        CompletableFuture<Result> own = read(client, 1);
        CompletableFuture<Result> others = read(second, 1);
        assertThat(second.manage(Function.QUERY_TASK_SET, 0, 0))
                .isEqualTo(Response.FUNCTION_SUCCEEDED);
        assertThat(client.manage(Function.ABORT_TASK_SET, 0, 0))
                .isEqualTo(Response.FUNCTION_COMPLETE);
        assertThat(own.join().outcome()).isEqualTo(Outcome.ABORTED);
        assertThat(others).isNotCompleted();
        assertThat(client.manage(Function.QUERY_TASK_SET, 0, 0))
                .isEqualTo(Response.FUNCTION_COMPLETE);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void clearTaskSetTellsOthers(boolean withStatus) {
        ScsiClient second = bed.client(2, bed.other);
        ScsiClient client = bed.client(1);
        if (withStatus) {
            assertThat(client.out(0, "151000001000", TAS).good()).isTrue();
            second.ready(0);
        }
        bed.disk.fate(_ -> MemoryBlockDevice.Fate.HELD);
        CompletableFuture<Result> others = read(second, 1);
        second.manage(Function.QUERY_TASK_SET, 0, 0);
        assertThat(client.manage(Function.CLEAR_TASK_SET, 0, 0))
                .isEqualTo(Response.FUNCTION_COMPLETE);
        Result ended = BlockClient.await(others);
        if (withStatus) {
            assertThat(ended.outcome()).isEqualTo(Outcome.COMPLETED);
            assertThat(ended.status()).isEqualTo(ScsiStatus.TASK_ABORTED);
        } else {
            assertThat(ended.outcome()).isEqualTo(Outcome.ABORTED);
        }
        // The status says it already.
        assertThat(second.run(0, "000000000000").code()).isEqualTo(withStatus ? 0 : 0x062F00);
    }

    @Test
    void clearTaskSetTellsNobodyWhoLosesNothing() {
        ScsiClient second = bed.client(2, bed.other);
        ScsiClient client = bed.client(1);
        assertThat(client.manage(Function.CLEAR_TASK_SET, 0, 0))
                .isEqualTo(Response.FUNCTION_COMPLETE);
        assertThat(second.run(0, "000000000000").good()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {"LOGICAL_UNIT_RESET", "TARGET_WARM_RESET", "TARGET_COLD_RESET"})
    void aResetEndsAllAndReleases(String function) {
        ScsiClient second = bed.client(2, bed.other);
        ScsiClient client = bed.client(1);
        assertThat(client.run(0, "160000000000").good()).isTrue();
        bed.disk.fate(_ -> MemoryBlockDevice.Fate.HELD);
        CompletableFuture<Result> task = read(client, 1);
        assertThat(second.manage(Function.valueOf(function), 0, 0))
                .isEqualTo(Response.FUNCTION_COMPLETE);
        assertThat(BlockClient.await(task).outcome()).isEqualTo(Outcome.RESET);
        assertThat(client.run(0, "000000000000").code()).isEqualTo(0x062903);
        assertThat(second.run(0, "000000000000").code()).isEqualTo(0x062903);
        assertThat(second.run(0, "160000000000").good()).isTrue();
    }

    @Test
    void nexusResetAndLossReleaseWhatWasReserved() {
        ScsiClient second = bed.client(2, bed.other);
        ScsiClient client = bed.client(1);
        assertThat(client.run(0, "160000000000").good()).isTrue();
        assertThat(second.run(0, "160000000000").status())
                .isEqualTo(ScsiStatus.RESERVATION_CONFLICT);
        assertThat(client.manage(Function.I_T_NEXUS_RESET, 0, 0))
                .isEqualTo(Response.FUNCTION_COMPLETE);
        assertThat(client.run(0, "000000000000").code()).isEqualTo(0x062907);
        assertThat(second.run(0, "160000000000").good()).isTrue();
        second.close();
        assertThat(client.run(0, "160000000000").good()).isTrue();
    }

    @Test
    void closingANexusEndsItsTasksFirst() {
        ScsiClient client = holding(1, false);
        List<CompletableFuture<Result>> tasks = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            tasks.add(read(client, i));
        }
        client.close();
        for (CompletableFuture<Result> task : tasks) {
            assertThat(task).isCompleted();
        }
        assertThat(client.inFlight()).isZero();
    }

    @Test
    void whatIsNotThereOrNotSupportedSaysSo() {
        ScsiClient client = bed.client(1);
        assertThat(client.manage(Function.LOGICAL_UNIT_RESET, 9, 0))
                .isEqualTo(Response.INCORRECT_LOGICAL_UNIT_NUMBER);
        assertThat(client.manage(Function.CLEAR_ACA, 0, 0)).isEqualTo(Response.FUNCTION_REJECTED);
        assertThat(client.manage(Function.QUERY_ASYNCHRONOUS_EVENT, 0, 0))
                .isEqualTo(Response.FUNCTION_COMPLETE);
        client.manage(Function.LOGICAL_UNIT_RESET, 0, 0);
        assertThat(client.manage(Function.QUERY_ASYNCHRONOUS_EVENT, 0, 0))
                .isEqualTo(Response.FUNCTION_SUCCEEDED);
    }

    @Test
    void orderedTasksWaitAndMakeWait() {
        ScsiClient client = holding(1, true);
        CompletableFuture<Result> first = read(client, 1);
        CompletableFuture<Result> ordered = start(client, 2, TaskAttribute.ORDERED, "000000000000");
        CompletableFuture<Result> after = start(client, 3, TaskAttribute.SIMPLE, "000000000000");
        CompletableFuture<Result> head =
                start(client, 4, TaskAttribute.HEAD_OF_QUEUE, "000000000000");
        assertThat(BlockClient.await(head).good()).isTrue();
        assertThat(first).isNotCompleted();
        assertThat(ordered).isNotCompleted();
        assertThat(after).isNotCompleted();
        bed.disk.release();
        assertThat(BlockClient.await(after).good()).isTrue();
        assertThat(first).isCompleted();
        assertThat(ordered).isCompleted();
        assertThat(BlockClient.await(start(client, 5, TaskAttribute.ACA, "000000000000")).code())
                .isEqualTo(0x054900);
    }

    /** SAM-5, 8: HEAD OF QUEUE tasks pass, but not for ever what others wait for. */
    @ParameterizedTest
    @ValueSource(strings = {"ORDERED", "SIMPLE"})
    void headsOfQueueKeepNobodyWaitingForEver(String attribute) {
        ScsiClient second = bed.client(2, bed.other);
        ScsiClient client = holding(1, true);
        CompletableFuture<Result> head = head(client, 1);
        // Of the two that wait the first one is ORDERED, or to run alone.
        boolean ordered = attribute.equals("ORDERED");
        CompletableFuture<Result> waits =
                second.start(
                        0,
                        1,
                        TaskAttribute.valueOf(attribute),
                        ScsiClient.bytes(
                                ordered ? "000000000000" : "89000000000000000000000000010000"),
                        new byte[2 * BLOCK],
                        0);
        CompletableFuture<Result> behind = start(second, 2, TaskAttribute.SIMPLE, "000000000000");
        second.manage(Function.QUERY_TASK_SET, 0, 0);
        int passed = 0;
        CompletableFuture<Result> next = pass(client, 2);
        while (!next.isDone() && passed < 10_000) {
            // One is there at any time.
            passed++;
            assertThat(client.manage(Function.ABORT_TASK, 0, passed))
                    .isEqualTo(Response.FUNCTION_COMPLETE);
            head = next;
            next = pass(client, 2 + passed);
        }
        assertThat(passed).isEqualTo(TaskSet.MAX_PASSES);
        assertThat(next.join().status()).isEqualTo(ScsiStatus.BUSY);
        assertThat(waits).isNotCompleted();
        bed.disk.fate(_ -> MemoryBlockDevice.Fate.DONE);
        bed.disk.release();
        assertThat(BlockClient.await(behind).good()).isTrue();
        assertThat(waits.join().outcome()).isEqualTo(Outcome.COMPLETED);
        assertThat(head.join().good()).isTrue();
        assertThat(BlockClient.await(head(client, 90_000)).good()).isTrue();
    }

    /** It has ended, or is being carried out. */
    private static CompletableFuture<Result> pass(ScsiClient client, long tag) {
        CompletableFuture<Result> task = head(client, tag);
        client.manage(Function.QUERY_TASK_SET, 0, 0);
        return task;
    }

    private static CompletableFuture<Result> head(ScsiClient client, long tag) {
        return start(client, tag, TaskAttribute.HEAD_OF_QUEUE, "28000000000000000100");
    }

    @Test
    void whoDelaysOnlyHimselfMayDoSo() {
        ScsiClient client = holding(1, true);
        CompletableFuture<Result> first = read(client, 1);
        CompletableFuture<Result> own = start(client, 2, TaskAttribute.ORDERED, "000000000000");
        for (int i = 0; i < 3 * TaskSet.MAX_PASSES; i++) {
            CompletableFuture<Result> head =
                    start(client, 3 + i, TaskAttribute.HEAD_OF_QUEUE, "000000000000");
            assertThat(BlockClient.await(head).good()).isTrue();
        }
        assertThat(own).isNotCompleted();
        bed.disk.release();
        assertThat(BlockClient.await(own).good()).isTrue();
        assertThat(first).isCompleted();
    }

    /** Mode parameters are one set: each change is told to the others, and is one event. */
    @Test
    void aStormOfChangesIsOneEventUntilItIsTold() {
        ScsiClient second = bed.client(2, bed.other);
        ScsiClient client = bed.client(1);
        for (int i = 0; i < 500; i++) {
            byte[] page = i % 2 == 0 ? TAS : NO_TAS;
            assertThat(client.out(0, "151000001000", page).good()).isTrue();
        }
        assertThat(second.events()).containsExactly("changed 0 2a01");
        assertThat(second.run(0, "000000000000").code()).isEqualTo(0x062A01);
        assertThat(second.run(0, "000000000000").good()).isTrue();
        assertThat(client.out(0, "151000001000", TAS).good()).isTrue();
        assertThat(second.events()).containsExactly("changed 0 2a01", "changed 0 2a01");
    }

    @Test
    void compareAndWriteRunsAlone() {
        ScsiClient client = holding(1, true);
        CompletableFuture<Result> first = read(client, 1);
        var compare =
                client.start(
                        0,
                        2,
                        TaskAttribute.SIMPLE,
                        ScsiClient.bytes("89000000000000000000000000010000"),
                        new byte[2 * BLOCK],
                        0);
        CompletableFuture<Result> after = start(client, 3, TaskAttribute.SIMPLE, "000000000000");
        client.manage(Function.QUERY_TASK_SET, 0, 0);
        assertThat(after).isNotCompleted();
        assertThat(client.manage(Function.ABORT_TASK, 0, 2)).isEqualTo(Response.FUNCTION_COMPLETE);
        assertThat(compare.join().outcome()).isEqualTo(Outcome.ABORTED);
        assertThat(BlockClient.await(after).good()).isTrue();
        assertThat(first).isNotCompleted();
    }

    @Test
    void tooManyTasksFillTheSet() {
        ScsiClient client = holding(1, false);
        List<CompletableFuture<Result>> tasks = new ArrayList<>();
        for (int i = 0; i < LogicalUnit.MAX_TASKS; i++) {
            tasks.add(read(client, i));
        }
        assertThat(BlockClient.await(read(client, 5000)).status())
                .isEqualTo(ScsiStatus.TASK_SET_FULL);
        assertAllEndWell(tasks);
    }

    @Test
    void placesInTheSetAreKeptForATargetWithSomethingReserved() {
        var committed = new UnitTarget("hba2", 3, 4, bed.numbers);
        ScsiBed.map(committed, new UnitTarget.Mapping(0, bed.unit, false));
        var rates = new SteeredRates();
        rates.limited = false;
        rates.reservation = 100;
        committed.rates(rates);
        var other =
                new ScsiClient(
                                committed,
                                new ScsiInitiator.FibreChannel(9),
                                committed.fibreChannelPort(),
                                bed.owner)
                        .ready(0);
        ScsiClient client = holding(1, false);
        List<CompletableFuture<Result>> tasks = new ArrayList<>();
        for (int i = 0; i < LogicalUnit.MAX_TASKS - LogicalUnit.KEPT_TASKS; i++) {
            tasks.add(read(client, i));
        }
        assertThat(BlockClient.await(read(client, 5000)).status())
                .isEqualTo(ScsiStatus.TASK_SET_FULL);
        tasks.add(read(other, 5001));
        assertThat(other.run(0, "000000000000").good()).isTrue();
        rates.reservation = 0;
        tasks.add(read(client, 5002));
        client.run(0, "000000000000");
        assertAllEndWell(tasks);
        other.close();
    }

    @Test
    void placesInTheSetAreKeptForInitiatorsWithFewTasks() {
        ScsiClient second = bed.client(2, bed.other);
        ScsiClient client = holding(1, false);
        List<CompletableFuture<Result>> tasks = new ArrayList<>();
        for (int i = 0; i < LogicalUnit.MAX_TASKS - LogicalUnit.SHARE; i++) {
            tasks.add(read(client, i));
        }
        assertThat(BlockClient.await(read(client, 5000)).status())
                .isEqualTo(ScsiStatus.TASK_SET_FULL);
        for (int i = 0; i < LogicalUnit.SHARE; i++) {
            tasks.add(read(second, i));
        }
        assertThat(BlockClient.await(read(second, 5000)).status())
                .isEqualTo(ScsiStatus.TASK_SET_FULL);
        assertAllEndWell(tasks);
    }

    /** The disk carries out all that it held. */
    private void assertAllEndWell(List<CompletableFuture<Result>> tasks) {
        bed.disk.fate(_ -> MemoryBlockDevice.Fate.DONE);
        bed.disk.release();
        for (CompletableFuture<Result> task : tasks) {
            assertThat(BlockClient.await(task).good()).isTrue();
        }
    }
}
