package io.vireo.fabric.storage.pool;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockOperation;
import io.vireo.fabric.storage.format.FormatException;
import io.vireo.fabric.storage.format.JournalPlace;
import io.vireo.fabric.storage.format.JournalPoint;
import io.vireo.fabric.storage.format.MemberEntry;
import io.vireo.fabric.storage.format.MirrorHeader;
import io.vireo.fabric.storage.format.PoolFormat;
import io.vireo.fabric.storage.format.PoolOwner;
import io.vireo.fabric.storage.format.Superblock;
import io.vireo.memory.OwnMemory;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.Quantity;
import io.vireo.resource.ResourceException;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.UUID;

/** Makes an empty pool of devices. */
final class PoolCreator {
    private static final int MIN_CHUNKS = 16;
    private static final EnumSet<BlockOperation> NEEDED =
            EnumSet.of(
                    BlockOperation.READ,
                    BlockOperation.WRITE,
                    BlockOperation.WRITE_ZEROES,
                    BlockOperation.FLUSH);

    private PoolCreator() {}

    /**
     * Refuses devices that cannot be members, or disks of mirrored ones.
     *
     * @param copies most disks of a member
     */
    static void check(List<BlockDevice> devices, int copies) {
        if (devices.isEmpty() || devices.size() > PoolFormat.MAX_MEMBERS * copies) {
            throw new ResourceException(
                    ErrorCode.INVALID,
                    "a pool has 1 to %d disks, not %d"
                            .formatted(PoolFormat.MAX_MEMBERS * copies, devices.size()));
        }
        for (BlockDevice device : devices) {
            if (!device.operations().containsAll(NEEDED)
                    || device.geometry().logicalBlockSize() > PoolFormat.BLOCK) {
                throw new ResourceException(
                        ErrorCode.UNSUPPORTED,
                        "a member of a pool has to do %s in blocks of 4 KiB or less"
                                .formatted(NEEDED));
            }
        }
    }

    static void create(PoolConfig config, MemberSet members) {
        var io = new HomeIo(members);
        var table = new ArrayList<MemberEntry>();
        for (int i = 0; i < members.count(); i++) {
            table.add(entry(config, i, members.get(i).device().geometry().capacity()));
        }
        var superblock =
                new Superblock(
                        UUID.randomUUID(),
                        0,
                        1,
                        0,
                        config.chunkShift(),
                        config.striped(),
                        JournalPlace.FIRST,
                        config.journalBytes(),
                        JournalPoint.START,
                        0,
                        0,
                        1,
                        table,
                        false,
                        0,
                        PoolOwner.NOBODY);
        try (OwnMemory block = OwnMemory.allocate(PoolFormat.BLOCK)) {
            for (int i = 0; i < members.count(); i++) {
                checkUnused(io, i, block);
            }
            // The first one last: without it there is no pool.
            for (int i = members.count() - 1; i >= 0; i--) {
                superblock.of(i).encode(block);
                io.write(i, PoolFormat.SUPERBLOCKS[0], block, PoolFormat.BLOCK);
                io.flush(i);
            }
        }
    }

    /** Where a device that joins a pool later has its chunks. */
    static MemberEntry entry(Superblock pool, int index, long capacity, boolean zeroed) {
        var config = new PoolConfig(1 << pool.chunkShift(), pool.journalBytes(), true, zeroed);
        return entry(config, index, capacity);
    }

    private static MemberEntry entry(PoolConfig config, int index, long capacity) {
        long header = PoolFormat.HEADER_BYTES + (index == 0 ? config.journalBytes() : 0);
        long dataStart = PoolFormat.alignUp(header, config.chunkBytes());
        long chunks = Math.max(0, capacity - dataStart) / config.chunkBytes();
        if (chunks < MIN_CHUNKS) {
            throw new ResourceException(
                    ErrorCode.INVALID,
                    "member %d has %s, at least %s are needed; make it larger, or name another disk"
                            .formatted(
                                    index,
                                    new Quantity(capacity),
                                    new Quantity(
                                            dataStart + (long) MIN_CHUNKS * config.chunkBytes())));
        }
        if (chunks > ChunkArea.MAX_CHUNKS) {
            throw new ResourceException(
                    ErrorCode.INVALID,
                    "member %d is too large for chunks of %d bytes; choose larger ones"
                            .formatted(index, config.chunkBytes()));
        }
        return new MemberEntry(UUID.randomUUID(), dataStart, chunks, config.zeroed() ? 0 : chunks);
    }

    /**
     * Refuses a device that belongs to a pool; an attempt to add it to {@code mine} that was cut
     * off does not count.
     */
    static void checkUnused(HomeIo io, int member, OwnMemory block, Superblock mine) {
        for (long place : PoolFormat.SUPERBLOCKS) {
            io.read(member, place, block, PoolFormat.BLOCK);
            if (isTaken(block) && !isAttempt(block, mine)) {
                throw new ResourceException(
                        ErrorCode.CONFLICT,
                        "the disk belongs to a pool already; overwrite its first MiB if that is not needed");
            }
        }
    }

    private static boolean isTaken(OwnMemory block) {
        return Superblock.isOne(block) || MirrorHeader.isOne(block);
    }

    private static boolean isAttempt(OwnMemory block, Superblock mine) {
        try {
            Superblock found = Superblock.decode(block);
            return found.generation() == 0 && found.pool().equals(mine.pool());
        } catch (FormatException e) {
            return false;
        }
    }

    /** Refuses a device that belongs to a pool. */
    static void checkUnused(HomeIo io, int member, OwnMemory block) {
        for (long place : PoolFormat.SUPERBLOCKS) {
            io.read(member, place, block, PoolFormat.BLOCK);
            if (isTaken(block)) {
                throw new ResourceException(
                        ErrorCode.CONFLICT,
                        "member %d belongs to a pool already; open that, or overwrite the first MiB of the disk if it is not needed"
                                .formatted(member));
            }
        }
    }
}
