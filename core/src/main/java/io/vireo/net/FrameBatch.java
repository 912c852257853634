package io.vireo.net;

import io.vireo.linux.ForeignMemory;
import io.vireo.linux.Mapping;
import java.io.UncheckedIOException;
import java.util.Arrays;

/**
 * Frames on their way through, as a struct of arrays. The port that received them fills it; whoever
 * decides reads and edits it; the ports that transmit them read it.
 *
 * <p>Frame {@code i} is the {@link #headerLength} bytes of its header snapshot at {@link #header},
 * followed by its ranges {@code [firstRange, firstRange + rangeCount)}. The snapshot is our own
 * memory: it is what gets policed and what gets sent, so that a guest cannot rewrite its header
 * after the check. The ranges usually lie in the sender's memory and may change at any time.
 *
 * <p>The fields are public arrays: this is the innermost loop of the data path. Only the reactor
 * that owns the batch touches them.
 */
public final class FrameBatch {
    /** Frames that a port receives or transmits at once, and that a batch has room for. */
    public static final int CAPACITY = 64;

    /** Bytes of the header snapshot at most. */
    public static final int HEADER_MAX = 128;

    /**
     * Bytes that a port puts into the snapshot of a frame that is long enough: eight longs, a whole
     * frame of the least size.
     */
    public static final int SNAPSHOT = 64;

    /**
     * Longest frame: a TCP packet to be segmented of 65535 bytes after an Ethernet header and a
     * tag.
     */
    public static final int LENGTH_MAX = 65535 + 18;

    /** {@link #vlanAction}: the frame goes out as it is. */
    public static final byte VLAN_KEEP = 0;

    /**
     * {@link #vlanAction}: an 802.1Q tag with {@link #vlanTci} goes in after the source address.
     */
    public static final byte VLAN_PUSH = 1;

    /** {@link #vlanAction}: the 802.1Q tag after the source address is taken out. */
    public static final byte VLAN_POP = 2;

    private static final int ADDRESSES = 12;
    private static final int TAG = 4;

    /** Room for ranges at first; it grows. */
    private static final int RANGES_PER_FRAME = 4;

    private final int capacity;
    private final Mapping headers;
    private final long headersAddress;

    /** Number of frames. */
    public int count;

    /** Frames that the port is to add at most, 1 to {@link #CAPACITY}. */
    public int limit = CAPACITY;

    /** Bytes of each frame as received, without the virtio-net header. */
    public final int[] length;

    /** Bytes of each frame that are in its snapshot: the first ones. */
    public final int[] headerLength;

    /**
     * First eight bytes of {@code struct virtio_net_hdr}: flags, gso_type, hdr_len, gso_size,
     * csum_start (VIRTIO 1.3, 5.1.6).
     */
    public final long[] offload;

    /** csum_offset of {@code struct virtio_net_hdr}. */
    public final short[] checksumOffset;

    /**
     * What to do with the tag at transmit: {@link #VLAN_KEEP}, {@link #VLAN_PUSH}, {@link
     * #VLAN_POP}; set per egress.
     */
    public final byte[] vlanAction;

    /** Tag control information of {@link #VLAN_PUSH}. */
    public final short[] vlanTci;

    /** The receiving port's own note for each frame, for example a descriptor head. */
    public final int[] token;

    /** First range of each frame. */
    public final int[] firstRange;

    /** Number of ranges of each frame; 0 if the snapshot holds all of it. */
    public final int[] rangeCount;

    /** Native address of each range. */
    public long[] rangeAddress;

    /** Bytes of each range. */
    public int[] rangeLength;

    /** Ranges in use. */
    public int ranges;

    /** Bytes that {@link NetPort#transmit} sent of this batch; the caller sets it back. */
    public long sentBytes;

    /** An empty batch of {@link #CAPACITY} frames with memory for their snapshots. */
    public FrameBatch() {
        this(CAPACITY);
    }

    /** An empty batch with room for what several ports receive: {@code capacity} frames. */
    public FrameBatch(int capacity) {
        this.capacity = capacity;
        length = new int[capacity];
        headerLength = new int[capacity];
        offload = new long[capacity];
        checksumOffset = new short[capacity];
        vlanAction = new byte[capacity];
        vlanTci = new short[capacity];
        token = new int[capacity];
        firstRange = new int[capacity];
        rangeCount = new int[capacity];
        rangeAddress = new long[capacity * RANGES_PER_FRAME];
        rangeLength = new int[capacity * RANGES_PER_FRAME];
        try {
            headers = Mapping.anonymous((long) capacity * HEADER_MAX);
        } catch (java.io.IOException e) {
            throw new UncheckedIOException(e);
        }
        headersAddress = headers.address();
    }

    /** Frames that there is room for. */
    public int capacity() {
        return capacity;
    }

    /** Native address of the snapshot of frame {@code index}; {@link #HEADER_MAX} bytes of room. */
    public long header(int index) {
        return headersAddress + (long) index * HEADER_MAX;
    }

    /** Bytes by which frame {@code index} gets longer when its VLAN action is done. */
    public int vlanDelta(int index) {
        return switch (vlanAction[index]) {
            case VLAN_PUSH -> 4;
            case VLAN_POP -> -4;
            default -> 0;
        };
    }

    /**
     * Copies frame {@code index} to {@code destination}, its VLAN action done: {@link #length} +
     * {@link #vlanDelta} bytes.
     */
    public void copyOut(int index, long destination) {
        long header = header(index);
        int left = headerLength[index];
        long position = destination;
        if (vlanAction[index] != VLAN_KEEP) {
            ForeignMemory.copy(header, position, ADDRESSES);
            position += ADDRESSES;
            header += ADDRESSES;
            left -= ADDRESSES;
            if (vlanAction[index] == VLAN_PUSH) {
                ForeignMemory.putInt(position, tag(index));
                position += TAG;
            } else {
                header += TAG;
                left -= TAG;
            }
        }
        ForeignMemory.copy(header, position, left);
        position += left;
        int end = firstRange[index] + rangeCount[index];
        for (int range = firstRange[index]; range < end; range++) {
            ForeignMemory.copy(rangeAddress[range], position, rangeLength[range]);
            position += rangeLength[range];
        }
    }

    /**
     * Copies the first {@code limit} bytes of frame {@code index}, its VLAN action done, into an
     * array.
     *
     * @param limit at most {@link #length} + {@link #vlanDelta}; if less, at least {@link
     *     #SNAPSHOT}
     */
    public void copyOut(int index, byte[] destination, int offset, int limit) {
        long header = header(index);
        int left = headerLength[index];
        int position = offset;
        int end = offset + limit;
        if (vlanAction[index] != VLAN_KEEP) {
            ForeignMemory.copyToArray(header, destination, position, ADDRESSES);
            position += ADDRESSES;
            header += ADDRESSES;
            left -= ADDRESSES;
            if (vlanAction[index] == VLAN_PUSH) {
                int tag = tag(index);
                for (int i = 0; i < TAG; i++) {
                    destination[position++] = (byte) (tag >>> i * Byte.SIZE);
                }
            } else {
                header += TAG;
                left -= TAG;
            }
        }
        int piece = Math.min(left, end - position);
        ForeignMemory.copyToArray(header, destination, position, piece);
        position += piece;
        for (int range = firstRange[index]; position < end; range++) {
            piece = Math.min(rangeLength[range], end - position);
            ForeignMemory.copyToArray(rangeAddress[range], destination, position, piece);
            position += piece;
        }
    }

    /**
     * Lengthens the snapshot of a frame, out of its ranges, to {@link #HEADER_MAX} bytes or all of
     * the frame: for those who must see more than {@link #SNAPSHOT} bytes. As before, what is seen
     * is what is sent.
     *
     * @return bytes that are in the snapshot now
     */
    public int extendHeader(int index) {
        int have = headerLength[index];
        int wanted = Math.min(length[index], HEADER_MAX);
        while (have < wanted && rangeCount[index] > 0) {
            int range = firstRange[index];
            int piece = Math.min(wanted - have, rangeLength[range]);
            ForeignMemory.copy(rangeAddress[range], header(index) + have, piece);
            if (piece == rangeLength[range]) {
                firstRange[index]++;
                rangeCount[index]--;
            } else {
                rangeAddress[range] += piece;
                rangeLength[range] -= piece;
            }
            have += piece;
            headerLength[index] = have;
        }
        return have;
    }

    /** The four bytes of the tag of {@link #VLAN_PUSH}, as a little-endian number. */
    public int tag(int index) {
        return 0x0081 | Short.toUnsignedInt(Short.reverseBytes(vlanTci[index])) << 16;
    }

    /** Makes room for {@code more} further ranges. */
    public void reserveRanges(int more) {
        int needed = ranges + more;
        if (needed > rangeAddress.length) {
            int size = Math.max(needed, rangeAddress.length * 2);
            rangeAddress = Arrays.copyOf(rangeAddress, size);
            rangeLength = Arrays.copyOf(rangeLength, size);
        }
    }

    /**
     * Forgets all frames; {@link #vlanAction} is left as it is, which between uses is {@link
     * #VLAN_KEEP}.
     */
    public void clear() {
        count = 0;
        ranges = 0;
    }

    /** Gives the memory of the snapshots back; the batch is not used after this. */
    public void close() {
        headers.unmap();
    }
}
