package io.vireo.fabric.storage;

import io.vireo.fabric.storage.qos.QosDevice;
import io.vireo.reactor.Reactor;
import io.vireo.resource.Condition;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;
import io.vireo.resource.spec.VdiskSpec;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * The cache mode of a vDisk: what is wanted, and what is so. What fails is tried again for as long
 * as it is wanted.
 */
final class CacheMode {
    private static final long RETRY_NANOS = TimeUnit.SECONDS.toNanos(10);

    private final QosDevice device;
    private final Supplier<Reactor> reactors;
    private final Runnable changed;

    // Guarded by this.
    private VdiskSpec.CacheMode wanted = VdiskSpec.CacheMode.WRITEBACK;
    private boolean begun;
    private boolean closed;
    private boolean failed;
    private CompletableFuture<Boolean> latest = CompletableFuture.completedFuture(true);

    /**
     * @param reactors to flush on
     * @param changed runs on any thread when its status is another one
     */
    CacheMode(QosDevice device, Supplier<Reactor> reactors, Runnable changed) {
        this.device = device;
        this.reactors = reactors;
        this.changed = changed;
    }

    /** Wants it. Takes effect when it has {@link #begin begun}. */
    synchronized void want(VdiskSpec.CacheMode mode) {
        boolean other = wanted != mode;
        wanted = mode;
        if (other && begun) {
            bringAbout();
        }
    }

    /**
     * Has it in effect before the vDisk is used for the first time. Waits for a flush.
     *
     * @throws ResourceException UNAVAILABLE if what was written earlier cannot be made durable
     */
    synchronized void begin() {
        if (begun) {
            return;
        }
        if (isWriteThrough(wanted) && !device.writeThrough(true, reactors.get()).join()) {
            throw new ResourceException(
                    ErrorCode.UNAVAILABLE,
                    "its cacheMode is writethrough, and what was written earlier cannot be made"
                            + " durable: check the disks of its pool");
        }
        begun = true;
    }

    private void bringAbout() {
        failed = false;
        Reactor reactor = reactors.get();
        latest = device.writeThrough(isWriteThrough(wanted), reactor);
        latest.thenAccept(done -> ended(done, reactor));
    }

    private void ended(boolean done, Reactor reactor) {
        synchronized (this) {
            failed = !done;
        }
        if (!done) {
            reactor.execute(() -> reactor.schedule(RETRY_NANOS, this::tryAgain));
        }
        changed.run();
    }

    private synchronized void tryAgain() {
        if (failed && !closed) {
            bringAbout();
        }
    }

    private static boolean isWriteThrough(VdiskSpec.CacheMode mode) {
        return mode == VdiskSpec.CacheMode.WRITETHROUGH;
    }

    /** The one that is so. */
    String inForce() {
        var mode =
                device.writeThrough()
                        ? VdiskSpec.CacheMode.WRITETHROUGH
                        : VdiskSpec.CacheMode.WRITEBACK;
        return mode.name().toLowerCase(Locale.ROOT);
    }

    /** What there is to say while it is not what is wanted. */
    synchronized List<Condition> conditions() {
        if (!begun || device.writeThrough() == isWriteThrough(wanted)) {
            return List.of();
        }
        return List.of(
                failed
                        ? new Condition(
                                Condition.READY,
                                false,
                                "CacheModeFailed",
                                "Writes end only when they are durable, but what was written before"
                                        + " cannot be flushed. It is tried again every 10 seconds;"
                                        + " check the disks of its pool, or set cacheMode to"
                                        + " writeback.")
                        : new Condition(
                                Condition.READY,
                                false,
                                "CacheModeChanging",
                                "What was written before is being flushed; servers go on using"
                                        + " it."));
    }

    /** It is not to change any more; {@code onClosed} runs, on any thread, when it does not. */
    void close(Runnable onClosed) {
        CompletableFuture<Boolean> last;
        synchronized (this) {
            closed = true;
            last = latest;
        }
        last.whenComplete((_, _) -> onClosed.run());
    }
}
