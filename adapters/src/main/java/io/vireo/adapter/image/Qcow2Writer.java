package io.vireo.adapter.image;

import io.vireo.block.DiskImageWriter;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * Writes a qcow2 image of version 3 (QEMU, docs/interop/qcow2.rst) with clusters of 64 KiB and
 * refcounts of 16 bits: header, L1 table, then data and L2 tables as they come, and at last the
 * refcounts. Clusters of zeroes are not allocated. It is no image until it is finished: the header
 * comes last.
 */
final class Qcow2Writer implements DiskImageWriter {
    /** Clusters of 64 KiB. */
    private static final int BITS = 16;

    private static final int REFCOUNT_ORDER = 4;
    private static final long COPIED = 1L << 63;
    private static final int NO_TABLE = -1;

    private final ImageTarget target;
    private final HostFile file;
    private final long capacity;
    private final int bits;
    private final int cluster;
    private final int l2Entries;
    private final int refcounts;
    private final ByteBuffer l1;
    private final ByteBuffer l2;
    private final byte[] last;
    private int l2Of = NO_TABLE;
    private long next;

    Qcow2Writer(ImageTarget target, long capacity) {
        this(target, capacity, BITS);
    }

    /** With clusters of 2^bits bytes, 2^9 to 2^16. */
    Qcow2Writer(ImageTarget target, long capacity, int bits) {
        this.target = target;
        this.file = target.file();
        this.capacity = capacity;
        this.bits = bits;
        cluster = 1 << bits;
        l2Entries = cluster / Long.BYTES;
        refcounts = cluster / Short.BYTES;
        l2 = ByteBuffer.allocate(cluster);
        last = new byte[cluster];
        long entries = divide(divide(capacity, cluster), l2Entries);
        l1 = ByteBuffer.allocate(Math.toIntExact(entries * Long.BYTES));
        next = 1 + divide(l1.capacity(), cluster);
    }

    private static long divide(long value, long by) {
        return (value + by - 1) / by;
    }

    @Override
    public void write(long offset, byte[] data, int length) {
        for (int from = 0; from < length; from += cluster) {
            int piece = Math.min(cluster, length - from);
            if (!RawWriter.isZero(data, from, piece)) {
                writeCluster((offset + from) >> bits, data, from, piece);
            }
        }
    }

    private void writeCluster(long number, byte[] data, int from, int length) {
        int table = (int) (number / l2Entries);
        if (table != l2Of) {
            endTable();
            l2Of = table;
        }
        long at = next++ << bits;
        if (length == cluster) {
            file.write(at, data, from, length);
        } else {
            Arrays.fill(last, (byte) 0);
            System.arraycopy(data, from, last, 0, length);
            file.write(at, last, 0, cluster);
        }
        l2.putLong((int) (number % l2Entries) * Long.BYTES, at | COPIED);
    }

    private void endTable() {
        if (l2Of == NO_TABLE) {
            return;
        }
        long at = next++ << bits;
        file.write(at, l2.array(), 0, cluster);
        l1.putLong(l2Of * Long.BYTES, at | COPIED);
        Arrays.fill(l2.array(), (byte) 0);
        l2Of = NO_TABLE;
    }

    @Override
    public void finish() {
        endTable();
        file.write(cluster, l1.array(), 0, l1.capacity());
        long blocks = 1;
        long tables = 1;
        boolean fits = false;
        while (!fits) {
            long all = next + blocks + tables;
            long wantedBlocks = divide(all, refcounts);
            long wantedTables = divide(wantedBlocks * Long.BYTES, cluster);
            fits = wantedBlocks <= blocks && wantedTables <= tables;
            blocks = Math.max(blocks, wantedBlocks);
            tables = Math.max(tables, wantedTables);
        }
        writeRefcounts(blocks, tables);
        file.resize((next + blocks + tables) << bits);
        // The data first: a header that is there promises all the rest.
        file.sync();
        file.write(0, header(tables), 0, Qcow2Header.V3_LENGTH + 2 * Integer.BYTES);
        target.finish();
    }

    /** Tables first, then the blocks that they name. */
    private void writeRefcounts(long blocks, long tables) {
        long all = next + blocks + tables;
        long firstBlock = next + tables;
        ByteBuffer table = ByteBuffer.allocate(Math.toIntExact(tables * cluster));
        for (long block = 0; block < blocks; block++) {
            ByteBuffer counts = ByteBuffer.allocate(cluster);
            long counted = Math.min(refcounts, all - block * refcounts);
            for (long i = 0; i < counted; i++) {
                counts.putShort((short) 1);
            }
            file.write((firstBlock + block) << bits, counts.array(), 0, cluster);
            table.putLong((firstBlock + block) << bits);
        }
        file.write(next << bits, table.array(), 0, table.capacity());
    }

    private byte[] header(long refcountTables) {
        ByteBuffer header = ByteBuffer.allocate(Qcow2Header.V3_LENGTH + 2 * Integer.BYTES);
        header.putInt(Qcow2Header.MAGIC).putInt(3);
        header.putLong(0).putInt(0); // no backing file
        header.putInt(bits);
        header.putLong(capacity);
        header.putInt(0); // not encrypted
        header.putInt(l1.capacity() / Long.BYTES);
        header.putLong(cluster);
        header.putLong(next << bits);
        header.putInt((int) refcountTables);
        header.putInt(0).putLong(0); // no snapshots
        header.putLong(0).putLong(0).putLong(0); // no features
        header.putInt(REFCOUNT_ORDER);
        header.putInt(Qcow2Header.V3_LENGTH);
        return header.array();
    }

    @Override
    public void close() {
        target.close();
    }
}
