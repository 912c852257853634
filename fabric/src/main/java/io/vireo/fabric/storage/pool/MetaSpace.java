package io.vireo.fabric.storage.pool;

import io.vireo.fabric.storage.format.PoolFormat;
import java.util.ArrayDeque;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Blocks for map pages and the catalog, in chunks of the pool that hold nothing else. */
final class MetaSpace {
    /** No block's address. */
    static final long NONE = -1;

    private final ChunkSpace space;
    private final int blocksPerChunk;
    private final Map<Long, MetaChunk> chunks = new HashMap<>();
    private final ArrayDeque<MetaChunk> partial = new ArrayDeque<>();
    private final LongQueue retired = new LongQueue();
    private @Nullable MetaChunk current;
    private long freeBlocks;

    MetaSpace(ChunkSpace space, int chunkShift) {
        this.space = space;
        blocksPerChunk = (1 << chunkShift) / PoolFormat.BLOCK;
    }

    /** A block that was found in use at opening. */
    void adopt(long address) {
        long number = PoolFormat.chunkOf(address);
        MetaChunk chunk = chunks.get(number);
        if (chunk == null) {
            chunk = new MetaChunk(number);
            chunks.put(number, chunk);
            space.adoptMetadata(number);
            freeBlocks += blocksPerChunk;
        }
        chunk.used.set(PoolFormat.blockOf(address));
        freeBlocks--;
    }

    /** All blocks in use are known. */
    void opened() {
        chunks.values().stream().filter(c -> !c.isFull()).forEach(partial::add);
    }

    /** Takes a block; {@link #NONE}: there is no chunk left. */
    long take() {
        while (current == null || current.isFull()) {
            current = partial.poll();
            if (current == null) {
                long number = space.takeForMetadata();
                if (number == ChunkSpace.NONE) {
                    return NONE;
                }
                current = new MetaChunk(number);
                chunks.put(number, current);
                freeBlocks += blocksPerChunk;
            }
        }
        int block = current.used.nextClearBit(0);
        current.used.set(block);
        freeBlocks--;
        return PoolFormat.blockAddress(current.number, block);
    }

    /** Keeps new blocks away from a member, or lets them there again. */
    void park(int member, boolean on) {
        for (MetaChunk chunk : chunks.values()) {
            if (PoolFormat.member(chunk.number) == member && chunk.parked != on) {
                int free = blocksPerChunk - chunk.used.cardinality();
                chunk.parked = on;
                freeBlocks += on ? -free : free;
                if (on) {
                    partial.remove(chunk);
                } else if (free > 0) {
                    partial.add(chunk);
                }
            }
        }
        if (current != null && current.parked) {
            current = null;
        }
    }

    /**
     * Gives back what is empty of a member that new blocks are kept away from: the chunk that was
     * open then, if it was. Not while free blocks are being overwritten.
     */
    void giveBackParked() {
        List.copyOf(chunks.values()).stream()
                .filter(chunk -> chunk.parked)
                .forEach(this::giveBackIfEmpty);
    }

    /** The block is not needed any more once the next checkpoint is durable. */
    void retire(long address) {
        retired.add(address);
    }

    /** How many blocks {@link #retire} was called for. */
    int retired() {
        return retired.size();
    }

    /** Frees the first {@code count} blocks that were retired. */
    void freeRetired(int count) {
        for (int i = 0; i < count; i++) {
            free(retired.remove());
        }
    }

    /** Gives the chunk back that blocks are taken from, if none is in use. */
    void giveBackEmpty() {
        MetaChunk open = current;
        if (open != null && open.used.isEmpty()) {
            current = null;
            giveBackIfEmpty(open);
        }
    }

    /** Hands out all blocks of metadata chunks that are not in use, neighbours together. */
    void free(FreeRun told) {
        for (MetaChunk chunk : chunks.values()) {
            int end;
            for (int at = chunk.used.nextClearBit(0);
                    at < blocksPerChunk;
                    at = chunk.used.nextClearBit(end)) {
                int next = chunk.used.nextSetBit(at);
                end = next < 0 ? blocksPerChunk : next;
                told.free(PoolFormat.blockAddress(chunk.number, at), end - at);
            }
        }
    }

    /** Told of neighbouring blocks. */
    interface FreeRun {
        void free(long block, int count);
    }

    /** Chunks that hold metadata. */
    int chunks() {
        return chunks.size();
    }

    /** Chunks that would have to be taken for so many more blocks. */
    long chunksFor(long blocks) {
        return Math.max(0, blocks - freeBlocks + blocksPerChunk - 1) / blocksPerChunk;
    }

    private void free(long address) {
        MetaChunk chunk = chunks.get(PoolFormat.chunkOf(address));
        if (chunk == null) {
            throw new IllegalStateException("a block of metadata was freed that was not in use");
        }
        if (chunk.isFull() && chunk != current && !chunk.parked) {
            partial.add(chunk);
        }
        chunk.used.clear(PoolFormat.blockOf(address));
        freeBlocks += chunk.parked ? 0 : 1;
        if (chunk != current) {
            giveBackIfEmpty(chunk);
        }
    }

    private void giveBackIfEmpty(MetaChunk chunk) {
        if (chunk.used.isEmpty()) {
            partial.remove(chunk);
            chunks.remove(chunk.number);
            freeBlocks -= chunk.parked ? 0 : blocksPerChunk;
            space.giveBack(chunk.number);
        }
    }

    private final class MetaChunk {
        final long number;
        final BitSet used = new BitSet();

        /** Its member is drained. */
        boolean parked;

        MetaChunk(long number) {
            this.number = number;
        }

        boolean isFull() {
            return used.cardinality() == blocksPerChunk;
        }
    }
}
