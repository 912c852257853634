package io.vireo.fabric.storage.qos;

import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRates;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;

/** The rates of a {@link DiskQosPolicy} for somebody who is no vDisk, and has no part of a pool. */
final class UserRates implements BlockRates, DiskQosPolicy.User {
    private final String user;
    private final DiskQosPolicy policy;
    private final Runnable listener;
    private final LongSupplier nanoTime;
    private final RateSet rates;
    private final AtomicInteger settings = new AtomicInteger();

    /**
     * Puts the policy's rates into force.
     *
     * @throws IllegalArgumentException if it reserves something
     */
    UserRates(String user, DiskQosPolicy policy, Runnable listener, LongSupplier nanoTime) {
        this.user = user;
        this.policy = policy;
        this.listener = listener;
        this.nanoTime = nanoTime;
        rates = new RateSet(nanoTime.getAsLong());
        admit(policy, policy.settings());
        rates.change(policy.settings(), nanoTime.getAsLong());
    }

    @Override
    public void admit(DiskQosPolicy changing, DiskQosSettings proposed) {
        if (proposed.reservation() != 0) {
            throw new IllegalArgumentException(
                    "policy "
                            + changing.name()
                            + " has a reservation, which is a part of a pool and for vDisks only: give "
                            + user
                            + " a policy without one");
        }
    }

    @Override
    public void changed() {
        rates.change(policy.settings(), nanoTime.getAsLong());
        settings.incrementAndGet();
        listener.run();
    }

    @Override
    public boolean limited() {
        return rates.limited();
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
        policy.removeUser(this);
    }
}
