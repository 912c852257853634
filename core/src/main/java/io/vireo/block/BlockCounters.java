package io.vireo.block;

/**
 * What a block device has done.
 *
 * @param reads READ requests that ended
 * @param readBytes bytes read by those that succeeded
 * @param writes WRITE requests that ended
 * @param writtenBytes bytes written by those that succeeded
 * @param flushes FLUSH requests that ended
 * @param discards DISCARD requests that ended
 * @param writeZeroes WRITE_ZEROES requests that ended
 * @param errors requests that ended in anything but {@link BlockStatus#OK} or {@link
 *     BlockStatus#CANCELLED}
 * @param noSpace of these, requests that ended in {@link BlockStatus#NO_SPACE}
 */
public record BlockCounters(
        long reads,
        long readBytes,
        long writes,
        long writtenBytes,
        long flushes,
        long discards,
        long writeZeroes,
        long errors,
        long noSpace) {
    /** Nothing done. */
    public static final BlockCounters ZERO = new BlockCounters(0, 0, 0, 0, 0, 0, 0, 0, 0);

    /** The sum of both. */
    public BlockCounters plus(BlockCounters other) {
        return new BlockCounters(
                reads + other.reads,
                readBytes + other.readBytes,
                writes + other.writes,
                writtenBytes + other.writtenBytes,
                flushes + other.flushes,
                discards + other.discards,
                writeZeroes + other.writeZeroes,
                errors + other.errors,
                noSpace + other.noSpace);
    }

    /** What was done since {@code other} was taken. */
    public BlockCounters minus(BlockCounters other) {
        return new BlockCounters(
                reads - other.reads,
                readBytes - other.readBytes,
                writes - other.writes,
                writtenBytes - other.writtenBytes,
                flushes - other.flushes,
                discards - other.discards,
                writeZeroes - other.writeZeroes,
                errors - other.errors,
                noSpace - other.noSpace);
    }
}
