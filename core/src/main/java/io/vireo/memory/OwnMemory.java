package io.vireo.memory;

import io.vireo.linux.ErrnoException;
import io.vireo.linux.ForeignMemory;
import io.vireo.linux.NativeBuffer;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/**
 * Zeroed off-heap memory that is ours alone, page aligned: buffers for devices, tables that are too
 * large for the heap. Unlike a guest's, it may be checksummed. One thread at a time.
 */
public final class OwnMemory implements AutoCloseable {
    private static final int ALIGNMENT = 4096;

    private final NativeBuffer buffer;
    private final ByteBuffer view;
    private final CRC32C crc = new CRC32C();

    /** Whether somebody else may have the buffer afterwards. */
    private final boolean kept;

    private boolean closed;

    private OwnMemory(NativeBuffer buffer, boolean kept) {
        this.buffer = buffer;
        this.kept = kept;
        this.view = buffer.bytes();
    }

    /** Allocates {@code length} zero bytes. */
    public static OwnMemory allocate(int length) {
        NativeBuffer spare = SpareBuffers.take(length);
        if (spare == null) {
            return new OwnMemory(NativeBuffer.allocate(length, ALIGNMENT), true);
        }
        ForeignMemory.fill(spare.address(), length, (byte) 0);
        return new OwnMemory(spare, true);
    }

    /** Allocates {@code length} bytes that hold anything: each is written before it is read. */
    public static OwnMemory allocateUncleared(int length) {
        NativeBuffer spare = SpareBuffers.take(length);
        return new OwnMemory(
                spare == null ? NativeBuffer.allocate(length, ALIGNMENT) : spare, true);
    }

    /**
     * Reserves {@code length} zero bytes, which take room page by page as they are first written.
     *
     * @throws UncheckedIOException if the host has no such range of addresses left
     */
    public static OwnMemory reserve(int length) {
        try {
            return new OwnMemory(NativeBuffer.reserve(length), false);
        } catch (ErrnoException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Native address of the first byte. */
    public long address() {
        return buffer.address();
    }

    /** Native address of {@code length} bytes from {@code offset} on, all of which are inside. */
    public long address(long offset, long length) {
        check(offset, length);
        return buffer.address() + offset;
    }

    /** Length in bytes. */
    public int length() {
        return view.capacity();
    }

    /** Sets {@code length} bytes from {@code offset} on. */
    public void fill(int offset, int length, byte value) {
        check(offset, length);
        ForeignMemory.fill(buffer.address() + offset, length, value);
    }

    /** Stores bytes from {@code offset} on. */
    public void put(int offset, byte[] bytes) {
        check(offset, bytes.length);
        ForeignMemory.copyFromArray(bytes, 0, buffer.address() + offset, bytes.length);
    }

    /** Copies {@code length} bytes from {@code offset} on. */
    public byte[] bytes(int offset, int length) {
        check(offset, length);
        byte[] bytes = new byte[length];
        ForeignMemory.copyToArray(buffer.address() + offset, bytes, 0, length);
        return bytes;
    }

    /** The CRC32C (Castagnoli) of {@code length} bytes from {@code offset} on. */
    public int crc32c(int offset, int length) {
        crc.reset();
        crc.update(view.limit(offset + length).position(offset));
        return (int) crc.getValue();
    }

    /** Goes on with a CRC32C by {@code length} bytes from {@code offset} on. */
    public void update(CRC32C sum, int offset, int length) {
        sum.update(view.limit(offset + length).position(offset));
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            if (kept) {
                SpareBuffers.give(buffer);
            } else {
                buffer.close();
            }
        }
    }

    private void check(long offset, long length) {
        if (offset < 0 || length < 0 || offset > length() - length) {
            throw new IndexOutOfBoundsException(offset + "+" + length + " of " + length());
        }
    }
}
