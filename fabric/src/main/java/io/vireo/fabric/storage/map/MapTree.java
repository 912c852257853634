package io.vireo.fabric.storage.map;

import io.vireo.fabric.storage.format.PoolFormat;
import java.util.Arrays;

/**
 * The maps: from the number of a volume's chunk to that of a pool's. An entry is 0, which reads as
 * zeroes, or {@link PoolFormat#PRESENT} and a chunk; of pages above the leaves, 0 or the number of
 * a page.
 */
public final class MapTree {
    private static final int SHIFT = PoolFormat.FANOUT_SHIFT;
    private static final int MASK = PoolFormat.FANOUT - 1;

    private final PageStore pages;
    private final ChunkCounts counts;

    /** Whether entries of leaves refer to chunks. */
    private final boolean refers;

    private boolean exclusive;

    /** Pages without users whose own references are still to be given back. */
    private int[] doomed = new int[64];

    private int doomedCount;

    public MapTree(PageStore pages, ChunkCounts counts) {
        this(pages, counts, true);
    }

    /**
     * @param refers whether entries of leaves refer to chunks; if not, they are any words, and
     *     nobody is told of them
     */
    MapTree(PageStore pages, ChunkCounts counts, boolean refers) {
        this.pages = pages;
        this.counts = counts;
        this.refers = refers;
    }

    /** The entry of a chunk of a volume; {@link #exclusive} tells of the way to it. */
    public long find(MapRoot root, long first) {
        int page = root.page;
        int level = root.height - 1;
        exclusive = true;
        if (first >>> SHIFT * root.height != 0) {
            return 0;
        }
        while (page != 0) {
            exclusive &= pages.users(page) == 1;
            long entry = pages.entry(page, (int) (first >>> SHIFT * level) & MASK);
            if (level == 0) {
                return entry;
            }
            page = (int) entry;
            level--;
        }
        return 0;
    }

    /** Whether every page on the way of the last {@link #find} has one user. */
    public boolean exclusive() {
        return exclusive;
    }

    /**
     * The first chunk from {@code first} on and below {@code end} that is mapped; or {@code end}.
     */
    public long nextMapped(MapRoot root, long first, long end) {
        long at = first;
        while (at < end && at >>> SHIFT * root.height == 0) {
            int page = root.page;
            int level = root.height - 1;
            while (page != 0 && level > 0) {
                page = (int) pages.entry(page, (int) (at >>> SHIFT * level) & MASK);
                if (page != 0) {
                    level--;
                }
            }
            if (page == 0) {
                // The whole range below the empty entry, or below the empty root.
                int empty = root.page == 0 ? root.height : level;
                at = (at >>> SHIFT * empty) + 1 << SHIFT * empty;
            } else if (pages.entry(page, (int) at & MASK) != 0) {
                return at;
            } else {
                at++;
            }
        }
        return end;
    }

    /** Sets an entry; pages with other users on the way to it are copied. */
    public void set(MapRoot root, long first, long value) {
        raise(root, first);
        int page = writable(root);
        for (int level = root.height - 1; level > 0; level--) {
            int slot = (int) (first >>> SHIFT * level) & MASK;
            int child = (int) pages.entry(page, slot);
            int own = child == 0 ? pages.allocate(level - 1, first >>> SHIFT * level) : own(child);
            if (own != child) {
                pages.entry(page, slot, own);
            }
            page = own;
        }
        replace(root, page, (int) first & MASK, value);
    }

    /**
     * Puts a chunk into the place of another one wherever maps have that at a place. Pages stay
     * shared: what the chunks hold is the same.
     *
     * @return in how many pages that was
     */
    public int move(long first, long from, long to) {
        int slot = (int) first & MASK;
        int moved = 0;
        for (int page = pages.nextLeaf(0); page != 0; page = pages.nextLeaf(page)) {
            if (pages.index(page) == first >>> SHIFT
                    && pages.entry(page, slot) == (PoolFormat.PRESENT | from)) {
                pages.entry(page, slot, PoolFormat.PRESENT | to);
                pages.touch(page);
                counts.add(to);
                counts.drop(from);
                moved++;
            }
        }
        if (moved > 0) {
            pages.touchAbove(first >>> SHIFT);
        }
        return moved;
    }

    private void replace(MapRoot root, int leaf, int slot, long value) {
        long old = pages.entry(leaf, slot);
        if (old == value) {
            return;
        }
        pages.entry(leaf, slot, value);
        if (!refers) {
            return;
        }
        if (value != 0) {
            counts.add(value & PoolFormat.CHUNK_MASK);
            root.mapped++;
        }
        if (old != 0) {
            root.mapped--;
            counts.drop(old & PoolFormat.CHUNK_MASK);
        }
    }

    private void raise(MapRoot root, long first) {
        while (first >>> SHIFT * root.height != 0) {
            if (root.page != 0) {
                int above = pages.allocate(root.height, 0);
                pages.entry(above, 0, root.page);
                root.page = above;
            }
            root.height++;
        }
    }

    private int writable(MapRoot root) {
        root.page = root.page == 0 ? pages.allocate(root.height - 1, 0) : own(root.page);
        return root.page;
    }

    /** The page itself if it has one user, else a copy; dirty. */
    private int own(int page) {
        if (pages.users(page) == 1) {
            pages.touch(page);
            return page;
        }
        int copy = pages.copy(page);
        boolean leaf = pages.level(page) == 0;
        for (int i = 0; i < PoolFormat.FANOUT; i++) {
            long entry = pages.entry(copy, i);
            if (entry != 0 && leaf && refers) {
                counts.add(entry & PoolFormat.CHUNK_MASK);
            } else if (entry != 0 && !leaf) {
                pages.share((int) entry);
            }
        }
        pages.unshare(page);
        return copy;
    }

    /** Makes {@code to}, which is empty, what {@code from} is. */
    public void copy(MapRoot from, MapRoot to) {
        to.page = from.page;
        to.height = from.height;
        to.mapped = from.mapped;
        if (to.page != 0) {
            pages.share(to.page);
        }
    }

    /**
     * Empties a map.
     *
     * @return the page that was its root, still to be {@link #release released}; 0: there was none
     */
    public int detach(MapRoot root) {
        int page = root.page;
        root.page = 0;
        root.mapped = 0;
        return page;
    }

    /** Whether there is work for {@link #dismantle}. */
    public boolean hasDoomed() {
        return doomedCount > 0;
    }

    /**
     * Gives back the references of up to {@code limit} pages that nobody uses any more.
     *
     * @param gone told of each page that is given back
     */
    public void dismantle(int limit, PageSink gone) {
        for (int left = limit; left > 0 && doomedCount > 0; left--) {
            int page = doomed[--doomedCount];
            boolean leaf = pages.level(page) == 0;
            for (int i = 0; i < PoolFormat.FANOUT; i++) {
                long entry = pages.entry(page, i);
                if (entry != 0 && leaf && refers) {
                    counts.drop(entry & PoolFormat.CHUNK_MASK);
                } else if (entry != 0 && !leaf) {
                    release((int) entry);
                }
            }
            gone.page(page);
            pages.free(page);
        }
    }

    /**
     * A root has one user less. Until this is called all that it shares with others counts as
     * shared, and is not changed in place.
     */
    public void release(int page) {
        if (page == 0 || pages.unshare(page) > 0) {
            return;
        }
        if (doomedCount == doomed.length) {
            doomed = Arrays.copyOf(doomed, doomedCount * 2);
        }
        doomed[doomedCount++] = page;
    }

    /** Told of a page. */
    @FunctionalInterface
    public interface PageSink {
        void page(int page);
    }
}
