package io.vireo.server;

import static io.vireo.server.PoolBed.DISK;
import static io.vireo.server.PoolBed.assertFails;
import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockDevice;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.Metadata;
import io.vireo.resource.Quantity;
import io.vireo.resource.spec.DisksSpec;
import io.vireo.resource.spec.Kinds;
import io.vireo.resource.spec.PoolSpec;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Disks that leave a pool while its vDisks are in use, as an operator asks for it. */
@Timeout(180)
class PoolDrainTest {
    private static final int BLOCKS = 24;
    private static final long MIB = 1 << 20;

    @TempDir private Path directory;
    private PoolBed bed;

    @BeforeEach
    void begin() {
        bed = new PoolBed(directory);
    }

    @AfterEach
    void end() throws InterruptedException {
        bed.closeAll();
        bed.close();
    }

    private DisksSpec.Member member(String name) {
        return PoolBed.member(directory.resolve(name), DISK);
    }

    private DisksSpec.Member leaving(String name) {
        return PoolBed.drained(directory.resolve(name), DISK);
    }

    private String drain() {
        return bed.running(Kinds.POOL, "main").status().attributes().getOrDefault("drain", "");
    }

    private void awaitDrain(String text) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (!drain().contains(text)) {
            assertThat(System.nanoTime()).as(drain()).isLessThan(deadline);
            LockSupport.parkNanos(20_000_000);
        }
    }

    private BlockDevice filled() {
        var device = bed.openVdisk("disk0", false);
        for (int i = 0; i < BLOCKS; i++) {
            PoolBed.write(device, i * MIB, "block " + i);
        }
        return device;
    }

    private static void assertKept(BlockDevice device) {
        for (int i = 0; i < BLOCKS; i++) {
            assertThat(PoolBed.read(device, i * MIB)).isEqualTo("block " + i);
        }
    }

    @Test
    void theDiskThatWasNamedFirstLeavesToo() throws Exception {
        var whole = PoolBed.spec(false, member("a"), member("b"));
        bed.openPool(whole, false);
        BlockDevice device = filled();
        var emptying = PoolBed.spec(false, leaving("a"), member("b"));
        bed.updatePool(whole, emptying);
        awaitDrain("empty");
        assertKept(device);
        bed.updatePool(emptying, PoolBed.spec(false, member("b")));
        assertKept(device);
        bed.closeAll();
        bed.openPool(PoolBed.spec(false, member("b")), true);
        assertKept(bed.openVdisk("disk0", true));
    }

    /** It is not forgotten because it cannot begin, and can be cancelled by its name. */
    @Test
    void aDrainThatHasSomethingInItsWayIsAJobAllTheSame() throws Exception {
        var whole = PoolBed.spec(false, member("a"));
        bed.openPool(whole, false);
        assertKept(filled());
        bed.changePool(whole, PoolBed.spec(false, leaving("a")));
        awaitDrain("have room for 0");
        assertThat(bed.running(Kinds.POOL, "main").status().attributes())
                .containsEntry("job", "drain")
                .containsEntry("progress", "0%")
                .containsEntry("timeLeft", "-");
    }

    @Test
    void aDiskIsEmptiedAndTakenOut() throws Exception {
        var whole = PoolBed.spec(false, member("a"), member("b"));
        bed.openPool(whole, false);
        var device = filled();
        var without = PoolBed.spec(false, member("a"));
        var leaves = PoolBed.spec(false, member("a"), leaving("b"));
        assertThat(bed.pools.validateUpdate(Metadata.of("main", "main"), whole, without))
                .singleElement()
                .satisfies(violation ->
                        assertThat(violation.message()).contains("set its drain to true"));
        bed.changePool(whole, leaves);
        awaitDrain("empty, take it out of spec.disks.members");
        assertKept(device);
        bed.changePool(leaves, without);
        assertThat(drain()).isEmpty();
        bed.closeAll();
        Files.delete(directory.resolve("b"));
        bed.openPool(without, true);
        assertKept(bed.openVdisk("disk0", true));
    }

    @Test
    void aDiskThatWasEmptiedStaysSoAfterARestart() throws Exception {
        var whole = PoolBed.spec(false, member("a"), member("b"), member("c"));
        bed.openPool(whole, false);
        filled();
        var leaves = PoolBed.spec(false, member("a"), leaving("b"), member("c"));
        bed.changePool(whole, leaves);
        awaitDrain("empty");
        bed.closeAll();
        bed.openPool(leaves, true);
        assertKept(bed.openVdisk("disk0", true));
        assertThat(drain()).contains(directory.resolve("b").toString(), "empty");
        long capacity = capacity();
        // It may come back: as an empty disk, once what is on it is wiped.
        assertThat(capacity).isLessThan(3 * DISK - DISK / 2);
        bed.closeAll();
        bed.openPool(PoolBed.spec(false, member("a"), member("c")), true);
        assertThat(capacity()).isEqualTo(capacity);
        assertKept(bed.openVdisk("disk0", true));
    }

    private long capacity() {
        return Long.parseLong(
                Objects.requireNonNull(
                        bed.running(Kinds.POOL, "main")
                                .status()
                                .attributes()
                                .get("capacityBytes")));
    }

    @Test
    void withoutRoomNothingIsMovedUntilThereIsSome() throws Exception {
        var whole = PoolBed.spec(false, member("a"), member("b"));
        bed.openPool(whole, false);
        var big = bed.open(bed.vdisks, "big", PoolBed.vdisk(96 * MIB), false);
        var device = big.contract(BlockDevice.class).orElseThrow();
        for (long at = 0; at < 80 * MIB; at += 64 << 10) {
            PoolBed.write(device, at, "x");
        }
        var leaves = PoolBed.spec(false, member("a"), leaving("b"));
        bed.changePool(whole, leaves);
        awaitDrain("add a disk or delete volumes");
        var larger = PoolBed.spec(false, member("a"), leaving("b"), member("c"));
        bed.changePool(leaves, larger);
        awaitDrain("empty");
        assertThat(PoolBed.read(device, 40 * MIB)).isEqualTo("x");
    }

    /** Moves a mebibyte a second, so that it lasts. */
    private static PoolSpec slow(DisksSpec.Member... members) {
        return new PoolSpec(
                PoolSpec.Type.DISKS,
                Optional.empty(),
                PoolSpec.Backend.AUTO,
                true,
                OptionalInt.empty(),
                Optional.empty(),
                Optional.of(
                        new DisksSpec(
                                List.of(members),
                                new Quantity(64 << 10),
                                true,
                                1,
                                false,
                                1,
                                false,
                                Optional.of(new Quantity(1 << 20)),
                                10,
                                Optional.empty())),
                80);
    }

    @Test
    void aDrainIsTakenBack() throws Exception {
        var whole = slow(member("a"), member("b"));
        bed.openPool(whole, false);
        var device = bed.openVdisk("disk0", false);
        for (long at = 0; at < PoolBed.SIZE; at += 64 << 10) {
            PoolBed.write(device, at, "at " + at);
        }
        var leaves = slow(member("a"), leaving("b"));
        bed.changePool(whole, leaves);
        awaitDrain("% of ");
        bed.changePool(leaves, whole);
        assertThat(drain()).isEmpty();
        bed.closeAll();
        bed.openPool(whole, true);
        var again = bed.openVdisk("disk0", true);
        for (long at = 0; at < PoolBed.SIZE; at += 64 << 10) {
            assertThat(PoolBed.read(again, at)).isEqualTo("at " + at);
        }
        bed.closeAll();
        Files.delete(directory.resolve("b"));
        assertFails(ErrorCode.UNAVAILABLE, "", () -> bed.openPool(whole, true));
    }
}
