package io.vireo.fabric.storage.pool;

import java.time.Duration;

/**
 * How a pool is run; may differ each time that it is opened.
 *
 * @param holdWhenFull how long writes wait for room before they fail
 * @param commitAfter how long a change of a map may wait for a flush before it is made durable
 *     anyway
 * @param events whom to tell
 */
public record PoolOptions(Duration holdWhenFull, Duration commitAfter, PoolEvents events) {
    /** Writes are held for 60 s, maps become durable after 1 s, nobody is told. */
    public static final PoolOptions DEFAULT =
            new PoolOptions(Duration.ofSeconds(60), Duration.ofSeconds(1), new PoolEvents() {});
}
