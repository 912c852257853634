package io.vireo.fabric.storage.pool;

import java.util.HashSet;
import java.util.Set;

/** What checksums have brought to light; each place is told of once. */
final class SumFindings {
    /** Places that are remembered, so that a client that tries again is not told of again. */
    private static final int REMEMBERED = 10_000;

    private final PoolEvents events;
    private final Set<String> told = new HashSet<>();
    private long wrong;
    private long repaired;

    SumFindings(PoolEvents events) {
        this.events = events;
    }

    /** A block does not match, and there is no copy that does. */
    void wrong(String volume, long offset) {
        if (isNew("wrong", volume, offset)) {
            wrong++;
            events.damaged(
                    volume,
                    offset,
                    "4 KiB at byte %d of volume %s do not match their checksum and cannot be read; write them anew, or restore the volume, and check the disks"
                            .formatted(offset, volume));
        }
    }

    /** A block did not match; it has been written anew from another copy. */
    void repaired(String volume, long offset) {
        repaired++;
        told.remove(key("wrong", volume, offset));
        events.repaired(
                volume,
                offset,
                "4 KiB at byte %d of volume %s did not match their checksum on one disk and were written anew from another; check the disks"
                        .formatted(offset, volume));
    }

    /** A chunk or block cannot be read at all, or one copy of it cannot. */
    void unreadable(String volume, long offset) {
        if (isNew("unreadable", volume, offset)) {
            wrong++;
            events.damaged(
                    volume,
                    offset,
                    "a disk cannot read what is at byte %d of volume %s; write it anew or restore the volume, and replace the disk"
                            .formatted(offset, volume));
        }
    }

    /** Copies of a block without a checksum differ. */
    void different(String volume, long offset) {
        if (isNew("different", volume, offset)) {
            events.damaged(
                    volume,
                    offset,
                    "copies of the 4 KiB at byte %d of volume %s differ, and without a checksum nobody knows which is right; write them anew, and check the disks"
                            .formatted(offset, volume));
        }
    }

    private boolean isNew(String what, String volume, long offset) {
        return told.size() < REMEMBERED && told.add(key(what, volume, offset));
    }

    private static String key(String what, String volume, long offset) {
        return what + " " + volume + " " + offset;
    }

    /** Blocks that cannot be read. */
    long wrongBlocks() {
        return wrong;
    }

    /** Blocks that were repaired. */
    long repairedBlocks() {
        return repaired;
    }
}
