package io.vireo.device.scsi;

import io.vireo.scsi.ScsiInitiator;
import io.vireo.scsi.ScsiPort;
import io.vireo.scsi.ScsiStatus;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** One PERSISTENT RESERVE OUT (SPC-4, 5.13 and 6.16) on its way from its CDB to the next state. */
final class PersistentReserveOut {
    /** Service actions. */
    enum Action {
        REGISTER,
        RESERVE,
        RELEASE,
        CLEAR,
        PREEMPT,
        PREEMPT_AND_ABORT,
        REGISTER_AND_IGNORE,
        REGISTER_AND_MOVE
    }

    private static final int LIST = 24;
    private static final int MAX_LIST = 1 << 16;
    private static final int FLAGS = 20;
    private static final int SPEC_I_PT = 0x08;
    private static final int ALL_TG_PT = 0x04;
    private static final int APTPL = 0x01;
    private static final int MOVE_FLAGS = 17;
    private static final int UNREG = 0x02;

    private final Slot slot;
    private final Action action;
    private final byte[] list;
    private final long key;
    private final long actionKey;
    private final Reservations reservations;
    private final PrState before;
    private final Optional<Registration> own;

    /** Registrations that others lose, and what they are told. */
    private final List<Registration> removed = new ArrayList<>();

    private int toRemoved = Sense.NONE;
    private int toRemaining = Sense.NONE;

    private PersistentReserveOut(Slot slot, Action action, byte[] list) {
        this.slot = slot;
        this.action = action;
        this.list = list;
        key = Bytes.u64(list, 0);
        actionKey = Bytes.u64(list, 8);
        reservations = slot.unit.reservations();
        before = reservations.state();
        own = reservations.registration(slot.nexus());
    }

    /** Carries out a command; ends the slot, now or later. */
    static void start(Slot slot, Action action) {
        long length = Bytes.u32(slot.cdb(), 5);
        if (length < LIST || length > MAX_LIST) {
            slot.fail(Sense.PARAMETER_LIST_LENGTH_ERROR);
            return;
        }
        byte[] list = slot.parameters(length);
        if (list == null) {
            return;
        }
        Reservations reservations = slot.unit.reservations();
        reservations.inTurn(
                slot,
                () -> {
                    // What was before it may have been a RESERVE.
                    if (reservations.legacyHolder() == null) {
                        new PersistentReserveOut(slot, action, list).run();
                    } else {
                        slot.end(ScsiStatus.RESERVATION_CONFLICT);
                    }
                });
    }

    private void run() {
        boolean plainLength = list.length == LIST;
        switch (action) {
            case REGISTER -> register(false);
            case REGISTER_AND_IGNORE -> {
                if ((list[FLAGS] & SPEC_I_PT) != 0) {
                    slot.invalidParameter(FLAGS);
                } else {
                    register(true);
                }
            }
            case REGISTER_AND_MOVE -> move();
            case RESERVE, RELEASE, CLEAR, PREEMPT, PREEMPT_AND_ABORT -> {
                if (!plainLength) {
                    slot.fail(Sense.PARAMETER_LIST_LENGTH_ERROR);
                } else if (own.isEmpty() || own.get().key() != key) {
                    slot.end(ScsiStatus.RESERVATION_CONFLICT);
                } else {
                    byRegistrant(own.get());
                }
            }
        }
    }

    private void byRegistrant(Registration mine) {
        switch (action) {
            case RESERVE -> reserve(mine);
            case RELEASE -> release(mine);
            case CLEAR -> clear(mine);
            case PREEMPT, PREEMPT_AND_ABORT -> preempt(mine);
            case REGISTER, REGISTER_AND_IGNORE, REGISTER_AND_MOVE ->
                    throw new IllegalStateException(action.name());
        }
    }

    // REGISTER.

    private void register(boolean ignoreKey) {
        boolean toOthers = (list[FLAGS] & SPEC_I_PT) != 0;
        if (!toOthers && list.length != LIST) {
            slot.fail(Sense.PARAMETER_LIST_LENGTH_ERROR);
            return;
        }
        long expected = own.map(Registration::key).orElse(0L);
        if (!ignoreKey && key != expected) {
            slot.end(ScsiStatus.RESERVATION_CONFLICT);
            return;
        }
        if (toOthers && own.isPresent()) {
            slot.invalidParameter(FLAGS);
            return;
        }
        boolean survives = (list[FLAGS] & APTPL) != 0;
        if (actionKey == 0) {
            unregister(survives);
            return;
        }
        Set<ScsiInitiator> initiators = new LinkedHashSet<>();
        initiators.add(slot.nexus().initiator());
        if (toOthers && !readInitiators(initiators)) {
            return;
        }
        PrState next = before;
        boolean allPorts = (list[FLAGS] & ALL_TG_PT) != 0;
        List<String> ports = ports(allPorts);
        if ((long) initiators.size() * ports.size() > PrState.MAX_REGISTRATIONS) {
            slot.fail(Sense.INSUFFICIENT_REGISTRATION_RESOURCES);
            return;
        }
        for (ScsiInitiator initiator : initiators) {
            for (String port : ports) {
                next =
                        next.withRegistration(
                                new Registration(initiator, port, allPorts, actionKey));
            }
        }
        if (next.registrations().size() > PrState.MAX_REGISTRATIONS) {
            slot.fail(Sense.INSUFFICIENT_REGISTRATION_RESOURCES);
            return;
        }
        commit(next.withSurvives(survives), true);
    }

    private List<String> ports(boolean all) {
        if (!all) {
            return List.of(slot.nexus().portName);
        }
        return slot.unit.targets().stream()
                .flatMap(target -> target.ports().stream())
                .map(ScsiPort::toString)
                .toList();
    }

    private void unregister(boolean survives) {
        if (own.isEmpty()) {
            commit(before.withSurvives(survives), false);
            return;
        }
        PrState next = before.without(own.get());
        boolean released = before.reservation().isPresent() && next.reservation().isEmpty();
        if (released && before.reservation().get().type().letsRegistrantsIn()) {
            toRemaining = Sense.RESERVATIONS_RELEASED;
        }
        commit(next.withSurvives(survives), true);
    }

    /** Reads the TransportIDs of SPEC_I_PT; false: the slot has ended. */
    private boolean readInitiators(Set<ScsiInitiator> initiators) {
        if (list.length < LIST + 4 || Bytes.u32(list, LIST) != list.length - LIST - 4) {
            slot.invalidParameter(LIST);
            return false;
        }
        int at = LIST + 4;
        while (at < list.length) {
            Optional<TransportIds.Parsed> parsed = TransportIds.parse(list, at, list.length);
            if (parsed.isEmpty()) {
                slot.invalidParameter(at);
                return false;
            }
            List<ScsiInitiator> meant = meant(parsed.get());
            if (meant.isEmpty()) {
                slot.invalidParameter(at);
                return false;
            }
            initiators.addAll(meant);
            at += parsed.get().length();
        }
        return true;
    }

    /** A name without a port means the ports of that name that are logged in. */
    private List<ScsiInitiator> meant(TransportIds.Parsed parsed) {
        if (!parsed.anyPort() || !(parsed.initiator() instanceof ScsiInitiator.Iscsi wanted)) {
            return List.of(parsed.initiator());
        }
        return slot.unit.nexuses().stream()
                .map(UnitNexus::initiator)
                .filter(initiator ->
                        initiator instanceof ScsiInitiator.Iscsi iscsi
                                && iscsi.name().equals(wanted.name()))
                .distinct()
                .toList();
    }

    // REGISTER AND MOVE.

    private void move() {
        if (own.isEmpty() || own.get().key() != key) {
            slot.end(ScsiStatus.RESERVATION_CONFLICT);
            return;
        }
        long length = Bytes.u32(list, LIST - 4);
        if (length != list.length - LIST || length < LIST) {
            slot.fail(Sense.PARAMETER_LIST_LENGTH_ERROR);
            return;
        }
        Registration mine = own.get();
        boolean held = before.reservation().isPresent();
        if (!held || before.reservation().get().type().allHold() || !before.holds(mine)) {
            slot.end(ScsiStatus.RESERVATION_CONFLICT);
            return;
        }
        Optional<TransportIds.Parsed> parsed = TransportIds.parse(list, LIST, list.length);
        if (parsed.isEmpty() || parsed.get().anyPort()) {
            slot.invalidParameter(LIST);
        } else if (actionKey == 0) {
            slot.invalidParameter(8);
        } else {
            move(mine, parsed.get().initiator());
        }
    }

    private void move(Registration mine, ScsiInitiator initiator) {
        int wanted = Bytes.u16(list, MOVE_FLAGS + 1);
        Optional<String> port =
                slot.unit.targets().stream()
                        .flatMap(target -> target.ports().stream())
                        .filter(known -> known.relativeId() == wanted)
                        .map(ScsiPort::toString)
                        .findFirst();
        if (port.isEmpty()) {
            slot.invalidParameter(MOVE_FLAGS + 1);
            return;
        }
        var target = new Registration(initiator, port.get(), false, actionKey);
        if (target.sameNexus(mine)) {
            slot.invalidParameter(LIST);
            return;
        }
        PrType type = before.reservation().orElseThrow().type();
        PrState next = before.withReservation(Optional.empty()).withRegistration(target);
        if ((list[MOVE_FLAGS] & UNREG) != 0) {
            next = next.without(mine);
        }
        if (next.registrations().size() > PrState.MAX_REGISTRATIONS) {
            slot.fail(Sense.INSUFFICIENT_REGISTRATION_RESOURCES);
            return;
        }
        next = next.withReservation(Optional.of(new PrState.Reservation(type, target)));
        commit(next.withSurvives((list[MOVE_FLAGS] & APTPL) != 0), true);
    }

    // RESERVE, RELEASE, CLEAR, PREEMPT.

    /** The type that the CDB names; nothing: the slot has ended. */
    private Optional<PrType> type() {
        int scopeAndType = Bytes.u8(slot.cdb(), 2);
        Optional<PrType> type = PrType.of(scopeAndType & 0x0F);
        if (scopeAndType >> 4 != 0 || type.isEmpty()) {
            slot.invalidField(2);
            return Optional.empty();
        }
        return type;
    }

    private void reserve(Registration mine) {
        Optional<PrType> type = type();
        if (type.isEmpty()) {
            return;
        }
        if (before.reservation().isEmpty()) {
            var made = new PrState.Reservation(type.get(), mine);
            commit(before.withReservation(Optional.of(made)), false);
        } else if (before.holds(mine) && before.reservation().get().type() == type.get()) {
            slot.good();
        } else {
            slot.end(ScsiStatus.RESERVATION_CONFLICT);
        }
    }

    private void release(Registration mine) {
        if (before.reservation().isEmpty() || !before.holds(mine)) {
            slot.good();
            return;
        }
        PrType held = before.reservation().get().type();
        int scopeAndType = Bytes.u8(slot.cdb(), 2);
        if (scopeAndType != held.code()) {
            slot.fail(Sense.INVALID_RELEASE_OF_PERSISTENT_RESERVATION);
            return;
        }
        if (held.letsRegistrantsIn()) {
            toRemaining = Sense.RESERVATIONS_RELEASED;
        }
        commit(before.withReservation(Optional.empty()), false);
    }

    private void clear(Registration mine) {
        before.registrations().stream()
                .filter(other -> !other.sameNexus(mine))
                .forEach(removed::add);
        toRemoved = Sense.RESERVATIONS_PREEMPTED;
        commit(
                new PrState(before.generation(), List.of(), Optional.empty(), before.survives()),
                true);
    }

    private void preempt(Registration mine) {
        Optional<PrState.Reservation> held = before.reservation();
        boolean all = held.isPresent() && held.get().type().allHold();
        boolean takesOver =
                held.isPresent() && (all ? actionKey == 0 : held.get().holder().key() == actionKey);
        toRemoved = Sense.REGISTRATIONS_PREEMPTED;
        if (takesOver) {
            takeOver(mine, all);
            return;
        }
        if (actionKey == 0) {
            slot.invalidParameter(8);
            return;
        }
        PrState next = before;
        for (Registration other : before.registrations()) {
            if (other.key() == actionKey) {
                next = next.without(other);
                removed.add(other);
            }
        }
        if (removed.isEmpty()) {
            slot.end(ScsiStatus.RESERVATION_CONFLICT);
            return;
        }
        commit(next, true);
    }

    private void takeOver(Registration mine, boolean all) {
        Optional<PrType> type = type();
        if (type.isEmpty()) {
            return;
        }
        PrType old = before.reservation().orElseThrow().type();
        PrState next = before.withReservation(Optional.empty());
        for (Registration other : before.registrations()) {
            if (!other.sameNexus(mine) && (all || other.key() == actionKey)) {
                next = next.without(other);
                removed.add(other);
            }
        }
        if (old != type.get()) {
            toRemaining = Sense.RESERVATIONS_RELEASED;
        }
        var made = new PrState.Reservation(type.get(), mine);
        commit(next.withReservation(Optional.of(made)), true);
    }

    // The next state comes into force.

    private void commit(PrState next, boolean counts) {
        PrState counted = counts ? next.withGeneration(before.generation() + 1) : next;
        // A task that is aborted meanwhile has had its effect, or has none.
        reservations.change(counted, this::committed);
    }

    private void committed(boolean saved) {
        if (!saved) {
            slot.fail(Sense.INTERNAL_TARGET_FAILURE);
            return;
        }
        PrState now = reservations.state();
        for (UnitNexus nexus : slot.unit.nexuses()) {
            if (nexus == slot.nexus()) {
                continue;
            }
            if (toRemoved != Sense.NONE && Reservations.among(nexus, removed)) {
                nexus.attention(toRemoved);
            } else if (toRemaining != Sense.NONE
                    && Reservations.among(nexus, now.registrations())) {
                nexus.attention(toRemaining);
            }
        }
        if (action == Action.PREEMPT_AND_ABORT) {
            abortRemoved();
        } else {
            slot.good();
        }
    }

    private void abortRemoved() {
        var all = new Barrier(slot::good);
        for (UnitNexus nexus : List.copyOf(slot.unit.nexuses())) {
            if (nexus != slot.nexus() && Reservations.among(nexus, removed)) {
                slot.unit.tasks().abortOthers(nexus, all);
                if (!slot.unit.modes().taskAbortedStatus()) {
                    nexus.attention(Sense.COMMANDS_CLEARED_BY_ANOTHER_INITIATOR);
                }
            }
        }
        all.passed();
    }
}
