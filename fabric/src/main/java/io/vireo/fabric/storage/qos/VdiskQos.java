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
    private final String name;
    private final PoolQos pool;
    private final DiskUsers users;
    private final RateSet rates;

    /** Channels that have requests waiting for their turn. */
    private final AtomicInteger backlogged = new AtomicInteger();

    private final List<QosChannel> channels = new CopyOnWriteArrayList<>();
    private final LongAdder waits = new LongAdder();
    private final LongAdder waitedNanos = new LongAdder();
    private volatile DiskQosSettings settings = DiskQosSettings.NONE;

    /** Its own policy; empty: the pool's. Guarded by the pool. */
    private Optional<DiskQosPolicy> own;

    VdiskQos(String name, PoolQos pool, Optional<DiskQosPolicy> own, DiskUsers users, long now) {
        this.users = users;
        this.name = name;
        this.pool = pool;
        this.own = own;
        rates = new RateSet(now);
    }

    /**
     * What the requests of a vDisk met with.
     *
     * @param waits how many were held back since it was opened
     * @param waitedNanos how long those waited, all together
     * @param waiting how many wait now
     */
    public record Counts(long waits, long waitedNanos, int waiting) {}

    /** What its requests met with so far. Any thread. */
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
        synchronized (Admission.ONE) {
            pool.change(this, policy);
        }
    }

    /** It is closed: what it had reserved is free. */
    public void close() {
        users.leave(this);
    }

    String name() {
        return name;
    }

    /** The pool that it is in. */
    public PoolQos pool() {
        return pool;
    }

    /** Who has rates of its own for its requests, wherever it is. */
    DiskUsers users() {
        return users;
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
        rates.change(changed, now);
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
        return rates.limited() || pool.iops() != 0;
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
        return rates.admits(operation, now);
    }

    /** Nanoseconds until {@link #admits} may be true; 0 if it is. */
    long opensIn(BlockOperation operation, long now) {
        return rates.opensIn(operation, now);
    }

    /** A request passes. */
    void take(BlockRequest request, long now) {
        rates.take(request.operation(), request.moved(), now, Long.MAX_VALUE);
    }

    /** A request passes whatever the rates say. */
    void takeUnasked(BlockRequest request, long now) {
        rates.take(request.operation(), request.moved(), now, RateSet.DRAIN_DEBT_NANOS);
    }

    /** A request had to wait. */
    void waited(long nanos) {
        waits.increment();
        waitedNanos.add(nanos);
    }
}
