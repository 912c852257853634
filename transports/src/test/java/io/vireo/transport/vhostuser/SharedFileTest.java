package io.vireo.transport.vhostuser;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.linux.Fd;
import io.vireo.linux.FileCalls;
import io.vireo.linux.PathCalls;
import io.vireo.linux.Rlimit;
import io.vireo.transport.vhostuser.MemoryTable.SharedFile;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SharedFileTest {
    private static final long SIZE = 4096;

    @TempDir Path onDisk;

    private Fd file(String name) throws Exception {
        int flags = PathCalls.O_RDWR | PathCalls.O_CREAT;
        var file = PathCalls.open(onDisk.resolve(name), flags, 0600);
        FileCalls.ftruncate(file, SIZE);
        return file;
    }

    /** Whether there was a descriptor left to look with. */
    private static boolean maps(Fd file) throws ViolationException {
        try {
            SharedFile.map(file, 0, SIZE).close();
            return true;
        } catch (UncheckedIOException e) {
            return false;
        }
    }

    @Test
    void itsDescriptorIsClosedThoughNobodyCanTellWhereItIs() throws Exception {
        // All classes are loaded then.
        assertThat(maps(file("first"))).isTrue();
        Fd file = file("second");
        Rlimit limit = Rlimit.of(Rlimit.RLIMIT_NOFILE);
        boolean mapped;
        new Rlimit(0, limit.hard()).apply(Rlimit.RLIMIT_NOFILE);
        try {
            mapped = maps(file);
        } finally {
            limit.apply(Rlimit.RLIMIT_NOFILE);
        }
        assertThat(mapped).isFalse();
        assertThat(file.isOpen()).isFalse();
    }
}
