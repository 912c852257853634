package io.vireo.virtqueue;

import io.vireo.linux.ForeignMemory;

/**
 * Descriptor chains that were popped, as a struct of arrays: validated, with every range translated
 * to native addresses. Only the addresses were checked; what is in the memory may change at any
 * time.
 *
 * <p>Chain {@code i} is its {@link #head}, its device-readable ranges {@code [firstReadable,
 * firstReadable + readableRanges)} and its device-writable ranges {@code [firstWritable,
 * firstWritable + writableRanges)}. A range has 1 byte to 1 GiB. {@link Reader} and {@link Writer}
 * hide how a driver framed it.
 *
 * <p>The fields are public arrays: this is the innermost loop of the data path. Nothing is
 * allocated after construction. Not thread safe.
 */
public final class ChainBatch {
    /** Chains in a batch, unless the constructor says otherwise. */
    public static final int CAPACITY = 64;

    private static final int SPARE_RANGES = 256;

    /** Number of chains. */
    public int count;

    /**
     * Index of each chain's first descriptor, or its buffer id: its name in {@link Virtqueue#push}.
     */
    public final int[] head;

    /** First device-readable range of each chain. */
    public final int[] firstReadable;

    /** Number of device-readable ranges of each chain. */
    public final int[] readableRanges;

    /** Sum of their lengths in bytes, at most 2<sup>32</sup>. */
    public final long[] readableBytes;

    /** First device-writable range of each chain. */
    public final int[] firstWritable;

    /** Number of device-writable ranges of each chain. */
    public final int[] writableRanges;

    /** Sum of their lengths in bytes, at most 2<sup>32</sup>. */
    public final long[] writableBytes;

    /** Native address of each range. */
    public final long[] rangeAddress;

    /** Bytes of each range, more than 0. */
    public final int[] rangeLength;

    /** Ranges in use. */
    public int ranges;

    /** What {@link #fetchHeaders} read, so that the compiler keeps it. */
    int fetched;

    /** A batch of {@link #CAPACITY} chains for queues of up to {@code queueSize} entries. */
    public ChainBatch(int queueSize) {
        this(CAPACITY, queueSize);
    }

    /** A batch of {@code capacity} chains for queues of up to {@code queueSize} entries. */
    public ChainBatch(int capacity, int queueSize) {
        head = new int[capacity];
        firstReadable = new int[capacity];
        readableRanges = new int[capacity];
        readableBytes = new long[capacity];
        firstWritable = new int[capacity];
        writableRanges = new int[capacity];
        writableBytes = new long[capacity];
        rangeAddress = new long[rangesFor(queueSize)];
        rangeLength = new int[rangesFor(queueSize)];
    }

    /**
     * Ranges that one chain may have: every descriptor of a queue may lie across two regions, and
     * nearly none of a table that is longer than its queue. A chain of more is refused (VIRTIO 1.3,
     * 2.7.4.1 allows a reasonable limit).
     */
    static int rangesFor(int queueSize) {
        return Math.max(2 * queueSize, ChainDecoder.LONGEST_TABLE) + SPARE_RANGES;
    }

    /** Chains that fit. */
    public int capacity() {
        return head.length;
    }

    /** Forgets all chains. */
    public void clear() {
        count = 0;
        ranges = 0;
    }

    /**
     * Touches the first readable byte of each chain. A driver has just written these lines on
     * another core; touched in a row they come over together, while each one that is first met when
     * its request is decoded is waited for.
     */
    public void fetchHeaders() {
        int seen = 0;
        for (int i = 0; i < count; i++) {
            if (readableRanges[i] > 0) {
                seen += ForeignMemory.getByte(rangeAddress[firstReadable[i]]);
            }
        }
        fetched = seen;
    }
}
