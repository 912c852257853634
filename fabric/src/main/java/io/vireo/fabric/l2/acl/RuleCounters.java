package io.vireo.fabric.l2.acl;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * How often one port met each rule of a list, the default last. Written by the port's reactor, read
 * by any thread.
 */
public final class RuleCounters {
    // Opaque: whole values, soon, with no order among them, at the price of a plain store.
    private static final VarHandle COUNTER = MethodHandles.arrayElementVarHandle(long[].class);

    private final long[] matches;

    RuleCounters(int rules) {
        matches = new long[rules + 1];
    }

    void count(int rule) {
        COUNTER.setOpaque(matches, rule, matches[rule] + 1);
    }

    void addTo(long[] sums) {
        for (int i = 0; i < sums.length; i++) {
            sums[i] += (long) COUNTER.getOpaque(matches, i);
        }
    }
}
