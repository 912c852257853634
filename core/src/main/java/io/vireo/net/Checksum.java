package io.vireo.net;

import io.vireo.linux.ForeignMemory;

/**
 * The Internet checksum (RFC 1071) over our own memory: never over a guest's, which may change
 * between sum and use.
 *
 * <p>A sum is kept in the byte order of the machine, little-endian, and folded to 16 bits by {@link
 * #fold}.
 */
public final class Checksum {
    private Checksum() {}

    /**
     * Adds {@code length} bytes at {@code address} to a sum; an odd last byte counts as if a zero
     * followed.
     */
    public static long add(long sum, long address, int length) {
        long total = sum;
        long position = address;
        int left = length;
        for (; left >= Integer.BYTES; left -= Integer.BYTES, position += Integer.BYTES) {
            total += Integer.toUnsignedLong(ForeignMemory.getInt(position));
        }
        if (left >= Short.BYTES) {
            total += Short.toUnsignedLong(ForeignMemory.getShort(position));
            position += Short.BYTES;
            left -= Short.BYTES;
        }
        if (left > 0) {
            total += Byte.toUnsignedLong(ForeignMemory.getByte(position));
        }
        return total;
    }

    /** Adds a 16-bit number that stands in network byte order in the packet. */
    public static long addNetworkShort(long sum, int value) {
        return sum + Short.toUnsignedLong(Short.reverseBytes((short) value));
    }

    /**
     * Folds a sum to 16 bits and complements it: what is stored, little-endian, in a checksum
     * field.
     */
    public static short fold(long sum) {
        long folded = (sum & 0xFFFF_FFFFL) + (sum >>> 32);
        folded = (folded & 0xFFFF_FFFFL) + (folded >>> 32);
        folded = (folded & 0xFFFF) + (folded >>> 16);
        folded = (folded & 0xFFFF) + (folded >>> 16);
        return (short) ~folded;
    }

    /**
     * Completes the checksum of a whole frame in our memory: sums from {@code start} to its end,
     * the field included, which holds the sum of the pseudo-header (VIRTIO 1.3, 5.1.6.2).
     *
     * @return false if the field does not lie in the frame: nothing was written
     */
    public static boolean complete(long frame, int length, int start, int offset) {
        int field = start + offset;
        if (field + Short.BYTES > length) {
            return false;
        }
        short value = fold(add(0, frame + start, length - start));
        // A UDP checksum of 0 would mean that there is none (RFC 768); for TCP both forms of zero
        // are equal.
        ForeignMemory.putShort(frame + field, value == 0 ? (short) 0xFFFF : value);
        return true;
    }
}
