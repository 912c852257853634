package io.vireo.fabric.storage.pool;

import io.vireo.fabric.storage.format.PoolOwner;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * How a pool is run; may differ each time that it is opened.
 *
 * @param holdWhenFull how long writes wait for room before they fail
 * @param commitAfter how long a change of a map may wait for a flush before it is made durable
 *     anyway
 * @param events whom to tell
 * @param surviving a directory on tmpfs that outlives the process: with it, a process that is
 *     killed loses no write that was acknowledged. Empty: it may lose those that no flush covered,
 *     as a loss of power may
 * @param mirrors how mirrored members are run
 * @param owner who opens it: says so on the members, looks whether another host has taken them, and
 *     lets no other have them while it lives. Empty: nobody else can reach them
 */
public record PoolOptions(
        Duration holdWhenFull,
        Duration commitAfter,
        PoolEvents events,
        Optional<Path> surviving,
        MirrorOptions mirrors,
        Optional<PoolOwner> owner) {
    /** Writes are held for 60 s, maps become durable after 1 s, nobody is told. */
    public static final PoolOptions DEFAULT =
            new PoolOptions(Duration.ofSeconds(60), Duration.ofSeconds(1), new PoolEvents() {});

    /** Options of a pool of which nothing outlives the process but what is durable. */
    public PoolOptions(Duration holdWhenFull, Duration commitAfter, PoolEvents events) {
        this(holdWhenFull, commitAfter, events, Optional.empty());
    }

    /** Options with the usual ones for mirrored members. */
    public PoolOptions(
            Duration holdWhenFull,
            Duration commitAfter,
            PoolEvents events,
            Optional<Path> surviving) {
        this(holdWhenFull, commitAfter, events, surviving, MirrorOptions.DEFAULT, Optional.empty());
    }

    /** The same with other options for mirrored members. */
    public PoolOptions with(MirrorOptions options) {
        return new PoolOptions(holdWhenFull, commitAfter, events, surviving, options, owner);
    }

    /** The same by somebody. */
    public PoolOptions by(PoolOwner somebody) {
        return new PoolOptions(
                holdWhenFull, commitAfter, events, surviving, mirrors, Optional.of(somebody));
    }
}
