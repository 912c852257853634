package io.vireo.device.scsi;

import static io.vireo.device.scsi.ScsiBed.BLOCK;
import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockOperation;
import io.vireo.device.scsi.ScsiClient.Result;
import io.vireo.scsi.ScsiInitiator;
import io.vireo.scsi.ScsiTask;
import io.vireo.scsi.TaskAttribute;
import io.vireo.scsi.TaskManagement;
import io.vireo.testkit.BlockClient;
import io.vireo.testkit.MemoryBlockDevice;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Requests wait for the rates of their target, and for no other's. */
class RateGateTest {
    private static final String READ = "28000000000000000100";
    private static final String WRITE = "2A000000000000000100";

    private final ScsiBed bed = new ScsiBed();
    private final SteeredRates rates = new SteeredRates();

    private void change(Runnable what) {
        rates.change(what);
        bed.target.ratesChanged();
    }

    private static CompletableFuture<Result> start(
            ScsiClient client, int lun, int tag, String cdb) {
        boolean write = cdb.startsWith("2A");
        return client.start(
                lun,
                tag,
                TaskAttribute.SIMPLE,
                ScsiClient.bytes(cdb),
                new byte[write ? BLOCK : 0],
                write ? 0 : BLOCK);
    }

    private static boolean good(CompletableFuture<Result> task) {
        return BlockClient.await(task).good();
    }

    /** What was submitted before has been taken when this returns. */
    private static void settle(ScsiClient client) {
        client.run(0, "000000000000");
    }

    @AfterEach
    void close() {
        bed.close();
    }

    @Test
    void whatIsBeyondARateWaitsUntilThereIsAnother() {
        ScsiClient client = bed.client(1);
        bed.target.rates(rates);
        var reads = List.of(start(client, 0, 1, READ), start(client, 0, 2, READ));
        settle(client);
        assertThat(reads).noneMatch(CompletableFuture::isDone);
        assertThat(bed.target.waits().waiting()).isEqualTo(2);
        assertThat(rates.bytes).containsExactly((long) BLOCK, (long) BLOCK);
        change(() -> rates.shutReads = false);
        assertThat(reads).allMatch(RateGateTest::good);
        assertThat(bed.target.waits().waiting()).isZero();
        assertThat(bed.target.waits().waits()).isEqualTo(2);
        assertThat(bed.target.waits().waitedNanos()).isPositive();
        change(() -> rates.shutReads = true);
        var third = start(client, 0, 3, READ);
        settle(client);
        bed.target.rates(null);
        assertThat(good(third)).isTrue();
    }

    @Test
    void readsAndWritesDoNotWaitForEachOtherAndCommandsWithoutDataForNeither() {
        ScsiClient client = bed.client(1);
        rates.shutOthers = false;
        bed.target.rates(rates);
        var read = start(client, 0, 1, READ);
        assertThat(good(start(client, 0, 2, WRITE))).isTrue();
        assertThat(client.run(0, "35000000000000000000").good()).as("SYNCHRONIZE CACHE").isTrue();
        assertThat(rates.unasked).containsExactly(BlockOperation.FLUSH);
        assertThat(read).isNotDone();
        change(() -> rates.limited = false);
        assertThat(good(read)).isTrue();
    }

    @Test
    void whatWaitsCanBeAbortedAndGivesItsPlaceBack() {
        ScsiClient client = bed.client(1);
        ScsiClient across = bed.client(2, bed.other);
        bed.target.rates(rates);
        var first = start(client, 0, 1, READ);
        var second = start(across, 0, 2, WRITE);
        settle(client);
        settle(across);
        assertThat(rates.places).hasValue(2);
        client.manage(TaskManagement.Function.ABORT_TASK, 0, 1);
        assertThat(BlockClient.await(first).outcome()).isEqualTo(ScsiTask.Outcome.ABORTED);
        assertThat(rates.places).hasValue(1);
        client.manage(TaskManagement.Function.LOGICAL_UNIT_RESET, 0, 0);
        assertThat(BlockClient.await(second).outcome()).isNotEqualTo(ScsiTask.Outcome.COMPLETED);
        assertThat(rates.places).hasValue(0);
        assertThat(bed.target.waits().waiting()).isZero();
    }

    @Test
    void aUnitOfTwoTargetsHoldsBackWhatComesByTheOneThatIsBeyondItsRates() {
        var second = new UnitTarget("hba2", 3, 4, bed.numbers);
        ScsiBed.map(second, new UnitTarget.Mapping(5, bed.unit, false));
        var free =
                new ScsiClient(
                                second,
                                new ScsiInitiator.FibreChannel(9),
                                second.fibreChannelPort(),
                                bed.other)
                        .ready(5);
        ScsiClient client = bed.client(1);
        bed.target.rates(rates);
        var held = start(client, 0, 1, READ);
        settle(client);
        for (int i = 0; i < 20; i++) {
            assertThat(good(start(free, 5, 10 + i, i % 2 == 0 ? READ : WRITE))).isTrue();
        }
        assertThat(held).isNotDone();
        assertThat(rates.places).as("its own only").hasValue(1);
        client.close();
        assertThat(BlockClient.await(held).outcome()).isEqualTo(ScsiTask.Outcome.ABORTED);
        free.close();
    }

    @Test
    void allUnitsOfATargetShareItsRates() {
        try (var disk = new MemoryBlockDevice(1 << 20, BLOCK)) {
            LogicalUnit other = bed.unit("disk2", disk, new ScsiBed.MemoryStore());
            ScsiBed.map(
                    bed.target,
                    new UnitTarget.Mapping(0, bed.unit, false),
                    new UnitTarget.Mapping(1, other, false));
            ScsiClient client = bed.client(1).ready(1);
            bed.target.rates(rates);
            var tasks = new ArrayList<CompletableFuture<Result>>();
            tasks.add(start(client, 0, 1, READ));
            tasks.add(start(client, 1, 2, READ));
            settle(client);
            assertThat(rates.places).hasValue(2);
            change(() -> rates.shutReads = false);
            assertThat(tasks).allMatch(RateGateTest::good);
            client.close();
            var closed = new CompletableFuture<Boolean>();
            ScsiBed.map(bed.target, new UnitTarget.Mapping(0, bed.unit, false));
            other.close(() -> closed.complete(true));
            BlockClient.await(closed);
        }
    }

    @Test
    void aTransportThatStopsDoesNotWait() {
        ScsiClient client = bed.client(1, bed.other);
        ScsiClient neighbour = bed.client(2);
        bed.target.rates(rates);
        var held = start(client, 0, 1, READ);
        var kept = start(neighbour, 0, 2, READ);
        settle(client);
        settle(neighbour);
        client.hurry(true);
        assertThat(good(held)).isTrue();
        assertThat(good(start(client, 0, 3, WRITE))).isTrue();
        assertThat(rates.unasked).containsExactly(BlockOperation.READ, BlockOperation.WRITE);
        client.hurry(false);
        var again = start(client, 0, 4, READ);
        settle(client);
        assertThat(again).isNotDone();
        assertThat(kept).isNotDone();
        change(() -> rates.shutReads = false);
        assertThat(good(again)).isTrue();
        assertThat(good(kept)).isTrue();
    }
}
