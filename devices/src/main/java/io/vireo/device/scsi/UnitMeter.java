package io.vireo.device.scsi;

import io.vireo.block.LatencyHistogram;
import io.vireo.scsi.ScsiStatus;
import io.vireo.scsi.ScsiTask;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * Counts what a nexus does at a LUN: {@link #ended} on the reactor of the nexus, all else from any
 * thread. Plain additions; an atomic one would wait for all that was stored before it.
 */
final class UnitMeter {
    static final int COMMANDS = 0;
    static final int READ_BYTES = 1;
    static final int WRITTEN_BYTES = 2;
    static final int REFUSED = 3;

    /** The first of the sense keys. */
    static final int ERRORS = 4;

    static final int CELLS = ERRORS + UnitCounters.keys();

    private static final VarHandle CELL = MethodHandles.arrayElementVarHandle(long[].class);

    private static final int DESCRIPTOR = 0x72;
    private static final int KEY = 0x0F;

    /** What {@link #SORT} says of commands that are no READ and no WRITE. */
    private static final byte OTHER = 0;

    private static final byte READ = 1;
    private static final byte WRITE = 2;
    private static final int LONG_COMMAND = 0x7F;
    private static final int READ_32 = 0x0009;
    private static final int WRITE_32 = 0x000B;
    private static final int WRITE_AND_VERIFY_32 = 0x000C;

    /** By operation code; WRITE AND VERIFY and WRITE ATOMIC are writes. */
    private static final byte[] SORT = new byte[256];

    static {
        for (int read : new int[] {0x08, 0x28, 0x88, 0xA8}) {
            SORT[read] = READ;
        }
        for (int write : new int[] {0x0A, 0x2A, 0x2E, 0x8A, 0x8E, 0x9C, 0xAA, 0xAE}) {
            SORT[write] = WRITE;
        }
    }

    private final long[] cells = new long[CELLS];
    final LatencyHistogram.Recorder reads;
    final LatencyHistogram.Recorder writes;

    UnitMeter(LatencyHistogram.Recorder reads, LatencyHistogram.Recorder writes) {
        this.reads = reads;
        this.writes = writes;
    }

    /**
     * A command has ended; one that was taken back is counted when it comes again.
     *
     * @param now {@link System#nanoTime}
     */
    void ended(ScsiTask task, long now) {
        if (task.outcome() == ScsiTask.Outcome.TAKEN_BACK) {
            return;
        }
        add(COMMANDS, 1);
        if (task.outcome() != ScsiTask.Outcome.COMPLETED) {
            return;
        }
        if (task.status() == ScsiStatus.GOOD) {
            add(READ_BYTES, task.dataInLength());
            if (task.dataOutWanted() > 0) {
                add(WRITTEN_BYTES, task.dataOutWanted());
            }
            timed(task, now);
        } else if (task.status() == ScsiStatus.CHECK_CONDITION && task.senseLength() > 2) {
            byte[] sense = task.sense();
            boolean descriptor = (sense[0] & 0x7F) >= DESCRIPTOR;
            add(ERRORS + (sense[descriptor ? 1 : 2] & KEY), 1);
        } else {
            add(REFUSED, 1);
        }
    }

    private void timed(ScsiTask task, long now) {
        int sort = sort(task.cdb());
        if (sort != OTHER) {
            (sort == READ ? reads : writes).record(now - task.submittedAt());
        }
    }

    private static int sort(byte[] cdb) {
        int code = cdb[0] & 0xFF;
        if (code != LONG_COMMAND) {
            return SORT[code];
        }
        int action = Bytes.u16(cdb, 8);
        return switch (action) {
            case READ_32 -> READ;
            case WRITE_32, WRITE_AND_VERIFY_32 -> WRITE;
            default -> OTHER;
        };
    }

    private void add(int cell, long amount) {
        CELL.setOpaque(cells, cell, cells[cell] + amount);
    }

    /** One of the counts. */
    long cell(int cell) {
        return (long) CELL.getOpaque(cells, cell);
    }
}
