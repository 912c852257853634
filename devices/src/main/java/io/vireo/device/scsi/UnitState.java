package io.vireo.device.scsi;

/** What keeps a unit from working for a while: it is stopped, formatted or sanitized. */
final class UnitState {
    private int wiping = Sense.NONE;
    private int wiped;
    private boolean stopped;
    private boolean sanitizeFailed;

    /** What a command that needs the medium is told; {@link Sense#NONE}: nothing. */
    int obstacle() {
        if (wiping != Sense.NONE) {
            return wiping;
        }
        if (sanitizeFailed) {
            return Sense.SANITIZE_FAILED;
        }
        return stopped ? Sense.STOPPED : Sense.NONE;
    }

    /** A sense key specific field that says how far it is. */
    int progress() {
        return wiping == Sense.NONE ? Sense.NO_SPECIFIC : Sense.progress(wiped);
    }

    boolean stopped() {
        return stopped;
    }

    void stopped(boolean now) {
        stopped = now;
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
