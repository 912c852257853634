package io.vireo.testkit.crash;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vireo.testkit.crash.CrashExplorer.Depth;
import io.vireo.testkit.crash.SimpleStore.Bug;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The explorer has nothing against a store that is right, and finds what is wrong with others. */
@Tag("endurance")
class CrashExplorerTest {
    private static final long DISK = 4 << 20;
    private static final Depth CHECKSUMS = new Depth(2, 2, 16, 2000, 2000);

    private static long seed() {
        long seed = Long.getLong("vireo.seed", 1);
        System.out.println("vireo.seed=" + seed);
        return seed;
    }

    @Test
    void aStoreThatIsRightPassesAllSequencesOfTwo() {
        long seed = seed();
        try (var explorer = new CrashExplorer(new SimpleStore(Bug.NONE), 1, DISK)) {
            for (List<TraceOperation> sequence : TraceOperation.sequences(2, false)) {
                explorer.exploreSequence(sequence, seed, Depth.FULL);
            }
            System.out.println(explorer.images() + " crash images, sequences of two");
            assertThat(explorer.points()).isGreaterThan(1000);
            assertThat(explorer.images()).isGreaterThan(4000);
        }
    }

    @Test
    void aStoreThatIsRightPassesLongTraces() {
        long seed = seed();
        try (var explorer = new CrashExplorer(new SimpleStore(Bug.NONE), 1, DISK)) {
            explorer.exploreRandom(seed, 600, Depth.PREFIXES);
            explorer.exploreRandom(seed + 1, 60, Depth.FULL);
            System.out.println(explorer.images() + " crash images, drawn traces");
            assertThat(explorer.images()).isGreaterThan(2000);
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Bug.class,
            mode = EnumSource.Mode.EXCLUDE,
            names = {"NONE", "SHARED_UNTIL_FORGOTTEN"})
    void everyPlantedBugIsFoundByShortSequences(Bug bug) {
        long seed = seed();
        assertFound(
                bug,
                explorer -> {
                    for (List<TraceOperation> sequence : TraceOperation.sequences(2, false)) {
                        explorer.exploreSequence(sequence, seed, Depth.FULL);
                    }
                });
    }

    @ParameterizedTest
    @EnumSource(value = Bug.class, mode = EnumSource.Mode.EXCLUDE, names = "NONE")
    void everyPlantedBugIsFoundByDrawnTraces(Bug bug) {
        long seed = seed();
        assertFound(
                bug,
                explorer -> {
                    for (int i = 0; i < 40; i++) {
                        explorer.exploreRandom(seed + i, 120, Depth.FULL);
                    }
                });
    }

    private static void assertFound(Bug bug, Consumer<CrashExplorer> exploration) {
        try (var explorer = new CrashExplorer(new SimpleStore(bug), 1, DISK)) {
            assertThatThrownBy(() -> exploration.accept(explorer))
                    .isInstanceOf(CrashFailure.class)
                    .hasMessageContaining("replay: -Dvireo.seed=");
            System.out.println(bug + " was found after " + explorer.images() + " crash images");
        }
    }

    /** Its snapshots are all durable in one step, so nothing else is wrong with them. */
    @Test
    void aGroupOfSeveralMomentsIsToldAsSuch() {
        long seed = seed();
        var store = new SimpleStore(Bug.GROUP_OF_SEVERAL_MOMENTS);
        try (var explorer = new CrashExplorer(store, 1, DISK)) {
            assertThatThrownBy(
                            () -> {
                                for (int i = 0; i < 40; i++) {
                                    explorer.exploreRandom(seed + i, 120, Depth.FULL);
                                }
                            })
                    .hasMessageContaining("the snapshots of a group are of no one moment");
        }
    }

    @Test
    void checksumsThatAreRightPassAlthoughBlocksRot() {
        long seed = seed();
        try (var explorer = new CrashExplorer(new SummedStore(SummedDisk.Bug.NONE), 2, DISK)) {
            for (List<TraceOperation> sequence : TraceOperation.sequences(1, false)) {
                explorer.exploreSequence(sequence, seed, CHECKSUMS);
            }
            explorer.exploreRandom(seed, 15, CHECKSUMS);
            System.out.println(explorer.images() + " crash images, checksums");
            assertThat(explorer.images()).isGreaterThan(500);
        }
    }

    @ParameterizedTest
    @EnumSource(value = SummedDisk.Bug.class, mode = EnumSource.Mode.EXCLUDE, names = "NONE")
    void everyPlantedBugOfChecksumsIsFound(SummedDisk.Bug bug) {
        long seed = seed();
        try (var explorer = new CrashExplorer(new SummedStore(bug), 2, DISK)) {
            assertThatThrownBy(
                            () -> {
                                for (int i = 0; i < 20; i++) {
                                    explorer.exploreRandom(seed + i, 40, CHECKSUMS);
                                }
                            })
                    .isInstanceOf(CrashFailure.class)
                    .hasMessageContaining("replay: -Dvireo.seed=");
            System.out.println(bug + " was found after " + explorer.images() + " crash images");
        }
    }

    @Test
    void aSeedRepeatsTheSameFailure() {
        String first = failureOf(7);
        assertThat(first).contains("seed: 7").isEqualTo(failureOf(7));
    }

    private static String failureOf(long seed) {
        try (var explorer = new CrashExplorer(new SimpleStore(Bug.MAPPING_BEFORE_DATA), 1, DISK)) {
            explorer.exploreRandom(seed, 300, Depth.FULL);
            return "";
        } catch (CrashFailure e) {
            return String.valueOf(e.getMessage());
        }
    }
}
