package io.vireo.fabric.storage.pool;

import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.fabric.storage.format.PoolFormat;
import io.vireo.memory.OwnMemory;
import io.vireo.reactor.Timer;
import java.util.concurrent.TimeUnit;
import java.util.function.LongPredicate;

/**
 * Moves everything off a member, which then leaves the pool. From the beginning on no chunk of it
 * is handed out or changed in place: who writes to one gets another chunk, as if it were shared.
 * When what was under way has ended, its chunks are copied, some at a time; each move is an
 * operation of the journal, so that a crash leaves every chunk at one place or the other. What has
 * checksums is verified on the way. Maps and catalog follow with a checkpoint, and another one has
 * the table of members without it.
 */
final class Drain {
    private static final int BATCH = 16;
    private static final long RETRY = TimeUnit.MILLISECONDS.toNanos(20);

    /** Between attempts to find room for the journal: each is a checkpoint. */
    private static final long JOURNAL_RETRY = TimeUnit.SECONDS.toNanos(2);

    private final Engine engine;
    private final OwnMemory buffer;
    private final Timer timer;
    private final ChunkOwner owner;
    private final DrainSums sums;
    private final Placement ofNobody = new Placement(0);
    private final int shift;
    private final long[] from = new long[BATCH];
    private final long[] to = new long[BATCH];
    private final long[] place = new long[BATCH];
    private DrainStatus.State state = DrainStatus.State.NONE;
    private int member;
    private long epoch;

    /** In which what is copied now was begun. */
    private long copyEpoch;

    private int page;
    private int count;
    private int outstanding;
    private boolean failed;
    private boolean committing;
    private boolean emptied;
    private boolean triedJournal;
    private boolean asleep;
    private long total;
    private long startedAt;
    private long rate;
    private long notBefore;
    private long moved;
    private String trouble = "";

    Drain(Engine engine) {
        this.engine = engine;
        shift = engine.chunkShift();
        buffer = OwnMemory.allocate(BATCH << shift);
        timer = engine.members().home().timer(this::awake);
        owner = new ChunkOwner(engine);
        sums = new DrainSums(engine, owner, buffer);
    }

    DrainStatus status() {
        long left = isRunning() ? engine.space().area(member).inUse() : 0;
        long nanos = engine.members().home().nanoTime() - startedAt;
        long speed = nanos <= 0 ? 0 : (long) ((double) (moved << shift) * 1e9 / nanos);
        return new DrainStatus(
                state, member, Math.max(0, total - left) << shift, total << shift, speed, trouble);
    }

    boolean isRunning() {
        return switch (state) {
            case NONE, DONE, CANCELLED -> false;
            case SETTLING, MOVING, REMOVING -> true;
        };
    }

    /** The member that leaves with the next checkpoint; -1: none. */
    int leaving() {
        return state == DrainStatus.State.REMOVING ? member : -1;
    }

    /** Begins; the caller has looked whether it can. */
    void start(int index, long bytesPerSecond) {
        member = index;
        rate = bytesPerSecond;
        trouble = "";
        moved = 0;
        emptied = false;
        triedJournal = false;
        page = 0;
        notBefore = 0;
        startedAt = engine.members().home().nanoTime();
        total = engine.space().area(index).inUse();
        engine.space().drain(index, true);
        engine.meta().park(index, true);
        epoch = engine.epochs().advance();
        state = DrainStatus.State.SETTLING;
        engine.members().wake();
    }

    /** What has been moved stays where it is; the member goes on as before. */
    void cancel() {
        if (state == DrainStatus.State.SETTLING || state == DrainStatus.State.MOVING) {
            engine.meta().park(member, false);
            engine.space().drain(member, false);
            state = DrainStatus.State.CANCELLED;
            engine.held().lookAgain();
            engine.members().wake();
        }
    }

    private void awake() {
        asleep = false;
        engine.members().wake();
    }

    private void sleep(long nanos) {
        asleep = true;
        timer.start(nanos);
    }

    /** Goes on; how much was done. */
    int poll() {
        if (sums.isRunning()) {
            return sums.poll();
        }
        if (outstanding > 0 || committing || asleep) {
            return 0;
        }
        return switch (state) {
            case NONE, DONE, CANCELLED, REMOVING -> 0;
            case SETTLING -> settle();
            case MOVING -> move();
        };
    }

    /** Whether it waits for members itself. */
    boolean isBusy() {
        return outstanding > 0 || sums.isBusy();
    }

    private int settle() {
        if (engine.epochs().isCurrent(epoch)) {
            engine.epochs().advance();
        }
        // The erasure has a list of the free blocks of metadata: a chunk that is given back
        // meanwhile could be another's when zeroes come there.
        if (!engine.epochs().drained(epoch) || engine.erasure().isRunning()) {
            return 0;
        }
        engine.meta().giveBackParked();
        state = DrainStatus.State.MOVING;
        page = 0;
        return 1;
    }

    private int move() {
        long wait = notBefore - engine.members().home().nanoTime();
        if (wait > 0) {
            sleep(wait);
            return 0;
        }
        if (engine.journal().place().member() == member) {
            moveJournal();
            return 1;
        }
        if (triedJournal) {
            triedJournal = false;
            trouble = "";
        }
        collect();
        if (count > 0) {
            return begin();
        }
        if (engine.space().area(member).inUse() > 0) {
            // What is left is metadata, or on its way to be free.
            emptied = false;
            LongPredicate here = at -> PoolFormat.member(PoolFormat.chunkOf(at)) == member;
            engine.pages().touchAll(here);
            engine.sumMap().pages().touchAll(here);
            commit();
        } else if (!emptied) {
            // Nobody who saw it in use may be on the way to it.
            emptied = true;
            epoch = engine.epochs().advance();
            commit();
        } else if (engine.epochs().drained(epoch) && !engine.cleaner().isCleaning(member)) {
            state = DrainStatus.State.REMOVING;
            commit();
        } else {
            if (engine.epochs().isCurrent(epoch)) {
                engine.epochs().advance();
            }
            sleep(RETRY);
        }
        return 1;
    }

    /** A checkpoint moves it, where another member has room. */
    private void moveJournal() {
        boolean again = triedJournal;
        if (again) {
            trouble =
                    "no other member has %d bytes in one piece for the journal; add a disk"
                            .formatted(engine.journal().ringBytes());
        }
        triedJournal = true;
        engine.checkpointer().moveJournal();
        commit(again ? JOURNAL_RETRY : RETRY);
    }

    private void commit() {
        commit(RETRY);
    }

    /**
     * Makes durable what has been done, metadata at another place included; goes on after {@code
     * pause}.
     */
    private void commit(long pause) {
        committing = true;
        engine.checkpointer().ask();
        engine.committer()
                .join(_ -> {
                    committing = false;
                    page = 0;
                    sleep(pause);
                });
        engine.members().wake();
    }

    /** Chunks that maps have on the member, of one page of a map. */
    private void collect() {
        count = 0;
        while (count == 0) {
            page = engine.pages().nextLeaf(page);
            if (page == 0) {
                return;
            }
            for (int i = 0; i < PoolFormat.FANOUT && count < BATCH; i++) {
                long entry = engine.pages().entry(page, i);
                if (entry != 0 && PoolFormat.member(entry & PoolFormat.CHUNK_MASK) == member) {
                    from[count] = entry & PoolFormat.CHUNK_MASK;
                    place[count++] = engine.pages().index(page) << PoolFormat.FANOUT_SHIFT | i;
                }
            }
        }
        // There may be more in this page.
        page--;
    }

    /**
     * A chunk goes where its volume's next one would; a snapshot's where those of its volume do.
     */
    private Placement placement(long at, long chunk) {
        Volume found = owner.find(at, chunk);
        if (found == null) {
            return ofNobody;
        }
        Volume origin = found.readOnly ? engine.volumes().find(found.origin) : null;
        return origin == null ? found.placement : origin.placement;
    }

    private int begin() {
        int room = 0;
        while (room < count
                && engine.space().unused()
                        > engine.reservations().forMetadata()
                                + engine.reservations().forDedicated()) {
            to[room] = engine.space().take(placement(place[room], from[room]));
            if (to[room] == ChunkSpace.NONE) {
                break;
            }
            room++;
        }
        count = room;
        if (count == 0) {
            trouble = "the other members have no room; add a disk, or delete volumes";
            page = 0;
            sleep(RETRY);
            return 0;
        }
        trouble = "";
        failed = false;
        copyEpoch = engine.epochs().enter();
        outstanding = 1;
        for (int i = 0; i < count; i++) {
            engine.places().put(from[i], place[i]);
            submit(i, BlockOperation.READ, from[i], this::readEnded);
        }
        readEnded(BlockStatus.OK);
        return 1;
    }

    /** Told how an operation on a member ended. */
    private interface Ended {
        void ended(BlockStatus status);
    }

    private void submit(int slot, BlockOperation operation, long chunk, Ended then) {
        outstanding++;
        long at =
                engine.space().area(PoolFormat.member(chunk)).dataStart()
                        + (PoolFormat.index(chunk) << shift);
        var request = new BlockRequest(slot, r -> then.ended(r.status()));
        request.prepare(operation, at, 1L << shift)
                .data()
                .add(buffer.address() + ((long) slot << shift), 1 << shift);
        engine.members().get(PoolFormat.member(chunk)).submit(request);
    }

    private void readEnded(BlockStatus status) {
        failed |= status != BlockStatus.OK;
        if (--outstanding > 0) {
            return;
        }
        if (state != DrainStatus.State.MOVING) {
            giveBack();
            return;
        }
        if (failed) {
            giveUp("a chunk of member %d cannot be read".formatted(member));
        } else if (engine.has(PoolFormat.CHECKSUMS)) {
            sums.start(from, place, count, this::verified);
        } else {
            write();
        }
    }

    private void verified(boolean success) {
        if (state != DrainStatus.State.MOVING) {
            // It was cancelled: what was verified may have been changed in place meanwhile.
            giveBack();
        } else if (success) {
            write();
        } else {
            sums.tellUnreadable();
            giveUp(
                    "a chunk of member %d is damaged, and a copy that may be right cannot be read"
                            .formatted(member));
        }
    }

    private void write() {
        outstanding = 1;
        for (int i = 0; i < count; i++) {
            submit(i, BlockOperation.WRITE, to[i], this::writeEnded);
        }
        writeEnded(BlockStatus.OK);
    }

    private void writeEnded(BlockStatus status) {
        failed |= status != BlockStatus.OK;
        if (--outstanding > 0) {
            return;
        }
        for (int i = 0; i < count; i++) {
            engine.members().get(PoolFormat.member(to[i])).changed();
        }
        if (state != DrainStatus.State.MOVING) {
            // It was cancelled: what is copied may have been changed in place since.
            giveBack();
            return;
        }
        if (failed) {
            giveUp("a chunk cannot be written to another member");
            return;
        }
        engine.epochs().leave(copyEpoch);
        for (int i = 0; i < count; i++) {
            if (!engine.health().isFrozen() && engine.tree().move(place[i], from[i], to[i]) > 0) {
                engine.committer().ops().move(place[i], from[i], to[i]);
                engine.places().put(to[i], place[i]);
                sums.moved(i, to[i]);
            } else {
                engine.space().giveBack(to[i]);
            }
        }
        moved += count;
        if (rate > 0) {
            long now = engine.members().home().nanoTime();
            long cost = (long) ((double) ((long) count << shift) * 1e9 / rate);
            notBefore = Math.max(notBefore, now) + cost;
        }
        engine.members().wake();
    }

    /** What was being copied stays where it is. */
    private void giveBack() {
        engine.epochs().leave(copyEpoch);
        for (int i = 0; i < count; i++) {
            engine.space().giveBack(to[i]);
        }
        engine.members().wake();
    }

    private void giveUp(String what) {
        giveBack();
        cancel();
        trouble = what + "; nothing is lost, the member stays: check the disks, and begin again";
        engine.health().alarm(trouble);
    }

    /** The table of members is durable without it. */
    void left() {
        state = DrainStatus.State.DONE;
        engine.members().remove(member, engine.space().area(member).dataStart());
    }

    void close() {
        timer.cancel();
        sums.close();
        buffer.close();
    }
}
