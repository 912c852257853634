package io.vireo.fabric.storage.map;

import io.vireo.fabric.storage.format.PoolFormat;
import io.vireo.memory.NativeMemory;
import io.vireo.memory.OwnMemory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.function.IntConsumer;
import java.util.function.LongPredicate;

/**
 * Pages of 4 KiB by number, off-heap, each with the number of its users, where it is on disk, and
 * whether it has changed since it was written there. Page 0 does not exist: it says "none".
 */
public final class PageStore implements AutoCloseable {
    private static final int SLAB_SHIFT = 8;
    private static final int SLAB_PAGES = 1 << SLAB_SHIFT;
    private static final int PAGE = PoolFormat.BLOCK;

    /** No block's address. */
    private static final long NOWHERE = -1;

    private final List<OwnMemory> slabs = new ArrayList<>();
    private long[] bases = new long[4];
    private int[] users = new int[SLAB_PAGES];
    private long[] places = new long[SLAB_PAGES];
    private long[] indices = new long[SLAB_PAGES];
    private byte[] levels = new byte[SLAB_PAGES];
    private boolean[] dirty = new boolean[SLAB_PAGES];
    private int[] free = new int[SLAB_PAGES];
    private int freeCount;
    private int made = 1;
    private IntConsumer copied = _ -> {};

    private int[] dirtyPages = new int[64];
    private int dirtyCount;
    private int dirtyLive;

    /** A new page of zeroes with one user, dirty. */
    public int allocate(int level, long index) {
        int page = take();
        NativeMemory.fill(address(page), PAGE, (byte) 0);
        begin(page, level, index);
        touch(page);
        return page;
    }

    /** A new page that is what another one is, with one user, dirty. */
    public int copy(int source) {
        int page = take();
        NativeMemory.copy(address(source), address(page), PAGE);
        begin(page, levels[source], indices[source]);
        touch(page);
        copied.accept(page);
        return page;
    }

    /** Who is told of each {@link #copy}; one. */
    public void onCopy(IntConsumer newCopied) {
        copied = newCopied;
    }

    /** A new page that is on disk at {@code place}, with no user yet. */
    public int load(int level, long index, long place) {
        int page = take();
        NativeMemory.fill(address(page), PAGE, (byte) 0);
        begin(page, level, index);
        users[page] = 0;
        places[page] = place;
        return page;
    }

    private void begin(int page, int level, long index) {
        users[page] = 1;
        places[page] = NOWHERE;
        levels[page] = (byte) level;
        indices[page] = index;
        dirty[page] = false;
    }

    /** Native address of a page. */
    public long address(int page) {
        return bases[page >>> SLAB_SHIFT] + (long) (page & SLAB_PAGES - 1) * PAGE;
    }

    /** Entry of a page. */
    public long entry(int page, int entry) {
        return NativeMemory.getLong(address(page) + 8L * entry);
    }

    /** Sets an entry of a page that is dirty. */
    public void entry(int page, int entry, long value) {
        NativeMemory.putLong(address(page) + 8L * entry, value);
    }

    public int users(int page) {
        return users[page];
    }

    /** Counts one more user. */
    public void share(int page) {
        users[page]++;
    }

    /** Counts one user less; how many are left. */
    public int unshare(int page) {
        return --users[page];
    }

    public int level(int page) {
        return levels[page];
    }

    public long index(int page) {
        return indices[page];
    }

    /** Whether it is on disk, at its {@link #place}; 0 is one as any other. */
    public boolean isPlaced(int page) {
        return places[page] != NOWHERE;
    }

    /** Where it is on disk. */
    public long place(int page) {
        return places[page];
    }

    public void place(int page, long place) {
        places[page] = place;
    }

    /** The page has changed. */
    public void touch(int page) {
        if (!dirty[page]) {
            dirty[page] = true;
            dirtyLive++;
            if (dirtyCount == dirtyPages.length) {
                dirtyPages = Arrays.copyOf(dirtyPages, dirtyCount * 2);
            }
            dirtyPages[dirtyCount++] = page;
        }
    }

    /** Pages that are dirty. */
    public int dirty() {
        return dirtyLive;
    }

    /** Takes a dirty page off the list of them, which it is no more; 0: there is none. */
    public int takeDirty() {
        while (dirtyCount > 0) {
            int page = dirtyPages[--dirtyCount];
            // Those that were freed are still listed.
            if (dirty[page]) {
                dirty[page] = false;
                dirtyLive--;
                return page;
            }
        }
        return 0;
    }

    /** The leaf after page {@code after} that has users; 0: there is none. */
    public int nextLeaf(int after) {
        for (int page = after + 1; page < made; page++) {
            if (levels[page] == 0 && users[page] > 0) {
                return page;
            }
        }
        return 0;
    }

    /** A leaf has changed: whatever leads to it has to know its new place. */
    void touchAbove(long leaf) {
        for (int page = 1; page < made; page++) {
            int level = levels[page];
            if (users[page] > 0
                    && level > 0
                    && indices[page] == leaf >>> PoolFormat.FANOUT_SHIFT * level) {
                touch(page);
            }
        }
    }

    /** Pages whose place on disk is as a condition says have to be written anew. */
    public void touchAll(LongPredicate condition) {
        // A page and those that lead to it, by level and index.
        var keys = new HashSet<Long>();
        for (int page = 1; page < made; page++) {
            if (users[page] > 0 && places[page] != NOWHERE && condition.test(places[page])) {
                for (int level = levels[page]; level < 8; level++) {
                    int up = PoolFormat.FANOUT_SHIFT * (level - levels[page]);
                    keys.add((long) level << 56 | indices[page] >>> up);
                }
            }
        }
        for (int page = 1; page < made && !keys.isEmpty(); page++) {
            if (users[page] > 0 && keys.contains((long) levels[page] << 56 | indices[page])) {
                touch(page);
            }
        }
    }

    /** Gives a page back that has no users. */
    public void free(int page) {
        if (dirty[page]) {
            dirty[page] = false;
            dirtyLive--;
        }
        if (freeCount == free.length) {
            free = Arrays.copyOf(free, freeCount * 2);
        }
        free[freeCount++] = page;
    }

    /** A number that no page has yet, nor any above it. */
    public int made() {
        return made;
    }

    /** Pages in use. */
    public int size() {
        return made - 1 - freeCount;
    }

    @Override
    public void close() {
        slabs.forEach(OwnMemory::close);
    }

    private int take() {
        if (freeCount > 0) {
            return free[--freeCount];
        }
        int page = made++;
        if (page >>> SLAB_SHIFT >= slabs.size()) {
            addSlab();
        }
        return page;
    }

    private void addSlab() {
        // Each page is filled or copied to when it is taken.
        OwnMemory slab = OwnMemory.allocateUncleared(SLAB_PAGES * PAGE);
        if (slabs.size() == bases.length) {
            bases = Arrays.copyOf(bases, bases.length * 2);
        }
        bases[slabs.size()] = slab.address();
        slabs.add(slab);
        int pages = slabs.size() << SLAB_SHIFT;
        if (pages > users.length) {
            int size = users.length * 2;
            users = Arrays.copyOf(users, size);
            places = Arrays.copyOf(places, size);
            indices = Arrays.copyOf(indices, size);
            levels = Arrays.copyOf(levels, size);
            dirty = Arrays.copyOf(dirty, size);
        }
    }
}
