package io.vireo.fabric.storage;

import io.vireo.fabric.storage.format.PoolOwner;
import io.vireo.fabric.storage.pool.MirrorOptions;
import io.vireo.fabric.storage.pool.PoolOptions;
import io.vireo.reactor.Reactor;
import io.vireo.resource.Progress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Where and how a pool is opened.
 *
 * @param location for people
 * @param holdWhenFull how long requests wait for room
 * @param surviving a directory on tmpfs, see {@link PoolOptions}
 * @param owner who opens it
 * @param copies that the pool keeps
 * @param leaving paths of disks that are to be emptied
 * @param scrubs what is kept of the pool's
 * @param told of how much of the maps has been read
 */
record DisksPlace(
        String location,
        Reactor home,
        Duration holdWhenFull,
        Path surviving,
        PoolOwner owner,
        int copies,
        MirrorOptions mirrors,
        Set<String> leaving,
        ScrubRecord scrubs,
        Consumer<Progress> told) {}
