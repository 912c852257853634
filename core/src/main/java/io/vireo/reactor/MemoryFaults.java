package io.vireo.reactor;

import io.vireo.linux.ForeignMemory;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;

/**
 * Finds out whose memory a reactor met that was not there. Those whose memory cannot fail have
 * nothing to do for it; the others look at theirs one after the other, first those that were at
 * work, until one has found something: if there is another one, it is found by the next fault.
 * Where nobody finds anything, since the memory is back already, it was the only one that can have
 * been, if there is only one.
 */
final class MemoryFaults {
    private static final Logger LOG = System.getLogger(MemoryFaults.class.getName());

    private final String reactor;
    private final List<MemoryFaultListener> listeners = new ArrayList<>();
    private long failures;

    MemoryFaults(String reactor) {
        this.reactor = reactor;
    }

    void add(MemoryFaultListener listener) {
        listeners.add(listener);
    }

    void remove(MemoryFaultListener listener) {
        listeners.remove(listener);
    }

    /** Listeners that failed. */
    long failures() {
        return failures;
    }

    /** Has the one found whose memory it was, and give it up. */
    void find() {
        settle();
        var suspects = new ArrayList<MemoryFaultListener>();
        for (var listener : listeners) {
            if (ask(listener::exposed)) {
                suspects.add(listener);
            }
        }
        var rest = new ArrayList<MemoryFaultListener>();
        for (var suspect : suspects) {
            if (!ask(suspect::touched)) {
                rest.add(suspect);
            } else if (ask(suspect::memoryFault)) {
                return;
            }
        }
        for (var suspect : rest) {
            if (ask(suspect::memoryFault)) {
                return;
            }
        }
        if (suspects.size() == 1) {
            ask(() -> {
                suspects.getFirst().convicted();
                return true;
            });
        }
    }

    /** What was done when the error came may have met the same memory. */
    private static void settle() {
        try {
            ForeignMemory.settle();
        } catch (InternalError e) {
            LOG.log(Level.DEBUG, "met once more", e);
        }
    }

    private boolean ask(BooleanSupplier question) {
        try {
            return question.getAsBoolean();
        } catch (Throwable e) {
            failures++;
            LOG.log(Level.ERROR, reactor + ": checking a guest's memory failed", e);
            return false;
        }
    }
}
