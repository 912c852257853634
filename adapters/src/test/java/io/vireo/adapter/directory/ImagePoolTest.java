package io.vireo.adapter.directory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.vireo.block.BlockOperation;
import io.vireo.block.BlockPool;
import io.vireo.block.BlockStatus;
import io.vireo.block.BlockVolume;
import io.vireo.block.PoolSpace;
import io.vireo.block.VolumeFormat;
import io.vireo.linux.OpenFiles;
import io.vireo.reactor.PollMode;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.ReactorConfig;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;
import io.vireo.resource.spec.PoolSpec;
import io.vireo.testkit.BlockClient;
import io.vireo.testkit.Eventually;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A raw file of the host that is a vDisk as it is. */
class ImagePoolTest {
    private static final int SIZE = 1 << 20;
    private static final VolumeFormat FORMAT = new VolumeFormat(SIZE, 512, 4096);

    @TempDir Path directory;

    private BlockPool open(String file, boolean create) {
        var spec =
                new PoolSpec(
                        PoolSpec.Type.IMAGE,
                        Optional.of(directory.resolve(file).toString()),
                        PoolSpec.Backend.AUTO,
                        true,
                        OptionalInt.empty(),
                        Optional.empty(),
                        Optional.empty(),
                        80);
        return new ImagePoolProvider().open(spec, create);
    }

    private Path file(String name, int size, String head) throws IOException {
        byte[] bytes = new byte[size];
        Arrays.fill(bytes, (byte) 7);
        byte[] start = head.getBytes(StandardCharsets.ISO_8859_1);
        System.arraycopy(start, 0, bytes, 0, start.length);
        return Files.write(directory.resolve(name), bytes);
    }

    private static void assertFails(ErrorCode code, String hint, Runnable task) {
        assertThatExceptionOfType(ResourceException.class)
                .isThrownBy(task::run)
                .withMessageContaining(hint)
                .satisfies(e -> assertThat(e.code()).isEqualTo(code));
    }

    @Test
    void isReadAndWrittenInPlaceAndStays() throws IOException {
        Path file = file("disk", SIZE, "head");
        assertUsedInPlace("disk");
        assertWritten(file);
    }

    @Test
    void aBlockDeviceIsReadAndWrittenInPlaceAndStays() throws Exception {
        Path file = file("disk", SIZE, "head");
        String loop = run("losetup", "--find", "--show", file.toString()).strip();
        try {
            assertUsedInPlace(loop);
            BlockPool pool = open(loop, true);
            assertFails(ErrorCode.IN_USE, loop, () -> open(loop, true));
            pool.close();
        } finally {
            run("losetup", "--detach", loop);
        }
        assertWritten(file);
    }

    private static String run(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        var output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(output).isZero();
        return output;
    }

    private static void assertWritten(Path file) throws IOException {
        assertThat(Files.size(file)).isEqualTo(SIZE);
        byte[] after = Files.readAllBytes(file);
        assertThat(after[8192]).isEqualTo((byte) 9);
        assertThat(after[12288]).isEqualTo((byte) 7);
    }

    private void assertUsedInPlace(String path) {
        open(path, true).close();
        int before = OpenFiles.count();
        BlockPool pool = open(path, true);
        assertThat(pool.diskBytes()).hasValue(SIZE);
        assertThat(pool.space()).isEqualTo(new PoolSpace(0, 0));
        pool.create("web1", FORMAT);
        BlockVolume volume = pool.open("web1", FORMAT);
        Reactor reactor = Reactor.start(new ReactorConfig("image", -1, PollMode.ADAPTIVE));
        try (var client = new BlockClient(volume.device(), reactor)) {
            assertThat(new String(client.read(0, 512), 0, 4, StandardCharsets.US_ASCII))
                    .isEqualTo("head");
            byte[] data = new byte[4096];
            Arrays.fill(data, (byte) 9);
            assertThat(client.write(8192, data)).isEqualTo(BlockStatus.OK);
            assertThat(client.run(BlockOperation.FLUSH, 0, 0)).isEqualTo(BlockStatus.OK);
        }
        volume.close();
        pool.delete("web1", true);
        pool.close();
        reactor.close();
        Eventually.until("descriptors are closed", () -> OpenFiles.count() <= before);
    }

    @Test
    void isOneVdiskAndOpenOnce() throws IOException {
        file("disk", SIZE, "");
        BlockPool pool = open("disk", true);
        assertFails(ErrorCode.IN_USE, "is locked by another process", () -> open("disk", true));
        BlockVolume volume = pool.open("web1", FORMAT);
        assertFails(ErrorCode.CONFLICT, "is vDisk web1 already", () -> pool.create("web2", FORMAT));
        assertFails(ErrorCode.UNSUPPORTED, "does not grow", () -> volume.grow(2 * SIZE));
        assertFails(
                ErrorCode.UNSUPPORTED,
                "nothing is copied to it",
                () -> pool.create("web1.move", FORMAT));
        volume.close();
        assertFails(
                ErrorCode.INVALID,
                "has 1048576 bytes: set the size of Vdisk/web1 to that",
                () -> pool.open("web1", new VolumeFormat(2 * SIZE, 512, 4096)));
        pool.close();
    }

    @Test
    void whatIsNoRawImageIsRefusedOnce() throws IOException {
        file("q", SIZE, "QFI\u00fb");
        assertFails(ErrorCode.INVALID, "is a qcow2 file", () -> open("q", true));
        file("v", SIZE, "KDMV");
        assertFails(ErrorCode.INVALID, "import it by copy", () -> open("v", true));
        file("odd", 1000, "");
        assertFails(ErrorCode.INVALID, "no whole number of blocks", () -> open("odd", true));
        assertFails(ErrorCode.UNAVAILABLE, "is not there", () -> open("none", true));
        // A guest may write what it likes to its disk.
        open("q", false).close();
    }

    @Test
    void aFileThatIsNotWritableCanOnlyBeRead() throws IOException {
        Path file = file("golden", SIZE, "gold");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("r--r--r--"));
        BlockPool pool = open("golden", true);
        BlockVolume volume = pool.open("web1", FORMAT);
        assertThat(volume.device().operations())
                .containsExactlyInAnyOrder(BlockOperation.READ, BlockOperation.FLUSH);
        Reactor reactor = Reactor.start(new ReactorConfig("image", -1, PollMode.ADAPTIVE));
        try (var client = new BlockClient(volume.device(), reactor)) {
            assertThat(client.read(0, 4096)[0]).isEqualTo((byte) 'g');
            assertThat(client.run(BlockOperation.FLUSH, 0, 0)).isEqualTo(BlockStatus.OK);
        }
        volume.close();
        pool.close();
        reactor.close();
    }
}
