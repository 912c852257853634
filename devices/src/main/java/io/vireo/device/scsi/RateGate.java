package io.vireo.device.scsi;

import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRates;
import java.util.ArrayDeque;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Where the requests of one target to one logical unit wait for the rates of the target. Reads and
 * other requests have rates of their own, and do not wait for each other. Of the unit's reactor.
 */
final class RateGate {
    final UnitTarget target;

    /** Nexuses of the target that see the unit. */
    int users;

    /** Requests that have passed, and for which the channel had no room though some is theirs. */
    final ArrayDeque<Slot> room = new ArrayDeque<>();

    /** What its commands have of the host's memory. */
    final Workspace workspace;

    private final ArrayDeque<Slot> reads = new ArrayDeque<>();
    private final ArrayDeque<Slot> others = new ArrayDeque<>();

    /** What the places of those that wait were taken of. */
    private @Nullable BlockRates rates;

    private int settings;

    /**
     * Nothing waits.
     *
     * @param wake has the unit look again
     */
    RateGate(UnitTarget target, Runnable wake) {
        this.target = target;
        workspace = new Workspace(wake);
    }

    /** Requests that wait. */
    int count() {
        return reads.size() + others.size();
    }

    /** Whether a request has to wait here, and does so from now on. */
    boolean holds(Slot slot) {
        BlockRates inForce = target.rates();
        if (inForce == null || !inForce.limited()) {
            return false;
        }
        long now = System.nanoTime();
        BlockOperation operation = slot.request.operation();
        if (operation == BlockOperation.FLUSH || slot.nexus().hurried) {
            inForce.takeUnasked(operation, slot.request.moved(), now);
            return false;
        }
        keepUp(inForce, now);
        slot.passesAt = inForce.reserve(operation, slot.request.moved(), now);
        ArrayDeque<Slot> line = line(slot);
        if (slot.passesAt - now <= 0 && line.isEmpty()) {
            return false;
        }
        slot.heldSince = now;
        line.add(slot);
        target.waits().begins();
        return true;
    }

    private ArrayDeque<Slot> line(Slot slot) {
        return slot.request.operation() == BlockOperation.READ ? reads : others;
    }

    /** Has those that wait take their places anew if other rates are in force. */
    private void keepUp(@Nullable BlockRates inForce, long now) {
        int current = inForce == null ? 0 : inForce.settings();
        if (inForce == rates && current == settings) {
            return;
        }
        rates = inForce;
        settings = current;
        place(reads, inForce, now);
        place(others, inForce, now);
    }

    private static void place(ArrayDeque<Slot> line, @Nullable BlockRates rates, long now) {
        for (Slot slot : line) {
            slot.passesAt =
                    rates == null || !rates.limited()
                            ? now
                            : rates.reserve(slot.request.operation(), slot.request.moved(), now);
        }
    }

    /** The next request whose time has come; it waits no more. */
    @Nullable Slot next(long now) {
        keepUp(target.rates(), now);
        Slot next = due(reads, now);
        return next == null ? due(others, now) : next;
    }

    private @Nullable Slot due(ArrayDeque<Slot> line, long now) {
        Slot first = line.peek();
        if (first == null || first.passesAt - now > 0) {
            return null;
        }
        line.remove();
        target.waits().ends(now - first.heldSince);
        return first;
    }

    /** A request gives its place back, and passes. */
    private void exchange(Slot slot, long now) {
        BlockRates of = valid();
        if (of != null) {
            of.giveBack(slot.request.operation(), slot.request.moved());
            of.takeUnasked(slot.request.operation(), slot.request.moved(), now);
        }
    }

    /** The rates of which those that wait have their places, if they are in force. */
    private @Nullable BlockRates valid() {
        BlockRates of = rates;
        return of != null && of == target.rates() && of.settings() == settings ? of : null;
    }

    /** Nanoseconds until {@link #next} may have one; {@link Long#MAX_VALUE}: none waits. */
    long opensIn(long now) {
        keepUp(target.rates(), now);
        return Math.min(opensIn(reads, now), opensIn(others, now));
    }

    private static long opensIn(ArrayDeque<Slot> line, long now) {
        Slot first = line.peek();
        return first == null ? Long.MAX_VALUE : Math.max(0, first.passesAt - now);
    }

    /** A request that may wait here is taken back; says whether it did. */
    boolean withdraw(Slot slot) {
        if (!line(slot).remove(slot)) {
            return false;
        }
        long now = System.nanoTime();
        target.waits().ends(now - slot.heldSince);
        BlockRates of = valid();
        if (of != null) {
            of.giveBack(slot.request.operation(), slot.request.moved());
        }
        return true;
    }

    /** All requests of a nexus that wait pass. */
    void release(UnitNexus nexus, Consumer<Slot> to) {
        release(reads, nexus, to);
        release(others, nexus, to);
    }

    private void release(ArrayDeque<Slot> line, UnitNexus nexus, Consumer<Slot> to) {
        for (int i = line.size(); i > 0; i--) {
            Slot slot = line.remove();
            if (slot.nexus() == nexus) {
                long now = System.nanoTime();
                target.waits().ends(now - slot.heldSince);
                exchange(slot, now);
                to.accept(slot);
            } else {
                line.add(slot);
            }
        }
    }
}
