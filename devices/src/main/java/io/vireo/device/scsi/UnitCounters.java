package io.vireo.device.scsi;

import io.vireo.block.LatencyHistogram;
import io.vireo.scsi.ScsiStatus;
import io.vireo.scsi.ScsiTask;
import java.util.concurrent.atomic.LongAdder;

/** What was done at a LUN of a target, by all of its nexuses. Any thread. */
public final class UnitCounters {
    /** Names of sense keys (SPC-4, 4.5.6), by their numbers. */
    private static final String[] KEYS = {
        "no_sense",
        "recovered_error",
        "not_ready",
        "medium_error",
        "hardware_error",
        "illegal_request",
        "unit_attention",
        "data_protect",
        "blank_check",
        "vendor_specific",
        "copy_aborted",
        "aborted_command",
        "reserved",
        "volume_overflow",
        "miscompare",
        "completed"
    };

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

    private final LatencyHistogram reads;
    private final LatencyHistogram writes;
    private final LongAdder commands = new LongAdder();
    private final LongAdder read = new LongAdder();
    private final LongAdder written = new LongAdder();
    private final LongAdder refused = new LongAdder();
    private final LongAdder[] errors = new LongAdder[KEYS.length];

    UnitCounters() {
        long now = System.nanoTime();
        reads = new LatencyHistogram(now);
        writes = new LatencyHistogram(now);
        for (int i = 0; i < errors.length; i++) {
            errors[i] = new LongAdder();
        }
    }

    /** A command has ended, with a status. */
    void ended(ScsiTask task) {
        commands.increment();
        if (task.outcome() != ScsiTask.Outcome.COMPLETED) {
            return;
        }
        if (task.status() == ScsiStatus.GOOD) {
            read.add(task.dataInLength());
            written.add(task.dataOutWanted());
            timed(task);
        } else if (task.status() == ScsiStatus.CHECK_CONDITION && task.senseLength() > 2) {
            byte[] sense = task.sense();
            boolean descriptor = (sense[0] & 0x7F) >= DESCRIPTOR;
            errors[sense[descriptor ? 1 : 2] & KEY].increment();
        } else {
            refused.increment();
        }
    }

    private void timed(ScsiTask task) {
        int sort = sort(task.cdb());
        if (sort != OTHER) {
            (sort == READ ? reads : writes).record(System.nanoTime() - task.submittedAt());
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

    /** How long READs took that ended well, from when they were submitted. */
    public LatencyHistogram reads() {
        return reads;
    }

    /** As {@link #reads}, of WRITEs. */
    public LatencyHistogram writes() {
        return writes;
    }

    /** Names of sense keys, by their numbers. */
    public static String keyName(int key) {
        return KEYS[key];
    }

    /** How many sense keys there are. */
    public static int keys() {
        return KEYS.length;
    }

    /** Commands that have ended. */
    public long commands() {
        return commands.sum();
    }

    /** Bytes that initiators got, those of parameters included. */
    public long bytesRead() {
        return read.sum();
    }

    /** Bytes that initiators sent with commands that ended well, those of parameters included. */
    public long bytesWritten() {
        return written.sum();
    }

    /** Commands that ended with a status without sense data: busy, full, in conflict. */
    public long refused() {
        return refused.sum();
    }

    /** Commands that ended with CHECK CONDITION and this sense key. */
    public long errors(int key) {
        return errors[key].sum();
    }
}
