package io.vireo.transport.iscsi;

import java.util.concurrent.TimeUnit;

/**
 * How long sessions wait for their initiators.
 *
 * @param tickNanos how often they look at what they wait for
 * @param silenceNanos until a silent initiator is asked for a sign of life, and again until that is
 *     missed
 * @param patienceNanos until the data of a command are missed, or that what is sent is read; a
 *     multiple of {@code tickNanos}
 */
record Patience(long tickNanos, long silenceNanos, long patienceNanos) {
    static final Patience DEFAULT =
            new Patience(
                    TimeUnit.SECONDS.toNanos(5),
                    TimeUnit.SECONDS.toNanos(30),
                    TimeUnit.SECONDS.toNanos(60));

    /** Ticks until something is missed. */
    int ticks() {
        return (int) (patienceNanos / tickNanos);
    }
}
