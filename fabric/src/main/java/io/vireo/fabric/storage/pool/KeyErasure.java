package io.vireo.fabric.storage.pool;

import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.fabric.storage.format.JournalPlace;
import io.vireo.fabric.storage.format.PoolFormat;
import io.vireo.memory.OwnMemory;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * Overwrites what may hold wrapped keys of volumes that are gone: the part of the journal's ring
 * that is not in use, where the ring was when the pool was made if it is not there any more, and
 * the free blocks of chunks that hold metadata. Zeroes are written, not asked for: a host may
 * answer that by forgetting where the old bytes are. Nothing becomes durable meanwhile, so that no
 * group and no block comes to be where zeroes are on their way to.
 */
final class KeyErasure {
    private static final int STEP = 1 << 20;
    private static final int AT_A_TIME = 4;

    private final Engine engine;
    private final FlushAll flush;
    private final OwnMemory zeroes = OwnMemory.reserve(STEP);

    /** Member, first byte, number of bytes. */
    private final LongQueue ranges = new LongQueue();

    private List<Committer.Waiter> waiting = new ArrayList<>();
    private List<Committer.Waiter> served = new ArrayList<>();
    private int outstanding;
    private boolean needed;
    private boolean asked;
    private boolean running;
    private boolean failed;

    /** Whether the journal has left groups behind the header of the first member. */
    private boolean leftFirst;

    KeyErasure(Engine engine) {
        this.engine = engine;
        flush = new FlushAll(engine.members(), this::flushed);
        needed = engine.volumes().all().stream().anyMatch(volume -> volume.key.isPresent());
        asked = needed;
        leftFirst = engine.journal().place().isInChunks();
    }

    /** The journal is not behind the header of the first member any more. */
    void leftFirst() {
        leftFirst = true;
        if (needed) {
            ask();
        }
    }

    /** Whether keys are, or have been, on the members since the pool was opened. */
    boolean isNeeded() {
        return needed;
    }

    /** There are, or may have been, keys. */
    void need() {
        needed = true;
    }

    /** Has what is free be overwritten soon; what was freed before is among it. */
    void ask() {
        asked = true;
        engine.members().wake();
    }

    /** The same; tells when that is durable. */
    void ask(Committer.Waiter told) {
        if (engine.health().isFrozen()) {
            told.committed(false);
            return;
        }
        waiting.add(told);
        ask();
    }

    boolean isRunning() {
        return running;
    }

    /** Whether it runs, or will. */
    boolean isPending() {
        return asked || running;
    }

    /** Begins when nothing is on its way to the journal, after a checkpoint that was asked for. */
    int poll() {
        if (!asked
                || running
                || engine.committer().isBusy()
                || engine.checkpointer().isWanted()
                || engine.checkpointer().isRunning()) {
            return 0;
        }
        asked = false;
        running = true;
        failed = false;
        List<Committer.Waiter> none = served;
        served = waiting;
        waiting = none;
        long from = engine.journal().unusedFrom();
        long ring = engine.journal().ringBytes();
        long before = Math.min(engine.journal().unusedBytes(), ring - from);
        JournalPlace place = engine.journal().place();
        add(place.member(), place.offset() + from, before);
        add(place.member(), place.offset(), engine.journal().unusedBytes() - before);
        addFirst();
        engine.meta()
                .free((block, count) ->
                        add(member(block), place(block), (long) count * PoolFormat.BLOCK));
        outstanding = 1;
        for (int i = 0; i < AT_A_TIME; i++) {
            next();
        }
        ended(BlockStatus.OK);
        return 1;
    }

    /** A member that has left the pool was wiped. */
    private void addFirst() {
        int member = JournalPlace.FIRST.member();
        ChunkArea area = engine.space().area(member);
        if (leftFirst && area.chunks() > 0) {
            long at = JournalPlace.FIRST.offset();
            add(member, at, area.dataStart() - at);
        }
        leftFirst = false;
    }

    private void add(int member, long at, long length) {
        for (long done = 0; done < length; done += STEP) {
            ranges.add(member);
            ranges.add(at + done);
            ranges.add(Math.min(STEP, length - done));
        }
    }

    private void next() {
        if (ranges.isEmpty()) {
            return;
        }
        outstanding++;
        int member = (int) ranges.remove();
        long at = ranges.remove();
        write(
                member,
                at,
                (int) ranges.remove(),
                status -> {
                    next();
                    ended(status);
                });
    }

    private void write(int member, long at, int length, Consumer<BlockStatus> then) {
        var request =
                new BlockRequest(
                        0,
                        end -> {
                            engine.members().get(member).changed();
                            then.accept(end.status());
                        });
        request.prepare(BlockOperation.WRITE, at, length).data().add(zeroes.address(), length);
        engine.members().get(member).submit(request);
    }

    /** Overwrites one block of metadata. */
    void overwrite(long block, Consumer<BlockStatus> then) {
        write(member(block), place(block), PoolFormat.BLOCK, then);
    }

    private static int member(long block) {
        return PoolFormat.member(PoolFormat.chunkOf(block));
    }

    private long place(long block) {
        long chunk = PoolFormat.chunkOf(block);
        return engine.space().area(PoolFormat.member(chunk)).dataStart()
                + (PoolFormat.index(chunk) << engine.chunkShift())
                + (long) PoolFormat.blockOf(block) * PoolFormat.BLOCK;
    }

    private void ended(BlockStatus status) {
        failed |= status != BlockStatus.OK;
        if (--outstanding > 0) {
            return;
        }
        if (failed) {
            flushed(false);
        } else {
            flush.startAll();
        }
    }

    private void flushed(boolean success) {
        running = false;
        if (!success) {
            engine.health().poison("old keys could not be overwritten");
        }
        List<Committer.Waiter> told = List.copyOf(served);
        served.clear();
        told.forEach(waiter -> waiter.committed(success));
        engine.members().wake();
    }

    /** The pool takes no more changes: whoever waits is told so. */
    void fail() {
        List<Committer.Waiter> told = List.copyOf(waiting);
        waiting.clear();
        told.forEach(waiter -> waiter.committed(false));
    }

    void close() {
        zeroes.close();
    }
}
