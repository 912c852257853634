package io.vireo.fabric.storage.qos;

import io.vireo.block.BlockChannel;
import io.vireo.block.BlockRequest;
import org.jspecify.annotations.Nullable;

/**
 * Between one channel and the next: takes nothing, so that requests wait where they are, until
 * those of the old channel have ended and it is closed.
 */
final class Changeover implements BlockChannel {
    private final BlockChannel old;
    private final BlockChannel next;
    private final Runnable whenOver;
    private boolean closing;
    private boolean closed;
    private @Nullable Runnable onClosed;

    /**
     * @param whenOver runs when {@code next} may be used; not if this is closed before
     */
    Changeover(BlockChannel old, BlockChannel next, Runnable whenOver) {
        this.old = old;
        this.next = next;
        this.whenOver = whenOver;
    }

    @Override
    public int free() {
        return 0;
    }

    @Override
    public void submit(BlockRequest request) {
        throw new IllegalStateException("more requests than free() allowed");
    }

    @Override
    public void cancel(int tag) {
        if (!closed) {
            old.cancel(tag);
        }
    }

    @Override
    public void cancelHeld(int tag) {
        if (!closed) {
            old.cancelHeld(tag);
        }
    }

    @Override
    public int poll() {
        int work = closed ? 0 : old.poll();
        goOn();
        return work;
    }

    /** Closes the old channel once it has nothing left. */
    void goOn() {
        if (!closing && old.inFlight() == 0) {
            closing = true;
            old.close(this::oldClosed);
        }
    }

    private void oldClosed() {
        closed = true;
        Runnable told = onClosed;
        if (told == null) {
            whenOver.run();
        } else {
            next.close(told);
        }
    }

    @Override
    public int inFlight() {
        return closed ? 0 : old.inFlight();
    }

    @Override
    public void onReady(Runnable wake) {
        old.onReady(wake);
    }

    @Override
    public boolean arm() {
        return !closing && old.inFlight() > 0 && old.arm();
    }

    @Override
    public void disarm() {
        if (!closed) {
            old.disarm();
        }
    }

    @Override
    public void drain() {
        if (!closed) {
            old.drain();
        }
    }

    @Override
    public void close(Runnable whenClosed) {
        onClosed = whenClosed;
        goOn();
    }
}
