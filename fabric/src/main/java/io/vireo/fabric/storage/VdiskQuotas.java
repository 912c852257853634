package io.vireo.fabric.storage;

import io.vireo.resource.Metadata;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What a vDisk counts as in the quotas of the pool where it is and, while it is moved, of the one
 * where it goes. Thread safe.
 */
final class VdiskQuotas {
    private final Metadata metadata;
    private final Map<String, PoolQuotas.Use> uses = new LinkedHashMap<>();
    private boolean moving = true;

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
        }
    }

    /**
     * It becomes larger.
     *
     * @throws io.vireo.resource.ResourceException EXHAUSTED if a quota does not allow it
     */
    synchronized void grow(long size) {
        uses.values().forEach(use -> use.grow(size));
    }

    /** It is in a pool, and may be on its way to another one. Does not block. */
    synchronized void settle(String pool, boolean underWay) {
        if (underWay || !moving) {
            moving = underWay;
            return;
        }
        moving = false;
        uses.entrySet()
                .removeIf(each -> {
                    boolean elsewhere = !each.getKey().equals(pool);
                    if (elsewhere) {
                        each.getValue().close();
                    } else {
                        each.getValue().made();
                    }
                    return elsewhere;
                });
    }

    /** It is gone, or not in use any more. */
    synchronized void close() {
        uses.values().forEach(PoolQuotas.Use::close);
        uses.clear();
    }
}
