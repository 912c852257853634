package io.vireo.testkit.crash;

import io.vireo.block.BlockDevice;
import io.vireo.reactor.Reactor;
import java.util.List;
import java.util.Map;

/** A store of volumes on disks, as a {@link CrashExplorer} drives it, on a stepped reactor. */
public interface StoreUnderTest {
    /** Makes an empty store, durably. */
    void create(List<BlockDevice> disks, Reactor reactor);

    /**
     * Opens the store after an end of any kind.
     *
     * @throws RuntimeException if it refuses to, which is a failure of the test
     */
    Store open(List<BlockDevice> disks, Reactor reactor);

    /**
     * Opens the store after a crash. It may leave disks out that the store is to do without.
     *
     * @throws RuntimeException if it refuses to, which is a failure of the test
     */
    default Store reopen(List<BlockDevice> disks, Reactor reactor) {
        return open(disks, reactor);
    }

    /** Something happens to the disks before an operation of a trace; mostly nothing does. */
    default void before(int operation, List<SimulatedDisk> disks) {
        // Nothing happens.
    }

    /** A store that is open. Each change is durable when its method returns. */
    interface Store {
        /** Names of all volumes and snapshots. */
        List<String> volumes();

        /** A volume or snapshot. */
        BlockDevice device(String name);

        void create(String name, long capacity);

        void snapshot(String source, String name);

        /**
         * Snapshots at one moment.
         *
         * @param names of the snapshots, by that of what they are of
         */
        void snapshotGroup(Map<String, String> names);

        void cloneVolume(String source, String name);

        void delete(String name);

        void rollback(String volume, String snapshot);

        void grow(String name, long capacity);

        /** Whether volumes can be moved to another place while they are used. */
        default boolean moves() {
            return false;
        }

        /** Whether a volume is on its way; it cannot be copied, grown or rolled back then. */
        default boolean isMoving(String name) {
            return false;
        }

        /** Begins to copy a volume. {@link #device} gives another device from then on. */
        default void beginMove(String name) {
            throw new UnsupportedOperationException("volumes of this store do not move");
        }

        /** Makes the copy the volume; requests that are in flight go on. */
        default void switchMove(String name) {
            throw new UnsupportedOperationException("volumes of this store do not move");
        }

        /**
         * Deletes what the volume was. Nobody uses the device of before, and {@link #device} gives
         * another one.
         */
        default void endMove(String name) {
            throw new UnsupportedOperationException("volumes of this store do not move");
        }

        /** What is wrong, after a close look at its own invariants; empty: nothing. */
        String check();

        /** Gives memory back, without changing anything; the disks may be gone. */
        void abandon();
    }
}
