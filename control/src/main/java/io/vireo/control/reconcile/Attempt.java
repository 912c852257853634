package io.vireo.control.reconcile;

import io.vireo.control.Resource;
import io.vireo.resource.Spec;
import java.time.Duration;
import java.util.Collection;
import java.util.concurrent.ThreadLocalRandom;

/**
 * A step that failed and when to try it again.
 *
 * @param uid the incarnation that it was for
 * @param spec the spec that it was for; another one is tried at once
 * @param removal whether it was to remove it: that waits for no attempt to bring it up
 * @param failures how many times in a row
 * @param retryAtNanos when to try again; {@link Long#MAX_VALUE}: not until something changes
 */
record Attempt(String uid, Spec spec, boolean removal, int failures, long retryAtNanos) {
    private static final Duration FIRST = Duration.ofMillis(250);
    private static final int DOUBLINGS = 7; // 250 ms to 32 s

    static Attempt refused(Resource resource, boolean removal) {
        return of(resource, removal, 1, Long.MAX_VALUE);
    }

    private static Attempt of(Resource resource, boolean removal, int failures, long retryAtNanos) {
        return new Attempt(
                resource.metadata().uid(), resource.spec(), removal, failures, retryAtNanos);
    }

    /**
     * The n-th failure in a row: the wait doubles, with a quarter of jitter so that many do not
     * retry in step.
     */
    static Attempt failed(Resource resource, boolean removal, int failures, long nowNanos) {
        long wait = FIRST.toNanos() << Math.min(failures - 1, DOUBLINGS);
        long jitter = ThreadLocalRandom.current().nextLong(wait / 4);
        return of(resource, removal, failures, nowNanos + wait + jitter);
    }

    /** Whether this is the step that failed, with the same to do. */
    boolean isOf(Resource resource, boolean ofRemoval) {
        return uid.equals(resource.metadata().uid())
                && spec.equals(resource.spec())
                && removal == ofRemoval;
    }

    /** Whether the step that is to be taken for a resource has to wait. */
    boolean blocks(Resource resource, boolean ofRemoval, long nowNanos) {
        return isOf(resource, ofRemoval) && nowNanos < retryAtNanos;
    }

    /** Nanoseconds until the first of them is due; {@link Long#MAX_VALUE}: none is. */
    static long untilNext(Collection<Attempt> attempts, long nowNanos) {
        long next = Long.MAX_VALUE;
        for (Attempt attempt : attempts) {
            // One that is overdue waits for something else, whose change brings a pass by itself.
            if (attempt.retryAtNanos != Long.MAX_VALUE && attempt.retryAtNanos > nowNanos) {
                next = Math.min(next, attempt.retryAtNanos - nowNanos);
            }
        }
        return next;
    }
}
