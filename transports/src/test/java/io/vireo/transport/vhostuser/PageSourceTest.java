package io.vireo.transport.vhostuser;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vireo.linux.Eventfd;
import io.vireo.linux.Fd;
import io.vireo.linux.Memfd;
import io.vireo.linux.PathCalls;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PageSourceTest {
    @Test
    void memoryAndFilesOnDisksAreTaken(@TempDir Path onDisk) throws Exception {
        accepted(Memfd.create("anonymous", 4096, Memfd.MFD_ALLOW_SEALING));
        accepted(open(Files.createFile(onDisk.resolve("memory"))));
        Path onTmpfs = Files.createTempFile(Path.of("/dev/shm"), "vireo", ".memory");
        try {
            accepted(open(onTmpfs));
        } finally {
            Files.delete(onTmpfs);
        }
    }

    private static Fd open(Path path) throws Exception {
        return PathCalls.open(path, PathCalls.O_RDWR, 0);
    }

    private static void accepted(Fd file) {
        try (file) {
            assertThatCode(() -> PageSource.check(file)).doesNotThrowAnyException();
        }
    }

    @Test
    void whatComesFromElsewhereIsRefused() throws Exception {
        try (Fd file = PathCalls.open(Path.of("/proc/self/comm"), PathCalls.O_RDWR, 0)) {
            assertThatThrownBy(() -> PageSource.check(file))
                    .isInstanceOf(ViolationException.class)
                    .hasMessageEndingWith("this one is on proc");
        }
        try (Eventfd event = Eventfd.create()) {
            assertThatThrownBy(() -> PageSource.check(event.fd()))
                    .isInstanceOf(ViolationException.class)
                    .hasMessageEndingWith("this one is on a file system that is not mounted here");
        }
    }
}
