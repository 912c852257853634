package io.vireo.fabric.storage;

import io.vireo.fabric.storage.pool.ScrubPlace;
import io.vireo.resource.DurableState;
import java.lang.System.Logger.Level;
import java.time.Instant;
import java.util.Optional;

/** What is kept of the scrubs of a pool beyond the end of the daemon. */
final class ScrubRecord {
    private static final System.Logger LOG = System.getLogger(ScrubRecord.class.getName());
    private static final String RUNNING = "running";
    private static final String ENDED = "ended";
    private static final int FIELDS = 6;

    private final DurableState state;
    private final String key;

    /**
     * The latest scrub, or the first look if there was none.
     *
     * @param running whether it had not ended
     * @param since when it began; of one that is due by its date, what the days count from
     * @param place where it was
     * @param request the word that was set; empty: none
     */
    record Kept(boolean running, Instant since, ScrubPlace place, String request) {}

    /**
     * @param uid of the pool
     */
    ScrubRecord(DurableState state, String uid) {
        this.state = state;
        key = "pool/" + uid + "/scrub";
    }

    /** What was kept last; may wait for the medium. */
    Optional<Kept> kept() {
        return state.get(key).flatMap(ScrubRecord::parse);
    }

    /** Keeps it; does not wait: what is lost is read once more. */
    void keep(Kept kept) {
        String text =
                "%s %d %d %d %d %s"
                        .formatted(
                                kept.running() ? RUNNING : ENDED,
                                kept.since().toEpochMilli(),
                                kept.place().volume(),
                                kept.place().chunk(),
                                kept.place().readBytes(),
                                kept.request());
        state.put(
                key,
                Optional.of(text),
                durable -> {
                    if (!durable) {
                        LOG.log(Level.WARNING, "where a scrub is could not be recorded: " + key);
                    }
                });
    }

    /** The pool is gone. */
    void forget() {
        state.put(key, Optional.empty(), _ -> {});
    }

    private static Optional<Kept> parse(String text) {
        String[] fields = text.split(" ", FIELDS);
        try {
            return Optional.of(
                    new Kept(
                            fields[0].equals(RUNNING),
                            Instant.ofEpochMilli(Long.parseLong(fields[1])),
                            new ScrubPlace(
                                    Long.parseLong(fields[2]),
                                    Long.parseLong(fields[3]),
                                    Long.parseLong(fields[4])),
                            fields[5]));
        } catch (NumberFormatException | ArrayIndexOutOfBoundsException e) {
            LOG.log(Level.WARNING, "the record of a scrub cannot be read and is left out: " + text);
            return Optional.empty();
        }
    }
}
