package io.vireo.fabric.storage.pool;

import io.vireo.reactor.Timer;
import java.util.concurrent.TimeUnit;

/**
 * Has changes be made durable when they have waited for long enough, and has writes for which there
 * is no room given up. Runs while there are any of these. Of the home reactor.
 */
final class CommitTimer {
    private static final long TICK_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    private final Engine engine;
    private final Timer ticker;
    private boolean ticking;
    private long pendingSince;

    CommitTimer(Engine engine) {
        this.engine = engine;
        ticker = engine.members().home().timer(this::tick);
    }

    /** Begins where changes wait to be made durable. */
    void look() {
        if (!ticking && engine.committer().pendingBytes() > 0) {
            pendingSince = engine.members().home().nanoTime();
            start();
        }
    }

    void start() {
        if (!ticking) {
            ticking = true;
            ticker.start(TICK_NANOS);
        }
    }

    private void tick() {
        ticking = false;
        long now = engine.members().home().nanoTime();
        if (engine.health().isFrozen()) {
            return;
        }
        Committer committer = engine.committer();
        boolean old = now - pendingSince >= engine.options().commitAfter().toNanos();
        if (committer.pendingBytes() > 0 && old) {
            pendingSince = now;
            committer.commit();
        }
        engine.held().giveUpOld(now);
        if (committer.pendingBytes() > 0 || !engine.held().isEmpty()) {
            start();
        }
        engine.members().wake();
    }

    void close() {
        ticker.cancel();
    }
}
