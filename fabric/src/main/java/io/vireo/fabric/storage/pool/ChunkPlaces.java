package io.vireo.fabric.storage.pool;

import io.vireo.fabric.storage.format.PoolFormat;
import java.util.ArrayDeque;
import java.util.Arrays;

/**
 * At which place of volumes chunks are: the way back from what is on members, which is stored
 * nowhere. All maps that refer to a chunk have it at the same place. Chunks that were read or
 * filled lately are known; others are looked for in the maps, as many at once as a window has, some
 * pages in each turn.
 */
final class ChunkPlaces {
    /** What the place of a chunk is that no map refers to. */
    static final long NONE = -1;

    private static final int RECENT = 1 << 12;
    private static final int WINDOW_SHIFT = 18;
    private static final int WINDOW = 1 << WINDOW_SHIFT;
    private static final int PAGES_PER_TURN = 128;

    private final Engine engine;

    /** Chunks that were used lately, plus 1, at the index of their last bits, and their places. */
    private final long[] recent = new long[RECENT];

    private final long[] recentPlaces = new long[RECENT];

    /** Places, plus 1, of the chunks of the window; empty before one is needed. */
    private long[] places = {};

    private long window = NONE;
    private boolean scanning;
    private int page;
    private long copiesBefore;
    private final ArrayDeque<Wait> waiting = new ArrayDeque<>();

    /** Who waits for the places of chunks, the first and the last. */
    private record Wait(long first, long last, Runnable then) {}

    ChunkPlaces(Engine engine) {
        this.engine = engine;
    }

    /** A chunk is at a place. */
    void put(long chunk, long place) {
        int slot = (int) chunk & RECENT - 1;
        recent[slot] = chunk + 1;
        recentPlaces[slot] = place;
        if (isInWindow(chunk)) {
            places[(int) chunk & WINDOW - 1] = place + 1;
        }
    }

    private boolean isInWindow(long chunk) {
        return chunk >>> WINDOW_SHIFT == window && ((int) chunk & WINDOW - 1) < places.length;
    }

    /** Neighbouring chunks are at neighbouring places. */
    void put(long chunk, long place, long count) {
        for (long i = 0; i < count; i++) {
            put(chunk + i, place + i);
        }
    }

    /** The place of a chunk that is known. */
    long find(long chunk) {
        int slot = (int) chunk & RECENT - 1;
        if (recent[slot] == chunk + 1) {
            return recentPlaces[slot];
        }
        return isInWindow(chunk) ? places[(int) chunk & WINDOW - 1] - 1 : NONE;
    }

    /**
     * Whether the places of neighbouring chunks are known.
     *
     * @param then runs in another turn if they are not; they may not be known then either
     */
    boolean areKnown(long first, long last, Runnable then) {
        if (knows(first, last)) {
            return true;
        }
        waiting.add(new Wait(first, last, then));
        engine.members().wake();
        return false;
    }

    private boolean knows(long first, long last) {
        for (long chunk = first; chunk <= last; chunk++) {
            boolean looked = !scanning && isInWindow(chunk);
            if (!looked && find(chunk) == NONE && engine.space().users(chunk) > 0) {
                return false;
            }
        }
        return true;
    }

    /** Goes on; how much was done. */
    int poll() {
        if (waiting.isEmpty()) {
            return 0;
        }
        if (!scanning) {
            begin(waiting.getFirst());
        }
        int left = PAGES_PER_TURN;
        while (left-- > 0 && (page = engine.pages().nextLeaf(page)) != 0) {
            scan();
        }
        if (page == 0) {
            end();
        }
        return 1;
    }

    private void begin(Wait wait) {
        long unknown = wait.first();
        while (unknown < wait.last() && knows(unknown, unknown)) {
            unknown++;
        }
        window = unknown >>> WINDOW_SHIFT;
        long chunks = engine.space().area(PoolFormat.member(unknown)).chunks();
        int size = (int) Math.min(WINDOW, chunks - (PoolFormat.index(unknown) & -WINDOW));
        if (places.length == size) {
            Arrays.fill(places, 0);
        } else {
            places = new long[size];
        }
        restart();
    }

    private void restart() {
        scanning = true;
        page = 0;
        copiesBefore = engine.pages().copies();
    }

    private void scan() {
        long from = engine.pages().index(page) << PoolFormat.FANOUT_SHIFT;
        for (int i = 0; i < PoolFormat.FANOUT; i++) {
            long entry = engine.pages().entry(page, i);
            long chunk = entry & PoolFormat.CHUNK_MASK;
            if (entry != 0 && isInWindow(chunk)) {
                places[(int) chunk & WINDOW - 1] = (from | i) + 1;
            }
        }
    }

    private void end() {
        if (engine.pages().copies() != copiesBefore) {
            // What was copied meanwhile may have passed by.
            restart();
            return;
        }
        scanning = false;
        for (int left = waiting.size(); left > 0; left--) {
            Wait wait = waiting.remove();
            if (knows(wait.first(), wait.last())) {
                wait.then().run();
            } else {
                waiting.add(wait);
            }
        }
    }

    /** After the last request. */
    void close() {
        waiting.clear();
        places = new long[0];
        window = NONE;
    }
}
