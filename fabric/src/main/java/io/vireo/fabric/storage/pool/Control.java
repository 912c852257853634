package io.vireo.fabric.storage.pool;

import io.vireo.block.BlockDevice;
import io.vireo.block.VolumeFormat;
import io.vireo.fabric.storage.crypto.WrappedKey;
import io.vireo.fabric.storage.format.JournalPlace;
import io.vireo.fabric.storage.format.PoolFormat;
import io.vireo.fabric.storage.format.PoolOp;
import io.vireo.fabric.storage.format.VolumeRecord;
import io.vireo.fabric.storage.journal.Group;
import io.vireo.fabric.storage.mirror.MirrorDevice;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.Progress;
import io.vireo.resource.Quantity;
import io.vireo.resource.ResourceException;
import io.vireo.resource.spec.Limits;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/**
 * What the control plane does to volumes, on the home reactor; one at a time. Each change of the
 * catalog is one operation of the journal, and is answered when that is durable.
 */
final class Control {
    /** Chunks that the end of a pool waits for to be zeroed. */
    private static final long MOST_TO_TIDY = 4096;

    private final Engine engine;

    Control(Engine engine) {
        this.engine = engine;
    }

    Volume volume(String name) {
        return engine.volumes().all().stream()
                .filter(v -> v.name.equals(name))
                .findFirst()
                .orElseThrow(() -> refuse(ErrorCode.NOT_FOUND, "there is no volume " + name));
    }

    boolean exists(String name) {
        return engine.volumes().all().stream().anyMatch(v -> v.name.equals(name));
    }

    void create(
            String name,
            VolumeFormat format,
            boolean dedicated,
            Optional<WrappedKey> key,
            CompletableFuture<Boolean> done) {
        checkWritable();
        checkName(name);
        checkCapacity(format.capacity(), format.logicalBlockSize());
        checkBlocks(format);
        if (dedicated) {
            checkRoom(engine.chunks(format.capacity()));
        }
        if (format.checksums() && !engine.superblocks().current().has(PoolFormat.CHECKSUMS)) {
            // Whoever does not know of checksums must not find operations that have them.
            engine.addFeature(PoolFormat.CHECKSUMS);
            first(this::checkpoint, done, () -> create(name, format, dedicated, key, done));
            return;
        }
        var record =
                new VolumeRecord(
                        engine.volumes().takeNumber(),
                        0,
                        format.capacity(),
                        0,
                        1,
                        format.logicalBlockSize(),
                        format.physicalBlockSize(),
                        false,
                        dedicated,
                        System.currentTimeMillis(),
                        name,
                        key,
                        format.checksums(),
                        0,
                        1);
        if (key.isPresent()) {
            engine.erasure().need();
        }
        engine.volumes().add(new Volume(record));
        engine.committer().ops().create(record);
        commit(done);
    }

    /** Does one thing, then another one. */
    private static void first(
            Consumer<CompletableFuture<Boolean>> task,
            CompletableFuture<Boolean> done,
            Runnable then) {
        var ended = new CompletableFuture<Boolean>();
        ended.whenComplete((_, failure) -> {
            try {
                if (failure != null) {
                    done.completeExceptionally(failure);
                } else {
                    then.run();
                }
            } catch (RuntimeException e) {
                done.completeExceptionally(e);
            }
        });
        task.accept(ended);
    }

    void copy(List<CopyOf> copies, CompletableFuture<Boolean> done) {
        checkWritable();
        int most = mostCopies();
        if (copies.size() > most) {
            throw refuse(
                    ErrorCode.INVALID,
                    "copies of %d volumes at one moment are more than this pool can make; make them of %d at most"
                            .formatted(copies.size(), most));
        }
        var names = new HashSet<String>();
        var sources = new ArrayList<Volume>();
        for (CopyOf copy : copies) {
            checkName(copy.name());
            if (!names.add(copy.name())) {
                throw refuse(ErrorCode.INVALID, "two copies are to have the name " + copy.name());
            }
            Volume source = volume(copy.source());
            if (!sources.contains(source)) {
                sources.add(source);
            }
        }
        Barrier.raise(sources, engine.path(), () -> copyNow(copies, done));
    }

    /** Copies are one operation, which has to fit a group of the journal, with others beside it. */
    private int mostCopies() {
        long journal = engine.superblocks().current().journalBytes();
        return (int) (Math.min(Group.MAX_BYTES / 2, journal / 4) / PoolOp.COPY_BYTES);
    }

    private void copyNow(List<CopyOf> copies, CompletableFuture<Boolean> done) {
        // What the operation copies has to be as the memory has it.
        copies.forEach(copy -> engine.sums().settleForCopy(volume(copy.source())));
        var made = new ArrayList<PoolOp.Source>();
        for (CopyOf copy : copies) {
            Volume source = volume(copy.source());
            var record =
                    new VolumeRecord(
                            engine.volumes().takeNumber(),
                            source.id,
                            source.capacity,
                            0,
                            1,
                            source.logicalBlock,
                            source.physicalBlock,
                            copy.readOnly(),
                            false,
                            copy.created().orElseGet(System::currentTimeMillis),
                            copy.name(),
                            source.key,
                            source.sums != null,
                            0,
                            1);
            var volume = new Volume(record);
            engine.tree().copy(source.root, volume.root);
            engine.sums().copied(source, volume);
            engine.volumes().add(volume);
            made.add(new PoolOp.Source(source.id, record));
        }
        engine.committer().ops().copy(made);
        commit(done);
    }

    void rollback(String name, String snapshot, CompletableFuture<Boolean> done) {
        checkWritable();
        Volume volume = volume(name);
        Volume source = volume(snapshot);
        if (volume.readOnly) {
            throw refuse(ErrorCode.INVALID, name + " is a snapshot; clone it to change it");
        }
        if (volume == source) {
            throw refuse(ErrorCode.INVALID, "a volume cannot be rolled back to itself");
        }
        if ((source.sums == null) != (volume.sums == null)) {
            throw refuse(
                    ErrorCode.INVALID,
                    "one of %s and %s has checksums and the other has none; clone the snapshot instead"
                            .formatted(name, snapshot));
        }
        if (source.capacity > volume.capacity) {
            throw refuse(
                    ErrorCode.CONFLICT,
                    "%s is larger than %s; grow the volume first".formatted(snapshot, name));
        }
        if (!volume.key.equals(source.key)) {
            throw refuse(
                    ErrorCode.CONFLICT,
                    "%s and %s are not encrypted with the same key; clone the snapshot instead"
                            .formatted(name, snapshot));
        }
        Barrier.raise(
                List.of(volume, source),
                engine.path(),
                () -> {
                    engine.sums().settleForCopy(source);
                    engine.reclaim().condemn(volume);
                    engine.tree().copy(source.root, volume.root);
                    engine.sums().copied(source, volume);
                    engine.committer().ops().rollback(volume.id, source.id);
                    engine.held().unmapped(volume);
                    commit(done);
                });
    }

    void delete(String name, CompletableFuture<Boolean> done) {
        checkWritable();
        Volume volume = volume(name);
        if (volume.channels > 0) {
            throw refuse(ErrorCode.IN_USE, "volume " + name + " is in use; detach it first");
        }
        engine.reclaim().condemn(volume);
        engine.volumes().remove(volume);
        engine.committer().ops().delete(volume.id);
        commit(done);
    }

    /** Whether no other volume has its key, which can be had no more when it is gone. */
    boolean isLastWithItsKey(Volume volume) {
        return volume.key.isPresent()
                && engine.volumes().all().stream()
                        .noneMatch(each -> each != volume && each.key.equals(volume.key));
    }

    /** Data keys are wrapped by another master key. */
    void rewrap(Map<Volume, WrappedKey> keys, CompletableFuture<Boolean> done) {
        checkWritable();
        keys.forEach((volume, key) -> {
            volume.key = Optional.of(key);
            engine.committer().ops().rewrap(volume.id, key);
        });
        commit(done);
    }

    /** Overwrites wrapped keys that are not needed any more; a checkpoint came before. */
    void erase(CompletableFuture<Boolean> done) {
        checkWritable();
        engine.erasure().ask(success -> answer(done, success));
    }

    void rename(String name, String newName, CompletableFuture<Boolean> done) {
        checkWritable();
        Volume volume = volume(name);
        checkName(newName);
        volume.name = newName;
        engine.committer().ops().rename(volume.id, newName);
        commit(done);
    }

    /** The capacity is seen when it is durable. */
    void grow(String name, long capacity, CompletableFuture<Boolean> done) {
        checkWritable();
        Volume volume = volume(name);
        checkCapacity(capacity, volume.logicalBlock);
        if (capacity < volume.capacity) {
            throw refuse(
                    ErrorCode.INVALID,
                    "volume %s has %d bytes and cannot shrink to %d"
                            .formatted(name, volume.capacity, capacity));
        }
        if (volume.readOnly) {
            throw refuse(ErrorCode.INVALID, name + " is a snapshot, which keeps its size");
        }
        if (volume.dedicated) {
            checkRoom(engine.chunks(capacity) - engine.chunks(volume.capacity));
        }
        volume.grown = Math.max(volume.grown, capacity);
        engine.committer().ops().grow(volume.id, capacity);
        engine.committer()
                .join(success -> {
                    if (success) {
                        volume.capacity = capacity;
                    }
                    answer(done, success);
                });
        engine.members().wake();
    }

    /**
     * Zeroes what is left to be zeroed, unless it is much, and says durably that all is, so that
     * the next opening need not. After the last checkpoint; nothing is written any more.
     */
    void tidy(CompletableFuture<Boolean> done) {
        if (engine.health().isFrozen()
                || engine.drain().isRunning()
                || engine.cleaner().broken() > 0
                || engine.reclaim().left() > MOST_TO_TIDY) {
            done.complete(false);
            return;
        }
        engine.meta().giveBackEmpty();
        boolean quiet =
                engine.reclaim().isDone()
                        && engine.space().isClean()
                        && !engine.cleaner().isBusy()
                        && !engine.committer().isBusy()
                        && !engine.checkpointer().isRunning()
                        && !engine.erasure().isPending();
        if (quiet && engine.meta().retired() > 0) {
            // What maps that are gone were in is free after a checkpoint.
            engine.checkpointer().ask();
            engine.committer().join(_ -> tidy(done));
        } else if (quiet) {
            engine.superblocks()
                    .write(engine.superblocks().current().cleaned(), why -> tidied(why, done));
        } else {
            engine.members().home().schedule(1_000_000, () -> tidy(done));
        }
    }

    private void tidied(String trouble, CompletableFuture<Boolean> done) {
        if (!trouble.isEmpty()) {
            engine.health().poison(trouble);
        }
        done.complete(trouble.isEmpty());
    }

    /** Makes everything durable; with a checkpoint, so that the journal is empty. */
    void checkpoint(CompletableFuture<Boolean> done) {
        checkWritable();
        if (engine.checkpointer().isRunning()) {
            engine.committer().join(_ -> retryCheckpoint(done));
        } else {
            engine.checkpointer().ask();
            engine.committer().join(success -> afterCheckpoint(success, done));
        }
        engine.members().wake();
    }

    /**
     * Begins to empty the member that a device is, or is a disk of, when changes that were begun
     * have ended: from then on who writes to one of its chunks copies it, and must not miss what
     * was still on its way there.
     */
    void drain(BlockDevice device, long bytesPerSecond, CompletableFuture<Boolean> done) {
        checkWritable();
        int member = -1;
        for (int i = 0; i < engine.members().count(); i++) {
            BlockDevice each = engine.members().get(i).device();
            boolean same =
                    each == device || each instanceof MirrorDevice mirror && mirror.isOn(device);
            member = same ? i : member;
        }
        if (member < 0) {
            throw refuse(ErrorCode.NOT_FOUND, "the disk is not a member of the pool");
        }
        if (engine.drain().isRunning()) {
            throw refuse(
                    ErrorCode.CONFLICT,
                    "member %d is being drained; wait for that, or cancel it"
                            .formatted(engine.drain().status().member()));
        }
        ChunkArea area = engine.space().area(member);
        long elsewhere =
                engine.space().unused() - area.unused() - engine.reservations().forMetadata();
        if (engine.journal().place().equals(JournalPlace.FIRST) && member == 0) {
            elsewhere -= ChunkSpace.chunksOf(engine.journal().ringBytes(), engine.chunkShift());
        }
        if (elsewhere < area.inUse() + engine.reservations().forDedicated()) {
            throw refuse(
                    ErrorCode.EXHAUSTED,
                    "the member has %d chunks in use, and the others have room for %d; add a disk or delete volumes"
                            .formatted(
                                    area.inUse(),
                                    Math.max(0, elsewhere - engine.reservations().forDedicated())));
        }
        int leaving = member;
        Barrier.raise(
                List.copyOf(engine.volumes().all()),
                engine.path(),
                () -> {
                    engine.drain().start(leaving, bytesPerSecond);
                    done.complete(true);
                });
    }

    private void retryCheckpoint(CompletableFuture<Boolean> done) {
        engine.members()
                .home()
                .schedule(
                        1_000_000,
                        () -> {
                            try {
                                checkpoint(done);
                            } catch (ResourceException e) {
                                done.completeExceptionally(e);
                            }
                        });
    }

    private void afterCheckpoint(boolean success, CompletableFuture<Boolean> done) {
        if (success && engine.checkpointer().isAsked() && !engine.health().isFrozen()) {
            // The round went without one, since a mark had to be durable first.
            retryCheckpoint(done);
        } else if (success && engine.checkpointer().isRunning() && !engine.health().isFrozen()) {
            engine.members().home().schedule(100_000, () -> afterCheckpoint(true, done));
        } else {
            answer(done, success && !engine.health().isFrozen());
        }
    }

    private void commit(CompletableFuture<Boolean> done) {
        engine.committer().join(success -> answer(done, success));
        engine.members().wake();
    }

    private void answer(CompletableFuture<Boolean> done, boolean success) {
        if (success) {
            done.complete(true);
        } else {
            done.completeExceptionally(refuse(ErrorCode.UNAVAILABLE, engine.health().trouble()));
        }
    }

    private void checkWritable() {
        if (engine.health().isFrozen()) {
            throw refuse(ErrorCode.UNAVAILABLE, engine.health().trouble());
        }
    }

    private void checkName(String name) {
        int length = name.getBytes(StandardCharsets.UTF_8).length;
        if (length == 0 || length > PoolFormat.MAX_NAME) {
            throw refuse(
                    ErrorCode.INVALID,
                    "a volume's name has 1 to %d bytes".formatted(PoolFormat.MAX_NAME));
        }
        if (exists(name)) {
            throw refuse(ErrorCode.CONFLICT, "there is a volume " + name + " already");
        }
    }

    private void checkCapacity(long capacity, int logicalBlock) {
        if (capacity <= 0 || capacity % logicalBlock != 0 || capacity > Limits.VDISK_MAX) {
            throw refuse(
                    ErrorCode.INVALID,
                    "it cannot have %s: a multiple of %d bytes, %s at most, is possible"
                            .formatted(
                                    new Quantity(Math.max(0, capacity)),
                                    logicalBlock,
                                    new Quantity(Limits.VDISK_MAX)));
        }
    }

    private void checkBlocks(VolumeFormat format) {
        for (int i = 0; i < engine.members().count(); i++) {
            int needed = engine.members().get(i).device().geometry().logicalBlockSize();
            if (format.logicalBlockSize() < needed) {
                throw refuse(
                        ErrorCode.UNSUPPORTED,
                        "member %d of the pool has blocks of %d bytes; choose that block size"
                                .formatted(i, needed));
            }
        }
    }

    private void checkRoom(long chunks) {
        long room = engine.reservations().left();
        if (chunks > room) {
            throw refuse(
                    ErrorCode.EXHAUSTED,
                    "the pool cannot reserve %s, %s are left; add a disk or delete volumes"
                            .formatted(size(chunks), size(Math.max(0, room))));
        }
    }

    private String size(long chunks) {
        return Progress.bytes(chunks << engine.chunkShift());
    }

    static ResourceException refuse(ErrorCode code, String message) {
        return new ResourceException(code, message);
    }
}
