package io.vireo.fabric.storage.pool;

import io.vireo.block.BlockStatus;
import io.vireo.fabric.storage.queue.Fifo;
import java.time.Duration;
import java.util.function.Predicate;

/**
 * Writes that wait for a chunk: until there is one, they are taken back, or there has been no room
 * for long enough. While there is room, and a chunk is only not ready yet since what freed it is
 * not durable, it is being zeroed or a mark is on its way, they wait for as long as the disks need.
 * Those for which there is none keep nobody waiting: they have given their memory and their blocks
 * back. Of the home reactor.
 */
final class HeldWrites {
    private static final long NEVER = -1;

    private final Engine engine;
    private final Fifo<Piece> waiting = new Fifo<>();
    private long holdNanos;

    /** Whether there is no room for more, and somebody was told so. */
    private boolean full;

    /** What there was when that was asked last, and how often it had become another. */
    private long ready;

    private long room;
    private long changes;

    /** The changes when those that wait were last looked at; none of them has seen others. */
    private long tried;

    HeldWrites(Engine engine, Duration hold) {
        this.engine = engine;
        holdNanos = hold.toNanos();
    }

    /** For how long writes are held from now on. */
    void hold(Duration hold) {
        holdNanos = hold.toNanos();
    }

    boolean isEmpty() {
        return waiting.isEmpty();
    }

    /** Has a piece wait until there is room, of which it has just found none. */
    void add(Piece piece) {
        count(piece, engine.members().home().nanoTime());
        long seen = look();
        tried = waiting.isEmpty() || seen == tried ? seen : NEVER;
        waiting.add(piece);
        if (!full && !mayAllocate(piece.request().volume())) {
            full = true;
            engine.options().events().full();
            // It may be what has changed of the maps that room is kept for.
            engine.checkpointer().ask();
        }
    }

    /** How often what there is has become another; what it was before in between counts, too. */
    private long look() {
        long nowReady = engine.space().ready();
        long nowRoom = room();
        changes += nowReady == ready && nowRoom == room ? 0 : 1;
        ready = nowReady;
        room = nowRoom;
        return changes;
    }

    /**
     * All are looked at again, though no more may be free: a limit is another one or for others, or
     * what was shared belongs to one volume alone, which may be changed in place.
     */
    void lookAgain() {
        if (!waiting.isEmpty()) {
            changes++;
            engine.members().wake();
        }
    }

    /** All else that was begun of a request has ended; others need not wait for what it has. */
    void alone(VolumeRequest op) {
        op.stepBack();
        if (op.missed) {
            op.missed = false;
            lookAgain();
        }
    }

    /** A volume has less mapped, which may be all that its limits want, though no room is free. */
    void unmapped(Volume volume) {
        if (!volume.limits.isEmpty()) {
            lookAgain();
        }
    }

    /** Has them tried again where something has changed; how much was done. */
    int retry() {
        if (waiting.isEmpty()) {
            if (full && room() > 0) {
                full = false;
                engine.options().events().room();
            }
            return 0;
        }
        long seen = look();
        if (seen == tried) {
            return 0;
        }
        // Once for each change: what cannot go on comes back here.
        tried = seen;
        engine.path().resume(waiting);
        return 1;
    }

    private long room() {
        return engine.reservations().left();
    }

    /** Counts for how long there was no room for a piece's request; of each request once. */
    private void count(Piece piece, long now) {
        VolumeRequest op = piece.request();
        if (op.waitCountedAt != 0 && !hasRoom(piece)) {
            op.waitedForRoom += now - op.waitCountedAt;
        }
        op.waitCountedAt = now;
    }

    /** Whether there is room for a piece, or may be as soon as what was freed is so durably. */
    private boolean hasRoom(Piece piece) {
        Volume volume = piece.request().volume();
        if (!mayAllocate(volume)) {
            return false;
        }
        long entry = engine.tree().find(volume.root, piece.at >>> engine.chunkShift());
        return entry != 0 || engine.reservations().isWithinLimits(volume);
    }

    private boolean mayAllocate(Volume volume) {
        return engine.reservations().mayAllocate(volume) || engine.reclaim().isFreeing();
    }

    /** Ends those for which there has been no room for long enough. */
    void giveUpOld(long now) {
        giveUp(
                piece -> {
                    count(piece, now);
                    return piece.request().waitedForRoom >= holdNanos;
                },
                BlockStatus.NO_SPACE);
    }

    /** A front end takes a request back, which may be here, or have left for another try. */
    void cancel(VolumeChannel channel, int tag) {
        Predicate<Piece> taken =
                piece -> {
                    VolumeRequest op = piece.request();
                    return op.channel() == channel && op.request().tag() == tag;
                };
        giveUp(taken, BlockStatus.CANCELLED);
        engine.path()
                .giveUpReady(
                        taken.and(piece -> piece.request().waitCountedAt != 0),
                        BlockStatus.CANCELLED);
    }

    /** Ends all. */
    void fail() {
        giveUp(_ -> true, BlockStatus.IO_ERROR);
    }

    private void giveUp(Predicate<Piece> which, BlockStatus status) {
        Fifo<Piece> all = new Fifo<>();
        all.takeAll(waiting);
        for (Piece piece = all.poll(); piece != null; piece = all.poll()) {
            if (which.test(piece)) {
                engine.path().giveUp(piece, status);
            } else {
                waiting.add(piece);
            }
        }
        engine.members().wake();
    }
}
