package io.vireo.adapter.directory;

import static java.nio.file.StandardOpenOption.WRITE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.vireo.block.BlockPool;
import io.vireo.block.BlockStatus;
import io.vireo.block.BlockVolume;
import io.vireo.block.PoolUsage;
import io.vireo.block.VolumeFormat;
import io.vireo.linux.Errno;
import io.vireo.linux.ErrnoException;
import io.vireo.linux.OpenFiles;
import io.vireo.reactor.PollMode;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.ReactorConfig;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;
import io.vireo.resource.spec.PoolSpec;
import io.vireo.testkit.BlockClient;
import io.vireo.testkit.Eventually;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DirectoryPoolTest {
    private static final VolumeFormat FORMAT = new VolumeFormat(1 << 20, 512, 4096);

    @TempDir Path directory;

    private static BlockPool open(Path path, boolean create) {
        var spec =
                new PoolSpec(
                        PoolSpec.Type.DIRECTORY,
                        Optional.of(path.toString()),
                        PoolSpec.Backend.AUTO,
                        true,
                        OptionalInt.empty(),
                        Optional.empty(),
                        Optional.empty(),
                        80);
        return new DirectoryPoolProvider().open(spec, create);
    }

    private static void assertFails(ErrorCode code, String hint, Runnable task) {
        assertThatExceptionOfType(ResourceException.class)
                .isThrownBy(task::run)
                .withMessageContaining(hint)
                .satisfies(e -> assertThat(e.code()).isEqualTo(code));
    }

    @Test
    void aFailureSaysWhatToDo() {
        var large = new ErrnoException(Errno.EFBIG, "ftruncate", "fd 7");
        assertThat(DirectoryPool.failure("vDisk a cannot be made", large))
                .hasMessage(
                        "vDisk a cannot be made: its file system has no files that large; make the"
                                + " vDisk smaller")
                .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.EXHAUSTED));
        for (int errno : new int[] {Errno.ENOSPC, Errno.EMFILE, Errno.EACCES, Errno.EROFS}) {
            var refused = new ErrnoException(errno, "write", "fd 7");
            assertThat(DirectoryPool.failure("it", refused).getMessage())
                    .startsWith("it: ")
                    .contains("; ")
                    .doesNotContain("write(", "fd 7");
        }
    }

    @Test
    void makesOpensGrowsAndDeletes() throws Exception {
        BlockPool warm = open(directory, true);
        warm.close();
        int before = OpenFiles.count();
        BlockPool pool = open(directory.resolve("a/b"), true);
        Path file = directory.resolve("a/b/disk.raw");
        pool.create("disk", FORMAT);
        assertThat(Files.size(file)).isEqualTo(FORMAT.capacity());
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                .isEqualTo("rw-------");
        BlockVolume volume = pool.open("disk", FORMAT);
        volume.grow(2 << 20);
        assertThat(volume.device().geometry().capacity()).isEqualTo(2 << 20);
        assertFails(ErrorCode.UNAVAILABLE, "shrink", () -> volume.grow(1 << 20));
        assertThat(volume.trouble()).isEmpty();
        volume.close();
        assertFails(ErrorCode.CONFLICT, "2Mi", () -> pool.open("disk", FORMAT));
        pool.open("disk", new VolumeFormat(4 << 20, 512, 4096)).close();
        assertThat(Files.size(file)).isEqualTo(4 << 20);
        pool.delete("disk", true);
        pool.delete("disk", true);
        assertThat(file).doesNotExist();
        assertThat(pool.space().capacityBytes()).isPositive();
        assertThat(pool.space().freeBytes()).isPositive();
        pool.close();
        Eventually.until("descriptors are closed", () -> OpenFiles.count() <= before);
    }

    @Test
    void tellsWhatImagesTakeOfTheDisk() throws Exception {
        BlockPool pool = open(directory, true);
        pool.create("disk", FORMAT);
        BlockVolume volume = pool.open("disk", FORMAT);
        assertThat(pool.allocated("disk")).hasValue(0);
        try (var file = FileChannel.open(directory.resolve("disk.raw"), WRITE)) {
            file.write(ByteBuffer.allocate(256 << 10), 512 << 10);
            file.force(true);
        }
        assertThat(pool.allocated("disk")).hasValue(256 << 10);
        assertThat(pool.mapped("disk", false)).as("not all of that is data").isEmpty();
        assertThat(pool.usage()).contains(new PoolUsage(256 << 10, 1 << 20, 256 << 10, 0));
        volume.rename("moved");
        assertThat(pool.allocated("disk")).isEmpty();
        assertThat(pool.allocated("moved")).hasValue(256 << 10);
        volume.close();
        assertThat(pool.allocated("moved")).isEmpty();
        assertThat(pool.usage()).contains(new PoolUsage(0, 0, 0, 0));
        pool.close();
    }

    @Test
    void aLostImageIsReported() {
        BlockPool pool = open(directory, false);
        assertFails(ErrorCode.UNAVAILABLE, "gone", () -> pool.open("disk", FORMAT));
        assertThat(directory.resolve("disk.raw")).doesNotExist();
        pool.close();
    }

    @Test
    void aLostDirectoryIsNotMadeAnew() {
        Path gone = directory.resolve("gone");
        assertFails(ErrorCode.UNAVAILABLE, "mount", () -> open(gone, false));
        assertThat(gone).doesNotExist();
    }

    @Test
    void anImageIsOpenOnce() {
        BlockPool pool = open(directory, true);
        pool.create("disk", FORMAT);
        BlockVolume volume = pool.open("disk", FORMAT);
        BlockPool other = open(directory, false);
        assertFails(ErrorCode.IN_USE, "locked", () -> other.open("disk", FORMAT));
        assertFails(ErrorCode.IN_USE, "not deleted", () -> other.delete("disk", true));
        assertThat(directory.resolve("disk.raw")).exists();
        volume.close();
        other.open("disk", FORMAT).close();
        other.delete("disk", true);
        assertThat(directory.resolve("disk.raw")).doesNotExist();
        pool.close();
        other.close();
    }

    @Test
    void whatWasCutOffIsTakenOverAndDataIsNot() throws Exception {
        BlockPool pool = open(directory, true);
        Path file = Files.createFile(directory.resolve("disk.raw"));
        pool.create("disk", FORMAT);
        assertThat(Files.size(file)).isEqualTo(FORMAT.capacity());
        Files.write(file, new byte[100_000]);
        // Allocation is delayed: blocks count once they are on the disk.
        try (var channel = java.nio.channels.FileChannel.open(file)) {
            channel.force(true);
        }
        assertFails(ErrorCode.CONFLICT, "exists already", () -> pool.create("disk", FORMAT));
        pool.delete("disk", false);
        assertThat(Files.size(file)).isEqualTo(100_000);
        pool.close();
    }

    @Test
    void namesDoNotLeaveThePool() throws Exception {
        Path outside = Files.write(directory.resolve("outside.raw"), new byte[1 << 20]);
        Path inside = Files.createDirectory(directory.resolve("pool"));
        BlockPool pool = open(inside, false);
        Files.createSymbolicLink(inside.resolve("link.raw"), outside);
        Files.createSymbolicLink(inside.resolve("folder"), directory);
        Files.createDirectory(inside.resolve("directory.raw"));
        String absolute = outside.toString().replace(".raw", "");
        for (String name : new String[] {"link", "../outside", "folder/outside", absolute}) {
            assertFails(ErrorCode.CONFLICT, "regular", () -> pool.open(name, FORMAT));
        }
        assertFails(ErrorCode.CONFLICT, "exists already", () -> pool.create("link", FORMAT));
        assertThatExceptionOfType(ResourceException.class)
                .isThrownBy(() -> pool.open("directory", FORMAT));
        pool.delete("link", false);
        assertThat(inside.resolve("link.raw")).isSymbolicLink();
        pool.close();
    }

    @Test
    void aReplacedImageIsNotWrittenTo() throws Exception {
        BlockPool pool = open(directory, true);
        pool.create("disk", FORMAT);
        BlockVolume volume = pool.open("disk", FORMAT);
        Reactor reactor = Reactor.start(new ReactorConfig("pool-test", -1, PollMode.ADAPTIVE));
        try (var client = new BlockClient(volume.device(), reactor)) {
            assertThat(client.write(0, new byte[512])).isEqualTo(BlockStatus.OK);
            Files.move(directory.resolve("disk.raw"), directory.resolve("old.raw"));
            Files.write(directory.resolve("disk.raw"), new byte[1 << 20]);
            assertThatExceptionOfType(UncheckedIOException.class)
                    .isThrownBy(() -> new BlockClient(volume.device(), reactor))
                    .withMessageContaining("ESTALE");
            assertThat(client.write(0, new byte[512])).isEqualTo(BlockStatus.OK);
        }
        volume.close();
        pool.close();
        reactor.close();
    }
}
