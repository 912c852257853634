package io.vireo.fabric.storage.move;

import io.vireo.fabric.storage.move.Relocation.Target;
import java.util.Optional;

/**
 * The pool that an attempt has filled: it is not tried again before it has more room than it had
 * then. On the thread of a move.
 */
final class FilledPool {
    /**
     * @param free bytes that it had free before
     */
    private record Found(Site site, long free, String why) {}

    private Optional<Found> found = Optional.empty();

    /**
     * Looks whether an attempt makes sense.
     *
     * @return bytes that are free there
     * @throws FullException if there is no more room than there was
     */
    long check(Target target) {
        long free = target.pool().space().freeBytes();
        found.filter(each -> each.site().equals(target.site()) && free <= each.free())
                .ifPresent(each -> {
                    throw new FullException(each.why());
                });
        return free;
    }

    /**
     * An attempt has filled it.
     *
     * @param free bytes that it had free before
     */
    void filledBy(Target target, long free, FullException attempt) {
        found = Optional.of(new Found(target.site(), free, String.valueOf(attempt.getMessage())));
    }

    /** An attempt has come to its end. */
    void forget() {
        found = Optional.empty();
    }
}
