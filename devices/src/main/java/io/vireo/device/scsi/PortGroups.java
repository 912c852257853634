package io.vireo.device.scsi;

import java.util.HashMap;
import java.util.Map;

/**
 * Asymmetric access states of the target port groups of a unit (SPC-4, 5.16.2). A group that nobody
 * set is active/optimized.
 */
final class PortGroups {
    static final int OPTIMIZED = 0;
    static final int NON_OPTIMIZED = 1;
    static final int STANDBY = 2;
    static final int UNAVAILABLE = 3;

    private final Map<Integer, Integer> states = new HashMap<>();

    int state(int group) {
        return states.getOrDefault(group, OPTIMIZED);
    }

    /** Whether somebody set it. */
    boolean wasSet(int group) {
        return states.containsKey(group);
    }

    void state(int group, int state) {
        states.put(group, state);
    }

    /** What commands through a group are told that need the medium; {@link Sense#NONE}: nothing. */
    int obstacle(int group) {
        if (states.isEmpty()) {
            return Sense.NONE;
        }
        return switch (state(group)) {
            case STANDBY -> Sense.NOT_READY_STANDBY;
            case UNAVAILABLE -> Sense.NOT_READY_UNAVAILABLE;
            default -> Sense.NONE;
        };
    }
}
