package io.vireo.device.scsi;

import static io.vireo.device.scsi.ScsiBed.BLOCK;
import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockOperation;
import io.vireo.device.scsi.ScsiClient.Result;
import io.vireo.scsi.ScsiTask.Outcome;
import io.vireo.scsi.TaskAttribute;
import io.vireo.scsi.TaskManagement.Function;
import io.vireo.testkit.BlockClient;
import io.vireo.testkit.Eventually;
import io.vireo.testkit.MemoryBlockDevice.Fate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A transport has tasks back that have not begun, or wait for room and can be done anew. */
class TakeBackTest {
    private static final String WRITE = "2A000000000000000100";
    private static final String READ = "28000000000000000100";
    private static final String COMPARE_AND_WRITE = "89000000000000000000000000010000";
    private static final String WRITE_SAME = "41000000000000000100";
    private static final byte[] NOTHING = {};

    private final ScsiBed bed = new ScsiBed();

    @AfterEach
    void close() {
        bed.disk.fate(_ -> Fate.DONE);
        bed.close();
    }

    /** On the unit's reactor, or on another one; what changes the disk waits for room. */
    private ScsiClient client(boolean direct) {
        ScsiClient client = bed.client(1, direct ? bed.owner : bed.other);
        bed.disk.fate(request ->
                request.operation() == BlockOperation.READ ? Fate.DONE : Fate.WAITS_FOR_ROOM);
        return client;
    }

    private CompletableFuture<Result> start(ScsiClient client, long tag, String cdb, byte[] out) {
        return start(client, tag, TaskAttribute.SIMPLE, cdb, out);
    }

    private CompletableFuture<Result> start(
            ScsiClient client, long tag, TaskAttribute attribute, String cdb, byte[] out) {
        CompletableFuture<Result> started =
                client.start(0, tag, attribute, ScsiClient.bytes(cdb), out, BLOCK);
        BlockClient.on(client.reactor, () -> true);
        // It is there when the unit has answered.
        client.manage(Function.QUERY_TASK, 0, tag);
        return started;
    }

    private static byte[] block(int value) {
        byte[] data = new byte[BLOCK];
        Arrays.fill(data, (byte) value);
        return data;
    }

    private static Outcome outcome(CompletableFuture<Result> task) {
        return BlockClient.await(task).outcome();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "0A0000000100",
                WRITE,
                "AA0000000000000000010000",
                "8A000000000000000000000000010000",
                "9C000000000000000000000000010000",
                "7F0000000000001800 0B 0000 0000000000000000 0000000000000000 00000001"
            })
    void aWriteThatWaitsForRoomComesBackAndCanBeSentAgain(String cdb) {
        for (boolean direct : new boolean[] {true, false}) {
            ScsiClient client = client(direct);
            CompletableFuture<Result> task = start(client, 7, cdb, block(9));
            client.takeBack(7, bed.owner);
            assertThat(outcome(task)).isEqualTo(Outcome.TAKEN_BACK);
            assertThat(client.inFlight()).isZero();
            assertThat(bed.disk.contents(0, BLOCK)).containsOnly(0);
            bed.disk.fate(_ -> Fate.DONE);
            assertThat(client.out(0, cdb, block(9)).good()).isTrue();
            assertThat(bed.disk.contents(0, BLOCK)).containsOnly(9);
            assertThat(client.out(0, cdb, block(0)).good()).isTrue();
            client.close();
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void whatTheDiskIsAtWorkOnGoesOn(boolean direct) {
        ScsiClient client = client(direct);
        bed.disk.fate(_ -> Fate.HELD);
        CompletableFuture<Result> task = start(client, 7, WRITE, block(9));
        client.takeBack(7, bed.owner);
        client.takeBack(7, bed.owner);
        assertThat(task).isNotDone();
        bed.disk.release();
        assertThat(BlockClient.await(task).good()).isTrue();
    }

    /** A comparison that has been made would be made with what a part of the write has left. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void compareAndWriteIsNotBegunAnew(boolean direct) {
        ScsiClient client = client(direct);
        byte[] data = new byte[2 * BLOCK];
        Arrays.fill(data, BLOCK, 2 * BLOCK, (byte) 3);
        CompletableFuture<Result> task = start(client, 7, COMPARE_AND_WRITE, data);
        Eventually.until(
                "a write has begun",
                () -> bed.disk.log().stream().anyMatch(e -> e.operation() == BlockOperation.WRITE));
        client.takeBack(7, bed.owner);
        assertThat(task).isNotDone();
        bed.disk.release();
        assertThat(BlockClient.await(task).good()).isTrue();
        assertThat(bed.disk.contents(0, BLOCK)).containsOnly(3);
    }

    @Test
    void aCommandOfSeveralWritesIsNotBegunAnew() {
        ScsiClient client = client(true);
        CompletableFuture<Result> task = start(client, 7, WRITE_SAME, block(4));
        client.takeBack(7, bed.owner);
        assertThat(task).isNotDone();
        bed.disk.release();
        assertThat(BlockClient.await(task).good()).isTrue();
    }

    /** Whatever it is: it has not begun. */
    @ParameterizedTest
    @ValueSource(strings = {WRITE, READ, COMPARE_AND_WRITE, "00 00 00 00 00 00"})
    void whatWaitsForOthersComesBack(String cdb) {
        ScsiClient client = client(true);
        CompletableFuture<Result> first = start(client, 1, WRITE, block(1));
        CompletableFuture<Result> ordered = start(client, 2, TaskAttribute.ORDERED, cdb, block(2));
        CompletableFuture<Result> last = start(client, 3, READ, NOTHING);
        client.takeBack(2, bed.owner);
        assertThat(outcome(ordered)).isEqualTo(Outcome.TAKEN_BACK);
        assertThat(BlockClient.await(last).good()).as("nothing is before it").isTrue();
        assertThat(first).isNotDone();
        bed.disk.release();
        assertThat(BlockClient.await(first).good()).isTrue();
    }

    @Test
    void whatHasNoPlaceBehindWritesThatWaitForRoomComesBack() {
        ScsiClient client = client(true);
        List<CompletableFuture<Result>> held = new ArrayList<>();
        // As many as the disk takes.
        for (int i = 0; i < 64; i++) {
            held.add(start(client, 100 + i, WRITE, block(1)));
        }
        CompletableFuture<Result> read = start(client, 7, READ, NOTHING);
        assertThat(read).isNotDone();
        client.takeBack(7, bed.owner);
        assertThat(outcome(read)).isEqualTo(Outcome.TAKEN_BACK);
        bed.disk.release();
        held.forEach(each -> assertThat(BlockClient.await(each).good()).isTrue());
    }

    @Test
    void whatIsAbortedIsNotTakenBack() {
        ScsiClient client = client(true);
        bed.disk.fate(_ -> Fate.HELD);
        CompletableFuture<Result> task = start(client, 7, WRITE, block(1));
        client.takeBack(7, bed.owner);
        client.manage(Function.ABORT_TASK, 0, 7);
        assertThat(outcome(task)).isEqualTo(Outcome.ABORTED);
    }

    @Test
    void aReservationThatCameMeanwhileCounts() {
        ScsiClient client = client(true);
        CompletableFuture<Result> task = start(client, 7, WRITE, block(9));
        client.takeBack(7, bed.owner);
        assertThat(outcome(task)).isEqualTo(Outcome.TAKEN_BACK);
        ScsiClient other = bed.client(2, bed.other);
        assertThat(other.run(0, "160000000000").good()).isTrue();
        assertThat(client.out(0, WRITE, block(9)).status())
                .isEqualTo(io.vireo.scsi.ScsiStatus.RESERVATION_CONFLICT);
    }
}
