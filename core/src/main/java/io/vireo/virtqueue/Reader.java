package io.vireo.virtqueue;

import io.vireo.linux.ForeignMemory;
import io.vireo.memory.ScatterGatherList;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * A cursor over the device-readable part of a chain, however the driver framed it (VIRTIO 1.3,
 * 2.7.4). Reused. Each byte is read once, when it is asked for; numbers are little-endian.
 *
 * <p>Methods throw {@link IndexOutOfBoundsException} where fewer than the bytes asked for remain,
 * before they read any: ask {@link #remaining} first, a driver may send less.
 */
public final class Reader {
    private static final VarHandle LONGS =
            MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    /** Bytes that are copied word by word at most. */
    private static final int SHORT = 64;

    private final RangeCursor cursor = new RangeCursor();

    /** Begins at the first device-readable byte of chain {@code index}. The batch is only read. */
    public Reader reset(ChainBatch batch, int index) {
        cursor.reset(
                batch,
                batch.firstReadable[index],
                batch.readableRanges[index],
                batch.readableBytes[index]);
        return this;
    }

    /** Bytes not read yet. */
    public long remaining() {
        return cursor.remaining();
    }

    /** Reads a byte. */
    public byte getByte() {
        return ForeignMemory.getByte(cursor.contiguous(Byte.BYTES));
    }

    /** Reads a short. */
    public short getShort() {
        long address = cursor.contiguous(Short.BYTES);
        return address == 0 ? (short) pieces(Short.BYTES) : ForeignMemory.getShort(address);
    }

    /** Reads an int. */
    public int getInt() {
        long address = cursor.contiguous(Integer.BYTES);
        return address == 0 ? (int) pieces(Integer.BYTES) : ForeignMemory.getInt(address);
    }

    /** Reads a long. */
    public long getLong() {
        long address = cursor.contiguous(Long.BYTES);
        return address == 0 ? pieces(Long.BYTES) : ForeignMemory.getLong(address);
    }

    private long pieces(int count) {
        long value = 0;
        for (int i = 0; i < count; i++) {
            value |= (getByte() & 0xFFL) << (Byte.SIZE * i);
        }
        return value;
    }

    /** Copies bytes to an array. */
    public void copyTo(byte[] destination, int offset, int length) {
        cursor.require(length);
        int at = offset;
        int left = length;
        while (left > 0) {
            int piece = cursor.piece(left);
            copy(cursor.advance(piece), destination, at, piece);
            at += piece;
            left -= piece;
        }
    }

    private static void copy(long from, byte[] destination, int offset, int length) {
        int done = 0;
        // A call costs more than a few words.
        if (length <= SHORT) {
            for (; done + Long.BYTES <= length; done += Long.BYTES) {
                LONGS.set(destination, offset + done, ForeignMemory.getLong(from + done));
            }
        }
        if (done < length) {
            ForeignMemory.copyToArray(from + done, destination, offset + done, length - done);
        }
    }

    /** Passes over bytes. */
    public void skip(long length) {
        cursor.skip(length);
    }

    /** Appends the next {@code length} bytes to {@code list} and passes over them. */
    public void takeInto(ScatterGatherList list, long length) {
        cursor.takeInto(list, length);
    }
}
