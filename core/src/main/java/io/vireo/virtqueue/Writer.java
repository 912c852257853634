package io.vireo.virtqueue;

import io.vireo.linux.ForeignMemory;
import io.vireo.memory.ScatterGatherList;

/**
 * A cursor over the device-writable part of a chain, however the driver framed it (VIRTIO 1.3,
 * 2.7.4). Reused. Numbers are little-endian.
 *
 * <p>Methods throw {@link IndexOutOfBoundsException} where there is not enough room, before they
 * write anything: ask {@link #remaining} first, a driver may send less.
 */
public final class Writer {
    private final RangeCursor cursor = new RangeCursor();
    private long total;

    /** Begins at the first device-writable byte of chain {@code index}. The batch is only read. */
    public Writer reset(ChainBatch batch, int index) {
        total = batch.writableBytes[index];
        cursor.reset(batch, batch.firstWritable[index], batch.writableRanges[index], total);
        return this;
    }

    /** Bytes of room left. */
    public long remaining() {
        return cursor.remaining();
    }

    /** Bytes passed so far, skipped ones included. */
    public long written() {
        return total - cursor.remaining();
    }

    /** Native address of the next byte, for a write that comes later. There must be one. */
    public long address() {
        cursor.require(1);
        return cursor.address();
    }

    /** Writes a byte. */
    public void putByte(byte value) {
        ForeignMemory.putByte(cursor.contiguous(Byte.BYTES), value);
    }

    /** Writes a short. */
    public void putShort(short value) {
        long address = cursor.contiguous(Short.BYTES);
        if (address == 0) {
            pieces(value, Short.BYTES);
        } else {
            ForeignMemory.putShort(address, value);
        }
    }

    /** Writes an int. */
    public void putInt(int value) {
        long address = cursor.contiguous(Integer.BYTES);
        if (address == 0) {
            pieces(value, Integer.BYTES);
        } else {
            ForeignMemory.putInt(address, value);
        }
    }

    /** Writes a long. */
    public void putLong(long value) {
        long address = cursor.contiguous(Long.BYTES);
        if (address == 0) {
            pieces(value, Long.BYTES);
        } else {
            ForeignMemory.putLong(address, value);
        }
    }

    private void pieces(long value, int count) {
        for (int i = 0; i < count; i++) {
            putByte((byte) (value >>> (Byte.SIZE * i)));
        }
    }

    /** Copies bytes from an array. */
    public void copyFrom(byte[] source, int offset, int length) {
        cursor.require(length);
        int at = offset;
        int left = length;
        while (left > 0) {
            int piece = cursor.piece(left);
            ForeignMemory.copyFromArray(source, at, cursor.advance(piece), piece);
            at += piece;
            left -= piece;
        }
    }

    /** Sets bytes to {@code value}. */
    public void fill(long length, byte value) {
        cursor.require(length);
        long left = length;
        while (left > 0) {
            int piece = cursor.piece(left);
            ForeignMemory.fill(cursor.advance(piece), piece, value);
            left -= piece;
        }
    }

    /** Passes over bytes. */
    public void skip(long length) {
        cursor.skip(length);
    }

    /**
     * Passes over {@code length} bytes of room, for a write that comes later.
     *
     * @return their native address, or 0, with nothing passed, if they are not in one range
     */
    public long contiguous(int length) {
        return cursor.contiguous(length);
    }

    /** Appends the next {@code length} bytes of room to {@code list} and passes over them. */
    public void takeInto(ScatterGatherList list, long length) {
        cursor.takeInto(list, length);
    }
}
