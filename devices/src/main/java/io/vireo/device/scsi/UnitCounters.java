package io.vireo.device.scsi;

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

    private final LongAdder commands = new LongAdder();
    private final LongAdder read = new LongAdder();
    private final LongAdder written = new LongAdder();
    private final LongAdder refused = new LongAdder();
    private final LongAdder[] errors = new LongAdder[KEYS.length];

    UnitCounters() {
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
        } else if (task.status() == ScsiStatus.CHECK_CONDITION && task.senseLength() > 2) {
            byte[] sense = task.sense();
            boolean descriptor = (sense[0] & 0x7F) >= DESCRIPTOR;
            errors[sense[descriptor ? 1 : 2] & KEY].increment();
        } else {
            refused.increment();
        }
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
