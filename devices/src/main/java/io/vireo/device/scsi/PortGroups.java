package io.vireo.device.scsi;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Asymmetric access states of the target port groups of a unit (SPC-4, 5.16.2), each of which is a
 * target. A target has the state that it was given (implicitly, by the operator), until an
 * initiator sets another one (explicitly). A change takes no time: there is no transitioning state.
 */
final class PortGroups {
    static final int OPTIMIZED = 0;
    static final int NON_OPTIMIZED = 1;
    static final int STANDBY = 2;
    static final int UNAVAILABLE = 3;

    // Status codes of REPORT TARGET PORT GROUPS (SPC-4, table 306).
    static final int NOTHING = 0;
    static final int BY_COMMAND = 1;
    static final int BY_ITSELF = 2;

    /** By number of the group. Replaced as a whole on the unit's reactor; any thread reads. */
    private volatile Map<Integer, Integer> explicit = Map.of();

    int state(UnitTarget target) {
        Map<Integer, Integer> sets = explicit;
        Integer set = sets.isEmpty() ? null : sets.get(target.group());
        return set == null ? target.access() : set;
    }

    /** The state that an initiator set, as long as it counts. Any thread. */
    Optional<Integer> setByInitiator(UnitTarget target) {
        return Optional.ofNullable(explicit.get(target.group()));
    }

    /** How the state came about. */
    int cause(UnitTarget target) {
        if (explicit.containsKey(target.group())) {
            return BY_COMMAND;
        }
        return target.access() == OPTIMIZED ? NOTHING : BY_ITSELF;
    }

    /** An initiator has set states, by number of the group. */
    void set(Map<Integer, Integer> states) {
        var next = new HashMap<>(explicit);
        next.putAll(states);
        explicit = Map.copyOf(next);
    }

    /** What initiators said of a target is over. */
    void forget(UnitTarget target) {
        var next = new HashMap<>(explicit);
        next.remove(target.group());
        explicit = Map.copyOf(next);
    }

    /**
     * What commands through a target are told that need the medium; {@link Sense#NONE}: nothing.
     */
    int obstacle(UnitTarget target) {
        return switch (state(target)) {
            case STANDBY -> Sense.NOT_READY_STANDBY;
            case UNAVAILABLE -> Sense.NOT_READY_UNAVAILABLE;
            default -> Sense.NONE;
        };
    }
}
