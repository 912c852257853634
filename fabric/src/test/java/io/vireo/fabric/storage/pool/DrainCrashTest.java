package io.vireo.fabric.storage.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockDevice;
import io.vireo.fabric.storage.format.FormatException;
import io.vireo.fabric.storage.format.PoolFormat;
import io.vireo.fabric.storage.format.Superblock;
import io.vireo.memory.OwnMemory;
import io.vireo.reactor.Reactor;
import io.vireo.testkit.crash.CrashExplorer;
import io.vireo.testkit.crash.CrashExplorer.Depth;
import io.vireo.testkit.crash.SimulatedDisk;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Power is cut while a member is emptied and leaves the pool, and after that. */
@Tag("endurance")
class DrainCrashTest {
    /** A disk is drained from one operation of the trace on. */
    private static final class DrainStore extends PoolStore {
        private final int disk;
        private final int from;
        private Optional<StoragePool> running = Optional.empty();
        private boolean left;

        DrainStore(int disk, int from) {
            this.disk = disk;
            this.from = from;
        }

        @Override
        public Store open(List<BlockDevice> disks, Reactor reactor) {
            StoragePool pool = StoragePool.open(disks, reactor, OPTIONS);
            running = Optional.of(pool);
            return opened(pool);
        }

        @Override
        public void before(int operation, List<SimulatedDisk> disks) {
            StoragePool pool = running.orElseThrow();
            if (operation == from) {
                pool.drain(disks.get(disk), 0);
            }
            left = pool.drainStatus().state() == DrainStatus.State.DONE;
        }

        /** A disk that left the pool and was wiped need not be named any more. */
        @Override
        public Store reopen(List<BlockDevice> disks, Reactor reactor) {
            List<BlockDevice> members =
                    disks.stream()
                            .map(SimulatedDisk.class::cast)
                            .filter(DrainStore::isMember)
                            .map(BlockDevice.class::cast)
                            .toList();
            return super.open(members, reactor);
        }

        private static boolean isMember(SimulatedDisk disk) {
            try (OwnMemory block = OwnMemory.allocate(PoolFormat.BLOCK)) {
                for (long place : PoolFormat.SUPERBLOCKS) {
                    block.put(0, disk.contents().read(place, PoolFormat.BLOCK));
                    try {
                        Superblock.decode(block);
                        return true;
                    } catch (FormatException e) {
                        // The other place may have one.
                    }
                }
            }
            return false;
        }
    }

    @Test
    void aMemberThatLeaves() {
        explore(1);
    }

    /** The journal moves to the other member. */
    @Test
    void theFirstMemberThatLeaves() {
        explore(0);
    }

    private static void explore(int disk) {
        long seed = CrashBed.seed();
        int left = 0;
        for (int from : List.of(6, 14)) {
            var store = new DrainStore(disk, from);
            try (var explorer = new CrashExplorer(store, 2, CrashBed.DISK)) {
                explorer.exploreRandom(seed + from, 60, new Depth(3, 3, 4, 200, 200));
                left += store.left ? 1 : 0;
                System.out.printf(
                        "member %d is drained from operation %d on: %d crash images at %d points%n",
                        disk, from, explorer.images(), explorer.points());
                assertThat(explorer.images()).isGreaterThan(60);
            }
        }
        System.out.println("of two members so many had left: " + left);
    }
}
