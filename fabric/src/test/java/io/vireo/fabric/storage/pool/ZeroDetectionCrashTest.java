package io.vireo.fabric.storage.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockChannel;
import io.vireo.block.BlockCounters;
import io.vireo.block.BlockDevice;
import io.vireo.block.BlockGeometry;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.memory.OwnMemory;
import io.vireo.reactor.Reactor;
import io.vireo.testkit.crash.CrashExplorer;
import io.vireo.testkit.crash.CrashExplorer.Depth;
import io.vireo.testkit.crash.SimulatedDisk;
import io.vireo.testkit.crash.StoreUnderTest;
import io.vireo.testkit.crash.TraceOperation;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Power is cut under volumes that look for zeroes, and get all zeroes as data that is written. */
@Tag("endurance")
class ZeroDetectionCrashTest {
    private static final long DISK = 6 << 20;

    /** A pool whose clients know no other way of zeroing than to write. */
    private record ZeroStore(PoolStore pools) implements StoreUnderTest {
        @Override
        public void create(List<BlockDevice> disks, Reactor reactor) {
            pools.create(disks, reactor);
        }

        @Override
        public Store open(List<BlockDevice> disks, Reactor reactor) {
            return new Open((PoolStore.Open) pools.open(disks, reactor));
        }

        @Override
        public Store reopen(List<BlockDevice> disks, Reactor reactor) {
            return new Open((PoolStore.Open) pools.reopen(disks, reactor));
        }

        @Override
        public void before(int operation, List<SimulatedDisk> disks) {
            pools.before(operation, disks);
        }
    }

    private record Open(PoolStore.Open store) implements StoreUnderTest.Store {
        @Override
        public List<String> volumes() {
            return store.volumes();
        }

        @Override
        public BlockDevice device(String name) {
            var device = (ThinDevice) store.device(name);
            device.zeroDetection(true);
            return new Zeroing(device);
        }

        @Override
        public void create(String name, long capacity) {
            store.create(name, capacity);
        }

        @Override
        public void snapshot(String source, String name) {
            store.snapshot(source, name);
        }

        @Override
        public void snapshotGroup(Map<String, String> names) {
            store.snapshotGroup(names);
        }

        @Override
        public void cloneVolume(String source, String name) {
            store.cloneVolume(source, name);
        }

        @Override
        public void delete(String name) {
            store.delete(name);
        }

        @Override
        public void rollback(String volume, String snapshot) {
            store.rollback(volume, snapshot);
        }

        @Override
        public void grow(String name, long capacity) {
            store.grow(name, capacity);
        }

        @Override
        public String check() {
            return store.check();
        }

        @Override
        public void abandon() {
            store.abandon();
        }
    }

    /** Zeroes by writing zeroes. */
    private record Zeroing(BlockDevice device) implements BlockDevice {
        @Override
        public BlockGeometry geometry() {
            return device.geometry();
        }

        @Override
        public Set<BlockOperation> operations() {
            return device.operations();
        }

        @Override
        public BlockChannel open(Reactor reactor) {
            return new ZeroingChannel(device.open(reactor), device.geometry().capacity());
        }

        @Override
        public BlockCounters counters() {
            return device.counters();
        }

        @Override
        public void addGeometryListener(Runnable changed) {
            device.addGeometryListener(changed);
        }

        @Override
        public void removeGeometryListener(Runnable changed) {
            device.removeGeometryListener(changed);
        }
    }

    private static final class ZeroingChannel implements BlockChannel {
        private final BlockChannel channel;
        private final OwnMemory zeroes;

        ZeroingChannel(BlockChannel channel, long capacity) {
            this.channel = channel;
            zeroes = OwnMemory.allocate((int) capacity);
        }

        @Override
        public void submit(BlockRequest request) {
            if (request.operation() != BlockOperation.WRITE_ZEROES) {
                channel.submit(request);
                return;
            }
            var write = new BlockRequest(0, ended -> request.complete(ended.status()));
            write.prepare(BlockOperation.WRITE, request.offset(), request.length())
                    .forceUnitAccess(request.forceUnitAccess())
                    .data()
                    .add(zeroes.address(), (int) request.length());
            channel.submit(write);
        }

        @Override
        public int free() {
            return channel.free();
        }

        @Override
        public int inFlight() {
            return channel.inFlight();
        }

        @Override
        public void cancel(int tag) {
            channel.cancel(tag);
        }

        @Override
        public int poll() {
            return channel.poll();
        }

        @Override
        public void onReady(Runnable wake) {
            channel.onReady(wake);
        }

        @Override
        public boolean arm() {
            return channel.arm();
        }

        @Override
        public void disarm() {
            channel.disarm();
        }

        @Override
        public void close(Runnable onClosed) {
            channel.close(() -> {
                zeroes.close();
                onClosed.run();
            });
        }
    }

    private static long seed() {
        long seed = Long.getLong("vireo.seed", System.nanoTime());
        System.out.println("vireo.seed=" + seed);
        return seed;
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void everyPrefixOfALongTrace(boolean checksums) {
        var store = new ZeroStore(new PoolStore(checksums));
        try (var explorer = new CrashExplorer(store, 1, DISK)) {
            explorer.exploreRandom(seed(), 150, Depth.PREFIXES);
            System.out.printf("zeroes as data: %d crash images%n", explorer.images());
            assertThat(explorer.images()).isGreaterThan(150);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void muchAroundAShortTrace(boolean checksums) {
        var store = new ZeroStore(new PoolStore(checksums));
        try (var explorer = new CrashExplorer(store, 2, DISK)) {
            explorer.exploreRandom(seed(), 20, new Depth(3, 4, 4, 60, 400));
            System.out.printf("zeroes as data: %d crash images%n", explorer.images());
            assertThat(explorer.images()).isGreaterThan(40);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void eachOperationOnItsOwn(boolean checksums) {
        long seed = seed();
        var store = new ZeroStore(new PoolStore(checksums));
        try (var explorer = new CrashExplorer(store, 1, DISK)) {
            for (List<TraceOperation> sequence : TraceOperation.sequences(1, false)) {
                explorer.exploreSequence(sequence, seed, Depth.FULL);
            }
            System.out.printf("zeroes as data: %d crash images%n", explorer.images());
            assertThat(explorer.points()).isGreaterThan(40);
        }
    }

    @Test
    void onAMirrorOfWhichADiskFailsAndComesBack() {
        for (var pools : List.of(MirrorStore.whole(), MirrorStore.failing(1, 6, 18))) {
            try (var explorer = new CrashExplorer(new ZeroStore(pools), 2, CrashBed.DISK)) {
                explorer.exploreRandom(seed(), 25, Depth.PREFIXES);
                System.out.printf("zeroes on mirrors: %d crash images%n", explorer.images());
                assertThat(explorer.images()).isGreaterThan(25);
            }
        }
    }
}
