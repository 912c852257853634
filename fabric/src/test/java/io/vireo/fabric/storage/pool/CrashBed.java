package io.vireo.fabric.storage.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.testkit.crash.CrashExplorer;
import io.vireo.testkit.crash.CrashExplorer.Depth;
import io.vireo.testkit.crash.StoreUnderTest;
import io.vireo.testkit.crash.TraceOperation;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/**
 * Power is cut at every point of a long drawn trace and of all short sequences of operations; what
 * the pool is after that is compared with what it may be. Replays with {@code -Dvireo.seed=N}.
 */
abstract class CrashBed {
    static final long DISK = 6 << 20;

    private final StoreUnderTest store;
    private final String kind;
    private final int length;
    private final int longest;

    /**
     * @param store whose volumes can be moved
     * @param kind of volumes, for people
     * @param length operations of the long trace
     * @param longest operations of short sequences, unless {@code -Dvireo.crash.longest} says so
     */
    CrashBed(StoreUnderTest store, String kind, int length, int longest) {
        this.longest = Integer.getInteger("vireo.crash.longest", longest);
        this.store = store;
        this.kind = kind;
        this.length = length;
    }

    static long seed() {
        long seed = Long.getLong("vireo.seed", System.nanoTime());
        System.out.println("vireo.seed=" + seed);
        return seed;
    }

    private void report(CrashExplorer explorer, String what, long began) {
        System.out.printf(
                "%s, %s: %d crash images at %d points in %d s%n",
                what,
                kind,
                explorer.images(),
                explorer.points(),
                TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - began));
    }

    @Test
    void everyPrefixOfALongTrace() {
        long began = System.nanoTime();
        try (var explorer = new CrashExplorer(store, 1, DISK)) {
            explorer.exploreRandom(seed(), length, Depth.PREFIXES);
            report(explorer, "every prefix of " + length + " operations", began);
            assertThat(explorer.points()).isGreaterThan(length);
        }
    }

    @Test
    void muchAroundShortTraces() {
        long seed = seed();
        long began = System.nanoTime();
        try (var explorer = new CrashExplorer(store, 2, DISK)) {
            for (int i = 0; i < 2; i++) {
                explorer.exploreRandom(seed + i, 20, new Depth(3, 4, 4, 60, 400));
            }
            report(explorer, "much around 40 operations on two disks", began);
            assertThat(explorer.images()).isGreaterThan(80);
        }
    }

    /** Crashes before the last operation of a sequence are those of the shorter ones. */
    @Test
    void allShortSequences() {
        long seed = seed();
        try (var explorer = new CrashExplorer(store, 1, DISK)) {
            for (int operations = 1; operations <= longest; operations++) {
                long began = System.nanoTime();
                List<List<TraceOperation>> all = TraceOperation.sequences(operations, true);
                for (List<TraceOperation> sequence : all) {
                    explorer.exploreLast(
                            sequence, seed, operations < 3 ? Depth.FULL : Depth.SEQUENCES);
                }
                report(
                        explorer,
                        "all %d sequences of up to %d operations".formatted(all.size(), operations),
                        began);
            }
            // By the order in which the seed has operations end.
            assertThat(explorer.points()).isGreaterThan(longest < 3 ? 800 : 5000);
        }
    }
}
