package io.vireo.fabric.storage.pool;

import io.vireo.fabric.storage.crypto.WrappedKey;
import io.vireo.fabric.storage.format.CatalogBlock;
import io.vireo.fabric.storage.format.FormatException;
import io.vireo.fabric.storage.format.MapPage;
import io.vireo.fabric.storage.format.MemberEntry;
import io.vireo.fabric.storage.format.PoolFormat;
import io.vireo.fabric.storage.format.PoolOp;
import io.vireo.fabric.storage.format.Superblock;
import io.vireo.fabric.storage.format.VolumeRecord;
import io.vireo.fabric.storage.journal.JournalReader;
import io.vireo.fabric.storage.map.MapTree;
import io.vireo.fabric.storage.map.PageStore;
import io.vireo.memory.OwnMemory;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Reads a pool: the catalog and the map pages of the last checkpoint, each page once however many
 * maps share it, then the journal. What is free, and how often each chunk is used, is not stored
 * anywhere but counted from what was read. Writes nothing.
 */
final class PoolLoader {
    private static final long UNCOUNTED = -1;

    private final HomeIo io;
    private final Superblock superblock;
    private final PageStore pages = new PageStore();
    private final Epochs epochs = new Epochs();
    private final ChunkSpace space;
    private final MapTree tree;
    private final MetaSpace meta;
    private final Map<Long, Volume> volumes = new LinkedHashMap<>();
    private final PlaceTable loaded = new PlaceTable();
    private final List<Long> catalog = new ArrayList<>();

    /** Pages that are to be read next. */
    private List<Integer> wanted = new ArrayList<>();

    private final OwnMemory block = OwnMemory.allocate(PoolFormat.BLOCK);
    private long nextVolume;

    PoolLoader(HomeIo io, Superblock superblock) {
        this.io = io;
        this.superblock = superblock;
        space = new ChunkSpace(superblock.striped(), epochs);
        for (MemberEntry m : superblock.members()) {
            space.addArea(new ChunkArea(m.dataStart(), m.chunks(), m.highWater()));
        }
        tree = new MapTree(pages, space);
        meta = new MetaSpace(space, superblock.chunkShift());
        nextVolume = superblock.nextVolume();
    }

    /** Reads everything. */
    LoadedPool load(MemberSet members, int[] newest, List<SurvivingOps> surviving) {
        try (OwnMemory ring = OwnMemory.allocate((int) superblock.journalBytes());
                block) {
            loadCatalog();
            io.read(0, PoolFormat.HEADER_BYTES, ring, ring.length());
            try (var reader = new JournalReader(ring, superblock.pool(), superblock.journal())) {
                reader.replay(this::apply);
                boolean survived = false;
                for (SurvivingOps ops : surviving) {
                    survived |= ops.replay(this::applyAgain);
                }
                count();
                return new LoadedPool(
                        members,
                        superblock,
                        newest,
                        pages,
                        tree,
                        epochs,
                        space,
                        meta,
                        volumes,
                        nextVolume,
                        reader.point(),
                        catalog,
                        reader.damage(),
                        survived);
            }
        } catch (FormatException e) {
            pages.close();
            space.close();
            throw new ResourceException(
                    ErrorCode.UNAVAILABLE,
                    "the pool's metadata is damaged: "
                            + e.why()
                            + "; restore the disk, or the volumes from a backup",
                    e);
        } catch (RuntimeException e) {
            pages.close();
            space.close();
            throw e;
        }
    }

    private void loadCatalog() throws FormatException {
        long next = superblock.catalog();
        var records = new ArrayList<VolumeRecord>();
        for (int i = 0; i < superblock.catalogBlocks(); i++) {
            readBlock(next);
            int count = CatalogBlock.check(block, i);
            catalog.add(next);
            meta.adopt(next);
            for (int j = 0; j < count; j++) {
                records.add(VolumeRecord.decode(CatalogBlock.record(block.address(), j)));
            }
            next = CatalogBlock.next(block.address());
        }
        loadPages(records);
        for (VolumeRecord record : records) {
            var volume = new Volume(record);
            int root = 0;
            if (record.root() != 0) {
                root = page(record.root());
                pages.share(root);
            }
            volume.root.load(root, record.height());
            volumes.put(volume.id, volume);
        }
    }

    /** Reads the pages of all maps, level by level, and joins them. */
    private void loadPages(List<VolumeRecord> records) throws FormatException {
        int height = records.stream().mapToInt(VolumeRecord::height).max().orElse(0);
        try (var reader = new PageReader(io)) {
            for (int level = height - 1; level >= 0; level--) {
                for (VolumeRecord record : records) {
                    if (record.root() != 0 && record.height() - 1 == level) {
                        want(record.root(), level, 0);
                    }
                }
                loadLevel(reader, level);
            }
        }
        join();
    }

    /** Has a page be read with the others of its level; each once, however many maps share it. */
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
                            PoolFormat.member(PoolFormat.chunkOf(place)), offset(place), page));
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

    private void readBlock(long address) throws FormatException {
        int member = PoolFormat.member(PoolFormat.chunkOf(address));
        io.read(member, offset(address), block, PoolFormat.BLOCK);
    }

    /** Where a block of metadata is on its member. */
    private long offset(long address) throws FormatException {
        long chunk = PoolFormat.chunkOf(address);
        checkInside(chunk);
        return superblock.members().get(PoolFormat.member(chunk)).dataStart()
                + (PoolFormat.index(chunk) << superblock.chunkShift())
                + (long) PoolFormat.blockOf(address) * PoolFormat.BLOCK;
    }

    private void apply(PoolOp op) {
        switch (op) {
            case PoolOp.Map(long id, long first, long chunk, long count) -> {
                Volume volume = volume(id);
                for (long i = 0; i < count; i++) {
                    tree.set(volume.root, first + i, PoolFormat.PRESENT | chunk + i);
                }
            }
            case PoolOp.Unmap(long id, long first, long count) -> {
                Volume volume = volume(id);
                for (long i = 0; i < count; i++) {
                    tree.set(volume.root, first + i, 0);
                }
            }
            case PoolOp.HighWater(int member, long mark) -> space.area(member).replayMark(mark);
            case PoolOp.Create(VolumeRecord record) -> add(new Volume(record));
            case PoolOp.Copy(List<PoolOp.Source> copies) -> {
                for (PoolOp.Source copy : copies) {
                    var volume = new Volume(copy.volume());
                    tree.copy(volume(copy.from()).root, volume.root);
                    add(volume);
                }
            }
            case PoolOp.Delete(long id) -> {
                tree.release(tree.detach(volume(id).root));
                volumes.remove(id);
            }
            case PoolOp.Rollback(long id, long snapshot) -> {
                tree.release(tree.detach(volume(id).root));
                tree.copy(volume(snapshot).root, volume(id).root);
            }
            case PoolOp.Grow(long id, long capacity) -> volume(id).capacity = capacity;
            case PoolOp.Rename(long id, String name) -> volume(id).name = name;
            case PoolOp.Move(long first, long from, long to) -> tree.move(first, from, to);
            case PoolOp.Rewrap(long id, WrappedKey key) -> volume(id).key = Optional.of(key);
        }
    }

    /**
     * Applies an operation that may have been applied before. Those that follow it are applied
     * again too, so that it is enough to leave alone what was made or deleted then.
     */
    private void applyAgain(PoolOp op) {
        boolean done =
                switch (op) {
                    case PoolOp.Map map -> !volumes.containsKey(map.volume());
                    case PoolOp.Unmap unmap -> !volumes.containsKey(unmap.volume());
                    case PoolOp.HighWater _ -> false;
                    case PoolOp.Create create -> volumes.containsKey(create.volume().id());
                    case PoolOp.Copy copy ->
                            copy.copies().stream()
                                    .anyMatch(each ->
                                            volumes.containsKey(each.volume().id())
                                                    || !volumes.containsKey(each.from()));
                    case PoolOp.Delete delete -> !volumes.containsKey(delete.volume());
                    case PoolOp.Rollback rollback ->
                            !volumes.containsKey(rollback.volume())
                                    || !volumes.containsKey(rollback.snapshot());
                    case PoolOp.Grow grow -> !volumes.containsKey(grow.volume());
                    case PoolOp.Move _ -> false;
                    case PoolOp.Rewrap rewrap -> !volumes.containsKey(rewrap.volume());
                    case PoolOp.Rename rename -> !volumes.containsKey(rename.volume());
                };
        if (!done) {
            apply(op);
        }
    }

    private void add(Volume volume) {
        volumes.put(volume.id, volume);
        nextVolume = Math.max(nextVolume, volume.id + 1);
    }

    private Volume volume(long id) {
        Volume volume = volumes.get(id);
        if (volume == null) {
            throw new ResourceException(
                    ErrorCode.UNAVAILABLE,
                    "the pool's journal speaks of volume %d, which there is not; restore the disk"
                            .formatted(id));
        }
        return volume;
    }

    private void count() throws FormatException {
        while (tree.hasDoomed()) {
            tree.dismantle(1024, this::gone);
        }
        var mapped = new long[pages.made()];
        Arrays.fill(mapped, UNCOUNTED);
        for (Volume volume : volumes.values()) {
            volume.root.mapped(volume.root.page() == 0 ? 0 : count(volume.root.page(), mapped));
        }
        meta.opened();
        space.opened();
    }

    /** Counts what a page refers to, the first time; how many chunks are mapped below it. */
    private long count(int page, long[] mapped) throws FormatException {
        if (mapped[page] != UNCOUNTED) {
            return mapped[page];
        }
        long sum = 0;
        boolean leaf = pages.level(page) == 0;
        for (int i = 0; i < PoolFormat.FANOUT; i++) {
            long entry = pages.entry(page, i);
            if (entry != 0 && leaf) {
                long chunk = entry & PoolFormat.CHUNK_MASK;
                check(chunk);
                space.count(chunk);
                sum++;
            } else if (entry != 0) {
                sum += count((int) entry, mapped);
            }
        }
        mapped[page] = sum;
        return sum;
    }

    private void check(long chunk) throws FormatException {
        checkInside(chunk);
        if (space.isMetadata(chunk)) {
            throw new FormatException("a map refers to a chunk that holds metadata");
        }
    }

    private void checkInside(long chunk) throws FormatException {
        int member = PoolFormat.member(chunk);
        if (member >= superblock.members().size()
                || PoolFormat.index(chunk) >= superblock.members().get(member).chunks()) {
            throw new FormatException("a map refers to a chunk outside of the pool");
        }
    }

    private void gone(int page) {
        if (pages.place(page) != 0) {
            meta.retire(pages.place(page));
        }
    }
}
