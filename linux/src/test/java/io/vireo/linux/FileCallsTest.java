package io.vireo.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileCallsTest {
    private static final int CREATE = PathCalls.O_RDWR | PathCalls.O_CREAT;

    @TempDir Path directory;

    private final NativeBuffer buffer = NativeBuffer.allocate(16384, 4096);

    @AfterEach
    void free() {
        buffer.close();
    }

    @Test
    void scatteredTransfersKeepTheirOrder() throws ErrnoException {
        try (Fd fd = PathCalls.open(directory.resolve("file"), CREATE, 0600)) {
            IovecArray iovecs = new IovecArray(2);
            iovecs.set(0, buffer.address(), 3);
            iovecs.set(1, buffer.address() + 100, 2);
            assertThat(iovecs.base(1)).isEqualTo(buffer.address() + 100);
            assertThat(iovecs.length(1)).isEqualTo(2);
            assertThat(iovecs.address(1)).isEqualTo(iovecs.address() + 16);
            ForeignMemory.copyFromArray(new byte[] {1, 2, 3}, 0, buffer.address(), 3);
            ForeignMemory.copyFromArray(new byte[] {4, 5}, 0, buffer.address() + 100, 2);
            assertThat(FileCalls.pwritev(fd.number(), iovecs.address(), 2, 10)).isEqualTo(5);
            assertThat(FileCalls.writev(fd.number(), iovecs.address(), 2)).isEqualTo(5);
            assertThat(FileCalls.write(fd.number(), buffer.address(), 1)).isEqualTo(1);
            assertThat(FileCalls.pread(fd.number(), buffer.address() + 200, 100, 0)).isEqualTo(15);
            byte[] content = new byte[15];
            ForeignMemory.copyToArray(buffer.address() + 200, content, 0, 15);
            assertThat(content).containsExactly(1, 2, 3, 4, 5, 1, 0, 0, 0, 0, 1, 2, 3, 4, 5);
            assertThat(FileCalls.preadv(fd.number(), iovecs.address(), 2, 11)).isEqualTo(4);
            assertThat(ForeignMemory.getByte(buffer.address() + 100)).isEqualTo((byte) 5);
            assertThat(FileCalls.read(fd.number(), buffer.address(), 100)).isEqualTo(9);
            assertThat(FileCalls.pwrite(fd.number(), buffer.address(), 1, 100)).isEqualTo(1);
            assertThat(FileCalls.fsync(fd.number()) | FileCalls.fdatasync(fd.number())).isZero();
            assertThat(FileStat.of(fd).size()).isEqualTo(101);
            assertThatThrownBy(() -> iovecs.set(2, 0, 0))
                    .isInstanceOf(IndexOutOfBoundsException.class);
        }
    }

    @Test
    void badAddressesAreErrorsNotSignals() throws ErrnoException {
        try (Fd fd = Memfd.create("file", 4096, 0)) {
            assertThat(FileCalls.pread(fd.number(), 16, 8, 0)).isEqualTo(-Errno.EFAULT);
            assertThat(FileCalls.pwrite(fd.number(), 16, 8, 0)).isEqualTo(-Errno.EFAULT);
            assertThat(FileCalls.fsync(-1)).isEqualTo(-Errno.EBADF);
        }
    }

    @Test
    void holesGiveSpaceBack() throws ErrnoException {
        try (Fd fd = Memfd.create("sparse", 1 << 20, 0)) {
            assertThat(FileCalls.fallocate(fd.number(), 0, 0, 1 << 20)).isZero();
            assertThat(FileStat.of(fd).blocks()).isEqualTo(2048);
            int punch = FileCalls.FALLOC_FL_PUNCH_HOLE | FileCalls.FALLOC_FL_KEEP_SIZE;
            assertThat(FileCalls.fallocate(fd.number(), punch, 0, 1 << 19)).isZero();
            assertThat(FileStat.of(fd).blocks()).isEqualTo(1024);
            assertThat(FileStat.of(fd).size()).isEqualTo(1 << 20);
            assertThat(FileCalls.fallocate(fd.number(), FileCalls.FALLOC_FL_PUNCH_HOLE, 0, 1))
                    .isEqualTo(-Errno.EOPNOTSUPP);
        }
    }

    @Test
    void locksHoldBetweenDescriptionsOfOneProcess() throws ErrnoException {
        Path path = directory.resolve("lock");
        try (Fd first = PathCalls.open(path, CREATE, 0600);
                Fd second = PathCalls.open(path, CREATE, 0600)) {
            assertThat(FileCalls.tryLock(first, true)).isTrue();
            assertThat(FileCalls.tryLock(second, false)).isFalse();
            FileCalls.unlock(first);
            assertThat(FileCalls.tryLock(second, false)).isTrue();
            assertThat(FileCalls.tryLock(first, false)).isTrue();
            assertThat(FileCalls.tryLock(first, true)).isFalse();
            second.close();
            assertThat(FileCalls.tryLock(first, true)).isTrue();
        }
    }

    @Test
    void freeSpaceIsKnown() throws ErrnoException {
        try (Fd fd = PathCalls.open(directory, PathCalls.O_RDONLY | PathCalls.O_DIRECTORY, 0)) {
            FileSystemStat stat = FileSystemStat.of(fd);
            assertThat(stat.availableBytes()).isPositive().isLessThanOrEqualTo(stat.totalBytes());
            assertThat(stat.free()).isGreaterThanOrEqualTo(stat.available());
        }
    }

    @Test
    void blockCallsRefuseFiles() throws ErrnoException {
        try (Fd fd = Memfd.create("file", 4096, 0)) {
            assertThatThrownBy(() -> BlockIoctls.size(fd)).hasMessageContaining("ENOTTY");
            assertThatThrownBy(() -> BlockIoctls.logicalSectorSize(fd))
                    .hasMessageContaining("ENOTTY");
        }
    }

    @Test
    void blockDevicesOfThisMachineTellWhatSysfsTells() throws IOException {
        for (String name : Objects.requireNonNull(new File("/sys/class/block").list())) {
            Path sysfs = Path.of("/sys/class/block", name);
            Path device = Path.of("/dev", name);
            if (!Files.isReadable(device) || !Files.exists(sysfs.resolve("queue"))) {
                continue;
            }
            try (Fd fd = PathCalls.open(device, PathCalls.O_RDONLY, 0)) {
                assertThat(FileStat.of(fd).isBlockDevice()).isTrue();
                assertThat(BlockIoctls.size(fd)).isEqualTo(number(sysfs.resolve("size")) * 512);
                assertThat(BlockIoctls.logicalSectorSize(fd))
                        .isEqualTo((int) number(sysfs.resolve("queue/logical_block_size")));
            } catch (ErrnoException e) {
                // A CD drive without a disc, or a device that the tests' container may not open.
                assertThat(e.call()).isEqualTo("openat2");
            }
        }
    }

    private static long number(Path file) throws IOException {
        return Long.parseLong(Files.readString(file).strip());
    }
}
