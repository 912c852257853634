package io.vireo.fabric.storage.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.fabric.storage.move.MovingStore;
import io.vireo.testkit.crash.CrashExplorer;
import io.vireo.testkit.crash.CrashExplorer.Depth;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Power is cut under volumes with checksums: no block that can be what it should be is ever taken
 * for a damaged one, above all none that was torn.
 */
@Tag("endurance")
class SummedCrashTest extends CrashBed {
    SummedCrashTest() {
        super(new MovingStore(true), "with checksums", 4_000, 2);
    }

    @Test
    void everyPrefixOfATraceOfEncryptedVolumes() {
        try (var explorer = new CrashExplorer(new EncryptedPoolStore(true), 1, DISK)) {
            explorer.exploreRandom(seed(), 60, new Depth(3, 3, 12, 150, 1500));
            System.out.printf(
                    "every prefix of 60 operations, encrypted, with checksums: %d crash images at %d points%n",
                    explorer.images(), explorer.points());
            assertThat(explorer.images()).isGreaterThan(60);
        }
    }
}
