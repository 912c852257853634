package io.vireo.device.scsi;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** All commands of direct access block devices, by operation code and service action. */
final class CommandTable {
    /** The one table. */
    static final CommandTable ALL =
            new CommandTable(
                    List.of(
                            UnitCommands.all(),
                            InquiryCommands.all(),
                            ModeCommands.all(),
                            LogCommands.all(),
                            BlockCommands.all(),
                            VerifyCommands.all(),
                            LongCommands.all(),
                            ProvisioningCommands.all(),
                            AtomicCommands.all(),
                            WipeCommands.all(),
                            BufferCommands.all(),
                            ReportCommands.all(),
                            PortGroupCommands.all(),
                            ReservationCommands.all(),
                            ExtendedCopyCommands.all(),
                            TokenCommands.all(),
                            CopyResultCommands.all()));

    private static final int ACTIONS = 32;

    private final List<Command> commands = new ArrayList<>();
    private final @Nullable Command[] plain = new Command[256];
    private final @Nullable Command[] actions = new Command[256 * ACTIONS];
    private final boolean[] hasActions = new boolean[256];

    private CommandTable(List<List<Command>> families) {
        for (List<Command> family : families) {
            family.forEach(this::add);
        }
    }

    private void add(Command command) {
        commands.add(command);
        if (command.hasServiceAction()) {
            hasActions[command.opcode()] = true;
            actions[command.opcode() * ACTIONS + command.serviceAction()] = command;
        } else {
            plain[command.opcode()] = command;
        }
    }

    /** All of them, in no particular order. */
    List<Command> commands() {
        return commands;
    }

    /** Whether commands of this operation code have service actions. */
    boolean hasActions(int opcode) {
        return hasActions[opcode];
    }

    /** The command of an operation code without service actions. */
    @Nullable Command plain(int opcode) {
        return plain[opcode];
    }

    /** The command of an operation code and a service action. */
    @Nullable Command action(int opcode, int action) {
        return action >= ACTIONS ? null : actions[opcode * ACTIONS + action];
    }

    /** The command that a CDB asks for, in an array of at least ten bytes. */
    @Nullable Command find(byte[] cdb) {
        int opcode = cdb[0] & 0xFF;
        Command command = plain[opcode];
        return command != null ? command : action(opcode, Command.actionOf(cdb));
    }
}
