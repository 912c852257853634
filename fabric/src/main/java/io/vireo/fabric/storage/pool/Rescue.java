package io.vireo.fabric.storage.pool;

import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.fabric.storage.format.PoolFormat;
import io.vireo.fabric.storage.queue.Fifo;
import io.vireo.memory.NativeMemory;
import io.vireo.memory.OwnMemory;
import java.util.function.Consumer;

/**
 * Looks at all copies of a block, and writes one that has the right checksum to all if others have
 * not. If no copy in sync has it one that is being resynced may. Nobody else changes the block
 * meanwhile.
 */
final class Rescue {
    /** What came of it. */
    enum Outcome {
        /** All copies are right. */
        SOUND,
        /** Some were not, and are now. */
        REPAIRED,
        /** None is right. */
        LOST
    }

    private final Engine engine;
    private final Volume volume;
    private final long chunk;
    private final long at;
    private final int expected;
    private final Consumer<Outcome> then;
    private final long epoch;
    private final OwnMemory good = OwnMemory.allocate(PoolFormat.BLOCK);
    private final OwnMemory block = OwnMemory.allocate(PoolFormat.BLOCK);
    private final BlockRequest read = new BlockRequest(0, this::readEnded);
    private final Member member;
    private final Copies copies;

    private boolean found;
    private boolean bad;

    /**
     * Changes in place of other volumes, which have the chunk for themselves since this began: what
     * was found to be right would undo them.
     */
    final Fifo<Piece> waiting = new Fifo<>();

    /**
     * @param volume whose block it is
     * @param chunk that the block is in
     * @param offset of the block in its chunk, in bytes
     * @param expected its checksum as it is stored
     * @param then told what came of it, while {@link #copyTo} may be called
     */
    Rescue(
            Engine engine,
            Volume volume,
            long chunk,
            long offset,
            int expected,
            Consumer<Outcome> then) {
        this.engine = engine;
        this.volume = volume;
        this.chunk = chunk;
        at = engine.path().offset(chunk) + offset;
        this.expected = expected;
        this.then = then;
        member = engine.path().member(chunk);
        copies = new Copies(member, at);
        epoch = engine.epochs().enter();
    }

    /** Whether another volume's changes of chunks have to wait for its end. */
    boolean bars(Volume other, long first, long last) {
        return other != volume && first <= chunk && chunk <= last;
    }

    void start() {
        if (copies.readNext(!found, block, read)) {
            return;
        }
        if (found && bad && !engine.health().isFrozen()) {
            repair();
        } else {
            end(found ? Outcome.SOUND : Outcome.LOST);
        }
    }

    private void readEnded(BlockRequest ended) {
        if (ended.status() == BlockStatus.OK && Sums.stored(block, 0) == expected) {
            found = true;
            NativeMemory.copy(block.address(), good.address(), PoolFormat.BLOCK);
        } else {
            bad = true;
        }
        start();
    }

    private void repair() {
        var write =
                new BlockRequest(
                        0,
                        ended ->
                                end(
                                        ended.status() == BlockStatus.OK
                                                ? Outcome.REPAIRED
                                                : Outcome.SOUND));
        write.prepare(BlockOperation.WRITE, at, PoolFormat.BLOCK)
                .data()
                .add(good.address(), PoolFormat.BLOCK);
        member.changed();
        member.submit(write);
    }

    private void end(Outcome outcome) {
        engine.epochs().leave(epoch);
        then.accept(outcome);
        good.close();
        block.close();
    }

    /** Copies the block that was found. */
    void copyTo(OwnMemory memory, int offset) {
        NativeMemory.copy(good.address(), memory.address() + offset, PoolFormat.BLOCK);
    }
}
