package io.vireo.fabric.storage.pool;

import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.fabric.storage.format.PoolFormat;
import io.vireo.fabric.storage.mirror.MirrorDevice;
import io.vireo.memory.NativeMemory;
import io.vireo.memory.OwnMemory;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Verifies chunks of volumes with checksums that a drain has read, before they are written to
 * another member; one in each turn. Of a block that does not match all copies are looked at, or the
 * only one once more, and one that is right is what is moved. Nothing is written to the member that
 * is drained, and nobody changes its chunks in place, so no block is locked; if the drain is
 * cancelled meanwhile what was found is not used.
 *
 * <p>What no copy has right is moved as it is: it does not match where it is then either. One that
 * cannot be read may be right, and must not be left behind.
 */
final class DrainSums {
    /** Told of the end; false: a copy that may be the only one that is right cannot be read. */
    interface Then {
        void verified(boolean success);
    }

    /** What was found in a chunk, as numbers of its blocks. */
    private static final class Findings {
        /** What was read at first does not match. */
        final BitSet suspects = new BitSet();

        /** Nor does any copy so far. */
        final BitSet lost = new BitSet();

        /** A copy does not match, or cannot be read. */
        final BitSet bad = new BitSet();
    }

    private final Engine engine;
    private final ChunkOwner owner;
    private final OwnMemory buffer;
    private final int shift;
    private final List<Findings> findings = new ArrayList<>();
    private final BlockRequest request = new BlockRequest(0, this::readEnded);
    private @Nullable Then then;
    private long[] chunks = {};
    private long[] places = {};
    private int count;
    private int slot;

    /** The copies of the chunk that is looked at; null: it was not looked at yet. */
    private @Nullable Copies copies;

    private @Nullable OwnMemory copy;
    private boolean readAgain;
    private boolean unreadable;
    private boolean reading;

    /**
     * @param buffer what is read, one chunk behind the other
     */
    DrainSums(Engine engine, ChunkOwner owner, OwnMemory buffer) {
        this.engine = engine;
        this.owner = owner;
        this.buffer = buffer;
        shift = engine.chunkShift();
        for (int i = 0; i < buffer.length() >> shift; i++) {
            findings.add(new Findings());
        }
    }

    boolean isRunning() {
        return then != null;
    }

    /** Whether it waits for a member. */
    boolean isBusy() {
        return reading;
    }

    /**
     * Begins.
     *
     * @param from chunks that were read
     * @param at their places in volumes
     * @param number of them
     */
    void start(long[] from, long[] at, int number, Then whenDone) {
        chunks = from;
        places = at;
        count = number;
        slot = 0;
        copies = null;
        then = whenDone;
        engine.members().wake();
    }

    /** Goes on; how much was done. */
    int poll() {
        if (reading) {
            return 0;
        }
        if (slot == count) {
            end(true);
        } else if (copies == null) {
            look();
        } else {
            search(copies);
        }
        return 1;
    }

    private void end(boolean success) {
        Then told = then;
        then = null;
        if (told != null) {
            told.verified(success);
        }
    }

    private void next() {
        slot++;
        copies = null;
    }

    private void look() {
        Findings here = findings.get(slot);
        here.suspects.clear();
        here.bad.clear();
        readAgain = false;
        unreadable = false;
        Volume volume = volume();
        for (int i = 0; volume != null && i < 1 << shift - PoolFormat.BLOCK_SHIFT; i++) {
            long block = block(places[slot], i);
            if (!engine.sums().isUnknown(volume, block)
                    && !engine.sums().matches(volume, block, buffer, offset(i))) {
                here.suspects.set(i);
            }
        }
        here.lost.clear();
        here.lost.or(here.suspects);
        if (here.suspects.isEmpty()) {
            next();
        } else {
            long chunk = chunks[slot];
            copies = new Copies(engine.path().member(chunk), engine.path().offset(chunk));
        }
    }

    /** A volume with checksums that has the chunk now; null: none has. */
    private @Nullable Volume volume() {
        Volume volume = owner.find(places[slot], chunks[slot]);
        return volume == null || volume.sums == null ? null : volume;
    }

    private long block(long place, int inside) {
        return (place << shift - PoolFormat.BLOCK_SHIFT) + inside;
    }

    /** Where a block of the chunk is in the buffer. */
    private int offset(int inside) {
        return (slot << shift) + (inside << PoolFormat.BLOCK_SHIFT);
    }

    private void search(Copies all) {
        Findings here = findings.get(slot);
        OwnMemory memory = copy == null ? OwnMemory.allocate(1 << shift) : copy;
        copy = memory;
        if (all.readNext(!here.lost.isEmpty(), memory, request)) {
            reading = true;
        } else if (!readAgain && isSingle()) {
            readAgain = true;
            readOnce(memory);
        } else if (!here.lost.isEmpty() && unreadable) {
            end(false);
        } else {
            next();
        }
    }

    private boolean isSingle() {
        return !(engine.path().member(chunks[slot]).device() instanceof MirrorDevice);
    }

    private void readOnce(OwnMemory memory) {
        reading = true;
        request.prepare(BlockOperation.READ, engine.path().offset(chunks[slot]), 1L << shift)
                .data()
                .add(memory.address(), memory.length());
        engine.path().member(chunks[slot]).submit(request);
    }

    private void readEnded(BlockRequest ended) {
        reading = false;
        Findings here = findings.get(slot);
        OwnMemory memory = copy;
        Volume volume = volume();
        if (volume == null || memory == null) {
            // Whoever had it has been written to, or is gone.
            here.suspects.clear();
            here.lost.clear();
        } else if (ended.status() != BlockStatus.OK) {
            unreadable = true;
            here.bad.or(here.suspects);
        } else {
            compare(here, volume, memory);
        }
        engine.members().wake();
    }

    private void compare(Findings here, Volume volume, OwnMemory memory) {
        for (int i = here.suspects.nextSetBit(0); i >= 0; i = here.suspects.nextSetBit(i + 1)) {
            int inside = i << PoolFormat.BLOCK_SHIFT;
            if (!engine.sums().matches(volume, block(places[slot], i), memory, inside)) {
                here.bad.set(i);
            } else if (here.lost.get(i)) {
                here.lost.clear(i);
                NativeMemory.copy(
                        memory.address() + inside, buffer.address() + offset(i), PoolFormat.BLOCK);
            }
        }
    }

    /** Tells where the copy is that kept the last ones from being verified. */
    void tellUnreadable() {
        Volume volume = volume();
        if (volume != null) {
            long first = block(places[slot], findings.get(slot).lost.nextSetBit(0));
            engine.sums().findings().unreadable(volume.name, first << PoolFormat.BLOCK_SHIFT);
        }
    }

    /**
     * Tells what was found in a chunk that has moved.
     *
     * @param index of those that were verified
     * @param to the chunk that has its place now
     */
    void moved(int index, long to) {
        Findings here = findings.get(index);
        Volume volume = here.suspects.isEmpty() ? null : owner.find(places[index], to);
        if (volume == null) {
            return;
        }
        for (int i = here.suspects.nextSetBit(0); i >= 0; i = here.suspects.nextSetBit(i + 1)) {
            long at = block(places[index], i) << PoolFormat.BLOCK_SHIFT;
            if (here.lost.get(i)) {
                engine.sums().findings().wrong(volume.name, at);
            } else if (here.bad.get(i)) {
                engine.sums().findings().repaired(volume.name, at);
            }
        }
    }

    void close() {
        OwnMemory memory = copy;
        if (memory != null) {
            memory.close();
        }
    }
}
