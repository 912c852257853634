package io.vireo.fabric.storage.crypto;

import java.util.Optional;

/** Where the master keys of a pool come from. Whoever fetches one closes it after use. */
public interface MasterKeys {
    /**
     * The key by which data keys are wrapped.
     *
     * @throws io.vireo.resource.ResourceException if it cannot be had, with a sentence
     */
    MasterKey current();

    /** The key by which they were wrapped before, as long as it is needed; empty: none is named. */
    Optional<MasterKey> previous();
}
