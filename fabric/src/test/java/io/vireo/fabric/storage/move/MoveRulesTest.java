package io.vireo.fabric.storage.move;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockPool;
import io.vireo.block.BlockVolume;
import io.vireo.block.PoolSpace;
import io.vireo.block.VolumeFormat;
import io.vireo.fabric.storage.move.Relocation.Home;
import io.vireo.fabric.storage.move.Relocation.Target;
import io.vireo.fabric.storage.qos.PoolQos;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;
import io.vireo.resource.spec.VdiskSpec.Allocation;
import io.vireo.testkit.MemoryBlockDevice;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What is refused before anything is copied. */
class MoveRulesTest {
    private static final long MIB = 1 << 20;

    private final MemoryBlockDevice disk = new MemoryBlockDevice(16 * MIB, 512);
    private final PoolQos rates = new PoolQos("there", 0, Optional.empty(), System::nanoTime);

    /** A pool that says what room there is. */
    private record Told(long free, long mapped, long about) implements BlockPool {
        @Override
        public String location() {
            return "nowhere";
        }

        @Override
        public void create(String volume, VolumeFormat format) {
            throw new UnsupportedOperationException();
        }

        @Override
        public BlockVolume open(String volume, VolumeFormat format) {
            throw new UnsupportedOperationException();
        }

        @Override
        public boolean exists(String volume) {
            return false;
        }

        @Override
        public boolean keepsData() {
            return true;
        }

        @Override
        public void delete(String volume, boolean evenIfWritten) {
            throw new UnsupportedOperationException();
        }

        @Override
        public OptionalLong mapped(String volume, boolean snapshot) {
            return OptionalLong.of(mapped);
        }

        @Override
        public long roomFor(long bytes, boolean checksums) {
            return bytes + about;
        }

        @Override
        public PoolSpace space() {
            return new PoolSpace(100 * MIB, free);
        }

        @Override
        public void close() {
            throw new UnsupportedOperationException();
        }
    }

    private final class Volume implements BlockVolume {
        @Override
        public BlockDevice device() {
            return disk;
        }

        @Override
        public void grow(long capacity) {
            throw new UnsupportedOperationException();
        }

        @Override
        public String trouble() {
            return "";
        }

        @Override
        public void close() {
            throw new UnsupportedOperationException();
        }
    }

    @AfterEach
    void close() {
        disk.close();
    }

    private void check(long mapped, Allocation allocation, Told target) {
        var here = new Site("here", Allocation.THIN);
        var there = new Site("there", allocation);
        Home home =
                new Home(
                        here,
                        new Told(0, mapped, 0),
                        new Volume(),
                        rates.add("disk", Optional.empty()));
        MoveRules.check(
                "disk", home, new Target(there, target, rates, Optional.empty(), 0), List.of());
    }

    @Test
    void whatThePoolKeepsAboutADiskTakesRoomToo() {
        assertThatCode(() -> check(8 * MIB, Allocation.THIN, new Told(9 * MIB, 0, MIB)))
                .doesNotThrowAnyException();
        assertThatThrownBy(() -> check(8 * MIB, Allocation.THIN, new Told(9 * MIB, 0, MIB + 1)))
                .isInstanceOfSatisfying(
                        ResourceException.class,
                        e -> assertThat(e.code()).isEqualTo(ErrorCode.EXHAUSTED))
                .hasMessage(
                        "pool there has 9 MiB free, and it needs 10 MiB there: make room in that"
                                + " pool");
    }

    @Test
    void aThickDiskNeedsRoomForAllOfIt() {
        assertThatCode(() -> check(0, Allocation.THICK, new Told(16 * MIB, 0, 0)))
                .doesNotThrowAnyException();
        assertThatThrownBy(() -> check(0, Allocation.THICK, new Told(15 * MIB, 0, 0)))
                .hasMessageContaining("needs 16 MiB");
    }
}
