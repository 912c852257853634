package io.vireo.device.virtio.scsi;

import io.vireo.reactor.Reactor;
import io.vireo.reactor.Timer;
import java.util.concurrent.TimeUnit;

/**
 * The link of the adapter, as its driver sees it. When it goes down requests wait, in the rings of
 * the driver; when it has been down for a time it counts as lost, and they fail. Of the reactor,
 * but for the time.
 */
final class Link {
    /** What becomes of a request. */
    enum State {
        /** It is carried out. */
        UP,
        /** It waits. */
        DOWN,
        /** It fails. */
        LOST
    }

    private final Runnable onLost;
    private final Runnable onChange;
    private final Timer timer;
    private volatile int timeoutSeconds;
    private State state = State.UP;

    /**
     * A link that is up.
     *
     * @param onLost runs when it is lost
     * @param onChange runs whenever requests wait no more
     */
    Link(Reactor reactor, Runnable onLost, Runnable onChange) {
        this.onLost = onLost;
        this.onChange = onChange;
        timer = reactor.timer(this::lost);
    }

    State state() {
        return state;
    }

    /** How long requests wait from the next time on that it goes down; any thread. */
    void timeout(int seconds) {
        timeoutSeconds = seconds;
    }

    /** It goes up or down. */
    void set(boolean up) {
        if (up == (state == State.UP)) {
            return;
        }
        timer.cancel();
        if (up) {
            state = State.UP;
            onChange.run();
        } else {
            state = State.DOWN;
            timer.start(TimeUnit.SECONDS.toNanos(timeoutSeconds));
        }
    }

    private void lost() {
        state = State.LOST;
        onLost.run();
        onChange.run();
    }
}
