package io.vireo.fabric.storage.format;

import io.vireo.fabric.storage.crypto.WrappedKey;
import io.vireo.memory.NativeMemory;
import io.vireo.memory.OwnMemory;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Operations in the order in which they were done, as the journal will have them. Appending
 * allocates nothing but when the buffer grows; neighbouring chunks become one operation.
 */
public final class OpBuffer implements AutoCloseable {
    private static final int MAP_BYTES = PoolOp.HEADER + 32;
    private static final int UNMAP_BYTES = PoolOp.HEADER + 24;

    private static final int INITIAL = 64 << 10;

    /** Where the operations are, our own memory unless it was given. */
    private long base;

    private int capacity;
    private @Nullable OwnMemory own;

    /** Memory that was given, its room, and where the length is told; 0: none was. */
    private final long given;

    private final int givenCapacity;
    private final long told;

    private int tellable;
    private int length;

    /** Whether wrapped keys are among the operations: the memory may outlive the process. */
    private boolean keys;

    /** The operation that was appended last, if it may be extended; -1: none. */
    private int last = -1;

    /** A buffer in memory of its own. */
    public OpBuffer() {
        this(0, 0, 0);
    }

    /**
     * A buffer in memory that was given, as long as there is room in it; beyond that in its own.
     *
     * @param memory native address; 0: none
     * @param room its length in bytes
     * @param told native address of a long that says how many bytes of operations are in {@code
     *     memory}; see {@link #tell}
     */
    public OpBuffer(long memory, int room, long told) {
        given = memory;
        givenCapacity = room;
        this.told = told;
        rest();
    }

    private void rest() {
        if (given != 0) {
            base = given;
            capacity = givenCapacity;
        } else if (own == null) {
            own = OwnMemory.allocate(INITIAL);
            base = own.address();
            capacity = own.length();
        }
    }

    /**
     * Tells how long the operations in the memory that was given are: whoever finds it later has
     * all that were appended before.
     *
     * @return whether they all are there
     */
    public boolean tell() {
        if (given == 0 || base != given) {
            return false;
        }
        if (tellable != length) {
            tellable = length;
            // The operations are there before their length is.
            NativeMemory.fullFence();
            NativeMemory.putLong(told, length);
        }
        return true;
    }

    /** Native address of the first operation. */
    public long address() {
        return base;
    }

    /** Bytes of all operations. */
    public int length() {
        return length;
    }

    public boolean isEmpty() {
        return length == 0;
    }

    /** Forgets all operations. */
    public void clear() {
        if (keys) {
            NativeMemory.fill(base, length, (byte) 0);
            keys = false;
        }
        length = 0;
        last = -1;
        if (given != 0) {
            NativeMemory.fullFence();
            NativeMemory.putLong(told, 0);
            tellable = 0;
            close();
            rest();
        }
    }

    /** Appends a {@link PoolOp.Map} of one chunk. */
    public void map(long volume, long first, long chunk) {
        if (last >= 0) {
            long a = base + last + PoolOp.HEADER;
            long count = NativeMemory.getLong(a + 24);
            if (type(last) == PoolOp.MAP
                    && NativeMemory.getLong(a) == volume
                    && NativeMemory.getLong(a + 8) + count == first
                    && NativeMemory.getLong(a + 16) + count == chunk) {
                NativeMemory.putLong(a + 24, count + 1);
                return;
            }
        }
        long a = begin(PoolOp.MAP, MAP_BYTES);
        last = length - MAP_BYTES;
        NativeMemory.putLong(a, volume);
        NativeMemory.putLong(a + 8, first);
        NativeMemory.putLong(a + 16, chunk);
        NativeMemory.putLong(a + 24, 1);
    }

    /** Appends a {@link PoolOp.Unmap} of one chunk. */
    public void unmap(long volume, long first) {
        if (last >= 0) {
            long a = base + last + PoolOp.HEADER;
            if (type(last) == PoolOp.UNMAP
                    && NativeMemory.getLong(a) == volume
                    && NativeMemory.getLong(a + 8) + NativeMemory.getLong(a + 16) == first) {
                NativeMemory.putLong(a + 16, NativeMemory.getLong(a + 16) + 1);
                return;
            }
        }
        long a = begin(PoolOp.UNMAP, UNMAP_BYTES);
        last = length - UNMAP_BYTES;
        NativeMemory.putLong(a, volume);
        NativeMemory.putLong(a + 8, first);
        NativeMemory.putLong(a + 16, 1);
    }

    /**
     * Appends a {@link PoolOp.Fill}.
     *
     * @param block the first block of which a checksum follows
     * @return where {@code count} checksums of 4 bytes are to be stored now
     */
    public long fill(long volume, long first, long chunk, long block, int count) {
        return sums(PoolOp.FILL, volume, first, chunk, block, count);
    }

    /**
     * Appends a {@link PoolOp.Settle}.
     *
     * @param certain the first of {@code certainCount} blocks that are uncertain no more
     * @param block the first block of which a checksum follows
     * @return where {@code count} checksums of 4 bytes are to be stored now
     */
    public long settle(long volume, long certain, long certainCount, long block, int count) {
        return sums(PoolOp.SETTLE, volume, certain, certainCount, block, count);
    }

    private long sums(int type, long volume, long second, long third, long block, int count) {
        long a = begin(type, PoolOp.HEADER + 40 + (4 * count + 7) / 8 * 8);
        NativeMemory.putLong(a, volume);
        NativeMemory.putLong(a + 8, second);
        NativeMemory.putLong(a + 16, third);
        NativeMemory.putLong(a + 24, block);
        NativeMemory.putLong(a + 32, count);
        return a + 40;
    }

    /** Appends a {@link PoolOp.Mark}. */
    public void mark(long volume, long block, long count) {
        long a = begin(PoolOp.MARK, PoolOp.HEADER + 24);
        NativeMemory.putLong(a, volume);
        NativeMemory.putLong(a + 8, block);
        NativeMemory.putLong(a + 16, count);
    }

    /** Appends a {@link PoolOp.HighWater}. */
    public void highWater(int member, long mark) {
        words(PoolOp.HIGH_WATER, member, mark);
    }

    /** Appends a {@link PoolOp.Create}. */
    public void create(VolumeRecord volume) {
        keys |= volume.key().isPresent();
        volume.encode(begin(PoolOp.CREATE, PoolOp.HEADER + VolumeRecord.BYTES));
    }

    /** Appends a {@link PoolOp.Copy}. */
    public void copy(List<PoolOp.Source> copies) {
        int each = PoolOp.COPY_BYTES;
        long a = begin(PoolOp.COPY, PoolOp.HEADER + copies.size() * each);
        for (PoolOp.Source copy : copies) {
            keys |= copy.volume().key().isPresent();
            NativeMemory.putLong(a, copy.from());
            copy.volume().encode(a + 8);
            a += each;
        }
    }

    /** Appends a {@link PoolOp.Delete}. */
    public void delete(long volume) {
        words(PoolOp.DELETE, volume, 0);
    }

    /** Appends a {@link PoolOp.Rollback}. */
    public void rollback(long volume, long snapshot) {
        words(PoolOp.ROLLBACK, volume, snapshot);
    }

    /** Appends a {@link PoolOp.Grow}. */
    public void grow(long volume, long capacity) {
        words(PoolOp.GROW, volume, capacity);
    }

    /** Appends a {@link PoolOp.Move}. */
    public void move(long first, long from, long to) {
        long a = begin(PoolOp.MOVE, PoolOp.HEADER + 24);
        NativeMemory.putLong(a, first);
        NativeMemory.putLong(a + 8, from);
        NativeMemory.putLong(a + 16, to);
    }

    /** Appends a {@link PoolOp.Rewrap}. */
    public void rewrap(long volume, WrappedKey key) {
        keys = true;
        long a = begin(PoolOp.REWRAP, PoolOp.HEADER + 8 + WrappedKey.BYTES);
        NativeMemory.putLong(a, volume);
        key.encode(a + 8);
    }

    /** Appends a {@link PoolOp.Rename}. */
    public void rename(long volume, String name) {
        byte[] text = name.getBytes(StandardCharsets.UTF_8);
        long a = begin(PoolOp.RENAME, PoolOp.HEADER + 16 + PoolFormat.MAX_NAME);
        NativeMemory.putLong(a, volume);
        NativeMemory.putInt(a + 8, text.length);
        for (int i = 0; i < text.length; i++) {
            NativeMemory.putByte(a + 16 + i, text[i]);
        }
    }

    @Override
    public void close() {
        OwnMemory mine = own;
        if (mine != null) {
            mine.close();
            own = null;
        }
    }

    private void words(int type, long first, long second) {
        long a = begin(type, PoolOp.HEADER + 16);
        NativeMemory.putLong(a, first);
        NativeMemory.putLong(a + 8, second);
    }

    private int type(int offset) {
        return NativeMemory.getInt(base + offset);
    }

    private long begin(int type, int bytes) {
        if (length > capacity - bytes) {
            grow(bytes);
        }
        long at = base + length;
        NativeMemory.fill(at, bytes, (byte) 0);
        NativeMemory.putInt(at, type);
        NativeMemory.putInt(at + 4, bytes);
        length += bytes;
        last = -1;
        return at + PoolOp.HEADER;
    }

    private void grow(int bytes) {
        OwnMemory larger = OwnMemory.allocate(Math.max(capacity * 2, length + bytes));
        NativeMemory.copy(base, larger.address(), length);
        close();
        own = larger;
        base = larger.address();
        capacity = larger.length();
    }
}
