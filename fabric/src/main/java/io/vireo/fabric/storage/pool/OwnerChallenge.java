package io.vireo.fabric.storage.pool;

import io.vireo.block.BlockDevice;
import io.vireo.fabric.storage.format.ClaimBlock;
import io.vireo.fabric.storage.format.FormatException;
import io.vireo.fabric.storage.format.MirrorHeader;
import io.vireo.fabric.storage.format.PoolFormat;
import io.vireo.fabric.storage.format.PoolOwner;
import io.vireo.fabric.storage.format.Superblock;
import io.vireo.memory.OwnMemory;
import io.vireo.reactor.Reactor;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.Progress;
import io.vireo.resource.ResourceException;
import io.vireo.resource.Wait;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * Asks the owner of a pool that was not closed whether it is alive: writes a claim to all disks,
 * and waits for an answer for as long as several looks of the owner take. Before that nothing is
 * written that the pool consists of, nor is a mirror put together: it would write its headers.
 */
final class OwnerChallenge {
    /** How long an owner has to answer, which looks each {@link OwnerWatch#LOOK_NANOS}. */
    private static final long SILENCE_NANOS = TimeUnit.SECONDS.toNanos(8);

    /** How long an owner that did not answer may still write before its {@link Fence} is shut. */
    private static final long SETTLE_NANOS = Fence.GOOD_NANOS + TimeUnit.SECONDS.toNanos(1);

    private static final String REASON = "WaitsForOwner";

    private static final long STEP_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

    /**
     * A disk with a superblock.
     *
     * @param base byte of the disk that the member begins at
     */
    private record Disk(int index, long base, Superblock newest) {}

    private final HomeIo io;
    private final Reactor home;
    private final PoolOwner me;
    private final Consumer<Progress> told;
    private final UUID claim = UUID.randomUUID();

    private OwnerChallenge(HomeIo io, Reactor home, PoolOwner me, Consumer<Progress> told) {
        this.io = io;
        this.home = home;
        this.me = me;
        this.told = told;
    }

    /**
     * Makes sure that no other host has the pool open.
     *
     * @param devices of the pool
     * @param me who wants to open it
     * @param told again and again while it waits, for whom and how long yet; what it throws ends
     *     that
     * @return who had it, and did not answer
     * @throws ResourceException IN_USE with its name if it has the pool
     */
    static Optional<PoolOwner> silentOwner(
            List<BlockDevice> devices, Reactor home, PoolOwner me, Consumer<Progress> told) {
        MemberSet raw = HomeIo.on(home, () -> new MemberSet(home, devices));
        try (OwnMemory block = OwnMemory.allocate(PoolFormat.BLOCK)) {
            return new OwnerChallenge(new HomeIo(raw), home, me, told).run(devices, block);
        } finally {
            StoragePool.closeMembers(raw);
        }
    }

    /**
     * Waits until who did not answer has stopped to write, having seen that it lost the pool.
     *
     * @param me who has it now
     */
    static void settle(Reactor home, PoolOwner silent, PoolOwner me, Consumer<Progress> told) {
        String why =
                "It waits until %s, which did not answer, has had the time to notice that the pool was taken from it, and is opened then.%s"
                        .formatted(silent, namesake(silent, me));
        for (long left = SETTLE_NANOS; left > 0; left -= STEP_NANOS) {
            pause(home, new Wait(REASON, why, Duration.ofNanos(left)), told);
        }
    }

    /** Who reads the name of this host has to know that a boot makes it another owner. */
    private static String namesake(PoolOwner silent, PoolOwner me) {
        return !silent.host().isEmpty() && silent.host().equals(me.host())
                ? " This host has that name: unless another one has it too, that was its Vireo before the last boot."
                : "";
    }

    private static void pause(Reactor home, Wait why, Consumer<Progress> told) {
        told.accept(Progress.waiting("open", why));
        var over = new CompletableFuture<Boolean>();
        home.execute(() -> home.schedule(STEP_NANOS, () -> over.complete(true)));
        HomeIo.await(home, over);
    }

    private Optional<PoolOwner> run(List<BlockDevice> devices, OwnMemory block) {
        var disks = new ArrayList<Disk>();
        for (int i = 0; i < devices.size(); i++) {
            look(devices.get(i), i, block).ifPresent(disks::add);
        }
        Optional<Superblock> newest = newest(disks);
        if (newest.isEmpty() || !isForeign(newest.get().owner())) {
            return Optional.empty();
        }
        Superblock before = newest.get();
        disks.removeIf(disk -> !disk.newest().pool().equals(before.pool()));
        disks.forEach(disk -> ask(disk, before, block));
        PoolOwner owner = before.owner();
        String why =
                "It waits for an answer of %s, which had the pool last and did not close it: if none comes, the pool is taken from it and opened.%s"
                        .formatted(owner, namesake(owner, me));
        for (long left = SILENCE_NANOS; left > 0; left -= STEP_NANOS) {
            pause(home, new Wait(REASON, why, Duration.ofNanos(left + SETTLE_NANOS)), told);
            for (Disk disk : disks) {
                if (wasClosed(disk, before, block)) {
                    return Optional.empty();
                }
                listen(disk, before, block);
            }
        }
        return Optional.of(owner);
    }

    private boolean isForeign(PoolOwner owner) {
        return owner.isSomebody() && !owner.id().equals(me.id());
    }

    private static Optional<Superblock> newest(List<Disk> disks) {
        return disks.stream()
                .map(Disk::newest)
                .max(Comparator.comparingLong(Superblock::generation));
    }

    /** Finds the superblock of a disk, be it a member or a leg of a mirrored one. */
    private Optional<Disk> look(BlockDevice device, int index, OwnMemory block) {
        long capacity = device.geometry().capacity();
        for (long base : List.of(0L, MirrorHeader.DATA)) {
            if (capacity >= base + PoolFormat.HEADER_BYTES) {
                Optional<Superblock> found = newest(index, base, block);
                if (found.isPresent()) {
                    return found.map(each -> new Disk(index, base, each));
                }
            }
        }
        return Optional.empty();
    }

    /** What cannot be read or understood is nobody's here: the opening will say so. */
    private Optional<Superblock> newest(int disk, long base, OwnMemory block) {
        Optional<Superblock> newest = Optional.empty();
        for (long place : PoolFormat.SUPERBLOCKS) {
            try {
                io.read(disk, base + place, block, PoolFormat.BLOCK);
                if (Superblock.isNewer(block)) {
                    return Optional.empty();
                }
                Superblock found = Superblock.decode(block);
                if (newest.isEmpty() || found.generation() > newest.get().generation()) {
                    newest = Optional.of(found);
                }
            } catch (FormatException | ResourceException e) {
                // The other place may say more.
            }
        }
        return newest;
    }

    private void ask(Disk disk, Superblock before, OwnMemory block) {
        new ClaimBlock(false, before.pool(), claim, before.ownerEpoch(), me).encode(block);
        io.write(disk.index(), disk.base() + ClaimBlock.CLAIM, block, PoolFormat.BLOCK);
    }

    /** Whether the owner has closed the pool meanwhile; it throws if it lives on. */
    private boolean wasClosed(Disk disk, Superblock before, OwnMemory block) {
        Optional<Superblock> now = newest(disk.index(), disk.base(), block);
        if (now.isEmpty() || now.get().generation() <= before.generation()) {
            return false;
        }
        if (isForeign(now.get().owner())) {
            throw taken(before, now.get().owner());
        }
        return true;
    }

    private void listen(Disk disk, Superblock before, OwnMemory block) {
        io.read(disk.index(), disk.base() + ClaimBlock.ANSWER, block, PoolFormat.BLOCK);
        ClaimBlock.decode(block, 0)
                .filter(answer -> answer.answer() && answer.claim().equals(claim))
                .ifPresent(answer -> {
                    throw taken(before, answer.by());
                });
        io.read(disk.index(), disk.base() + ClaimBlock.CLAIM, block, PoolFormat.BLOCK);
        Optional<ClaimBlock> there =
                ClaimBlock.decode(block, 0).filter(each -> each.epoch() == before.ownerEpoch());
        if (there.isEmpty()) {
            // The owner has copied something else to it: it is a leg that is being resynced.
            ask(disk, before, block);
        } else if (!there.get().claim().equals(claim)) {
            throw taken(before, there.get().by());
        }
    }

    private static ResourceException taken(Superblock pool, PoolOwner by) {
        return new ResourceException(
                ErrorCode.IN_USE,
                "pool %s is open at %s: stop Vireo there, or delete the pool there, before it is opened here"
                        .formatted(pool.pool(), by));
    }
}
