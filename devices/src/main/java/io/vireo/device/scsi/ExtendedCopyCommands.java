package io.vireo.device.scsi;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * EXTENDED COPY with list identifiers of one byte and of four, and COPY OPERATION ABORT (SPC-4,
 * 6.4, 6.5 and 6.3): from blocks to blocks, between logical units that the initiator sees behind
 * this target.
 */
final class ExtendedCopyCommands {
    /** CSCD descriptors of one operation at most. */
    static final int MAX_CSCDS = 8;

    /** Segment descriptors of one operation at most. */
    static final int MAX_SEGMENTS = 64;

    /** Block device to block device. */
    static final int BLOCKS_TO_BLOCKS = 0x02;

    /** Identification CSCD descriptor. */
    static final int IDENTIFICATION = 0xE4;

    /** CSCD descriptor identifier of the unit that the command was sent to. */
    static final int OWN_UNIT = 0xFFFF;

    static final int CSCD = 32;
    static final int SEGMENT = 28;

    /** Bytes of all descriptors at most. */
    static final int MAX_LIST = MAX_CSCDS * CSCD + MAX_SEGMENTS * SEGMENT;

    private static final int HEADER_LID1 = 16;
    private static final int HEADER_LID4 = 48;
    private static final int NO_LIST_ID = 3;
    private static final int RESERVED_USAGE = 1;
    private static final int IMMEDIATE = 0x01;
    private static final int G_SENSE = 0x02;
    private static final int DESTINATION_COUNT = 0x02;
    private static final int PERIPHERAL_TYPE = 0x1F;

    private ExtendedCopyCommands() {}

    static List<Command> all() {
        return List.of(
                Command.withAction(
                        "83 00 00 00 00 00 00 00 00 00 FF FF FF FF 00 00",
                        Access.WRITE,
                        0,
                        ExtendedCopyCommands::lid1),
                Command.withAction(
                        "83 01 00 00 00 00 00 00 00 00 FF FF FF FF 00 00",
                        Access.WRITE,
                        0,
                        ExtendedCopyCommands::lid4),
                Command.withAction(
                        "83 1C FF FF FF FF 00 00 00 00 00 00 00 00 00 00",
                        Access.WRITE,
                        0,
                        ExtendedCopyCommands::abort));
    }

    /** What a parameter list asks for. */
    private record Request(
            byte[] list, int cscds, int cscdLength, int segmentLength, long listId, int usage) {
        int segments() {
            return cscds + cscdLength;
        }
    }

    private static void lid1(Slot slot) {
        byte[] list = parameters(slot, HEADER_LID1);
        if (list == null) {
            return;
        }
        if (Bytes.u32(list, 12) != 0) {
            slot.fail(Sense.INLINE_DATA_LENGTH_EXCEEDED);
            return;
        }
        long segments = Bytes.u32(list, 8);
        if (segments > MAX_LIST) {
            slot.fail(Sense.PARAMETER_LIST_LENGTH_ERROR);
            return;
        }
        var request =
                new Request(
                        list,
                        HEADER_LID1,
                        Bytes.u16(list, 2),
                        (int) segments,
                        Bytes.u8(list, 0),
                        list[1] >> 3 & 3);
        if (request.usage == NO_LIST_ID && request.listId != 0) {
            slot.invalidParameter(0);
            return;
        }
        check(slot, request, CopyOperation.LID1, false);
    }

    private static void lid4(Slot slot) {
        byte[] list = parameters(slot, HEADER_LID4);
        if (list == null) {
            return;
        }
        if (list[0] != 1) {
            slot.invalidParameter(0);
        } else if (Bytes.u16(list, 2) != CSCD) {
            slot.invalidParameter(2);
        } else if ((list[15] & G_SENSE) != 0) {
            slot.invalidParameter(15);
        } else if (Bytes.u8(list, 16) != 0xFF) {
            slot.invalidParameter(16);
        } else if (Bytes.u16(list, 46) != 0) {
            slot.fail(Sense.INLINE_DATA_LENGTH_EXCEEDED);
        } else {
            var request =
                    new Request(
                            list,
                            HEADER_LID4,
                            Bytes.u16(list, 42),
                            Bytes.u16(list, 44),
                            Bytes.u32(list, 20),
                            list[1] >> 3 & 3);
            check(slot, request, CopyOperation.LID4, (list[15] & IMMEDIATE) != 0);
        }
    }

    /** The parameter list; nothing: the slot has ended. */
    private static byte @Nullable [] parameters(Slot slot, int header) {
        long length = Bytes.u32(slot.cdb(), 10);
        if (length == 0) {
            slot.good();
            return null;
        }
        if (length < header || length > header + MAX_LIST) {
            slot.fail(Sense.PARAMETER_LIST_LENGTH_ERROR);
            return null;
        }
        return slot.parameters(length);
    }

    private static void check(Slot slot, Request request, int action, boolean immediate) {
        byte[] list = request.list;
        int end = request.segments() + request.segmentLength;
        if (request.usage == RESERVED_USAGE) {
            slot.invalidParameter(1);
        } else if (end > list.length || request.cscdLength % CSCD != 0) {
            slot.fail(Sense.PARAMETER_LIST_LENGTH_ERROR);
        } else if (request.cscdLength / CSCD > MAX_CSCDS) {
            slot.fail(Sense.TOO_MANY_CSCD_DESCRIPTORS);
        } else if (checkDescriptors(slot, request, end)) {
            begin(slot, request, action, immediate);
        }
    }

    private static boolean checkDescriptors(Slot slot, Request request, int end) {
        byte[] list = request.list;
        for (int at = request.cscds; at < request.segments(); at += CSCD) {
            if (Bytes.u8(list, at) != IDENTIFICATION) {
                slot.fail(Sense.UNSUPPORTED_CSCD_DESCRIPTOR);
                return false;
            }
        }
        int count = 0;
        for (int at = request.segments(); at < end; at += SEGMENT) {
            if (list[at] != BLOCKS_TO_BLOCKS) {
                slot.fail(Sense.UNSUPPORTED_SEGMENT_DESCRIPTOR);
                return false;
            }
            if (end - at < SEGMENT) {
                slot.fail(Sense.PARAMETER_LIST_LENGTH_ERROR);
                return false;
            }
            if (Bytes.u16(list, at + 2) != SEGMENT - 4) {
                slot.invalidParameter(at + 2);
                return false;
            }
            if (++count > MAX_SEGMENTS) {
                slot.fail(Sense.TOO_MANY_SEGMENT_DESCRIPTORS);
                return false;
            }
        }
        return true;
    }

    private static void begin(Slot slot, Request request, int action, boolean immediate) {
        LogicalUnit unit = slot.unit;
        boolean named = request.usage != NO_LIST_ID;
        if (named && unit.copies().isBusy(slot.nexus(), request.listId)) {
            slot.fail(Sense.OPERATION_IN_PROGRESS);
            return;
        }
        long id = named ? request.listId : CopyManager.UNNAMED;
        CopyOperation operation =
                unit.copies().begin(new CopyOperation(slot, action, id, immediate, () -> {}));
        UnitNexus own = slot.nexus();
        own.nexus.look(unit.owner(), seen -> resolve(unit, operation, request, own, seen));
    }

    /** All that the segments mean is known before the first one is copied. */
    private static void resolve(
            LogicalUnit unit,
            CopyOperation operation,
            Request request,
            UnitNexus own,
            List<UnitNexus> seen) {
        var segments = new ArrayList<CopySegment>();
        int end = request.segments() + request.segmentLength;
        for (int at = request.segments(); at < end; at += SEGMENT) {
            Resolved from = cscd(request, Bytes.u16(request.list, at + 4), own, seen);
            Resolved to = cscd(request, Bytes.u16(request.list, at + 6), own, seen);
            int problem = from.problem != Sense.NONE ? from.problem : to.problem;
            if (from.unit == null || to.unit == null) {
                operation.end(problem);
                return;
            }
            CopySegment segment = segment(request.list, at, from.unit, to.unit);
            if (segment == null) {
                operation.end(Sense.COPY_ABORTED);
                return;
            }
            segments.add(segment);
        }
        unit.copies().start(operation, segments);
    }

    /** A unit, or why there is none. */
    private record Resolved(@Nullable UnitNexus unit, int problem) {
        static Resolved none(int problem) {
            return new Resolved(null, problem);
        }
    }

    private static Resolved cscd(Request request, int index, UnitNexus own, List<UnitNexus> seen) {
        if (index == OWN_UNIT) {
            return new Resolved(own, Sense.NONE);
        }
        if (index >= request.cscdLength / CSCD) {
            return Resolved.none(Sense.COPY_TARGET_NOT_REACHABLE);
        }
        byte[] list = request.list;
        int at = request.cscds + index * CSCD;
        if ((list[at + 1] & PERIPHERAL_TYPE) != InquiryCommands.DISK) {
            return Resolved.none(Sense.INCORRECT_COPY_TARGET_TYPE);
        }
        for (UnitNexus unit : seen) {
            if (unit.unit.identity().isNamed(list, at + 4)) {
                return Bytes.u24(list, at + 29) == unit.unit.blockSize()
                        ? new Resolved(unit, Sense.NONE)
                        : Resolved.none(Sense.INVALID_FIELD_IN_PARAMETER_LIST);
            }
        }
        return Resolved.none(Sense.COPY_TARGET_NOT_REACHABLE);
    }

    /** What a segment descriptor asks for; nothing: it leaves the medium. */
    private static @Nullable CopySegment segment(
            byte[] list, int at, UnitNexus from, UnitNexus to) {
        int counted =
                (list[at + 1] & DESTINATION_COUNT) == 0
                        ? from.unit.blockSize()
                        : to.unit.blockSize();
        long length = (long) Bytes.u16(list, at + 10) * counted;
        long fromBlock = Bytes.u64(list, at + 12);
        long toBlock = Bytes.u64(list, at + 20);
        boolean whole = length % from.unit.blockSize() == 0 && length % to.unit.blockSize() == 0;
        if (!whole || !isInside(from, fromBlock, length) || !isInside(to, toBlock, length)) {
            return null;
        }
        return new CopySegment(
                from,
                fromBlock << from.unit.blockShift(),
                to,
                toBlock << to.unit.blockShift(),
                length,
                null);
    }

    private static boolean isInside(UnitNexus unit, long lba, long length) {
        long blocks = length >> unit.unit.blockShift();
        return lba >= 0 && lba <= unit.unit.blocks() - blocks;
    }

    private static void abort(Slot slot) {
        CopyOperation operation = slot.unit.copies().find(slot.nexus(), Bytes.u32(slot.cdb(), 2));
        if (operation == null || operation.hasEnded()) {
            slot.invalidField(2);
            return;
        }
        slot.unit.copies().abort(operation);
        slot.good();
    }
}
