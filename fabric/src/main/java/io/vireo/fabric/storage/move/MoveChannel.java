package io.vireo.fabric.storage.move;

import io.vireo.block.BlockChannel;
import io.vireo.block.BlockMeter;
import io.vireo.block.BlockRequest;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A front end's way into a vDisk that is moved, on the reactor that moves it. */
final class MoveChannel implements BlockChannel {
    private static final int DEPTH = 128;

    private final Mover mover;
    private final BlockMeter meter = new BlockMeter();
    private final MoveRequest[] all = new MoveRequest[DEPTH];
    private final MoveRequest[] spare = new MoveRequest[DEPTH];
    private int spares;
    private int made;
    private final MoveRequest[] done = new MoveRequest[DEPTH];
    private int doneHead;
    private int doneTail;
    private Runnable wake = () -> {};
    private @Nullable Runnable onClosed;

    MoveChannel(Mover mover) {
        this.mover = mover;
    }

    BlockMeter meter() {
        return meter;
    }

    @Override
    public int free() {
        return DEPTH - inFlight();
    }

    @Override
    public int inFlight() {
        return made - spares;
    }

    @Override
    public void submit(BlockRequest request) {
        MoveRequest next;
        if (spares > 0) {
            next = spare[--spares];
        } else if (made < DEPTH) {
            next = new MoveRequest(this, made, mover);
            all[made++] = next;
        } else {
            throw new IllegalStateException("more requests than free() allowed");
        }
        next.begin(request);
        mover.submit(next);
    }

    /** A request has ended; its front end is told when it polls. */
    void done(MoveRequest request) {
        done[doneTail++ & DEPTH - 1] = request;
        wake.run();
    }

    @Override
    public void cancel(int tag) {
        for (int i = 0; i < made; i++) {
            if (all[i].isFor(tag)) {
                mover.cancel(all[i]);
            }
        }
    }

    @Override
    public void cancelHeld(int tag) {
        for (int i = 0; i < made; i++) {
            if (all[i].isFor(tag)) {
                mover.cancelHeld(all[i]);
            }
        }
    }

    @Override
    public int poll() {
        int work = mover.pollFront();
        int ended = doneTail - doneHead;
        for (int left = ended; left > 0; left--) {
            MoveRequest request = Objects.requireNonNull(done[doneHead++ & DEPTH - 1]);
            meter.count(request.request(), request.status());
            spare[spares++] = request;
            request.complete();
        }
        closeIfDrained();
        return work + ended;
    }

    @Override
    public void onReady(Runnable newWake) {
        wake = newWake;
    }

    @Override
    public boolean arm() {
        if (doneHead != doneTail) {
            return false;
        }
        // Polling the devices took the mover's wish for a wake-up back: it looks for itself.
        mover.wake();
        return true;
    }

    @Override
    public void disarm() {
        // A wake-up too many does no harm.
    }

    @Override
    public void drain() {
        mover.drainFront();
    }

    @Override
    public void close(Runnable whenClosed) {
        onClosed = whenClosed;
        closeIfDrained();
    }

    private void closeIfDrained() {
        Runnable closed = onClosed;
        if (closed != null && inFlight() == 0) {
            onClosed = null;
            mover.channelClosed(this);
            closed.run();
        }
    }
}
