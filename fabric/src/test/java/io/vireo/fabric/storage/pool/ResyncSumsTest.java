package io.vireo.fabric.storage.pool;

import static io.vireo.fabric.storage.pool.SummedMirrorBed.BLOCK;
import static io.vireo.fabric.storage.pool.SummedMirrorBed.CHUNK;
import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockOperation;
import io.vireo.block.BlockStatus;
import io.vireo.fabric.storage.mirror.CopyCheck;
import io.vireo.fabric.storage.mirror.MirrorDevice;
import io.vireo.memory.OwnMemory;
import io.vireo.testkit.crash.DiskFault;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * No block of a volume with checksums that some disk of a mirror has right is replaced by one that
 * is not, when disks are made equal.
 */
class ResyncSumsTest {
    private final SummedMirrorBed bed = new SummedMirrorBed();

    @AfterEach
    void close() {
        bed.close();
    }

    /** Chunk 0 is 7 everywhere; chunk 1 beside it is 8, which the second disk has not. */
    private void secondIsAway(int copies) {
        bed.make(copies);
        bed.write(0, 7);
        bed.flush();
        bed.disks.get(1).vanish();
        bed.write(1, 8);
        bed.flush();
        assertThat(bed.told.degraded).hasSize(1);
    }

    private void assertWhole() {
        assertWholeAfterDamage();
        assertThat(bed.told.damaged).isEmpty();
    }

    private void assertWholeAfterDamage() {
        bed.untilSettled();
        bed.steps(200);
        for (int i = 0; i < bed.disks.size(); i++) {
            assertThat(bed.places(i, 7)).as("disk %d", i).hasSize(4);
            assertThat(bed.places(i, 8)).as("disk %d", i).hasSize(4);
        }
        for (int i = 0; i < 4; i++) {
            bed.assertHolds(0, 7);
            bed.assertHolds(1, 8);
        }
    }

    @Test
    void aDiskThatComesBackKeepsWhatTheOtherHasNot() {
        secondIsAway(2);
        bed.rot(0, 7, 2);
        bed.disks.get(1).comeBack();
        assertWhole();
        assertThat(bed.told.repaired).containsExactly("a " + 2 * BLOCK);
    }

    @Test
    void aDiskThatComesBackGetsWhatAThirdHas() {
        secondIsAway(3);
        bed.rot(0, 8, 1);
        bed.disks.get(1).comeBack();
        assertWhole();
        assertThat(bed.told.repaired).containsExactly("a " + (CHUNK + BLOCK));
    }

    @Test
    void whatIsReadMeanwhileIsTakenFromTheDiskThatComesBack() {
        secondIsAway(2);
        bed.rot(0, 7, 2);
        bed.pool().pauseResync(true);
        bed.disks.get(1).comeBack();
        bed.steps(2000);
        assertThat(bed.mirror().isRedundant()).isFalse();
        bed.assertHolds(0, 7);
        assertThat(bed.told.repaired).containsExactly("a " + 2 * BLOCK);
        bed.pool().pauseResync(false);
        assertWhole();
    }

    @Test
    void afterALossOfPowerTheRightCopyIsTakenWhichever() {
        for (int rotten = 0; rotten < 2; rotten++) {
            bed.leave();
            bed.told.repaired.clear();
            bed.make(2);
            bed.write(0, 7);
            bed.write(1, 8);
            bed.flush();
            bed.cutPower();
            bed.rot(rotten, 7, 3);
            bed.open();
            // Before anything was copied in the background.
            bed.assertHolds(0, 7);
            assertWhole();
            // The second gets what the first has, whatever it had.
            if (rotten == 0) {
                assertThat(bed.told.repaired).containsExactly("a " + 3 * BLOCK);
            }
        }
    }

    @Test
    void chunksThatAreSharedAndMovedAboutAreKnown() {
        bed.make(2);
        bed.write(0, 7);
        bed.pool().snapshot("a", "s");
        bed.write(0, 6);
        bed.write(1, 8);
        bed.flush();
        bed.cutPower();
        // Only the snapshot has it.
        bed.rot(0, 7, 1);
        bed.open();
        assertWholeButFirst();
        var client = new SteppedClient(bed.pool().device("s"), bed.home);
        assertThat(client.read(0, CHUNK)).containsOnly(7);
        client.close();
        assertThat(bed.told.repaired).containsExactly("s " + BLOCK);
        assertThat(bed.told.damaged).isEmpty();
    }

    private void assertWholeButFirst() {
        bed.untilSettled();
        bed.steps(200);
        bed.assertHolds(0, 6);
        bed.assertHolds(1, 8);
        assertThat(bed.places(0, 7)).hasSize(4);
        assertThat(bed.places(1, 7)).hasSize(4);
    }

    @Test
    void whatNoDiskHasRightIsToldAndStaysAnError() {
        bed.make(2);
        bed.write(0, 7);
        bed.flush();
        bed.disks.get(1).vanish();
        // The other disk has another right content, of before.
        bed.write(0, 8);
        bed.flush();
        bed.rot(0, 8, 2);
        bed.disks.get(1).comeBack();
        bed.untilSettled();
        bed.steps(200);
        assertThat(bed.told.damaged).containsExactly("a " + 2 * BLOCK);
        assertThat(bed.read(2L * BLOCK, BLOCK)).isEmpty();
        assertThat(bed.read(0, 2 * BLOCK))
                .hasValueSatisfying(found -> assertThat(found).containsOnly(8));
        assertThat(bed.places(1, 7)).isEmpty();
        assertThat(bed.write(2L * BLOCK, BLOCK, 8)).isEqualTo(BlockStatus.OK);
        bed.assertHolds(0, 8);
        assertThat(bed.told.repaired).isEmpty();
    }

    /** It may be right, as it is. */
    @Test
    void aCopyThatCannotBeReadIsNotReplacedByAWrongOne() {
        bed.make(2);
        bed.write(0, 7);
        bed.write(1, 8);
        bed.flush();
        bed.cutPower();
        bed.rot(0, 7, 2);
        failRange(1, 1);
        bed.open();
        assertWhole();
        assertThat(bed.told.repaired).containsExactly("a " + 2 * BLOCK);
        assertThat(bed.told.degraded).isEmpty();
    }

    @Test
    void aDiskThatComesBackAndCannotBeReadThereIsTriedAgain() {
        secondIsAway(2);
        bed.rot(0, 7, 2);
        failRange(1, 1);
        bed.disks.get(1).comeBack();
        assertWholeAfterDamage();
        assertThat(bed.told.degraded)
                .anySatisfy(told ->
                        assertThat(told).contains("cannot be read where the others are damaged"));
        // As long as that disk is out, nobody can read it; the event says which volume it is of.
        assertThat(bed.told.damaged).containsExactly("a " + 2 * BLOCK);
        assertThat(bed.told.repaired).containsExactly("a " + 2 * BLOCK);
    }

    /** Of three disks only the last has it right, and the pool forgets while the second is read. */
    @Test
    void whatIsForgottenMeanwhileIsAskedAgain() {
        bed.make(3);
        bed.write(0, 7);
        bed.flush();
        bed.cutPower();
        bed.rot(0, 7, 2);
        bed.rot(1, 7, 2);
        bed.open();
        var check = new Forgetful();
        ((MirrorDevice) bed.pool().engine().members().get(0).device()).check(check);
        bed.disks
                .get(1)
                .faults(request -> {
                    check.knows &= request.operation() != BlockOperation.READ;
                    return DiskFault.NONE;
                });
        bed.untilSettled();
        assertThat(check.wrong).isEqualTo(2);
        assertThat(check.suspects).isEqualTo(1);
        assertThat(bed.places(1, 7)).hasSize(4);
        assertThat(bed.places(2, 7)).hasSize(4);
    }

    /** Knows that blocks with a 7 are full of them, from when it is asked until it forgets. */
    private final class Forgetful implements CopyCheck {
        private boolean knows;
        private int wrong;
        private int suspects;

        @Override
        public boolean isReady(long at, int length, Runnable then) {
            boolean ready = knows;
            if (!ready) {
                bed.home.execute(() -> {
                    knows = true;
                    then.run();
                });
            }
            return ready;
        }

        @Override
        public boolean isWrong(long at, OwnMemory memory, int offset) {
            byte[] block = memory.bytes(offset, BLOCK);
            boolean differs = block[0] == 7 && !Arrays.equals(block, 0, BLOCK - 1, block, 1, BLOCK);
            boolean told = knows && differs;
            wrong += told ? 1 : 0;
            return told;
        }

        @Override
        public void suspect(long at) {
            suspects++;
        }
    }

    /** Reads of what a resync copies in one go fail. */
    private void failRange(int disk, int times) {
        var left = new AtomicInteger(times);
        bed.disks
                .get(disk)
                .faults(request ->
                        request.operation() == BlockOperation.READ
                                        && request.length() == 256 << 10
                                        && left.getAndDecrement() > 0
                                ? DiskFault.eio()
                                : DiskFault.NONE);
    }
}
