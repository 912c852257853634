package io.vireo.bench;

import io.vireo.fabric.storage.format.CatalogBlock;
import io.vireo.fabric.storage.format.JournalPlace;
import io.vireo.fabric.storage.format.JournalPoint;
import io.vireo.fabric.storage.format.MapPage;
import io.vireo.fabric.storage.format.MemberEntry;
import io.vireo.fabric.storage.format.PoolFormat;
import io.vireo.fabric.storage.format.PoolOwner;
import io.vireo.fabric.storage.format.Superblock;
import io.vireo.fabric.storage.format.VolumeRecord;
import io.vireo.memory.OwnMemory;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * Writes a pool that is larger than the disk: one sparse file with the maps of volumes all of whose
 * chunks are mapped, and no data. What a pool looks like after a checkpoint: docs/pool-format.md.
 */
final class PoolImage {
    private static final int CHUNK_SHIFT = 16;
    private static final long CHUNK = 1L << CHUNK_SHIFT;
    private static final int BLOCKS = (int) CHUNK / PoolFormat.BLOCK;
    private static final long JOURNAL = 16L << 20;
    private static final int HEIGHT = 2;
    private static final long GENERATION = 2;

    private final int volumes;
    private final long chunksPerVolume;
    private final long leaves;
    private final long metadataChunks;
    private final OwnMemory block = OwnMemory.allocate(PoolFormat.BLOCK);

    /**
     * @param volumes their number
     * @param volumeBytes of each, 16 GiB at most
     */
    private PoolImage(int volumes, long volumeBytes) {
        this.volumes = volumes;
        chunksPerVolume = volumeBytes / CHUNK;
        leaves = (chunksPerVolume + PoolFormat.FANOUT - 1) / PoolFormat.FANOUT;
        metadataChunks = (volumes * (leaves + 1) + catalogBlocks() + BLOCKS - 1) / BLOCKS;
    }

    /** Makes the file; the bytes that are mapped. */
    static long write(Path file, int volumes, long volumeBytes) {
        var image = new PoolImage(volumes, volumeBytes);
        try (image.block;
                var out =
                        FileChannel.open(
                                file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            image.write(out);
        } catch (IOException e) {
            throw new BenchException("Cannot write " + file + ".", e);
        }
        return volumes * image.chunksPerVolume * CHUNK;
    }

    private int catalogBlocks() {
        return (volumes + CatalogBlock.RECORDS - 1) / CatalogBlock.RECORDS;
    }

    private static long dataStart() {
        return PoolFormat.alignUp(PoolFormat.HEADER_BYTES + JOURNAL, CHUNK);
    }

    /** Address of the n-th block of metadata: these fill the first chunks. */
    private static long address(long n) {
        return PoolFormat.blockAddress(PoolFormat.chunk(0, n / BLOCKS), (int) (n % BLOCKS));
    }

    private void write(FileChannel out) throws IOException {
        long used = metadataChunks + volumes * chunksPerVolume;
        // Some room is left, as a pool that works has.
        long chunks = used + used / 32;
        out.position(dataStart());
        for (var volume = 0; volume < volumes; volume++) {
            writeMap(out, volume);
        }
        writeCatalog(out);
        out.write(ByteBuffer.wrap(new byte[1]), dataStart() + (chunks << CHUNK_SHIFT) - 1);
        var superblock =
                new Superblock(
                        UUID.randomUUID(),
                        0,
                        GENERATION,
                        1,
                        CHUNK_SHIFT,
                        true,
                        JournalPlace.FIRST,
                        JOURNAL,
                        JournalPoint.START,
                        address(volumes * (leaves + 1)),
                        catalogBlocks(),
                        volumes + 1L,
                        List.of(new MemberEntry(UUID.randomUUID(), dataStart(), chunks, used)),
                        true,
                        0,
                        PoolOwner.NOBODY);
        superblock.encode(block);
        out.write(content(), PoolFormat.SUPERBLOCKS[0]);
        out.force(true);
    }

    private ByteBuffer content() {
        return ByteBuffer.wrap(block.bytes(0, PoolFormat.BLOCK));
    }

    private void writeMap(FileChannel out, int volume) throws IOException {
        var first = volume * (leaves + 1);
        var data = metadataChunks + volume * chunksPerVolume;
        var pages = ByteBuffer.allocate((int) (leaves + 1) * PoolFormat.BLOCK);
        for (var leaf = 0L; leaf < leaves; leaf++) {
            for (var i = 0; i < PoolFormat.FANOUT; i++) {
                var chunk = leaf * PoolFormat.FANOUT + i;
                var mapped = chunk < chunksPerVolume;
                MapPage.put(
                        block.address(),
                        i,
                        mapped ? PoolFormat.PRESENT | PoolFormat.chunk(0, data + chunk) : 0);
            }
            MapPage.seal(block, 0, 0, leaf, GENERATION);
            pages.put(content());
        }
        for (var i = 0; i < PoolFormat.FANOUT; i++) {
            MapPage.put(
                    block.address(), i, i < leaves ? PoolFormat.PRESENT | address(first + i) : 0);
        }
        MapPage.seal(block, 0, HEIGHT - 1, 0, GENERATION);
        pages.put(content());
        out.write(pages.flip());
    }

    private void writeCatalog(FileChannel out) throws IOException {
        var first = volumes * (leaves + 1);
        for (var number = 0; number < catalogBlocks(); number++) {
            var from = number * CatalogBlock.RECORDS;
            var count = Math.min(CatalogBlock.RECORDS, volumes - from);
            block.fill(0, PoolFormat.BLOCK, (byte) 0);
            for (var i = 0; i < count; i++) {
                record(from + i).encode(CatalogBlock.record(block.address(), i));
            }
            var next = number + 1 < catalogBlocks() ? address(first + number + 1) : 0;
            CatalogBlock.seal(block, 0, count, number, next, GENERATION);
            out.write(content());
        }
    }

    private VolumeRecord record(int volume) {
        return new VolumeRecord(
                volume + 1L,
                0,
                chunksPerVolume * CHUNK,
                PoolFormat.PRESENT | address(volume * (leaves + 1) + leaves),
                HEIGHT,
                512,
                4096,
                false,
                false,
                0,
                "disk" + volume,
                Optional.empty(),
                false,
                0,
                1);
    }
}
