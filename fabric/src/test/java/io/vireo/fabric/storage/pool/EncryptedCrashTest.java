package io.vireo.fabric.storage.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.testkit.crash.CrashExplorer;
import io.vireo.testkit.crash.CrashExplorer.Depth;
import io.vireo.testkit.crash.TraceOperation;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Power is cut at every point of traces on encrypted volumes, while keys are made, shared, wrapped
 * anew and overwritten: every volume that is there can be unlocked, and has what it may have.
 */
@Tag("endurance")
class EncryptedCrashTest {
    @Test
    void everyPrefixOfATrace() {
        try (var explorer = new CrashExplorer(new EncryptedPoolStore(), 1, CrashBed.DISK)) {
            explorer.exploreRandom(CrashBed.seed(), 100, new Depth(3, 3, 12, 400, 900));
            System.out.printf(
                    "every prefix of 100 operations on encrypted volumes: %d crash images%n",
                    explorer.images());
            assertThat(explorer.images()).isGreaterThan(100);
        }
    }

    @Test
    void allSequencesOfOneOnTwoDisks() {
        long seed = CrashBed.seed();
        try (var explorer = new CrashExplorer(new EncryptedPoolStore(), 2, CrashBed.DISK)) {
            for (List<TraceOperation> sequence : TraceOperation.sequences(1, false)) {
                explorer.exploreSequence(sequence, seed, new Depth(3, 4, 4, 600, 800));
            }
            System.out.printf(
                    "all sequences of one operation on encrypted volumes: %d crash images%n",
                    explorer.images());
            assertThat(explorer.points()).isGreaterThan(50);
        }
    }
}
