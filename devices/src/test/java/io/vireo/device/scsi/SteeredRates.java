package io.vireo.device.scsi;

import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRatePolicy;
import io.vireo.block.BlockRates;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

/** Rates that let everything pass or nothing. */
public final class SteeredRates implements BlockRates {
    private static final long HOUR = 3_600_000_000_000L;

    private final AtomicInteger settings = new AtomicInteger();
    final AtomicInteger places = new AtomicInteger();
    public final List<BlockOperation> unasked = new CopyOnWriteArrayList<>();
    final List<Long> bytes = new CopyOnWriteArrayList<>();
    volatile boolean limited = true;
    public volatile boolean shutReads = true;
    volatile boolean shutOthers = true;
    volatile long reservation;

    /** Another setting; who uses them has to be told. */
    public void change(Runnable what) {
        what.run();
        settings.incrementAndGet();
    }

    @Override
    public boolean limited() {
        return limited;
    }

    @Override
    public long reservation() {
        return reservation;
    }

    @Override
    public void follow(BlockRatePolicy policy) {
        throw new AssertionError(policy.name());
    }

    @Override
    public int settings() {
        return settings.get();
    }

    @Override
    public long reserve(BlockOperation operation, long moved, long now) {
        places.incrementAndGet();
        bytes.add(moved);
        boolean shut = operation == BlockOperation.READ ? shutReads : shutOthers;
        return shut ? now + HOUR : now;
    }

    @Override
    public void giveBack(BlockOperation operation, long moved) {
        places.decrementAndGet();
    }

    @Override
    public void takeUnasked(BlockOperation operation, long moved, long now) {
        unasked.add(operation);
    }

    @Override
    public void close() {}
}
