package io.vireo.fabric.storage.pool;

import io.vireo.block.BlockDevice;
import io.vireo.fabric.storage.format.MemberEntry;
import io.vireo.fabric.storage.format.PoolFormat;
import io.vireo.fabric.storage.format.PoolOwner;
import io.vireo.fabric.storage.format.Superblock;
import io.vireo.memory.OwnMemory;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * Adds a device to a pool that is open. First the device gets a superblock of generation 0, which
 * says who it will be; then the next checkpoint makes it a member, in all superblocks at once.
 * Before that the pool is whole without it, after that it is known by what it says.
 */
final class MemberJoin {
    private MemberJoin() {}

    /** Until the checkpoint, which the caller has to have made. */
    static void prepare(Engine engine, BlockDevice device, boolean zeroed) {
        PoolCreator.check(List.of(device), 1);
        MemberSet members = engine.members();
        int index = HomeIo.on(members.home(), () -> add(engine, device));
        var io = new HomeIo(members);
        Superblock pool = engine.superblocks().current();
        try (OwnMemory block = OwnMemory.allocate(PoolFormat.BLOCK)) {
            PoolCreator.checkUnused(io, index, block, pool);
            MemberEntry entry =
                    PoolCreator.entry(pool, index, device.geometry().capacity(), zeroed);
            var table = new ArrayList<>(pool.members());
            table.add(entry);
            newcomer(pool, index, table).encode(block);
            io.write(index, PoolFormat.SUPERBLOCKS[0], block, PoolFormat.BLOCK);
            block.fill(0, PoolFormat.BLOCK, (byte) 0);
            io.write(index, PoolFormat.SUPERBLOCKS[1], block, PoolFormat.BLOCK);
            io.flush(index);
            HomeIo.on(
                    members.home(),
                    () -> {
                        engine.membership().join(entry);
                        return true;
                    });
        } catch (RuntimeException e) {
            var gone = new CompletableFuture<Boolean>();
            members.home().execute(() -> members.removeLast(() -> gone.complete(true)));
            HomeIo.await(members.home(), gone);
            throw e;
        }
    }

    private static int add(Engine engine, BlockDevice device) {
        int index = engine.members().count();
        if (engine.health().isFrozen()) {
            throw new ResourceException(ErrorCode.UNAVAILABLE, engine.health().trouble());
        }
        if (index == PoolFormat.MAX_MEMBERS) {
            throw new ResourceException(
                    ErrorCode.EXHAUSTED,
                    "a pool has at most %d members; grow one of them"
                            .formatted(PoolFormat.MAX_MEMBERS));
        }
        int block = device.geometry().logicalBlockSize();
        for (Volume volume : engine.volumes().all()) {
            if (volume.logicalBlock < block) {
                throw new ResourceException(
                        ErrorCode.UNSUPPORTED,
                        "the disk has blocks of %d bytes, volume %s of %d; choose another disk"
                                .formatted(block, volume.name, volume.logicalBlock));
            }
        }
        engine.members().add(device);
        engine.copyChecks().watch(index);
        return index;
    }

    private static Superblock newcomer(Superblock pool, int index, List<MemberEntry> table) {
        return new Superblock(
                pool.pool(),
                index,
                0,
                0,
                pool.chunkShift(),
                pool.striped(),
                pool.place(),
                pool.journalBytes(),
                pool.journal(),
                0,
                0,
                pool.nextVolume(),
                table,
                false,
                pool.features(),
                PoolOwner.NOBODY);
    }
}
