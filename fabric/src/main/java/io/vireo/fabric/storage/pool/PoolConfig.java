package io.vireo.fabric.storage.pool;

import io.vireo.fabric.storage.format.MirrorHeader;
import io.vireo.fabric.storage.format.PoolFormat;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;

/**
 * What a pool is created with; it keeps that for life.
 *
 * @param chunkBytes unit of allocation, a power of two from 16 KiB to 1 MiB
 * @param journalBytes room for the journal on the first member, a multiple of 4 KiB, 64 KiB to 1
 *     GiB
 * @param striped whether neighbouring chunks are taken from the members in turn, or from the first
 *     member that has room
 * @param zeroed whether the members read as zeroes: new or sparse files, devices that were
 *     discarded. If not, each chunk is zeroed before its first use.
 * @param copies on how many disks each member is kept: 1, or 2 or 3 for mirrors
 */
public record PoolConfig(
        int chunkBytes, long journalBytes, boolean striped, boolean zeroed, int copies) {
    /** 64 KiB chunks, 16 MiB journal, striped, on members that read as zeroes. */
    public static final PoolConfig DEFAULT = new PoolConfig(64 << 10, 16 << 20, true, true);

    public PoolConfig {
        boolean power = Integer.bitCount(chunkBytes) == 1;
        if (!power
                || chunkBytes < 1 << PoolFormat.MIN_CHUNK_SHIFT
                || chunkBytes > 1 << PoolFormat.MAX_CHUNK_SHIFT) {
            throw new ResourceException(
                    ErrorCode.INVALID,
                    "chunks of %d bytes: a power of two from 16 KiB to 1 MiB is needed"
                            .formatted(chunkBytes));
        }
        if (journalBytes % PoolFormat.BLOCK != 0
                || journalBytes < 64 << 10
                || journalBytes > 1 << 30) {
            throw new ResourceException(
                    ErrorCode.INVALID,
                    "a journal of %d bytes: a multiple of 4 KiB from 64 KiB to 1 GiB is needed"
                            .formatted(journalBytes));
        }
        if (copies < 1 || copies > MirrorHeader.MAX_LEGS) {
            throw new ResourceException(
                    ErrorCode.INVALID,
                    "%d copies: 1 to %d can be kept".formatted(copies, MirrorHeader.MAX_LEGS));
        }
    }

    /** A pool without mirrors. */
    public PoolConfig(int chunkBytes, long journalBytes, boolean striped, boolean zeroed) {
        this(chunkBytes, journalBytes, striped, zeroed, 1);
    }

    /** The same with so many copies of everything. */
    public PoolConfig withCopies(int number) {
        return new PoolConfig(chunkBytes, journalBytes, striped, zeroed, number);
    }

    int chunkShift() {
        return Integer.numberOfTrailingZeros(chunkBytes);
    }
}
