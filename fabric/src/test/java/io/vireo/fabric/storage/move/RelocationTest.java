package io.vireo.fabric.storage.move;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockPool;
import io.vireo.block.BlockStatus;
import io.vireo.block.BlockVolume;
import io.vireo.block.PoolSpace;
import io.vireo.block.VolumeFormat;
import io.vireo.fabric.storage.move.Relocation.Home;
import io.vireo.fabric.storage.move.Relocation.Target;
import io.vireo.fabric.storage.qos.PoolQos;
import io.vireo.fabric.storage.qos.QosDevice;
import io.vireo.reactor.PollMode;
import io.vireo.reactor.ReactorGroup;
import io.vireo.resource.spec.VdiskSpec.Allocation;
import io.vireo.testkit.BlockClient;
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

/** A move that fails is tried again, but not where nothing has changed that it failed by. */
@Timeout(60)
class RelocationTest {
    private static final int MIB = 1 << 20;

    private final ReactorGroup reactors = ReactorGroup.start(List.of(-1), PollMode.INTERRUPT);
    private final MemoryBlockDevice source = new MemoryBlockDevice(MIB, 512);
    private final MemoryBlockDevice copy = new MemoryBlockDevice(MIB, 512);
    private final PoolQos rates = new PoolQos("rates", 0, Optional.empty(), System::nanoTime);
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

    private static byte[] filled() {
        byte[] data = new byte[64 << 10];
        Arrays.fill(data, (byte) 1);
        return data;
    }

    private static void await(java.util.function.BooleanSupplier event) throws Exception {
        while (!event.getAsBoolean()) {
            Thread.sleep(1);
        }
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
        var here = new Site("here", Allocation.THIN);
        var there = new Site("there", Allocation.THIN);
        var from = new OneDevice(source, false);
        var qos = rates.add("vol", Optional.empty());
        QosDevice front = rates.stage(qos, HopDevice.over(source));
        var relocation =
                new Relocation(
                        "vol",
                        new Whereabouts(new MemoryState(), "uid"),
                        front,
                        reactors,
                        new Home(here, from, new Volume(source), qos),
                        Optional.empty(),
                        () -> "",
                        () -> {},
                        1_000_000);
        relocation.goTo(
                new Target(
                        there,
                        new OneDevice(copy, true),
                        rates,
                        Optional.empty(),
                        Optional.empty(),
                        0));
        await(() -> attempts.get() == 1 && !relocation.problem().isEmpty());
        String why = relocation.problem();
        // It looks again and again, and leaves it at that; less room is no reason either.
        int seen = looks.get();
        await(() -> looks.get() > seen + 20);
        free.addAndGet(-MIB);
        int less = looks.get();
        await(() -> looks.get() > less + 20);
        assertThat(attempts).hasValue(1);
        assertThat(relocation.problem()).isEqualTo(why).contains("room");
        assertThat(relocation.home().site()).isEqualTo(here);

        free.addAndGet(2 * MIB);
        await(() -> attempts.get() == 2);
        int again = looks.get();
        await(() -> looks.get() > again + 20);
        copy.fate(_ -> Fate.DONE);
        int still = looks.get();
        await(() -> looks.get() > still + 20);
        assertThat(attempts).hasValue(2);
        free.addAndGet(MIB);
        await(() -> !relocation.isUnderWay());
        assertThat(relocation.home().site()).isEqualTo(there);
        assertThat(relocation.problem()).isEmpty();
    }
}
