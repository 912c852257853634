package io.vireo.transport.vhostuser;

import io.vireo.linux.ErrnoException;
import io.vireo.linux.Fd;
import io.vireo.linux.FileStat;
import io.vireo.linux.FileSystemStat;
import io.vireo.linux.Mapping;
import io.vireo.linux.Memfd;
import io.vireo.memory.GuestMemory;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The guest's memory as the front end tells of it: SET_MEM_TABLE, ADD_MEM_REG, REM_MEM_REG. A
 * message becomes a {@link Change} first, with new regions mapped already, so that a refused
 * message changes nothing.
 */
final class MemoryTable {
    static final int REGIONS_PER_MESSAGE = 8;

    /** What GET_MAX_MEM_SLOTS answers: the most that KVM and QEMU use on x86. */
    static final int MAX_SLOTS = 509;

    private static final int REGION_BYTES = 32;
    private static final long MAX_ALIGNMENT = 1L << 30;

    /**
     * A region that is mapped.
     *
     * @param description addresses and size
     * @param file what is mapped, kept to see whether it is still long enough
     */
    record Region(GuestMemory.Region description, SharedFile file) {
        /** Whether it is the same memory at the same addresses. */
        private boolean isSame(Region other) {
            var here = description;
            var there = other.description;
            return here.guestAddress() == there.guestAddress()
                    && here.size() == there.size()
                    && here.userAddress() == there.userAddress()
                    && file.isSame(other.file);
        }
    }

    /**
     * A table to be.
     *
     * @param regions all of them
     * @param memory the same, to translate by
     * @param added those mapped for it
     * @param removed those of the old table that it does not have
     */
    record Change(
            List<Region> regions, GuestMemory memory, List<Region> added, List<Region> removed) {
        /** Gives up what was mapped. */
        void abandon() {
            added.forEach(region -> region.file.close());
        }
    }

    private final Journal journal;
    private volatile List<Region> regions = List.of();
    private volatile GuestMemory memory = GuestMemory.of(List.of());

    /** How often regions of the table were added again; on the control reactor. */
    private final Map<Region, Integer> repeats = new HashMap<>();

    MemoryTable(Journal journal) {
        this.journal = journal;
    }

    /** The table; any thread. */
    GuestMemory memory() {
        return memory;
    }

    /** The regions of the table; any thread. */
    List<Region> regions() {
        return regions;
    }

    /** SET_MEM_TABLE. */
    Change set(Message message) throws ViolationException {
        if (message.size() < 8) {
            throw new ViolationException("its payload has another size");
        }
        int count = message.u32(0);
        if (count < 1 || count > REGIONS_PER_MESSAGE) {
            throw new ViolationException("it has 1 to " + REGIONS_PER_MESSAGE + " regions");
        }
        if (message.size() != 8 + count * REGION_BYTES) {
            throw new ViolationException("its payload has another size");
        }
        if (message.fdCount() != count) {
            throw new ViolationException("each region has a descriptor");
        }
        var added = new ArrayList<Region>();
        try {
            for (int i = 0; i < count; i++) {
                added.add(map(message, 8 + i * REGION_BYTES));
            }
            return change(added, added, regions);
        } catch (ViolationException | UncheckedIOException e) {
            added.forEach(region -> region.file.close());
            throw e;
        }
    }

    /**
     * ADD_MEM_REG. QEMU adds all memory once for each pair of queues of a card, over one
     * connection: a region that is there already stays as often as it was added.
     */
    Change add(Message message) throws ViolationException {
        var region = map(message, 8);
        try {
            for (var known : regions) {
                if (known.isSame(region)) {
                    var unchanged = change(regions, List.of(), List.of());
                    repeats.merge(known, 1, Integer::sum);
                    region.file.close();
                    return unchanged;
                }
            }
            if (regions.size() >= MAX_SLOTS) {
                throw new ViolationException("there are at most " + MAX_SLOTS + " regions");
            }
            var all = new ArrayList<>(regions);
            all.add(region);
            return change(all, List.of(region), List.of());
        } catch (ViolationException e) {
            region.file.close();
            throw e;
        }
    }

    /** REM_MEM_REG: guest address, size and user address say which. */
    Change remove(Message message) throws ViolationException {
        for (var region : regions) {
            var described = region.description;
            if (described.guestAddress() == message.u64(8)
                    && described.size() == message.u64(16)
                    && described.userAddress() == message.u64(24)) {
                int more = repeats.getOrDefault(region, 0);
                if (more > 0) {
                    repeats.put(region, more - 1);
                    return change(regions, List.of(), List.of());
                }
                var rest = new ArrayList<>(regions);
                rest.remove(region);
                return change(rest, List.of(), List.of(region));
            }
        }
        throw new ViolationException("there is no such region");
    }

    /** Makes a change the table. */
    void commit(Change change) {
        regions = change.regions;
        memory = change.memory;
        repeats.keySet().retainAll(change.regions);
    }

    private static Change change(List<Region> all, List<Region> added, List<Region> removed)
            throws ViolationException {
        try {
            var memory = GuestMemory.of(all.stream().map(Region::description).toList());
            return new Change(List.copyOf(all), memory, List.copyOf(added), List.copyOf(removed));
        } catch (IllegalArgumentException e) {
            throw new ViolationException("regions do not overlap", e);
        }
    }

    private Region map(Message message, int at) throws ViolationException {
        long guestAddress = message.u64(at);
        long size = message.u64(at + 8);
        long userAddress = message.u64(at + 16);
        long offset = message.u64(at + 24);
        long pageMask = Mapping.pageSize() - 1;
        if (((guestAddress | size | userAddress | offset) & pageMask) != 0) {
            throw new ViolationException(
                    "addresses, sizes and offsets are multiples of the page size");
        }
        var file = SharedFile.map(message.takeFd(), offset, size);
        try {
            if (!file.isSealable()) {
                journal.count(Journal.Counter.REGIONS_UNSEALED);
                journal.error(
                        "unsealed",
                        "the front end can take guest memory away from under us (its file cannot be sealed"
                                + " against shrinking): it has to be trusted not to");
            }
            return new Region(
                    new GuestMemory.Region(guestAddress, size, userAddress, file.address()), file);
        } catch (IllegalArgumentException e) {
            file.close();
            throw new ViolationException("a region is not empty and does not wrap around", e);
        }
    }

    /**
     * A range of a file of the front end that is mapped, sealed against shrinking soon if that is
     * possible.
     */
    static final class SharedFile {
        private final Fd fd;
        private final Mapping mapping;
        private final long end;
        private final long address;
        private final boolean sealable;

        /** Whether its pages are ordinary ones, and no limit is set to how many there may be. */
        private final boolean unlimited;

        private volatile boolean sealed;
        private volatile boolean withdrawn;
        private volatile boolean closed;

        private SharedFile(
                Fd fd, Mapping mapping, long end, long address, int seals, boolean unlimited) {
            this.fd = fd;
            this.mapping = mapping;
            this.end = end;
            this.address = address;
            sealed = (seals & Memfd.F_SEAL_SHRINK) != 0;
            sealable = isSealable(seals);
            this.unlimited = unlimited;
        }

        /** Takes over the descriptor, also when it fails. */
        static SharedFile map(Fd fd, long offset, long size) throws ViolationException {
            boolean mapped = false;
            try {
                if (size <= 0 || offset < 0 || offset > Long.MAX_VALUE - size) {
                    throw new ViolationException("a region is not empty and does not wrap around");
                }
                PageSource.check(fd);
                // Before it is measured: a file that is sealed cannot shrink in between.
                int seals = seals(fd);
                var stat = FileStat.of(fd);
                if (!stat.isRegular()) {
                    throw new ViolationException("memory is shared by a regular file or a memfd");
                }
                // What can be sealed is a memfd: on a tmpfs of the kernel's own, or of huge pages.
                boolean unlimited = isSealable(seals) && FileSystemStat.of(fd).isTmpfs();
                if (stat.size() < offset + size) {
                    throw new ViolationException("the file does not end before the region does");
                }
                // Files of huge pages map in units of these, which is the block size that they
                // report.
                long alignment = alignment(stat.blockSize());
                long start = offset & -alignment;
                long length = (offset + size - start + alignment - 1) & -alignment;
                var mapping =
                        Mapping.map(
                                fd, start, length, Mapping.PROT_READ | Mapping.PROT_WRITE, true);
                long address = mapping.address() + (offset - start);
                var file = new SharedFile(fd, mapping, offset + size, address, seals, unlimited);
                mapped = true;
                if (file.sealable && !file.sealed) {
                    fd.patiently(file::seal);
                }
                return file;
            } catch (ErrnoException e) {
                throw new ViolationException("the file can be mapped for reading and writing", e);
            } finally {
                if (!mapped) {
                    fd.close();
                }
            }
        }

        private static long alignment(int blockSize) {
            long page = Mapping.pageSize();
            boolean usable = Integer.bitCount(blockSize) == 1 && blockSize > page;
            return usable && blockSize <= MAX_ALIGNMENT ? blockSize : page;
        }

        private static boolean isSealable(int seals) {
            return (seals & Memfd.F_SEAL_SHRINK) != 0 || (seals & Memfd.F_SEAL_SEAL) == 0;
        }

        /** Those that it has; what cannot be sealed is as if it were sealed against that. */
        private static int seals(Fd fd) {
            try {
                return Memfd.seals(fd);
            } catch (ErrnoException e) {
                return Memfd.F_SEAL_SEAL;
            }
        }

        /**
         * Waits for whoever writes to the file, for as long as that takes. What shrank meanwhile is
         * not taken for sealed.
         */
        private void seal() {
            try {
                Memfd.addSeals(fd, Memfd.F_SEAL_SHRINK);
                sealed = FileStat.of(fd).size() >= end;
            } catch (ErrnoException e) {
                // Closed meanwhile, or sealed against it: each fault has its length looked at.
                sealed = false;
            }
        }

        /** Native address of the first byte. */
        long address() {
            return address;
        }

        /** Whether it is sealed against shrinking, or will be soon. */
        boolean isSealable() {
            return sealable;
        }

        private boolean isSame(SharedFile other) {
            try {
                return end == other.end && FileStat.of(fd).isSameFile(FileStat.of(other.fd));
            } catch (ErrnoException e) {
                return false;
            }
        }

        /**
         * Whether no access to it can fail: nobody can cut it off, and its pages do not run out; or
         * they are our own by now. Any thread.
         */
        boolean firm() {
            return (sealed && unlimited) || withdrawn;
        }

        /**
         * Whether the file still is as long as the range, or nobody uses it any more. Any thread.
         */
        boolean intact() {
            return sealed || withdrawn || isLong() || closed;
        }

        private boolean isLong() {
            try {
                return FileStat.of(fd).size() >= end;
            } catch (ErrnoException e) {
                return false;
            }
        }

        /** Whether the kernel has the pages of the range, or of its first {@code most} bytes. */
        boolean reachable(long most) {
            long length = mapping.address() + mapping.length() - address;
            return Mapping.isReachable(address, Math.min(length, most), true);
        }

        /** Puts pages of our own under the range: it can be accessed again, and nobody sees it. */
        void withdraw() {
            mapping.withdraw();
            withdrawn = true;
        }

        void close() {
            // First: the number of the descriptor may be another file's then.
            closed = true;
            fd.close(mapping);
        }
    }
}
