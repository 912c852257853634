package io.vireo.linux;

/**
 * One of the rings of an AF_XDP socket, shared with the kernel: one side produces, the other
 * consumes. Indices run freely; the ring's size is a power of two.
 */
final class XdpRing {
    private final Mapping mapping;
    private final long producerAddress;
    private final long consumerAddress;
    private final long flagsAddress;
    private final long entries;
    private final int entrySize;
    private final int size;

    // Our own index, and the other side's as last seen.
    private int own;
    private int other;

    /**
     * Maps a ring.
     *
     * @param offsets address of its {@code struct xdp_ring_offset}
     * @param size in entries
     */
    XdpRing(Fd fd, long pageOffset, long offsets, int size, int entrySize) throws ErrnoException {
        long start = ForeignMemory.getLong(offsets + Layouts.XdpRingOffset.DESC);
        mapping =
                Mapping.map(
                        fd.number(),
                        pageOffset,
                        start + (long) size * entrySize,
                        Mapping.PROT_READ | Mapping.PROT_WRITE,
                        Constants.MAP_SHARED | Constants.MAP_POPULATE);
        producerAddress =
                mapping.address() + ForeignMemory.getLong(offsets + Layouts.XdpRingOffset.PRODUCER);
        consumerAddress =
                mapping.address() + ForeignMemory.getLong(offsets + Layouts.XdpRingOffset.CONSUMER);
        flagsAddress =
                mapping.address() + ForeignMemory.getLong(offsets + Layouts.XdpRingOffset.FLAGS);
        entries = mapping.address() + start;
        this.size = size;
        this.entrySize = entrySize;
    }

    /** As consumer: returns whether there is an entry. */
    boolean hasEntry() {
        if (own == other) {
            // Acquire: entries are read after the index that shows them to us.
            other = ForeignMemory.getIntAcquire(producerAddress);
        }
        return own != other;
    }

    /** As producer: returns whether there is room for an entry. */
    boolean hasRoom() {
        if (own - other == size) {
            // Acquire: an entry is written after the kernel has read what was there.
            other = ForeignMemory.getIntAcquire(consumerAddress);
        }
        return own - other < size;
    }

    /** Returns the address of the entry at our index, and goes on to the next. */
    long take() {
        return entries + (long) (own++ & size - 1) * entrySize;
    }

    /** As consumer: lets the kernel have the entries that were taken. */
    void publishConsumed() {
        // Release: our reads of the entries stay before it.
        ForeignMemory.putIntRelease(consumerAddress, own);
    }

    /** As producer: shows the kernel the entries that were taken and written. */
    void publishProduced() {
        // Release: the entries are written before the index that shows them.
        ForeignMemory.putIntRelease(producerAddress, own);
    }

    /** As producer: returns whether the kernel has not consumed all. */
    boolean isPending() {
        return ForeignMemory.getIntAcquire(consumerAddress) != own;
    }

    /** As producer: returns whether the kernel must be called to look at the ring. */
    boolean needsWakeup() {
        return (ForeignMemory.getIntAcquire(flagsAddress) & Constants.XDP_RING_NEED_WAKEUP) != 0;
    }

    void unmap() {
        mapping.unmap();
    }
}
