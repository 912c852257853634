package io.vireo.fabric.storage.pool;

import io.vireo.block.BlockDevice;
import io.vireo.fabric.storage.format.FormatException;
import io.vireo.fabric.storage.format.MirrorHeader;
import io.vireo.fabric.storage.format.PoolFormat;
import io.vireo.fabric.storage.mirror.MirrorDevice;
import io.vireo.fabric.storage.mirror.MirrorStatus;
import io.vireo.memory.OwnMemory;
import io.vireo.reactor.Reactor;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.ToIntFunction;

/** The mirrored members of a pool that is open. On its home reactor, but for {@link #replace}. */
final class PoolMirrors {
    private final Engine engine;

    PoolMirrors(Engine engine) {
        this.engine = engine;
    }

    private List<MirrorDevice> mirrors() {
        var mirrors = new ArrayList<MirrorDevice>();
        for (int i = 0; i < engine.members().count(); i++) {
            if (engine.members().get(i).device() instanceof MirrorDevice mirror) {
                mirrors.add(mirror);
            }
        }
        return mirrors;
    }

    /** On how many disks each member is. */
    int copies() {
        return mirrors().stream().mapToInt(MirrorDevice::copies).findFirst().orElse(1);
    }

    List<MirrorStatus> status() {
        return mirrors().stream().map(MirrorDevice::status).toList();
    }

    boolean isHeld(BlockDevice device) {
        return mirrors().stream().anyMatch(mirror -> mirror.isHeld(device));
    }

    void each(Consumer<MirrorDevice> task) {
        mirrors().forEach(task);
    }

    /**
     * Not on the home reactor.
     *
     * @param others whether it may be a disk that was none of this pool
     */
    void replace(BlockDevice device, boolean others) {
        Reactor home = engine.members().home();
        PoolCreator.check(List.of(device), 1);
        MemberSet raw = HomeIo.on(home, () -> new MemberSet(home, List.of(device)));
        try {
            var io = new HomeIo(raw);
            Optional<MirrorHeader> newest = Optional.empty();
            int place = 0;
            try (OwnMemory block = OwnMemory.allocate(PoolFormat.BLOCK)) {
                for (int i = 0; i < MirrorHeader.PLACES.length; i++) {
                    io.read(0, MirrorHeader.PLACES[i], block, PoolFormat.BLOCK);
                    Optional<MirrorHeader> found = decode(block);
                    if (found.isPresent()
                            && (newest.isEmpty()
                                    || found.get().generation() > newest.get().generation())) {
                        newest = found;
                        place = i;
                    }
                }
                Optional<MirrorHeader> header = newest;
                boolean back =
                        header.isPresent()
                                && HomeIo.on(
                                        home,
                                        () ->
                                                mirrors().stream()
                                                        .anyMatch(m -> m.misses(header.get())));
                if (!back && !others) {
                    throw new ResourceException(
                            ErrorCode.CONFLICT,
                            "there is something on it that is none of the pool's");
                }
                if (!back) {
                    PoolCreator.checkUnused(io, 0, block);
                }
                int at = place;
                HomeIo.on(
                        home,
                        () -> {
                            put(device, back ? header : Optional.empty(), at);
                            return true;
                        });
            }
        } finally {
            StoragePool.closeMembers(raw);
        }
    }

    private static Optional<MirrorHeader> decode(OwnMemory block) {
        try {
            return Optional.of(MirrorHeader.decode(block));
        } catch (FormatException e) {
            return Optional.empty();
        }
    }

    private void put(BlockDevice device, Optional<MirrorHeader> back, int place) {
        ToIntFunction<MirrorDevice> vacancy =
                mirror ->
                        back.isEmpty()
                                ? mirror.vacancy()
                                : mirror.misses(back.get()) ? back.get().leg() : -1;
        MirrorDevice mirror =
                mirrors().stream()
                        .filter(m -> vacancy.applyAsInt(m) >= 0)
                        .findFirst()
                        .orElseThrow(() ->
                                new ResourceException(
                                        ErrorCode.CONFLICT,
                                        "no mirror of the pool lacks a disk; add disks as a new member, or drain the one that is to go"));
        if (device.geometry().capacity() < mirror.legBytes()
                || device.geometry().logicalBlockSize() > mirror.geometry().logicalBlockSize()) {
            throw new ResourceException(
                    ErrorCode.INVALID,
                    "the disk has %d bytes in blocks of %d, mirror %s needs %d in blocks of %d at most"
                            .formatted(
                                    device.geometry().capacity(),
                                    device.geometry().logicalBlockSize(),
                                    mirror.set(),
                                    mirror.legBytes(),
                                    mirror.geometry().logicalBlockSize()));
        }
        int leg = vacancy.applyAsInt(mirror);
        if (back.isPresent() && mirror.isLegHeld(leg)) {
            throw new ResourceException(
                    ErrorCode.CONFLICT,
                    "disk %d of mirror %s has not answered all requests that it got at its former place, and may still carry them out; wait until it has, or name an empty disk instead"
                            .formatted(leg, mirror.set()));
        }
        mirror.replace(leg, device, back, place);
        engine.members().measure();
    }
}
