package io.vireo.fabric.storage.format;

import io.vireo.fabric.storage.crypto.WrappedKey;
import io.vireo.memory.NativeMemory;
import java.util.ArrayList;
import java.util.List;

/** An operation of the journal, as replay sees it. {@link OpBuffer} writes them. */
public sealed interface PoolOp {
    /** {@code count} chunks of a volume are where {@code count} chunks of a member are. */
    record Map(long volume, long first, long chunk, long count) implements PoolOp {}

    /** {@code count} chunks of a volume read as zeroes. */
    record Unmap(long volume, long first, long count) implements PoolOp {}

    /** Chunks of a member below {@code mark} may have been used. */
    record HighWater(int member, long mark) implements PoolOp {}

    /** An empty volume is there. */
    record Create(VolumeRecord volume) implements PoolOp {}

    /** Volumes that begin as what others are, all at one time: snapshots and clones. */
    record Copy(List<Source> copies) implements PoolOp {
        public Copy {
            copies = List.copyOf(copies);
        }
    }

    /** One of a {@link Copy}. */
    record Source(long from, VolumeRecord volume) {}

    /** A volume is gone. */
    record Delete(long volume) implements PoolOp {}

    /** A volume is what a snapshot is. */
    record Rollback(long volume, long snapshot) implements PoolOp {}

    /** A volume has more bytes. */
    record Grow(long volume, long capacity) implements PoolOp {}

    /** What was in one chunk is in another one, in all maps that have it at a place. */
    record Move(long first, long from, long to) implements PoolOp {}

    /** A volume has another name. */
    record Rename(long volume, String name) implements PoolOp {}

    /** A volume's data key is wrapped by another master key. */
    record Rewrap(long volume, WrappedKey key) implements PoolOp {}

    /** A chunk of a volume with checksums is at a chunk; checksums of blocks of it. */
    record Fill(long volume, long first, long chunk, Sums sums) implements PoolOp {}

    /** Blocks of a volume may not match their checksums until {@link Settle} says so. */
    record Mark(long volume, long block, long count) implements PoolOp {}

    /** Checksums of blocks; {@code count} blocks from {@code block} on are uncertain no more. */
    record Settle(long volume, long block, long count, Sums sums) implements PoolOp {}

    /** Checksums of successive blocks, as {@link SumLeaf} has them. */
    @SuppressWarnings("ArrayRecordComponent") // Read once, by replay.
    record Sums(long first, int[] values) {}

    int MAP = 1;
    int UNMAP = 2;
    int HIGH_WATER = 3;
    int CREATE = 4;
    int COPY = 5;
    int DELETE = 6;
    int ROLLBACK = 7;
    int GROW = 8;
    int RENAME = 9;
    int MOVE = 10;
    int FILL = 11;
    int MARK = 12;
    int SETTLE = 13;
    int REWRAP = 16;

    /** Bytes in front of each: type, length. */
    int HEADER = 8;

    /** Bytes of each copy in a COPY: the volume copied, the new one. */
    int COPY_BYTES = 8 + VolumeRecord.BYTES;

    /** Length in bytes of the operation at {@code at}. */
    static int length(long at) {
        return NativeMemory.getInt(at + 4);
    }

    /**
     * Reads the operation at {@code at}, of which {@code room} bytes are there.
     *
     * @throws FormatException if it is none
     */
    static PoolOp decode(long at, int room) throws FormatException {
        if (room < HEADER || length(at) < HEADER || length(at) > room) {
            throw new FormatException("an operation of the journal has a wrong length");
        }
        long a = at + HEADER;
        return switch (NativeMemory.getInt(at)) {
            case MAP -> new Map(word(a, 0), word(a, 1), word(a, 2), word(a, 3));
            case UNMAP -> new Unmap(word(a, 0), word(a, 1), word(a, 2));
            case HIGH_WATER -> new HighWater((int) word(a, 0), word(a, 1));
            case CREATE -> new Create(VolumeRecord.decode(a));
            case COPY -> copy(a, length(at) - HEADER);
            case DELETE -> new Delete(word(a, 0));
            case ROLLBACK -> new Rollback(word(a, 0), word(a, 1));
            case GROW -> new Grow(word(a, 0), word(a, 1));
            case MOVE -> new Move(word(a, 0), word(a, 1), word(a, 2));
            case FILL -> new Fill(word(a, 0), word(a, 1), word(a, 2), sums(at, 24));
            case MARK -> new Mark(word(a, 0), word(a, 1), word(a, 2));
            case SETTLE -> new Settle(word(a, 0), word(a, 1), word(a, 2), sums(at, 24));
            case REWRAP -> new Rewrap(word(a, 0), VolumeRecord.key(a + 8));
            case RENAME -> new Rename(word(a, 0), VolumeRecord.name(a + 8));
            default ->
                    throw new FormatException(
                            "operation " + NativeMemory.getInt(at) + " of the journal is unknown");
        };
    }

    /** Checksums at the end of the operation at {@code at}: first, count, values. */
    private static Sums sums(long at, int offset) throws FormatException {
        long a = at + HEADER + offset;
        long count = word(a, 1);
        if (count < 0 || count > (length(at) - HEADER - offset - 16) / 4) {
            throw new FormatException("an operation of the journal has a wrong length");
        }
        int[] values = new int[(int) count];
        for (int i = 0; i < values.length; i++) {
            values[i] = NativeMemory.getInt(a + 16 + 4L * i);
        }
        return new Sums(word(a, 0), values);
    }

    private static Copy copy(long at, int length) throws FormatException {
        var copies = new ArrayList<Source>();
        int each = COPY_BYTES;
        for (int i = 0; i + each <= length; i += each) {
            copies.add(new Source(word(at + i, 0), VolumeRecord.decode(at + i + 8)));
        }
        return new Copy(copies);
    }

    private static long word(long at, int index) {
        return NativeMemory.getLong(at + 8L * index);
    }
}
