package io.vireo.virtqueue;

import io.vireo.linux.ForeignMemory;
import io.vireo.memory.GuestMemory;

/**
 * Decodes the chains of a split virtqueue (VIRTIO 1.3, 2.7.4 to 2.7.5). Each descriptor is read
 * once, as two numbers: its address, and length, flags and next.
 */
final class SplitChainDecoder extends ChainDecoder {
    // len, flags and next as one little-endian number
    private static final int WRITE_SHIFT = 33;
    private static final long F_NEXT = 1L << 32;
    static final long F_WRITE = 1L << WRITE_SHIFT;
    private static final long F_INDIRECT = 1L << 34;
    private static final int NEXT_SHIFT = 48;
    private static final long NOT_SINGLE = F_NEXT | F_INDIRECT | LONG_LENGTH;

    SplitChainDecoder(int size, boolean indirectAllowed, GuestMemory memory) {
        super(size, indirectAllowed, memory);
    }

    /**
     * Decodes chains of one descriptor each that lie in the region of the one before: the common
     * case. Ends before the first that is otherwise, which {@link #chain} decodes or refuses. Only
     * reads foreign memory and writes to the batch behind its end, {@link ChainBatch#head}
     * included; the loads of one chain wait for no other's.
     *
     * @param rings of the queue
     * @param next index of the available ring to begin with
     * @param count chains at most, which are available and fit the batch
     * @return how many were decoded
     */
    int singles(ChainBatch batch, Rings rings, int next, int count) {
        int[] heads = batch.head;
        int[] firstReadable = batch.firstReadable;
        int[] readableRanges = batch.readableRanges;
        long[] readableBytes = batch.readableBytes;
        int[] firstWritable = batch.firstWritable;
        int[] writableRanges = batch.writableRanges;
        long[] writableBytes = batch.writableBytes;
        long[] rangeAddress = batch.rangeAddress;
        int[] rangeLength = batch.rangeLength;
        long ring = rings.available() + Rings.HEADER;
        long descriptors = rings.descriptors();
        int entries = size;
        long start = regionStart();
        long bytes = regionSize();
        long host = regionHost();
        int at = batch.count;
        int range = batch.ranges;
        int limit = Math.min(count, rangeLength.length - range);
        for (int i = 0; i < limit; i++) {
            long entry = ring + (((next + i) & (entries - 1)) << 1);
            int head = ForeignMemory.getShort(entry) & 0xFFFF;
            if (head >= entries) {
                return i;
            }
            long descriptor = descriptors + ((long) head << DESCRIPTOR_SHIFT);
            long address = ForeignMemory.getLong(descriptor);
            long rest = ForeignMemory.getLong(descriptor + REST);
            long length = rest & LENGTH;
            long offset = address - start;
            if ((rest & NOT_SINGLE) != 0 || length == 0 || offset < 0 || offset > bytes - length) {
                return i;
            }
            int write = (int) (rest >>> WRITE_SHIFT) & 1;
            int read = 1 - write;
            heads[at] = head;
            firstReadable[at] = range;
            readableRanges[at] = read;
            readableBytes[at] = length & -read;
            firstWritable[at] = range + read;
            writableRanges[at] = write;
            writableBytes[at] = length & -write;
            rangeAddress[range] = host + offset;
            rangeLength[range] = (int) length;
            at++;
            range++;
        }
        return limit;
    }

    /**
     * Whether a descriptor is a chain of its own and its buffer is of one direction: 0 or {@link
     * #F_WRITE}.
     */
    static boolean isPlain(long rest, long direction) {
        return (rest & (NOT_SINGLE | F_WRITE)) == direction;
    }

    /**
     * Decodes any chain.
     *
     * @param descriptors the queue's descriptor table
     * @param first address of the head's buffer
     * @param firstRest length, flags and next of the head
     * @return false if it breaks a rule or does not fit: {@link #cause}
     */
    boolean chain(ChainBatch batch, long descriptors, long first, long firstRest) {
        long table = descriptors;
        int tableSize = size;
        boolean indirect = false;
        long address = first;
        long rest = firstRest;
        begin(batch);
        while (true) {
            if ((rest & F_INDIRECT) != 0) {
                table = table(address, rest, indirect);
                if (table == GuestMemory.INVALID) {
                    return false;
                }
                tableSize = (int) ((rest & LENGTH) >>> DESCRIPTOR_SHIFT);
                indirect = true;
                address = ForeignMemory.getLong(table);
                rest = ForeignMemory.getLong(table + REST);
                continue;
            }
            if (!add(batch, address, rest & LENGTH, (rest & F_WRITE) != 0)) {
                return false;
            }
            if ((rest & F_NEXT) == 0) {
                end(batch);
                return true;
            }
            int following = (int) (rest >>> NEXT_SHIFT);
            if (following >= tableSize) {
                return refuse("next descriptor " + following + " of a table of " + tableSize);
            }
            long descriptor = table + ((long) following << DESCRIPTOR_SHIFT);
            address = ForeignMemory.getLong(descriptor);
            rest = ForeignMemory.getLong(descriptor + REST);
        }
    }

    /**
     * Marks in a log the first {@code written} bytes of the device-writable part of a chain that is
     * in flight. Reads the descriptors again, which a driver leaves as they are until the chain is
     * used: one that does not only spoils what is migrated of itself.
     */
    void mark(DirtyLog log, long descriptors, int head, int written) {
        long table = descriptors;
        int tableSize = size;
        boolean indirect = false;
        int at = head;
        long left = Integer.toUnsignedLong(written);
        for (int steps = 0; left > 0 && steps <= longest && at < tableSize; steps++) {
            long descriptor = table + ((long) at << DESCRIPTOR_SHIFT);
            long address = ForeignMemory.getLong(descriptor);
            long rest = ForeignMemory.getLong(descriptor + REST);
            if ((rest & F_INDIRECT) != 0) {
                table = table(address, rest, indirect);
                if (table == GuestMemory.INVALID) {
                    return;
                }
                tableSize = (int) ((rest & LENGTH) >>> DESCRIPTOR_SHIFT);
                indirect = true;
                at = 0;
                continue;
            }
            if ((rest & F_WRITE) != 0) {
                long length = Math.min(left, rest & LENGTH);
                log.mark(address, length);
                left -= length;
            }
            if ((rest & F_NEXT) == 0) {
                return;
            }
            at = (int) (rest >>> NEXT_SHIFT);
        }
    }

    private long table(long address, long rest, boolean nested) {
        if (nested) {
            refuse("an indirect descriptor in an indirect table");
        } else if ((rest & F_NEXT) != 0) {
            refuse("an indirect descriptor with a next one");
        } else {
            return indirectTable(address, rest & LENGTH);
        }
        return GuestMemory.INVALID;
    }
}
