package io.vireo.memory;

import io.vireo.linux.Errno;
import io.vireo.linux.ErrnoException;
import io.vireo.linux.Fd;
import io.vireo.linux.FileCalls;
import io.vireo.linux.FileStat;
import io.vireo.linux.Mapping;
import io.vireo.linux.PathCalls;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.UUID;

/**
 * Memory that outlives this process but not this boot of the machine: a file, best one on tmpfs,
 * that is mapped shared. What was stored before the process was killed is there for the next, which
 * finds the file by its name; after a boot it counts as absent, wherever it was kept.
 *
 * <p>All of it is allocated when it is made: no store to it fails later. Its first page is for the
 * class itself. One thread at a time.
 */
public final class SurvivingMemory implements AutoCloseable {
    private static final Path BOOT_ID = Path.of("/proc/sys/kernel/random/boot_id");
    private static final long MAGIC = 0x5652_4F45_4249_5652L;
    private static final int HEADER = 4096;
    private static final int PERMISSIONS = 0600;

    private final Path file;
    private final Mapping mapping;

    private SurvivingMemory(Path file, Mapping mapping) {
        this.file = file;
        this.mapping = mapping;
    }

    /**
     * Makes zeroed memory; what was under that name is gone.
     *
     * @param length bytes, a multiple of 4096
     * @throws UncheckedIOException if there is no room
     */
    public static SurvivingMemory make(Path file, long length) {
        try {
            Files.deleteIfExists(file);
            int flags = PathCalls.O_RDWR | PathCalls.O_CREAT | PathCalls.O_EXCL;
            try (Fd fd = PathCalls.open(file, flags, PERMISSIONS)) {
                int result = FileCalls.fallocate(fd.number(), 0, 0, HEADER + length);
                if (result < 0) {
                    Files.deleteIfExists(file);
                    throw new ErrnoException(-result, "fallocate", file.toString());
                }
                var made = new SurvivingMemory(file, map(fd, HEADER + length));
                made.sign();
                return made;
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void sign() throws IOException {
        UUID boot = bootId();
        NativeMemory.putLong(mapping.address() + 8, boot.getMostSignificantBits());
        NativeMemory.putLong(mapping.address() + 16, boot.getLeastSignificantBits());
        NativeMemory.fullFence();
        NativeMemory.putLong(mapping.address(), MAGIC);
    }

    /**
     * Finds what an earlier process of this boot left.
     *
     * @throws UncheckedIOException if it is there and cannot be read
     */
    public static Optional<SurvivingMemory> find(Path file) {
        try (Fd fd = PathCalls.open(file, PathCalls.O_RDWR | PathCalls.O_NOFOLLOW, 0)) {
            long size = FileStat.of(fd).size();
            if (!FileStat.of(fd).isRegular() || size <= HEADER) {
                return Optional.empty();
            }
            var found = new SurvivingMemory(file, map(fd, size));
            if (found.isOfThisBoot()) {
                return Optional.of(found);
            }
            found.close();
            return Optional.empty();
        } catch (ErrnoException e) {
            if (e.errno() == Errno.ENOENT) {
                return Optional.empty();
            }
            throw new UncheckedIOException(e);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Mapping map(Fd fd, long length) throws ErrnoException {
        return Mapping.map(fd, 0, length, Mapping.PROT_READ | Mapping.PROT_WRITE, true);
    }

    private boolean isOfThisBoot() throws IOException {
        UUID boot = bootId();
        return NativeMemory.getLong(mapping.address()) == MAGIC
                && NativeMemory.getLong(mapping.address() + 8) == boot.getMostSignificantBits()
                && NativeMemory.getLong(mapping.address() + 16) == boot.getLeastSignificantBits();
    }

    private static UUID bootId() throws IOException {
        return UUID.fromString(Files.readString(BOOT_ID).strip());
    }

    /** Native address of the first byte. */
    public long address() {
        return mapping.address() + HEADER;
    }

    /** Length in bytes. */
    public long length() {
        return mapping.length() - HEADER;
    }

    /** Lets go of it and removes the file: nobody will find it any more. */
    public void delete() {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            close();
        }
    }

    /** Lets go of it; the file stays. */
    @Override
    public void close() {
        mapping.close();
    }
}
