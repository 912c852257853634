package io.vireo.block;

/**
 * How a pool that keeps everything on several disks stands.
 *
 * @param copies that it keeps
 * @param inSync whether all of them hold everything
 * @param message what is wrong and what to do, in one sentence; empty: nothing
 * @param copiedBytes of what disks that came back or are new lack
 * @param toCopyBytes all that they lack; 0: nothing is copied
 * @param bytesPerSecond what was copied per second so far; 0: not known yet
 * @param stallSeconds how long a disk may leave a request without an answer
 */
public record PoolRedundancy(
        int copies,
        boolean inSync,
        String message,
        long copiedBytes,
        long toCopyBytes,
        long bytesPerSecond,
        long stallSeconds) {}
