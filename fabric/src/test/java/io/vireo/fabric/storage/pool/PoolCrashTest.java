package io.vireo.fabric.storage.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.fabric.storage.move.MovingStore;
import io.vireo.testkit.crash.CrashExplorer;
import io.vireo.testkit.crash.CrashExplorer.Depth;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Power is cut under volumes without checksums. */
@Tag("endurance")
class PoolCrashTest extends CrashBed {
    PoolCrashTest() {
        super(new MovingStore(false), "without checksums", 10_000, 3);
    }

    @Test
    void everyPrefixOfATraceOnThreeDisks() {
        try (var explorer = new CrashExplorer(new PoolStore(), 3, DISK)) {
            explorer.exploreRandom(seed(), 80, new Depth(3, 3, 12, 150, 1500));
            System.out.printf(
                    "every prefix of 80 operations on three disks: %d crash images at %d points%n",
                    explorer.images(), explorer.points());
            assertThat(explorer.images()).isGreaterThan(80);
        }
    }
}
