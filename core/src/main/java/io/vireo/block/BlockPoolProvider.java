package io.vireo.block;

import io.vireo.resource.spec.PoolSpec;

/** Opens one type of pool. Found by {@link java.util.ServiceLoader}. */
public interface BlockPoolProvider {
    /** The type that it opens. */
    PoolSpec.Type type();

    /**
     * Opens a pool.
     *
     * @param spec of a pool of this type
     * @param create whether the place may be made; false if it has existed before
     * @throws io.vireo.resource.ResourceException if the host refuses, with a message that says
     *     what to do
     */
    BlockPool open(PoolSpec spec, boolean create);
}
