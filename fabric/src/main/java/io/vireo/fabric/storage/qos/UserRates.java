package io.vireo.fabric.storage.qos;

import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRatePolicy;
import io.vireo.block.BlockRates;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;

/**
 * The rates of a {@link DiskQosPolicy} for somebody who is no vDisk, and what each pool in which he
 * uses vDisks has promised him.
 */
final class UserRates implements BlockRates, DiskQosPolicy.User {
    private final String user;
    private final Runnable listener;
    private final LongSupplier nanoTime;
    private final RateSet rates;
    private final AtomicInteger settings = new AtomicInteger();
    private final List<PoolQos> pools = new CopyOnWriteArrayList<>();
    private volatile DiskQosPolicy policy;
    private volatile boolean closed;

    /** Puts the policy's rates into force. */
    UserRates(String user, DiskQosPolicy policy, Runnable listener, LongSupplier nanoTime) {
        this.user = user;
        this.policy = policy;
        this.listener = listener;
        this.nanoTime = nanoTime;
        rates = new RateSet(nanoTime.getAsLong());
        rates.change(policy.settings(), nanoTime.getAsLong());
    }

    /** For messages. */
    String name() {
        return user;
    }

    DiskQosPolicy policy() {
        return policy;
    }

    /** He uses vDisks of a pool. */
    void uses(PoolQos pool) {
        if (!pools.contains(pool)) {
            pools.add(pool);
        }
    }

    /** He uses none of it any more. */
    void leaves(PoolQos pool) {
        pools.remove(pool);
    }

    @Override
    public void admit(DiskQosPolicy changing, DiskQosSettings proposed) {
        // Rates are always to be had. The pools, which are users of the policy, too, know the rest.
    }

    @Override
    public void changed() {
        rates.change(policy.settings(), nanoTime.getAsLong());
        settings.incrementAndGet();
        listener.run();
    }

    @Override
    public void follow(BlockRatePolicy next) {
        if (!(next instanceof DiskQosPolicy other)) {
            throw new IllegalArgumentException(next.name() + " is not a policy of disks");
        }
        synchronized (Admission.ONE) {
            DiskQosSettings proposed = other.settings();
            pools.forEach(pool -> pool.admit(this, proposed));
            policy.removeUser(this);
            policy = other;
            other.addUser(this);
            changed();
            pools.forEach(PoolQos::changed);
        }
    }

    @Override
    public boolean limited() {
        return rates.limited();
    }

    @Override
    public long reservation() {
        return closed ? 0 : policy.settings().reservation();
    }

    /** The same, if a policy asked for something else. */
    long reservation(DiskQosPolicy changing, DiskQosSettings proposed) {
        return changing == policy && !closed ? proposed.reservation() : reservation();
    }

    @Override
    public int settings() {
        return settings.get();
    }

    @Override
    public long reserve(BlockOperation operation, long bytes, long now) {
        return now + rates.reserve(operation, bytes, now);
    }

    @Override
    public void giveBack(BlockOperation operation, long bytes) {
        rates.giveBack(operation, bytes);
    }

    @Override
    public void takeUnasked(BlockOperation operation, long bytes, long now) {
        rates.charge(operation, bytes, now);
    }

    @Override
    public void close() {
        closed = true;
        policy.removeUser(this);
        pools.forEach(PoolQos::changed);
    }
}
