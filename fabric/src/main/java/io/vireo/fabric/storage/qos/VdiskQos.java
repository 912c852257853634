package io.vireo.fabric.storage.qos;

import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;

/** The rates of one vDisk, for all its channels, and what they did to its requests. Any thread. */
public final class VdiskQos {
    /** A request that ends a front end's patience is owed for no longer than this. */
    private static final long DRAIN_DEBT_NANOS = 1_000_000_000;

    private final String name;
    private final PoolQos pool;
    private final SharedRate readOps;
    private final SharedRate readBytes;
    private final SharedRate writeOps;
    private final SharedRate writeBytes;
    private final SharedRate totalOps;
    private final SharedRate totalBytes;

    /** Channels that have requests waiting for their turn. */
    private final AtomicInteger backlogged = new AtomicInteger();

    private final List<QosChannel> channels = new CopyOnWriteArrayList<>();
    private final LongAdder waits = new LongAdder();
    private final LongAdder waitedNanos = new LongAdder();
    private volatile DiskQosSettings settings = DiskQosSettings.NONE;
    private volatile boolean limited;

    /** Its own policy; empty: the pool's. Guarded by the pool. */
    private Optional<DiskQosPolicy> own;

    VdiskQos(String name, PoolQos pool, Optional<DiskQosPolicy> own, long now) {
        this.name = name;
        this.pool = pool;
        this.own = own;
        readOps = new SharedRate(now);
        readBytes = new SharedRate(now);
        writeOps = new SharedRate(now);
        writeBytes = new SharedRate(now);
        totalOps = new SharedRate(now);
        totalBytes = new SharedRate(now);
    }

    /** What the requests of a vDisk met with since it was opened. */
    public record Counts(long waits, long waitedNanos, int waiting) {}

    public Counts counts() {
        int waiting = 0;
        for (var channel : channels) {
            waiting += channel.waiting();
        }
        return new Counts(waits.sum(), waitedNanos.sum(), waiting);
    }

    /** Name of the policy in force; empty: none. */
    public Optional<String> policyName() {
        return pool.policyOf(this).map(DiskQosPolicy::name);
    }

    /** The settings in force. */
    public DiskQosSettings settings() {
        return settings;
    }

    /**
     * Gives it its own policy, or takes it away.
     *
     * @throws IllegalArgumentException if the pool has no room for it; nothing has changed
     */
    public void change(Optional<DiskQosPolicy> policy) {
        pool.change(this, policy);
    }

    /** It is closed: what it had reserved is free. */
    public void close() {
        pool.remove(this);
    }

    String name() {
        return name;
    }

    /** The pool that it is in. */
    public PoolQos pool() {
        return pool;
    }

    Optional<DiskQosPolicy> own() {
        return own;
    }

    void own(Optional<DiskQosPolicy> policy) {
        own = policy;
    }

    /** Puts settings into force. */
    void apply(DiskQosSettings changed, long now) {
        settings = changed;
        readOps.change(changed.read().iops(), changed.read().iopsBurst(), now);
        readBytes.change(changed.read().bandwidth(), changed.read().bandwidthBurst(), now);
        writeOps.change(changed.write().iops(), changed.write().iopsBurst(), now);
        writeBytes.change(changed.write().bandwidth(), changed.write().bandwidthBurst(), now);
        totalOps.change(changed.total().iops(), changed.total().iopsBurst(), now);
        totalBytes.change(changed.total().bandwidth(), changed.total().bandwidthBurst(), now);
        limited = changed.limited();
        wakeChannels();
    }

    /** Those who sleep until their old rate lets them go on look again. */
    void wakeChannels() {
        channels.forEach(QosChannel::lookAgain);
    }

    void opened(QosChannel channel) {
        channels.add(channel);
    }

    void closed(QosChannel channel) {
        channels.remove(channel);
    }

    /** Whether requests have to ask at all. */
    boolean inForce() {
        return limited || pool.iops() != 0;
    }

    /** Channels that share its rates and shares now, at least 1. */
    int backloggedChannels() {
        return Math.max(backlogged.get(), 1);
    }

    void backlogBegins() {
        backlogged.incrementAndGet();
    }

    void backlogEnds() {
        backlogged.decrementAndGet();
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

    /** A request passes. */
    void take(BlockRequest request, long now) {
        take(request, now, Long.MAX_VALUE);
    }

    /** A request passes whatever the rates say. */
    void takeUnasked(BlockRequest request, long now) {
        take(request, now, DRAIN_DEBT_NANOS);
    }

    private void take(BlockRequest request, long now, long debtNanos) {
        if (!limited) {
            return;
        }
        BlockOperation operation = request.operation();
        long bytes = bytes(request);
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

    /** Bytes that a request moves: what it frees or zeroes it does not move. */
    static long bytes(BlockRequest request) {
        return switch (request.operation()) {
            case READ, WRITE -> request.length();
            case FLUSH, DISCARD, WRITE_ZEROES -> 0;
        };
    }

    /** A request had to wait. */
    void waited(long nanos) {
        waits.increment();
        waitedNanos.add(nanos);
    }
}
