package io.vireo.virtqueue;

import io.vireo.linux.ForeignMemory;

/**
 * Layout of a descriptor ring (VIRTIO 1.3, 2.8.13): {@code struct pvirtq_desc} as two numbers, its
 * address and the rest: length, buffer id and flags. And positions in it as front ends tell them:
 * 15 bits of index and the wrap counter in bit 15.
 */
final class PackedRing {
    static final int REST = 8;
    static final int ID = 32;
    static final int FLAGS = 48;

    static final long F_NEXT = 1L << FLAGS;
    static final long F_WRITE = 2L << FLAGS;
    static final long F_INDIRECT = 4L << FLAGS;
    static final long F_AVAIL = 1L << 7 << FLAGS;
    static final long F_USED = 1L << 15 << FLAGS;

    /** The two bits that say whose a descriptor is. */
    static final long AVAILABILITY = F_AVAIL | F_USED;

    private static final int WRAP = 15;
    private static final int INDEX = (1 << WRAP) - 1;

    private PackedRing() {}

    static long descriptor(long ring, int position) {
        return ring + ((long) position << ChainDecoder.DESCRIPTOR_SHIFT);
    }

    static long rest(long ring, int position) {
        return descriptor(ring, position) + REST;
    }

    /** What {@link #AVAILABILITY} is in a descriptor made available in a lap of this counter. */
    static long available(int wrap) {
        return wrap != 0 ? F_AVAIL : F_USED;
    }

    /** What it is in a used one. */
    static long used(int wrap) {
        return wrap != 0 ? AVAILABILITY : 0;
    }

    static int position(int base) {
        return base & INDEX;
    }

    static int wrap(int base) {
        return base >>> WRAP & 1;
    }

    static int base(int position, int wrap) {
        return position | wrap << WRAP;
    }

    /**
     * Where the device goes on, by what is in the ring. A front end whose back end died may not
     * know it (QEMU tells what it knew when the back end was started).
     *
     * <p>We mark every descriptor that we pass as used, those inside of chains, too. So the used
     * bits are those of this lap up to the place that we look for, and those of the last lap from
     * there on. Where they change more than once another back end was here, which need not do so,
     * or we died in the middle of a batch: then the front end is believed.
     *
     * @param told what the front end says
     */
    static int locate(long ring, int size, int told) {
        boolean first = isUsedBit(ring, 0);
        boolean before = first;
        int changes = 0;
        int position = 0;
        for (int i = 1; i < size; i++) {
            boolean bit = isUsedBit(ring, i);
            if (bit != before) {
                changes++;
                position = i;
            }
            before = bit;
        }
        if (changes > 1) {
            return told;
        }
        return base(position, first == (changes == 1) ? 1 : 0);
    }

    private static boolean isUsedBit(long ring, int position) {
        return (ForeignMemory.getLong(rest(ring, position)) & F_USED) != 0;
    }
}
