package io.vireo.fabric.storage.pool;

import static io.vireo.fabric.storage.pool.SummedMirrorBed.BLOCK;
import static io.vireo.fabric.storage.pool.SummedMirrorBed.CHUNK;
import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockOperation;
import io.vireo.block.BlockStatus;
import io.vireo.fabric.storage.pool.DrainStatus.State;
import io.vireo.testkit.crash.DiskFault;
import io.vireo.testkit.crash.SimulatedDisk;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * A member is drained, and blocks on it have rotten: one that some disk has right is right where it
 * is moved to, and one that none has right stays an error.
 */
class DrainSumsTest {
    /** Chunk {@code i} of the volume is full of {@code FIRST + i}. */
    private static final int FIRST = 7;

    private static final int CHUNKS = 12;

    private SummedMirrorBed bed = new SummedMirrorBed();

    @AfterEach
    void close() {
        bed.close();
    }

    private void fill(int copies) {
        bed.make(copies, 2);
        for (int i = 0; i < CHUNKS; i++) {
            assertThat(bed.write(i, FIRST + i)).isEqualTo(BlockStatus.OK);
        }
        bed.flush();
        assertOn(0, copies);
    }

    private void drain() {
        bed.pool().drain(bed.disks.getFirst(), 0);
    }

    /** Of each chunk all four blocks are on each of these disks. */
    private void assertOn(int from, int end) {
        for (int disk = from; disk < end; disk++) {
            int[] blocks = bed.blocks(disk);
            for (int i = 0; i < CHUNKS; i++) {
                assertThat(blocks[FIRST + i]).as("chunk %d on disk %d", i, disk).isEqualTo(4);
            }
        }
    }

    private void assertHolds() {
        for (int i = 0; i < CHUNKS; i++) {
            bed.assertHolds(i, FIRST + i);
        }
    }

    private static String at(int chunk, int block) {
        return "a " + (chunk * CHUNK + block * BLOCK);
    }

    @Test
    void whatOneDiskHasRightIsMoved() {
        fill(2);
        // By pairs: whichever disk reads are given to in turn, some of them are wrong.
        for (int i = 0; i < CHUNKS; i++) {
            bed.rot(i / 2 % 2, FIRST + i, i % 4);
        }
        drain();
        bed.untilDrained();
        assertOn(2, 4);
        assertHolds();
        assertThat(bed.told.damaged).isEmpty();
        assertThat(bed.told.repaired)
                .isNotEmpty()
                .isSubsetOf(IntStream.range(0, CHUNKS).mapToObj(i -> at(i, i % 4)).toList());
    }

    @Test
    void theOneRightCopyOfThreeIsFound() {
        fill(3);
        for (int i = 0; i < CHUNKS; i++) {
            bed.rot(i % 3, FIRST + i, 1);
            bed.rot((i + 1) % 3, FIRST + i, 1);
        }
        // Also where the other two are wrong elsewhere.
        bed.rot(2, FIRST, 3);
        drain();
        bed.untilDrained();
        assertOn(3, 6);
        assertHolds();
        assertThat(bed.told.damaged).isEmpty();
        assertThat(bed.told.repaired).isNotEmpty();
    }

    @Test
    void whatNoDiskHasRightIsToldAndStaysAnError() {
        fill(2);
        bed.rot(0, FIRST + 1, 2);
        bed.rot(1, FIRST + 1, 2);
        drain();
        bed.untilDrained();
        assertLost(2, 4);
    }

    private void assertLost(int from, int end) {
        assertThat(bed.told.damaged).containsExactly(at(1, 2));
        assertThat(bed.told.repaired).isEmpty();
        for (int disk = from; disk < end; disk++) {
            assertThat(bed.blocks(disk)[FIRST + 1]).as("on disk %d", disk).isEqualTo(3);
        }
        for (int block = 0; block < 4; block++) {
            int number = block;
            assertThat(bed.read(CHUNK + (long) block * BLOCK, BLOCK))
                    .satisfies(found -> assertThat(found.isEmpty()).isEqualTo(number == 2));
        }
        // Also for who opens the pool without the member that has left.
        bed.leave();
        bed.disks = List.copyOf(bed.disks.subList(from, end));
        bed.open();
        assertThat(bed.read(CHUNK + 2L * BLOCK, BLOCK)).isEmpty();
        assertThat(bed.write(CHUNK + 2L * BLOCK, BLOCK, FIRST + 1)).isEqualTo(BlockStatus.OK);
        assertHolds();
    }

    @Test
    void whatTheOnlyDiskHasWrongIsMovedAsItIs() {
        fill(1);
        bed.rot(0, FIRST + 1, 2);
        drain();
        bed.untilDrained();
        assertLost(1, 2);
    }

    @Test
    void aReadThatIsWrongOnceIsRepeated() {
        for (int copies = 1; copies <= 2; copies++) {
            bed.close();
            bed = new SummedMirrorBed();
            fill(copies);
            for (int i = 0; i < copies; i++) {
                once(bed.disks.get(i), new DiskFault.BitFlip(12_345));
            }
            drain();
            bed.untilDrained();
            assertOn(copies, 2 * copies);
            assertHolds();
            assertThat(bed.told.damaged).isEmpty();
            assertThat(bed.told.repaired).isEmpty();
        }
    }

    /** The first read of a chunk. */
    private static void once(SimulatedDisk disk, DiskFault fault) {
        var left = new AtomicInteger(1);
        disk.faults(request ->
                request.operation() == BlockOperation.READ
                                && request.length() == CHUNK
                                && left.getAndDecrement() > 0
                        ? fault
                        : DiskFault.NONE);
    }

    /** It may be the right one, and would be left behind. */
    @Test
    void aCopyThatCannotBeReadKeepsTheMember() {
        fill(2);
        bed.rot(0, FIRST + 1, 2);
        failReads();
        drain();
        for (int i = 0; i < 10_000 && bed.pool().drainStatus().state() != State.CANCELLED; i++) {
            bed.home.step();
        }
        assertThat(bed.pool().drainStatus().state()).isEqualTo(State.CANCELLED);
        assertThat(bed.pool().drainStatus().trouble())
                .contains("a copy that may be right cannot be read")
                .contains("nothing is lost, the member stays");
        assertThat(bed.told.damaged).containsOnly(at(1, 2));
        bed.disks.get(1).faults(_ -> DiskFault.NONE);
        drain();
        bed.untilDrained();
        assertOn(2, 4);
        assertHolds();
        assertThat(bed.told.damaged).containsOnly(at(1, 2));
    }

    /** The second disk cannot be read. */
    private void failReads() {
        bed.disks
                .get(1)
                .faults(request ->
                        request.operation() == BlockOperation.READ
                                ? DiskFault.eio()
                                : DiskFault.NONE);
    }

    @Test
    void aDrainThatWasCancelledBeforeIsInNoTrouble() {
        boolean ended = false;
        for (int steps = 0; !ended; steps++) {
            bed.close();
            bed = new SummedMirrorBed();
            fill(2);
            bed.rot(0, FIRST + 1, 2);
            failReads();
            drain();
            bed.steps(steps);
            bed.pool().cancelDrain();
            // By itself, just before.
            ended = !bed.pool().drainStatus().trouble().isEmpty();
            bed.steps(50);
            assertThat(bed.pool().drainStatus().trouble().isEmpty())
                    .as("after %d steps", steps)
                    .isEqualTo(!ended);
        }
    }

    @Test
    void aDiskThatIsBeingResyncedMayHaveIt() {
        fill(2);
        bed.disks.get(1).vanish();
        bed.write(0, FIRST);
        bed.flush();
        bed.rot(0, FIRST + 1, 2);
        bed.pool().pauseResync(true);
        bed.disks.get(1).comeBack();
        bed.steps(2000);
        assertThat(bed.mirror().isRedundant()).isFalse();
        drain();
        bed.untilDrained();
        assertOn(2, 4);
        assertHolds();
        assertThat(bed.told.damaged).isEmpty();
        assertThat(bed.told.repaired).containsExactly(at(1, 2));
    }

    @Test
    void whatOnlyASnapshotHasIsVerifiedToo() {
        fill(2);
        bed.pool().snapshot("a", "s");
        bed.write(1, 99);
        bed.flush();
        bed.rot(0, FIRST + 1, 2);
        bed.rot(1, FIRST + 1, 2);
        bed.rot(0, 99, 0);
        bed.rot(1, 99, 1);
        drain();
        bed.untilDrained();
        bed.assertHolds(1, 99);
        assertThat(bed.told.damaged).containsExactly("s " + (CHUNK + 2 * BLOCK));
        var client = new SteppedClient(bed.pool().device("s"), bed.home);
        assertThat(client.readable(CHUNK, CHUNK)).isEmpty();
        assertThat(client.read(CHUNK, 2 * BLOCK)).containsOnly(FIRST + 1);
        client.close();
    }

    /** Nothing has rotten, and what changes meanwhile is not taken for damage. */
    @Test
    void writesMeanwhileAreNoDamage() {
        var random = new Random(5);
        fill(2);
        bed.pool().snapshot("a", "s");
        bed.pool().drain(bed.disks.getFirst(), 0);
        int[] holds = IntStream.range(0, CHUNKS).map(i -> FIRST + i).toArray();
        for (int i = 0; i < 400; i++) {
            int chunk = random.nextInt(CHUNKS);
            holds[chunk] = 40 + random.nextInt(40);
            assertThat(bed.write(chunk, holds[chunk])).isEqualTo(BlockStatus.OK);
            bed.steps(random.nextInt(4));
        }
        bed.untilDrained();
        for (int i = 0; i < CHUNKS; i++) {
            bed.assertHolds(i, holds[i]);
        }
        assertThat(bed.told.damaged).isEmpty();
        assertThat(bed.told.repaired).isEmpty();
    }

    /** What was being looked at is changed in place then, and is not taken for damage. */
    @Test
    void itCanBeCancelledAtAnyPoint() {
        boolean ended = false;
        for (int steps = 0; !ended; steps++) {
            ended = isDrainedAnew(steps);
            bed.pool().cancelDrain();
            for (int i = 0; i < CHUNKS; i += 2) {
                assertThat(bed.write(i, 60 + i)).isEqualTo(BlockStatus.OK);
            }
            bed.steps(50);
            for (int i = 0; i < CHUNKS; i++) {
                bed.assertHolds(i, i % 2 == 0 ? 60 + i : FIRST + i);
            }
            assertThat(bed.told.damaged).as("after %d steps", steps).isEmpty();
        }
    }

    @Test
    void aPoolCanBeClosedAtAnyPoint() {
        boolean ended = false;
        for (int steps = 0; !ended; steps++) {
            ended = isDrainedAnew(steps);
            bed.leave();
        }
    }

    /** Begins to drain another pool, half of which is rotten; whether so many steps were enough. */
    private boolean isDrainedAnew(int steps) {
        bed.close();
        bed = new SummedMirrorBed();
        fill(2);
        for (int i = 0; i < CHUNKS; i++) {
            bed.rot(i / 2 % 2, FIRST + i, i % 4);
        }
        drain();
        bed.steps(steps);
        return bed.pool().drainStatus().state() == State.DONE;
    }
}
