package io.vireo.fabric.storage.pool;

import io.vireo.fabric.storage.queue.Fifo;

/**
 * A MiB of a volume with checksums whose blocks may be changed in place: the pool says durably that
 * they may not match their checksums. When it was not written to for a while the checksums are made
 * durable, and that is taken back.
 */
final class SumUnit {
    /** Logarithm of its bytes. */
    static final int SHIFT = 20;

    static final int BLOCKS = 256;

    final Volume volume;
    final long number;

    /** Whether it is durable that its blocks may not match. */
    boolean durable;

    /** Changes in place that are under way. */
    int active;

    /** When the last one ended. */
    long touched;

    /** Blocks whose checksums have changed since they were durable lie between these. */
    int from = BLOCKS;

    int end;

    /** When its unknown blocks are looked at again after that failed. */
    long retryAt;

    /** Changes that wait until it is durable. */
    final Fifo<Piece> waiting = new Fifo<>();

    /**
     * Blocks of which nobody knows whether they match: the power went, or a write failed, while
     * they could be written to.
     */
    private final long[] unknown = new long[BLOCKS / 64];

    private int unknownCount;

    SumUnit(Volume volume, long number) {
        this.volume = volume;
        this.number = number;
    }

    /** Its first block. */
    long firstBlock() {
        return number * BLOCKS;
    }

    boolean hasUnknown() {
        return unknownCount > 0;
    }

    boolean isUnknown(long block) {
        int at = (int) (block - firstBlock());
        return (unknown[at >>> 6] & 1L << at) != 0;
    }

    void unknown(long block, boolean on) {
        int at = (int) (block - firstBlock());
        long bit = 1L << at;
        if ((unknown[at >>> 6] & bit) != 0 != on) {
            unknown[at >>> 6] ^= bit;
            unknownCount += on ? 1 : -1;
        }
    }

    /** The first block from {@code block} on that is unknown; -1: none. */
    long nextUnknown(long block) {
        for (int at = (int) (block - firstBlock()); at < BLOCKS; at++) {
            if ((unknown[at >>> 6] & 1L << at) != 0) {
                return firstBlock() + at;
            }
        }
        return -1;
    }

    /** The checksum of a block has changed. */
    void changed(long block) {
        int at = (int) (block - firstBlock());
        from = Math.min(from, at);
        end = Math.max(end, at + 1);
    }
}
