package io.vireo.fabric.storage.pool;

import io.vireo.fabric.storage.crypto.WrappedKey;
import io.vireo.fabric.storage.format.CatalogBlock;
import io.vireo.fabric.storage.format.FormatException;
import io.vireo.fabric.storage.format.JournalPlace;
import io.vireo.fabric.storage.format.MemberEntry;
import io.vireo.fabric.storage.format.PoolFormat;
import io.vireo.fabric.storage.format.PoolOp;
import io.vireo.fabric.storage.format.Superblock;
import io.vireo.fabric.storage.format.VolumeRecord;
import io.vireo.fabric.storage.journal.JournalReader;
import io.vireo.fabric.storage.map.MapRoot;
import io.vireo.fabric.storage.map.MapTree;
import io.vireo.fabric.storage.map.PageStore;
import io.vireo.fabric.storage.map.SumMap;
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
    private final SumMap sums;
    private final List<Long> catalog = new ArrayList<>();

    private final OwnMemory block = OwnMemory.allocate(PoolFormat.BLOCK);
    private final MapProgress progress;
    private long nextVolume;

    PoolLoader(HomeIo io, Superblock superblock, MapProgress progress) {
        this.io = io;
        this.superblock = superblock;
        this.progress = progress;
        space = new ChunkSpace(superblock.striped(), epochs);
        for (MemberEntry m : superblock.members()) {
            space.addArea(new ChunkArea(m.dataStart(), m.chunks(), m.highWater()));
        }
        tree = new MapTree(pages, space);
        sums = new SumMap(space);
        meta = new MetaSpace(space, superblock.chunkShift());
        nextVolume = superblock.nextVolume();
    }

    /** Reads everything. */
    LoadedPool load(MemberSet members, MemberScan scan, List<SurvivingOps> surviving) {
        try (OwnMemory ring = OwnMemory.allocate((int) superblock.journalBytes());
                block) {
            loadCatalog();
            adoptJournal();
            JournalPlace place = superblock.place();
            io.read(place.member(), place.offset(), ring, ring.length());
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
                        scan.newest(),
                        scan.behind(),
                        pages,
                        tree,
                        epochs,
                        space,
                        sums,
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
            sums.close();
            space.close();
            throw new ResourceException(
                    ErrorCode.UNAVAILABLE,
                    "the pool's metadata is damaged: "
                            + e.why()
                            + "; restore the disk, or the volumes from a backup",
                    e);
        } catch (RuntimeException e) {
            pages.close();
            sums.close();
            space.close();
            throw e;
        }
    }

    /** The journal may be in chunks, which nobody else has then. */
    private void adoptJournal() throws FormatException {
        JournalPlace place = superblock.place();
        if (!place.isInChunks()) {
            return;
        }
        int member = place.member();
        boolean there = member >= 0 && member < superblock.members().size();
        long start = there ? superblock.members().get(member).dataStart() : 0;
        long first = place.offset() - start >> superblock.chunkShift();
        long chunks = ChunkSpace.chunksOf(superblock.journalBytes(), superblock.chunkShift());
        if (!there
                || place.offset() < start
                || first + chunks > superblock.members().get(member).chunks()) {
            throw new FormatException("the journal is outside of the pool");
        }
        for (long i = first; i < first + chunks; i++) {
            space.adoptMetadata(PoolFormat.chunk(member, i));
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
        var maps = new TreeLoader(io, superblock, pages, meta, progress, false);
        var checksums = new TreeLoader(io, superblock, sums.pages(), meta, progress, true);
        // How many leaves there are is known before the first of them is read.
        maps.loadInner(
                records.stream().map(r -> new TreeLoader.Root(r.root(), r.height())).toList());
        checksums.loadInner(
                records.stream()
                        .map(r -> new TreeLoader.Root(r.sumsRoot(), r.sumsHeight()))
                        .toList());
        maps.loadLeaves();
        checksums.loadLeaves();
        for (VolumeRecord record : records) {
            var volume = new Volume(record);
            volume.root.load(maps.root(record.root()), record.height());
            if (volume.sums != null) {
                volume.sums.load(checksums.root(record.sumsRoot()), record.sumsHeight());
            }
            volumes.put(volume.id, volume);
        }
    }

    private void readBlock(long address) throws FormatException {
        int member = PoolFormat.member(PoolFormat.chunkOf(address));
        io.read(member, TreeLoader.offset(superblock, address), block, PoolFormat.BLOCK);
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
                    clearSums(volume, first + i);
                }
            }
            case PoolOp.Fill(long id, long first, long chunk, PoolOp.Sums values) -> {
                Volume volume = volume(id);
                tree.set(volume.root, first, PoolFormat.PRESENT | chunk);
                store(volume, values);
            }
            case PoolOp.Mark(long id, long block, long count) ->
                    sums.mark(sumsOf(id), block, count, true);
            case PoolOp.Settle(long id, long block, long count, PoolOp.Sums values) -> {
                sums.mark(sumsOf(id), block, count, false);
                store(volume(id), values);
            }
            case PoolOp.HighWater(int member, long mark) -> space.area(member).replayMark(mark);
            case PoolOp.Create(VolumeRecord record) -> add(new Volume(record));
            case PoolOp.Copy(List<PoolOp.Source> copies) -> {
                for (PoolOp.Source copy : copies) {
                    var volume = new Volume(copy.volume());
                    tree.copy(volume(copy.from()).root, volume.root);
                    copySums(volume(copy.from()), volume);
                    add(volume);
                }
            }
            case PoolOp.Delete(long id) -> {
                tree.release(tree.detach(volume(id).root));
                dropSums(volume(id));
                volumes.remove(id);
            }
            case PoolOp.Rollback(long id, long snapshot) -> {
                tree.release(tree.detach(volume(id).root));
                tree.copy(volume(snapshot).root, volume(id).root);
                dropSums(volume(id));
                copySums(volume(snapshot), volume(id));
            }
            case PoolOp.Grow(long id, long capacity) -> volume(id).capacity = capacity;
            case PoolOp.Rename(long id, String name) -> volume(id).name = name;
            case PoolOp.Move(long first, long from, long to) -> tree.move(first, from, to);
            case PoolOp.Rewrap(long id, WrappedKey key) -> volume(id).key = Optional.of(key);
        }
    }

    private MapRoot sumsOf(long id) {
        MapRoot root = volume(id).sums;
        if (root == null) {
            throw new ResourceException(
                    ErrorCode.UNAVAILABLE,
                    "the pool's journal speaks of checksums of volume %d, which has none; restore the disk"
                            .formatted(id));
        }
        return root;
    }

    private void store(Volume volume, PoolOp.Sums values) {
        MapRoot root = sumsOf(volume.id);
        for (int i = 0; i < values.values().length; i++) {
            sums.set(root, values.first() + i, values.values()[i]);
        }
    }

    private void clearSums(Volume volume, long chunk) {
        MapRoot root = volume.sums;
        if (root != null) {
            int shift = superblock.chunkShift() - PoolFormat.BLOCK_SHIFT;
            for (long block = chunk << shift; block < chunk + 1 << shift; block++) {
                sums.set(root, block, 0);
            }
        }
    }

    private void copySums(Volume from, Volume to) {
        if (from.sums != null && to.sums != null) {
            sums.tree().copy(from.sums, to.sums);
        }
    }

    private void dropSums(Volume volume) {
        if (volume.sums != null) {
            sums.drop(volume.sums);
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
                    case PoolOp.Fill fill -> !volumes.containsKey(fill.volume());
                    case PoolOp.Mark mark -> !volumes.containsKey(mark.volume());
                    case PoolOp.Settle settle -> !volumes.containsKey(settle.volume());
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
            tree.dismantle(1024, page -> gone(pages, page));
        }
        while (sums.tree().hasDoomed()) {
            sums.tree().dismantle(1024, page -> gone(sums.pages(), page));
        }
        var mapped = new long[pages.made()];
        Arrays.fill(mapped, UNCOUNTED);
        for (Volume volume : volumes.values()) {
            VolumeSums checks = volume.checks;
            if (checks != null && volume.sums != null) {
                sums.marked(volume.sums, block -> checks.foundMarked(block));
            }
            volume.root.mapped(volume.root.page() == 0 ? 0 : count(volume.root.page(), mapped));
        }
        meta.opened();
        space.opened(superblock.clean());
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
        TreeLoader.checkInside(superblock, chunk);
        if (space.isMetadata(chunk)) {
            throw new FormatException("a map refers to a chunk that holds metadata");
        }
    }

    private void gone(PageStore of, int page) {
        if (of.isPlaced(page)) {
            meta.retire(of.place(page));
        }
    }
}
