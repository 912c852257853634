package io.vireo.device.virtio;

import io.vireo.block.PoolSpace;
import io.vireo.testkit.EmptyPool;

/** A pool that has as much room as the test says, and nothing in it. */
public final class FakePool extends EmptyPool {
    /** What it says of its room; at first it has no limit. */
    public volatile PoolSpace space = new PoolSpace(0, 0);

    @Override
    public PoolSpace space() {
        return space;
    }

    @Override
    public int warnPercent() {
        return 80;
    }
}
