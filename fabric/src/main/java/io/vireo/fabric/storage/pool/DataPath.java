package io.vireo.fabric.storage.pool;

import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.fabric.storage.format.PoolFormat;
import io.vireo.fabric.storage.queue.Fifo;
import io.vireo.memory.OwnMemory;
import java.util.ArrayDeque;
import java.util.Objects;
import java.util.function.Predicate;

/**
 * Requests of volumes become operations on members here. A request is cut where its chunks lie
 * apart; a piece that cannot go on waits in the list of what it waits for, and is looked at anew
 * when that has come: nothing it knew of the map is kept.
 *
 * <p>A chunk is changed in place only if one volume's one entry refers to it. Whoever fills a chunk
 * for another is alone with it: other changes of the same range queue behind. The map follows when
 * the data is on the member.
 */
final class DataPath {
    private static final int BOUNCES = 64;

    private final Engine engine;
    private final int shift;
    private final long mask;
    private final ArrayDeque<Piece> spare = new ArrayDeque<>();
    private final ArrayDeque<OwnMemory> bounces = new ArrayDeque<>();
    private final Fifo<Piece> waitingForBounce = new Fifo<>();
    private final Fifo<Piece> ready = new Fifo<>();
    private final OwnMemory zeroes;
    private int bouncesMade;

    DataPath(Engine engine) {
        this.engine = engine;
        shift = engine.chunkShift();
        mask = (1L << shift) - 1;
        zeroes = OwnMemory.allocate(1 << shift);
    }

    /** Takes a request. */
    void submit(VolumeRequest op) {
        BlockRequest request = op.request();
        BlockOperation operation = request.operation();
        BlockStatus refusal = refusal(op, operation);
        if (refusal != BlockStatus.OK) {
            op.fail(refusal);
        } else if (operation == BlockOperation.READ) {
            read(op, request.offset(), request.offset() + request.length());
        } else if (operation != BlockOperation.FLUSH) {
            op.direct = request.forceUnitAccess() && engine.committer().isIdle();
            change(op, request.offset(), request.offset() + request.length());
        }
        ended(op);
    }

    BlockStatus refusal(VolumeRequest op, BlockOperation operation) {
        if (operation == BlockOperation.READ) {
            return engine.health().isLost() ? BlockStatus.IO_ERROR : BlockStatus.OK;
        }
        if (operation == BlockOperation.ALLOCATE) {
            return BlockStatus.UNSUPPORTED;
        }
        if (engine.health().isFrozen()) {
            return BlockStatus.IO_ERROR;
        }
        boolean change = operation != BlockOperation.FLUSH;
        return change && op.volume().readOnly ? BlockStatus.READ_ONLY : BlockStatus.OK;
    }

    void read(VolumeRequest op, long from, long end) {
        Volume volume = op.volume();
        long at = from;
        while (at < end) {
            long first = at >>> shift;
            long entry = engine.tree().find(volume.root, first);
            long stop = Math.min(end, first + 1 << shift);
            if (entry == 0) {
                long mapped = engine.tree().nextMapped(volume.root, first, (end - 1 >>> shift) + 1);
                stop = Math.min(end, mapped << shift);
                op.hole(at, stop - at);
            } else {
                long last = entry;
                while (stop < end && engine.tree().find(volume.root, stop >>> shift) == last + 1) {
                    last++;
                    stop = Math.min(end, stop + mask + 1);
                }
                if (engine.has(PoolFormat.CHECKSUMS)) {
                    // A mirror that makes it equal first asks, whichever volume it is of.
                    engine.places().put(entry & PoolFormat.CHUNK_MASK, first, last - entry + 1);
                }
                Piece piece = take(op, at, stop - at, Piece.Stage.READ);
                start(piece, BlockOperation.READ, entry, false);
            }
            at = stop;
        }
    }

    /** WRITE, WRITE_ZEROES, DISCARD. */
    void change(VolumeRequest op, long from, long end) {
        long at = from;
        Volume volume = op.volume();
        boolean held = volume.barrier != null && !op.entered;
        if (op.operation != BlockOperation.WRITE && !held) {
            changeZeroes(op, from, end);
            return;
        }
        while (at < end) {
            long stop = Math.min(end, (at >>> shift) + 1 << shift);
            if (held) {
                // All of the rest, whatever it may be by then.
                stop = end;
                hold(op, at, stop - at, volume.held);
            } else {
                stop = write(op, at, stop, end);
            }
            at = stop;
        }
    }

    /** Begins to write from {@code at} on; where it stopped, {@code stop} or later. */
    private long write(VolumeRequest op, long at, long stop, long end) {
        Volume volume = op.volume();
        long first = at >>> shift;
        Piece busy = busy(volume, first);
        if (busy != null) {
            hold(op, at, stop - at, busy.followers);
            return stop;
        }
        long entry = engine.tree().find(volume.root, first);
        if (op.isZeroes(first) && leftOut(op, at, stop, entry)) {
            return stop;
        }
        if (!isOwn(entry)) {
            fill(op, at, stop - at, entry);
            return stop;
        }
        long last = entry;
        long reach = stop;
        while (reach < end
                && busy(volume, reach >>> shift) == null
                && !op.isZeroes(reach >>> shift)) {
            long following = engine.tree().find(volume.root, reach >>> shift);
            if (following != last + 1 || !isOwn(following)) {
                break;
            }
            last = following;
            reach = Math.min(end, reach + mask + 1);
        }
        if (volume.checks == null || mayOverwrite(op, at, reach, entry)) {
            Piece piece = take(op, at, reach - at, Piece.Stage.IN_PLACE);
            volume.active++;
            start(piece, BlockOperation.WRITE, entry, op.direct);
        }
        return reach;
    }

    /**
     * Has zeroes that are written to a range of one chunk take no room; false: they are written.
     */
    private boolean leftOut(VolumeRequest op, long at, long stop, long entry) {
        if (entry != 0) {
            // Of a volume with checksums more may be written than the client has given.
            long from = Math.max(at, op.request().offset());
            long end = Math.min(stop, op.request().offset() + op.request().length());
            if (!isWhole(op.volume(), from, end) || !engine.checkpointer().letsUnmap()) {
                return false;
            }
            unmap(op, at >>> shift);
        }
        return true;
    }

    private void unmap(VolumeRequest op, long first) {
        Volume volume = op.volume();
        op.direct = false;
        engine.tree().set(volume.root, first, 0);
        engine.committer().ops().unmap(volume.id, first);
        engine.sums().unmapped(volume, first);
        engine.held().unmapped(volume);
    }

    /** Whether a range with checksums may be changed in place now; if not, it waits for that. */
    private boolean mayOverwrite(VolumeRequest op, long at, long end, long entry) {
        long chunk = entry & PoolFormat.CHUNK_MASK;
        long last = chunk + (end - 1 >>> shift) - (at >>> shift);
        Fifo<Piece> repair = engine.sums().repaired(op.volume(), chunk, last);
        if (repair != null) {
            hold(op, at, end - at, repair);
            return false;
        }
        SumUnit closed = engine.sums().open(op.volume(), at, end);
        if (closed != null) {
            hold(op, at, end - at, closed.waiting);
        }
        return closed == null;
    }

    private void changeZeroes(VolumeRequest op, long from, long end) {
        Volume volume = op.volume();
        long last = (end + mask) >>> shift;
        long at = from;
        while (at < end) {
            long first = at >>> shift;
            long stop = Math.min(end, first + 1 << shift);
            Piece busy = busy(volume, first);
            if (busy != null) {
                hold(op, at, stop - at, busy.followers);
            } else if (engine.tree().find(volume.root, first) != 0) {
                zero(op, at, stop);
            } else if (volume.busy.isEmpty()) {
                stop = Math.min(end, engine.tree().nextMapped(volume.root, first, last) << shift);
            }
            at = stop;
        }
    }

    /** Zeroes a range of one chunk that is mapped. */
    private void zero(VolumeRequest op, long at, long stop) {
        Volume volume = op.volume();
        boolean discard = op.operation == BlockOperation.DISCARD;
        long first = at >>> shift;
        long entry = engine.tree().find(volume.root, first);
        boolean own = isOwn(entry);
        if (isWhole(volume, at, stop)
                && (discard || op.request().unmap())
                && engine.checkpointer().letsUnmap()) {
            unmap(op, first);
        } else if (discard) {
            // Only a hint, and nothing to gain: the chunk stays.
        } else if (own && volume.checks != null && !mayOverwrite(op, at, stop, entry)) {
            // It waits.
        } else if (own) {
            Piece piece = take(op, at, stop - at, Piece.Stage.IN_PLACE);
            volume.active++;
            start(piece, BlockOperation.WRITE_ZEROES, entry, op.direct);
        } else {
            fill(op, at, stop - at, entry);
        }
    }

    /** Whether a range is all that the volume has of its chunk. */
    private boolean isWhole(Volume volume, long at, long stop) {
        return (at & mask) == 0 && ((stop & mask) == 0 || stop >= volume.capacity);
    }

    private static @org.jspecify.annotations.Nullable Piece busy(Volume volume, long first) {
        return volume.busy.isEmpty() ? null : volume.busy.get(first);
    }

    /** Whether nothing but the path of the last find leads to the entry's chunk. */
    private boolean isOwn(long entry) {
        return entry != 0
                && engine.tree().exclusive()
                && engine.space().users(entry & PoolFormat.CHUNK_MASK) == 1
                && !engine.space().isLeaving(entry & PoolFormat.CHUNK_MASK);
    }

    /** Changes a range of one chunk that is not mapped, or not the volume's own. */
    private void fill(VolumeRequest op, long at, long length, long entry) {
        op.direct = false;
        Volume volume = op.volume();
        boolean first = entry == 0;
        if (!hasRoom(volume, entry)) {
            lacksRoom(op, at, length);
            return;
        }
        long fresh = engine.space().take(volume.placement);
        if (fresh == ChunkSpace.NONE) {
            engine.waitForRoom(take(op, at, length, Piece.Stage.FILL));
            return;
        }
        boolean whole = isWhole(volume, at, at + length);
        Piece piece = take(op, at, length, Piece.Stage.FILL);
        piece.fresh = fresh;
        piece.first = first;
        volume.filling += first ? 1 : 0;
        volume.busy.put(at >>> shift, piece);
        volume.active++;
        if (entry != 0 && !whole) {
            piece.stage = Piece.Stage.COPY_READ;
            piece.shared = entry & PoolFormat.CHUNK_MASK;
            piece.epoch = engine.epochs().enter();
            copy(piece);
        } else if (op.operation == BlockOperation.WRITE) {
            start(piece, BlockOperation.WRITE, fresh, false);
        } else {
            // A fresh chunk is what was asked for.
            filled(piece);
            release(piece);
            op.outstanding--;
        }
    }

    /** Has a range wait for room; of what holds others up, one piece for all of it. */
    private void lacksRoom(VolumeRequest op, long at, long length) {
        Piece lacking = op.lacking;
        if (op.takenBack) {
            op.fail(BlockStatus.CANCELLED);
        } else if (lacking != null) {
            lacking.at = Math.min(lacking.at, at);
        } else {
            Piece piece = take(op, at, length, Piece.Stage.FILL);
            op.lacking = op.holdsOthersUp() ? piece : null;
            engine.waitForRoom(piece);
        }
    }

    private boolean hasRoom(Volume volume, long entry) {
        Reservations room = engine.reservations();
        return room.mayAllocate(volume) && (entry != 0 || room.isWithinLimits(volume));
    }

    /** Whether a piece that waits can go on, as far as is known without its data. */
    private boolean mayGoOn(Piece piece) {
        Volume volume = piece.request().volume();
        long first = piece.at >>> shift;
        long entry = engine.tree().find(volume.root, first);
        return isOwn(entry) || hasRoom(volume, entry) || busy(volume, first) != null;
    }

    /** Reads the chunk that a piece copies from. */
    private void copy(Piece piece) {
        OwnMemory bounce = bounces.poll();
        if (bounce == null && bouncesMade < BOUNCES) {
            bounce = OwnMemory.allocate(1 << shift);
            bouncesMade++;
        }
        piece.bounce = bounce;
        if (bounce == null) {
            waitingForBounce.add(piece);
            return;
        }
        engine.places().put(piece.shared, piece.at >>> shift);
        piece.io.prepare(BlockOperation.READ, offset(piece.shared), mask + 1);
        piece.io.data().add(bounce.address(), bounce.length());
        member(piece.shared).submit(piece.io);
    }

    /** Writes what was copied, with the new data in its place, to the fresh chunk. */
    void writeCopy(Piece piece) {
        OwnMemory bounce = Objects.requireNonNull(piece.bounce);
        long inside = piece.at & mask;
        long behind = inside + piece.length;
        piece.stage = Piece.Stage.COPY_WRITE;
        piece.io.prepare(BlockOperation.WRITE, offset(piece.fresh), mask + 1);
        piece.io.data().add(bounce.address(), (int) inside);
        VolumeRequest op = piece.request();
        if (op.operation == BlockOperation.WRITE) {
            piece.io.data().addSlice(op.data(), piece.at - op.base(), piece.length);
        } else {
            piece.io.data().add(zeroes.address(), (int) piece.length);
        }
        piece.io.data().add(bounce.address() + behind, (int) (mask + 1 - behind));
        member(piece.fresh).submit(piece.io);
    }

    private void start(Piece piece, BlockOperation operation, long entry, boolean durable) {
        VolumeRequest op = piece.request();
        long chunk = entry & PoolFormat.CHUNK_MASK;
        piece.io.prepare(operation, offset(chunk) + (piece.at & mask), piece.length);
        piece.io.forceUnitAccess(durable);
        if (operation != BlockOperation.WRITE_ZEROES) {
            op.lend(piece.io, piece.at - op.base(), piece.length);
        }
        piece.fresh = operation == BlockOperation.READ ? ChunkSpace.NONE : chunk;
        // From here on whoever frees the chunk has to wait for us.
        piece.epoch = engine.epochs().enter();
        member(chunk).submit(piece.io);
    }

    long offset(long chunk) {
        return engine.space().area(PoolFormat.member(chunk)).dataStart()
                + (PoolFormat.index(chunk) << shift);
    }

    Member member(long chunk) {
        return engine.members().get(PoolFormat.member(chunk));
    }

    /** An operation of a piece on a member has ended. */
    void ended(Piece piece, BlockStatus status) {
        if (status == BlockStatus.OK && piece.stage == Piece.Stage.COPY_READ) {
            if (piece.request().summed == null) {
                writeCopy(piece);
            } else {
                engine.sums().verifyCopy(piece);
            }
            return;
        }
        engine.epochs().leave(piece.epoch);
        VolumeRequest op = piece.request();
        if (status != BlockStatus.OK) {
            op.fail(status);
        }
        switch (piece.stage) {
            case READ -> {
                // Nothing has changed.
            }
            case IN_PLACE -> {
                member(piece.fresh).changed();
                if (op.volume().checks != null) {
                    engine.sums().overwritten(piece, status == BlockStatus.OK);
                }
                settled(op.volume());
            }
            case FILL, COPY_READ, COPY_WRITE -> {
                member(piece.fresh).changed();
                if (status == BlockStatus.OK) {
                    filled(piece);
                } else {
                    engine.space().giveBack(piece.fresh);
                    settled(op.volume(), piece);
                }
            }
        }
        release(piece);
        ended(op);
    }

    /** The data of a fresh chunk is on its member. */
    private void filled(Piece piece) {
        Volume volume = piece.request().volume();
        long first = piece.at >>> shift;
        engine.tree().set(volume.root, first, PoolFormat.PRESENT | piece.fresh);
        if (volume.checks == null) {
            engine.committer().ops().map(volume.id, first, piece.fresh);
        } else {
            engine.sums().filled(piece, first);
            engine.places().put(piece.fresh, first);
        }
        settled(volume, piece);
    }

    /** A piece is done with the chunk that it filled. */
    private void settled(Volume volume, Piece piece) {
        volume.busy.remove(piece.at >>> shift);
        volume.filling -= piece.first ? 1 : 0;
        piece.first = false;
        ready.takeAll(piece.followers);
        settled(volume);
    }

    void settled(Volume volume) {
        volume.active--;
        if (volume.active == 0 && volume.barrier != null) {
            volume.barrier.check();
        }
    }

    /** Counts a piece of a request as ended, and the request after the last. */
    void ended(VolumeRequest op) {
        if (--op.outstanding > 0) {
            if (op.outstanding == 1 && op.lacking != null) {
                engine.held().alone(op);
            }
            return;
        }
        SummedOp summed = op.summed;
        if (summed == null) {
            finish(op);
        } else {
            summed.advance();
        }
    }

    /** All of a request has been done; it is answered when it is durable, if it has to be. */
    void finish(VolumeRequest op) {
        BlockRequest request = op.request();
        boolean durable = request.forceUnitAccess() && !op.direct;
        boolean change = request.operation() != BlockOperation.READ;
        if (op.status == BlockStatus.OK
                && change
                && (durable
                        || request.operation() == BlockOperation.FLUSH
                        || engine.committer().mustJoin())) {
            engine.committer().join(op);
        } else {
            op.channel().done(op);
        }
    }

    private Piece take(VolumeRequest op, long at, long length, Piece.Stage stage) {
        Piece piece = spare.poll();
        if (piece == null) {
            piece = new Piece(this);
        }
        piece.begin(op, at, length);
        piece.stage = stage;
        op.outstanding++;
        return piece;
    }

    private void hold(VolumeRequest op, long at, long length, Fifo<Piece> list) {
        list.add(take(op, at, length, Piece.Stage.FILL));
    }

    private void release(Piece piece) {
        OwnMemory bounce = piece.bounce;
        piece.bounce = null;
        if (bounce != null) {
            bounces.add(bounce);
            Piece waiting = waitingForBounce.poll();
            if (waiting != null) {
                copy(waiting);
            }
        }
        spare.add(piece);
    }

    /** What waited is to be looked at again. */
    void resume(Fifo<Piece> waiting) {
        ready.takeAll(waiting);
        engine.members().wake();
    }

    /** Looks at what waited. */
    int poll() {
        int work = 0;
        // Those that have to wait again go to other lists.
        for (Piece piece = ready.poll(); piece != null; piece = ready.poll()) {
            again(piece);
            work++;
        }
        return work;
    }

    private void again(Piece piece) {
        VolumeRequest op = piece.request();
        if (op.status != BlockStatus.OK || engine.health().isFrozen()) {
            giveUp(piece, BlockStatus.IO_ERROR);
        } else if (piece != op.lacking) {
            goOn(piece, piece.at + piece.length);
        } else if (op.outstanding > 1 || !mayGoOn(piece)) {
            op.missed = op.outstanding > 1;
            engine.waitForRoom(piece);
        } else {
            op.channel().renew(piece);
        }
    }

    /** Begins all of a request anew that there was no room for; its data is there again. */
    void renewed(Piece piece) {
        VolumeRequest op = piece.request();
        SummedOp summed = op.summed;
        op.lacking = null;
        if (engine.health().isFrozen()) {
            giveUp(piece, BlockStatus.IO_ERROR);
        } else if (summed == null) {
            goOn(piece, op.request().offset() + op.request().length());
        } else {
            release(piece);
            summed.submit();
        }
    }

    private void goOn(Piece piece, long end) {
        VolumeRequest op = piece.request();
        long at = piece.at;
        release(piece);
        // The map of what it goes to now may wait for its commit.
        op.direct = false;
        change(op, at, end);
        ended(op);
    }

    /** Ends those of what is to be looked at next that are not wanted any more. */
    void giveUpReady(Predicate<Piece> which, BlockStatus status) {
        Fifo<Piece> all = new Fifo<>();
        all.takeAll(ready);
        for (Piece piece = all.poll(); piece != null; piece = all.poll()) {
            if (which.test(piece)) {
                giveUp(piece, status);
            } else {
                ready.add(piece);
            }
        }
    }

    /** Ends a piece that waited in vain. */
    void giveUp(Piece piece, BlockStatus status) {
        VolumeRequest op = piece.request();
        op.fail(status);
        op.lacking = piece == op.lacking ? null : op.lacking;
        release(piece);
        ended(op);
    }

    /** After the last request. */
    void close() {
        bounces.forEach(OwnMemory::close);
        zeroes.close();
    }
}
