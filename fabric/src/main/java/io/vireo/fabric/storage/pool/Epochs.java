package io.vireo.fabric.storage.pool;

/**
 * Which requests have been submitted before a moment and are not yet done. A request enters the
 * current epoch; whatever happened in an epoch is out of every request's sight when the epoch and
 * all before it have drained.
 */
final class Epochs {
    private static final int RING = 64;

    private final int[] inside = new int[RING];
    private long current;
    private long oldest;

    /** Enters the current epoch, which is returned. */
    long enter() {
        inside[(int) current & RING - 1]++;
        return current;
    }

    void leave(long epoch) {
        inside[(int) epoch & RING - 1]--;
        while (oldest < current && inside[(int) oldest & RING - 1] == 0) {
            oldest++;
        }
    }

    /** Begins a new epoch unless too many have not drained; the one that was current. */
    long advance() {
        long before = current;
        if (current - oldest < RING - 1) {
            current++;
            while (oldest < current && inside[(int) oldest & RING - 1] == 0) {
                oldest++;
            }
        }
        return before;
    }

    /** Whether everybody has left the epoch and all before it. */
    boolean drained(long epoch) {
        return epoch < oldest;
    }

    /** Whether {@code epoch} still is the current one. */
    boolean isCurrent(long epoch) {
        return epoch == current;
    }
}
