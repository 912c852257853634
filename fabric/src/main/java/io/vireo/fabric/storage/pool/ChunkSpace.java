package io.vireo.fabric.storage.pool;

import io.vireo.fabric.storage.format.PoolFormat;
import io.vireo.fabric.storage.map.ChunkCounts;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Which chunks are used, how often, and which can be handed out. A chunk that nobody uses any more
 * is <em>dirty</em> when the journal has the record that freed it and no request can reach it any
 * more; it is <em>clean</em> when it has been zeroed durably. Only clean chunks, and those that
 * were never used, are handed out for data.
 */
final class ChunkSpace implements ChunkCounts {
    /** What no chunk is. */
    static final long NONE = -1;

    private static final int TAKEN = 253;
    private static final int METADATA = 254;
    private static final int OVERFLOW = 255;

    private final boolean striped;
    private final Epochs epochs;
    private final List<ChunkArea> areas = new ArrayList<>();
    private final Map<Long, Integer> overflow = new HashMap<>();
    private LongQueue dropped = new LongQueue();
    private LongQueue sealed = new LongQueue();

    /** Chunks whose record is durable, and for each the epoch that has to drain. */
    private final LongQueue aging = new LongQueue();

    private final LongQueue agingEpochs = new LongQueue();

    private long unused;
    private long total;
    private int draining;
    private final Placement ofMetadata = new Placement(0);
    private boolean opening = true;

    ChunkSpace(boolean striped, Epochs epochs) {
        this.striped = striped;
        this.epochs = epochs;
    }

    void addArea(ChunkArea area) {
        areas.add(area);
        total += area.chunks();
        unused += area.chunks();
    }

    /** A member has more chunks, durably. */
    void grow(int member, long chunks, long mark) {
        if (areas.get(member).isDraining()) {
            return;
        }
        long more = areas.get(member).grow(chunks, mark);
        total += more;
        unused += more;
    }

    ChunkArea area(int member) {
        return areas.get(member);
    }

    int areas() {
        return areas.size();
    }

    /**
     * Chunks that nothing uses, whether they can be handed out yet or not; without those that could
     * not be zeroed.
     */
    long unused() {
        return unused;
    }

    long total() {
        return total;
    }

    private void changeUnused(ChunkArea area, int change) {
        area.unused(change);
        // What a member that is drained has does not count any more.
        unused += area.isDraining() ? 0 : change;
    }

    /** Chunks of a member could not be zeroed, and are out of use. */
    void broke(int member, long count) {
        ChunkArea area = areas.get(member);
        area.broke(count);
        unused -= area.isDraining() ? 0 : count;
    }

    /** Everything is to leave a member, or is to stay after all. */
    void drain(int member, boolean on) {
        ChunkArea area = areas.get(member);
        area.draining(on);
        draining += on ? 1 : -1;
        unused += on ? -area.unused() : area.unused();
        total += on ? -area.chunks() : area.chunks();
    }

    /** Whether nobody may change the chunk in place because its member is drained. */
    boolean isLeaving(long chunk) {
        return draining > 0 && area(PoolFormat.member(chunk)).isDraining();
    }

    /** A member that was drained has left. */
    void remove(int member) {
        areas.set(member, new ChunkArea(areas.get(member).dataStart(), 0, 0));
        draining--;
    }

    /**
     * All counts are right, and are kept from here on.
     *
     * @param zeroed whether what nothing uses reads as zeroes
     */
    void opened(boolean zeroed) {
        opening = false;
        for (ChunkArea area : areas) {
            area.foundUnused(zeroed);
        }
    }

    /** How many entries refer to the chunk. */
    int users(long chunk) {
        int count = area(PoolFormat.member(chunk)).count(PoolFormat.index(chunk));
        return switch (count) {
            case OVERFLOW -> overflow.getOrDefault(chunk, 0);
            case TAKEN, METADATA -> 0;
            default -> count;
        };
    }

    boolean isMetadata(long chunk) {
        return area(PoolFormat.member(chunk)).count(PoolFormat.index(chunk)) == METADATA;
    }

    @Override
    public void add(long chunk) {
        // Counts are not kept while the journal is replayed but made from the maps that come of it.
        if (!opening) {
            count(chunk);
        }
    }

    /** One more entry refers to the chunk. */
    void count(long chunk) {
        ChunkArea area = area(PoolFormat.member(chunk));
        long index = PoolFormat.index(chunk);
        int count = area.count(index);
        if (count == OVERFLOW) {
            overflow.merge(chunk, 1, Integer::sum);
        } else if (count == TAKEN - 1) {
            area.count(index, OVERFLOW);
            overflow.put(chunk, TAKEN);
        } else {
            if (count == 0) {
                changeUnused(area, -1);
            }
            area.count(index, count == TAKEN ? 1 : count + 1);
        }
    }

    /**
     * One entry less refers to the chunk, which counts as soon as that is durable. Before, the
     * state that a loss of power brings back has the entry, so that nobody else may have the chunk
     * for himself and change it.
     */
    @Override
    public void drop(long chunk) {
        if (!opening) {
            dropped.add(chunk);
        }
    }

    /** Counts one entry less; how many are left. */
    private int discount(long chunk) {
        ChunkArea area = area(PoolFormat.member(chunk));
        long index = PoolFormat.index(chunk);
        int count = area.count(index);
        if (count == OVERFLOW) {
            int left = overflow.merge(chunk, -1, Integer::sum);
            if (left < TAKEN) {
                overflow.remove(chunk);
                area.count(index, left);
            }
            return left;
        }
        area.count(index, count - 1);
        if (count == 1) {
            changeUnused(area, 1);
        }
        return count - 1;
    }

    /**
     * Takes a clean chunk for data; {@link #NONE} if there is none now.
     *
     * @param placement of the volume that it is for
     */
    long take(Placement placement) {
        return take(placement, false);
    }

    /** Takes a chunk for metadata, which need not be clean. */
    long takeForMetadata() {
        return take(ofMetadata, true);
    }

    private long take(Placement placement, boolean metadata) {
        int first = placement.first(areas.size(), striped);
        for (int i = 0; i < areas.size(); i++) {
            int member = (first + i) % areas.size();
            ChunkArea area = areas.get(member);
            if (area.isDraining()) {
                continue;
            }
            long index = area.take();
            if (index < 0 && metadata) {
                index = area.takeDirty();
            }
            if (index >= 0) {
                placement.took(member);
                changeUnused(area, -1);
                area.count(index, metadata ? METADATA : TAKEN);
                return PoolFormat.chunk(member, index);
            }
        }
        return NONE;
    }

    /** Chunks that so many bytes take. */
    static long chunksOf(long bytes, int chunkShift) {
        return bytes + (1L << chunkShift) - 1 >>> chunkShift;
    }

    /** Takes so many neighbouring chunks for the journal, the first of them; {@link #NONE}. */
    long takeRun(long count) {
        for (int member = 0; member < areas.size(); member++) {
            ChunkArea area = areas.get(member);
            long first = area.isDraining() ? -1 : area.takeRun(count);
            if (first >= 0) {
                for (long i = first; i < first + count; i++) {
                    changeUnused(area, -1);
                    area.count(i, METADATA);
                }
                return PoolFormat.chunk(member, first);
            }
        }
        return NONE;
    }

    /** A chunk that metadata is in, found at opening. */
    void adoptMetadata(long chunk) {
        ChunkArea area = area(PoolFormat.member(chunk));
        area.count(PoolFormat.index(chunk), METADATA);
        changeUnused(area, -1);
    }

    /** A chunk that was taken, or had metadata, and that no durable map refers to. */
    void giveBack(long chunk) {
        ChunkArea area = area(PoolFormat.member(chunk));
        area.count(PoolFormat.index(chunk), 0);
        area.dirty(PoolFormat.index(chunk));
        changeUnused(area, 1);
    }

    /** What was dropped so far is in the group that is written now. */
    void seal() {
        LongQueue empty = sealed;
        sealed = dropped;
        dropped = empty;
        areas.forEach(ChunkArea::sealMark);
    }

    /** That group is durable. */
    void sealedIsDurable() {
        areas.forEach(ChunkArea::sealedMarkIsDurable);
        if (sealed.isEmpty()) {
            return;
        }
        long epoch = epochs.advance();
        while (!sealed.isEmpty()) {
            long chunk = sealed.remove();
            if (discount(chunk) == 0) {
                aging.add(chunk);
                agingEpochs.add(epoch);
            }
        }
    }

    /** References that were dropped and not sealed yet. */
    int dropped() {
        return dropped.size();
    }

    /** Whether references were dropped that count until that is durable. */
    boolean isFreeing() {
        return !dropped.isEmpty() || !sealed.isEmpty();
    }

    /** What waits for requests to end, or for a group to be durable. */
    int waiting() {
        return dropped.size() + sealed.size() + aging.size();
    }

    /** Makes dirty what no request can reach any more; how many. */
    int age() {
        int moved = 0;
        while (!aging.isEmpty()) {
            long epoch = agingEpochs.peek();
            if (epochs.isCurrent(epoch)) {
                epochs.advance();
            }
            if (!epochs.drained(epoch)) {
                break;
            }
            agingEpochs.remove();
            long chunk = aging.remove();
            area(PoolFormat.member(chunk)).dirty(PoolFormat.index(chunk));
            moved++;
        }
        return moved;
    }

    /** Chunks that can be taken now. */
    long ready() {
        long sum = 0;
        for (int i = 0; i < areas.size(); i++) {
            sum += areas.get(i).isDraining() ? 0 : areas.get(i).ready();
        }
        return sum;
    }

    /** Chunks that can be taken for metadata now. */
    long readyForMetadata() {
        long sum = 0;
        for (int i = 0; i < areas.size(); i++) {
            ChunkArea area = areas.get(i);
            sum += area.isDraining() ? 0 : area.ready() + area.dirtyCount();
        }
        return sum;
    }

    /** Whether there are chunks that can be taken as soon as the journal says so. */
    boolean hasBeyondMarks() {
        for (int i = 0; i < areas.size(); i++) {
            ChunkArea area = areas.get(i);
            if (!area.isDraining() && area.mark() < area.chunks()) {
                return true;
            }
        }
        return false;
    }

    /** Whether chunks wait for the end of requests that may reach them. */
    boolean isAging() {
        return !aging.isEmpty();
    }

    /** Gives the memory back. */
    void close() {
        areas.forEach(ChunkArea::close);
    }

    /** Whether whatever nothing uses has been zeroed, as far as that was ever begun. */
    boolean isClean() {
        return draining == 0 && waiting() == 0 && dirty() == 0;
    }

    /** Whether there is anything to clean. */
    boolean hasDirty() {
        return dirty() > 0;
    }

    /** Chunks that are to be cleaned. */
    long dirty() {
        long sum = 0;
        for (int i = 0; i < areas.size(); i++) {
            sum += areas.get(i).isDraining() ? 0 : areas.get(i).dirtyCount();
        }
        return sum;
    }
}
