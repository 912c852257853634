package io.vireo.fabric.storage;

import io.vireo.block.BlockVolume;
import io.vireo.resource.Metadata;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a vDisk counts as in the quotas of the pool where it is and, while it is moved, of the one
 * where it goes. Thread safe.
 */
final class VdiskQuotas {
    private final Metadata metadata;
    private final Map<String, PoolQuotas.Use> uses = new LinkedHashMap<>();

    /** What is bounded by quotas: the volume that it is. */
    private @Nullable BlockVolume bound;

    /** Whether it may count in a pool where it is not. */
    private boolean unsettled;

    /** Whether it counts in a pool where it is to be, and has not been told to go there. */
    private boolean awaited;

    /** Number of what has happened that makes what was seen before old. */
    private long events;

    VdiskQuotas(Metadata metadata) {
        this.metadata = metadata;
    }

    /**
     * Counts it in a pool; nothing happens if it counts there already.
     *
     * @param there whether it was counted before, perhaps by an earlier daemon
     * @throws io.vireo.resource.ResourceException EXHAUSTED if a quota does not allow it
     */
    synchronized void add(String pool, PoolQuotas quotas, long size, boolean there) {
        if (!uses.containsKey(pool)) {
            uses.put(pool, quotas.add(metadata.name(), metadata.labels(), size, there));
            // Also if it is there before anybody has looked.
            unsettled = true;
        }
        awaited = true;
        events++;
    }

    /** It was told to go where it was {@link #add added} last, and is on its way or there. */
    synchronized void begun() {
        awaited = false;
        events++;
    }

    /** To be taken before one looks where it is, for {@link #settle}. */
    synchronized long events() {
        return events;
    }

    /**
     * It becomes larger.
     *
     * @throws io.vireo.resource.ResourceException EXHAUSTED if a quota does not allow it
     */
    synchronized void grow(long size) {
        uses.values().forEach(use -> use.grow(size));
    }

    /**
     * It is a volume in a pool, and may be on its way to another one, or leave something behind.
     * Does not block.
     *
     * @param seen {@link #events} before one looked: what has become old meanwhile takes it out of
     *     no pool
     */
    synchronized void settle(long seen, String pool, BlockVolume volume, boolean underWay) {
        if (volume != bound) {
            bound = volume;
            Optional.ofNullable(uses.get(pool)).ifPresent(PoolQuotas.Use::made);
        }
        if (underWay) {
            unsettled = true;
        } else if (unsettled && !awaited && seen == events) {
            unsettled = false;
            uses.entrySet().stream()
                    .filter(each -> !each.getKey().equals(pool))
                    .forEach(each -> each.getValue().close());
            uses.keySet().retainAll(Set.of(pool));
        }
    }

    /** It is gone, or not in use any more. */
    synchronized void close() {
        uses.values().forEach(PoolQuotas.Use::close);
        uses.clear();
    }
}
