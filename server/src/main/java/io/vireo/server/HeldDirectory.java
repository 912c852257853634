package io.vireo.server;

import io.vireo.linux.ErrnoException;
import io.vireo.linux.Fd;
import io.vireo.linux.FileCalls;
import io.vireo.linux.PathCalls;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A directory that one daemon has to itself, by a lock that goes with its process however that
 * ends.
 */
final class HeldDirectory implements AutoCloseable {
    private static final int MODE = 0600;

    private final Path path;
    private final Fd lock;

    private HeldDirectory(Path path, Fd lock) {
        this.path = path;
        this.lock = lock;
    }

    /**
     * Makes the directory if there is none, and takes it.
     *
     * @param use what it is to the daemon, as {@code state}: its option is {@code --state-dir}
     * @throws ResourceException if another daemon has it, it is no directory, or nothing can be
     *     made there
     */
    static HeldDirectory take(Path directory, String use) throws IOException {
        Path path = make(directory, use);
        Path file = path.resolve(use + ".lock");
        Fd lock = open(file, path, use);
        try {
            if (!FileCalls.tryLock(lock, true)) {
                throw new ResourceException(
                        ErrorCode.CONFLICT,
                        "another daemon has the %s directory %s: stop it, or give another with --%s-dir"
                                .formatted(use, path, use));
            }
            return new HeldDirectory(path, lock);
        } catch (ErrnoException | ResourceException e) {
            lock.close();
            throw e;
        }
    }

    /**
     * Makes a directory if there is none; returns its absolute path.
     *
     * @param use as of {@link #take}
     * @throws ResourceException if it is no directory, or cannot be made
     */
    static Path make(Path directory, String use) throws IOException {
        try {
            return Files.createDirectories(directory.toAbsolutePath());
        } catch (FileAlreadyExistsException e) {
            throw new ResourceException(
                    ErrorCode.INVALID,
                    e.getFile() + " is no directory: give another with --" + use + "-dir",
                    e);
        } catch (FileSystemException e) {
            throw new ResourceException(
                    ErrorCode.UNAVAILABLE,
                    "the %s directory %s cannot be made: let the daemon's user make it, or give another with --%s-dir"
                            .formatted(use, directory, use),
                    e);
        }
    }

    private static Fd open(Path file, Path directory, String use) {
        int flags = PathCalls.O_RDWR | PathCalls.O_CREAT | PathCalls.O_CLOEXEC;
        try {
            return PathCalls.open(file, flags, MODE);
        } catch (ErrnoException e) {
            throw new ResourceException(
                    ErrorCode.UNAVAILABLE,
                    "nothing can be made in the %s directory %s (%s): let the daemon's user write there, or give another with --%s-dir"
                            .formatted(use, directory, e.errnoName(), use),
                    e);
        }
    }

    Path path() {
        return path;
    }

    @Override
    public void close() {
        lock.close();
    }
}
