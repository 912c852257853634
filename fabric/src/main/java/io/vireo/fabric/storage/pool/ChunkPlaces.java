package io.vireo.fabric.storage.pool;

import io.vireo.fabric.storage.format.PoolFormat;
import java.util.ArrayDeque;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * At which place of volumes chunks are: the way back from what is on members, which is stored
 * nowhere. All maps that refer to a chunk have it at the same place. Chunks that were read or
 * filled lately are known; others are looked for in the maps, as many at once of each member as a
 * window has, some pages in each turn. One pass through the maps serves all members.
 *
 * <p>Maps change during a pass. What is set in them is told by {@link #put}; a leaf that is copied
 * to a page that was passed already is looked at when it is made.
 */
final class ChunkPlaces {
    /** What the place of a chunk is that no map refers to. */
    static final long NONE = -1;

    private static final int RECENT = 1 << 12;
    private static final int WINDOW = 1 << 18;
    private static final int PAGES_PER_TURN = 128;

    /** What the number of a member is less than. */
    private static final int MEMBERS = 1 << 8;

    private final Engine engine;
    private final int windowSize;
    private final int pagesPerTurn;

    /** Chunks that were used lately, plus 1, at the index of their last bits, and their places. */
    private final long[] recent = new long[RECENT];

    private final long[] recentPlaces = new long[RECENT];

    /** By member; null before one is needed. */
    private final @Nullable PlaceWindow[] windows = new PlaceWindow[MEMBERS];

    /** Whether a pass is under way, and the page that it has come to. */
    private boolean scanning;

    private int page;
    private final ArrayDeque<Wait> waiting = new ArrayDeque<>();

    /** Who waits for the places of chunks of one member, the first and the last. */
    private record Wait(long first, long last, Runnable then) {}

    ChunkPlaces(Engine engine) {
        this(engine, WINDOW, PAGES_PER_TURN);
    }

    /**
     * @param windowSize chunks of a window, a power of two
     */
    ChunkPlaces(Engine engine, int windowSize, int pagesPerTurn) {
        this.engine = engine;
        this.windowSize = windowSize;
        this.pagesPerTurn = pagesPerTurn;
        engine.pages().onCopy(this::copied);
    }

    /** A chunk is at a place. */
    void put(long chunk, long place) {
        int slot = (int) chunk & RECENT - 1;
        recent[slot] = chunk + 1;
        recentPlaces[slot] = place;
        PlaceWindow window = window(chunk);
        if (window != null) {
            window.put(chunk, place);
        }
    }

    /** The window that a chunk is in; null: it is in none. */
    private @Nullable PlaceWindow window(long chunk) {
        PlaceWindow window = windows[PoolFormat.member(chunk)];
        return window != null && window.has(chunk) ? window : null;
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
        PlaceWindow window = window(chunk);
        return window == null ? NONE : window.get(chunk);
    }

    /**
     * Whether the places of neighbouring chunks of one member are known.
     *
     * @param last less than half a window after {@code first}
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
        // It may have left since, and have no chunks any more.
        long chunks = engine.space().area(PoolFormat.member(first)).chunks();
        for (long chunk = first; chunk <= last && PoolFormat.index(chunk) < chunks; chunk++) {
            PlaceWindow window = window(chunk);
            boolean looked = window != null && window.isComplete();
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
            waiting.forEach(this::open);
        }
        for (int left = pagesPerTurn; scanning && left > 0; left--) {
            page = engine.pages().nextLeaf(page);
            if (page == 0) {
                end();
            } else {
                scan(page);
            }
        }
        if (!scanning) {
            serve();
        }
        return 1;
    }

    /** Opens a window where somebody waits, unless another one of that member is to be filled. */
    private void open(Wait wait) {
        int member = PoolFormat.member(wait.first());
        PlaceWindow old = windows[member];
        if (old != null && !old.isComplete() || knows(wait.first(), wait.last())) {
            return;
        }
        if (old != null) {
            old.close();
        }
        // Steps of half a window, so that all that one waits for is in it.
        long from = PoolFormat.index(wait.first()) & -(windowSize >> 1);
        long size = Math.min(windowSize, engine.space().area(member).chunks() - from);
        windows[member] = new PlaceWindow(PoolFormat.chunk(member, from), (int) size);
        scanning = true;
    }

    private void copied(int copy) {
        if (scanning && copy <= page && engine.pages().level(copy) == 0) {
            scan(copy);
        }
    }

    private void scan(int leaf) {
        long from = engine.pages().index(leaf) << PoolFormat.FANOUT_SHIFT;
        for (int i = 0; i < PoolFormat.FANOUT; i++) {
            long entry = engine.pages().entry(leaf, i);
            PlaceWindow window = entry == 0 ? null : window(entry & PoolFormat.CHUNK_MASK);
            if (window != null) {
                window.put(entry & PoolFormat.CHUNK_MASK, from | i);
            }
        }
    }

    private void end() {
        scanning = false;
        for (PlaceWindow window : windows) {
            if (window != null) {
                window.complete();
            }
        }
    }

    private void serve() {
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
        for (PlaceWindow window : windows) {
            if (window != null) {
                window.close();
            }
        }
        Arrays.fill(windows, null);
    }
}
