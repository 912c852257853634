package io.vireo.fabric.storage.pool;

import io.vireo.block.BlockDevice;
import io.vireo.fabric.storage.format.PoolFormat;
import io.vireo.fabric.storage.format.Superblock;
import io.vireo.fabric.storage.map.PageStore;
import io.vireo.fabric.storage.map.SumMap;
import io.vireo.reactor.Reactor;
import io.vireo.resource.ResourceException;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/**
 * Checks a pool that is not open: superblocks, catalog, every map page, the journal's chain, and
 * that no chunk is at two places of a volume or of volumes that have nothing in common. Writes
 * nothing.
 */
public final class PoolCheck {
    private final LoadedPool loaded;
    private final PageStore pages;
    private final List<String> findings = new ArrayList<>();
    private final BitSet seenPages = new BitSet();

    /** Where in a volume each chunk of each member is, plus 1; 0: nowhere. */
    private final long[][] placeOf;

    private long placed;
    private long checksums;
    private long uncertain;

    private PoolCheck(LoadedPool loaded) {
        this.loaded = loaded;
        pages = loaded.pages();
        placeOf = new long[loaded.space().areas()][];
        for (int i = 0; i < placeOf.length; i++) {
            placeOf[i] = new long[(int) loaded.space().area(i).chunks()];
        }
    }

    /**
     * Checks a pool.
     *
     * @param devices all members, in any order
     * @param reactor where they are read
     */
    public static PoolCheckReport run(List<BlockDevice> devices, Reactor reactor) {
        try {
            List<BlockDevice> parts =
                    MirrorAssembly.members(devices, reactor, PoolOptions.DEFAULT, true);
            MemberSet members = HomeIo.on(reactor, () -> new MemberSet(reactor, parts));
            try {
                return run(members);
            } finally {
                StoragePool.closeMembers(members);
            }
        } catch (ResourceException e) {
            return new PoolCheckReport(
                    "", 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, List.of(String.valueOf(e.getMessage())));
        }
    }

    private static PoolCheckReport run(MemberSet members) {
        var io = new HomeIo(members);
        MemberScan scan = MemberScan.of(members, io);
        HomeIo.on(
                members.home(),
                () -> {
                    members.order(scan.order());
                    return true;
                });
        LoadedPool loaded =
                new PoolLoader(io, scan.superblock(), new MapProgress(_ -> {}))
                        .load(members, scan, List.of());
        try (PageStore _ = loaded.pages();
                SumMap _ = loaded.sums()) {
            return new PoolCheck(loaded).report();
        } finally {
            loaded.space().close();
        }
    }

    private PoolCheckReport report() {
        Superblock superblock = loaded.superblock();
        if (!loaded.damage().isEmpty()) {
            findings.add(loaded.damage());
        }
        for (Volume volume : loaded.volumes().values()) {
            if (volume.root.page() != 0) {
                walk(volume.root.page());
            }
        }
        loaded.volumes().values().forEach(this::checkSums);
        ChunkSpace space = loaded.space();
        long dirty = 0;
        for (int i = 0; i < space.areas(); i++) {
            dirty += space.area(i).dirtyCount();
            checkMark(i);
        }
        long journal =
                superblock.place().isInChunks()
                        ? ChunkSpace.chunksOf(superblock.journalBytes(), superblock.chunkShift())
                        : 0;
        long used = placed + loaded.meta().chunks() + journal;
        if (space.total() - space.unused() != used) {
            findings.add(
                    "%d chunks are counted as used, maps and metadata use %d"
                            .formatted(space.total() - space.unused(), used));
        }
        return new PoolCheckReport(
                superblock.pool().toString(),
                superblock.generation(),
                superblock.ownerEpoch(),
                loaded.head().sequence() - superblock.journal().sequence(),
                loaded.volumes().size(),
                pages.size() + loaded.sums().pages().size(),
                space.total(),
                placed,
                loaded.meta().chunks(),
                dirty,
                checksums,
                uncertain,
                findings);
    }

    /** A block has a checksum only where something is mapped. */
    private void checkSums(Volume volume) {
        if (volume.sums == null) {
            return;
        }
        int shift = loaded.superblock().chunkShift() - PoolFormat.BLOCK_SHIFT;
        loaded.sums()
                .known(
                        volume.sums,
                        block -> {
                            checksums++;
                            if (loaded.tree().find(volume.root, block >>> shift) == 0) {
                                findings.add(
                                        "block %d of volume %s has a checksum and is not mapped"
                                                .formatted(block, volume.name));
                            }
                        });
        loaded.sums().marked(volume.sums, _ -> uncertain++);
    }

    private void walk(int page) {
        if (seenPages.get(page)) {
            return;
        }
        seenPages.set(page);
        boolean leaf = pages.level(page) == 0;
        for (int i = 0; i < PoolFormat.FANOUT; i++) {
            long entry = pages.entry(page, i);
            if (entry != 0 && leaf) {
                place(
                        entry & PoolFormat.CHUNK_MASK,
                        pages.index(page) << PoolFormat.FANOUT_SHIFT | i);
            } else if (entry != 0) {
                walk((int) entry);
            }
        }
    }

    private void place(long chunk, long place) {
        long[] places = placeOf[PoolFormat.member(chunk)];
        int index = (int) PoolFormat.index(chunk);
        long other = places[index] - 1;
        if (other < 0) {
            places[index] = place + 1;
            placed++;
        } else if (other != place) {
            // Copies of a volume have a chunk at the same place, or not at all.
            findings.add(
                    "chunk %d of member %d is mapped at %d and at %d"
                            .formatted(index, PoolFormat.member(chunk), other, place));
        }
    }

    private void checkMark(int member) {
        ChunkArea area = loaded.space().area(member);
        for (long i = area.mark(); i < area.chunks(); i++) {
            if (area.count(i) != 0) {
                findings.add(
                        "chunk %d of member %d is used, though it was never handed out"
                                .formatted(i, member));
            }
        }
    }
}
