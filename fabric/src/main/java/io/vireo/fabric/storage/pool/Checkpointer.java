package io.vireo.fabric.storage.pool;

import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.fabric.storage.format.JournalPlace;
import io.vireo.fabric.storage.format.JournalPoint;
import io.vireo.fabric.storage.format.MemberEntry;
import io.vireo.fabric.storage.format.PoolFormat;
import io.vireo.fabric.storage.format.Superblock;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Writes what has changed of the maps to fresh blocks, so that the journal before it is not needed
 * any more. What is frozen is the state at the beginning of a round of the {@link Committer}; it is
 * written while new changes go on. Blocks of the state before are freed only when the new one is
 * durable, so at every instant there is a whole one.
 */
final class Checkpointer {
    private enum State {
        IDLE,
        FROZEN,
        WRITING
    }

    /** Pages that have changed which ask for a checkpoint. */
    private static final int MANY_DIRTY_PAGES = 1024;

    private final Engine engine;
    private final Superblocks superblocks;
    private final Staging staging;
    private final FlushAll flush;
    private final List<Long> catalog;
    private State state = State.IDLE;

    /** The catalog's blocks before, and whether they are overwritten before they are free. */
    private List<Long> old = List.of();

    private boolean wipes;
    private Runnable whenDone = () -> {};
    private boolean asked;
    private boolean movesJournal;
    private int retired;
    private int outstanding;
    private boolean failed;
    private Superblock next;

    /** The member that the state which is written has for the first time. */
    private Optional<MemberEntry> joining = Optional.empty();

    /**
     * @param catalog blocks of the catalog that is on disk
     */
    Checkpointer(Engine engine, Superblocks superblocks, List<Long> catalog) {
        this.engine = engine;
        this.superblocks = superblocks;
        this.catalog = new ArrayList<>(catalog);
        this.staging = new Staging(engine);
        this.next = superblocks.current();
        flush = new FlushAll(engine.members(), this::flushed);
    }

    /** Whether a checkpoint should begin with the next round. */
    boolean isWanted() {
        return asked
                || dirtyPages() > MANY_DIRTY_PAGES
                || engine.journal().used() > engine.journal().ringBytes() / 2;
    }

    /**
     * Has the journal go to another member. The round that does so writes no group: the checkpoint
     * makes it durable, and the journal goes on in the new place with nothing in it.
     */
    void moveJournal() {
        movesJournal = true;
        asked = true;
    }

    /** Whether the next checkpoint has the journal go to another member. */
    boolean movesJournal() {
        return movesJournal;
    }

    /** Has one begin with the next round. */
    void ask() {
        asked = true;
    }

    boolean isRunning() {
        return state != State.IDLE;
    }

    /** Whether it waits for members itself. */
    boolean hasIo() {
        return state == State.WRITING;
    }

    /** Whether {@link #write} is to be called. */
    boolean isFrozen() {
        return state == State.FROZEN;
    }

    /** Blocks that a checkpoint would need if it began now. */
    long blocksNeeded() {
        return dirtyPages() + Staging.catalogBlocks(engine.volumes().all().size());
    }

    /** Whether one was asked for that has not begun. */
    boolean isAsked() {
        return asked;
    }

    /**
     * Whether there is no room for it now, and marks cannot give it any, but there will be: chunks
     * are being zeroed, or wait for requests that may reach them.
     */
    boolean isShortOfRoom() {
        return lacksRoom()
                && !engine.space().hasBeyondMarks()
                && (engine.cleaner().isBusy() || engine.space().isAging());
    }

    /** Whether there will be room for it as soon as marks are durable that are raised. */
    boolean needsMark() {
        return lacksRoom() && engine.space().hasBeyondMarks();
    }

    private boolean lacksRoom() {
        return engine.meta().chunksFor(blocksNeeded()) > engine.space().readyForMetadata();
    }

    /** Whether the entry of the last find may be taken away; one is asked for if not. */
    boolean letsUnmap() {
        boolean may = engine.reservations().mayUnmap(!engine.tree().exclusive());
        if (!may) {
            ask();
        }
        return may;
    }

    private int dirtyPages() {
        return engine.pages().dirty() + engine.sumMap().pages().dirty();
    }

    /**
     * Raises the marks without the journal, which may have no room: the superblocks say the same as
     * before, with higher marks. Nothing else of this is under way.
     */
    void raiseMarks(Runnable then) {
        state = State.WRITING;
        whenDone = then;
        engine.raiseMarks();
        Superblock before = superblocks.current();
        var members = new ArrayList<MemberEntry>();
        for (int i = 0; i < engine.space().areas(); i++) {
            MemberEntry entry = before.members().get(i);
            members.add(entry.isRemoved() ? entry : entry.with(engine.space().area(i).proposed()));
        }
        next = before.with(members);
        superblocks.write(next, this::raised);
    }

    private void raised(String trouble) {
        state = State.IDLE;
        if (!trouble.isEmpty()) {
            engine.health().poison(trouble);
            return;
        }
        for (int i = 0; i < engine.space().areas(); i++) {
            engine.space().area(i).markIsDurable(next.members().get(i).highWater());
        }
        whenDone.run();
        engine.members().wake();
    }

    /** Keeps the state as it is now. */
    void freeze() {
        asked = false;
        state = State.FROZEN;
        catalog.forEach(engine.meta()::retire);
        old = List.copyOf(catalog);
        wipes = engine.erasure().isNeeded();
        catalog.clear();
        long generation = superblocks.current().generation() + 1;
        if (!staging.stage(generation, catalog)) {
            state = State.IDLE;
            engine.health().poison("there is no room for the pool's own metadata");
            return;
        }
        retired = engine.meta().retired();
        Optional<JournalPlace> to = findPlace();
        if (to.isPresent()) {
            engine.addFeature(PoolFormat.JOURNAL_PLACE);
        }
        joining = engine.membership().joining();
        next = describe(generation, to);
    }

    /** The superblock of what was staged. */
    private Superblock describe(long generation, Optional<JournalPlace> to) {
        Superblock before = superblocks.current();
        return new Superblock(
                before.pool(),
                0,
                generation,
                before.ownerEpoch(),
                before.chunkShift(),
                before.striped(),
                to.orElse(before.place()),
                before.journalBytes(),
                before.journal(),
                catalog.isEmpty() ? 0 : catalog.getFirst(),
                catalog.size(),
                engine.volumes().nextNumber(),
                members(),
                false,
                engine.features(),
                before.owner());
    }

    private List<MemberEntry> members() {
        var members = new ArrayList<MemberEntry>();
        for (int i = 0; i < engine.space().areas(); i++) {
            ChunkArea area = engine.space().area(i);
            var entry =
                    new MemberEntry(
                            superblocks.memberUuid(i),
                            area.dataStart(),
                            area.planned(),
                            area.plannedMark());
            members.add(i == engine.drain().leaving() ? entry.removed() : entry);
        }
        joining.ifPresent(members::add);
        return members;
    }

    /** Where the journal goes to, if it is to go and there is room. */
    private Optional<JournalPlace> findPlace() {
        if (!movesJournal) {
            return Optional.empty();
        }
        movesJournal = false;
        int shift = engine.chunkShift();
        long bytes = engine.journal().ringBytes();
        long chunk = engine.space().takeRun(ChunkSpace.chunksOf(bytes, shift));
        if (chunk == ChunkSpace.NONE) {
            return Optional.empty();
        }
        int member = PoolFormat.member(chunk);
        long start = engine.space().area(member).dataStart();
        return Optional.of(new JournalPlace(member, start + (PoolFormat.index(chunk) << shift)));
    }

    /**
     * Writes what is frozen.
     *
     * @param point where the journal goes on after it
     */
    void write(JournalPoint point, Runnable then) {
        state = State.WRITING;
        whenDone = then;
        failed = false;
        next = next.with(point);
        outstanding = 1;
        staging.runs(this::submit);
        written(BlockStatus.OK);
    }

    private void submit(long block, long address, int length) {
        long chunk = PoolFormat.chunkOf(block);
        long at =
                engine.space().area(PoolFormat.member(chunk)).dataStart()
                        + (PoolFormat.index(chunk) << engine.chunkShift())
                        + (long) PoolFormat.blockOf(block) * PoolFormat.BLOCK;
        var request = new BlockRequest(0, ended -> written(ended.status()));
        request.prepare(BlockOperation.WRITE, at, length).data().add(address, length);
        outstanding++;
        engine.members().get(PoolFormat.member(chunk)).submit(request);
    }

    private void written(BlockStatus status) {
        failed |= status != BlockStatus.OK;
        if (--outstanding > 0) {
            return;
        }
        if (failed) {
            state = State.IDLE;
            engine.health().poison("the pool's metadata could not be written");
        } else if (engine.health().isFrozen()) {
            state = State.IDLE;
        } else {
            flush.startAll();
        }
    }

    private void flushed(boolean success) {
        if (!success) {
            state = State.IDLE;
            engine.health().poison("a flush of the pool's members failed");
        } else if (engine.health().isFrozen()) {
            state = State.IDLE;
        } else {
            superblocks.write(next, this::flipped);
        }
    }

    private void flipped(String trouble) {
        state = State.IDLE;
        if (!trouble.isEmpty()) {
            engine.health().poison(trouble);
            return;
        }
        staging.clear();
        state = State.WRITING;
        if (wipes) {
            wipe();
        } else {
            finish();
        }
    }

    /** Overwrites the old catalog, which may hold wrapped keys, before its blocks are free. */
    private void wipe() {
        outstanding = 1;
        for (long block : old) {
            engine.erasure().overwrite(block, this::wiped);
            outstanding++;
        }
        wiped(BlockStatus.OK);
    }

    private void wiped(BlockStatus status) {
        failed |= status != BlockStatus.OK;
        if (--outstanding > 0) {
            return;
        }
        if (failed) {
            state = State.IDLE;
            engine.health().poison("the pool's metadata could not be written");
        } else {
            finish();
        }
    }

    private void finish() {
        state = State.IDLE;
        engine.meta().freeRetired(retired);
        engine.journal().trim(next.journal().position());
        for (int i = 0; i < engine.space().areas(); i++) {
            MemberEntry entry = next.members().get(i);
            if (entry.isRemoved() && engine.space().area(i).chunks() > 0) {
                engine.membership().left(i);
            }
            engine.space().grow(i, entry.chunks(), entry.highWater());
            engine.space().area(i).markIsDurable(entry.highWater());
        }
        if (!next.place().equals(engine.journal().place())) {
            engine.moved(next.place());
        }
        joining.ifPresent(engine.membership()::joined);
        joining = Optional.empty();
        whenDone.run();
        engine.members().wake();
    }

    /** After the last checkpoint. */
    void close() {
        staging.close();
    }
}
