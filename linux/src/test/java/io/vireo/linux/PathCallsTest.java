package io.vireo.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PathCallsTest {
    private static final int CONFINED =
            PathCalls.RESOLVE_BENEATH
                    | PathCalls.RESOLVE_NO_SYMLINKS
                    | PathCalls.RESOLVE_NO_MAGICLINKS;

    private final Fd pool;

    PathCallsTest(@TempDir Path directory) throws IOException {
        Path inside = Files.createDirectory(directory.resolve("pool"));
        Files.writeString(directory.resolve("secret"), "outside");
        Files.writeString(inside.resolve("disk"), "inside");
        Files.createDirectory(inside.resolve("sub"));
        Files.createSymbolicLink(inside.resolve("escape"), directory.resolve("secret"));
        Files.createSymbolicLink(inside.resolve("harmless"), Path.of("disk"));
        pool = PathCalls.open(inside, PathCalls.O_RDONLY | PathCalls.O_DIRECTORY, 0);
    }

    @AfterEach
    void closePool() {
        pool.close();
    }

    @ParameterizedTest
    @CsvSource({
        "../secret, EXDEV",
        "sub/../../secret, EXDEV",
        "/etc/passwd, EXDEV",
        "escape, ELOOP",
        "harmless, ELOOP",
        "disk/../disk, ENOTDIR",
        "absent, ENOENT"
    })
    void confinedNamesCannotEscape(String name, String error) {
        assertThatThrownBy(() ->
                        PathCalls.openat2(pool.number(), name, PathCalls.O_RDONLY, 0, CONFINED))
                .isInstanceOf(ErrnoException.class)
                .hasMessageContaining(name)
                .hasMessageContaining(error);
    }

    @Test
    void confinedNamesInsideOpen() throws ErrnoException {
        try (Fd disk =
                PathCalls.openat2(pool.number(), "sub/../disk", PathCalls.O_RDONLY, 0, CONFINED)) {
            assertThat(FileStat.of(disk).size()).isEqualTo(6);
            assertThat(PathCalls.descriptorTarget(disk.number())).endsWith("pool/disk");
        }
    }

    @Test
    void namesAreMadeMovedAndRemoved() throws ErrnoException {
        int create = PathCalls.O_RDWR | PathCalls.O_CREAT | PathCalls.O_EXCL;
        PathCalls.openat2(pool.number(), "new", create, 0600, CONFINED).close();
        assertThatThrownBy(() -> PathCalls.openat2(pool.number(), "new", create, 0600, CONFINED))
                .hasMessageContaining("EEXIST");
        assertThatThrownBy(() ->
                        PathCalls.renameat(
                                pool.number(),
                                "new",
                                pool.number(),
                                "disk",
                                PathCalls.RENAME_NOREPLACE))
                .hasMessageContaining("EEXIST");
        PathCalls.renameat(pool.number(), "new", pool.number(), "disk", 0);
        assertThat(FileStat.of(pool.number(), "disk").size()).isZero();
        PathCalls.unlinkat(pool.number(), "disk");
        assertThatThrownBy(() -> FileStat.of(pool.number(), "disk")).hasMessageContaining("ENOENT");
        PathCalls.mkdirat(pool.number(), "directory", 0700);
        PathCalls.chmod(pool.number(), "directory", 0750);
        PathCalls.chown(pool.number(), "directory", -1, -1);
        assertThat(FileStat.of(pool.number(), "directory").isDirectory()).isTrue();
        assertThat(FileStat.of(pool.number(), "directory").permissions()).isEqualTo(0750);
        assertThatThrownBy(() -> PathCalls.unlinkat(pool.number(), "sub"))
                .hasMessageContaining("EISDIR");
    }

    @Test
    void linksAreSeenAsLinks() throws ErrnoException {
        assertThat(FileStat.of(pool.number(), "escape").isSymbolicLink()).isTrue();
        assertThat(PathCalls.readlinkat(pool.number(), "harmless")).isEqualTo("disk");
    }

    @Test
    void directAlignmentIsToldOfFilesThatAllowIt() throws ErrnoException {
        try (Fd disk = PathCalls.openat2(pool.number(), "disk", PathCalls.O_RDWR, 0, CONFINED)) {
            FileStat stat = FileStat.of(disk);
            assertThat(Integer.bitCount(stat.directOffsetAlignment())).isLessThanOrEqualTo(1);
            assertThat(Integer.bitCount(stat.directMemoryAlignment())).isLessThanOrEqualTo(1);
            assertThat(stat.isRegular()).isTrue();
            assertThat(stat.isBlockDevice() || stat.isCharacterDevice() || stat.isFifo()).isFalse();
        }
    }

    @Test
    void deviceFilesAreToldApart() throws ErrnoException {
        FileStat zero = FileStat.of(PathCalls.AT_FDCWD, "/dev/zero");
        assertThat(zero.isCharacterDevice()).isTrue();
        assertThat(zero.specialDevice()).isEqualTo((1L << 32) | 5);
    }
}
