package io.vireo.linux;

import java.lang.foreign.Arena;
import java.lang.ref.Reference;

/**
 * An off-heap array of {@code struct iovec}, the form in which the kernel takes scattered buffers.
 * Keep it reachable while a call uses it.
 */
public final class IovecArray {
    /** The most entries that one call takes, linux/uio.h. */
    public static final int UIO_MAXIOV = 1024;

    // Keeps memory of an automatic arena reachable as long as this object is.
    private final Arena arena;
    private final long address;
    private final int capacity;

    /** Allocates for as long as this object is reachable. */
    public IovecArray(int capacity) {
        this(Arena.ofAuto(), capacity);
    }

    /** Allocates for the life of an arena. */
    public IovecArray(Arena arena, int capacity) {
        if (capacity < 1) {
            throw new IllegalArgumentException("capacity " + capacity);
        }
        this.arena = arena;
        this.capacity = capacity;
        this.address = arena.allocate((long) capacity * Layouts.Iovec.SIZE, Long.BYTES).address();
    }

    /** Returns the number of entries. */
    public int capacity() {
        return capacity;
    }

    /** Returns the address of the first entry. */
    public long address() {
        return address;
    }

    /** Returns the address of an entry, {@code index} up to the capacity. */
    public long address(int index) {
        if (index < 0 || index > capacity) {
            throw new IndexOutOfBoundsException(index);
        }
        return address + (long) index * Layouts.Iovec.SIZE;
    }

    /** Sets an entry to {@code length} bytes at {@code base}. */
    public void set(int index, long base, long length) {
        long entry = entry(index);
        ForeignMemory.putLong(entry + Layouts.Iovec.IOV_BASE, base);
        ForeignMemory.putLong(entry + Layouts.Iovec.IOV_LEN, length);
        Reference.reachabilityFence(arena);
    }

    /** Returns the address that an entry points to. */
    public long base(int index) {
        return ForeignMemory.getLong(entry(index) + Layouts.Iovec.IOV_BASE);
    }

    /** Returns the length in bytes of an entry. */
    public long length(int index) {
        return ForeignMemory.getLong(entry(index) + Layouts.Iovec.IOV_LEN);
    }

    private long entry(int index) {
        if (index < 0 || index >= capacity) {
            throw new IndexOutOfBoundsException(index);
        }
        return address + (long) index * Layouts.Iovec.SIZE;
    }
}
