package io.vireo.fabric.storage.pool;

import io.vireo.block.BlockDevice;
import io.vireo.fabric.storage.format.MemberEntry;
import io.vireo.fabric.storage.format.MirrorHeader;
import io.vireo.fabric.storage.format.PoolFormat;
import io.vireo.fabric.storage.format.PoolOwner;
import io.vireo.fabric.storage.format.Superblock;
import io.vireo.memory.OwnMemory;
import io.vireo.reactor.Reactor;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.Progress;
import io.vireo.resource.ResourceException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
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
        Optional<PoolOwner> me = options.owner();
        Optional<PoolOwner> silent =
                me.flatMap(each -> OwnerChallenge.silentOwner(devices, home, each, told));
        List<BlockDevice> parts = MirrorAssembly.members(devices, home, options, false);
        MemberSet members = HomeIo.on(home, () -> new MemberSet(home, parts));
        List<SurvivingOps> left = List.of();
        StoragePool pool;
        LoadedPool loaded;
        try {
            var io = new HomeIo(members);
            MemberScan found = MemberScan.of(members, io);
            HomeIo.on(
                    home,
                    () -> {
                        members.order(found.order());
                        return true;
                    });
            MemberScan scan =
                    silent.map(each -> claim(found, members, each, me.orElseThrow(), told))
                            .orElse(found);
            left = left(options, scan.superblock());
            var loader = new PoolLoader(io, scan.superblock(), new MapProgress(told));
            loaded = loader.load(members, scan, left);
            pool = own(loaded, home, options);
        } catch (RuntimeException e) {
            left.forEach(SurvivingOps::close);
            StoragePool.closeMembers(members);
            throw e;
        }
        settle(pool, loaded, left);
        return pool;
    }

    /**
     * Takes the pool from an owner that did not answer, before anything of it is read: should that
     * one live after all, it sees so, or has to look before it writes again. The claim is nobody's
     * own: if this process dies meanwhile, the next one has to wait as long again.
     */
    private static MemberScan claim(
            MemberScan scan,
            MemberSet members,
            PoolOwner silent,
            PoolOwner me,
            Consumer<Progress> told) {
        Reactor home = members.home();
        Superblocks superblocks =
                HomeIo.on(
                        home,
                        () ->
                                new Superblocks(
                                        members, scan.superblock(), scan.newest(), scan.behind()));
        try {
            Superblock old = scan.superblock();
            write(
                    members,
                    superblocks,
                    old.taken(new PoolOwner(UUID.randomUUID(), me.host()), old.members()));
            OwnerChallenge.settle(home, silent, me, told);
            Superblock claimed = superblocks.current();
            int[] newest = superblocks.newest();
            checkClaim(new HomeIo(members), claimed, newest);
            return new MemberScan(claimed, scan.order(), newest, List.of());
        } finally {
            superblocks.close();
        }
    }

    /** Refuses a pool whose owner wrote superblocks once more, when ours were there already. */
    private static void checkClaim(HomeIo io, Superblock claimed, int[] newest) {
        try (OwnMemory block = OwnMemory.allocate(PoolFormat.BLOCK)) {
            for (int i = 0; i < claimed.members().size(); i++) {
                if (claimed.members().get(i).isRemoved()) {
                    continue;
                }
                io.read(i, PoolFormat.SUPERBLOCKS[newest[i]], block, PoolFormat.BLOCK);
                boolean there =
                        claimed.whose(block) == Superblock.Whose.OURS
                                && Superblock.generation(block) == claimed.generation()
                                && Superblock.owner(block).id().equals(claimed.owner().id());
                if (!there) {
                    throw new ResourceException(
                            ErrorCode.IN_USE,
                            Superblocks.LOST + "; stop Vireo there before it is opened here");
                }
            }
        }
    }

    private static void write(MemberSet members, Superblocks superblocks, Superblock next) {
        var done = new CompletableFuture<String>();
        members.home()
                .execute(() -> {
                    superblocks.write(next, done::complete);
                    members.wake();
                });
        String trouble = HomeIo.await(members.home(), done);
        if (!trouble.isEmpty()) {
            throw new ResourceException(ErrorCode.UNAVAILABLE, trouble + "; check the disks");
        }
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
                                        loaded.members(),
                                        loaded.superblock(),
                                        loaded.newest(),
                                        loaded.behind()));
        Optional<SurvivingOps> surviving = Optional.empty();
        try {
            if (loaded.damage().isEmpty()) {
                // Before anybody may look for it.
                surviving = options.surviving().map(folder -> next(folder, loaded.superblock()));
                takeOver(home, loaded, superblocks, options.owner().orElse(PoolOwner.NOBODY));
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
    private static void takeOver(
            Reactor home, LoadedPool loaded, Superblocks superblocks, PoolOwner owner) {
        Superblock next =
                HomeIo.on(
                        home,
                        () -> {
                            Superblock old = superblocks.current();
                            var members = new ArrayList<MemberEntry>();
                            for (int i = 0; i < old.members().size(); i++) {
                                ChunkArea area = loaded.space().area(i);
                                area.propose(0);
                                members.add(old.members().get(i).with(area.proposed()));
                            }
                            return old.taken(owner, members);
                        });
        write(loaded.members(), superblocks, next);
        HomeIo.on(
                home,
                () -> {
                    loaded.space().seal();
                    loaded.space().sealedIsDurable();
                    return true;
                });
    }
}
