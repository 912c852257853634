package io.vireo.fabric.storage.mirror;

import io.vireo.fabric.storage.format.MirrorHeader;

/**
 * Which legs have failed since something was given to them. What one of them failed then says
 * nothing of the leg that is back: it gets what it lacks.
 */
final class Departures {
    private final int[] joins = new int[MirrorHeader.MAX_LEGS];

    /** From now on. */
    void watch(Legs legs) {
        for (int i = 0; i < legs.size(); i++) {
            joins[i] = legs.get(i).joins;
        }
    }

    /** Legs that have failed since, be they back or not. */
    int since(Legs legs) {
        int gone = 0;
        for (int i = 0; i < legs.size(); i++) {
            gone |= joins[i] == legs.get(i).joins ? 0 : 1 << i;
        }
        return gone;
    }
}
