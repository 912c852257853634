package io.vireo.testkit.crash;

import io.vireo.linux.ForeignMemory;
import java.util.Arrays;
import java.util.BitSet;

/**
 * What a disk holds. A fork costs a table of references; pages are copied when they are written.
 */
public final class DiskImage {
    private static final int PAGE = 4096;
    private static final byte[] ZEROES = new byte[PAGE];

    private final byte[][] pages;
    private final BitSet owned = new BitSet();

    /** A disk of {@code capacity} zero bytes, a multiple of 4 KiB. */
    public DiskImage(long capacity) {
        pages = new byte[Math.toIntExact(capacity / PAGE)][];
        Arrays.fill(pages, ZEROES);
    }

    private DiskImage(byte[][] pages) {
        this.pages = pages;
    }

    public long capacity() {
        return (long) pages.length * PAGE;
    }

    /** Another disk that holds the same; both may be changed without the other seeing it. */
    public DiskImage fork() {
        owned.clear();
        return new DiskImage(pages.clone());
    }

    /** Stores {@code length} bytes of {@code data}, from {@code from} on. */
    public void write(long offset, byte[] data, int from, int length) {
        int done = 0;
        while (done < length) {
            int index = (int) ((offset + done) / PAGE);
            int within = (int) ((offset + done) % PAGE);
            int step = Math.min(PAGE - within, length - done);
            System.arraycopy(data, from + done, own(index, step == PAGE), within, step);
            done += step;
        }
    }

    /** Stores zeroes. */
    public void zero(long offset, long length) {
        long done = 0;
        while (done < length) {
            int index = (int) ((offset + done) / PAGE);
            int within = (int) ((offset + done) % PAGE);
            int step = (int) Math.min(PAGE - within, length - done);
            if (step == PAGE) {
                pages[index] = ZEROES;
                owned.clear(index);
            } else {
                Arrays.fill(own(index, false), within, within + step, (byte) 0);
            }
            done += step;
        }
    }

    /** Copies bytes to native memory. */
    public void read(long offset, long address, int length) {
        int done = 0;
        while (done < length) {
            int within = (int) ((offset + done) % PAGE);
            int step = Math.min(PAGE - within, length - done);
            ForeignMemory.copyFromArray(
                    pages[(int) ((offset + done) / PAGE)], within, address + done, step);
            done += step;
        }
    }

    /** Copies bytes. */
    public byte[] read(long offset, int length) {
        byte[] bytes = new byte[length];
        int done = 0;
        while (done < length) {
            int within = (int) ((offset + done) % PAGE);
            int step = Math.min(PAGE - within, length - done);
            System.arraycopy(pages[(int) ((offset + done) / PAGE)], within, bytes, done, step);
            done += step;
        }
        return bytes;
    }

    /**
     * The first byte from {@code from} on, a multiple of 4 KiB, at which another disk of the same
     * capacity holds something else; -1: there is none.
     */
    public long mismatch(DiskImage other, long from) {
        for (int index = Math.toIntExact(from / PAGE); index < pages.length; index++) {
            byte[] page = pages[index];
            int at = page == other.pages[index] ? -1 : Arrays.mismatch(page, other.pages[index]);
            if (at >= 0) {
                return (long) index * PAGE + at;
            }
        }
        return -1;
    }

    /** Inverts one bit. */
    public void flip(long offset, int bit) {
        own((int) (offset / PAGE), false)[(int) (offset % PAGE)] ^= (byte) (1 << bit);
    }

    private byte[] own(int index, boolean whole) {
        if (!owned.get(index)) {
            pages[index] = whole ? new byte[PAGE] : pages[index].clone();
            owned.set(index);
        }
        return pages[index];
    }
}
