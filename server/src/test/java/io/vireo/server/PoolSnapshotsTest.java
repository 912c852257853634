package io.vireo.server;

import static io.vireo.server.PoolBed.assertFails;
import static io.vireo.server.PoolBed.read;
import static io.vireo.server.PoolBed.write;
import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockDevice;
import io.vireo.block.ExclusiveUse;
import io.vireo.fabric.storage.SnapshotGroupKind;
import io.vireo.fabric.storage.SnapshotScheduleKind;
import io.vireo.fabric.storage.VdiskRollbackKind;
import io.vireo.resource.Condition;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.Metadata;
import io.vireo.resource.Quantity;
import io.vireo.resource.Realization;
import io.vireo.resource.UpdateResult;
import io.vireo.resource.spec.Kinds;
import io.vireo.resource.spec.SnapshotGroupSpec;
import io.vireo.resource.spec.SnapshotScheduleSpec;
import io.vireo.resource.spec.SnapshotSpec;
import io.vireo.resource.spec.VdiskRollbackSpec;
import io.vireo.resource.spec.VdiskSpec;
import io.vireo.testkit.Eventually;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Rollback, groups of snapshots and schedules, as an operator declares them; and how full a pool
 * is.
 */
@Timeout(120)
class PoolSnapshotsTest {
    @TempDir Path directory;

    private PoolBed bed;
    private final SnapshotGroupKind groups = new SnapshotGroupKind();
    private final SnapshotScheduleKind schedules = new SnapshotScheduleKind();
    private final VdiskRollbackKind rollbacks = new VdiskRollbackKind();

    @BeforeEach
    void prepare() {
        bed = new PoolBed(directory);
    }

    @AfterEach
    void close() {
        bed.close();
    }

    @Test
    void aVdiskIsRolledBackWhenNoServerHasIt() throws Exception {
        bed.openPool(bed.spec("a"), false);
        BlockDevice disk = bed.openVdisk("web1", false);
        bed.openVdisk("web2", false);
        write(disk, 0, "good");
        bed.openSnapshot("monday", "web1", Optional.empty());
        bed.openSnapshot("other", "web2", Optional.empty());
        write(disk, 0, "broken");
        write(disk, 1 << 20, "new");

        var spec = new VdiskRollbackSpec("web1", "monday");
        ExclusiveUse.Claim server =
                bed.running(Kinds.VDISK, "web1")
                        .contract(ExclusiveUse.class)
                        .orElseThrow()
                        .claim("server web1", true);
        assertFails(
                ErrorCode.NOT_READY,
                "attached to server web1",
                () -> bed.open(rollbacks, "back", spec, false));
        assertThat(read(disk, 0)).isEqualTo("broken");
        server.release();
        assertFails(
                ErrorCode.INVALID,
                "none of vDisk web1",
                () -> bed.open(rollbacks, "back", new VdiskRollbackSpec("web1", "other"), false));

        bed.open(rollbacks, "back", spec, false);
        assertThat(List.of(read(disk, 0), read(disk, 1 << 20))).containsExactly("good", "");
        write(disk, 0, "later");
        bed.close(Kinds.VDISK_ROLLBACK, "back");
        // The daemon starts again: what was done is not done once more.
        bed.open(rollbacks, "back", spec, true);
        assertThat(read(disk, 0)).isEqualTo("later");
        bed.close(Kinds.VDISK_ROLLBACK, "back");
        bed.closeAll();
    }

    /** The disks of the pool were brought here; another one's snapshot has the name. */
    @Test
    void aSnapshotThatNeverWasMadeTakesNoneAwayFromAnother() throws Exception {
        bed.openPool(bed.spec("a"), false);
        BlockDevice disk = bed.openVdisk("web1", false);
        bed.openVdisk("web2", false);
        write(disk, 0, "good");
        bed.openSnapshot("monday", "web1", Optional.empty());
        bed.close(Kinds.SNAPSHOT, "monday");
        assertFails(
                ErrorCode.CONFLICT,
                "another name",
                () -> bed.openSnapshot("monday", "web2", Optional.empty()));
        bed.destroySnapshot("monday", "web2");
        write(disk, 0, "broken");

        bed.openSnapshot("monday", "web1", Optional.empty());
        bed.open(rollbacks, "back", new VdiskRollbackSpec("web1", "monday"), false);
        assertThat(read(disk, 0)).isEqualTo("good");
        bed.close(Kinds.VDISK_ROLLBACK, "back");
        bed.closeAll();
    }

    @Test
    void aVdiskThatNeverWasMadeIsDeletedWithoutItsPool() throws Exception {
        bed.destroyVdisk("web1", false);
        assertFails(ErrorCode.NOT_READY, "main", () -> bed.destroyVdisk("web1", true));
        bed.openPool(bed.spec("a"), false);
        bed.openVdisk("web1", false);
        bed.closeAll();
        // The daemon ended before it was noted that all of it had been made.
        assertFails(ErrorCode.NOT_READY, "main", () -> bed.destroyVdisk("web1", false));
    }

    @Test
    void aGroupIsOfOneMomentAndItsPartsAreTakenOut() throws Exception {
        bed.openPool(bed.spec("a"), false);
        BlockDevice data = bed.openVdisk("data", false);
        BlockDevice log = bed.openVdisk("log", false);
        write(data, 0, "one");
        write(log, 0, "one");
        var both = new SnapshotGroupSpec(List.of("data", "log"));
        bed.open(groups, "monday", both, false);
        write(data, 0, "two");
        write(log, 0, "two");
        // An attempt that was cut off after they were made.
        bed.open(groups, "monday", both, false);

        bed.openSnapshot("data-monday", "data", Optional.of("monday"));
        bed.openSnapshot("data-monday", "data", Optional.of("monday"));
        bed.openSnapshot("log-monday", "log", Optional.of("monday"));
        assertFails(
                ErrorCode.NOT_READY,
                "no snapshot of data in tuesday",
                () -> bed.openSnapshot("x", "data", Optional.of("tuesday")));
        bed.close(Kinds.SNAPSHOT_GROUP, "monday");
        groups.destroy(Metadata.of("monday", "monday"), both, bed.context(true));

        for (String name : List.of("data", "log")) {
            var clone =
                    new VdiskSpec(
                            "main",
                            new Quantity(PoolBed.SIZE),
                            512,
                            4096,
                            VdiskSpec.Allocation.THIN,
                            Optional.of(name + "-monday"),
                            Optional.empty(),
                            Optional.empty());
            BlockDevice copy =
                    bed.open(bed.vdisks, name + "-copy", clone, false)
                            .contract(BlockDevice.class)
                            .orElseThrow();
            assertThat(read(copy, 0)).isEqualTo("one");
        }
        bed.close(Kinds.SNAPSHOT, "log-monday");
        bed.snapshots.destroy(
                Metadata.of("log-monday", "log-monday"),
                new SnapshotSpec("log", Optional.of("monday")),
                bed.context(true));
        bed.closeAll();
    }

    @Test
    void aScheduleKeepsTheLatest() throws Exception {
        bed.openPool(bed.spec("a"), false);
        write(bed.openVdisk("web1", false), 0, "kept");
        var spec = new SnapshotScheduleSpec(List.of("web1"), 60, 0, 2);
        Realization schedule = bed.open(schedules, "hourly", spec, false);
        Eventually.until(() -> "1".equals(schedule.status().attributes().get("kept")));
        String first = schedule.status().attributes().getOrDefault("last", "none");
        assertThat(first).matches("hourly-\\d{8}t\\d{6}z");
        bed.openSnapshot("keep", "web1", Optional.of(first));
        bed.close(Kinds.SNAPSHOT_SCHEDULE, "hourly");

        // What a Snapshot took out is none of the schedule's any more, so that it makes another.
        Realization again = bed.open(schedules, "hourly", spec, true);
        Eventually.until(() -> "1".equals(again.status().attributes().get("kept")));
        assertThat(
                        schedules.update(
                                again,
                                Metadata.of("hourly", "hourly"),
                                spec,
                                new SnapshotScheduleSpec(List.of("web1"), 30, 5, 1),
                                bed.context(true)))
                .isEqualTo(UpdateResult.IN_PLACE);
        bed.close(Kinds.SNAPSHOT_SCHEDULE, "hourly");
        schedules.destroy(Metadata.of("hourly", "hourly"), spec, bed.context(true));
        assertThat(bed.running(Kinds.POOL, "main").status().attributes()).containsKey("snapshots");
        bed.closeAll();
    }

    @Test
    void aPoolSaysThatItIsNearlyFullAndWhoUsesIt() throws Exception {
        Realization pool = bed.openPool(bed.spec("a"), false);
        BlockDevice disk =
                bed.open(bed.vdisks, "web1", PoolBed.vdisk(PoolBed.DISK), false)
                        .contract(BlockDevice.class)
                        .orElseThrow();
        assertThat(room(pool).reason()).isEqualTo("Free");
        long before = bed.statusChanges();
        long capacity =
                Long.parseLong(pool.status().attributes().getOrDefault("capacityBytes", "0"));
        for (long at = 0; at < capacity * 85 / 100; at += 64 << 10) {
            write(disk, at, "x");
        }
        Eventually.until(() -> room(pool).reason().equals("NearlyFull"));
        assertThat(room(pool).met()).isTrue();
        assertThat(room(pool).message())
                .containsPattern("vDisk web1 \\([0-9.]+Mi\\)")
                .contains("fstrim");
        Eventually.until(() -> bed.statusChanges() > before);
        bed.closeAll();
    }

    private static Condition room(Realization pool) {
        return pool.status().conditions().stream()
                .filter(condition -> condition.type().equals(Condition.ROOM))
                .findFirst()
                .orElseThrow();
    }
}
