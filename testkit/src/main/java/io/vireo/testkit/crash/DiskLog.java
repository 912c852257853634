package io.vireo.testkit.crash;

import io.vireo.block.BlockOperation;
import java.util.ArrayList;
import java.util.List;

/**
 * What happened on a set of disks, in order, with data: each submission and each completion of a
 * WRITE, WRITE_ZEROES, DISCARD and FLUSH. Also the one clock of a run: every event, those of
 * clients included, has its own time.
 */
public final class DiskLog {
    /** Later than everything. */
    public static final int NEVER = Integer.MAX_VALUE;

    /** Bytes of the smallest sectors. */
    static final int SECTOR = 512;

    /** An operation on a disk. */
    static final class Io {
        final int disk;
        final BlockOperation operation;
        final long offset;
        final byte[] data;
        final long length;
        final boolean durable;

        /** Bytes of the disk's sectors, each of which is changed as a whole or not at all. */
        int physicalBlock = SECTOR;

        int submitted = NEVER;
        int completed = NEVER;

        /** Whether a flush does what it says. */
        boolean honest = true;

        /** Bytes of it that took effect; less than {@code length} if a fault cut it short. */
        long effective;

        Io(
                int disk,
                BlockOperation operation,
                long offset,
                long length,
                byte[] data,
                boolean durable) {
            this.disk = disk;
            this.operation = operation;
            this.offset = offset;
            this.length = length;
            this.data = data;
            this.durable = durable;
            effective = length;
        }

        /** Changes an image like this operation does; the first so many bytes of it. */
        void apply(DiskImage image, long bytes) {
            apply(image, 0, bytes);
        }

        /** Changes an image like a part of this operation does. */
        void apply(DiskImage image, long from, long bytes) {
            if (operation == BlockOperation.WRITE) {
                image.write(offset + from, data, (int) from, (int) bytes);
            } else if (operation != BlockOperation.FLUSH) {
                image.zero(offset + from, bytes);
            }
        }

        @Override
        public String toString() {
            return "%s %d+%d%s of disk %d at %d..%s"
                    .formatted(
                            operation,
                            offset,
                            length,
                            durable ? " FUA" : "",
                            disk,
                            submitted,
                            completed == NEVER ? "" : completed);
        }
    }

    /** One event: the submission or the completion of an operation. */
    record Event(int time, Io io, boolean completion) {}

    private final List<Event> events = new ArrayList<>();
    private int forgotten;
    private int clock;

    /** The time of something that happens now; no two are the same. */
    public int tick() {
        return clock++;
    }

    /** How many events there were so far. */
    int size() {
        return forgotten + events.size();
    }

    /** One of them that is not forgotten. */
    Event event(int index) {
        return events.get(index - forgotten);
    }

    /** Gives back the memory of all events before one. */
    void forget(int index) {
        events.subList(0, index - forgotten).clear();
        forgotten = index;
    }

    void submitted(Io io) {
        io.submitted = tick();
        events.add(new Event(io.submitted, io, false));
    }

    void completed(Io io) {
        io.completed = tick();
        events.add(new Event(io.completed, io, true));
    }
}
