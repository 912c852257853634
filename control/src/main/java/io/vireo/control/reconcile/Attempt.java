package io.vireo.control.reconcile;

import io.vireo.resource.Spec;
import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;

/**
 * A step that failed and when to try it again.
 *
 * @param uid the incarnation that it was for
 * @param spec the spec that it was for; another one is tried at once
 * @param failures how many times in a row
 * @param retryAtNanos when to try again; {@link Long#MAX_VALUE}: not until something changes
 */
record Attempt(String uid, Spec spec, int failures, long retryAtNanos) {
    private static final Duration FIRST = Duration.ofMillis(250);
    private static final int DOUBLINGS = 7; // 250 ms to 32 s

    static Attempt refused(String uid, Spec spec) {
        return new Attempt(uid, spec, 1, Long.MAX_VALUE);
    }

    /**
     * The n-th failure in a row: the wait doubles, with a quarter of jitter so that many do not
     * retry in step.
     */
    static Attempt failed(String uid, Spec spec, int failures, long nowNanos) {
        long wait = FIRST.toNanos() << Math.min(failures - 1, DOUBLINGS);
        long jitter = ThreadLocalRandom.current().nextLong(wait / 4);
        return new Attempt(uid, spec, failures, nowNanos + wait + jitter);
    }

    boolean blocks(String wantedUid, Spec wantedSpec, long nowNanos) {
        return uid.equals(wantedUid) && spec.equals(wantedSpec) && nowNanos < retryAtNanos;
    }
}
