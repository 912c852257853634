package io.vireo.testkit.hostile;

import io.vireo.linux.Epoll;
import io.vireo.linux.ErrnoException;
import io.vireo.linux.Fd;
import io.vireo.linux.PathCalls;
import io.vireo.linux.UnixSocket;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Descriptors of every kind but the one that is wanted; the kernel passes none of an io_uring. */
final class Descriptors implements AutoCloseable {
    /** O_PATH of asm-generic/fcntl.h. */
    private static final int O_PATH = 0x200000;

    private final List<AutoCloseable> owners = new ArrayList<>();
    private final List<Fd> kinds = new ArrayList<>();

    /** Opens one of each. */
    Descriptors() throws ErrnoException {
        var ends = UnixSocket.pair();
        owners.add(ends[0]);
        owners.add(ends[1]);
        kinds.add(ends[0].fd());
        var epoll = Epoll.create();
        owners.add(epoll);
        kinds.add(epoll.fd());
        for (var name : List.of("/dev/zero", "/dev/null", "/proc/self/mem")) {
            own(PathCalls.open(Path.of(name), PathCalls.O_RDWR, 0));
        }
        own(PathCalls.open(Path.of("/tmp"), PathCalls.O_RDONLY, 0));
        own(PathCalls.open(Path.of("/etc/passwd"), O_PATH, 0));
        own(PathCalls.open(Path.of("/etc/passwd"), PathCalls.O_RDONLY, 0));
    }

    private void own(Fd fd) {
        owners.add(fd);
        kinds.add(fd);
    }

    List<Fd> kinds() {
        return kinds;
    }

    @Override
    public void close() {
        for (var owner : owners) {
            try {
                owner.close();
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        }
    }
}
