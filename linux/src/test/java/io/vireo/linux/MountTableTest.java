package io.vireo.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MountTableTest {
    private static final String TABLE =
            """
            21 26 0:21 / /sys rw,relatime shared:7 - sysfs sysfs rw
            26 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard
            90 26 0:44 / /home/a\\040b/far rw,nosuid master:1 propagate_from:2 - fuse.sshfs a@b:/ rw,user_id=1
            """;

    private static FileStat file(long mount, long device) {
        return new FileStat(0, 0, device, 1, 1, 0, 0, 0, 4096, 0, mount, 0, 0);
    }

    @Test
    void aFileSystemIsFoundByItsMountOrElseByItsDevice() {
        MountTable table = MountTable.parse(TABLE);
        assertThat(table.typeOf(file(90, 44))).contains("fuse.sshfs");
        assertThat(table.typeOf(file(4711, 254L << 32))).contains("ext4");
        // Subvolumes of btrfs have devices that no mount has.
        assertThat(table.typeOf(file(26, 99))).contains("ext4");
        assertThat(table.typeOf(file(4711, 45))).isEmpty();
    }

    @Test
    void filesOfThisHostAreFound(@TempDir Path folder) throws IOException, ErrnoException {
        Path path = Files.createFile(folder.resolve("file"));
        String type = Files.getFileStore(path).type();
        try (Fd onDisk = PathCalls.open(path, PathCalls.O_RDONLY, 0);
                Fd ofProc = PathCalls.open(Path.of("/proc/self/status"), PathCalls.O_RDONLY, 0);
                Fd memory = Memfd.create("mounted nowhere", 4096, 0)) {
            MountTable table = MountTable.read();
            assertThat(table.typeOf(FileStat.known(onDisk))).contains(type);
            assertThat(table.typeOf(FileStat.known(ofProc))).contains("proc");
            assertThat(table.typeOf(FileStat.known(memory))).isEmpty();
        }
    }
}
