package io.vireo.fabric.storage.pool;

import io.vireo.fabric.storage.format.CatalogBlock;
import io.vireo.fabric.storage.format.MapPage;
import io.vireo.fabric.storage.format.PoolFormat;
import io.vireo.fabric.storage.map.MapRoot;
import io.vireo.fabric.storage.map.PageStore;
import io.vireo.memory.OwnMemory;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** Blocks of metadata as they will be on disk, each with its address. */
final class Staging {
    /** Blocks of one piece of memory. */
    private static final int SLAB = 256;

    /** Pieces that are kept for the next time. */
    private static final int KEPT = 8;

    /** Told of neighbouring blocks that lie together in memory. */
    interface Run {
        void write(long block, long address, int length);
    }

    private final Engine engine;
    private final List<OwnMemory> slabs = new ArrayList<>();
    private final LongQueue addresses = new LongQueue();
    private int count;

    Staging(Engine engine) {
        this.engine = engine;
    }

    /** Blocks that the catalog of so many volumes has. */
    static int catalogBlocks(int volumes) {
        return (volumes + CatalogBlock.RECORDS - 1) / CatalogBlock.RECORDS;
    }

    /**
     * Takes blocks for all pages that have changed and for the catalog, and puts them together.
     *
     * @param catalog gets the addresses of the catalog's blocks
     * @return false: there was no room
     */
    boolean stage(long generation, List<Long> catalog) {
        clear();
        if (!stagePages(engine.pages(), generation, false)
                || !stagePages(engine.sumMap().pages(), generation, true)) {
            return false;
        }
        for (int i = catalogBlocks(engine.volumes().all().size()); i > 0; i--) {
            long place = engine.meta().take();
            if (place == MetaSpace.NONE) {
                return false;
            }
            catalog.add(place);
        }
        encodeCatalog(generation, catalog);
        return true;
    }

    private boolean stagePages(PageStore pages, long generation, boolean sums) {
        var changed = new ArrayList<Integer>();
        for (int page = pages.takeDirty(); page != 0; page = pages.takeDirty()) {
            // What only waits to be dismantled is not written.
            if (pages.users(page) > 0) {
                changed.add(page);
                long place = engine.meta().take();
                if (place == MetaSpace.NONE) {
                    return false;
                }
                if (pages.isPlaced(page)) {
                    engine.meta().retire(pages.place(page));
                }
                pages.place(page, place);
            }
        }
        // Only now do all pages know where those below them will be.
        changed.forEach(page -> encode(pages, page, generation, sums));
        return true;
    }

    private void encode(PageStore pages, int page, long generation, boolean sums) {
        int offset = next(pages.place(page));
        OwnMemory slab = last();
        if (sums && pages.level(page) == 0) {
            MapPage.encodeSums(slab, offset, pages.address(page), pages.index(page), generation);
            return;
        }
        long at = slab.address() + offset;
        int level = pages.level(page);
        for (int i = 0; i < PoolFormat.FANOUT; i++) {
            long entry = pages.entry(page, i);
            if (entry != 0 && level > 0) {
                entry = pages.place((int) entry) | PoolFormat.PRESENT;
            }
            MapPage.put(at, i, entry);
        }
        MapPage.seal(slab, offset, level, pages.index(page), generation);
    }

    private void encodeCatalog(long generation, List<Long> catalog) {
        List<Volume> volumes =
                engine.volumes().all().stream()
                        .sorted(Comparator.comparingLong(v -> v.id))
                        .toList();
        for (int i = 0; i < catalog.size(); i++) {
            int offset = next(catalog.get(i));
            OwnMemory slab = last();
            // The memory may have had records of volumes that are gone.
            slab.fill(offset, PoolFormat.BLOCK, (byte) 0);
            int first = i * CatalogBlock.RECORDS;
            int records = Math.min(CatalogBlock.RECORDS, volumes.size() - first);
            for (int j = 0; j < records; j++) {
                Volume volume = volumes.get(first + j);
                long place = place(engine.pages(), volume.root);
                long sums = volume.sums == null ? 0 : place(engine.sumMap().pages(), volume.sums);
                volume.record(place, sums).encode(CatalogBlock.record(slab.address() + offset, j));
            }
            long following = i + 1 < catalog.size() ? catalog.get(i + 1) : 0;
            CatalogBlock.seal(slab, offset, records, i, following, generation);
        }
    }

    private static long place(PageStore pages, MapRoot root) {
        return root.page() == 0 ? 0 : pages.place(root.page()) | PoolFormat.PRESENT;
    }

    /** Room for one more block; its offset in {@link #last}. */
    private int next(long address) {
        int inside = count % SLAB;
        if (inside == 0 && count / SLAB == slabs.size()) {
            slabs.add(OwnMemory.allocate(SLAB * PoolFormat.BLOCK));
        }
        count++;
        addresses.add(address);
        return inside * PoolFormat.BLOCK;
    }

    /** The memory of the last block. */
    private OwnMemory last() {
        return slabs.get((count - 1) / SLAB);
    }

    /** Tells of all blocks, neighbours together. Once. */
    void runs(Run sink) {
        int start = 0;
        long first = 0;
        int length = 0;
        for (int i = 0; i < count; i++) {
            long address = addresses.remove();
            boolean follows =
                    length > 0
                            && i % SLAB != 0
                            && PoolFormat.chunkOf(address) == PoolFormat.chunkOf(first)
                            && PoolFormat.blockOf(address) == PoolFormat.blockOf(first) + length;
            if (!follows) {
                emit(sink, first, start, length);
                start = i;
                first = address;
                length = 0;
            }
            length++;
        }
        emit(sink, first, start, length);
    }

    private void emit(Run sink, long first, int start, int length) {
        if (length > 0) {
            long at = slabs.get(start / SLAB).address();
            sink.write(
                    first,
                    at + (long) (start % SLAB) * PoolFormat.BLOCK,
                    length * PoolFormat.BLOCK);
        }
    }

    /** Forgets all blocks. */
    void clear() {
        while (slabs.size() > KEPT) {
            slabs.removeLast().close();
        }
        count = 0;
        while (!addresses.isEmpty()) {
            addresses.remove();
        }
    }

    /** Gives the memory back. */
    void close() {
        slabs.forEach(OwnMemory::close);
        slabs.clear();
    }
}
