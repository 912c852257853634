package io.vireo.fabric.storage.pool;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Of a volume with checksums: which ranges are being changed, and which units may be. A checksum is
 * that of one write; so changes of the same blocks go one after the other.
 */
final class VolumeSums {
    private final List<SummedOp> locked = new ArrayList<>();
    private final List<SummedOp> waiting = new ArrayList<>();
    private final LongMap<SumUnit> units = new LongMap<>();

    /** Blocks that were found marked at opening. */
    private final LongQueue foundMarked = new LongQueue();

    /** Locks the range of a request; false: it waits for others. */
    boolean lock(SummedOp op) {
        if (overlaps(locked, locked.size(), op) || overlaps(waiting, waiting.size(), op)) {
            waiting.add(op);
            return false;
        }
        locked.add(op);
        return true;
    }

    /**
     * Unlocks the range of a request.
     *
     * @param next gets those that have locked theirs now
     */
    void unlock(SummedOp op, List<SummedOp> next) {
        locked.remove(op);
        for (int i = 0; i < waiting.size(); ) {
            SummedOp each = waiting.get(i);
            if (overlaps(locked, locked.size(), each) || overlaps(waiting, i, each)) {
                i++;
            } else {
                waiting.remove(i);
                locked.add(each);
                next.add(each);
            }
        }
    }

    private static boolean overlaps(List<SummedOp> list, int count, SummedOp op) {
        for (int i = 0; i < count; i++) {
            SummedOp each = list.get(i);
            if (each.from() < op.end() && op.from() < each.end()) {
                return true;
            }
        }
        return false;
    }

    @Nullable SumUnit unit(long number) {
        return units.get(number);
    }

    /** The unit of a block. */
    @Nullable SumUnit unitOf(long block) {
        return units.isEmpty() ? null : units.get(block / SumUnit.BLOCKS);
    }

    void add(SumUnit unit) {
        units.put(unit.number, unit);
    }

    void remove(SumUnit unit) {
        units.remove(unit.number);
    }

    /** A block was found at opening that may not match its checksum. */
    void foundMarked(long block) {
        foundMarked.add(block);
    }

    LongQueue foundMarked() {
        return foundMarked;
    }
}
