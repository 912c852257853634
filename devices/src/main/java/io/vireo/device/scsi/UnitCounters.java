package io.vireo.device.scsi;

import io.vireo.block.LatencyHistogram;
import java.util.ArrayList;
import java.util.List;

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

    private final LatencyHistogram reads = new LatencyHistogram(System.nanoTime());
    private final LatencyHistogram writes = new LatencyHistogram(System.nanoTime());

    // Both guarded by this.
    private final List<UnitMeter> open = new ArrayList<>();
    private final long[] closed = new long[UnitMeter.CELLS];

    UnitCounters() {}

    /** A nexus begins to use the LUN. */
    synchronized UnitMeter open() {
        var meter = new UnitMeter(reads.recorder(), writes.recorder());
        open.add(meter);
        return meter;
    }

    /** The nexus uses it no more. */
    synchronized void close(UnitMeter meter) {
        if (open.remove(meter)) {
            for (int i = 0; i < closed.length; i++) {
                closed[i] += meter.cell(i);
            }
            reads.close(meter.reads);
            writes.close(meter.writes);
        }
    }

    private synchronized long sum(int cell) {
        long sum = closed[cell];
        for (UnitMeter meter : open) {
            sum += meter.cell(cell);
        }
        return sum;
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
        return sum(UnitMeter.COMMANDS);
    }

    /** Bytes that initiators got, those of parameters included. */
    public long bytesRead() {
        return sum(UnitMeter.READ_BYTES);
    }

    /** Bytes that initiators sent with commands that ended well, those of parameters included. */
    public long bytesWritten() {
        return sum(UnitMeter.WRITTEN_BYTES);
    }

    /** Commands that ended with a status without sense data: busy, full, in conflict. */
    public long refused() {
        return sum(UnitMeter.REFUSED);
    }

    /** Commands that ended with CHECK CONDITION and this sense key. */
    public long errors(int key) {
        return sum(UnitMeter.ERRORS + key);
    }
}
