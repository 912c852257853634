package io.vireo.device.scsi;

import io.vireo.reactor.Reactor;
import io.vireo.reactor.Timer;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The {@link RateGate}s of a logical unit, one for each target. Of the unit's reactor. */
final class RateGates {
    private final List<RateGate> gates = new ArrayList<>(1);
    private final Reactor reactor;
    private final Runnable wake;
    private @Nullable Timer timer;

    /**
     * No gates.
     *
     * @param wake has the unit look again
     */
    RateGates(Reactor reactor, Runnable wake) {
        this.reactor = reactor;
        this.wake = wake;
    }

    /** A nexus begins to see the unit. */
    void attach(UnitNexus nexus) {
        UnitTarget target = nexus.nexus.target();
        RateGate gate = null;
        for (RateGate each : gates) {
            if (each.target == target) {
                gate = each;
            }
        }
        if (gate == null) {
            gate = new RateGate(target, wake);
            gates.add(gate);
        }
        gate.users++;
        nexus.gate = gate;
    }

    /** A nexus sees the unit no more, and has no task. */
    void detach(UnitNexus nexus) {
        RateGate gate = Objects.requireNonNull(nexus.gate);
        if (--gate.users == 0) {
            gates.remove(gate);
        }
    }

    int size() {
        return gates.size();
    }

    RateGate get(int index) {
        return gates.get(index);
    }

    /** Whether something is reserved for one of the targets. */
    boolean isCommitted() {
        for (int i = 0; i < gates.size(); i++) {
            if (gates.get(i).target.isCommitted()) {
                return true;
            }
        }
        return false;
    }

    /** The next request whose time has come; it waits no more. */
    @Nullable Slot next() {
        for (int i = 0; i < gates.size(); i++) {
            RateGate gate = gates.get(i);
            if (gate.count() > 0) {
                Slot due = gate.next(System.nanoTime());
                if (due != null) {
                    return due;
                }
            }
        }
        return null;
    }

    /** Whether nothing is there to do now; if something is later the unit is woken then. */
    boolean arm() {
        long opensIn = Long.MAX_VALUE;
        for (int i = 0; i < gates.size(); i++) {
            RateGate gate = gates.get(i);
            if (gate.count() > 0) {
                opensIn = Math.min(opensIn, gate.opensIn(System.nanoTime()));
            }
        }
        if (opensIn == 0) {
            return false;
        }
        if (opensIn != Long.MAX_VALUE) {
            disarm();
            timer = reactor.schedule(opensIn, wake);
        }
        return true;
    }

    /** No wake-up is wanted. */
    void disarm() {
        if (timer != null) {
            timer.cancel();
            timer = null;
        }
    }
}
