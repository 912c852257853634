package io.vireo.fabric.storage.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.testkit.crash.CrashExplorer;
import io.vireo.testkit.crash.CrashExplorer.Depth;
import io.vireo.testkit.crash.TraceOperation;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Power is cut under volumes with checksums: no block that can be what it should be is ever taken
 * for a damaged one, above all none that was torn.
 */
@Tag("endurance")
class SummedCrashTest {
    private static final long DISK = 6 << 20;

    private static long seed() {
        long seed = Long.getLong("vireo.seed", System.nanoTime());
        System.out.println("vireo.seed=" + seed);
        return seed;
    }

    private static void report(CrashExplorer explorer, String what) {
        System.out.printf(
                "%s, with checksums: %d crash images at %d points%n",
                what, explorer.images(), explorer.points());
    }

    @Test
    void everyPrefixOfALongTrace() {
        try (var explorer = new CrashExplorer(new PoolStore(true), 1, DISK)) {
            explorer.exploreRandom(seed(), 200, Depth.PREFIXES);
            report(explorer, "every prefix of 200 operations");
            assertThat(explorer.images()).isGreaterThan(200);
        }
    }

    @Test
    void everyPrefixOfATraceOfEncryptedVolumes() {
        try (var explorer = new CrashExplorer(new EncryptedPoolStore(true), 1, DISK)) {
            explorer.exploreRandom(seed(), 60, Depth.PREFIXES);
            report(explorer, "every prefix of 60 operations, encrypted");
            assertThat(explorer.images()).isGreaterThan(60);
        }
    }

    @Test
    void muchAroundShortTraces() {
        long seed = seed();
        try (var explorer = new CrashExplorer(new PoolStore(true), 2, DISK)) {
            for (int i = 0; i < 2; i++) {
                explorer.exploreRandom(seed + i, 20, new Depth(3, 4, 4, 60, 400));
            }
            report(explorer, "much around 40 operations on two disks");
            assertThat(explorer.images()).isGreaterThan(80);
        }
    }

    @Test
    void allSequencesOfOneAndTwo() {
        long seed = seed();
        try (var explorer = new CrashExplorer(new PoolStore(true), 1, DISK)) {
            for (int length = 1; length <= 2; length++) {
                for (List<TraceOperation> sequence : TraceOperation.sequences(length)) {
                    explorer.exploreSequence(sequence, seed, Depth.FULL);
                }
            }
            report(explorer, "all sequences of up to two operations");
            assertThat(explorer.points()).isGreaterThan(900);
        }
    }
}
