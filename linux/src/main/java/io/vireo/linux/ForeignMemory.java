package io.vireo.linux;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * The accessor for memory by absolute native address, and the only one through which memory that
 * somebody else can take away (guest memory, dirty logs, in-flight regions) may be touched.
 *
 * <p>When a peer truncates the file behind a shared mapping, the next access raises SIGBUS. HotSpot
 * turns that into an {@link InternalError} only for guarded get, put, copy and fill; every other
 * access kills the process. So there is no compare-and-set, no read-modify-write, no checksum,
 * cipher, mismatch or vector operation here, and none may be applied to foreign memory anywhere
 * else: copy it first, then compute. That also ends time-of-check/time-of-use.
 *
 * <p>The error may arrive <em>after</em> the access that caused it, even in another method; the
 * value read meanwhile is garbage, and a system call made meanwhile has been executed though its
 * result is lost. Whoever runs code over foreign memory catches it once per turn, on a platform
 * thread, and then asks every session touched in that turn whether its memory is still there. A
 * {@code try} around the access does not suffice to catch it: the optimizing compiler has it thrown
 * at the return of the method that it compiled, or where a native method returns, and the {@code
 * try} may have ended by then (seen on JDK 25, each time). Who decides by it, or goes on to change
 * what must not be torn, calls {@link #settle} first. An access to memory that is <em>not
 * mapped</em> is a SIGSEGV that nothing catches: mappings outlive their last user.
 *
 * <p>A release store is a fence and a plain store here, not {@code setRelease}: HotSpot's
 * interpreter executes that one as an {@code xchg} inside the virtual machine, and its SIGBUS
 * handler cannot step over a 16-bit {@code xchg}: it aborts (seen on JDK 25.0.3, x86_64). Compiled
 * code is the same either way. The same holds for opaque stores, which are not offered.
 *
 * <p>That garbage is not even of its type: the register keeps what it held, all 64 bits of it,
 * while the optimizing compiler goes on to believe that a short has 16 bits, and leaves out masks,
 * sign extensions and halves of range checks. An index read from a ring then passes {@code index <
 * size} and points anywhere: a SIGSEGV (seen on JDK 25.0.3, x86_64). So every value read is added
 * to a zero that the compiler cannot know, in a register, and is narrowed after that: whatever was
 * read has its type. What a read returns must still be checked, after it was read, like anything of
 * a stranger's.
 *
 * <p>Values are little-endian. Plain accesses need no alignment and give no ordering. Opaque,
 * acquire and release accesses must be aligned to their size, else they throw {@link
 * IllegalArgumentException}; they are single-copy atomic.
 */
public final class ForeignMemory {
    private static final MemorySegment ALL = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

    private static final VarHandle BYTE = exact(ValueLayout.JAVA_BYTE);
    private static final VarHandle SHORT =
            exact(ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN));
    private static final VarHandle INT =
            exact(ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN));
    private static final VarHandle LONG =
            exact(ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN));
    private static final VarHandle ALIGNED_SHORT =
            exact(ValueLayout.JAVA_SHORT.withOrder(ByteOrder.LITTLE_ENDIAN));
    private static final VarHandle ALIGNED_INT =
            exact(ValueLayout.JAVA_INT.withOrder(ByteOrder.LITTLE_ENDIAN));
    private static final VarHandle ALIGNED_LONG =
            exact(ValueLayout.JAVA_LONG.withOrder(ByteOrder.LITTLE_ENDIAN));

    /**
     * All bits that an address of user space may have. Masking with it changes no valid address,
     * and tells the compiler that the check against the end of {@link #ALL} cannot fail.
     */
    private static final long ADDRESSES = Long.MAX_VALUE >>> 1;

    /** Always 0, and not final: the compiler must not know. */
    private static int zero;

    /** The same for longs. */
    private static long longZero;

    private ForeignMemory() {}

    private static VarHandle exact(ValueLayout layout) {
        return layout.varHandle().withInvokeExactBehavior();
    }

    /** Reads a byte, plain. */
    public static byte getByte(long address) {
        return (byte) ((byte) BYTE.get(ALL, address & ADDRESSES) + zero);
    }

    /** Writes a byte, plain. */
    public static void putByte(long address, byte value) {
        BYTE.set(ALL, address & ADDRESSES, value);
    }

    /** Reads a short, plain. */
    public static short getShort(long address) {
        return (short) ((short) SHORT.get(ALL, address & ADDRESSES) + zero);
    }

    /** Writes a short, plain. */
    public static void putShort(long address, short value) {
        SHORT.set(ALL, address & ADDRESSES, value);
    }

    /** Reads an int, plain. */
    public static int getInt(long address) {
        return (int) INT.get(ALL, address & ADDRESSES) + zero;
    }

    /** Writes an int, plain. */
    public static void putInt(long address, int value) {
        INT.set(ALL, address & ADDRESSES, value);
    }

    /** Reads a long, plain. */
    public static long getLong(long address) {
        return (long) LONG.get(ALL, address & ADDRESSES) + longZero;
    }

    /** Writes a long, plain. */
    public static void putLong(long address, long value) {
        LONG.set(ALL, address & ADDRESSES, value);
    }

    /** Reads a short once, without ordering, never torn or hoisted out of a loop. */
    public static short getShortOpaque(long address) {
        return (short) ((short) ALIGNED_SHORT.getOpaque(ALL, address) + zero);
    }

    /** Reads a short such that no later access moves before it. */
    public static short getShortAcquire(long address) {
        return (short) ((short) ALIGNED_SHORT.getAcquire(ALL, address) + zero);
    }

    /** Writes a short such that no earlier access moves behind it. */
    public static void putShortRelease(long address, short value) {
        VarHandle.releaseFence();
        ALIGNED_SHORT.set(ALL, address, value);
    }

    /** Reads an int once, without ordering, never torn or hoisted out of a loop. */
    public static int getIntOpaque(long address) {
        return (int) ALIGNED_INT.getOpaque(ALL, address) + zero;
    }

    /** Reads an int such that no later access moves before it. */
    public static int getIntAcquire(long address) {
        return (int) ALIGNED_INT.getAcquire(ALL, address) + zero;
    }

    /** Writes an int such that no earlier access moves behind it. */
    public static void putIntRelease(long address, int value) {
        VarHandle.releaseFence();
        ALIGNED_INT.set(ALL, address, value);
    }

    /** Reads a long once, without ordering, never torn or hoisted out of a loop. */
    public static long getLongOpaque(long address) {
        return (long) ALIGNED_LONG.getOpaque(ALL, address) + longZero;
    }

    /** Reads a long such that no later access moves before it. */
    public static long getLongAcquire(long address) {
        return (long) ALIGNED_LONG.getAcquire(ALL, address) + longZero;
    }

    /** Writes a long such that no earlier access moves behind it. */
    public static void putLongRelease(long address, long value) {
        VarHandle.releaseFence();
        ALIGNED_LONG.set(ALL, address, value);
    }

    /** Copies {@code length} bytes. The ranges may overlap. */
    public static void copy(long source, long destination, long length) {
        MemorySegment.copy(ALL, source, ALL, destination, length);
    }

    /** Copies 64 bytes, all of them read before any is written: no call, and no bounds check. */
    public static void copy64(long source, long destination) {
        long from = source & ADDRESSES;
        long to = destination & ADDRESSES;
        long v0 = (long) LONG.get(ALL, from);
        long v1 = (long) LONG.get(ALL, from + 8);
        long v2 = (long) LONG.get(ALL, from + 16);
        long v3 = (long) LONG.get(ALL, from + 24);
        long v4 = (long) LONG.get(ALL, from + 32);
        long v5 = (long) LONG.get(ALL, from + 40);
        long v6 = (long) LONG.get(ALL, from + 48);
        long v7 = (long) LONG.get(ALL, from + 56);
        LONG.set(ALL, to, v0);
        LONG.set(ALL, to + 8, v1);
        LONG.set(ALL, to + 16, v2);
        LONG.set(ALL, to + 24, v3);
        LONG.set(ALL, to + 32, v4);
        LONG.set(ALL, to + 40, v5);
        LONG.set(ALL, to + 48, v6);
        LONG.set(ALL, to + 56, v7);
    }

    /** Copies {@code length} bytes at {@code source} to {@code destination[offset...]}. */
    public static void copyToArray(long source, byte[] destination, int offset, int length) {
        MemorySegment.copy(ALL, ValueLayout.JAVA_BYTE, source, destination, offset, length);
    }

    /** Copies {@code source[offset...]}, {@code length} bytes, to {@code destination}. */
    public static void copyFromArray(byte[] source, int offset, long destination, int length) {
        MemorySegment.copy(source, offset, ALL, ValueLayout.JAVA_BYTE, destination, length);
    }

    /** Sets {@code length} bytes to {@code value}. */
    public static void fill(long address, long length, byte value) {
        ALL.asSlice(address, length).fill(value);
    }

    /**
     * Orders every access before it against every access after it, store before load included,
     * which acquire and release do not: between publishing an index and reading the other side's
     * wish for a notification.
     */
    public static void fullFence() {
        VarHandle.fullFence();
    }

    /**
     * Throws here what an access before it owes: after this call, no {@link InternalError} of an
     * access before it comes on this thread. Costs 10 to 30 ns: once for a request or a batch, not
     * for each piece.
     *
     * @throws InternalError an access since the last call met memory that is gone
     */
    public static void settle() {
        // Any native method that is none of the compiler's intrinsics: on its way back it throws.
        Runtime.getRuntime().maxMemory();
    }

    /**
     * Returns a view of <em>our own</em> memory (anonymous mappings, sealed memfds that nobody else
     * may shrink), for APIs that take a segment. It allocates. Never call it on foreign memory: see
     * the class comment for what that would allow.
     */
    public static MemorySegment segment(long address, long length) {
        return ALL.asSlice(address, length);
    }
}
