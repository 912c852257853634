package io.vireo.reactor;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * Hands records of bytes from one thread to another, in order, through a bounded ring: one thread
 * writes, one reads, neither waits. For a reactor that must not be held up by whoever reads: if
 * there is no room, it knows at once.
 */
public final class ByteRing {
    /** No record, no room. */
    public static final int NONE = -1;

    private static final int LENGTH = Integer.BYTES;
    private static final int UNIT = 8;
    private static final int WRAP = -1;

    private static final VarHandle INT =
            MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.nativeOrder());
    private static final VarHandle PUBLISHED = position("published");
    private static final VarHandle RELEASED = position("released");

    // A record is its length, its bytes, and padding to a multiple of UNIT; it never goes round the
    // end of the array: a length of WRAP says that the next one is at its start. Positions only
    // grow.
    private final byte[] bytes;
    private final int mask;

    private long written;
    private long room;

    private long published;

    private long read;
    private long readable;

    @SuppressWarnings("UnusedVariable") // Written through RELEASED.
    private long released;

    private static VarHandle position(String field) {
        try {
            return MethodHandles.lookup().findVarHandle(ByteRing.class, field, long.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /**
     * An empty ring.
     *
     * @param capacity in bytes, a power of two
     */
    public ByteRing(int capacity) {
        if (Integer.bitCount(capacity) != 1 || capacity < UNIT) {
            throw new IllegalArgumentException("the capacity is a power of two, not " + capacity);
        }
        bytes = new byte[capacity];
        mask = capacity - 1;
        room = capacity;
    }

    /** Where the bytes of records are. */
    public byte[] array() {
        return bytes;
    }

    /** Forgets records that were claimed since the last {@link #publish}. The writer. */
    public void rollback() {
        written = published;
    }

    /**
     * Makes room for a record of {@code length} bytes, which the reader sees after {@link
     * #publish}. The writer.
     *
     * @return its first index of {@link #array}, or {@link #NONE}
     */
    public int claim(int length) {
        int size = size(length);
        int at = (int) written & mask;
        int skip = size > bytes.length - at ? bytes.length - at : 0;
        if (written + skip + size > room) {
            room = (long) RELEASED.getAcquire(this) + bytes.length;
            if (written + skip + size > room) {
                return NONE;
            }
        }
        if (skip > 0) {
            INT.set(bytes, at, WRAP);
            at = 0;
        }
        INT.set(bytes, at, length);
        written += skip + size;
        return at + LENGTH;
    }

    /** Shows the reader all that was claimed. The writer. */
    public void publish() {
        PUBLISHED.setRelease(this, written);
    }

    /**
     * Finds the oldest record. The reader.
     *
     * @return its first index of {@link #array}, or {@link #NONE}
     */
    public int next() {
        while (true) {
            if (read == readable) {
                readable = (long) PUBLISHED.getAcquire(this);
                if (read == readable) {
                    return NONE;
                }
            }
            int at = (int) read & mask;
            if ((int) INT.get(bytes, at) != WRAP) {
                return at + LENGTH;
            }
            read += bytes.length - at;
        }
    }

    /** Bytes of the record at an index that {@link #next} found. The reader. */
    public int length(int index) {
        return (int) INT.get(bytes, index - LENGTH);
    }

    /** Gives the room of the oldest record back, which {@link #next} found. The reader. */
    public void release() {
        read += size((int) INT.get(bytes, (int) read & mask));
        RELEASED.setRelease(this, read);
    }

    private static int size(int length) {
        return LENGTH + length + UNIT - 1 & -UNIT;
    }
}
