package io.vireo.fabric.storage.pool;

import io.vireo.memory.NativeMemory;
import io.vireo.memory.ScatterGatherList;
import java.util.Arrays;

/**
 * The chunks of a volume of which a write has nothing but zeroes. Each is looked at until its first
 * bit that is set, so data costs a look at its first 64 bytes.
 *
 * <p>Memory that is looked at may be a client's, which can change it meanwhile: nobody is to look
 * at it again for a chunk that was found to be zeroes and is left out because of that.
 */
final class ZeroChunks {
    private static final int STEP = 64;

    private long[] bits = new long[1];
    private long first;
    private boolean any;

    /** None is. */
    void clear() {
        any = false;
    }

    /** Whether all that was looked at of a chunk of the volume was zeroes. */
    boolean has(long chunk) {
        return any && (bits[(int) ((chunk - first) >>> 6)] & 1L << (chunk - first)) != 0;
    }

    /**
     * Looks at what is written. The memory may be gone: then an {@link InternalError} ends this.
     *
     * @param data where it is, from its byte {@code skip} on
     * @param offset in the volume, in bytes
     * @param length in bytes, more than 0
     * @param shift a chunk has 2^shift bytes
     */
    void find(ScatterGatherList data, long skip, long offset, long length, int shift) {
        long end = offset + length;
        begin(offset >>> shift, (end - 1) >>> shift);
        int range = 0;
        long inRange = skip;
        for (long at = offset; at < end; ) {
            long chunk = at >>> shift;
            long stop = Math.min(end, (chunk + 1) << shift);
            boolean zeroes = true;
            while (at < stop) {
                long there = data.length(range) - inRange;
                if (there <= 0) {
                    range++;
                    inRange = -there;
                    continue;
                }
                long part = Math.min(there, stop - at);
                zeroes = zeroes && isZero(data.address(range) + inRange, part);
                at += part;
                inRange += part;
            }
            if (zeroes) {
                add(chunk);
            }
        }
    }

    private void begin(long newFirst, long last) {
        any = false;
        first = newFirst;
        int words = (int) ((last - first) >>> 6) + 1;
        if (bits.length < words) {
            bits = new long[words];
        } else {
            Arrays.fill(bits, 0, words, 0);
        }
    }

    private void add(long chunk) {
        any = true;
        bits[(int) ((chunk - first) >>> 6)] |= 1L << (chunk - first);
    }

    /** Whether a range of memory is all zeroes. */
    static boolean isZero(long address, long length) {
        long at = address;
        long end = address + length;
        for (; end - at >= STEP; at += STEP) {
            if (word(at, 0) != 0 || (word(at, 1) | rest(at)) != 0) {
                return false;
            }
        }
        for (; end - at >= Long.BYTES; at += Long.BYTES) {
            if (NativeMemory.getLong(at) != 0) {
                return false;
            }
        }
        for (; at < end; at++) {
            if (NativeMemory.getByte(at) != 0) {
                return false;
            }
        }
        return true;
    }

    private static long rest(long at) {
        return word(at, 2) | word(at, 3) | word(at, 4) | word(at, 5) | word(at, 6) | word(at, 7);
    }

    private static long word(long at, int index) {
        return NativeMemory.getLong(at + index * 8L);
    }
}
