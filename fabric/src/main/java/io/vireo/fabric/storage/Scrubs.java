package io.vireo.fabric.storage;

import io.vireo.fabric.storage.pool.ScrubStatus;
import io.vireo.fabric.storage.pool.StoragePool;
import io.vireo.resource.Progress;
import io.vireo.resource.Quantity;
import io.vireo.resource.spec.DisksSpec;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * When a pool is scrubbed: if somebody asks, and from time to time. Control plane: one thread at a
 * time, but for {@link #isDue} and {@link #text}.
 */
final class Scrubs {
    /** The word that is no request for one but ends it. */
    private static final String CANCEL = "cancel";

    private final StoragePool pool;
    private final LongSupplier nanoTime;
    private volatile Optional<DisksSpec.Scrub> wanted = Optional.empty();
    private volatile long since;
    private boolean known;

    /**
     * @param nanoTime a clock
     */
    Scrubs(StoragePool pool, LongSupplier nanoTime) {
        this.pool = pool;
        this.nanoTime = nanoTime;
        since = nanoTime.getAsLong();
    }

    /**
     * What is wanted from now on. One that runs ends when the request is taken out, or is {@code
     * cancel}, and when none is wanted at all. What is wanted when a pool is opened was asked for
     * before.
     */
    void want(Optional<DisksSpec.Scrub> scrub) {
        boolean was = wanted.isPresent();
        Optional<String> before = wanted.flatMap(DisksSpec.Scrub::request);
        Optional<String> now = scrub.flatMap(DisksSpec.Scrub::request);
        boolean first = !known;
        known = true;
        wanted = scrub;
        pool.scrubRate(rate());
        boolean gone = was && scrub.isEmpty();
        if (first || before.equals(now) && !gone) {
            return;
        }
        if (now.isPresent() && !now.get().equals(CANCEL)) {
            begin();
        } else {
            pool.cancelScrub();
        }
    }

    private long rate() {
        return wanted.flatMap(DisksSpec.Scrub::rate).map(Quantity::bytes).orElse(0L);
    }

    private void begin() {
        since = nanoTime.getAsLong();
        pool.scrub(rate());
    }

    /** Whether the time has come for one. */
    boolean isDue() {
        int days = wanted.map(DisksSpec.Scrub::everyDays).orElse(0);
        return days > 0 && nanoTime.getAsLong() - since >= TimeUnit.DAYS.toNanos(days);
    }

    /** Begins if the time has come. */
    void tend() {
        if (!isDue()) {
            return;
        }
        if (pool.scrubStatus().state() == ScrubStatus.State.RUNNING) {
            // From its end on; as good as that is known here.
            since = nanoTime.getAsLong();
        } else {
            begin();
        }
    }

    /** How far it is, if there is one. */
    static Optional<Progress> progress(ScrubStatus status) {
        return status.state() == ScrubStatus.State.RUNNING
                ? Optional.of(progressOf(status))
                : Optional.empty();
    }

    private static Progress progressOf(ScrubStatus status) {
        return new Progress(
                "scrub", status.readBytes(), status.totalBytes(), status.bytesPerSecond());
    }

    /** How it stands, for people; empty: there was none. */
    static String text(ScrubStatus status) {
        String found =
                status.wrong() + status.repaired() + status.different() == 0
                        ? "nothing wrong"
                        : "%d damaged, %d repaired, %d with copies that differ"
                                .formatted(status.wrong(), status.repaired(), status.different());
        return switch (status.state()) {
            case NONE -> "";
            case RUNNING -> progressOf(status).text() + "; " + found;
            case DONE ->
                    "done %s: %s"
                            .formatted(
                                    Instant.ofEpochMilli(status.finished())
                                            .truncatedTo(java.time.temporal.ChronoUnit.SECONDS),
                                    found);
            case CANCELLED -> "cancelled: " + found;
        };
    }
}
