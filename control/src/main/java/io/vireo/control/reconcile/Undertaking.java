package io.vireo.control.reconcile;

import io.vireo.resource.Condition;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.LiveStream;
import io.vireo.resource.Operation;
import io.vireo.resource.Progress;
import io.vireo.resource.Realization;
import io.vireo.resource.Reference;
import io.vireo.resource.ResourceException;
import io.vireo.resource.Status;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A realization that is under way on a thread of its own, and stands meanwhile for what it is to
 * be. It offers nothing yet; closing it has it end early.
 */
final class Undertaking implements Realization {
    private final Reference target;
    private final Condition underWay;
    private final Runnable changed;
    private volatile Condition meanwhile;
    private volatile List<Progress> progress = List.of();
    private volatile boolean cancelled;

    // Guarded by this. One of the first two when it has ended.
    private @Nullable Realization made;
    private @Nullable RuntimeException failure;
    private @Nullable Runnable onClosed;

    /**
     * @param underWay the condition of the resource until it has ended, but for while it waits
     * @param changed called on another thread when {@link #meanwhile} has changed
     */
    Undertaking(Reference target, Condition underWay, Runnable changed) {
        this.target = target;
        this.underWay = underWay;
        this.changed = changed;
        meanwhile = underWay;
    }

    /** The condition of the resource now. Any thread. */
    Condition meanwhile() {
        return meanwhile;
    }

    /**
     * Begins.
     *
     * @param work makes what this stands for
     * @param ended called on another thread when it has come to an end; not if this was closed
     */
    void start(Supplier<Realization> work, Runnable ended) {
        Thread.ofPlatform()
                .daemon(true)
                .name("vireo-realize-" + target.name())
                .start(() -> run(work, ended));
    }

    private void run(Supplier<Realization> work, Runnable ended) {
        Realization done = null;
        RuntimeException trouble = null;
        try {
            done = work.get();
        } catch (RuntimeException e) {
            trouble = e;
        } catch (Error e) {
            // Memory, most likely: the rest of the daemon goes on.
            trouble = new IllegalStateException(e);
        }
        Runnable unwanted;
        synchronized (this) {
            made = done;
            failure = trouble;
            unwanted = onClosed;
        }
        if (unwanted == null) {
            ended.run();
        } else {
            dispose(unwanted);
        }
    }

    @Override
    public void close(Runnable told) {
        cancelled = true;
        boolean ended;
        synchronized (this) {
            ended = made != null || failure != null;
            onClosed = told;
        }
        if (ended) {
            dispose(told);
        }
    }

    /** Closes what came of it, which nobody wants any more. */
    private void dispose(Runnable told) {
        Realization unwanted;
        synchronized (this) {
            unwanted = made;
        }
        if (unwanted == null) {
            told.run();
        } else {
            unwanted.close(told);
        }
    }

    /** Whether {@link #result} has something to say. */
    synchronized boolean hasEnded() {
        return made != null || failure != null;
    }

    /**
     * What came of it, when it has ended.
     *
     * @throws RuntimeException what it failed with
     */
    synchronized Realization result() {
        if (failure != null) {
            throw failure;
        }
        if (made == null) {
            throw new IllegalStateException(target + " is still being realized");
        }
        return made;
    }

    /** See {@link io.vireo.resource.RealizeContext#progress}. */
    void tell(Progress now) {
        if (cancelled) {
            throw new ResourceException(ErrorCode.NOT_READY, target + " is not wanted any more");
        }
        progress = List.of(now);
        Condition condition =
                now.waiting()
                        .map(wait ->
                                new Condition(
                                        Condition.READY, false, wait.reason(), wait.message()))
                        .orElse(underWay);
        if (!condition.equals(meanwhile)) {
            meanwhile = condition;
            changed.run();
        }
    }

    private ResourceException notYet() {
        return new ResourceException(
                ErrorCode.NOT_READY, target + " does not run yet: " + meanwhile.message());
    }

    @Override
    public <T> Optional<T> contract(Class<T> type) {
        throw notYet();
    }

    @Override
    public LiveStream stream(LiveStream.Offer offer, Map<String, String> parameters) {
        throw notYet();
    }

    @Override
    public List<String> operate(Operation operation, Map<String, String> parameters) {
        throw notYet();
    }

    @Override
    public Status status() {
        var attributes = new LinkedHashMap<String, String>();
        Progress.describe(progress, attributes);
        return new Status(List.of(meanwhile), attributes, List.of());
    }
}
