package io.vireo.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/** Zeroed off-heap memory of our own for arguments of system calls, freed when it is closed. */
@SuppressWarnings(
        "MustBeClosedChecker") // The arena lives as long as this object, whose close closes it.
public final class NativeBuffer implements AutoCloseable {
    private final Arena arena;
    private final MemorySegment segment;

    private NativeBuffer(Arena arena, MemorySegment segment) {
        this.arena = arena;
        this.segment = segment;
    }

    /**
     * Allocates {@code length} zero bytes aligned to {@code alignment}, a power of two. Any thread
     * may use and close it.
     */
    public static NativeBuffer allocate(long length, long alignment) {
        Arena arena = Arena.ofShared();
        return new NativeBuffer(arena, arena.allocate(length, alignment));
    }

    /**
     * Reserves {@code length} zero bytes, page aligned, which take room one by one as they are
     * first written to. Any thread may use and close it.
     *
     * @throws ErrnoException ENOMEM
     */
    public static NativeBuffer reserve(long length) throws ErrnoException {
        Mapping mapping = Mapping.anonymous(length);
        Arena arena = Arena.ofShared();
        MemorySegment segment =
                MemorySegment.ofAddress(mapping.address())
                        .reinterpret(length, arena, _ -> mapping.close());
        return new NativeBuffer(arena, segment);
    }

    /** Allocates for the duration of one call by one thread. */
    static NativeBuffer scratch(long length) {
        Arena arena = Arena.ofConfined();
        return new NativeBuffer(arena, arena.allocate(length, 8));
    }

    /** Makes a NUL-terminated C string for the duration of one call. */
    static NativeBuffer string(String text) {
        if (text.indexOf('\0') >= 0) {
            throw new IllegalArgumentException("NUL in a name that goes to the kernel");
        }
        Arena arena = Arena.ofConfined();
        return new NativeBuffer(arena, arena.allocateFrom(text, StandardCharsets.UTF_8));
    }

    /** Returns the native address of the first byte. */
    public long address() {
        return segment.address();
    }

    /** Returns the length in bytes. */
    public long length() {
        return segment.byteSize();
    }

    /** Returns the memory as a segment that dies with this buffer. */
    public MemorySegment segment() {
        return segment;
    }

    /** Returns the memory as bytes, at most 2 GiB, that die with this buffer. */
    public ByteBuffer bytes() {
        return segment.asByteBuffer();
    }

    @Override
    public void close() {
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }
}
