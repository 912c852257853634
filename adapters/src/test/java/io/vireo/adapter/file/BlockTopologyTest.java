package io.vireo.adapter.file;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is kept whole, on hosts of all kinds. */
class BlockTopologyTest {
    private static final long TMPFS = 0x01021994;
    private static final long BTRFS = 0x9123683E;

    @TempDir private Path sys;

    private BlockTopology topology = BlockTopology.HOST;

    @BeforeEach
    void links() throws IOException {
        topology = new BlockTopology(Files.createDirectories(sys.resolve("dev/block")));
    }

    private static long number(int major, int minor) {
        return (long) major << 32 | minor;
    }

    private static void put(Path file, Object value) throws IOException {
        Files.createDirectories(file.getParent());
        Files.writeString(file, value + "\n");
    }

    private Path disk(String name, int major, int minor, int logical, int physical)
            throws IOException {
        Path disk = sys.resolve("devices/" + name);
        put(disk.resolve("queue/logical_block_size"), logical);
        put(disk.resolve("queue/physical_block_size"), physical);
        put(disk.resolve("alignment_offset"), 0);
        link(disk, major, minor);
        return disk;
    }

    private Path partition(Path disk, int major, int minor, int misaligned) throws IOException {
        Path partition = disk.resolve(disk.getFileName() + "" + minor);
        put(partition.resolve("partition"), minor);
        put(partition.resolve("alignment_offset"), misaligned);
        link(partition, major, minor);
        return partition;
    }

    private void link(Path device, int major, int minor) throws IOException {
        Files.createSymbolicLink(sys.resolve("dev/block/" + major + ":" + minor), device);
    }

    private void consistsOf(Path device, Path part) throws IOException {
        Path below = Files.createDirectories(device.resolve("slaves"));
        Files.createSymbolicLink(below.resolve(part.getFileName()), part);
    }

    @Test
    void aDiskKeepsItsPhysicalBlocksWhole() throws IOException {
        disk("sda", 8, 0, 512, 512);
        disk("sdb", 8, 16, 512, 4096);
        disk("sdc", 8, 32, 4096, 4096);
        disk("nvme0n1", 259, 0, 512, 16384);
        assertThat(topology.ofDevice(number(8, 0))).isEqualTo(512);
        assertThat(topology.ofDevice(number(8, 16))).isEqualTo(4096);
        assertThat(topology.ofDevice(number(8, 32))).isEqualTo(4096);
        assertThat(topology.ofDevice(number(259, 0))).isEqualTo(4096);
    }

    @Test
    void aPartitionDoesWhereItBeginsAtOne() throws IOException {
        Path disk = disk("sda", 8, 0, 512, 4096);
        partition(disk, 8, 1, 0);
        partition(disk, 8, 2, 3584);
        assertThat(topology.ofDevice(number(8, 1))).isEqualTo(4096);
        assertThat(topology.ofDevice(number(8, 2))).isEqualTo(512);
    }

    @Test
    void whatLiesOnSeveralDevicesIsAsGoodAsTheWorst() throws IOException {
        Path good = disk("sda", 8, 0, 512, 4096);
        Path bad = disk("sdb", 8, 16, 512, 512);
        // As the kernel tells it: the largest of all.
        Path raid = disk("md0", 9, 0, 512, 4096);
        consistsOf(raid, partition(good, 8, 1, 0));
        Path mapped = disk("dm-0", 253, 0, 512, 4096);
        consistsOf(mapped, raid);
        assertThat(topology.ofDevice(number(253, 0))).isEqualTo(4096);
        consistsOf(raid, bad);
        assertThat(topology.ofDevice(number(253, 0))).isEqualTo(512);
    }

    @Test
    void aFileIsAsGoodAsItsFileSystemAndTheDiskBelow() throws IOException {
        disk("sda", 8, 0, 512, 4096);
        disk("sdb", 8, 16, 512, 512);
        assertThat(topology.ofFile(BlockTopology.EXT, 4096, number(8, 0))).isEqualTo(4096);
        assertThat(topology.ofFile(BlockTopology.XFS, 65536, number(8, 0))).isEqualTo(4096);
        assertThat(topology.ofFile(BlockTopology.EXT, 1024, number(8, 0))).isEqualTo(1024);
        assertThat(topology.ofFile(BlockTopology.EXT, 4096, number(8, 16))).isEqualTo(512);
    }

    @Test
    void whatTheKernelDoesNotTellIsASector() throws IOException {
        disk("sda", 8, 0, 512, 4096);
        assertThat(topology.ofFile(TMPFS, 4096, number(0, 30))).isEqualTo(512);
        assertThat(topology.ofFile(BTRFS, 4096, number(8, 0))).isEqualTo(512);
        assertThat(topology.ofFile(BlockTopology.EXT, 4096, number(8, 99))).isEqualTo(512);
        put(sys.resolve("devices/sda/queue/physical_block_size"), "unknown");
        assertThat(topology.ofDevice(number(8, 0))).isEqualTo(512);
    }
}
