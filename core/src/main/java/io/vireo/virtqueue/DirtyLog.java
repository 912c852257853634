package io.vireo.virtqueue;

import io.vireo.linux.ForeignMemory;
import java.lang.invoke.VarHandle;

/**
 * The front end's record of the pages that were written, for live migration (vhost-user,
 * "Migration"): one bit for each 4 KiB of guest addresses, from address 0 on. The front end takes
 * marks out at any time, and it is foreign memory, which may go away.
 *
 * <p>A mark is a byte of ones, eight pages: to say too much is allowed, and a plain store loses no
 * bit that somebody else sets, which without an atomic OR a single bit would. It is stored even
 * where it seems to be there already: the front end may take it out, and copy the page, between our
 * look and the arrival of what we wrote.
 */
public final class DirtyLog {
    /** Bytes of guest memory that a bit stands for. */
    public static final int PAGE = 4096;

    private static final int BYTE_SHIFT = 15;
    private static final byte ALL = (byte) 0xFF;

    private final long address;
    private final long bytes;

    /**
     * A log that is mapped.
     *
     * @param address native
     * @param bytes of the log, not of what it covers
     */
    public DirtyLog(long address, long bytes) {
        this.address = address;
        this.bytes = bytes;
    }

    /** Bytes that a log of the guest addresses up to {@code end}, exclusive, has at least. */
    public static long bytesFor(long end) {
        return end == 0 ? 0 : ((end - 1) >>> BYTE_SHIFT) + 1;
    }

    /**
     * Marks what was written before this call. What lies beyond the log is left out: a front end is
     * told so when it gives a log that is too small.
     */
    public void mark(long guestAddress, long length) {
        if (length <= 0 || guestAddress < 0) {
            return;
        }
        long first = guestAddress >>> BYTE_SHIFT;
        long last = Math.min((guestAddress + (length - 1)) >>> BYTE_SHIFT, bytes - 1);
        // Release: a mark that is seen before the page is written would be taken for an old one.
        VarHandle.releaseFence();
        for (long at = first; at <= last; at++) {
            ForeignMemory.putByte(address + at, ALL);
        }
    }
}
