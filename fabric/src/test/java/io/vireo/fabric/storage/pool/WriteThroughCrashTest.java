package io.vireo.fabric.storage.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockOperation;
import io.vireo.fabric.storage.qos.PoolQos;
import io.vireo.fabric.storage.qos.QosDevice;
import io.vireo.reactor.Reactor;
import io.vireo.testkit.crash.CrashExplorer;
import io.vireo.testkit.crash.CrashExplorer.Depth;
import io.vireo.testkit.crash.SimulatedDisk;
import io.vireo.testkit.crash.TraceOperation;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Power is cut under volumes that write through: what has ended is there, whoever flushed. In long
 * traces they begin to do so, and end, while requests are in flight.
 */
@Tag("endurance")
class WriteThroughCrashTest {
    /** Operations of a trace after which the cache mode of all volumes changes. */
    private static final int PERIOD = 7;

    /** A pool whose volumes are used through the stage that vDisks have. */
    private static final class Store extends PoolStore {
        private final boolean changes;

        /** The one that the trace runs on; others are opened after crashes of it. */
        private @Nullable Staged traced;

        private boolean on;

        Store(boolean checksums, boolean changes) {
            super(checksums);
            this.changes = changes;
            on = !changes;
        }

        @Override
        public void create(List<BlockDevice> disks, Reactor reactor) {
            traced = null;
            super.create(disks, reactor);
        }

        @Override
        protected PoolStore.Store opened(StoragePool pool, boolean sums, Reactor reactor) {
            var staged = new Staged(pool, sums, reactor, on);
            if (traced == null) {
                traced = staged;
            }
            return staged;
        }

        @Override
        public void before(int operation, List<SimulatedDisk> disks) {
            if (changes && operation % PERIOD == PERIOD - 1) {
                on = !on;
                Objects.requireNonNull(traced).writeThrough(on);
            }
        }
    }

    private static final class Staged extends PoolStore.Open {
        private final Reactor reactor;
        private final Map<String, QosDevice> devices = new HashMap<>();
        private boolean on;

        Staged(StoragePool pool, boolean checksums, Reactor reactor, boolean on) {
            super(pool, checksums);
            this.reactor = reactor;
            this.on = on;
        }

        void writeThrough(boolean wanted) {
            on = wanted;
            devices.values().forEach(this::settle);
        }

        @Override
        public BlockDevice device(String name) {
            BlockDevice volume = super.device(name);
            return volume.operations().contains(BlockOperation.WRITE)
                    ? devices.computeIfAbsent(name, _ -> stage(name, volume))
                    : volume;
        }

        @Override
        public void delete(String name) {
            devices.remove(name);
            super.delete(name);
        }

        private QosDevice stage(String name, BlockDevice volume) {
            var qos = new PoolQos("main", 0, Optional.empty(), () -> 0);
            QosDevice device = qos.stage(qos.add(name, Optional.empty()), volume);
            settle(device);
            return device;
        }

        private void settle(QosDevice device) {
            try {
                if (!reactor.await(device.writeThrough(on, reactor))) {
                    throw new IllegalStateException("it cannot be flushed");
                }
            } catch (InterruptedException | ExecutionException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    private static void report(CrashExplorer explorer) {
        System.out.printf("write through: %d crash images%n", explorer.images());
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void eachOperationOnItsOwn(boolean checksums) {
        long seed = CrashBed.seed();
        try (var explorer = new CrashExplorer(new Store(checksums, false), 1, CrashBed.DISK)) {
            for (List<TraceOperation> sequence : TraceOperation.sequences(1, false)) {
                explorer.exploreSequence(sequence, seed, Depth.FULL);
            }
            report(explorer);
            assertThat(explorer.points()).isGreaterThan(40);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whileTheCacheModeChanges(boolean checksums) {
        try (var explorer = new CrashExplorer(new Store(checksums, true), 2, CrashBed.DISK)) {
            explorer.exploreRandom(CrashBed.seed(), 100, Depth.PREFIXES);
            report(explorer);
            assertThat(explorer.images()).isGreaterThan(100);
        }
    }
}
