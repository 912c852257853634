package io.vireo.fabric.storage.pool;

import io.vireo.block.BlockDevice;
import io.vireo.fabric.storage.format.FormatException;
import io.vireo.fabric.storage.format.IntentBlock;
import io.vireo.fabric.storage.format.MirrorHeader;
import io.vireo.fabric.storage.format.PoolFormat;
import io.vireo.fabric.storage.mirror.MirrorDevice;
import io.vireo.fabric.storage.mirror.MirrorEvents;
import io.vireo.fabric.storage.mirror.MirrorPlan;
import io.vireo.memory.OwnMemory;
import io.vireo.reactor.Reactor;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;

/**
 * Puts the legs of mirrors together. Which legs hold everything is what the header with the highest
 * generation says. A leg that is missing is no obstacle if that header calls it out of date; else
 * it may know more, and somebody has to decide.
 */
final class MirrorAssembly {
    /**
     * What was found on a disk.
     *
     * @param attempt whether it was about to become a leg of a new member, and did not
     */
    private record Disk(
            BlockDevice device, Optional<MirrorHeader> header, int place, boolean attempt) {}

    private final HomeIo io;
    private final PoolOptions options;
    private final boolean readOnly;

    private MirrorAssembly(HomeIo io, PoolOptions options, boolean readOnly) {
        this.io = io;
        this.options = options;
        this.readOnly = readOnly;
    }

    /**
     * The members that devices are, or are legs of.
     *
     * @param readOnly whether nothing may be written to them
     */
    static List<BlockDevice> members(
            List<BlockDevice> devices, Reactor home, PoolOptions options, boolean readOnly) {
        MemberSet raw = HomeIo.on(home, () -> new MemberSet(home, devices));
        try {
            return new MirrorAssembly(new HomeIo(raw), options, readOnly).assemble(devices);
        } finally {
            StoragePool.closeMembers(raw);
        }
    }

    private List<BlockDevice> assemble(List<BlockDevice> devices) {
        var members = new ArrayList<Optional<UUID>>();
        var plain = new ArrayList<BlockDevice>();
        Map<UUID, List<Disk>> sets = new LinkedHashMap<>();
        Optional<ResourceException> unreadable = Optional.empty();
        for (int i = 0; i < devices.size(); i++) {
            try {
                Disk disk = look(devices.get(i), i);
                if (disk.header().isEmpty()) {
                    members.add(Optional.empty());
                    plain.add(devices.get(i));
                } else {
                    UUID set = disk.header().get().set();
                    if (!sets.containsKey(set)) {
                        members.add(Optional.of(set));
                    }
                    sets.computeIfAbsent(set, _ -> new ArrayList<>()).add(disk);
                }
            } catch (ResourceException e) {
                unreadable = Optional.of(e);
            }
        }
        if (sets.isEmpty() && unreadable.isPresent()) {
            throw unreadable.get();
        }
        var result = new ArrayList<BlockDevice>();
        for (Optional<UUID> member : members) {
            if (member.isPresent() && isAttempt(Objects.requireNonNull(sets.get(member.get())))) {
                continue;
            }
            result.add(
                    member.isPresent()
                            ? mirror(Objects.requireNonNull(sets.get(member.get())), devices)
                            : plain.removeFirst());
        }
        if (result.isEmpty()) {
            throw new ResourceException(
                    ErrorCode.UNAVAILABLE,
                    "there is no pool on the disks, only what an attempt to make one left behind");
        }
        return result;
    }

    /** Whether a mirror never became a member. */
    private static boolean isAttempt(List<Disk> disks) {
        return disks.stream().allMatch(Disk::attempt);
    }

    /** What a disk is. What its cache holds is durable afterwards. */
    private Disk look(BlockDevice device, int index) {
        // What can be read may not be durable yet if only the process died.
        io.flush(index);
        Optional<MirrorHeader> best = Optional.empty();
        int bestPlace = 0;
        var trouble = "";
        try (OwnMemory block = OwnMemory.allocate(PoolFormat.BLOCK)) {
            for (int place = 0; place < MirrorHeader.PLACES.length; place++) {
                io.read(index, MirrorHeader.PLACES[place], block, PoolFormat.BLOCK);
                try {
                    MirrorHeader read = MirrorHeader.decode(block);
                    if (best.isEmpty() || read.generation() > best.get().generation()) {
                        best = Optional.of(read);
                        bestPlace = place;
                    }
                } catch (FormatException e) {
                    trouble = MirrorHeader.isOne(block) ? e.why() : trouble;
                }
            }
            if (best.isEmpty() && !trouble.isEmpty()) {
                throw new ResourceException(ErrorCode.UNAVAILABLE, trouble);
            }
            boolean attempt = best.isPresent() && MirrorAttempt.isOne(io, index, block);
            return new Disk(device, best, bestPlace, attempt);
        }
    }

    private BlockDevice mirror(List<Disk> disks, List<BlockDevice> devices) {
        MirrorHeader best = newest(disks);
        var legs = new ArrayList<MirrorPlan.Found>();
        boolean missing = false;
        boolean present = false;
        var dirty = new BitSet();
        var current = new ArrayList<MirrorHeader.Leg>();
        for (int i = 0; i < best.legs().size(); i++) {
            MirrorHeader.Leg entry = best.legs().get(i);
            Optional<Disk> disk = find(disks, best, i);
            boolean old = disk.isPresent() && isOld(disk.get(), best);
            boolean inSync = entry.inSync() && !old;
            missing |= entry.inSync() && disk.isEmpty();
            present |= inSync && disk.isPresent();
            boolean partial = disk.isPresent() && best.covers(i, disk.get().header().orElseThrow());
            legs.add(
                    new MirrorPlan.Found(
                            disk.map(Disk::device), disk.map(Disk::place).orElse(0), partial));
            boolean stays = inSync && (disk.isPresent() || !options.mirrors().alone());
            long leftAt = entry.inSync() && disk.isEmpty() ? best.generation() + 1 : entry.leftAt();
            current.add(new MirrorHeader.Leg(entry.uuid(), stays, stays || old ? 0 : leftAt));
        }
        check(best, legs, missing, present);
        long bytes = dataBytes(legs);
        for (int i = 0; i < legs.size(); i++) {
            if (current.get(i).inSync() && legs.get(i).device().isPresent()) {
                addDirty(devices.indexOf(legs.get(i).device().get()), best, bytes, dirty);
            }
        }
        var header =
                new MirrorHeader(
                        best.set(),
                        0,
                        best.regionShift(),
                        best.generation(),
                        best.opening(),
                        best.lineage(),
                        best.branches(),
                        current);
        return new MirrorDevice(
                new MirrorPlan(header, legs, dirty, missing, readOnly),
                events(options.events()),
                options.mirrors().resyncBytesPerSecond(),
                options.mirrors().stallLimit());
    }

    static MirrorEvents events(PoolEvents events) {
        return new MirrorEvents() {
            @Override
            public void degraded(String sentence) {
                events.degraded(sentence);
            }

            @Override
            public void redundant() {
                events.redundant();
            }
        };
    }

    private static MirrorHeader newest(List<Disk> disks) {
        MirrorHeader best = null;
        for (Disk disk : disks) {
            MirrorHeader header = disk.header().orElseThrow();
            if (best == null || header.generation() > best.generation()) {
                best = header;
            }
        }
        MirrorHeader newest = Objects.requireNonNull(best);
        for (Disk disk : disks) {
            MirrorHeader header = disk.header().orElseThrow();
            if (!newest.descendsFrom(header)) {
                throw new ResourceException(
                        ErrorCode.CONFLICT,
                        "disks %d and %d of mirror %s were each used without the other; name only the one whose data is to be kept"
                                .formatted(newest.leg(), header.leg(), newest.set()));
            }
        }
        return newest;
    }

    private static Optional<Disk> find(List<Disk> disks, MirrorHeader best, int index) {
        List<Disk> found =
                disks.stream()
                        .filter(d -> {
                            MirrorHeader h = d.header().orElseThrow();
                            return h.leg() == index
                                    && h.legs()
                                            .get(index)
                                            .uuid()
                                            .equals(best.legs().get(index).uuid());
                        })
                        .toList();
        if (found.size() > 1) {
            throw new ResourceException(
                    ErrorCode.CONFLICT,
                    "two disks are both disk %d of mirror %s; leave out the one that is a copy"
                            .formatted(index, best.set()));
        }
        return found.stream().findFirst();
    }

    /** A leg in sync has the newest header or the one before; an older one was put back. */
    private static boolean isOld(Disk disk, MirrorHeader best) {
        return disk.header().orElseThrow().generation() < best.generation() - 1;
    }

    private void check(
            MirrorHeader best, List<MirrorPlan.Found> legs, boolean missing, boolean present) {
        if (!present) {
            throw new ResourceException(
                    ErrorCode.UNAVAILABLE,
                    "no disk that holds everything of mirror %s is here, only ones that are out of date; bring the others back"
                            .formatted(best.set()));
        }
        if (missing && !options.mirrors().alone() && !readOnly) {
            int index = 0;
            while (legs.get(index).device().isPresent() || !best.legs().get(index).inSync()) {
                index++;
            }
            throw new ResourceException(
                    ErrorCode.UNAVAILABLE,
                    "disk %d (%s) of mirror %s is missing, and may hold what the others do not; name its disk too, or say that the mirror may go on without it"
                            .formatted(index, best.legs().get(index).uuid(), best.set()));
        }
    }

    private static long dataBytes(List<MirrorPlan.Found> legs) {
        long least = Long.MAX_VALUE;
        for (MirrorPlan.Found leg : legs) {
            if (leg.device().isPresent()) {
                least = Math.min(least, leg.device().get().geometry().capacity());
            }
        }
        return least - MirrorHeader.DATA;
    }

    private void addDirty(int device, MirrorHeader header, long bytes, BitSet dirty) {
        int regions = (int) (bytes + (1L << header.regionShift()) - 1 >>> header.regionShift());
        try (OwnMemory block = OwnMemory.allocate(PoolFormat.BLOCK)) {
            for (int i = 0; i * (long) IntentBlock.REGIONS < regions; i++) {
                io.read(
                        device,
                        MirrorHeader.INTENT + (long) i * PoolFormat.BLOCK,
                        block,
                        PoolFormat.BLOCK);
                IntentBlock.decode(block, 0, i, regions, dirty::set);
            }
        }
    }
}
