package io.vireo.device.scsi;

import static io.vireo.device.scsi.Command.ANY_STATE;

import io.vireo.scsi.ScsiPort;
import io.vireo.scsi.ScsiStatus;
import java.util.List;
import java.util.Optional;

/** PERSISTENT RESERVE IN (SPC-4, 6.15), RESERVE and RELEASE (SPC-2). */
final class ReservationCommands {
    private static final int CRH = 0x10;
    private static final int SIP_C = 0x08;
    private static final int ATP_C = 0x04;
    private static final int PTPL_C = 0x01;
    private static final int TMV = 0x80;
    private static final int PTPL_A = 0x01;
    private static final int ALL_TYPES = 0xEA01;
    private static final int ALL_TG_PT = 0x02;
    private static final int R_HOLDER = 0x01;

    private ReservationCommands() {}

    static List<Command> all() {
        return List.of(
                in(0, ReservationCommands::readKeys),
                in(1, ReservationCommands::readReservation),
                in(2, ReservationCommands::reportCapabilities),
                in(3, ReservationCommands::readFullStatus),
                out(0, PersistentReserveOut.Action.REGISTER),
                out(1, PersistentReserveOut.Action.RESERVE),
                out(2, PersistentReserveOut.Action.RELEASE),
                out(3, PersistentReserveOut.Action.CLEAR),
                out(4, PersistentReserveOut.Action.PREEMPT),
                out(5, PersistentReserveOut.Action.PREEMPT_AND_ABORT),
                out(6, PersistentReserveOut.Action.REGISTER_AND_IGNORE),
                out(7, PersistentReserveOut.Action.REGISTER_AND_MOVE),
                Command.of("16 00 00 00 00 00", Access.OWN, 0, ReservationCommands::reserve),
                Command.of(
                        "56 00 00 00 00 00 00 00 00 00",
                        Access.OWN,
                        0,
                        ReservationCommands::reserve),
                Command.of("17 00 00 00 00 00", Access.OWN, 0, ReservationCommands::release),
                Command.of(
                        "57 00 00 00 00 00 00 00 00 00",
                        Access.OWN,
                        0,
                        ReservationCommands::release));
    }

    private static Command in(int action, Handler handler) {
        return Command.withAction(
                "5E 0" + action + " 00 00 00 00 00 FF FF 00",
                Access.OWN,
                ANY_STATE,
                slot -> {
                    if (!othersReserved(slot)) {
                        handler.start(slot);
                    }
                });
    }

    private static Command out(int action, PersistentReserveOut.Action what) {
        return Command.withAction(
                "5F 0" + action + " FF 00 00 FF FF FF FF 00",
                Access.OWN,
                ANY_STATE,
                slot -> {
                    // SPC-2, 5.5.1: not while RESERVE of anybody is in force.
                    if (slot.unit.reservations().legacyHolder() != null) {
                        slot.end(ScsiStatus.RESERVATION_CONFLICT);
                    } else {
                        PersistentReserveOut.start(slot, what);
                    }
                });
    }

    private static boolean othersReserved(Slot slot) {
        UnitNexus holder = slot.unit.reservations().legacyHolder();
        if (holder != null && holder != slot.nexus()) {
            slot.end(ScsiStatus.RESERVATION_CONFLICT);
            return true;
        }
        return false;
    }

    private static void readKeys(Slot slot) {
        PrState state = slot.unit.reservations().state();
        var reply = new Reply();
        reply.u32(state.generation()).u32(8L * state.registrations().size());
        state.registrations().forEach(registration -> reply.u64(registration.key()));
        answer(slot, reply);
    }

    private static void readReservation(Slot slot) {
        PrState state = slot.unit.reservations().state();
        var reply = new Reply();
        reply.u32(state.generation());
        Optional<PrState.Reservation> held = state.reservation();
        if (held.isEmpty()) {
            reply.u32(0);
        } else {
            PrType type = held.get().type();
            reply.u32(16).u64(type.allHold() ? 0 : held.get().holder().key());
            reply.u32(0).u8(0).u8(type.code()).u16(0);
        }
        answer(slot, reply);
    }

    private static void reportCapabilities(Slot slot) {
        boolean survives = slot.unit.reservations().state().survives();
        var reply = new Reply();
        reply.u16(8).u8(CRH | SIP_C | ATP_C | PTPL_C).u8(TMV | (survives ? PTPL_A : 0));
        answer(slot, reply.u16(ALL_TYPES).u16(0));
    }

    private static void readFullStatus(Slot slot) {
        PrState state = slot.unit.reservations().state();
        var reply = new Reply();
        reply.u32(state.generation()).u32(0);
        for (Registration registration : state.registrations()) {
            boolean holder = state.holds(registration);
            int type = holder ? state.reservation().orElseThrow().type().code() : 0;
            reply.u64(registration.key()).u32(0);
            reply.u8((registration.allPorts() ? ALL_TG_PT : 0) | (holder ? R_HOLDER : 0));
            reply.u8(type).u32(0).u16(relativeId(slot.unit, registration.port()));
            byte[] id = TransportIds.encode(registration.initiator());
            reply.u32(id.length).bytes(id);
        }
        reply.patch32(4, reply.length() - 8L);
        answer(slot, reply);
    }

    private static int relativeId(LogicalUnit unit, String name) {
        for (UnitTarget target : unit.targets()) {
            for (ScsiPort port : target.ports()) {
                if (port.toString().equals(name)) {
                    return port.relativeId();
                }
            }
        }
        return 0;
    }

    private static void answer(Slot slot, Reply reply) {
        slot.reply(reply, Bytes.u16(slot.cdb(), 7));
    }

    /**
     * With persistent registrations about, RESERVE has no effect of its own (CRH; SPC-4, 5.13.3).
     */
    private static boolean managedPersistently(Slot slot) {
        Reservations reservations = slot.unit.reservations();
        PrState state = reservations.state();
        if (state.registrations().isEmpty()) {
            return false;
        }
        Optional<Registration> own = reservations.registration(slot.nexus());
        boolean allowed =
                own.isPresent()
                        && (state.reservation().isEmpty()
                                || state.holds(own.get())
                                || state.reservation().get().type().letsRegistrantsIn());
        slot.end(allowed ? ScsiStatus.GOOD : ScsiStatus.RESERVATION_CONFLICT);
        return true;
    }

    private static void reserve(Slot slot) {
        Reservations reservations = slot.unit.reservations();
        reservations.inTurn(
                slot,
                () -> {
                    if (!othersReserved(slot) && !managedPersistently(slot)) {
                        reservations.legacyHolder(slot.nexus());
                        slot.good();
                    }
                });
    }

    private static void release(Slot slot) {
        Reservations reservations = slot.unit.reservations();
        reservations.inTurn(
                slot,
                () -> {
                    if (!managedPersistently(slot)) {
                        reservations.nexusLost(slot.nexus());
                        slot.good();
                    }
                });
    }
}
