package io.vireo.server;

import static io.vireo.server.PoolBed.DISK;
import static io.vireo.server.PoolBed.assertFails;
import static io.vireo.server.PoolBed.member;
import static io.vireo.server.PoolBed.read;
import static io.vireo.server.PoolBed.spec;
import static io.vireo.server.PoolBed.write;
import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockDevice;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.LiveStream;
import io.vireo.resource.Metadata;
import io.vireo.resource.Realization;
import io.vireo.resource.spec.Kinds;
import io.vireo.resource.spec.PoolSpec;
import java.io.ByteArrayOutputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** Disks of a pool: added, grown, checked, and moved to another host. */
@Timeout(120)
class PoolMembersTest {
    @TempDir Path directory;

    private PoolBed bed;
    private Path a;
    private Path b;

    @BeforeEach
    void prepare() {
        bed = new PoolBed(directory);
        a = directory.resolve("a");
        b = directory.resolve("b");
    }

    @AfterEach
    void close() {
        bed.close();
    }

    private long capacity() {
        return Long.parseLong(
                bed.running(Kinds.POOL, "main")
                        .status()
                        .attributes()
                        .getOrDefault("capacityBytes", "0"));
    }

    @Test
    void disksAreAddedAndGrowWhileInUse() throws Exception {
        PoolSpec one = spec(false, member(a, DISK));
        bed.openPool(one, false);
        BlockDevice disk = bed.openVdisk("web1", false);
        write(disk, 0, "first");
        long before = capacity();

        PoolSpec two = spec(false, member(a, DISK), member(b, DISK));
        bed.changePool(one, two);
        long added = capacity();
        assertThat(added).isGreaterThan(before + DISK / 2);
        PoolSpec larger = spec(false, member(b, 2 * DISK), member(a, DISK));
        bed.changePool(two, larger);
        assertThat(capacity()).isEqualTo(added + DISK);
        assertThat(Files.size(b)).isEqualTo(2 * DISK);
        for (long at = 1 << 20; at < PoolBed.SIZE; at += 64 << 10) {
            write(disk, at, "at " + at);
        }

        bed.closeAll();
        bed.openPool(larger, true);
        assertThat(capacity()).isEqualTo(added + DISK);
        disk = bed.openVdisk("web1", true);
        assertThat(read(disk, 0)).isEqualTo("first");
        for (long at = 1 << 20; at < PoolBed.SIZE; at += 64 << 10) {
            assertThat(read(disk, at)).isEqualTo("at " + at);
        }
        bed.closeAll();
    }

    /** The daemon ended when the new spec was stored and before the disk was added. */
    @Test
    void aDiskThatWasDeclaredIsAddedAtTheNextStart() throws Exception {
        bed.openPool(spec(false, member(a, DISK)), false);
        write(bed.openVdisk("web1", false), 0, "kept");
        long before = capacity();
        bed.closeAll();
        bed.openPool(spec(false, member(b, DISK), member(a, DISK)), true);
        assertThat(capacity()).isGreaterThan(before + DISK / 2);
        assertThat(read(bed.openVdisk("web1", true), 0)).isEqualTo("kept");
        bed.closeAll();
        Files.delete(b);
        assertFails(
                ErrorCode.UNAVAILABLE,
                "b is not there",
                () -> bed.openPool(spec(false, member(a, DISK), member(b, DISK)), true));
        assertThat(Files.exists(b)).isFalse();
    }

    @Test
    void aDiskIsNeitherTakenOutNorCutOffNorTakenFromAnother() throws Exception {
        PoolSpec two = spec(false, member(a, DISK), member(b, DISK));
        var metadata = Metadata.of("main", "main");
        assertThat(bed.pools.validateUpdate(metadata, two, spec(false, member(a, DISK))))
                .singleElement()
                .satisfies(v -> assertThat(v.message()).contains("b cannot be taken out"));
        PoolSpec smaller = spec(false, member(a, DISK), member(b, DISK / 2));
        assertThat(bed.pools.validateUpdate(metadata, two, smaller))
                .singleElement()
                .satisfies(v -> assertThat(v.message()).contains("cannot become smaller"));

        PoolSpec one = spec(false, member(a, DISK));
        bed.openPool(one, false);
        Path foreign = directory.resolve("foreign");
        Files.writeString(foreign, "x".repeat(1 << 20));
        Realization pool = bed.running(Kinds.POOL, "main");
        PoolSpec with = spec(false, member(a, DISK), member(foreign, DISK));
        assertFails(
                ErrorCode.CONFLICT,
                "has something on it",
                () -> bed.pools.update(pool, metadata, one, with, bed.context(true)));
        assertThat(Files.readString(foreign)).isEqualTo("x".repeat(1 << 20));
        write(bed.openVdisk("web1", false), 0, "goes on");
        bed.closeAll();
    }

    @Test
    void aPoolMovesWithItsDisks() throws Exception {
        bed.openPool(bed.spec("a", "b"), false);
        write(bed.openVdisk("web1", false), 0, "moved");
        bed.openSnapshot("monday", "web1", Optional.empty());
        bed.closeAll();
        Path c = Files.move(b, directory.resolve("c"));
        assertFails(
                ErrorCode.CONFLICT,
                "vireo pool import",
                () -> bed.openPool(spec(false, member(a, DISK), member(c, DISK)), false));

        Realization pool = bed.openPool(spec(true, member(c, DISK), member(a, DISK)), false);
        var out = new ByteArrayOutputStream();
        LiveStream.Offer offer = bed.pools.streams().getFirst();
        pool.stream(offer, Map.of()).writeTo(out);
        assertThat(out.toString(StandardCharsets.UTF_8))
                .contains(
                        "\"kind\":\"Vdisk\",\"metadata\":{\"name\":\"web1\"},\"spec\":{\"pool\":\"main\",\"size\":\"33554432\"")
                .contains(
                        "\"kind\":\"Snapshot\",\"metadata\":{\"name\":\"monday\"},\"spec\":{\"vdisk\":\"web1\"}")
                .endsWith("\"left\":[]}");
        BlockDevice disk = bed.openVdisk("web1", false);
        bed.openSnapshot("monday", "web1", Optional.empty());
        assertThat(read(disk, 0)).isEqualTo("moved");
        bed.closeAll();
    }

    private record Checked(int exit, String out) {}

    private static Checked check(Path... disks) {
        var text = new StringWriter();
        var command = new CommandLine(new PoolCommand.Check());
        command.setOut(new PrintWriter(text, true));
        command.setExecutionExceptionHandler((e, failed, _) -> {
            text.append(Messages.of(e));
            return 1;
        });
        int exit =
                command.execute(List.of(disks).stream().map(Path::toString).toArray(String[]::new));
        return new Checked(exit, text.toString());
    }

    @Test
    void aClosedPoolIsChecked() throws Exception {
        bed.openPool(bed.spec("a", "b"), false);
        write(bed.openVdisk("web1", false), 0, "checked");
        bed.openSnapshot("monday", "web1", Optional.empty());
        assertThat(check(a, b))
                .satisfies(c -> {
                    assertThat(c.exit()).isEqualTo(1);
                    assertThat(c.out()).contains("locked by another process");
                });
        bed.closeAll();
        byte[] before = Files.readAllBytes(a);
        assertThat(check(b, a))
                .satisfies(c -> {
                    assertThat(c.exit()).as(c.out()).isZero();
                    assertThat(c.out())
                            .contains("2 vDisks and snapshots")
                            .contains("Nothing is wrong.");
                });
        assertThat(Files.readAllBytes(a)).isEqualTo(before);
        assertThat(check(a))
                .satisfies(c -> {
                    assertThat(c.exit()).isEqualTo(1);
                    assertThat(c.out()).contains("WRONG").contains("is missing");
                });
    }
}
