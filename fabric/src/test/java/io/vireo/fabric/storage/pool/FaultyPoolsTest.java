package io.vireo.fabric.storage.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.fabric.storage.move.MovingStore;
import io.vireo.testkit.crash.FaultRun;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Disks of mirrors fail, stall, vanish and are replaced under drawn traces, without any crash. Each
 * run has a seed of its own, which a failure tells: {@code -Dvireo.seed=N -Dvireo.fault.runs=1}
 * repeats it.
 */
@Tag("endurance")
class FaultyPoolsTest {
    private static final int RUNS = Integer.getInteger("vireo.fault.runs", 150);

    @Test
    void nothingIsLostAndNoRequestFailsWhileOneDiskOfEachMirrorIsWell() {
        run("thin volumes", false);
    }

    @Test
    void volumesMoveFromThinToThickAndBackMeanwhile() {
        run("volumes that move", true);
    }

    private static void run(String what, boolean moving) {
        long first = CrashBed.seed();
        int operations = 0;
        int outs = 0;
        int replaced = 0;
        for (long seed = first; seed < first + RUNS; seed++) {
            var random = new Random(seed);
            boolean sums = random.nextBoolean();
            FaultyPools.Plan plan = FaultyPools.Plan.drawn(random);
            int length = 50 + random.nextInt(200);
            PoolStore volumes = moving ? new MovingStore(sums) : new PoolStore(sums);
            var store = new FaultyPools(volumes, sums, plan, seed);
            FaultRun.run(store, plan.disks(), CrashBed.DISK, seed, length);
            operations += length;
            outs += store.outs();
            replaced += store.replaced();
        }
        System.out.printf(
                "%s: %d runs, %d operations, disks were out %d times and %d were replaced%n",
                what, RUNS, operations, outs, replaced);
        assertThat(outs).isGreaterThan(RUNS);
    }
}
