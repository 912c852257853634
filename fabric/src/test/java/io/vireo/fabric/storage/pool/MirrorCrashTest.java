package io.vireo.fabric.storage.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.testkit.crash.CrashExplorer;
import io.vireo.testkit.crash.CrashExplorer.Depth;
import io.vireo.testkit.crash.TraceOperation;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Power is cut under a mirrored pool, at each disk at its own point: with all disks there again,
 * with one of them missing, and while one is out of the mirror or comes back.
 */
@Tag("endurance")
class MirrorCrashTest {
    private static void explore(
            MirrorStore store, int disks, int length, Depth depth, String what) {
        try (var explorer = new CrashExplorer(store, disks, CrashBed.DISK)) {
            explorer.exploreRandom(CrashBed.seed(), length, depth);
            System.out.printf(
                    "%s: %d crash images at %d points%n",
                    what, explorer.images(), explorer.points());
            assertThat(explorer.images()).isGreaterThan(length);
        }
    }

    @Test
    void twoCopies() {
        explore(MirrorStore.whole(), 2, 30, new Depth(3, 3, 4, 100, 100), "two copies");
    }

    @Test
    void threeCopies() {
        explore(MirrorStore.whole(), 3, 15, new Depth(2, 3, 6, 100, 80), "three copies");
    }

    @Test
    void eachOfTwoCopiesAlone() {
        var depth = new Depth(3, 3, 3, 5000, 80);
        explore(MirrorStore.without(0), 2, 25, depth, "without the first of two copies");
        explore(MirrorStore.without(1), 2, 25, depth, "without the second of two copies");
    }

    @Test
    void aDiskThatFailsForEver() {
        var depth = new Depth(2, 3, 5, 150, 80);
        explore(MirrorStore.failing(0, 10, -1), 2, 25, depth, "the first of two copies fails");
        explore(MirrorStore.failing(1, 10, -1), 2, 25, depth, "the second of two copies fails");
    }

    @Test
    void aDiskThatComesBack() {
        var depth = new Depth(2, 3, 5, 150, 80);
        explore(MirrorStore.failing(0, 8, 14), 2, 30, depth, "the first of two copies is away");
        explore(MirrorStore.failing(1, 8, 14), 3, 20, depth, "the second of three copies is away");
    }

    @Test
    void aDiskThatStalls() {
        var depth = new Depth(2, 3, 5, 150, 80);
        explore(MirrorStore.stalling(0, 8, 14), 2, 30, depth, "the first of two copies stalls");
        explore(MirrorStore.stalling(1, 8, 14), 3, 20, depth, "the second of three copies stalls");
        explore(MirrorStore.stalling(1, 10, -1), 2, 20, depth, "the second stalls for ever");
    }

    /** No copy that is right is ever taken for a damaged one, nor a damaged one for right. */
    @Test
    void volumesWithChecksums() {
        var depth = new Depth(2, 3, 5, 100, 60);
        explore(MirrorStore.whole().summed(), 2, 20, depth, "two copies, checksums");
        explore(
                MirrorStore.without(0).summed(),
                2,
                15,
                depth,
                "without the first of two copies, checksums");
        explore(
                MirrorStore.failing(0, 6, 11).summed(),
                2,
                20,
                depth,
                "the first of two copies is away, checksums");
        explore(
                MirrorStore.stalling(1, 4, 8).summed(),
                2,
                10,
                depth,
                "the second of two copies stalls, checksums");
    }

    @Test
    void allSequencesOfOne() {
        long seed = CrashBed.seed();
        try (var explorer = new CrashExplorer(MirrorStore.whole(), 2, CrashBed.DISK)) {
            for (List<TraceOperation> sequence : TraceOperation.sequences(1, false)) {
                explorer.exploreSequence(sequence, seed, new Depth(2, 3, 4, 150, 150));
            }
            System.out.printf(
                    "all sequences of one operation on a mirror: %d crash images%n",
                    explorer.images());
            assertThat(explorer.points()).isGreaterThan(50);
        }
    }
}
