package io.vireo.fabric.storage.move;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockChannel;
import io.vireo.block.BlockCounters;
import io.vireo.block.BlockDevice;
import io.vireo.block.BlockGeometry;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockPool;
import io.vireo.block.BlockStatus;
import io.vireo.block.BlockVolume;
import io.vireo.block.PoolSpace;
import io.vireo.block.VolumeFormat;
import io.vireo.fabric.storage.move.Relocation.Home;
import io.vireo.fabric.storage.move.Relocation.Target;
import io.vireo.fabric.storage.qos.DiskQosPolicy;
import io.vireo.fabric.storage.qos.DiskQosSettings;
import io.vireo.fabric.storage.qos.DiskQosSettings.Rates;
import io.vireo.fabric.storage.qos.PoolQos;
import io.vireo.reactor.PollMode;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.ReactorGroup;
import io.vireo.resource.spec.VdiskSpec.Allocation;
import io.vireo.testkit.BlockClient;
import io.vireo.testkit.Eventually;
import io.vireo.testkit.MemoryBlockDevice;
import io.vireo.testkit.MemoryBlockDevice.Fate;
import io.vireo.testkit.MemoryState;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * A move that fails is tried again, but not where nothing has changed that it failed by. What is
 * wanted of it may change at any time.
 */
@Timeout(60)
class RelocationTest {
    private static final int MIB = 1 << 20;

    private final ReactorGroup reactors = ReactorGroup.start(List.of(-1), PollMode.INTERRUPT);
    private final MemoryBlockDevice source = new MemoryBlockDevice(4 * MIB, 512);
    private final MemoryBlockDevice copy = new MemoryBlockDevice(4 * MIB, 512);
    private final PoolQos rates = new PoolQos("rates", 0, Optional.empty(), System::nanoTime);
    private final PoolQos ratesThere =
            new PoolQos("there", 1000, Optional.empty(), System::nanoTime);
    private final Site here = new Site("here", Allocation.THIN);
    private final Site there = new Site("there", Allocation.THIN);
    private final AtomicInteger attempts = new AtomicInteger();
    private final AtomicInteger looks = new AtomicInteger();
    private final AtomicLong free = new AtomicLong(10 * MIB);

    @AfterEach
    void close() {
        reactors.close();
        source.close();
        copy.close();
    }

    /** A pool of one device, which counts how often a volume is made in it and its room asked. */
    private final class OneDevice implements BlockPool {
        private final BlockDevice device;
        private final boolean isTarget;
        private Runnable onCreate = () -> {};
        private final Set<String> names = ConcurrentHashMap.newKeySet();

        OneDevice(BlockDevice device, boolean isTarget) {
            this.device = device;
            this.isTarget = isTarget;
        }

        @Override
        public String location() {
            return "memory";
        }

        @Override
        public void create(String volume, VolumeFormat format) {
            names.add(volume);
            if (isTarget) {
                attempts.incrementAndGet();
                onCreate.run();
            }
        }

        @Override
        public BlockVolume open(String volume, VolumeFormat format) {
            return new Volume(device);
        }

        @Override
        public boolean exists(String volume) {
            return names.contains(volume);
        }

        @Override
        public boolean keepsData() {
            return true;
        }

        @Override
        public void delete(String volume, boolean evenIfWritten) {
            names.remove(volume);
        }

        @Override
        public PoolSpace space() {
            looks.incrementAndGet();
            return new PoolSpace(100 * MIB, free.get());
        }

        @Override
        public void close() {
            // Nothing to close.
        }
    }

    private record Volume(BlockDevice device) implements BlockVolume {
        @Override
        public void grow(long capacity) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void rename(String newName) {
            // There is only one.
        }

        @Override
        public String trouble() {
            return "";
        }

        @Override
        public void close() {
            // The device stays.
        }
    }

    /** A device that does something whenever it is opened. */
    private static final class OpensDevice implements BlockDevice {
        private final BlockDevice device;
        private volatile Runnable onOpen = () -> {};

        OpensDevice(BlockDevice device) {
            this.device = device;
        }

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
            onOpen.run();
            return device.open(reactor);
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

    private static byte[] filled() {
        byte[] data = new byte[64 << 10];
        Arrays.fill(data, (byte) 1);
        return data;
    }

    /** Of a vDisk that is here. */
    private Relocation relocation() {
        var from = new OneDevice(source, false);
        var qos = rates.add("vol", Optional.empty());
        return new Relocation(
                "vol",
                new Whereabouts(new MemoryState(), "uid"),
                rates.stage(qos, HopDevice.over(source)),
                reactors,
                new Home(here, from, new Volume(source), qos),
                Optional.empty(),
                () -> "",
                () -> {},
                1_000_000);
    }

    private Target target(OneDevice pool, Optional<DiskQosPolicy> policy, long rate) {
        return new Target(there, pool, ratesThere, policy, Optional.empty(), rate);
    }

    private static Optional<DiskQosPolicy> reserving(String name, long reservation) {
        return Optional.of(
                new DiskQosPolicy(
                        name,
                        new DiskQosSettings(
                                Rates.ANY,
                                Rates.ANY,
                                Rates.ANY,
                                DiskQosSettings.SHARES,
                                reservation)));
    }

    @Test
    void aRateThatIsWantedWhileTheCopyIsPreparedIsTheCopys() throws Exception {
        try (var client = new BlockClient(source, reactors.next())) {
            for (int at = 0; at < 4 * MIB; at += filled().length) {
                assertThat(client.write(at, filled())).isEqualTo(BlockStatus.OK);
            }
        }
        Relocation relocation = relocation();
        var pool = new OneDevice(copy, true);
        pool.onCreate = () -> relocation.goTo(target(pool, Optional.empty(), 0));
        // What does not go at once would be copied days later.
        relocation.goTo(target(pool, Optional.empty(), 1));
        Eventually.until(() -> !relocation.isUnderWay());
        assertThat(relocation.home().site()).isEqualTo(there);
        assertThat(attempts).hasValue(1);
    }

    @Test
    void aPolicyThatIsWantedWhileTheCopyIsPreparedIsWhatIsAdmitted() throws Exception {
        Relocation relocation = relocation();
        var pool = new OneDevice(copy, true);
        pool.onCreate = () -> relocation.goTo(target(pool, reserving("fits", 1000), 0));
        relocation.goTo(target(pool, reserving("does not", 1001), 0));
        Eventually.until(() -> !relocation.isUnderWay());
        assertThat(relocation.home().qos().policyName()).contains("fits");
        assertThat(ratesThere.reserved()).isEqualTo(1000);
        assertThat(attempts).hasValue(1);
    }

    @Test
    void aPolicyThatIsWantedOnceTheOtherWasAdmittedIsTheVdisks() throws Exception {
        Relocation relocation = relocation();
        var opens = new OpensDevice(copy);
        var pool = new OneDevice(opens, true);
        opens.onOpen = () -> relocation.goTo(target(pool, reserving("later", 20), 0));
        relocation.goTo(target(pool, reserving("first", 10), 0));
        Eventually.until(() -> !relocation.isUnderWay());
        assertThat(relocation.home().qos().policyName()).contains("later");
        assertThat(ratesThere.reserved()).isEqualTo(20);
    }

    @Test
    void aPolicyThatThereIsNoRoomForByThenGivesTheAttemptUp() throws Exception {
        Relocation relocation = relocation();
        var opens = new OpensDevice(copy);
        var pool = new OneDevice(opens, true);
        opens.onOpen =
                () -> {
                    opens.onOpen = () -> {};
                    relocation.goTo(target(pool, reserving("too much", 1001), 0));
                };
        relocation.goTo(target(pool, Optional.empty(), 0));
        Eventually.until(() -> relocation.problem().contains("reservations of 1001 IOPS"));
        assertThat(relocation.home().site()).isEqualTo(here);
        relocation.goTo(target(pool, reserving("fits", 1000), 0));
        Eventually.until(() -> !relocation.isUnderWay());
        assertThat(relocation.home().site()).isEqualTo(there);
        assertThat(ratesThere.reserved()).isEqualTo(1000);
    }

    @Test
    void aPoolThatItHasFilledIsNotTriedAgainBeforeItHasMoreRoom() throws Exception {
        try (var client = new BlockClient(source, reactors.next())) {
            assertThat(client.write(0, filled())).isEqualTo(BlockStatus.OK);
        }
        copy.fate(request ->
                request.operation() == BlockOperation.WRITE
                        ? new Fate.Ends(BlockStatus.NO_SPACE)
                        : Fate.DONE);
        Relocation relocation = relocation();
        relocation.goTo(target(new OneDevice(copy, true), Optional.empty(), 0));
        Eventually.until(() -> attempts.get() == 1 && !relocation.problem().isEmpty());
        String why = relocation.problem();
        // It looks again and again, and leaves it at that; less room is no reason either.
        int seen = looks.get();
        Eventually.until(() -> looks.get() > seen + 20);
        free.addAndGet(-MIB);
        int less = looks.get();
        Eventually.until(() -> looks.get() > less + 20);
        assertThat(attempts).hasValue(1);
        assertThat(relocation.problem()).isEqualTo(why).contains("room");
        assertThat(relocation.home().site()).isEqualTo(here);

        free.addAndGet(2 * MIB);
        Eventually.until(() -> attempts.get() == 2);
        int again = looks.get();
        Eventually.until(() -> looks.get() > again + 20);
        copy.fate(_ -> Fate.DONE);
        int still = looks.get();
        Eventually.until(() -> looks.get() > still + 20);
        assertThat(attempts).hasValue(2);
        free.addAndGet(MIB);
        Eventually.until(() -> !relocation.isUnderWay());
        assertThat(relocation.home().site()).isEqualTo(there);
        assertThat(relocation.problem()).isEmpty();
    }
}
