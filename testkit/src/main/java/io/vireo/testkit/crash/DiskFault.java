package io.vireo.testkit.crash;

import io.vireo.block.BlockStatus;

/** What goes wrong with one request to a {@link SimulatedDisk}. */
public sealed interface DiskFault {
    /** Nothing. */
    record None() implements DiskFault {}

    /** It ends with an error after the first so many bytes took effect. */
    record Fails(BlockStatus status, long bytes) implements DiskFault {}

    /** WRITE: only the first so many bytes take effect, and it says that all did. */
    record Torn(long bytes) implements DiskFault {}

    /** WRITE: it takes effect somewhere else. */
    record Misdirected(long offset) implements DiskFault {}

    /** READ: one bit is wrong. */
    record BitFlip(int bit) implements DiskFault {}

    /** READ: gives what the medium held at the last {@link SimulatedDisk#markStale}. */
    record Stale() implements DiskFault {}

    /** FLUSH: says that it did, and did nothing. */
    record Lies() implements DiskFault {}

    /** Does not end before {@link SimulatedDisk#release}. */
    record Stalls() implements DiskFault {}

    /** Does not end before so many nanoseconds of the reactor's clock have passed. */
    record Delays(long nanos) implements DiskFault {}

    DiskFault NONE = new None();

    /** The medium failed. */
    static DiskFault eio() {
        return new Fails(BlockStatus.IO_ERROR, 0);
    }
}
