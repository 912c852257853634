package io.vireo.control.reconcile;

import io.vireo.control.Resource;
import io.vireo.control.store.StoreException;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.Reference;
import io.vireo.resource.ResourceException;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Takes the steps for resources, and remembers those that failed: they wait until it is time to try
 * again, or until something else is to be done. Of the reconciler's thread where nothing else is
 * said.
 */
final class Attempts {
    /** Who is told of failures. */
    interface Listener {
        /**
         * A step has failed.
         *
         * @param first whether it had not failed just before
         * @param again whether it is tried again by itself
         */
        void failed(
                Resource resource,
                ErrorCode code,
                RuntimeException cause,
                boolean first,
                boolean again);
    }

    private final Listener listener;
    private final Map<Reference, Attempt> failed = new HashMap<>();

    /** What somebody asked for again, from any thread, to be tried again in the next pass. */
    private final Queue<Reference> asked = new ConcurrentLinkedQueue<>();

    Attempts(Listener listener) {
        this.listener = listener;
    }

    /** Has what failed of these resources, and of their parts, be forgotten soon. Any thread. */
    void ask(Collection<Reference> references) {
        asked.addAll(references);
    }

    /** Whether a resource, or what it is a part of, is to be tried again soon. Any thread. */
    boolean isAsked(Resource resource) {
        return asked.contains(resource.reference())
                || resource.metadata().owner().filter(asked::contains).isPresent();
    }

    /**
     * Forgets what failed of resources that were asked for, and of their parts.
     *
     * @param forgotten told of each of them before it counts as asked for no more
     */
    void forgetAsked(Desired desired, Consumer<Reference> forgotten) {
        for (var next = asked.peek(); next != null; next = asked.peek()) {
            Reference target = next;
            desired.run().values().stream()
                    .filter(each ->
                            each.reference().equals(target)
                                    || each.metadata().owner().equals(Optional.of(target)))
                    .map(Resource::reference)
                    .forEach(each -> {
                        failed.remove(each);
                        forgotten.accept(each);
                    });
            asked.remove();
        }
    }

    void forget(Reference target) {
        failed.remove(target);
    }

    /** Forgets what failed of all others. */
    void retain(Set<Reference> known) {
        failed.keySet().retainAll(known);
    }

    /** Whether the step that is to be taken for a resource has to wait. */
    boolean block(Resource resource, boolean removal, long nowNanos) {
        Attempt attempt = failed.get(resource.reference());
        return attempt != null && attempt.blocks(resource, removal, nowNanos);
    }

    /** Nanoseconds until the first of them is due; {@link Long#MAX_VALUE}: none is. */
    long untilNext(long nowNanos) {
        return Attempt.untilNext(failed.values(), nowNanos);
    }

    /**
     * The step that would bring a resource up to date is refused, and not tried again by itself.
     */
    void refuse(Resource resource) {
        failed.put(resource.reference(), Attempt.refused(resource, false));
    }

    /**
     * Takes a step; a failure is noted and, if it can pass, tried again later.
     *
     * @param removal whether it is to remove the resource
     * @return whether it succeeded
     */
    boolean run(Resource resource, boolean removal, long nowNanos, Runnable step) {
        Attempt earlier = failed.remove(resource.reference());
        RuntimeException cause;
        ErrorCode code;
        boolean passes;
        try {
            step.run();
            return true;
        } catch (ResourceException e) {
            cause = e;
            code = e.code();
            passes = code.retryable();
        } catch (StoreException e) {
            cause = e;
            code = ErrorCode.UNAVAILABLE;
            passes = true;
        } catch (RuntimeException e) {
            cause = e;
            code = ErrorCode.INTERNAL;
            passes = false;
        }
        // Nothing but time changes for what is to go.
        boolean again = passes || removal;
        int failures = note(resource, removal, earlier, again, nowNanos);
        listener.failed(resource, code, cause, failures == 1, again);
        return false;
    }

    private int note(
            Resource resource,
            boolean removal,
            @Nullable Attempt earlier,
            boolean again,
            long nowNanos) {
        int failures =
                earlier != null && earlier.isOf(resource, removal) ? earlier.failures() + 1 : 1;
        failed.put(
                resource.reference(),
                again
                        ? Attempt.failed(resource, removal, failures, nowNanos)
                        : Attempt.refused(resource, removal));
        return failures;
    }
}
