package io.vireo.fabric.storage.pool;

import io.vireo.block.BlockDevice;
import io.vireo.fabric.storage.format.IntentBlock;
import io.vireo.fabric.storage.format.MirrorHeader;
import io.vireo.fabric.storage.format.PoolFormat;
import io.vireo.fabric.storage.format.Superblock;
import io.vireo.fabric.storage.mirror.MirrorDevice;
import io.vireo.fabric.storage.mirror.MirrorPlan;
import io.vireo.memory.OwnMemory;
import io.vireo.reactor.Reactor;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/** Makes mirrors of disks that belong to no pool. */
final class MirrorFormatter {
    /** Regions that a bitmap has about, of a mirror that is not small. */
    private static final long REGIONS = 1 << 16;

    private MirrorFormatter() {}

    /**
     * Makes a mirror of each {@code copies} neighbouring devices; with 1 copy they stay what they
     * are.
     *
     * @param mine the pool that they are for, if there is one: an attempt to add them to it that
     *     was cut off is no obstacle
     */
    static List<BlockDevice> make(
            List<BlockDevice> devices,
            int copies,
            Reactor home,
            PoolOptions options,
            Optional<Superblock> mine) {
        PoolCreator.check(devices, copies);
        if (copies == 1) {
            return devices;
        }
        if (devices.size() % copies != 0) {
            throw new ResourceException(
                    ErrorCode.INVALID,
                    "%d disks cannot be mirrors of %d disks each; name %d or %d"
                            .formatted(
                                    devices.size(),
                                    copies,
                                    Math.max(1, devices.size() / copies) * copies,
                                    (devices.size() / copies + 1) * copies));
        }
        MemberSet raw = HomeIo.on(home, () -> new MemberSet(home, devices));
        try {
            var io = new HomeIo(raw);
            try (OwnMemory block = OwnMemory.allocate(PoolFormat.BLOCK)) {
                for (int i = 0; i < devices.size(); i++) {
                    if (mine.isEmpty() || !MirrorAttempt.isOne(io, i, block, mine.get())) {
                        PoolCreator.checkUnused(io, i, block);
                    }
                }
            }
            var mirrors = new ArrayList<BlockDevice>();
            for (int i = 0; i < devices.size(); i += copies) {
                mirrors.add(mirror(io, i, devices.subList(i, i + copies), options));
            }
            return mirrors;
        } finally {
            StoragePool.closeMembers(raw);
        }
    }

    private static BlockDevice mirror(
            HomeIo io, int first, List<BlockDevice> devices, PoolOptions options) {
        long least = Long.MAX_VALUE;
        var legs = new ArrayList<MirrorHeader.Leg>();
        var found = new ArrayList<MirrorPlan.Found>();
        for (BlockDevice device : devices) {
            least = Math.min(least, device.geometry().capacity() - MirrorHeader.DATA);
            legs.add(new MirrorHeader.Leg(UUID.randomUUID(), true, 0));
            found.add(new MirrorPlan.Found(Optional.of(device), 0, false));
        }
        if (least <= 0) {
            throw new ResourceException(
                    ErrorCode.INVALID,
                    "a disk of a mirror needs more than %d bytes".formatted(MirrorHeader.DATA));
        }
        var header =
                new MirrorHeader(
                        UUID.randomUUID(),
                        0,
                        regionShift(least),
                        1,
                        UUID.randomUUID(),
                        UUID.randomUUID(),
                        List.of(),
                        legs);
        for (int i = 0; i < devices.size(); i++) {
            format(io, first + i, header.of(i));
        }
        return new MirrorDevice(
                new MirrorPlan(header, found, new BitSet(), false, false),
                MirrorAssembly.events(options.events()),
                options.mirrors().resyncBytesPerSecond(),
                options.mirrors().stallLimit());
    }

    private static int regionShift(long bytes) {
        int shift = MirrorHeader.MIN_REGION_SHIFT;
        while (bytes >>> shift > REGIONS) {
            shift++;
        }
        return shift;
    }

    private static void format(HomeIo io, int device, MirrorHeader header) {
        try (OwnMemory bitmap = OwnMemory.allocate(MirrorHeader.INTENT_BYTES);
                OwnMemory block = OwnMemory.allocate(PoolFormat.BLOCK)) {
            for (int i = 0; i < MirrorHeader.INTENT_BYTES / PoolFormat.BLOCK; i++) {
                IntentBlock.encode(bitmap, i * PoolFormat.BLOCK, i, 0, _ -> false);
            }
            io.write(device, MirrorHeader.INTENT, bitmap, bitmap.length());
            for (long place : PoolFormat.SUPERBLOCKS) {
                // A pool that was there before is not this one.
                io.write(device, MirrorHeader.DATA + place, block, PoolFormat.BLOCK);
            }
            io.write(device, MirrorHeader.PLACES[1], block, PoolFormat.BLOCK);
            io.flush(device);
            header.encode(block);
            io.write(device, MirrorHeader.PLACES[0], block, PoolFormat.BLOCK);
            io.flush(device);
        }
    }
}
