package io.vireo.adapter.image;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * The header of a qcow2 file, checked (QEMU, docs/interop/qcow2.rst, "Header").
 *
 * @param clusterBits 9 to 21
 * @param size bytes of the disk, a multiple of 512
 * @param l1Entries entries of the L1 table that are used
 * @param l1Offset of the L1 table in the file
 * @param zeroFlag whether an L2 entry may say that its cluster reads as zeroes
 * @param notes what is not read
 */
record Qcow2Header(
        int clusterBits,
        long size,
        int l1Entries,
        long l1Offset,
        boolean zeroFlag,
        List<String> notes) {
    static final int MAGIC = 0x514649FB;
    static final int V2_LENGTH = 72;
    static final int V3_LENGTH = 104;

    private static final int BUFFER = 112;
    private static final int CLUSTER_BITS_MIN = 9;
    private static final int CLUSTER_BITS_MAX = 21;

    /** QEMU's bound of 32 MiB. */
    private static final int L1_ENTRIES_MAX = (32 << 20) / Long.BYTES;

    private static final long DIRTY = 1;
    private static final long CORRUPT = 1 << 1;
    private static final long EXTERNAL_DATA = 1 << 2;
    private static final long COMPRESSION_TYPE = 1 << 3;
    private static final long EXTENDED_L2 = 1 << 4;

    /**
     * Reads it.
     *
     * @throws io.vireo.resource.ResourceException INVALID
     */
    static Qcow2Header read(HostFile file, long fileSize) {
        byte[] bytes = new byte[BUFFER];
        file.read(0, bytes, 0, (int) Math.min(BUFFER, fileSize));
        ByteBuffer in = ByteBuffer.wrap(bytes);
        String name = file.name();
        if (fileSize < V2_LENGTH || in.getInt(0) != MAGIC) {
            throw HostFile.invalid(name, "is no qcow2 image; set the format that it has");
        }
        int version = in.getInt(4);
        if (version != 2 && version != 3) {
            throw HostFile.invalid(
                    name,
                    "is qcow2 of version "
                            + Integer.toUnsignedString(version)
                            + "; convert it with qemu-img to version 3");
        }
        var notes = new ArrayList<String>();
        if (version == 3) {
            checkFeatures(name, in, notes);
        }
        checkReferences(name, in);
        if (in.getInt(60) != 0) {
            notes.add("Its internal snapshots are left out.");
        }
        return checkGeometry(name, in, fileSize, version == 3, notes);
    }

    private static void checkFeatures(String name, ByteBuffer in, List<String> notes) {
        long features = in.getLong(72);
        if ((features & EXTERNAL_DATA) != 0) {
            throw HostFile.invalid(
                    name,
                    "keeps its data in another file, which is not followed; convert it with qemu-img first");
        }
        if ((features & CORRUPT) != 0) {
            throw HostFile.invalid(
                    name, "is marked as corrupt; repair it with qemu-img check -r all first");
        }
        if ((features & EXTENDED_L2) != 0) {
            throw HostFile.invalid(
                    name,
                    "has extended L2 entries; convert it with qemu-img and extended_l2=off first");
        }
        long headerLength = Integer.toUnsignedLong(in.getInt(100));
        if (headerLength < V3_LENGTH || headerLength % 8 != 0) {
            throw HostFile.invalid(name, "has a broken header: its length is " + headerLength);
        }
        boolean otherCompression = headerLength > V3_LENGTH && in.get(104) != 0;
        if ((features & COMPRESSION_TYPE) != 0 || otherCompression) {
            throw HostFile.invalid(
                    name,
                    "is compressed with zstd; convert it with qemu-img and compression_type=zlib first");
        }
        long unknown = features & ~DIRTY;
        if (unknown != 0) {
            throw HostFile.invalid(
                    name,
                    "needs features that are not known here (0x"
                            + Long.toHexString(unknown)
                            + "); convert it with qemu-img first");
        }
        if ((features & DIRTY) != 0) {
            notes.add("It was not closed cleanly; what it says of its data is used as it is.");
        }
    }

    private static void checkReferences(String name, ByteBuffer in) {
        if (in.getLong(8) != 0) {
            throw HostFile.invalid(
                    name,
                    "has a backing file, which is not followed; flatten it with qemu-img convert first");
        }
        if (in.getInt(32) != 0) {
            throw HostFile.invalid(name, "is encrypted; decrypt it with qemu-img convert first");
        }
    }

    private static Qcow2Header checkGeometry(
            String name, ByteBuffer in, long fileSize, boolean zeroFlag, List<String> notes) {
        int bits = in.getInt(20);
        if (bits < CLUSTER_BITS_MIN || bits > CLUSTER_BITS_MAX) {
            throw HostFile.invalid(
                    name,
                    "has a broken header: clusters of 2^"
                            + Integer.toUnsignedString(bits)
                            + " bytes");
        }
        long size = in.getLong(24);
        long cluster = 1L << bits;
        long perL1 = cluster * (cluster / Long.BYTES);
        if (size <= 0 || size > Long.MAX_VALUE - perL1) {
            throw HostFile.invalid(
                    name,
                    "has a broken header: a disk of " + Long.toUnsignedString(size) + " bytes");
        }
        long needed = (size + perL1 - 1) / perL1;
        long given = Integer.toUnsignedLong(in.getInt(36));
        if (given < needed || needed > L1_ENTRIES_MAX) {
            throw HostFile.invalid(
                    name,
                    "has a broken header: "
                            + given
                            + " L1 entries for a disk of "
                            + size
                            + " bytes");
        }
        long l1 = in.getLong(40);
        if (l1 <= 0 || l1 % cluster != 0 || l1 > fileSize - needed * Long.BYTES) {
            throw HostFile.invalid(
                    name, "has a broken header: its L1 table is not within the file");
        }
        long whole = (size + 511) / 512 * 512;
        return new Qcow2Header(bits, whole, (int) needed, l1, zeroFlag, List.copyOf(notes));
    }
}
