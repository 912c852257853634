package io.vireo.virtqueue;

import io.vireo.linux.ForeignMemory;

/**
 * The record of one queue's in-flight chains in memory that outlives this process, as
 * VHOST_USER_SET_INFLIGHT_FD shares it (QEMU, docs/interop/vhost-user.rst, "Inflight I/O
 * tracking"). The front end holds it meanwhile: what comes back is copied once, validated and not
 * believed.
 *
 * <p>Stores are ordered such that this process may be killed between any two of them. Serves one
 * queue, once.
 */
public abstract sealed class InflightRegion permits SplitInflightRegion, PackedInflightRegion {
    // Alike in struct QueueRegionSplit and struct QueueRegionPacked
    static final int FEATURES = 0;
    static final int VERSION = 8;
    static final int DESC_NUM = 10;

    static final int CURRENT_VERSION = 1;

    private static final int ALIGNMENT = 64;
    private static final int MAX_QUEUES = 0xFFFF;

    final long address;
    private final int entries;
    private final Runnable observer;

    InflightRegion(long address, int entries, Runnable observer) {
        this.address = address;
        this.entries = entries;
        this.observer = observer;
    }

    /**
     * Bytes for the regions of {@code queues} queues. Zeros are a valid content: nothing in flight.
     *
     * @param queues 1 to 65535
     * @param queueSize 1 to 32768, for split queues a power of 2
     * @param packed whether {@link Virtqueue#RING_PACKED} is negotiated
     * @throws IllegalArgumentException for other numbers
     */
    public static long size(int queues, int queueSize, boolean packed) {
        if (queues < 1 || queues > MAX_QUEUES) {
            throw new IllegalArgumentException(queues + " queues");
        }
        if (!VirtqueueConfig.isSize(queueSize, packed)) {
            throw new IllegalArgumentException("queue size " + queueSize);
        }
        return queues * regionSize(queueSize, packed);
    }

    private static long regionSize(int queueSize, boolean packed) {
        long bytes =
                packed
                        ? PackedInflightRegion.bytes(queueSize)
                        : SplitInflightRegion.bytes(queueSize);
        return (bytes + ALIGNMENT - 1) & -ALIGNMENT;
    }

    /**
     * The region of one queue.
     *
     * @param base native address of the region of queue 0, a multiple of 8
     * @param queue its index
     * @param queueSize what the whole was made for
     * @param packed whether {@link Virtqueue#RING_PACKED} is negotiated
     */
    public static InflightRegion of(long base, int queue, int queueSize, boolean packed) {
        return observed(base, queue, queueSize, packed, () -> {});
    }

    /**
     * As {@link #of}; {@code observer} runs after every store, which is where a process may die.
     */
    static InflightRegion observed(
            long base, int queue, int queueSize, boolean packed, Runnable observer) {
        size(queue + 1, queueSize, packed);
        if ((base & (Long.BYTES - 1)) != 0) {
            throw new IllegalArgumentException("misaligned address");
        }
        long at = base + queue * regionSize(queueSize, packed);
        return packed
                ? new PackedInflightRegion(at, queueSize, observer)
                : new SplitInflightRegion(at, queueSize, observer);
    }

    /**
     * Forgets the queue that it was for, of which nothing is in flight: the next one begins at its
     * {@link VirtqueueConfig#base}.
     */
    public final void clear() {
        putShort(VERSION, 0);
    }

    /** Entries of the queue that it was made for. */
    final int entries() {
        return entries;
    }

    /** Checks that it has an entry for each of a queue's. */
    final void checkEntries(int size) throws VirtqueueException {
        // A larger one is no error: firmware makes smaller queues than the system that it boots.
        if (entries < size) {
            throw new VirtqueueException(
                    "in-flight region for queues of " + entries + ", the queue has " + size);
        }
    }

    /** A process may die here. */
    final void observe() {
        observer.run();
    }

    final void putShort(long offset, int value) {
        ForeignMemory.putShortRelease(address + offset, (short) value);
        observer.run();
    }

    final void putLong(long offset, long value) {
        ForeignMemory.putLongRelease(address + offset, value);
        observer.run();
    }

    /** A copy of {@code length} bytes of the region: nobody changes it between check and use. */
    final Snapshot snapshot(int length) {
        byte[] copy = new byte[length];
        ForeignMemory.copyToArray(address, copy, 0, length);
        return new Snapshot(copy);
    }

    /** What another process left. */
    static final class Snapshot {
        private final byte[] bytes;

        private Snapshot(byte[] bytes) {
            this.bytes = bytes;
        }

        int version() {
            return unsignedShort(VERSION);
        }

        void checkHeader(int entries) throws VirtqueueException {
            if (version() != CURRENT_VERSION) {
                throw new VirtqueueException("in-flight region of version " + version());
            }
            if (number(FEATURES, Long.BYTES) != 0) {
                throw new VirtqueueException("in-flight region with unknown features");
            }
            if (unsignedShort(DESC_NUM) != entries) {
                throw new VirtqueueException(
                        "in-flight region for "
                                + unsignedShort(DESC_NUM)
                                + " descriptors, the queue has "
                                + entries);
            }
        }

        /**
         * Whether each descriptor is marked as in flight.
         *
         * @param header bytes before the entries
         * @param entrySize bytes of an entry, whose first byte is the mark
         */
        boolean[] inflight(int entries, int header, int entrySize) throws VirtqueueException {
            boolean[] inflight = new boolean[entries];
            for (int i = 0; i < entries; i++) {
                int mark = bytes[header + i * entrySize] & 0xFF;
                if (mark > 1) {
                    throw new VirtqueueException("in-flight mark " + mark + " of descriptor " + i);
                }
                inflight[i] = mark == 1;
            }
            return inflight;
        }

        int unsignedByte(int offset) {
            return bytes[offset] & 0xFF;
        }

        int unsignedShort(int offset) {
            return (int) number(offset, Short.BYTES);
        }

        long number(int offset, int size) {
            long value = 0;
            for (int i = size - 1; i >= 0; i--) {
                value = value << 8 | (bytes[offset + i] & 0xFF);
            }
            return value;
        }
    }
}
