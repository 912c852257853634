package io.vireo.device.scsi;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * What became of copy operations: RECEIVE COPY STATUS, DATA, FAILURE DETAILS and OPERATING
 * PARAMETERS, RECEIVE ROD TOKEN INFORMATION (SPC-4, 6.22 to 6.28).
 */
final class CopyResultCommands {
    private static final int DONE = 0x01;
    private static final int FAILED = 0x02;
    private static final int IN_FOREGROUND = 0x11;
    private static final int IN_BACKGROUND = 0x12;

    /** Transfer counts are in bytes. */
    private static final int BYTES = 0x00;

    /** Transfer counts are in logical blocks. */
    private static final int BLOCKS = 0xF1;

    private static final int KIBIBYTES = 0x01;
    private static final int SUPPORTS_NO_LIST_ID = 0x01;
    private static final int SENSE_ROOM = 32;

    /** Milliseconds after which it is worth to ask again. */
    private static final int UPDATE_DELAY = 100;

    private CopyResultCommands() {}

    static List<Command> all() {
        return List.of(
                lid1(0x00, CopyResultCommands::status1),
                lid1(0x01, CopyResultCommands::data1),
                Command.withAction(
                        "84 03 00 00 00 00 00 00 00 00 FF FF FF FF 00 00",
                        Access.WRITE,
                        0,
                        CopyResultCommands::parameters),
                lid1(0x04, CopyResultCommands::failure1),
                lid4(0x05, (reply, operation) -> Optional.of(reply)),
                // Nothing is ever held: no operation reads to inline data.
                lid4(0x06, (reply, operation) -> Optional.of(reply.u32(0))),
                lid4(0x07, CopyResultCommands::token));
    }

    private static Command lid1(int action, Handler handler) {
        return Command.withAction(
                "84 0" + action + " FF 00 00 00 00 00 00 00 FF FF FF FF 00 00",
                Access.WRITE,
                0,
                handler);
    }

    /** What follows the status of an operation; nothing: it is of another kind. */
    private interface Tail {
        Optional<Reply> append(Reply status, CopyOperation operation);
    }

    private static Command lid4(int action, Tail tail) {
        return Command.withAction(
                "84 0" + action + " FF FF FF FF 00 00 00 00 FF FF FF FF 00 00",
                Access.WRITE,
                0,
                slot -> status4(slot, tail));
    }

    private static Optional<CopyOperation> operation(Slot slot, long id) {
        Optional<CopyOperation> found =
                Optional.ofNullable(slot.unit.copies().find(slot.nexus(), id));
        if (found.isEmpty()) {
            slot.invalidField(2);
        }
        return found;
    }

    private static void answer(Slot slot, Reply reply) {
        reply.patch32(0, reply.length() - 4L);
        slot.reply(reply, Bytes.u32(slot.cdb(), 10));
    }

    private static int progress(CopyOperation operation) {
        return switch (operation.progress()) {
            case WAITING, RUNNING -> 0;
            case DONE -> DONE;
            case FAILED -> FAILED;
        };
    }

    // List identifiers of one byte.

    private static void status1(Slot slot) {
        operation(slot, Bytes.u8(slot.cdb(), 2))
                .ifPresent(operation -> {
                    var reply = new Reply(12);
                    reply.u32(0).u8(progress(operation)).u16(operation.processed());
                    long bytes = operation.transferred();
                    boolean fits = bytes <= 0xFFFF_FFFFL;
                    reply.u8(fits ? BYTES : KIBIBYTES).u32(fits ? bytes : bytes >> 10);
                    answer(slot, reply);
                });
    }

    private static void data1(Slot slot) {
        operation(slot, Bytes.u8(slot.cdb(), 2)).ifPresent(_ -> answer(slot, new Reply(4).u32(0)));
    }

    private static void failure1(Slot slot) {
        operation(slot, Bytes.u8(slot.cdb(), 2))
                .ifPresent(operation -> {
                    var reply = new Reply().u32(0);
                    if (operation.problem() != Sense.NONE) {
                        byte[] sense = sense(operation);
                        reply.zeroes(52).u8(FAILED).u8(0).u16(sense.length).bytes(sense);
                    }
                    answer(slot, reply);
                });
    }

    private static byte[] sense(CopyOperation operation) {
        byte[] sense = new byte[64];
        int length =
                Sense.write(
                        sense, false, operation.problem(), Sense.NO_INFORMATION, Sense.NO_SPECIFIC);
        return Arrays.copyOf(sense, length);
    }

    private static void parameters(Slot slot) {
        long mostBlocks = 0xFFFF;
        var reply = new Reply(48);
        reply.u32(0).u8(SUPPORTS_NO_LIST_ID).u24(0);
        reply.u16(ExtendedCopyCommands.MAX_CSCDS).u16(ExtendedCopyCommands.MAX_SEGMENTS);
        reply.u32(ExtendedCopyCommands.MAX_LIST).u32(mostBlocks * slot.unit.blockSize());
        reply.u32(0).u32(0).u32(0).u16(0).u16(CopyManager.CONCURRENT);
        reply.u8(CopyManager.CONCURRENT).u8(slot.unit.blockShift()).u8(0).u8(0).u24(0);
        reply.u8(2).u8(ExtendedCopyCommands.BLOCKS_TO_BLOCKS);
        answer(slot, reply.u8(ExtendedCopyCommands.IDENTIFICATION));
    }

    // List identifiers of four bytes.

    private static void status4(Slot slot, Tail tail) {
        operation(slot, Bytes.u32(slot.cdb(), 2))
                .ifPresent(operation -> {
                    Optional<Reply> reply = tail.append(status(slot, operation), operation);
                    reply.ifPresentOrElse(all -> answer(slot, all), () -> slot.invalidField(2));
                });
    }

    private static Reply status(Slot slot, CopyOperation operation) {
        var reply = new Reply(600);
        int progress = progress(operation);
        if (progress == 0) {
            progress = operation.isInBackground() ? IN_BACKGROUND : IN_FOREGROUND;
        }
        byte[] sense = operation.problem() == Sense.NONE ? new byte[0] : sense(operation);
        reply.u32(0).u8(operation.serviceAction).u8(progress).u16(0);
        reply.u32(operation.hasEnded() ? 0 : UPDATE_DELAY);
        reply.u8(sense.length == 0 ? 0 : 2).u8(SENSE_ROOM).u8(sense.length).u8(BLOCKS);
        RodToken made = operation.token();
        long bytes = made == null ? operation.transferred() : made.length();
        reply.u64(bytes >> slot.unit.blockShift()).u16(operation.processed()).zeroes(6);
        return reply.bytes(Arrays.copyOf(sense, SENSE_ROOM));
    }

    private static Optional<Reply> token(Reply reply, CopyOperation operation) {
        if (operation.serviceAction < CopyOperation.POPULATE_TOKEN) {
            return Optional.empty();
        }
        RodToken made = operation.token();
        return Optional.of(
                made == null
                        ? reply.u32(0)
                        : reply.u32(RodToken.LENGTH + 2L).u16(0).bytes(made.bytes()));
    }
}
