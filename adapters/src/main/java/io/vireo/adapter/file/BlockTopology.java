package io.vireo.adapter.file;

import io.vireo.block.BlockGeometry;
import io.vireo.linux.ErrnoException;
import io.vireo.linux.Fd;
import io.vireo.linux.FileStat;
import io.vireo.linux.FileSystemStat;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * What disks of the host write whole or not at all when the power goes, as the kernel tells it
 * (Documentation/ABI/stable/sysfs-block: {@code physical_block_size} is the smallest unit that a
 * disk can write atomically). What it does not tell is a sector of 512 bytes.
 *
 * @param devices a folder with one for each block device, called by its numbers
 */
record BlockTopology(Path devices) {
    /** Of this host. */
    static final BlockTopology HOST = new BlockTopology(Path.of("/sys/dev/block"));

    static final int SECTOR = 512;

    /** Magic numbers of linux/magic.h and of fs/xfs/libxfs/xfs_format.h. */
    static final long EXT = 0xEF53;

    static final long XFS = 0x58465342;

    /** Bytes of the largest aligned write to an open file or block device that is kept whole. */
    int atomicWriteSize(Fd fd, FileStat stat) throws ErrnoException {
        if (stat.isBlockDevice()) {
            return ofDevice(stat.specialDevice());
        }
        FileSystemStat system = FileSystemStat.of(fd);
        return ofFile(system.type(), system.blockSize(), stat.device());
    }

    /**
     * The same of a file. Its blocks lie together, and at multiples of their size, where a file
     * system is known to lay them out so; others may have them anywhere, or on several disks.
     *
     * @param system magic number of its file system
     * @param block bytes of the file system's blocks
     * @param device that it says to be on, major in the high half
     */
    int ofFile(long system, long block, long device) {
        return system == EXT || system == XFS
                ? (int) Math.max(SECTOR, Math.min(block, ofDevice(device)))
                : SECTOR;
    }

    /** The same of a block device, major in the high half. */
    int ofDevice(long device) {
        try {
            var numbers = (device >>> 32) + ":" + (int) device;
            int size = of(devices.resolve(numbers).toRealPath());
            return Math.clamp(Integer.highestOneBit(size), SECTOR, BlockGeometry.LARGEST_ATOMIC);
        } catch (IOException | NumberFormatException e) {
            return SECTOR;
        }
    }

    /** What lies on several devices is as good as the worst: the kernel tells of the best. */
    private static int of(Path device) throws IOException {
        Path disk = Files.exists(device.resolve("partition")) ? device.resolveSibling(".") : device;
        boolean aligned = number(device.resolve("alignment_offset")) == 0;
        int size =
                number(
                        disk.resolve(
                                aligned
                                        ? "queue/physical_block_size"
                                        : "queue/logical_block_size"));
        Path below = disk.resolve("slaves");
        if (Files.isDirectory(below)) {
            try (var parts = Files.newDirectoryStream(below)) {
                for (Path part : parts) {
                    size = Math.min(size, of(part.toRealPath()));
                }
            }
        }
        return size;
    }

    private static int number(Path file) throws IOException {
        return Integer.parseInt(Files.readString(file).strip());
    }
}
