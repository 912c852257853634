package io.vireo.virtqueue;

import io.vireo.linux.ForeignMemory;
import io.vireo.linux.NativeBuffer;
import io.vireo.memory.GuestMemory;
import org.jspecify.annotations.Nullable;

/**
 * Validates one descriptor chain of a split virtqueue (VIRTIO 1.3, 2.7.4 to 2.7.5) and translates
 * it into the place behind the last chain of a batch, without making it part of the batch.
 *
 * <p>Each descriptor is read once, as two numbers: its address, and length, flags and next.
 */
final class ChainDecoder {
    // struct virtq_desc
    static final int DESCRIPTOR_SHIFT = 4;
    static final int REST = 8;
    private static final int DESCRIPTOR_SIZE = 1 << DESCRIPTOR_SHIFT;
    // len, flags and next as one little-endian number
    static final long LENGTH = 0xFFFF_FFFFL;
    private static final long LONG_LENGTH = 0x8000_0000L;
    private static final int WRITE_SHIFT = 33;
    private static final long F_NEXT = 1L << 32;
    static final long F_WRITE = 1L << WRITE_SHIFT;
    private static final long F_INDIRECT = 1L << 34;
    private static final int NEXT_SHIFT = 48;
    private static final long NOT_SINGLE = F_NEXT | F_INDIRECT | LONG_LENGTH;

    private static final long LONGEST_CHAIN = 1L << 32;

    private final int size;
    private final boolean indirectAllowed;

    private GuestMemory memory;

    // The region that the last descriptor lay in: nearly always that of the next one.
    private long regionStart;
    private long regionSize;
    private long regionHost;

    /** For indirect tables that cross regions; made when the first one does. */
    private @Nullable NativeBuffer bounce;

    private long[] bounceAddress = new long[0];
    private int[] bounceLength = new int[0];

    private String cause = "";

    ChainDecoder(int size, boolean indirectAllowed, GuestMemory memory) {
        this.size = size;
        this.indirectAllowed = indirectAllowed;
        this.memory = memory;
    }

    void memory(GuestMemory table) {
        memory = table;
        regionSize = 0;
    }

    long regionStart() {
        return regionStart;
    }

    long regionSize() {
        return regionSize;
    }

    long regionHost() {
        return regionHost;
    }

    /** Why the last chain was refused; empty if the batch was full. */
    String cause() {
        return cause;
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
        long start = regionStart;
        long bytes = regionSize;
        long host = regionHost;
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
        int left = size;
        int range = batch.ranges;
        int readable = range;
        long readableBytes = 0;
        long writableBytes = 0;
        boolean writing = false;
        while (true) {
            if ((rest & F_INDIRECT) != 0) {
                table = indirectTable(address, rest, indirect);
                if (table == GuestMemory.INVALID) {
                    return false;
                }
                tableSize = (int) ((rest & LENGTH) >>> DESCRIPTOR_SHIFT);
                indirect = true;
                address = ForeignMemory.getLong(table);
                rest = ForeignMemory.getLong(table + REST);
                continue;
            }
            if (left-- == 0) {
                return refuse("a chain loops or is longer than the queue");
            }
            long length = rest & LENGTH;
            if ((rest & F_WRITE) != 0) {
                writing = true;
                writableBytes += length;
            } else if (writing) {
                return refuse("a device-readable descriptor follows a device-writable one");
            } else {
                readableBytes += length;
            }
            if (readableBytes + writableBytes > LONGEST_CHAIN) {
                return refuse("a chain has more than 2^32 bytes");
            }
            range = append(batch, range, address, length);
            if (range < 0) {
                return false;
            }
            if (!writing) {
                readable = range;
            }
            if ((rest & F_NEXT) == 0) {
                break;
            }
            int following = (int) (rest >>> NEXT_SHIFT);
            if (following >= tableSize) {
                return refuse("next descriptor " + following + " of a table of " + tableSize);
            }
            long descriptor = table + ((long) following << DESCRIPTOR_SHIFT);
            address = ForeignMemory.getLong(descriptor);
            rest = ForeignMemory.getLong(descriptor + REST);
        }
        int at = batch.count;
        batch.firstReadable[at] = batch.ranges;
        batch.readableRanges[at] = readable - batch.ranges;
        batch.readableBytes[at] = readableBytes;
        batch.firstWritable[at] = readable;
        batch.writableRanges[at] = range - readable;
        batch.writableBytes[at] = writableBytes;
        return true;
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
        for (int steps = 0; left > 0 && steps <= size && at < tableSize; steps++) {
            long descriptor = table + ((long) at << DESCRIPTOR_SHIFT);
            long address = ForeignMemory.getLong(descriptor);
            long rest = ForeignMemory.getLong(descriptor + REST);
            if ((rest & F_INDIRECT) != 0) {
                table = indirectTable(address, rest, indirect);
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

    /** Appends the ranges of one descriptor; negative if that was refused. */
    private int append(ChainBatch batch, int range, long address, long length) {
        long offset = address - regionStart;
        if (length > 0
                && length < LONG_LENGTH
                && offset >= 0
                && offset <= regionSize - length
                && range < batch.rangeLength.length) {
            batch.rangeAddress[range] = regionHost + offset;
            batch.rangeLength[range] = (int) length;
            return range + 1;
        }
        if (length == 0) {
            // Legal, and nothing to see, wherever it points.
            return range;
        }
        int end = memory.split(address, length, batch.rangeAddress, batch.rangeLength, range);
        if (end == GuestMemory.UNMAPPED) {
            refuseAddress("a descriptor", address, length);
        } else if (end == GuestMemory.NO_ROOM) {
            cause = batch.count == 0 ? "a chain has too many ranges" : "";
        } else {
            remember(address);
        }
        return end;
    }

    private void remember(long address) {
        int position = memory.find(address);
        regionStart = memory.start(position);
        regionSize = memory.size(position);
        regionHost = memory.host(position);
    }

    /** Translates the table that an indirect descriptor refers to; INVALID if it is refused. */
    private long indirectTable(long address, long rest, boolean nested) {
        long length = rest & LENGTH;
        if (!indirectAllowed) {
            refuse("an indirect descriptor, which was not negotiated");
        } else if (nested) {
            refuse("an indirect descriptor in an indirect table");
        } else if ((rest & F_NEXT) != 0) {
            refuse("an indirect descriptor with a next one");
        } else if (length == 0 || length % DESCRIPTOR_SIZE != 0) {
            refuse("an indirect table of " + length + " bytes");
        } else if (length > (long) size << DESCRIPTOR_SHIFT) {
            refuse("an indirect table of " + length + " bytes, longer than the queue");
        } else {
            long offset = address - regionStart;
            if (offset >= 0 && offset <= regionSize - length) {
                return regionHost + offset;
            }
            return distantTable(address, length);
        }
        return GuestMemory.INVALID;
    }

    /** As {@link #indirectTable} for one that is not in the region of the last buffer. */
    private long distantTable(long address, long length) {
        long host = memory.translate(address, length);
        if (host == GuestMemory.INVALID) {
            host = bounceTable(address, length);
        }
        if (host == GuestMemory.INVALID) {
            refuseAddress("an indirect table", address, length);
        }
        return host;
    }

    /** Copies a table that crosses from a region into the next one. */
    private long bounceTable(long address, long length) {
        if (bounce == null) {
            bounce = NativeBuffer.allocate((long) size << DESCRIPTOR_SHIFT, DESCRIPTOR_SIZE);
            bounceAddress = new long[size];
            bounceLength = new int[size];
        }
        int pieces = memory.split(address, length, bounceAddress, bounceLength, 0);
        if (pieces < 0) {
            return GuestMemory.INVALID;
        }
        long at = bounce.address();
        for (int i = 0; i < pieces; i++) {
            ForeignMemory.copy(bounceAddress[i], at, bounceLength[i]);
            at += bounceLength[i];
        }
        return bounce.address();
    }

    /** Gives our own memory back. */
    void close() {
        if (bounce != null) {
            bounce.close();
            bounce = null;
        }
    }

    private boolean refuseAddress(String what, long address, long length) {
        return refuse(
                what
                        + " at 0x"
                        + Long.toHexString(address)
                        + " of "
                        + length
                        + " bytes is not in the guest's memory");
    }

    private boolean refuse(String reason) {
        cause = reason;
        return false;
    }
}
