package io.vireo.virtqueue;

import io.vireo.linux.ForeignMemory;
import io.vireo.linux.NativeBuffer;
import io.vireo.memory.GuestMemory;
import org.jspecify.annotations.Nullable;

/**
 * Validates one descriptor chain and translates it into the place behind the last chain of a batch,
 * without making it part of the batch. What both ring formats share: direction, lengths, addresses
 * and indirect tables; how descriptors follow each other is the subclass's matter.
 */
abstract sealed class ChainDecoder permits SplitChainDecoder, PackedChainDecoder {
    // A descriptor is 16 bytes in both formats, and begins with address and length.
    static final int DESCRIPTOR_SHIFT = 4;
    static final int REST = 8;
    static final long LENGTH = 0xFFFF_FFFFL;
    static final long LONG_LENGTH = 0x8000_0000L;
    private static final int DESCRIPTOR_SIZE = 1 << DESCRIPTOR_SHIFT;

    /**
     * Descriptors of an indirect table that are taken of a queue with fewer entries, as QEMU does.
     * A driver must not make such tables (VIRTIO 1.3, 2.7.5.3.1); that of Linux makes them as long
     * as the device's seg_max says, however small its queue is.
     */
    static final int LONGEST_TABLE = 1024;

    private static final long LONGEST_CHAIN = 1L << 32;

    /** Entries of the queue. */
    final int size;

    /** Descriptors that a chain with an indirect table may have. */
    final int longest;

    private final boolean indirectAllowed;

    private GuestMemory memory;

    // The region that the last descriptor lay in: nearly always that of the next one.
    private long regionStart;
    private long regionSize;
    private long regionHost;

    // The chain that is being decoded.
    private int range;
    private int readable;
    private long readableBytes;
    private long writableBytes;
    private boolean writing;
    private int left;

    /** The indirect table that was read last, native. */
    private long table = GuestMemory.INVALID;

    private long tableLength;

    /** For indirect tables that cross regions; made when the first one does. */
    private @Nullable NativeBuffer bounce;

    private long[] bounceAddress = new long[0];
    private int[] bounceLength = new int[0];

    private String cause = "";

    ChainDecoder(int size, boolean indirectAllowed, GuestMemory memory) {
        this.size = size;
        longest = Math.max(size, LONGEST_TABLE);
        this.indirectAllowed = indirectAllowed;
        this.memory = memory;
    }

    final void memory(GuestMemory table) {
        memory = table;
        regionSize = 0;
    }

    final long regionStart() {
        return regionStart;
    }

    final long regionSize() {
        return regionSize;
    }

    final long regionHost() {
        return regionHost;
    }

    /** Why the last chain was refused; empty if the batch was full. */
    final String cause() {
        return cause;
    }

    /** Begins a chain behind the last one of the batch. */
    final void begin(ChainBatch batch) {
        range = batch.ranges;
        readable = range;
        readableBytes = 0;
        writableBytes = 0;
        writing = false;
        left = size;
    }

    /** Adds the buffer of one descriptor to the chain; false if it is refused or does not fit. */
    final boolean add(ChainBatch batch, long address, long length, boolean writable) {
        if (left-- == 0) {
            return refuse("a chain loops or is too long");
        }
        if (writable) {
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
        int end = append(batch, range, address, length);
        if (end < 0) {
            return false;
        }
        range = end;
        if (!writing) {
            readable = end;
        }
        return true;
    }

    /** Ends the chain: it is in the batch once {@link ChainBatch#count} says so. */
    final void end(ChainBatch batch) {
        int at = batch.count;
        batch.firstReadable[at] = batch.ranges;
        batch.readableRanges[at] = readable - batch.ranges;
        batch.readableBytes[at] = readableBytes;
        batch.firstWritable[at] = readable;
        batch.writableRanges[at] = range - readable;
        batch.writableBytes[at] = writableBytes;
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
    final long indirectTable(long address, long length) {
        if (!indirectAllowed) {
            refuse("an indirect descriptor, which was not negotiated");
        } else if (length == 0 || length % DESCRIPTOR_SIZE != 0) {
            refuse("an indirect table of " + length + " bytes");
        } else if (length > (long) longest << DESCRIPTOR_SHIFT) {
            refuse("an indirect table of " + length + " bytes, which is too long");
        } else {
            left += longest - size;
            long offset = address - regionStart;
            tableLength = length;
            table =
                    offset >= 0 && offset <= regionSize - length
                            ? regionHost + offset
                            : distantTable(address, length);
            return table;
        }
        return GuestMemory.INVALID;
    }

    /** Begins to take chains: no indirect table was read for them yet. */
    final void forgetTable() {
        table = GuestMemory.INVALID;
    }

    /** Shows the indirect table that was read last; true also where there was none. */
    final boolean testTable(Virtqueue.RangeTest test) {
        return table == GuestMemory.INVALID || test.test(table, tableLength, false);
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
            bounce = NativeBuffer.allocate((long) longest << DESCRIPTOR_SHIFT, DESCRIPTOR_SIZE);
            bounceAddress = new long[longest];
            bounceLength = new int[longest];
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
    final void close() {
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

    final boolean refuse(String reason) {
        cause = reason;
        return false;
    }
}
