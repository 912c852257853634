package io.vireo.fabric.storage.map;

import io.vireo.fabric.storage.format.PoolFormat;
import io.vireo.fabric.storage.format.SumLeaf;
import java.util.function.LongConsumer;

/**
 * Checksums of volumes, one for each block of 4 KiB, and which of them are uncertain. They are in
 * trees of pages as maps are, so that copies of a volume share them too; what the leaves hold says
 * {@link SumLeaf}.
 */
public final class SumMap implements AutoCloseable {
    private final PageStore pages = new PageStore();
    private final MapTree tree;

    /**
     * @param counts never told of anything
     */
    public SumMap(ChunkCounts counts) {
        tree = new MapTree(pages, counts, false);
    }

    public PageStore pages() {
        return pages;
    }

    public MapTree tree() {
        return tree;
    }

    /** What is stored for a block; 0: it is zeroes. */
    public int get(MapRoot root, long block) {
        long word = tree.find(root, SumLeaf.word(block));
        return (int) (word >>> 32 * (block & 1));
    }

    /** Sets what is stored for a block; 0: it is zeroes. */
    public void set(MapRoot root, long block, int value) {
        long at = SumLeaf.word(block);
        long old = tree.find(root, at);
        int shift = (int) (block & 1) * 32;
        put(root, at, old, old & ~(0xFFFF_FFFFL << shift) | (value & 0xFFFF_FFFFL) << shift);
    }

    /** Marks blocks, or takes their marks back. */
    public void mark(MapRoot root, long block, long count, boolean on) {
        for (long at = block; at < block + count; at++) {
            long word = SumLeaf.markWord(at);
            long old = tree.find(root, word);
            long bit = SumLeaf.markBit(at);
            put(root, word, old, on ? old | bit : old & ~bit);
        }
    }

    private void put(MapRoot root, long at, long old, long value) {
        if (value != old) {
            tree.set(root, at, value);
        }
    }

    /** Tells of all blocks of a volume that are marked. */
    public void marked(MapRoot root, LongConsumer told) {
        each(
                root,
                (first, page) -> {
                    for (int i = 0; i < SumLeaf.BLOCKS; i++) {
                        long word = pages.entry(page, SumLeaf.SUM_WORDS + i / 64);
                        if ((word & 1L << (i & 63)) != 0) {
                            told.accept(first + i);
                        }
                    }
                });
    }

    /** Tells of all blocks of a volume that have a checksum. */
    public void known(MapRoot root, LongConsumer told) {
        each(
                root,
                (first, page) -> {
                    for (int i = 0; i < SumLeaf.BLOCKS; i++) {
                        if ((int) (pages.entry(page, i / 2) >>> 32 * (i & 1)) != 0) {
                            told.accept(first + i);
                        }
                    }
                });
    }

    /** Told of a leaf. */
    private interface LeafSink {
        void leaf(long firstBlock, int page);
    }

    private void each(MapRoot root, LeafSink sink) {
        if (root.page != 0) {
            each(root.page, sink);
        }
    }

    private void each(int page, LeafSink sink) {
        if (pages.level(page) == 0) {
            sink.leaf(pages.index(page) * SumLeaf.BLOCKS, page);
            return;
        }
        for (int i = 0; i < PoolFormat.FANOUT; i++) {
            int below = (int) pages.entry(page, i);
            if (below != 0) {
                each(below, sink);
            }
        }
    }

    /** Takes a volume's checksums away. */
    public void drop(MapRoot root) {
        tree.release(tree.detach(root));
    }

    /** Gives the memory back. */
    @Override
    public void close() {
        pages.close();
    }
}
