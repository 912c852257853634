package io.vireo.device.scsi;

import io.vireo.reactor.Reactor;
import java.lang.System.Logger.Level;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Who may use a unit: persistent reservations (SPC-4, 5.13) and RESERVE/RELEASE (SPC-2, 5.5). Of
 * the unit's reactor.
 *
 * <p>A change of what is to survive is durable before it is in force, and one change comes after
 * the other.
 */
final class Reservations {
    private static final System.Logger LOG = System.getLogger(Reservations.class.getName());

    private final UnitRecord store;
    private final Reactor reactor;
    private PrState state;

    /** Whether the store has something that is to survive. */
    private boolean stored;

    private @Nullable UnitNexus legacyHolder;

    /** A change is being made durable. */
    private boolean saving;

    private final ArrayDeque<Runnable> later = new ArrayDeque<>();

    Reservations(UnitRecord store, Reactor reactor) {
        this.store = store;
        this.reactor = reactor;
        state = load(store);
        stored = state.survives();
    }

    private static PrState load(UnitRecord store) {
        Optional<String> kept = store.load();
        if (kept.isEmpty()) {
            return PrState.NONE;
        }
        try {
            // SPC-4, 6.15.2: the generation begins anew, whatever survives.
            return PrState.parse(kept.get()).withGeneration(0);
        } catch (IllegalArgumentException e) {
            LOG.log(Level.ERROR, e.getMessage() + "; the disk begins without any");
            return PrState.NONE;
        }
    }

    PrState state() {
        return state;
    }

    @Nullable UnitNexus legacyHolder() {
        return legacyHolder;
    }

    void legacyHolder(@Nullable UnitNexus holder) {
        legacyHolder = holder;
    }

    /** The registration of a nexus. */
    Optional<Registration> registration(UnitNexus nexus) {
        return state.find(nexus.initiator(), nexus.portName);
    }

    /** Whether a command of this nexus is to end with RESERVATION CONFLICT. */
    boolean conflicts(UnitNexus nexus, Access access) {
        if (access == Access.ALWAYS) {
            return false;
        }
        if (legacyHolder != null && legacyHolder != nexus && access != Access.OWN) {
            return true;
        }
        if (state.reservation().isEmpty() || access == Access.STATUS || access == Access.OWN) {
            return false;
        }
        return keptOut(nexus, access);
    }

    private boolean keptOut(UnitNexus nexus, Access access) {
        PrState.Reservation held = state.reservation().orElseThrow();
        if (access == Access.READ && !held.type().keepsReadersOut()) {
            return false;
        }
        Optional<Registration> own = registration(nexus);
        return own.isEmpty() || !(held.type().letsRegistrantsIn() || state.holds(own.get()));
    }

    /** A nexus is gone, or was reset: what RESERVE gave it is given back. */
    void nexusLost(UnitNexus nexus) {
        if (legacyHolder == nexus) {
            legacyHolder = null;
        }
    }

    /** The unit was reset. */
    void unitReset() {
        legacyHolder = null;
    }

    /**
     * Runs the change of a slot now, or after the one that is being made durable; never if the slot
     * is aborted meanwhile, which ends then.
     */
    void inTurn(Slot slot, Runnable change) {
        if (!saving) {
            change.run();
            return;
        }
        later.add(() -> {
            if (slot.abort == null) {
                change.run();
            } else {
                slot.unit.ended(slot);
            }
        });
    }

    /**
     * Puts a state in force; {@code then} is told, on the reactor, whether it is: it is not where
     * it could not be made durable.
     */
    void change(PrState next, Consumer<Boolean> then) {
        if (!next.survives() && !stored) {
            state = next;
            then.accept(true);
            return;
        }
        saving = true;
        Optional<String> value = next.survives() ? Optional.of(next.format()) : Optional.empty();
        store.save(
                value,
                saved ->
                        reactor.execute(() -> {
                            saving = false;
                            if (saved) {
                                state = next;
                                stored = next.survives();
                            }
                            then.accept(saved);
                            goOn();
                        }));
    }

    private void goOn() {
        while (!saving && !later.isEmpty()) {
            later.remove().run();
        }
    }

    /** Nexuses of a unit whose registrations are among these. */
    static boolean among(UnitNexus nexus, List<Registration> registrations) {
        return registrations.stream().anyMatch(r -> r.is(nexus.initiator(), nexus.portName));
    }
}
