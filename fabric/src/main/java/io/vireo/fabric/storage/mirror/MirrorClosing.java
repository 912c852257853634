package io.vireo.fabric.storage.mirror;

import org.jspecify.annotations.Nullable;

/**
 * The end of a mirror. If all legs are in sync, and nobody else has the mirror, they are flushed
 * and the bits are taken back, so that the next opening has nothing to make equal.
 */
final class MirrorClosing {
    private enum State {
        OPEN,
        ENDING,
        RECORDING,
        FLUSHING,
        CLEARING,
        CLOSING,
        CLOSED
    }

    private final MirrorChannel channel;
    private State state = State.OPEN;
    private @Nullable Runnable onClosed;
    private int left;

    MirrorClosing(MirrorChannel channel) {
        this.channel = channel;
    }

    void begin(Runnable whenClosed, boolean readOnly) {
        onClosed = whenClosed;
        state = readOnly ? State.CLEARING : State.ENDING;
    }

    /** Goes on as soon as what is under way has ended. */
    int poll() {
        if (state == State.OPEN || state == State.CLOSED || !channel.isQuiet()) {
            return 0;
        }
        switch (state) {
            case ENDING -> {
                state = State.RECORDING;
                if (isWhole() && channel.regions().bits() > 0) {
                    // Whoever has lost the mirror is told so here, and leaves the bits alone.
                    channel.recorder().changed();
                }
            }
            case RECORDING -> {
                state = State.FLUSHING;
                if (isWhole() && channel.regions().bits() > 0) {
                    channel.watch().flushNow();
                }
            }
            case FLUSHING -> {
                state = State.CLEARING;
                if (isWhole() && channel.regions().bits() > 0) {
                    channel.watch().clear(channel.flushNumber());
                }
            }
            case CLEARING -> {
                state = State.CLOSING;
                closeLegs();
            }
            case CLOSING, OPEN, CLOSED -> {
                return 0;
            }
        }
        channel.wake();
        return 1;
    }

    private boolean isWhole() {
        return channel.legs().inSync() == (1 << channel.legs().size()) - 1
                && !channel.recorder().isLost()
                && channel.recorder().mayBeInSync() == channel.legs().inSync();
    }

    private void closeLegs() {
        left = 1;
        for (Leg leg : channel.legs()) {
            LegQueue here = leg.queue;
            if (here != null) {
                left++;
                here.close(this::closed);
            }
        }
        closed();
    }

    private void closed() {
        if (--left > 0) {
            return;
        }
        state = State.CLOSED;
        channel.release();
        Runnable told = onClosed;
        onClosed = null;
        if (told != null) {
            told.run();
        }
    }
}
