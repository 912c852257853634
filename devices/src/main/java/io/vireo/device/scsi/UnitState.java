package io.vireo.device.scsi;

import java.lang.System.Logger.Level;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What keeps a unit from working for a while: it is stopped, ejected, formatted or sanitized, or
 * was so in part only.
 *
 * <p>That a wipe has begun is durable before anything is written, and until all is: where it was
 * cut off, by a restart or because nobody maps the unit any more, initiators that wait for its end
 * are told that it has failed, and nobody reads what it left.
 */
final class UnitState {
    private static final System.Logger LOG = System.getLogger(UnitState.class.getName());

    private final UnitRecord record;
    private @Nullable Wipe wipe;

    /** What was done in part only. */
    private Wipe.@Nullable Kind failed;

    private int wiped;
    private boolean stopped;
    private volatile boolean ejected;

    /**
     * The state of a unit that nobody has used yet.
     *
     * @param unit its name
     * @param record what survives of a wipe
     */
    UnitState(String unit, UnitRecord record) {
        this.record = record;
        failed = record.load().map(Wipe.Kind::of).orElse(null);
        if (failed != null) {
            LOG.log(
                    Level.WARNING,
                    "logical unit {0}: {1} was cut off, and initiators are told that it has failed",
                    unit,
                    failed.command());
        }
    }

    /** What a command that needs the medium is told; {@link Sense#NONE}: nothing. */
    int obstacle() {
        if (wipe != null) {
            return wipe.kind().underWay();
        }
        if (failed != null) {
            return failed.failure();
        }
        if (ejected) {
            return Sense.MEDIUM_NOT_PRESENT;
        }
        return stopped ? Sense.STOPPED : Sense.NONE;
    }

    /** Whether the medium is being wiped. */
    boolean isWiping() {
        return wipe != null;
    }

    /** Whether it was wiped in part only. */
    boolean hasFailed() {
        return failed != null;
    }

    /** A sense key specific field that says how far it is. */
    int progress() {
        return wipe == null ? Sense.NO_SPECIFIC : Sense.progress(wiped);
    }

    void stopped(boolean now) {
        stopped = now;
    }

    /** Whether an initiator has ejected it; any thread. */
    boolean ejected() {
        return ejected;
    }

    void ejected(boolean now) {
        ejected = now;
    }

    /**
     * The medium is about to be wiped, which may begin when that is durable: {@code then} is told
     * on any thread whether it is.
     */
    void beginWipe(Wipe begun, Consumer<Boolean> then) {
        wipe = begun;
        wiped = 0;
        record.save(Optional.of(begun.kind().name()), then);
    }

    /** The wipe does not begin: all is as it was before. */
    void abandonWipe() {
        wipe = null;
    }

    /** How much of it is wiped, in 65536ths. */
    void wiped(int of65536) {
        wiped = of65536;
    }

    /**
     * All is wiped, or an initiator makes do with what is: {@link #endWipe} may follow when that is
     * durable, since what is written from then on must not be taken for what was to be wiped.
     * {@code then} is told on any thread whether it is.
     */
    void forgetWipe(Consumer<Boolean> then) {
        record.save(Optional.empty(), then);
    }

    /** The medium is not wiped any more, and was so wholly, or not. */
    void endWipe(boolean wholly) {
        if (wholly) {
            failed = null;
        } else if (wipe != null) {
            failed = wipe.kind();
        }
        wipe = null;
    }

    /** The disk is closed: nothing goes on. */
    void close() {
        Wipe cutOff = wipe;
        if (cutOff != null) {
            cutOff.close();
        }
    }
}
