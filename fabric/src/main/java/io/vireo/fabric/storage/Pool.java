package io.vireo.fabric.storage;

import io.vireo.block.BlockPool;
import io.vireo.block.PoolSpace;
import io.vireo.resource.Metric;
import io.vireo.resource.Realization;
import io.vireo.resource.Status;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;

/** A pool that is open. */
final class Pool implements Realization {
    static final String CAPACITY = "capacityBytes";
    static final String FREE = "freeBytes";

    private final BlockPool pool;

    Pool(BlockPool pool) {
        this.pool = pool;
    }

    @Override
    public <T> Optional<T> contract(Class<T> type) {
        return type == BlockPool.class ? Optional.of(type.cast(pool)) : Optional.empty();
    }

    @Override
    public Status status() {
        PoolSpace space = pool.space();
        var attributes = new LinkedHashMap<String, String>();
        attributes.put("location", pool.location());
        if (space.capacityBytes() == 0) {
            return new Status(List.of(), attributes, List.of());
        }
        attributes.put(CAPACITY, Long.toString(space.capacityBytes()));
        attributes.put(FREE, Long.toString(space.freeBytes()));
        return new Status(
                List.of(),
                attributes,
                List.of(
                        Metric.gauge(
                                "capacity_bytes",
                                "Size of what holds the pool.",
                                space.capacityBytes()),
                        Metric.gauge(
                                "free_bytes",
                                "Room that vDisks can still take.",
                                space.freeBytes())));
    }

    @Override
    public void close(Runnable onClosed) {
        pool.close();
        onClosed.run();
    }
}
