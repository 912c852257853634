package io.vireo.fabric.storage;

import io.vireo.fabric.storage.pool.ScrubPlace;
import io.vireo.fabric.storage.pool.ScrubStatus;
import io.vireo.fabric.storage.pool.StoragePool;
import io.vireo.resource.Progress;
import io.vireo.resource.Quantity;
import io.vireo.resource.spec.DisksSpec;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;

/**
 * When a pool is scrubbed: if somebody asks, and from time to time. What is under way when the
 * daemon ends goes on with the next one. Control plane: one thread at a time, but for {@link
 * #isDue} and {@link #text}.
 */
final class Scrubs {
    /** The word that is no request for one but ends it. */
    private static final String CANCEL = "cancel";

    /** How often it is kept where one is. */
    private static final Duration KEEP_EVERY = Duration.ofMinutes(1);

    private final StoragePool pool;
    private final ScrubRecord record;
    private final InstantSource clock;
    private volatile Optional<DisksSpec.Scrub> wanted = Optional.empty();
    private volatile Instant since;
    private volatile boolean running;
    private volatile Instant keptAt;
    private boolean known;

    /**
     * @param record what is kept of them
     */
    Scrubs(StoragePool pool, ScrubRecord record, InstantSource clock) {
        this.pool = pool;
        this.record = record;
        this.clock = clock;
        since = clock.instant();
        keptAt = since;
    }

    /**
     * What is wanted from now on. One that runs ends when the request is taken out, or is {@code
     * cancel}, and when none is wanted at all.
     */
    void want(Optional<DisksSpec.Scrub> scrub) {
        boolean was = wanted.isPresent();
        String before = request();
        wanted = scrub;
        pool.scrubRate(rate());
        if (!known) {
            known = true;
            record.kept().ifPresentOrElse(this::goOn, () -> keep(ScrubPlace.START));
        } else if (!before.equals(request()) || was && scrub.isEmpty()) {
            obey();
        }
    }

    /** After the end of the daemon that kept this. */
    private void goOn(ScrubRecord.Kept kept) {
        since = kept.since();
        running = kept.running();
        if (!kept.request().equals(request()) || wanted.isEmpty()) {
            obey();
        } else if (running) {
            pool.scrub(rate(), kept.place());
        }
    }

    private void obey() {
        if (!request().isEmpty() && !request().equals(CANCEL)) {
            begin();
        } else {
            pool.cancelScrub();
            running = false;
            keep(ScrubPlace.START);
        }
    }

    private String request() {
        return wanted.flatMap(DisksSpec.Scrub::request).orElse("");
    }

    private long rate() {
        return wanted.flatMap(DisksSpec.Scrub::rate).map(Quantity::bytes).orElse(0L);
    }

    private void begin() {
        since = clock.instant();
        running = true;
        pool.scrub(rate());
        keep(ScrubPlace.START);
    }

    private void keep(ScrubPlace place) {
        keptAt = clock.instant();
        record.keep(new ScrubRecord.Kept(running, since, place, request()));
    }

    /** Whether {@link #tend} has something to do. */
    boolean isDue() {
        Instant now = clock.instant();
        return running ? !now.isBefore(keptAt.plus(KEEP_EVERY)) : isTimeForOne(now);
    }

    private boolean isTimeForOne(Instant now) {
        int days = wanted.map(DisksSpec.Scrub::everyDays).orElse(0);
        return days > 0 && !now.isBefore(since.plus(Duration.ofDays(days)));
    }

    /** Begins if the time has come, and keeps where one is. */
    void tend() {
        if (running) {
            look();
        }
        if (!running && isTimeForOne(clock.instant())) {
            begin();
        }
    }

    /** Keeps where it is, or that it has ended. */
    void look() {
        ScrubStatus status = pool.scrubStatus();
        if (running) {
            running = status.state() == ScrubStatus.State.RUNNING;
            // From its end on, as good as that is known here.
            since = running ? since : clock.instant();
            keep(status.place());
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
