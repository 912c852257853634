package io.vireo.fabric.storage.pool;

import io.vireo.fabric.storage.format.FormatException;
import io.vireo.fabric.storage.format.MapPage;
import io.vireo.fabric.storage.format.PoolFormat;
import io.vireo.fabric.storage.format.Superblock;
import io.vireo.fabric.storage.map.PageStore;
import io.vireo.memory.OwnMemory;
import java.util.ArrayList;
import java.util.List;

/** Reads trees of pages, each page once, however many roots share it. */
final class TreeLoader {
    /** A root on disk. */
    record Root(long entry, int height) {}

    private final HomeIo io;
    private final Superblock superblock;
    private final PageStore pages;
    private final MetaSpace meta;

    private final MapProgress progress;

    /** Whether leaves hold checksums, or entries. */
    private final boolean sums;

    private final PlaceTable loaded = new PlaceTable();

    /** Pages that are to be read next. */
    private List<Integer> wanted = new ArrayList<>();

    TreeLoader(
            HomeIo io,
            Superblock superblock,
            PageStore pages,
            MetaSpace meta,
            MapProgress progress,
            boolean sums) {
        this.io = io;
        this.superblock = superblock;
        this.pages = pages;
        this.meta = meta;
        this.progress = progress;
        this.sums = sums;
    }

    /** Reads the pages of all trees, level by level, but the leaves. */
    void loadInner(List<Root> roots) throws FormatException {
        int height =
                roots.stream().filter(r -> r.entry() != 0).mapToInt(Root::height).max().orElse(0);
        try (var reader = new PageReader(io)) {
            for (int level = height - 1; level >= 0; level--) {
                for (Root root : roots) {
                    if (root.entry() != 0 && root.height() - 1 == level) {
                        want(root.entry(), level, 0);
                    }
                }
                progress.found(wanted.size());
                if (level > 0) {
                    loadLevel(reader, level);
                }
            }
        }
    }

    /** Reads the leaves and joins all pages. */
    void loadLeaves() throws FormatException {
        try (var reader = new PageReader(io)) {
            loadLevel(reader, 0);
        }
        join();
    }

    /** The page of a root, with one user more; 0: there is none. */
    int root(long entry) {
        if (entry == 0) {
            return 0;
        }
        int page = page(entry);
        pages.share(page);
        return page;
    }

    /** Has a page be read with the others of its level; each once, however many trees share it. */
    private void want(long entry, int level, long index) throws FormatException {
        long place = entry & ~PoolFormat.PRESENT;
        int known = loaded.get(place);
        if (known == 0) {
            loaded.put(place, pages.load(level, index, place));
            wanted.add(page(entry));
        } else if (pages.level(known) != level || pages.index(known) != index) {
            throw new FormatException("a map page is at two places of maps");
        }
    }

    private int page(long entry) {
        return loaded.get(entry & ~PoolFormat.PRESENT);
    }

    private void loadLevel(PageReader reader, int level) throws FormatException {
        var places = new ArrayList<PageReader.Place>();
        for (int page : wanted) {
            long place = pages.place(page);
            places.add(
                    new PageReader.Place(
                            PoolFormat.member(PoolFormat.chunkOf(place)),
                            offset(superblock, place),
                            page));
            meta.adopt(place);
        }
        List<Integer> read = wanted;
        wanted = new ArrayList<>();
        reader.read(places, this::decode);
        for (int page : read) {
            long index = pages.index(page) << PoolFormat.FANOUT_SHIFT;
            for (int i = 0; level > 0 && i < PoolFormat.FANOUT; i++) {
                long below = pages.entry(page, i);
                if (below != 0) {
                    want(below, level - 1, index | i);
                }
            }
        }
    }

    private void decode(int page, OwnMemory memory, int offset) throws FormatException {
        progress.read();
        if (sums && pages.level(page) == 0) {
            MapPage.decodeSums(memory, offset, pages.address(page), pages.index(page));
            return;
        }
        MapPage.check(memory, offset, pages.level(page), pages.index(page));
        for (int i = 0; i < PoolFormat.FANOUT; i++) {
            pages.entry(page, i, MapPage.entry(memory.address() + offset, i));
        }
    }

    /** Replaces the places of pages that others refer to by their numbers. */
    private void join() {
        for (int page = 1; page <= pages.size(); page++) {
            for (int i = 0; pages.level(page) > 0 && i < PoolFormat.FANOUT; i++) {
                long below = pages.entry(page, i);
                if (below != 0) {
                    int child = page(below);
                    pages.share(child);
                    pages.entry(page, i, child);
                }
            }
        }
    }

    /** Where a block of metadata is on its member. */
    static long offset(Superblock superblock, long address) throws FormatException {
        long chunk = PoolFormat.chunkOf(address);
        checkInside(superblock, chunk);
        return superblock.members().get(PoolFormat.member(chunk)).dataStart()
                + (PoolFormat.index(chunk) << superblock.chunkShift())
                + (long) PoolFormat.blockOf(address) * PoolFormat.BLOCK;
    }

    static void checkInside(Superblock superblock, long chunk) throws FormatException {
        int member = PoolFormat.member(chunk);
        if (member >= superblock.members().size()
                || PoolFormat.index(chunk) >= superblock.members().get(member).chunks()) {
            throw new FormatException("a map refers to a chunk outside of the pool");
        }
    }
}
