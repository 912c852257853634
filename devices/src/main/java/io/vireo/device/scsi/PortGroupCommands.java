package io.vireo.device.scsi;

import static io.vireo.device.scsi.Command.ANY_STATE;

import io.vireo.scsi.ScsiPort;
import java.util.HashMap;
import java.util.List;

/** REPORT and SET TARGET PORT GROUPS (SPC-4, 6.37 and 6.45). */
final class PortGroupCommands {
    private static final int EXTENDED = 1;
    private static final int ALL_STATES = 0x0F;
    private static final int HEADER = 4;
    private static final int MAX_LIST = 1 << 16;

    private PortGroupCommands() {}

    static List<Command> all() {
        return List.of(
                Command.withAction(
                        "A3 EA 00 00 00 00 FF FF FF FF 00 00",
                        Access.STATUS,
                        ANY_STATE,
                        PortGroupCommands::report),
                Command.withAction(
                        "A4 0A 00 00 00 00 FF FF FF FF 00 00",
                        Access.WRITE,
                        ANY_STATE,
                        PortGroupCommands::set));
    }

    private static void report(Slot slot) {
        int format = slot.cdb()[1] >> 5 & 7;
        if (format > EXTENDED) {
            slot.invalidField(1);
            return;
        }
        PortGroups groups = slot.unit.portGroups();
        var reply = new Reply();
        reply.u32(0);
        if (format == EXTENDED) {
            reply.u8(EXTENDED << 4).u8(0).u16(0);
        }
        for (UnitTarget target : slot.unit.targets()) {
            int group = target.group();
            reply.u8(groups.state(target)).u8(ALL_STATES).u16(group).u8(0);
            List<ScsiPort> ports = target.ports();
            reply.u8(groups.cause(target)).u8(0).u8(ports.size());
            ports.forEach(port -> reply.u32(port.relativeId()));
        }
        reply.patch32(0, reply.length() - (long) HEADER);
        slot.reply(reply, Bytes.u32(slot.cdb(), 6));
    }

    private static void set(Slot slot) {
        long length = Bytes.u32(slot.cdb(), 6);
        if (length > MAX_LIST) {
            slot.invalidField(6);
            return;
        }
        byte[] list = slot.parameters(length);
        if (list == null) {
            return;
        }
        if (length != 0 && (length < HEADER || length % HEADER != 0)) {
            slot.fail(Sense.PARAMETER_LIST_LENGTH_ERROR);
            return;
        }
        for (int at = HEADER; at < list.length; at += HEADER) {
            int group = Bytes.u16(list, at + 2);
            if ((list[at] & 0x0F) > PortGroups.UNAVAILABLE) {
                slot.invalidParameter(at);
                return;
            }
            if (slot.unit.targets().stream().noneMatch(target -> target.group() == group)) {
                slot.invalidParameter(at + 2);
                return;
            }
        }
        apply(slot, list);
    }

    private static void apply(Slot slot, byte[] list) {
        PortGroups groups = slot.unit.portGroups();
        var states = new HashMap<Integer, Integer>();
        for (int at = HEADER; at < list.length; at += HEADER) {
            states.put(Bytes.u16(list, at + 2), list[at] & 0x0F);
        }
        boolean changed = false;
        for (UnitTarget target : slot.unit.targets()) {
            int before = groups.state(target);
            changed |= states.getOrDefault(target.group(), before) != before;
        }
        groups.set(states);
        if (changed) {
            slot.unit.attentionToOthers(slot.nexus(), Sense.ASYMMETRIC_ACCESS_STATE_CHANGED);
        }
        slot.good();
    }
}
