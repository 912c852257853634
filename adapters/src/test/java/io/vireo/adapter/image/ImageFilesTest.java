package io.vireo.adapter.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vireo.block.DiskImageReader;
import io.vireo.linux.Fd;
import io.vireo.linux.OpenFiles;
import io.vireo.linux.PathCalls;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;
import io.vireo.resource.spec.DiskImageFormat;
import io.vireo.testkit.Eventually;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Against the real qemu-img and qemu-io. */
@SuppressWarnings("NullAway.Init") // open() runs before each test
class ImageFilesTest {
    private static final int CHUNK = 1 << 20;
    private static final long SEED = Long.getLong("vireo.seed", System.nanoTime());

    @TempDir Path directory;

    private ImageFiles images;
    private final Random random = new Random(SEED);

    @BeforeEach
    void open() {
        images = new ImageFiles(directory);
    }

    private String run(String... command) throws IOException, InterruptedException {
        var process =
                new ProcessBuilder(command)
                        .directory(directory.toFile())
                        .redirectErrorStream(true)
                        .start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as("%s: %s", List.of(command), output).isZero();
        return output;
    }

    @Test
    void aDirectoryThatIsNotThereIsNamed() {
        assertThatThrownBy(() -> images.create("backup/web1.raw", DiskImageFormat.RAW, CHUNK))
                .isInstanceOf(ResourceException.class)
                .hasMessage("there is no directory " + directory.resolve("backup") + ": make it");
    }

    /** A disk with pieces of data between holes, some of which zeroes were written to. */
    private byte[] disk(int size) {
        byte[] data = new byte[size];
        for (int at = 0; at < size; at += 128 << 10) {
            int length = Math.min(size - at, 1 + random.nextInt(150 << 10));
            if (random.nextInt(3) == 0) {
                byte[] piece = new byte[length];
                random.nextBytes(piece);
                System.arraycopy(piece, 0, data, at, length);
            } else if (random.nextInt(3) == 0) {
                Arrays.fill(data, at, at + length, (byte) random.nextInt());
            }
        }
        data[size - 1] = 1;
        return data;
    }

    private void write(String file, DiskImageFormat format, byte[] disk) {
        try (var writer = images.create(file, format, disk.length)) {
            for (int at = 0; at < disk.length; at += CHUNK) {
                int length = Math.min(CHUNK, disk.length - at);
                writer.write(at, Arrays.copyOfRange(disk, at, at + length), length);
            }
            writer.finish();
        }
    }

    /** Reads only what the reader says may be data. */
    private static byte[] contents(DiskImageReader reader) {
        byte[] all = new byte[(int) reader.capacity()];
        long at = reader.nextData(0);
        while (at < all.length) {
            int length = (int) Math.min(100_000, all.length - at);
            byte[] piece = new byte[length];
            Arrays.fill(piece, (byte) 0x5A);
            reader.read(at, piece, length);
            System.arraycopy(piece, 0, all, (int) at, length);
            at = at + length == all.length ? all.length : reader.nextData(at + length);
        }
        return all;
    }

    private byte[] read(String file, DiskImageFormat format) {
        try (var reader = images.open(file, format)) {
            return contents(reader);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {512, 65536, 3 * 1024 * 1024 + 512, 9 * 1024 * 1024})
    void whatIsWrittenAsQcow2IsWhatQemuReads(int size) throws Exception {
        byte[] disk = disk(size);
        Files.write(directory.resolve("disk.raw"), disk);
        write("disk.qcow2", DiskImageFormat.QCOW2, disk);
        run("qemu-img", "check", "-f", "qcow2", "disk.qcow2");
        run("qemu-img", "compare", "-f", "qcow2", "-F", "raw", "disk.qcow2", "disk.raw");
        assertThat(read("disk.qcow2", DiskImageFormat.QCOW2)).as("seed %d", SEED).isEqualTo(disk);
        assertThat(directory.resolve("disk.qcow2.vireo-part")).doesNotExist();
    }

    /** Several L1 entries and refcount blocks, nearly all of it empty. */
    @Test
    void largeDisksTakeNoMoreThanTheirData() throws Exception {
        long size = 3L << 40;
        byte[] data = new byte[CHUNK];
        random.nextBytes(data);
        long[] places = {0, 512L << 20, (1L << 40) + CHUNK, size - CHUNK};
        try (var writer = images.create("large", DiskImageFormat.QCOW2, size)) {
            for (long place : places) {
                writer.write(place, data, CHUNK);
            }
            writer.finish();
        }
        run("qemu-img", "check", "-f", "qcow2", "large");
        assertThat(Files.size(directory.resolve("large"))).isLessThan(6 << 20);
        try (var reader = images.open("large", DiskImageFormat.QCOW2)) {
            assertThat(reader.capacity()).isEqualTo(size);
            byte[] read = new byte[CHUNK];
            for (long place : places) {
                reader.read(place, read, CHUNK);
                assertThat(read).isEqualTo(data);
            }
            assertThat(reader.nextData(CHUNK)).isEqualTo(512L << 20);
            assertThat(reader.nextData((512L << 20) + CHUNK)).isEqualTo((1L << 40) + CHUNK);
        }
    }

    /** More clusters than one block of refcounts has room for, and more blocks than one table. */
    @ParameterizedTest
    @ValueSource(ints = {9, 10, 12})
    void manyClustersHaveRefcounts(int bits) throws Exception {
        int clusters = 20_000;
        byte[] data = new byte[1 << bits];
        data[0] = 1;
        Fd parent = PathCalls.open(directory, PathCalls.O_RDONLY | PathCalls.O_DIRECTORY, 0);
        int flags = PathCalls.O_RDWR | PathCalls.O_CREAT;
        Fd file = PathCalls.openat2(parent.number(), "many.part", flags, 0600, 0);
        var target = new ImageTarget(parent, new HostFile(file, "many"), "many.part", "many");
        try (var writer = new Qcow2Writer(target, (long) clusters << bits, bits)) {
            for (int i = 0; i < clusters; i++) {
                writer.write((long) i << bits, data, data.length);
            }
            writer.finish();
        }
        run("qemu-img", "check", "-f", "qcow2", "many");
        assertThat(read("many", DiskImageFormat.QCOW2)).hasSize(clusters << bits);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "compat=0.10",
                "compat=1.1",
                "compat=1.1,cluster_size=512",
                "compat=1.1,cluster_size=4k,refcount_bits=1",
                "compat=1.1,cluster_size=2M",
                "compat=1.1,lazy_refcounts=on",
                "compat=1.1,preallocation=metadata"
            })
    void readsWhatQemuWrites(String options) throws Exception {
        byte[] disk = disk(5 * 1024 * 1024 + 1024);
        Files.write(directory.resolve("disk.raw"), disk);
        run(
                "qemu-img",
                "convert",
                "-f",
                "raw",
                "-O",
                "qcow2",
                "-o",
                options,
                "disk.raw",
                "disk.qcow2");
        assertThat(read("disk.qcow2", DiskImageFormat.QCOW2)).as("seed %d", SEED).isEqualTo(disk);
    }

    @ParameterizedTest
    @ValueSource(strings = {"cluster_size=4k", "cluster_size=64k", "cluster_size=2M"})
    void readsCompressedClusters(String options) throws Exception {
        byte[] disk = disk(5 * 1024 * 1024 + 1024);
        Files.write(directory.resolve("disk.raw"), disk);
        run(
                "qemu-img",
                "convert",
                "-c",
                "-f",
                "raw",
                "-O",
                "qcow2",
                "-o",
                options,
                "disk.raw",
                "disk.qcow2");
        assertThat(read("disk.qcow2", DiskImageFormat.QCOW2)).as("seed %d", SEED).isEqualTo(disk);
    }

    @Test
    void zeroClustersAreZeroesAndSnapshotsAreLeftOut() throws Exception {
        run("qemu-img", "create", "-f", "qcow2", "disk.qcow2", "4M");
        run(
                "qemu-io",
                "-f",
                "qcow2",
                "-c",
                "write -P 7 0 1M",
                "-c",
                "write -z 64k 128k",
                "disk.qcow2");
        run("qemu-img", "snapshot", "-c", "before", "disk.qcow2");
        run("qemu-io", "-f", "qcow2", "-c", "write -P 9 2M 64k", "disk.qcow2");
        byte[] expected = new byte[4 << 20];
        Arrays.fill(expected, 0, 1 << 20, (byte) 7);
        Arrays.fill(expected, 64 << 10, 192 << 10, (byte) 0);
        Arrays.fill(expected, 2 << 20, (2 << 20) + (64 << 10), (byte) 9);
        try (var reader = images.open("disk.qcow2", DiskImageFormat.QCOW2)) {
            assertThat(contents(reader)).isEqualTo(expected);
            assertThat(reader.nextData(64 << 10)).isEqualTo(192 << 10);
            assertThat(reader.notes()).containsExactly("Its internal snapshots are left out.");
        }
    }

    private void assertRefused(String file, ErrorCode code, String message) {
        assertThatExceptionOfType(ResourceException.class)
                .isThrownBy(() -> images.open(file, DiskImageFormat.QCOW2).close())
                .withMessageContaining(message)
                .satisfies(e -> assertThat(e.code()).isEqualTo(code));
    }

    @Test
    void refusesWhatNamesOtherFilesOrCannotBeRead() throws Exception {
        int before = OpenFiles.count();
        run("qemu-img", "create", "-f", "raw", "base", "1M");
        run("qemu-img", "create", "-f", "qcow2", "-b", "base", "-F", "raw", "backed");
        assertRefused("backed", ErrorCode.INVALID, "backing file");
        run("qemu-img", "create", "-f", "qcow2", "-o", "data_file=data", "external", "1M");
        assertRefused("external", ErrorCode.INVALID, "another file");
        run("qemu-img", "create", "-f", "qcow2", "-o", "extended_l2=on", "extended", "1M");
        assertRefused("extended", ErrorCode.INVALID, "extended L2");
        run("qemu-img", "create", "-f", "qcow2", "plain", "1M");
        patch("plain", 35, 1);
        assertRefused("plain", ErrorCode.INVALID, "encrypted");
        patch("plain", 35, 0);
        patch("plain", 79, 8);
        patch("plain", 104, 1);
        assertRefused("plain", ErrorCode.INVALID, "zstd");
        patch("plain", 104, 0);
        patch("plain", 79, 2);
        assertRefused("plain", ErrorCode.INVALID, "corrupt");
        patch("plain", 79, 64);
        assertRefused("plain", ErrorCode.INVALID, "0x40");
        patch("plain", 7, 4);
        assertRefused("plain", ErrorCode.INVALID, "version 4");
        assertRefused("base", ErrorCode.INVALID, "no qcow2 image");
        Eventually.until("descriptors are closed", () -> OpenFiles.count() <= before);
    }

    private void patch(String file, long offset, int value) throws IOException {
        try (var out = new RandomAccessFile(directory.resolve(file).toFile(), "rw")) {
            out.seek(offset);
            out.write(value);
        }
    }

    /** Every byte of the metadata may be anything: the answer is data or a sentence. */
    @Test
    void damagedImagesAreRefusedOrRead() throws Exception {
        byte[] disk = disk(1024 * 1024);
        Files.write(directory.resolve("disk.raw"), disk);
        run(
                "qemu-img",
                "convert",
                "-c",
                "-f",
                "raw",
                "-O",
                "qcow2",
                "-o",
                "cluster_size=512",
                "disk.raw",
                "disk.qcow2");
        byte[] good = Files.readAllBytes(directory.resolve("disk.qcow2"));
        int refused = 0;
        for (int round = 0; round < 2000; round++) {
            byte[] bad = good.clone();
            int changes = 1 + random.nextInt(4);
            for (int i = 0; i < changes; i++) {
                // The header, or the tables behind it, or anywhere.
                int range = random.nextBoolean() ? 112 : random.nextBoolean() ? 8192 : bad.length;
                bad[random.nextInt(Math.min(range, bad.length))] = (byte) random.nextInt();
            }
            if (random.nextInt(10) == 0) {
                bad = Arrays.copyOf(bad, random.nextInt(bad.length));
            }
            Files.write(directory.resolve("bad"), bad);
            try (var reader = images.open("bad", DiskImageFormat.QCOW2)) {
                byte[] piece = new byte[4096];
                long at = reader.nextData(0);
                for (int i = 0; i < 600 && at < reader.capacity(); i++) {
                    int length = (int) Math.min(piece.length, reader.capacity() - at);
                    reader.read(at, piece, length);
                    at += length;
                    at = at == reader.capacity() ? at : reader.nextData(at);
                }
            } catch (ResourceException e) {
                assertThat(e.getMessage()).as("seed %d", SEED).contains("bad");
                refused++;
            }
        }
        assertThat(refused).as("seed %d", SEED).isBetween(200, 1999);
    }

    @ParameterizedTest
    @EnumSource(DiskImageFormat.class)
    void whatIsNotFinishedIsNotThere(DiskImageFormat format) {
        try (var writer = images.create("disk", format, CHUNK)) {
            writer.write(0, new byte[CHUNK], CHUNK);
            assertThat(images.exists("disk")).isFalse();
            assertThat(directory.resolve("disk.vireo-part")).exists();
            assertThatExceptionOfType(ResourceException.class)
                    .isThrownBy(() -> images.create("disk", format, CHUNK))
                    .withMessageContaining("another export");
        }
        assertThat(directory).isEmptyDirectory();
        write("disk", format, disk(CHUNK));
        assertThat(images.exists("disk")).isTrue();
        assertThatExceptionOfType(ResourceException.class)
                .isThrownBy(() -> images.create("disk", format, CHUNK))
                .withMessageContaining("exists already")
                .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.CONFLICT));
    }

    @Test
    void rawImagesAreSparse() throws Exception {
        byte[] disk = new byte[8 << 20];
        disk[5 << 20] = 1;
        write("disk", DiskImageFormat.RAW, disk);
        assertThat(read("disk", DiskImageFormat.RAW)).isEqualTo(disk);
        assertThat(Files.size(directory.resolve("disk"))).isEqualTo(disk.length);
        String allocated = run("stat", "-c", "%b", "disk").trim();
        assertThat(Long.parseLong(allocated) * 512).isLessThan(1 << 20);
        // A last sector that is cut off is filled up.
        Files.write(directory.resolve("odd"), new byte[1000]);
        assertThat(read("odd", DiskImageFormat.RAW)).hasSize(1024);
        Files.write(directory.resolve("empty"), new byte[0]);
        assertThatExceptionOfType(ResourceException.class)
                .isThrownBy(() -> images.open("empty", DiskImageFormat.RAW))
                .withMessageContaining("is empty");
    }

    @Test
    void namesCannotLeaveTheDirectory() throws Exception {
        Path inside = Files.createDirectory(directory.resolve("images"));
        Files.write(directory.resolve("secret"), new byte[512]);
        Files.createSymbolicLink(inside.resolve("link"), directory.resolve("secret"));
        Files.createSymbolicLink(inside.resolve("up"), directory);
        Files.createDirectory(inside.resolve("sub"));
        var confined = new ImageFiles(inside);
        var refused = new ArrayList<String>();
        int before = OpenFiles.count();
        for (String name : new String[] {"../secret", "link", "up/secret", "/etc/passwd", "sub"}) {
            try {
                confined.open(name, DiskImageFormat.RAW).close();
            } catch (ResourceException e) {
                refused.add(name);
            }
        }
        assertThat(refused).containsExactly("../secret", "link", "up/secret", "/etc/passwd", "sub");
        for (String name : new String[] {"../new", "up/new", "link", "none/new"}) {
            assertThatExceptionOfType(ResourceException.class)
                    .as(name)
                    .isThrownBy(() -> confined.create(name, DiskImageFormat.RAW, 512));
        }
        assertThat(directory.resolve("new")).doesNotExist();
        confined.create("sub/new", DiskImageFormat.RAW, 512).close();
        assertThatExceptionOfType(ResourceException.class)
                .isThrownBy(() -> confined.open("nothing", DiskImageFormat.RAW))
                .withMessageContaining("there is no such file");
        Eventually.until("descriptors are closed", () -> OpenFiles.count() <= before);
    }
}
