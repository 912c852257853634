package io.vireo.block;

/** Is told when {@link BlockDevice#writeThrough} has changed. */
@FunctionalInterface
public interface CacheModeListener {
    /**
     * It has changed. On any thread; does not block.
     *
     * @param taken to be run, on any thread, when whoever is served goes by it: until then writes
     *     end no sooner than when they are durable
     */
    void changed(Runnable taken);
}
