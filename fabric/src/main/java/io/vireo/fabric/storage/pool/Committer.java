package io.vireo.fabric.storage.pool;

import io.vireo.block.BlockStatus;
import io.vireo.fabric.storage.format.OpBuffer;
import io.vireo.fabric.storage.queue.Fifo;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Makes changes durable, for all volumes at once, in rounds. A round flushes the members that have
 * data which no flush has covered, then writes the operations that were done before the round began
 * to the journal, then flushes that. So whatever map is durable, its data was before. Who comes
 * while a round is under way is served by the next.
 */
final class Committer {
    private enum State {
        IDLE,
        FLUSHING,
        WRITING,
        /** The journal has no room: the checkpoint that was begun makes the round durable. */
        CHECKPOINTING
    }

    /** A waiter of the control plane. */
    interface Waiter {
        void committed(boolean success);
    }

    /** Operations whose bytes begin a round by themselves. */
    private static final int MAX_PENDING = 4 << 20;

    private final Engine engine;
    private final JournalWriter journal;
    private final Checkpointer checkpointer;
    private final FlushAll flush;
    private final Optional<SurvivingOps> surviving;
    private OpBuffer pending;
    private OpBuffer sealed;
    private final Fifo<VolumeRequest> current = new Fifo<>();
    private final Fifo<VolumeRequest> next = new Fifo<>();
    private List<Waiter> currentWaiters = new ArrayList<>();
    private List<Waiter> nextWaiters = new ArrayList<>();
    private State state = State.IDLE;
    private boolean wanted;
    private boolean viaCheckpoint;

    Committer(Engine engine, JournalWriter journal, Checkpointer checkpointer) {
        this.engine = engine;
        this.journal = journal;
        this.checkpointer = checkpointer;
        flush = new FlushAll(engine.members(), this::membersFlushed);
        surviving = engine.surviving();
        pending = surviving.map(ops -> ops.buffer(0)).orElseGet(OpBuffer::new);
        sealed = surviving.map(ops -> ops.buffer(1)).orElseGet(OpBuffer::new);
    }

    /**
     * Called before a change is acknowledged: what it did to maps outlives the process from here
     * on.
     *
     * @return whether the change has to be durable instead before it is acknowledged
     */
    boolean mustJoin() {
        return surviving.isPresent() && !pending.tell();
    }

    /** Where operations are appended as they are done. */
    OpBuffer ops() {
        return pending;
    }

    /** Whether every operation that was done is durable. */
    boolean isIdle() {
        return state == State.IDLE && pending.isEmpty();
    }

    /** Ends the request when everything done before is durable. */
    void join(VolumeRequest op) {
        if (engine.health().isFrozen()) {
            op.fail(BlockStatus.IO_ERROR);
            op.channel().done(op);
            return;
        }
        next.add(op);
        begin();
    }

    /** Tells the waiter when everything done before is durable. */
    void join(Waiter waiter) {
        if (engine.health().isFrozen()) {
            waiter.committed(false);
            return;
        }
        nextWaiters.add(waiter);
        begin();
    }

    /** Begins a round for what is pending, if nothing else will. */
    void commit() {
        wanted = true;
        begin();
    }

    /** Looks at whether a round has to begin by itself. */
    int poll() {
        boolean due =
                wanted
                        || pending.length() > MAX_PENDING
                        || !next.isEmpty()
                        || !nextWaiters.isEmpty();
        if (state != State.IDLE || !due) {
            return 0;
        }
        begin();
        return state == State.IDLE ? 0 : 1;
    }

    private void begin() {
        if (state != State.IDLE || engine.health().isFrozen() || mustWait()) {
            return;
        }
        if (!journal.fits(pending.length()) && checkpointer.needsMark()) {
            checkpointer.raiseMarks(this::begin);
            return;
        }
        wanted = false;
        state = State.FLUSHING;
        OpBuffer empty = sealed;
        pending.tell();
        sealed = pending;
        pending = empty;
        surviving.ifPresent(SurvivingOps::swap);
        current.takeAll(next);
        List<Waiter> none = currentWaiters;
        currentWaiters = nextWaiters;
        nextWaiters = none;
        engine.reclaim().seal();
        boolean may = !checkpointer.needsMark();
        viaCheckpoint = !journal.fits(sealed.length()) || may && checkpointer.movesJournal();
        if (viaCheckpoint || (may && checkpointer.isWanted() && !checkpointer.isRunning())) {
            // The maps are now exactly what the operations up to this round make of them.
            checkpointer.freeze();
        }
        if (!flush.startUnflushed()) {
            membersFlushed(true);
        }
    }

    /** Whether the round needs a checkpoint that cannot begin yet. */
    private boolean mustWait() {
        if (engine.erasure().isRunning()) {
            return true;
        }
        boolean fits = journal.fits(pending.length());
        if (checkpointer.isRunning()) {
            return !fits || checkpointer.movesJournal();
        }
        return (!fits || checkpointer.isWanted()) && checkpointer.isShortOfRoom();
    }

    private void membersFlushed(boolean success) {
        if (!success) {
            state = State.IDLE;
            engine.health().poison("a flush of the pool's members failed");
        } else if (engine.health().isFrozen()) {
            state = State.IDLE;
            fail();
        } else if (viaCheckpoint) {
            state = State.CHECKPOINTING;
            checkpointer.write(journal.head(), this::checkpointed);
        } else if (sealed.isEmpty()) {
            done();
        } else {
            state = State.WRITING;
            journal.write(sealed);
        }
    }

    /** The journal has the round, or has not. */
    void journalFlushed(boolean success) {
        if (!success) {
            state = State.IDLE;
            engine.health().poison("the pool's journal could not be written");
        } else if (engine.health().isFrozen()) {
            state = State.IDLE;
            fail();
        } else {
            done();
        }
    }

    private void checkpointed() {
        if (state == State.CHECKPOINTING) {
            done();
        }
    }

    private void done() {
        boolean begun = checkpointer.isFrozen();
        sealed.clear();
        state = State.IDLE;
        engine.reclaim().sealedIsDurable();
        if (begun) {
            checkpointer.write(journal.head(), () -> {});
        }
        for (VolumeRequest op = current.poll(); op != null; op = current.poll()) {
            op.channel().done(op);
        }
        if (!currentWaiters.isEmpty()) {
            List<Waiter> told = List.copyOf(currentWaiters);
            currentWaiters.clear();
            told.forEach(waiter -> waiter.committed(true));
        }
        if (!next.isEmpty() || !nextWaiters.isEmpty() || wanted) {
            begin();
        }
    }

    /** The pool takes no more changes: whoever waits is told so. */
    void fail() {
        fail(current);
        fail(next);
        var told = new ArrayList<>(currentWaiters);
        told.addAll(nextWaiters);
        currentWaiters.clear();
        nextWaiters.clear();
        told.forEach(waiter -> waiter.committed(false));
    }

    private static void fail(Fifo<VolumeRequest> list) {
        for (VolumeRequest op = list.poll(); op != null; op = list.poll()) {
            op.fail(BlockStatus.IO_ERROR);
            op.channel().done(op);
        }
    }

    /** Whether a round is under way. */
    boolean isBusy() {
        return state != State.IDLE;
    }

    /** Whether it waits for members itself. */
    boolean hasIo() {
        return state == State.FLUSHING || state == State.WRITING;
    }

    /** Bytes of operations that wait for a round. */
    int pendingBytes() {
        return pending.length();
    }

    /** After the last round. */
    void close() {
        pending.close();
        sealed.close();
    }
}
