package io.vireo.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockPool;
import io.vireo.block.PooledVolume;
import io.vireo.fabric.storage.SnapshotGroupKind;
import io.vireo.resource.Condition;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.Metadata;
import io.vireo.resource.Quantity;
import io.vireo.resource.Realization;
import io.vireo.resource.Reference;
import io.vireo.resource.Status;
import io.vireo.resource.spec.Kinds;
import io.vireo.resource.spec.MigrationSpec;
import io.vireo.resource.spec.PoolSpec;
import io.vireo.resource.spec.SnapshotGroupSpec;
import io.vireo.resource.spec.SnapshotSpec;
import io.vireo.resource.spec.VdiskSpec;
import io.vireo.resource.spec.VdiskSpec.Allocation;
import io.vireo.testkit.BlockClient;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** vDisks that move between pools of files while they are used, as an operator asks for it. */
@Timeout(180)
class PoolMoveTest {
    private static final String DISK0 = "disk0";
    private static final Optional<MigrationSpec> SLOW =
            Optional.of(new MigrationSpec(Optional.of(new Quantity(256 << 10))));

    @TempDir private Path directory;
    private PoolBed bed;
    private VdiskSpec spec = on("main");

    @BeforeEach
    void begin() throws Exception {
        bed = new PoolBed(directory);
        openPools(false);
    }

    @AfterEach
    void end() throws InterruptedException {
        bed.closeAll();
        bed.close();
    }

    private void openPools(boolean provisioned) throws Exception {
        bed.open(
                bed.pools,
                "main",
                PoolBed.spec(false, PoolBed.member(directory.resolve("a"), 2 * PoolBed.DISK)),
                provisioned);
        bed.open(bed.pools, "other", bed.spec("b"), provisioned);
        bed.open(bed.pools, "files", PoolBed.images(directory.resolve("files")), provisioned);
        bed.open(
                bed.pools,
                "memory",
                new PoolSpec(
                        PoolSpec.Type.RAM,
                        Optional.empty(),
                        PoolSpec.Backend.AUTO,
                        true,
                        OptionalInt.empty(),
                        Optional.empty(),
                        Optional.empty(),
                        80),
                provisioned);
    }

    private static VdiskSpec on(String pool) {
        return PoolBed.vdisk(pool, PoolBed.SIZE, Allocation.THIN, Optional.empty());
    }

    private static VdiskSpec slowly(String pool) {
        return PoolBed.vdisk(pool, PoolBed.SIZE, Allocation.THIN, SLOW);
    }

    private BlockDevice open(VdiskSpec wanted, boolean provisioned) {
        spec = wanted;
        return bed.open(bed.vdisks, DISK0, wanted, provisioned)
                .contract(BlockDevice.class)
                .orElseThrow();
    }

    private void change(VdiskSpec wanted) {
        bed.change(bed.vdisks, Metadata.of(DISK0, DISK0), spec, wanted);
        spec = wanted;
    }

    private Status status() {
        return bed.running(Kinds.VDISK, DISK0).status();
    }

    private String message() {
        return status().conditions().stream().map(Condition::message).findFirst().orElse("");
    }

    private void awaitAt(String pool) {
        await(() -> message().isEmpty() && pool.equals(status().attributes().get("pool")));
    }

    private void awaitMessage(String part) {
        await(() -> message().contains(part));
    }

    private void await(java.util.function.BooleanSupplier event) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(90);
        while (!event.getAsBoolean()) {
            assertThat(System.nanoTime())
                    .as(() -> message() + " " + status().attributes())
                    .isLessThan(deadline);
            LockSupport.parkNanos(5_000_000);
        }
    }

    private BlockPool pool(String name) {
        return bed.running(Kinds.POOL, name).contract(BlockPool.class).orElseThrow();
    }

    private void assertOnlyIn(String pool) {
        for (String each : new String[] {"main", "other", "files"}) {
            assertThat(pool(each).exists(DISK0)).as(each).isEqualTo(each.equals(pool));
            assertThat(pool(each).exists(DISK0 + ".move")).as(each).isFalse();
            assertThat(pool(each).exists(DISK0 + ".old")).as(each).isFalse();
        }
    }

    private void restart(VdiskSpec wanted) throws Exception {
        bed.closeAll();
        openPools(true);
        open(wanted, true);
    }

    private BlockDevice device() {
        return bed.running(Kinds.VDISK, DISK0).contract(BlockDevice.class).orElseThrow();
    }

    @Test
    void movesToEveryTypeAndBackUnderVerifiedLoad() throws Exception {
        var device = open(on("main"), false);
        try (var load = new VerifiedLoad(device)) {
            for (String pool : new String[] {"other", "files", "main"}) {
                load.awaitMore(50);
                change(on(pool));
                awaitAt(pool);
                assertOnlyIn(pool);
                load.awaitMore(50);
            }
            load.end();
        }
        restart(on("main"));
        assertThat(device().home()).isPresent();
        assertThat(status().conditions()).isEmpty();
    }

    /** A raw file is a vDisk as it is, and becomes one of a pool under its server. */
    @Test
    void aRawFileIsTakenOver() throws Exception {
        byte[] bytes = new byte[(int) PoolBed.SIZE];
        bytes[5 << 20] = 'x';
        Path file = Files.write(directory.resolve("legacy"), bytes);
        bed.open(
                bed.pools,
                "legacy",
                new PoolSpec(
                        PoolSpec.Type.IMAGE,
                        Optional.of(file.toString()),
                        PoolSpec.Backend.AUTO,
                        true,
                        OptionalInt.empty(),
                        Optional.empty(),
                        Optional.empty(),
                        80),
                false);
        var device = open(on("legacy"), false);
        assertThat(bed.readAnywhere(device, 5 << 20)).isEqualTo("x");
        bed.writeAnywhere(device, 6 << 20, "in place");
        try (var client = new BlockClient(device, bed.reactor())) {
            change(on("other"));
            awaitAt("other");
            assertThat(client.read(6 << 20, 512)[0]).isEqualTo((byte) 'i');
        }
        assertOnlyIn("other");
        assertThat(bed.readAnywhere(device, 5 << 20)).isEqualTo("x");
        change(on("legacy"));
        awaitMessage("nothing is copied to it");
        change(on("other"));
        awaitAt("other");
        assertThat(Files.size(file)).isEqualTo(PoolBed.SIZE);
        bed.close(Kinds.VDISK, DISK0);
        bed.close(Kinds.POOL, "legacy");
        open(on("other"), true);
        assertThat(bed.readAnywhere(device(), 6 << 20)).isEqualTo("in place");
    }

    @Test
    void becomesThickAndThinAgainWhereItIs() throws Exception {
        var device = open(on("main"), false);
        bed.writeAnywhere(device, 1 << 20, "kept");
        long free = pool("main").space().freeBytes();
        try (var load = new VerifiedLoad(device)) {
            change(PoolBed.vdisk("main", PoolBed.SIZE, Allocation.THICK, Optional.empty()));
            awaitAt("main");
            load.awaitMore(20);
            await(() -> pool("main").space().freeBytes() < free - PoolBed.SIZE / 2);
            load.end();
        }
        assertOnlyIn("main");
        restart(spec);
        assertThat(bed.readAnywhere(device(), 1 << 20)).isEqualTo("kept");
        change(on("main"));
        awaitAt("main");
        assertOnlyIn("main");
        assertThat(bed.readAnywhere(device(), 1 << 20)).isEqualTo("kept");
    }

    @Test
    void holesAreNotCopied() {
        var device = open(on("main"), false);
        bed.writeAnywhere(device, 1 << 20, "one");
        bed.writeAnywhere(device, 20 << 20, "two");
        change(on("other"));
        awaitAt("other");
        await(() -> pool("other").mapped(DISK0, false).orElse(0) == 2 * (64 << 10));
        assertThat(bed.readAnywhere(device, 20 << 20)).isEqualTo("two");
    }

    private void fill(BlockDevice device) {
        for (long at = 0; at < PoolBed.SIZE; at += 1 << 20) {
            for (int i = 0; i < 4; i++) {
                bed.writeAnywhere(device, at + i * (64 << 10), "at " + at);
            }
        }
    }

    @Test
    void aMoveThatIsTakenBackLeavesNothing() throws Exception {
        var device = open(slowly("main"), false);
        fill(device);
        change(slowly("other"));
        await(() -> status().attributes().containsKey("timeLeft"));
        assertThat(status().attributes()).containsKeys("progress", "rate");
        assertThat(message()).contains("from pool main to pool other");
        assertThat(bed.running(Kinds.VDISK, DISK0).uses())
                .contains(new Reference(Kinds.POOL, "main"));
        PoolBed.assertFails(
                ErrorCode.NOT_READY,
                "is being moved",
                () -> bed.running(Kinds.VDISK, DISK0).contract(PooledVolume.class));
        assertThat(bed.vdisks.alsoUses(Metadata.of(DISK0, DISK0), spec, bed.state))
                .containsExactly(new Reference(Kinds.POOL, "main"));
        change(slowly("main"));
        awaitAt("main");
        assertOnlyIn("main");
        assertThat(bed.readAnywhere(device, 5 << 20)).isEqualTo("at " + (5 << 20));
        bed.writeAnywhere(device, 0, "more");
        restart(slowly("main"));
        assertThat(bed.readAnywhere(device(), 0)).isEqualTo("more");
    }

    @Test
    void goesElsewhereOnItsWay() {
        var device = open(slowly("main"), false);
        fill(device);
        change(slowly("other"));
        await(() -> status().attributes().containsKey("progress"));
        change(on("files"));
        awaitAt("files");
        assertOnlyIn("files");
        assertThat(bed.readAnywhere(device, 5 << 20)).isEqualTo("at " + (5 << 20));
    }

    @Test
    void aDaemonThatEndsOnTheWayBeginsAnew() throws Exception {
        var device = open(slowly("main"), false);
        fill(device);
        change(slowly("other"));
        await(() -> status().attributes().containsKey("progress"));
        restart(slowly("other"));
        assertThat(status().attributes()).containsEntry("pool", "main");
        bed.writeAnywhere(device(), 0, "since");
        change(on("other"));
        awaitAt("other");
        assertOnlyIn("other");
        assertThat(bed.readAnywhere(device(), 0)).isEqualTo("since");
        assertThat(bed.readAnywhere(device(), 5 << 20)).isEqualTo("at " + (5 << 20));
    }

    /** The spec changed, and the daemon ended before it had seen it. */
    @Test
    void aDaemonThatEndsBeforeItBeganKnowsWhereTheVdiskIs() throws Exception {
        bed.writeAnywhere(open(on("main"), false), 0, "here");
        restart(on("files"));
        awaitAt("files");
        assertOnlyIn("files");
        assertThat(bed.readAnywhere(device(), 0)).isEqualTo("here");
    }

    @Test
    void aPoolWithoutRoomLeavesItWhereItIs() throws Exception {
        var device = open(on("main"), false);
        fill(device);
        var big = PoolBed.vdisk("other", 44 << 20, Allocation.THICK, Optional.empty());
        bed.open(bed.vdisks, "big", big, false);
        change(on("other"));
        awaitMessage("make room");
        assertThat(message()).contains("stays in use in pool main", "set spec.pool to main");
        assertThat(bed.readAnywhere(device, 5 << 20)).isEqualTo("at " + (5 << 20));
        bed.writeAnywhere(device, 0, "goes on");
        change(on("main"));
        awaitAt("main");
        assertOnlyIn("main");
    }

    @Test
    void saysWhatIsInTheWay() throws Exception {
        var device = open(on("main"), false);
        bed.writeAnywhere(device, 0, "here");
        change(on("memory"));
        awaitMessage("keeps nothing when the daemon ends");
        Files.write(directory.resolve("files/disk0.raw"), new byte[4096]);
        change(on("files"));
        awaitMessage("holds a vDisk disk0 already");
        change(on("main"));
        awaitAt("main");
        bed.openSnapshot("monday", DISK0, Optional.empty());
        Files.delete(directory.resolve("files/disk0.raw"));
        change(on("files"));
        awaitMessage("it has snapshots (monday), and pool files can have none: delete them, or");
        Files.write(directory.resolve("files/disk0.raw"), new byte[4096]);
        change(PoolBed.vdisk("main", PoolBed.SIZE, Allocation.THICK, Optional.empty()));
        awaitMessage("it shares room with its snapshots (monday), which would be left");
        bed.open(
                bed.vdisks,
                "third",
                PoolBed.vdisk("other", PoolBed.SIZE, Allocation.THIN, Optional.empty()),
                false);
        pool("other").createSnapshot("third", "monday");
        change(on("other"));
        awaitMessage("pool other holds snapshots of these names already (monday)");
        assertThat(Files.exists(directory.resolve("files/disk0.raw"))).isTrue();
        change(on("main"));
        awaitAt("main");
        assertThat(bed.readAnywhere(device, 0)).isEqualTo("here");
    }

    private String ofSnapshot(String pool, String snapshot, long offset) {
        var volume = pool(pool).openSnapshot(snapshot);
        try {
            return bed.readAnywhere(volume.device(), offset);
        } finally {
            volume.close();
        }
    }

    private static long used(BlockPool pool) {
        return pool.space().capacityBytes() - pool.space().freeBytes();
    }

    /** With what it was at each of them, when that was, and as little room as before. */
    @Test
    void snapshotsGoAlong() throws Exception {
        var device = open(on("main"), false);
        // The load has the other half.
        for (long at = 0; at < PoolBed.SIZE / 2; at += 128 << 10) {
            bed.writeAnywhere(device, at, "at " + at);
        }
        for (int i = 1; i <= 3; i++) {
            bed.writeAnywhere(device, 0, "day " + i);
            bed.openSnapshot("day" + i, DISK0, Optional.empty());
        }
        // Made of it by hand, as a part of a group is.
        pool("main").createGroup("night", List.of(DISK0));
        bed.writeAnywhere(device, 0, "now");
        var before = pool("main").snapshotsOf(DISK0);
        long empty = used(pool("other"));
        try (var load = new VerifiedLoad(device)) {
            change(on("other"));
            awaitAt("other");
            load.awaitMore(20);
            load.end();
        }
        assertOnlyIn("other");
        assertThat(pool("other").snapshotsOf(DISK0)).isEqualTo(before);
        assertThat(pool("main").contents()).isEmpty();
        // What it has now, what it had before the load, and a little, not all of it five times.
        await(() ->
                pool("other").mapped(DISK0, false).orElse(0) >= 8 << 20
                        && used(pool("other")) - empty
                                < pool("other").mapped(DISK0, false).orElseThrow() + (12 << 20));
        for (int i = 1; i <= 3; i++) {
            String name = "day" + i;
            assertThat(ofSnapshot("other", name, 0)).isEqualTo(name.replace("day", "day "));
            Realization snapshot = bed.running(Kinds.SNAPSHOT, name);
            assertThat(snapshot.status().conditions()).isEmpty();
            assertThat(snapshot.contract(PooledVolume.class).orElseThrow().pool())
                    .isSameAs(pool("other"));
        }
        assertThat(ofSnapshot("other", "night/" + DISK0, 0)).isEqualTo("day 3");
        bed.snapshots.destroy(
                Metadata.of("day2", "day2"),
                new SnapshotSpec(DISK0, Optional.empty()),
                bed.context(true));
        assertThat(pool("other").hasSnapshot("day2")).isFalse();
    }

    @Test
    void snapshotsStayIfItStays() throws Exception {
        var device = open(slowly("main"), false);
        fill(device);
        bed.openSnapshot("day1", DISK0, Optional.empty());
        bed.writeAnywhere(device, 0, "now");
        var before = pool("main").snapshotsOf(DISK0);
        change(slowly("other"));
        await(() -> status().attributes().containsKey("progress"));
        assertThat(status().conditions())
                .anySatisfy(each -> assertThat(each.reason()).isEqualTo("Migrating"));
        change(on("main"));
        awaitAt("main");
        assertOnlyIn("main");
        assertThat(pool("other").contents()).isEmpty();
        assertThat(pool("main").snapshotsOf(DISK0)).isEqualTo(before);
        change(slowly("other"));
        await(() -> status().attributes().containsKey("progress"));
        restart(on("other"));
        awaitAt("other");
        assertThat(pool("other").snapshotsOf(DISK0)).isEqualTo(before);
        assertThat(pool("main").contents()).isEmpty();
        assertThat(bed.readAnywhere(device(), 0)).isEqualTo("now");
    }

    /** A group whose vDisks have parted is deleted wherever it has something. */
    @Test
    void aGroupIsDeletedInAllPools() throws Exception {
        open(on("main"), false);
        bed.openVdisk("disk1", false);
        var groups = new SnapshotGroupKind();
        var group = new SnapshotGroupSpec(List.of(DISK0, "disk1"));
        bed.open(groups, "night", group, false);
        change(on("other"));
        awaitAt("other");
        assertThat(pool("other").hasSnapshot("night/" + DISK0)).isTrue();
        assertThat(pool("main").hasSnapshot("night/disk1")).isTrue();
        PoolBed.assertFails(
                ErrorCode.INVALID, "different pools", () -> bed.open(groups, "noon", group, false));
        groups.destroy(Metadata.of("night", "night"), group, bed.context(true));
        assertThat(pool("other").hasSnapshot("night/" + DISK0)).isFalse();
        assertThat(pool("main").hasSnapshot("night/disk1")).isFalse();
    }

    @Test
    void aRecordThatCannotBeWrittenIsNoMove() {
        var device = open(on("main"), false);
        bed.writeAnywhere(device, 0, "here");
        bed.state.failing(true);
        change(on("other"));
        awaitMessage("cannot be recorded");
        bed.state.failing(false);
        change(on("main"));
        awaitAt("main");
        assertOnlyIn("main");
        assertThat(bed.readAnywhere(device, 0)).isEqualTo("here");
    }

    @Test
    void isDeletedWhereverItIs() throws Exception {
        var device = open(slowly("main"), false);
        fill(device);
        change(slowly("other"));
        await(() -> status().attributes().containsKey("progress"));
        bed.close(Kinds.VDISK, DISK0);
        bed.vdisks.destroy(Metadata.of(DISK0, DISK0), spec, bed.context(true));
        assertOnlyIn("");
    }
}
