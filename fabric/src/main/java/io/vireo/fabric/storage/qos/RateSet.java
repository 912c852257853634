package io.vireo.fabric.storage.qos;

import io.vireo.block.BlockOperation;

/** The rates of {@link DiskQosSettings}, in use: of reads, of all else, and of both. Any thread. */
final class RateSet {
    /** A request that ends a front end's patience is owed for no longer than this. */
    static final long DRAIN_DEBT_NANOS = 1_000_000_000;

    private final SharedRate readOps;
    private final SharedRate readBytes;
    private final SharedRate writeOps;
    private final SharedRate writeBytes;
    private final SharedRate totalOps;
    private final SharedRate totalBytes;
    private volatile boolean limited;

    /** Without bounds; {@code now} is in nanoseconds. */
    RateSet(long now) {
        readOps = new SharedRate(now);
        readBytes = new SharedRate(now);
        writeOps = new SharedRate(now);
        writeBytes = new SharedRate(now);
        totalOps = new SharedRate(now);
        totalBytes = new SharedRate(now);
    }

    /** Puts settings into force. */
    void change(DiskQosSettings changed, long now) {
        change(readOps, readBytes, changed.read(), now);
        change(writeOps, writeBytes, changed.write(), now);
        change(totalOps, totalBytes, changed.total(), now);
        limited = changed.limited();
    }

    private static void change(
            SharedRate ops, SharedRate bytes, DiskQosSettings.Rates to, long now) {
        ops.change(to.iops(), to.iopsBurst(), now);
        bytes.change(to.bandwidth(), to.bandwidthBurst(), now);
    }

    /** Whether any rate is bounded. */
    boolean limited() {
        return limited;
    }

    /** Whether the rates let a request of this operation pass now. */
    boolean admits(BlockOperation operation, long now) {
        if (!limited) {
            return true;
        }
        boolean some =
                operation == BlockOperation.READ
                        ? readOps.inCredit(now) && readBytes.inCredit(now)
                        : writeOps.inCredit(now) && writeBytes.inCredit(now);
        return some && totalOps.inCredit(now) && totalBytes.inCredit(now);
    }

    /** Nanoseconds until {@link #admits} may be true; 0 if it is. */
    long opensIn(BlockOperation operation, long now) {
        if (!limited) {
            return 0;
        }
        long some =
                operation == BlockOperation.READ
                        ? Math.max(readOps.opensIn(now), readBytes.opensIn(now))
                        : Math.max(writeOps.opensIn(now), writeBytes.opensIn(now));
        return Math.max(some, Math.max(totalOps.opensIn(now), totalBytes.opensIn(now)));
    }

    /** A request passes; what is owed for earlier ones does not become more than this. */
    void take(BlockOperation operation, long bytes, long now, long debtNanos) {
        if (!limited) {
            return;
        }
        if (operation == BlockOperation.READ) {
            readOps.take(1, now, debtNanos);
            readBytes.take(bytes, now, debtNanos);
        } else {
            writeOps.take(1, now, debtNanos);
            writeBytes.take(bytes, now, debtNanos);
        }
        totalOps.take(1, now, debtNanos);
        totalBytes.take(bytes, now, debtNanos);
    }

    /** Takes the next place in all rates; returns the nanoseconds until it is there. */
    long reserve(BlockOperation operation, long bytes, long now) {
        boolean reads = operation == BlockOperation.READ;
        long some =
                Math.max(
                        (reads ? readOps : writeOps).reserve(1, now),
                        (reads ? readBytes : writeBytes).reserve(bytes, now));
        long all = Math.max(totalOps.reserve(1, now), totalBytes.reserve(bytes, now));
        return Math.max(some, all);
    }

    /** A request passes out of turn; where much is owed for earlier ones, it does for free. */
    void charge(BlockOperation operation, long bytes, long now) {
        boolean reads = operation == BlockOperation.READ;
        (reads ? readOps : writeOps).charge(1, now, DRAIN_DEBT_NANOS);
        (reads ? readBytes : writeBytes).charge(bytes, now, DRAIN_DEBT_NANOS);
        totalOps.charge(1, now, DRAIN_DEBT_NANOS);
        totalBytes.charge(bytes, now, DRAIN_DEBT_NANOS);
    }

    /** Takes {@link #reserve} back. */
    void giveBack(BlockOperation operation, long bytes) {
        boolean reads = operation == BlockOperation.READ;
        (reads ? readOps : writeOps).giveBack(1);
        (reads ? readBytes : writeBytes).giveBack(bytes);
        totalOps.giveBack(1);
        totalBytes.giveBack(bytes);
    }
}
