package io.vireo.fabric.storage.pool;

import io.vireo.block.BlockDevice;
import io.vireo.fabric.storage.format.MemberEntry;
import io.vireo.fabric.storage.format.MirrorHeader;
import io.vireo.fabric.storage.format.Superblock;
import io.vireo.reactor.Reactor;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.Progress;
import io.vireo.resource.ResourceException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/**
 * Opens a pool: finds its members, has its maps read and its journal replayed ({@link PoolLoader}),
 * and takes it over from whoever had it before.
 */
final class PoolOpening {
    private PoolOpening() {}

    /** See {@link StoragePool#open}. */
    static StoragePool open(
            List<BlockDevice> devices, Reactor home, PoolOptions options, Consumer<Progress> told) {
        PoolCreator.check(devices, MirrorHeader.MAX_LEGS);
        List<BlockDevice> parts = MirrorAssembly.members(devices, home, options, false);
        MemberSet members = HomeIo.on(home, () -> new MemberSet(home, parts));
        List<SurvivingOps> left = List.of();
        StoragePool pool;
        LoadedPool loaded;
        try {
            var io = new HomeIo(members);
            MemberScan scan = MemberScan.of(members, io);
            HomeIo.on(
                    home,
                    () -> {
                        members.order(scan.order());
                        return true;
                    });
            left = left(options, scan.superblock());
            var loader = new PoolLoader(io, scan.superblock(), new MapProgress(told));
            loaded = loader.load(members, scan.newest(), left);
            pool = own(loaded, home, options);
        } catch (RuntimeException e) {
            left.forEach(SurvivingOps::close);
            StoragePool.closeMembers(members);
            throw e;
        }
        settle(pool, loaded, left);
        return pool;
    }

    /** Makes durable what outlived the last process; a damaged pool is only read, and keeps it. */
    private static void settle(StoragePool pool, LoadedPool loaded, List<SurvivingOps> left) {
        if (!loaded.damage().isEmpty()) {
            left.forEach(SurvivingOps::close);
            return;
        }
        try {
            if (loaded.survived()) {
                pool.checkpoint();
            }
        } catch (RuntimeException e) {
            left.forEach(SurvivingOps::close);
            pool.abandon();
            throw e;
        }
        left.forEach(SurvivingOps::delete);
    }

    private static List<SurvivingOps> left(PoolOptions options, Superblock superblock) {
        return options.surviving()
                .map(folder ->
                        SurvivingOps.find(folder, superblock.pool(), superblock.ownerEpoch()))
                .orElse(List.of());
    }

    private static StoragePool own(LoadedPool loaded, Reactor home, PoolOptions options) {
        Superblocks superblocks =
                HomeIo.on(
                        home,
                        () ->
                                new Superblocks(
                                        loaded.members(), loaded.superblock(), loaded.newest()));
        Optional<SurvivingOps> surviving = Optional.empty();
        try {
            if (loaded.damage().isEmpty()) {
                // Before anybody may look for it.
                surviving = options.surviving().map(folder -> next(folder, loaded.superblock()));
                takeOver(home, loaded, superblocks);
            }
            Optional<SurvivingOps> ops = surviving;
            Engine engine = HomeIo.on(home, () -> new Engine(loaded, superblocks, options, ops));
            return new StoragePool(engine, home);
        } catch (RuntimeException e) {
            superblocks.close();
            loaded.pages().close();
            loaded.sums().close();
            loaded.space().close();
            surviving.ifPresent(SurvivingOps::close);
            throw e;
        }
    }

    private static SurvivingOps next(Path folder, Superblock superblock) {
        return SurvivingOps.make(folder, superblock.pool(), superblock.ownerEpoch() + 1);
    }

    /** Makes it known durably that the pool has a new owner, and room for first writes. */
    private static void takeOver(Reactor home, LoadedPool loaded, Superblocks superblocks) {
        var done = new CompletableFuture<String>();
        home.execute(() -> {
            Superblock old = superblocks.current();
            var members = new ArrayList<MemberEntry>();
            for (int i = 0; i < old.members().size(); i++) {
                ChunkArea area = loaded.space().area(i);
                area.propose(0);
                members.add(old.members().get(i).with(area.proposed()));
            }
            superblocks.write(old.with(old.ownerEpoch() + 1, members), done::complete);
            loaded.members().wake();
        });
        String trouble = HomeIo.await(home, done);
        if (!trouble.isEmpty()) {
            throw new ResourceException(ErrorCode.UNAVAILABLE, trouble + "; check the disks");
        }
        HomeIo.on(
                home,
                () -> {
                    loaded.space().seal();
                    loaded.space().sealedIsDurable();
                    return true;
                });
    }
}
