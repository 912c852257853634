package io.vireo.fabric.storage.pool;

/** The chunks of one member: their counts, and which of those without users are in which state. */
final class ChunkArea {
    /** Chunks that a member can have. */
    static final long MAX_CHUNKS = Integer.MAX_VALUE - 64;

    private final long dataStart;
    private long chunks;
    private final ByteTable counts;
    private final BitTable clean;
    private final BitTable dirty;
    private long cleanCount;
    private long dirtyCount;
    private long planned;
    private boolean plannedZeroed;

    /** Chunks that nothing uses. */
    private long unused;

    /** Those of them that could not be zeroed. */
    private long broken;

    private boolean draining;

    /** Chunks from here on were never used. */
    private long virgin;

    /** The journal says that chunks below may have been used. */
    private long mark;

    /** The mark that is on its way into the journal. */
    private long proposed;

    /** The mark that is in the group that is written now. */
    private long sealed;

    ChunkArea(long dataStart, long chunks, long mark) {
        this.dataStart = dataStart;
        this.chunks = chunks;
        this.mark = mark;
        this.proposed = mark;
        this.sealed = mark;
        this.virgin = mark;
        this.unused = chunks;
        counts = new ByteTable((int) chunks);
        clean = new BitTable(chunks);
        dirty = new BitTable(chunks);
    }

    /** Bytes of the member before the first chunk. */
    long dataStart() {
        return dataStart;
    }

    long chunks() {
        return chunks;
    }

    /** Whether everything is to leave it. */
    boolean isDraining() {
        return draining;
    }

    void draining(boolean on) {
        draining = on;
    }

    /** Chunks that nothing uses, and that can be used. */
    long unused() {
        return unused - broken;
    }

    /** So many of them could not be zeroed, and are out of use. */
    void broke(long count) {
        broken += count;
    }

    void unused(long change) {
        unused += change;
    }

    /** Chunks that are used, for data or metadata. */
    long inUse() {
        return chunks - unused;
    }

    int count(long index) {
        return counts.get((int) index);
    }

    void count(long index, int value) {
        counts.set((int) index, value);
    }

    /** The member is larger than its area; the next checkpoint is to say so. */
    void plan(long newChunks, boolean zeroed) {
        planned = Math.max(planned, newChunks);
        plannedZeroed = zeroed;
    }

    /** Chunks that the next checkpoint is to say that it has. */
    long planned() {
        return Math.max(chunks, planned);
    }

    /** The mark that the next checkpoint is to have. */
    long plannedMark() {
        return planned > chunks && !plannedZeroed ? planned : proposed;
    }

    /**
     * A checkpoint that says so is durable.
     *
     * @return how many chunks there are more
     */
    long grow(long newChunks, long newMark) {
        if (newChunks <= chunks) {
            return 0;
        }
        long more = newChunks - chunks;
        counts.grow((int) newChunks);
        clean.grow(newChunks);
        dirty.grow(newChunks);
        chunks = newChunks;
        unused += more;
        if (newMark == newChunks) {
            // Nobody knows what is there.
            for (long i = virgin; i < newChunks; i++) {
                dirty(i);
            }
            replayMark(newMark);
        }
        return more;
    }

    /** Everything below the mark that nothing uses is clean, or has to be cleaned. */
    void foundUnused(boolean zeroed) {
        for (int i = 0; i < virgin; i++) {
            if (counts.get(i) == 0 && zeroed) {
                clean(i);
            } else if (counts.get(i) == 0) {
                dirty(i);
            }
        }
    }

    /** Takes a clean or never used chunk; -1: there is none. */
    long take() {
        if (cleanCount > 0) {
            long index = clean.next();
            clean.clear(index);
            cleanCount--;
            return index;
        }
        return virgin < mark ? virgin++ : -1;
    }

    /** Takes a dirty chunk; -1: there is none. */
    long takeDirty() {
        if (dirtyCount == 0) {
            return -1;
        }
        long index = dirty.next();
        dirty.clear(index);
        dirtyCount--;
        return index;
    }

    /**
     * Takes so many neighbouring chunks, which need not be clean; -1: there are none. Those that
     * were never used are below the mark from the next checkpoint on.
     */
    long takeRun(long most) {
        if (chunks - virgin >= most && proposed == mark) {
            long first = virgin;
            virgin += most;
            proposed = Math.max(proposed, virgin);
            return first;
        }
        long run = 0;
        for (long i = 0; i < virgin; i++) {
            run = clean.get(i) || dirty.get(i) ? run + 1 : 0;
            if (run == most) {
                takeAll(i + 1 - most, most);
                return i + 1 - most;
            }
        }
        return -1;
    }

    private void takeAll(long first, long count) {
        for (long i = first; i < first + count; i++) {
            cleanCount -= clean.get(i) ? 1 : 0;
            dirtyCount -= dirty.get(i) ? 1 : 0;
            clean.clear(i);
            dirty.clear(i);
        }
    }

    /** A checkpoint with the mark that was proposed is durable. */
    void markIsDurable(long durable) {
        mark = Math.max(mark, durable);
    }

    /** Takes neighbouring dirty chunks, the first of which {@code index} is; how many. */
    int takeDirtyRun(long index, int most) {
        int run = 0;
        while (run < most && index + run < chunks && dirty.get(index + run)) {
            dirty.clear(index + run);
            run++;
        }
        dirtyCount -= run;
        return run;
    }

    /** The dirty chunk that comes next; there is one. */
    long nextDirty() {
        return dirty.next();
    }

    long dirtyCount() {
        return dirtyCount;
    }

    /** Chunks that can be taken now. */
    long ready() {
        return cleanCount + Math.max(0, mark - virgin);
    }

    void dirty(long index) {
        dirty.set(index);
        dirtyCount++;
    }

    void clean(long index) {
        clean.set(index);
        cleanCount++;
    }

    long mark() {
        return mark;
    }

    /** Chunks from here on were never used. */
    long virgin() {
        return virgin;
    }

    long proposed() {
        return proposed;
    }

    /**
     * The mark that is to be made durable next, before it is needed; -1: none.
     *
     * @param needed chunks that a checkpoint would take
     */
    long propose(long needed) {
        long step = Math.clamp(chunks / 64, 16, 16384);
        if (draining) {
            return -1;
        }
        long few = Math.max(needed, step / 2);
        if (proposed != mark || mark == chunks || cleanCount + mark - virgin > few) {
            return -1;
        }
        proposed = Math.min(chunks, mark + Math.max(step, needed));
        return proposed;
    }

    /** A mark that the journal has. Before anything is taken. */
    void replayMark(long replayed) {
        mark = Math.max(mark, replayed);
        proposed = mark;
        sealed = mark;
        virgin = mark;
    }

    /** The proposed mark is in the group that is written now. */
    void sealMark() {
        sealed = proposed;
    }

    /** That group is durable. */
    void sealedMarkIsDurable() {
        mark = Math.max(mark, sealed);
    }

    /** Gives its memory back. */
    void close() {
        counts.close();
        clean.close();
        dirty.close();
    }
}
