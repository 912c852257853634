package io.vireo.fabric.storage.move;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockVolume;
import io.vireo.block.PoolSpace;
import io.vireo.block.VolumeSnapshot;
import io.vireo.fabric.storage.move.Relocation.Home;
import io.vireo.fabric.storage.move.Relocation.Target;
import io.vireo.fabric.storage.qos.PoolQos;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;
import io.vireo.resource.spec.VdiskSpec.Allocation;
import io.vireo.testkit.EmptyPool;
import io.vireo.testkit.MemoryBlockDevice;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
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
    private static final class Told extends EmptyPool {
        private final long free;
        private final long mapped;
        private final long about;
        private final Map<String, BlockVolume> snapshots;

        Told(long free, long mapped, long about) {
            this(free, mapped, about, Map.of());
        }

        Told(long free, long mapped, long about, Map<String, BlockVolume> snapshots) {
            this.free = free;
            this.mapped = mapped;
            this.about = about;
            this.snapshots = snapshots;
        }

        @Override
        public boolean hasSnapshots() {
            return true;
        }

        @Override
        public boolean hasSnapshot(String snapshot) {
            return false;
        }

        @Override
        public BlockVolume openSnapshot(String snapshot) {
            return Objects.requireNonNull(snapshots.get(snapshot));
        }

        @Override
        public OptionalLong mapped(String volume, boolean snapshot) {
            return OptionalLong.of(snapshot ? 4 * MIB : mapped);
        }

        @Override
        public long roomFor(long bytes, boolean checksums) {
            return bytes + about;
        }

        @Override
        public PoolSpace space() {
            return new PoolSpace(100 * MIB, free);
        }
    }

    private final class Volume implements BlockVolume {
        private boolean closed;

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
            closed = true;
        }
    }

    @AfterEach
    void close() {
        disk.close();
    }

    private void check(long mapped, Allocation allocation, Told target) {
        check(new Told(0, mapped, 0), allocation, target, List.of());
    }

    private void check(
            Told from, Allocation allocation, Told target, List<VolumeSnapshot> snapshots) {
        var here = new Site("here", Allocation.THIN);
        var there = new Site("there", allocation);
        Home home = new Home(here, from, new Volume(), rates.add("disk", Optional.empty()));
        MoveRules.check(
                "disk",
                home,
                new Target(there, target, rates, Optional.empty(), Optional.empty(), 0),
                snapshots);
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
    void itsSnapshotsTakeRoomToo() {
        var first = new Volume();
        var second = new Volume();
        Told from = new Told(0, 8 * MIB, 0, Map.of("s1", first, "s2", second));
        List<VolumeSnapshot> both =
                List.of(
                        new VolumeSnapshot("s1", Instant.EPOCH),
                        new VolumeSnapshot("s2", Instant.EPOCH));
        // Nothing is known to be shared: 4 MiB of each snapshot, and 8 MiB.
        assertThatCode(() -> check(from, Allocation.THIN, new Told(16 * MIB, 0, 0), both))
                .doesNotThrowAnyException();
        assertThatThrownBy(() -> check(from, Allocation.THIN, new Told(15 * MIB, 0, 0), both))
                .hasMessage(
                        "pool there has 15 MiB free, and it needs up to 16 MiB there with its"
                                + " snapshots: make room in that pool");
        assertThatThrownBy(() -> check(from, Allocation.THICK, new Told(27 * MIB, 0, 0), both))
                .hasMessageContaining("up to 28 MiB");
        assertThat(first.closed && second.closed).isTrue();
    }

    @Test
    void roomIsLookedAtAgainBeforeTheNextSnapshot() {
        Told from = new Told(0, 8 * MIB, 0);
        assertThatCode(() -> MoveRoom.checkNext(from, new Told(4 * MIB, 0, 0), "s2", disk, disk))
                .doesNotThrowAnyException();
        assertThatThrownBy(
                        () -> MoveRoom.checkNext(from, new Told(3 * MIB, 0, 0), "s2", disk, disk))
                .hasMessageContaining("up to 4 MiB there for snapshot s2");
    }

    @Test
    void aThickDiskNeedsRoomForAllOfIt() {
        assertThatCode(() -> check(0, Allocation.THICK, new Told(16 * MIB, 0, 0)))
                .doesNotThrowAnyException();
        assertThatThrownBy(() -> check(0, Allocation.THICK, new Told(15 * MIB, 0, 0)))
                .hasMessageContaining("needs 16 MiB");
    }
}
