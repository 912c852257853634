package io.vireo.fabric.storage.pool;

import io.vireo.block.BlockStatus;
import io.vireo.fabric.storage.queue.Fifo;
import java.time.Duration;
import java.util.function.Predicate;

/**
 * Writes that wait for a chunk: until there is one, they are taken back, or there has been no room
 * for long enough. While there is room, and a chunk is only not ready yet since it is being zeroed
 * or a mark is on its way, they wait for as long as the disks need. Of the home reactor.
 */
final class HeldWrites {
    private final Engine engine;
    private final Fifo<Piece> waiting = new Fifo<>();
    private long holdNanos;

    /** Whether there is no room for more, and somebody was told so. */
    private boolean full;

    /** What there was when those that wait were last looked at. */
    private long triedReady;

    private long triedRoom;

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

    /** Has a piece wait until there is room. */
    void add(Piece piece) {
        count(piece, engine.members().home().nanoTime());
        waiting.add(piece);
        if (!full && !engine.reservations().mayAllocate(piece.request().volume())) {
            full = true;
            engine.options().events().full();
            // It may be what has changed of the maps that room is kept for.
            engine.checkpointer().ask();
        }
    }

    /** A limit is another one, or is for others: all are looked at again. */
    void limitsChanged() {
        triedReady = -1;
        engine.members().wake();
    }

    /** A volume has less mapped, which may be all that its limits want, though no room is free. */
    void unmapped(Volume volume) {
        if (!volume.limits.isEmpty() && !waiting.isEmpty()) {
            limitsChanged();
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
        long room = room();
        long ready = engine.space().ready();
        if (ready == triedReady && room == triedRoom) {
            return 0;
        }
        // Once for each change: what cannot go on comes back here.
        triedReady = ready;
        triedRoom = room;
        engine.path().resume(waiting);
        return 1;
    }

    private long room() {
        return engine.reservations().left();
    }

    /** Counts for how long there was no room for a piece's request; of each request once. */
    private void count(Piece piece, long now) {
        VolumeRequest op = piece.request();
        boolean room =
                engine.reservations().mayAllocate(op.volume())
                        && engine.path().isWithinLimits(piece);
        if (op.waitCountedAt != 0 && !room) {
            op.waitedForRoom += now - op.waitCountedAt;
        }
        op.waitCountedAt = now;
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
