package io.vireo.fabric.storage.pool;

/** From a place on disk to the page that was read there, without an object for each. */
final class PlaceTable {
    private long[] places = new long[1024];

    /** 0: there is none in this slot. */
    private int[] pages = new int[1024];

    private int size;

    /** The page of a place; 0: it is not known. */
    int get(long place) {
        return pages[slot(place)];
    }

    /** Adds a place that is not known. */
    void put(long place, int page) {
        if (++size * 2 > pages.length) {
            grow();
        }
        int slot = slot(place);
        places[slot] = place;
        pages[slot] = page;
    }

    private int slot(long place) {
        int mask = pages.length - 1;
        int slot = (int) (place * 0x9E37_79B9_7F4A_7C15L >>> 32) & mask;
        while (pages[slot] != 0 && places[slot] != place) {
            slot = slot + 1 & mask;
        }
        return slot;
    }

    private void grow() {
        long[] oldPlaces = places;
        int[] oldPages = pages;
        places = new long[oldPages.length * 2];
        pages = new int[oldPages.length * 2];
        for (int i = 0; i < oldPages.length; i++) {
            if (oldPages[i] != 0) {
                int slot = slot(oldPlaces[i]);
                places[slot] = oldPlaces[i];
                pages[slot] = oldPages[i];
            }
        }
    }
}
