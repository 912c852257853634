package io.vireo.fabric.storage.pool;

import io.vireo.block.BlockDevice;
import io.vireo.block.VolumeFormat;
import io.vireo.fabric.storage.crypto.MasterKeys;
import io.vireo.fabric.storage.format.Superblock;
import io.vireo.fabric.storage.mirror.MirrorDevice;
import io.vireo.fabric.storage.mirror.MirrorStatus;
import io.vireo.reactor.Reactor;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.Progress;
import io.vireo.resource.ResourceException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;

/**
 * A pool that is open. Control plane: any thread but the pool's home reactor, one call at a time;
 * each change is durable when its call returns. Failures are {@link ResourceException}s with a
 * message that says what to do.
 */
public final class StoragePool {
    private final Engine engine;
    private final Control control;
    private final Reactor home;
    private final PoolMirrors mirrors;
    private final VolumeKeys keys;

    /** Guarded by this. */
    private final Map<Long, PoolVolume> devices = new ConcurrentHashMap<>();

    StoragePool(Engine engine, Reactor home) {
        this.engine = engine;
        this.home = home;
        control = new Control(engine);
        mirrors = new PoolMirrors(engine);
        engine.members().onRemeasured(() -> devices.values().forEach(PoolVolume::changed));
        keys = new VolumeKeys(engine, control, home);
    }

    /**
     * Makes an empty pool of devices, durably. It is not open afterwards.
     *
     * @param devices the members; with copies, those that hold the same stand together
     * @param home where the devices are used meanwhile
     */
    public static void create(PoolConfig config, List<BlockDevice> devices, Reactor home) {
        List<BlockDevice> parts =
                MirrorFormatter.make(
                        devices, config.copies(), home, PoolOptions.DEFAULT, Optional.empty());
        MemberSet members = HomeIo.on(home, () -> new MemberSet(home, parts));
        try {
            PoolCreator.create(config, members);
        } finally {
            closeMembers(members);
        }
    }

    /** Opens a pool and tells nobody how far that is. */
    public static StoragePool open(List<BlockDevice> devices, Reactor home, PoolOptions options) {
        return open(devices, home, options, _ -> {});
    }

    /**
     * Opens a pool: reads its maps, replays its journal, and takes it over from whoever had it
     * before.
     *
     * @param devices all members, or all disks of mirrored ones, in any order; those that were
     *     about to become members are left out
     * @param home where the pool lives from now on
     * @param told of how much of the maps has been read, and before that of whom it waits for, on
     *     the caller's thread; what it throws ends the opening
     */
    public static StoragePool open(
            List<BlockDevice> devices, Reactor home, PoolOptions options, Consumer<Progress> told) {
        return PoolOpening.open(devices, home, options, told);
    }

    static void closeMembers(MemberSet members) {
        var closed = new CompletableFuture<Boolean>();
        members.home().execute(() -> members.close(() -> closed.complete(true)));
        HomeIo.await(members.home(), closed);
    }

    Engine engine() {
        return engine;
    }

    VolumeKeys volumeKeys() {
        return keys;
    }

    /**
     * Whether chunks of volumes that say nothing else lie on the members in turn, or on the first
     * that has room.
     */
    public boolean isStriped() {
        return engine.superblocks().current().striped();
    }

    /** What is wrong and what to do, in one sentence; empty: nothing. */
    public String trouble() {
        return engine.health().trouble();
    }

    /** Room and work. */
    public PoolStatus status() {
        return HomeIo.on(home, engine::status);
    }

    /** All volumes and snapshots. */
    public List<VolumeInfo> volumes() {
        return HomeIo.on(home, () -> engine.volumes().all().stream().map(this::info).toList());
    }

    /**
     * Tells, on the pool's reactor and without waiting for it, what {@link #status}, {@link
     * #volumes} and {@link #mirrors} do.
     */
    public void look(Consumer<PoolLook> told) {
        home.execute(() -> told.accept(lookNow()));
    }

    /** The same, waiting for it. */
    public PoolLook look() {
        return HomeIo.on(home, this::lookNow);
    }

    private PoolLook lookNow() {
        return new PoolLook(
                engine.status(),
                engine.volumes().all().stream().map(this::info).toList(),
                mirrors.status(),
                engine.drain().status(),
                engine.scrub().status(),
                engine.reclaim().status());
    }

    private VolumeInfo info(Volume volume) {
        return new VolumeInfo(
                volume.id,
                volume.name,
                volume.origin,
                volume.capacity,
                volume.root.mapped() << engine.chunkShift(),
                volume.readOnly,
                volume.dedicated,
                volume.created,
                volume.key.isPresent(),
                volume.sums != null);
    }

    /** Makes an empty volume that takes room as it is written. */
    public void createVolume(String name, VolumeFormat format) {
        var key = keys.draw(format);
        change(done -> control.create(name, format, false, key, done));
    }

    /** Makes an empty volume that has room for all of it reserved. */
    public void createDedicatedVolume(String name, VolumeFormat format) {
        var key = keys.draw(format);
        change(done -> control.create(name, format, true, key, done));
    }

    /**
     * Says where master keys come from. Encrypted volumes can be made and unlocked from then on.
     */
    public void keys(MasterKeys masters) {
        keys.masters(masters);
    }

    /** Takes {@link #keys} back; what is unlocked stays so. */
    public void withoutKeys() {
        keys.withoutMasters();
    }

    /**
     * Has the data of an encrypted volume or snapshot be had, until it was locked as often; nothing
     * happens to others.
     *
     * @throws ResourceException UNAVAILABLE if its master key is not there, or is another one
     */
    public synchronized void unlock(String name) {
        keys.unlock(HomeIo.on(home, () -> control.volume(name)));
    }

    /** Zeroes the keys of a volume in memory, soon; all its channels are closed. Any thread. */
    public void lock(String name) {
        home.execute(() -> keys.lock(name));
    }

    /**
     * Has all data keys that the previous master key has wrapped be wrapped by the current one, and
     * overwrites what they were before. What was done before a crash stays done.
     */
    public synchronized KeyStatus rewrapKeys() {
        KeyStatus status = keys.status();
        var found = keys.toRewrap();
        if (!found.isEmpty()) {
            change(done -> control.rewrap(found, done));
            eraseOldKeys();
            status = keys.status();
        }
        return status;
    }

    /** By which master keys data keys are wrapped. Reads the secrets. */
    public synchronized KeyStatus keyStatus() {
        return keys.status();
    }

    /** After that no disk holds a wrapped key that the pool does not need. */
    private void eraseOldKeys() {
        checkpoint();
        change(control::erase);
    }

    /** The device of a volume or snapshot; the same one each time. */
    public synchronized ThinDevice device(String name) {
        Volume volume = HomeIo.on(home, () -> control.volume(name));
        return devices.computeIfAbsent(volume.id, _ -> new PoolVolume(engine, volume));
    }

    /** Makes copies of volumes as they are at one moment, all or none. */
    public void copy(List<CopyOf> copies) {
        change(done -> control.copy(copies, done));
    }

    /** Makes a snapshot. */
    public void snapshot(String source, String name) {
        copy(List.of(CopyOf.snapshot(source, name)));
    }

    /** Makes a volume that begins as what another one, or a snapshot, is. */
    public void cloneVolume(String source, String name) {
        copy(List.of(CopyOf.clone(source, name)));
    }

    /** Makes a volume what a snapshot is; what it was before is gone. */
    public void rollback(String volume, String snapshot) {
        change(done -> control.rollback(volume, snapshot, done));
    }

    /**
     * Deletes a volume or snapshot whose channels are closed; its chunks come back by and by. If it
     * was the last one with its data key, that key is overwritten on the disks when this returns.
     */
    public synchronized void delete(String name) {
        Volume volume = HomeIo.on(home, () -> control.volume(name));
        boolean last = HomeIo.on(home, () -> control.isLastWithItsKey(volume));
        change(done -> control.delete(name, done));
        devices.remove(volume.id);
        if (last) {
            eraseOldKeys();
        }
    }

    public void rename(String name, String newName) {
        change(done -> control.rename(name, newName, done));
    }

    /** Makes a volume larger, and then tells its device's listeners. */
    public synchronized void grow(String name, long capacity) {
        change(done -> control.grow(name, capacity, done));
        Volume volume = HomeIo.on(home, () -> control.volume(name));
        PoolVolume device = devices.get(volume.id);
        if (device != null) {
            device.changed();
        }
    }

    /** Whether a device is a member. */
    public boolean uses(BlockDevice device) {
        return HomeIo.on(
                home,
                () -> {
                    for (int i = 0; i < engine.members().count(); i++) {
                        BlockDevice member = engine.members().get(i).device();
                        if (member == device
                                || member instanceof MirrorDevice mirror && mirror.isOn(device)) {
                            return true;
                        }
                    }
                    return false;
                });
    }

    /**
     * Bounds what a volume has mapped, together with others, until it is deleted; soon. Nothing
     * happens if there is no such volume.
     */
    public void limit(String name, AllocationLimit limit) {
        home.execute(() -> {
            if (control.exists(name) && !control.volume(name).limits.contains(limit)) {
                limit.add(control.volume(name));
            }
        });
    }

    /** Changes a limit; writes that are held because of it go on if they can. */
    public void limit(AllocationLimit limit, long bytes) {
        limit.bytes(bytes);
        home.execute(engine.held()::lookAgain);
    }

    /** How long requests wait for room from now on. */
    public void holdWhenFull(Duration hold) {
        HomeIo.on(
                home,
                () -> {
                    engine.held().hold(hold);
                    return true;
                });
    }

    /**
     * Adds a device, durably; writes that are held for want of room go on.
     *
     * @param zeroed whether it reads as zeroes; if not, each of its chunks is zeroed before its
     *     first use
     */
    public synchronized void addMember(BlockDevice device, boolean zeroed) {
        addMember(List.of(device), zeroed);
    }

    /**
     * The same with a device for each copy that the pool keeps.
     *
     * @param zeroed whether all of them read as zeroes
     */
    public synchronized void addMember(List<BlockDevice> devices, boolean zeroed) {
        int copies = HomeIo.on(home, () -> mirrors.copies());
        if (devices.size() != copies) {
            throw new ResourceException(
                    ErrorCode.INVALID,
                    "the pool keeps each member on %d disks; name so many, not %d"
                            .formatted(copies, devices.size()));
        }
        Superblock pool = engine.superblocks().current();
        BlockDevice member =
                MirrorFormatter.make(devices, copies, home, engine.options(), Optional.of(pool))
                        .getFirst();
        MemberJoin.prepare(engine, member, zeroed);
        checkpoint();
    }

    /**
     * Begins to move everything off a member, which then leaves the pool and can be used for
     * something else. It goes on while the pool is in use; a crash loses none of it but the wish:
     * it has to be begun again.
     *
     * @param device the member, or a disk of it
     * @param bytesPerSecond how much is moved at most; 0: as much as it can
     */
    public synchronized void drain(BlockDevice device, long bytesPerSecond) {
        change(done -> control.drain(device, bytesPerSecond, done));
    }

    /** How far the last drain is. */
    public DrainStatus drainStatus() {
        return HomeIo.on(home, () -> engine.drain().status());
    }

    /** Ends a drain: what was moved stays where it is, and the member is used as before. */
    public void cancelDrain() {
        HomeIo.on(
                home,
                () -> {
                    engine.drain().cancel();
                    return true;
                });
    }

    /**
     * Begins to read all copies of everything in the background, and to verify and compare them;
     * one that is under way begins anew. What it finds is told to {@link PoolEvents}.
     *
     * @param bytesPerSecond how much is read at most; 0: as much as it can
     */
    public void scrub(long bytesPerSecond) {
        scrub(bytesPerSecond, ScrubPlace.START);
    }

    /**
     * As {@link #scrub(long)}, from a place on that an earlier one had reached. What was shared
     * with volumes before it is read again.
     */
    public void scrub(long bytesPerSecond, ScrubPlace from) {
        HomeIo.on(
                home,
                () -> {
                    engine.scrub().start(bytesPerSecond, from);
                    return true;
                });
    }

    /** How far the last scrub is. */
    public ScrubStatus scrubStatus() {
        return HomeIo.on(home, () -> engine.scrub().status());
    }

    /** Changes how many bytes per second a scrub reads at most; 0: any number. */
    public void scrubRate(long bytesPerSecond) {
        HomeIo.on(
                home,
                () -> {
                    engine.scrub().rate(bytesPerSecond);
                    return true;
                });
    }

    /** Ends a scrub. */
    public void cancelScrub() {
        HomeIo.on(
                home,
                () -> {
                    engine.scrub().cancel();
                    return true;
                });
    }

    /** The mirrored members, with what each of their disks is and what is copied. */
    public List<MirrorStatus> mirrors() {
        return HomeIo.on(home, mirrors::status);
    }

    /**
     * Changes how fast what disks of mirrors lack is copied to them.
     *
     * @param bytesPerSecond of each mirror; 0: as much as it can
     */
    public void resyncRate(long bytesPerSecond) {
        HomeIo.on(
                home,
                () -> {
                    mirrors.each(mirror -> mirror.resyncRate(bytesPerSecond));
                    return true;
                });
    }

    /** Changes how long a disk of a mirror may leave a request without an answer. */
    public void stallLimit(Duration limit) {
        HomeIo.on(
                home,
                () -> {
                    mirrors.each(mirror -> mirror.stallLimit(limit));
                    return true;
                });
    }

    /** Whether a device that has no part in the pool any more still has requests of it. */
    public boolean isHeld(BlockDevice device) {
        return HomeIo.on(home, () -> engine.members().isLeaving(device) || mirrors.isHeld(device));
    }

    /** Holds the copying to disks of mirrors up, or lets it go on. */
    public void pauseResync(boolean paused) {
        HomeIo.on(
                home,
                () -> {
                    mirrors.each(mirror -> mirror.pauseResync(paused));
                    return true;
                });
    }

    /**
     * Puts a device into the place of a disk of a mirror that failed or is missing. One that was
     * that disk gets what it lacks; one that belongs to no pool gets everything.
     */
    public synchronized void replaceDisk(BlockDevice device) {
        mirrors.replace(device, true);
    }

    /** The same, but only a device that was that disk is taken. */
    public synchronized void takeBackDisk(BlockDevice device) {
        mirrors.replace(device, false);
    }

    /**
     * Takes into use what members have become larger by, durably; writes that are held for want of
     * room go on.
     *
     * @param zeroed whether what was added reads as zeroes
     */
    public synchronized void growMembers(boolean zeroed) {
        HomeIo.on(
                home,
                () -> {
                    engine.membership().planGrowth(zeroed);
                    return true;
                });
        checkpoint();
    }

    /** Writes all maps, so that the next opening has no journal to replay. */
    public void checkpoint() {
        change(control::checkpoint);
    }

    /** Makes everything durable and lets go of the members; all channels are closed. */
    public void close() {
        boolean durable = false;
        try {
            if (engine.health().trouble().isEmpty()) {
                HomeIo.on(
                        home,
                        () -> {
                            engine.sums().settleAll();
                            return true;
                        });
                checkpoint();
                change(control::tidy);
                durable = true;
            }
        } finally {
            letGo(durable);
        }
    }

    /**
     * Lets go of the members without making anything durable: for a pool that somebody else has
     * taken over, and for tests of what a crash leaves. All channels are closed.
     */
    public void abandon() {
        letGo(false);
    }

    /** Ends the engine; {@code durable}: nothing of it has to outlive it. */
    private void letGo(boolean durable) {
        var quiet = new CompletableFuture<Boolean>();
        home.execute(() -> {
            engine.health().stop();
            engine.whenQuiet(() -> {
                boolean closed = durable && engine.health().trouble().isEmpty();
                engine.watch().leave(closed, () -> quiet.complete(true));
            });
        });
        HomeIo.await(home, quiet);
        closeMembers(engine.members());
        HomeIo.on(
                home,
                () -> {
                    engine.release();
                    engine.surviving()
                            .ifPresent(durable ? SurvivingOps::delete : SurvivingOps::close);
                    return true;
                });
    }

    private synchronized void change(Consumer<CompletableFuture<Boolean>> task) {
        var done = new CompletableFuture<Boolean>();
        home.execute(() -> {
            try {
                task.accept(done);
            } catch (RuntimeException e) {
                done.completeExceptionally(e);
            }
        });
        HomeIo.await(home, done);
    }
}
