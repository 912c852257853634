package io.vireo.device.scsi;

import static io.vireo.device.scsi.Command.MODIFIES;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * POPULATE TOKEN and WRITE USING TOKEN (SBC-3, 5.6 and 5.45): what Windows copies by (ODX). A token
 * is good for whoever has it and sees the unit that it is of behind the target to which it goes.
 */
final class TokenCommands {
    /** Range descriptors at most. */
    static final int MAX_RANGES = 64;

    /** Bytes of one token, and of one write, at most. */
    static final long MAX_BYTES = 256 << 20;

    /** What is copied best in one go. */
    static final long OPTIMAL_BYTES = 64 << 20;

    /** Seconds without use after which a token is gone. */
    static final int DEFAULT_INACTIVITY = 60;

    static final int MAX_INACTIVITY = 300;

    private static final int POPULATE_HEADER = 16;
    private static final int WRITE_HEADER = 536;
    private static final int TOKEN = 16;
    private static final int RANGE = 16;
    private static final int IMMEDIATE = 0x01;
    private static final int TYPE_VALID = 0x02;
    private static final int DELETE = 0x02;

    private TokenCommands() {}

    static List<Command> all() {
        return List.of(
                Command.withAction(
                        "83 10 00 00 00 00 FF FF FF FF FF FF FF FF 3F 00",
                        Access.READ,
                        0,
                        TokenCommands::populate),
                Command.withAction(
                        "83 11 00 00 00 00 FF FF FF FF FF FF FF FF 3F 00",
                        Access.WRITE,
                        MODIFIES,
                        TokenCommands::writeUsing));
    }

    /** The parameter list; nothing: the slot has ended. */
    private static byte @Nullable [] parameters(Slot slot, int header) {
        long length = Bytes.u32(slot.cdb(), 10);
        if (length == 0) {
            slot.good();
            return null;
        }
        if (length < header || length > header + MAX_RANGES * RANGE) {
            slot.fail(Sense.PARAMETER_LIST_LENGTH_ERROR);
            return null;
        }
        byte[] list = slot.parameters(length);
        if (list == null) {
            return null;
        }
        if (Bytes.u16(list, 0) < header - 2 || Bytes.u16(list, 0) > length - 2) {
            slot.invalidParameter(0);
            return null;
        }
        if (slot.unit.copies().isBusy(slot.nexus(), listId(slot))) {
            slot.fail(Sense.OPERATION_IN_PROGRESS);
            return null;
        }
        return list;
    }

    private static long listId(Slot slot) {
        return Bytes.u32(slot.cdb(), 6);
    }

    /**
     * Reads range descriptors: offsets and ends in bytes, one after the other; nothing: the slot
     * has ended.
     *
     * @param header bytes before them, the last two of which are their length
     */
    private static long @Nullable [] ranges(Slot slot, byte[] list, int header) {
        int length = Bytes.u16(list, header - 2);
        if (length < RANGE || length > list.length - header) {
            slot.invalidParameter(header - 2);
            return null;
        }
        int count = length / RANGE;
        int shift = slot.unit.blockShift();
        long[] ranges = new long[2 * count];
        long sum = 0;
        for (int i = 0; i < count; i++) {
            int at = header + i * RANGE;
            long lba = Bytes.u64(list, at);
            long blocks = Bytes.u32(list, at + 8);
            if (BlockCommands.outside(slot, lba, blocks)) {
                return null;
            }
            ranges[2 * i] = lba << shift;
            ranges[2 * i + 1] = lba + blocks << shift;
            sum += blocks << shift;
            if (overlaps(ranges, i)) {
                slot.invalidParameter(at);
                return null;
            }
        }
        if (sum > MAX_BYTES) {
            slot.invalidParameter(header - 2);
            return null;
        }
        return ranges;
    }

    /** Whether the last range has a block that another one has; empty ones have none. */
    private static boolean overlaps(long[] ranges, int last) {
        for (int i = 0; i < last; i++) {
            long begin = Math.max(ranges[2 * i], ranges[2 * last]);
            if (begin < Math.min(ranges[2 * i + 1], ranges[2 * last + 1])) {
                return true;
            }
        }
        return false;
    }

    private static void populate(Slot slot) {
        byte[] list = parameters(slot, POPULATE_HEADER);
        if (list == null) {
            return;
        }
        long type = (list[2] & TYPE_VALID) == 0 ? 0 : Bytes.u32(list, 8);
        long timeout = Bytes.u32(list, 4);
        if (type != 0 && type != RodToken.CHANGE_VULNERABLE) {
            slot.fail(Sense.UNSUPPORTED_TOKEN_TYPE);
            return;
        }
        if (timeout > MAX_INACTIVITY) {
            slot.invalidParameter(4);
            return;
        }
        long[] ranges = ranges(slot, list, POPULATE_HEADER);
        if (ranges != null) {
            // It is made at once: whether the initiator waits makes no difference.
            new CopyOperation(slot, CopyOperation.POPULATE_TOKEN, listId(slot), false, () -> {})
                    .made(
                            slot.unit
                                    .tokens()
                                    .make(
                                            slot.nexus().initiator(),
                                            ranges,
                                            timeout == 0 ? DEFAULT_INACTIVITY : timeout));
        }
    }

    private static void writeUsing(Slot slot) {
        byte[] list = parameters(slot, WRITE_HEADER);
        if (list == null) {
            return;
        }
        long[] ranges = ranges(slot, list, WRITE_HEADER);
        if (ranges == null) {
            return;
        }
        boolean immediate = (list[2] & IMMEDIATE) != 0;
        byte[] token = Arrays.copyOfRange(list, TOKEN, TOKEN + RodToken.LENGTH);
        if (Bytes.u32(token, 0) == RodToken.ZERO) {
            var operation = operation(slot, immediate, () -> {});
            var segments = new ArrayList<CopySegment>();
            for (int i = 0; i < ranges.length; i += 2) {
                long length = ranges[i + 1] - ranges[i];
                segments.add(new CopySegment(null, 0, slot.nexus(), ranges[i], length, null));
            }
            slot.unit.copies().start(operation, segments);
        } else {
            byBearer(slot, list, ranges, token, immediate);
        }
    }

    private static CopyOperation operation(Slot slot, boolean immediate, Runnable whenDone) {
        return slot.unit
                .copies()
                .begin(
                        new CopyOperation(
                                slot,
                                CopyOperation.WRITE_USING_TOKEN,
                                listId(slot),
                                immediate,
                                whenDone));
    }

    /** Asks the unit that the token is of, if this initiator sees it. */
    private static void byBearer(
            Slot slot, byte[] list, long[] ranges, byte[] token, boolean immediate) {
        LogicalUnit unit = slot.unit;
        long start = Bytes.u64(list, 8);
        if (start < 0 || start > MAX_BYTES >> unit.blockShift()) {
            slot.invalidParameter(8);
            return;
        }
        var write = new TokenWrite(slot, token, ranges, start << unit.blockShift());
        boolean delete = (list[2] & DELETE) != 0;
        write.begin(operation(slot, immediate, delete ? write::deleteToken : () -> {}));
    }
}
