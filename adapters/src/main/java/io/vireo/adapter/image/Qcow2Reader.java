package io.vireo.adapter.image;

import io.vireo.block.DiskImageReader;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/**
 * A qcow2 image, without backing file, external data or encryption (QEMU, docs/interop/qcow2.rst).
 * Every entry is checked before it is used: a broken one ends the reading, with its place.
 */
final class Qcow2Reader implements DiskImageReader {
    private static final long OFFSET_MASK = 0x00FF_FFFF_FFFF_FE00L;
    private static final long COPIED = 1L << 63;
    private static final long COMPRESSED = 1L << 62;
    private static final long ZERO = 1;
    private static final int SECTOR = 512;

    private final HostFile file;
    private final long fileSize;
    private final Qcow2Header header;
    private final int clusterBits;
    private final int clusterSize;
    private final int l2Bits;
    private final ByteBuffer l1;
    private final ByteBuffer l2;
    private final byte[] cluster;
    private final Inflater inflater = new Inflater(true);
    private byte[] packed = {};

    /** The L1 entry whose L2 table is in {@link #l2}; negative: none. */
    private long l2Of = -1;

    /** The cluster that is in {@link #cluster}, unpacked; negative: none. */
    private long unpacked = -1;

    /** Takes over the file once this returns. */
    Qcow2Reader(HostFile file, long fileSize) {
        this.file = file;
        this.fileSize = fileSize;
        header = Qcow2Header.read(file, fileSize);
        clusterBits = header.clusterBits();
        clusterSize = 1 << clusterBits;
        l2Bits = clusterBits - 3;
        byte[] table = new byte[header.l1Entries() * Long.BYTES];
        file.read(header.l1Offset(), table, 0, table.length);
        l1 = ByteBuffer.wrap(table);
        l2 = ByteBuffer.wrap(new byte[clusterSize]);
        cluster = new byte[clusterSize];
    }

    @Override
    public String name() {
        return file.name();
    }

    @Override
    public long capacity() {
        return header.size();
    }

    @Override
    public List<String> notes() {
        return header.notes();
    }

    @Override
    public long nextData(long offset) {
        long number = offset >> clusterBits;
        long end = (header.size() + clusterSize - 1) >> clusterBits;
        while (number < end) {
            if (!loadL2(number)) {
                number = ((number >> l2Bits) + 1) << l2Bits;
            } else if (isZero(entry(number))) {
                number++;
            } else {
                return Math.max(offset, number << clusterBits);
            }
        }
        return header.size();
    }

    @Override
    public void read(long offset, byte[] into, int length) {
        int done = 0;
        while (done < length) {
            long at = offset + done;
            int within = (int) (at & (clusterSize - 1));
            int piece = Math.min(length - done, clusterSize - within);
            read(at >> clusterBits, within, into, done, piece);
            done += piece;
        }
    }

    private void read(long number, int within, byte[] into, int at, int length) {
        long entry = loadL2(number) ? entry(number) : 0;
        if (isZero(entry)) {
            Arrays.fill(into, at, at + length, (byte) 0);
        } else if ((entry & COMPRESSED) != 0) {
            unpack(number, entry);
            System.arraycopy(cluster, within, into, at, length);
        } else {
            long host = entry & OFFSET_MASK;
            boolean reserved = (entry & ~(OFFSET_MASK | COPIED | ZERO)) != 0;
            if (reserved || host % clusterSize != 0 || host >= fileSize) {
                throw broken("cluster", number);
            }
            file.read(host + within, into, at, length);
        }
    }

    /** Brings the L2 table of a cluster into {@link #l2}; false: there is none. */
    private boolean loadL2(long number) {
        long index = number >> l2Bits;
        long entry = l1.getLong((int) index * Long.BYTES);
        long table = entry & OFFSET_MASK;
        if ((entry & ~(OFFSET_MASK | COPIED)) != 0
                || table % clusterSize != 0
                || table > fileSize - clusterSize) {
            throw broken("L1 entry", index);
        }
        if (table == 0) {
            return false;
        }
        if (l2Of != index) {
            l2Of = -1;
            file.read(table, l2.array(), 0, clusterSize);
            l2Of = index;
        }
        return true;
    }

    private long entry(long number) {
        return l2.getLong((int) (number & ((1 << l2Bits) - 1)) * Long.BYTES);
    }

    private boolean isZero(long entry) {
        if ((entry & COMPRESSED) != 0) {
            return false;
        }
        return (header.zeroFlag() && (entry & ZERO) != 0) || (entry & ~COPIED) == 0;
    }

    /** "Compressed Clusters Descriptor": where the bytes begin, and how many sectors they touch. */
    private void unpack(long number, long entry) {
        if (unpacked == number) {
            return;
        }
        unpacked = -1;
        int offsetBits = 62 - (clusterBits - 8);
        long host = entry & ((1L << offsetBits) - 1);
        long more = (entry & ~(COPIED | COMPRESSED)) >>> offsetBits;
        long length = (more + 1) * SECTOR - (host & (SECTOR - 1));
        if ((entry & COPIED) != 0 || host == 0 || host >= fileSize) {
            throw broken("compressed cluster", number);
        }
        int present = (int) Math.min(length, fileSize - host);
        if (packed.length < present) {
            packed = new byte[present];
        }
        file.read(host, packed, 0, present);
        inflater.reset();
        inflater.setInput(packed, 0, present);
        int done = 0;
        try {
            while (done < clusterSize) {
                int got = inflater.inflate(cluster, done, clusterSize - done);
                if (got == 0) {
                    throw broken("compressed cluster", number);
                }
                done += got;
            }
        } catch (DataFormatException e) {
            throw broken("compressed cluster", number);
        }
        unpacked = number;
    }

    private RuntimeException broken(String what, long number) {
        return HostFile.invalid(
                file.name(),
                "is damaged: "
                        + what
                        + " "
                        + number
                        + " makes no sense; check it with qemu-img check, or use another copy");
    }

    @Override
    public void close() {
        inflater.end();
        file.close();
    }
}
