package io.vireo.testkit;

import io.vireo.linux.Fd;
import io.vireo.linux.FileCalls;
import io.vireo.linux.Mapping;
import io.vireo.linux.Memfd;
import io.vireo.linux.PathCalls;
import io.vireo.memory.GuestMemory;
import io.vireo.memory.GuestMemory.Region;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The memory of a guest: a memfd, or another file, that the driver sees whole and the device sees
 * as one or more regions, mapped apart from each other.
 */
public final class DriverMemory implements AutoCloseable {
    /** Name of the memfd, which the memory maps of a process that maps it show. */
    public static final String NAME = "vireo-test-guest";

    /** Guest address of the first byte. */
    public static final long GUEST_BASE = 0x4000_0000L;

    /** User address of the first byte. */
    public static final long USER_BASE = 0x7f12_0000_0000L;

    private static final long HUGE_PAGE = 2L << 20;
    private static final int PROTECTION = Mapping.PROT_READ | Mapping.PROT_WRITE;

    private final Fd fd;
    private final long size;
    private final Mapping driver;
    private final List<Mapping> device = new ArrayList<>();
    private final List<Region> regions = new ArrayList<>();
    private long allocated;

    /** Memory of {@code size} bytes in one region. */
    public DriverMemory(long size) {
        this(size, 1);
    }

    /**
     * Memory in regions of equal size, without a hole between their guest addresses.
     *
     * @param size in bytes, a multiple of the page size and of {@code count}
     * @param count of regions
     */
    public DriverMemory(long size, int count) {
        this(size, count, Memfd.MFD_ALLOW_SEALING);
    }

    /** Memory in one region of huge pages, of which the host must have reserved enough. */
    public static DriverMemory ofHugePages(long size) {
        return new DriverMemory(
                (size + HUGE_PAGE - 1) & -HUGE_PAGE,
                1,
                Memfd.MFD_ALLOW_SEALING | Memfd.MFD_HUGETLB);
    }

    /** Memory in one region: a new file of {@code size} bytes, none of which has a page yet. */
    public static DriverMemory inFile(Path path, long size) {
        try {
            int flags = PathCalls.O_RDWR | PathCalls.O_CREAT | PathCalls.O_EXCL;
            Fd file = PathCalls.open(path, flags, 0600);
            FileCalls.ftruncate(file, size);
            return new DriverMemory(file, size, 1);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private DriverMemory(long size, int count, int flags) {
        this(memfd(size, flags), size, count);
    }

    private static Fd memfd(long size, int flags) {
        try {
            return Memfd.create(NAME, size, flags);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private DriverMemory(Fd file, long size, int count) {
        this.size = size;
        fd = file;
        try {
            driver = Mapping.map(fd, 0, size, PROTECTION, true);
            long piece = size / count;
            for (int i = 0; i < count; i++) {
                Mapping mapping = Mapping.map(fd, i * piece, piece, PROTECTION, true);
                device.add(mapping);
                regions.add(
                        new Region(
                                GUEST_BASE + i * piece,
                                piece,
                                // Not adjacent, as a front end's need not be.
                                USER_BASE + 2 * i * piece,
                                mapping.address()));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The file, for a transport. */
    public Fd fd() {
        return fd;
    }

    /** Bytes. */
    public long size() {
        return size;
    }

    /** What the device sees. */
    public GuestMemory table() {
        return GuestMemory.of(regions);
    }

    /** The regions that the device sees. */
    public List<Region> regions() {
        return List.copyOf(regions);
    }

    /** Takes a piece of memory for good and returns its guest address. */
    public long allocate(long bytes, int alignment) {
        long at = (allocated + alignment - 1) & -alignment;
        if (at + bytes > size) {
            throw new IllegalStateException("the guest's memory is full");
        }
        allocated = at + bytes;
        return GUEST_BASE + at;
    }

    /** Gives back all that was allocated at a guest address and since. */
    public void release(long guestAddress) {
        allocated = guestAddress - GUEST_BASE;
    }

    /** Where the driver sees a guest address; it need not be inside. */
    public long host(long guestAddress) {
        return driver.address() + (guestAddress - GUEST_BASE);
    }

    /** What a front end calls a guest address. */
    public long user(long guestAddress) {
        for (Region region : regions) {
            long offset = guestAddress - region.guestAddress();
            if (offset >= 0 && offset < region.size()) {
                return region.userAddress() + offset;
            }
        }
        throw new IllegalArgumentException("0x" + Long.toHexString(guestAddress));
    }

    /** Changes the size of the file under all mappings. */
    public void truncate(long bytes) {
        try {
            FileCalls.ftruncate(fd, bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        device.forEach(Mapping::close);
        driver.close();
        fd.close();
    }
}
