package io.vireo.server;

import static io.vireo.server.PoolBed.assertFails;
import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.resource.Condition;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.Metadata;
import io.vireo.resource.spec.Kinds;
import io.vireo.resource.spec.PoolSpec;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Pools that keep everything on two disks, as an operator declares them and loses disks of them.
 */
@Timeout(180)
class PoolMirrorTest {
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

    private Condition redundant() {
        return bed.running(Kinds.POOL, "main").status().conditions().stream()
                .filter(condition -> condition.type().equals(Condition.REDUNDANT))
                .findFirst()
                .orElseThrow();
    }

    private void awaitRedundant() {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (!redundant().met()) {
            assertThat(System.nanoTime()).as(redundant().message()).isLessThan(deadline);
            LockSupport.parkNanos(20_000_000);
        }
    }

    private void makePool() throws InterruptedException {
        bed.openPool(bed.mirrored(false, "a", "b"), false);
        assertThat(redundant().message()).isEqualTo("All 2 copies hold everything.");
        PoolBed.write(bed.openVdisk("disk0", false), 1 << 20, "kept twice");
        bed.closeAll();
    }

    private void assertKept() {
        var device = bed.openVdisk("disk0", true);
        assertThat(PoolBed.read(device, 1 << 20)).isEqualTo("kept twice");
    }

    @Test
    void eachDiskHasEverything() throws Exception {
        makePool();
        // A disk that may know more is missing: somebody has to decide.
        Files.move(directory.resolve("b"), directory.resolve("away"));
        assertFails(
                ErrorCode.UNAVAILABLE,
                "may hold what the others do not",
                () -> bed.openPool(bed.mirrored(false, "a", "b"), true));
        bed.openPool(bed.mirrored(true, "a", "b"), true);
        assertThat(redundant().reason()).isEqualTo("Degraded");
        assertThat(redundant().message())
                .contains(directory.resolve("b").toString(), "is missing", "in its place");
        assertThat(directory.resolve("b")).as("nothing is made in its place").doesNotExist();
        assertKept();
        bed.closeAll();
        // From now on it is known to be out of date: nobody is asked any more, and it is not used.
        bed.openPool(bed.mirrored(false, "a", "b"), true);
        assertKept();
    }

    @Test
    void aDiskThatReturnsIsTakenBack() throws Exception {
        makePool();
        Files.move(directory.resolve("b"), directory.resolve("away"));
        bed.openPool(bed.mirrored(true, "a", "b"), true);
        PoolBed.write(bed.openVdisk("disk0", true), 1 << 20, "written alone");
        Files.move(directory.resolve("away"), directory.resolve("b"));
        awaitRedundant();
        bed.closeAll();
        Files.delete(directory.resolve("a"));
        bed.openPool(bed.mirrored(true, "a", "b"), true);
        assertThat(PoolBed.read(bed.openVdisk("disk0", true), 1 << 20)).isEqualTo("written alone");
    }

    private void makeEmpty(String name) throws IOException {
        try (var file = new RandomAccessFile(directory.resolve(name).toFile(), "rw")) {
            file.setLength(0);
            file.setLength(PoolBed.DISK);
        }
    }

    @Test
    void anEmptyDiskAtThePathIsFilledOnlyWhenSomebodySaysSo() throws Exception {
        makePool();
        var asked = bed.mirrored(true, "a", "b");
        for (boolean inUse : new boolean[] {false, true}) {
            if (inUse) {
                Files.delete(directory.resolve("b"));
                bed.openPool(asked, true);
                makeEmpty("b");
            } else {
                makeEmpty("b");
                bed.openPool(asked, true);
            }
            awaitMessage("the disk there is empty; set its replaced to true");
            assertThat(redundant().met()).isFalse();
            assertKept();
            try (var disk = Files.newInputStream(directory.resolve("b"))) {
                assertThat(Arrays.equals(disk.readNBytes(4 << 20), new byte[4 << 20])).isTrue();
            }
            var said =
                    PoolBed.mirrors(
                            true,
                            PoolBed.member(directory.resolve("a"), PoolBed.DISK),
                            PoolBed.replaced(directory.resolve("b"), PoolBed.DISK));
            bed.changePool(asked, said);
            awaitRedundant();
            assertKept();
            bed.closeAll();
        }
    }

    private void awaitMessage(String text) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (!redundant().message().contains(text)) {
            assertThat(System.nanoTime()).as(redundant().message()).isLessThan(deadline);
            LockSupport.parkNanos(20_000_000);
        }
    }

    @Test
    void anotherDiskTakesThePlaceOfOneThatIsLost() throws Exception {
        makePool();
        Files.delete(directory.resolve("a"));
        var before = bed.mirrored(true, "a", "b");
        bed.openPool(before, true);
        var after = bed.mirrored(true, "c", "b");
        bed.changePool(before, after);
        awaitRedundant();
        assertKept();
        bed.closeAll();
        Files.delete(directory.resolve("b"));
        bed.openPool(after, true);
        assertKept();
    }

    @Test
    void aDiskThatIsNeededIsNotReplaced() throws Exception {
        makePool();
        var before = bed.mirrored(false, "a", "b");
        bed.openPool(before, true);
        assertFails(
                ErrorCode.CONFLICT,
                "no mirror of the pool lacks a disk",
                () -> bed.updatePool(before, bed.mirrored(false, "a", "c")));
        assertKept();
        assertThat(redundant().met()).isTrue();
        bed.closeAll();
        bed.openPool(before, true);
        assertKept();
    }

    @Test
    void aForeignDiskIsNotOverwritten() throws Exception {
        makePool();
        Files.delete(directory.resolve("a"));
        byte[] foreign = foreign("c");
        var before = bed.mirrored(true, "a", "b");
        bed.openPool(before, true);
        assertFails(
                ErrorCode.CONFLICT,
                "something on it",
                () -> bed.updatePool(before, bed.mirrored(true, "c", "b")));
        assertThat(Files.readAllBytes(directory.resolve("c"))).startsWith(foreign);
        assertKept();
    }

    private byte[] foreign(String name) throws IOException {
        byte[] foreign = "somebody else's file system".getBytes();
        try (var file = new RandomAccessFile(directory.resolve(name).toFile(), "rw")) {
            file.write(foreign);
            file.setLength(PoolBed.DISK);
        }
        return foreign;
    }

    @Test
    void mirrorsAreAdded() throws Exception {
        makePool();
        var before = bed.mirrored(false, "a", "b");
        bed.openPool(before, true);
        var after = bed.mirrored(false, "a", "b", "c", "d");
        long room = capacity();
        bed.changePool(before, after);
        assertThat(capacity()).isGreaterThan(room + PoolBed.DISK * 9 / 10);
        bed.closeAll();
        bed.openPool(after, true);
        awaitRedundant();
        assertKept();
    }

    @Test
    void howLongADiskMayStallIsAsDeclared() {
        PoolSpec before = stalling(7);
        PoolSpec after = stalling(2);
        bed.openPool(before, false);
        assertThat(attribute("stallSeconds")).isEqualTo("7");
        bed.changePool(before, after);
        assertThat(attribute("stallSeconds")).isEqualTo("2");
    }

    private PoolSpec stalling(int seconds) {
        return PoolBed.mirrors(
                false,
                seconds,
                PoolBed.member(directory.resolve("a"), PoolBed.DISK),
                PoolBed.member(directory.resolve("b"), PoolBed.DISK));
    }

    private String attribute(String name) {
        return Objects.requireNonNull(
                bed.running(Kinds.POOL, "main").status().attributes().get(name));
    }

    private long capacity() {
        return Long.parseLong(attribute("capacityBytes"));
    }

    @Test
    void anAttemptToAddAMirrorThatWasCutOffIsGoneOnWith() throws Exception {
        makePool();
        // Formatted as a mirror of their own, and no part of a pool: so far the other came.
        var other = new PoolBed(directory);
        other.openPool(other.mirrored(false, "c", "d"), false);
        other.closeAll();
        other.close();
        for (var name : new String[] {"c", "d"}) {
            try (var file = new RandomAccessFile(directory.resolve(name).toFile(), "rw")) {
                for (long superblock : new long[] {0, 512 << 10}) {
                    file.seek((2 << 20) + superblock);
                    file.write(new byte[4096]);
                }
            }
        }
        bed.openPool(bed.mirrored(false, "a", "b", "c", "d"), true);
        assertThat(capacity()).isGreaterThan(PoolBed.DISK * 3 / 2);
        assertKept();
        assertThat(redundant().met()).isTrue();
    }

    @Test
    void whatMakesNoSenseIsRefused() throws Exception {
        var metadata = Metadata.of("main", "main");
        assertThat(bed.pools.validate(metadata, bed.mirrored(false, "a", "b", "c")))
                .anySatisfy(violation ->
                        assertThat(violation.message()).contains("3 disks cannot be mirrors"));
        assertThat(
                        bed.pools.validateUpdate(
                                metadata,
                                bed.mirrored(false, "a", "b", "c", "d"),
                                bed.mirrored(false, "a", "b")))
                .hasSize(2)
                .allSatisfy(violation ->
                        assertThat(violation.message()).contains("name another disk in its place"));
        assertThat(
                        bed.pools.validateUpdate(
                                metadata, bed.spec("a", "b"), bed.mirrored(false, "a", "b")))
                .anySatisfy(violation -> assertThat(violation.pointer()).endsWith("/copies"));
    }
}
