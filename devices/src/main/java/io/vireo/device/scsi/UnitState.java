package io.vireo.device.scsi;

/** What keeps a unit from working for a while: it is stopped, ejected, formatted or sanitized. */
final class UnitState {
    private int wiping = Sense.NONE;
    private int wiped;
    private boolean stopped;
    private volatile boolean ejected;
    private boolean sanitizeFailed;

    /** What a command that needs the medium is told; {@link Sense#NONE}: nothing. */
    int obstacle() {
        if (wiping != Sense.NONE) {
            return wiping;
        }
        if (sanitizeFailed) {
            return Sense.SANITIZE_FAILED;
        }
        if (ejected) {
            return Sense.MEDIUM_NOT_PRESENT;
        }
        return stopped ? Sense.STOPPED : Sense.NONE;
    }

    /** Whether the medium is being wiped. */
    boolean isWiping() {
        return wiping != Sense.NONE;
    }

    /** A sense key specific field that says how far it is. */
    int progress() {
        return wiping == Sense.NONE ? Sense.NO_SPECIFIC : Sense.progress(wiped);
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

    boolean sanitizeFailed() {
        return sanitizeFailed;
    }

    void sanitizeFailed(boolean now) {
        sanitizeFailed = now;
    }

    /** The medium begins to be wiped. */
    void beginWipe(int obstacle) {
        wiping = obstacle;
        wiped = 0;
    }

    /** How much of it is wiped, in 65536ths. */
    void wiped(int of65536) {
        wiped = of65536;
    }

    /** It is wiped. */
    void endWipe() {
        wiping = Sense.NONE;
    }
}
