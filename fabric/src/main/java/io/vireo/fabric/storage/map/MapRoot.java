package io.vireo.fabric.storage.map;

/** Where the map of one volume begins. */
public final class MapRoot {
    /** Page of the root; 0: nothing is mapped. */
    int page;

    /** Levels; chunks beyond what they reach are not mapped. */
    int height = 1;

    /** Chunks that are mapped. */
    long mapped;

    public int page() {
        return page;
    }

    public int height() {
        return height;
    }

    /** Chunks that are mapped. */
    public long mapped() {
        return mapped;
    }

    /** What was read from disk. */
    public void load(int newPage, int newHeight) {
        page = newPage;
        height = newHeight;
    }

    /** Counted when the pool was opened. */
    public void mapped(long count) {
        mapped = count;
    }
}
