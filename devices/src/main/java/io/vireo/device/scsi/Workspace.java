package io.vireo.device.scsi;

import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * Memory of the commands of one target at one logical unit that look at data themselves, or make
 * it: bounded, so that who sends a thousand of them takes no more of the host. They wait for it in
 * the order in which they came. Of the unit's reactor.
 */
final class Workspace {
    /** Bytes at most; more than any command needs. */
    static final int MOST = 8 << 20;

    private final Runnable wake;
    private final ArrayDeque<Slot> waiting = new ArrayDeque<>();
    private int held;

    /**
     * All of it is free.
     *
     * @param wake has the unit look again
     */
    Workspace(Runnable wake) {
        this.wake = wake;
    }

    /** Goes on with a step of a command when it may have so many bytes: now or later. */
    void take(Slot slot, int length, Step then) {
        if (waiting.isEmpty() && length <= MOST - held) {
            held += length;
            slot.kept = length;
            then.next(slot);
            return;
        }
        slot.wanted = length;
        slot.step = then;
        slot.onAbort = () -> waiting.remove(slot);
        waiting.add(slot);
    }

    /** A command that had so many bytes has ended. */
    void release(int length) {
        held -= length;
        if (!waiting.isEmpty()) {
            wake.run();
        }
    }

    /** Whether a command that waits could go on now. */
    boolean canServe() {
        Slot first = waiting.peek();
        return first != null && first.wanted <= MOST - held;
    }

    /** The next command that can go on, with its step; it waits no more. */
    @Nullable Slot next() {
        if (!canServe()) {
            return null;
        }
        Slot first = waiting.remove();
        held += first.wanted;
        first.kept = first.wanted;
        first.onAbort = null;
        return first;
    }
}
