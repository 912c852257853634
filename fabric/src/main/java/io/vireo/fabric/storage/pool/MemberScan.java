package io.vireo.fabric.storage.pool;

import io.vireo.fabric.storage.format.FormatException;
import io.vireo.fabric.storage.format.MemberEntry;
import io.vireo.fabric.storage.format.PoolFormat;
import io.vireo.fabric.storage.format.Superblock;
import io.vireo.memory.OwnMemory;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * Finds out which pool the members are, in which order, and which superblock counts.
 *
 * @param superblock the one with the highest generation
 * @param order for each member of the pool, which of the devices it is; a device that was about to
 *     become a member when the power was lost is left out
 * @param newest for each member of the pool, the place of its newest superblock
 * @param behind members whose newest superblock is the one before, or that of a newcomer: the power
 *     was lost while superblocks were written
 */
record MemberScan(Superblock superblock, List<Integer> order, int[] newest, List<Integer> behind) {
    private record Found(Optional<Superblock> newest, int place, String trouble) {}

    /** Reads the superblocks of all devices. What their caches hold is durable afterwards. */
    static MemberScan of(MemberSet members, HomeIo io) {
        var found = new ArrayList<Found>();
        try (OwnMemory block = OwnMemory.allocate(PoolFormat.BLOCK)) {
            for (int i = 0; i < members.count(); i++) {
                // What can be read may not be durable yet if only the process died. Nothing may
                // be built upon it before it is.
                io.flush(i);
                found.add(find(i, io, block));
            }
        }
        Superblock best =
                found.stream()
                        .flatMap(f -> f.newest().stream())
                        .max((a, b) -> Long.compare(a.generation(), b.generation()))
                        .orElseThrow(() -> refused(found.getFirst().trouble()));
        MemberScan scan = sort(found, best);
        scan.checkSizes(members);
        return scan;
    }

    private static Found find(int device, HomeIo io, OwnMemory block) {
        Optional<Superblock> best = Optional.empty();
        int bestPlace = 0;
        var trouble = "";
        for (int place = 0; place < PoolFormat.SUPERBLOCKS.length; place++) {
            io.read(device, PoolFormat.SUPERBLOCKS[place], block, PoolFormat.BLOCK);
            try {
                Superblock read = Superblock.decode(block);
                if (best.isEmpty() || read.generation() > best.get().generation()) {
                    best = Optional.of(read);
                    bestPlace = place;
                }
            } catch (FormatException e) {
                trouble = e.why();
                if (Superblock.isNewer(block)) {
                    // The other place may hold what this Vireo reads, and is out of date.
                    throw refused(trouble);
                }
            }
        }
        return new Found(best, bestPlace, trouble);
    }

    private static MemberScan sort(List<Found> found, Superblock best) {
        int count = best.members().size();
        var order = new ArrayList<Integer>();
        int[] newest = new int[count];
        var behind = new ArrayList<Integer>();
        for (int member = 0; member < count; member++) {
            UUID uuid = best.members().get(member).uuid();
            if (best.members().get(member).isRemoved()) {
                order.add(-1);
                continue;
            }
            int device = -1;
            for (int i = 0; i < found.size(); i++) {
                Optional<Superblock> s = found.get(i).newest();
                if (s.isPresent() && isMember(s.get(), best.pool(), uuid)) {
                    device = i;
                }
            }
            if (device < 0) {
                throw new ResourceException(
                        ErrorCode.UNAVAILABLE,
                        "member %d (%s) of pool %s is missing; name its disk too, or bring it back"
                                .formatted(member, uuid, best.pool()));
            }
            order.add(device);
            newest[member] = found.get(device).place();
            long generation = found.get(device).newest().orElseThrow().generation();
            if (generation < best.generation()) {
                checkAge(member, generation, best);
                behind.add(member);
            }
        }
        long others =
                found.stream()
                        .filter(f -> f.newest().isEmpty() || !wasMember(f.newest().get(), best))
                        .count();
        long present = best.members().stream().filter(m -> !m.isRemoved()).count();
        if (others > present) {
            throw new ResourceException(
                    ErrorCode.INVALID,
                    "%d disks are named, pool %s has %d members; leave out those that are not"
                            .formatted(others, best.pool(), present));
        }
        return new MemberScan(best, order, newest, behind);
    }

    /**
     * Each superblock is on all members before the next is written to any: a member that lacks more
     * than the last was put back, with data from then.
     */
    private static void checkAge(int member, long generation, Superblock best) {
        if (generation > 0 && generation < best.generation() - 1) {
            throw refused(
                    "member %d of pool %s holds what the pool was at generation %d, the others what it is at %d; bring the disk back that was in use last, or restore all of them from one moment"
                            .formatted(member, best.pool(), generation, best.generation()));
        }
    }

    /** Whether it is that of a member which has left the pool since. */
    private static boolean wasMember(Superblock superblock, Superblock best) {
        return superblock.pool().equals(best.pool())
                && superblock.generation() < best.generation()
                && best.members().stream()
                        .noneMatch(m ->
                                m.uuid()
                                        .equals(
                                                superblock
                                                        .members()
                                                        .get(superblock.member())
                                                        .uuid()));
    }

    private void checkSizes(MemberSet members) {
        for (int i = 0; i < order.size(); i++) {
            MemberEntry entry = superblock.members().get(i);
            if (entry.isRemoved()) {
                continue;
            }
            long needed = entry.dataStart() + (entry.chunks() << superblock.chunkShift());
            long capacity = members.get(order.get(i)).device().geometry().capacity();
            if (capacity < needed) {
                throw refused(
                        "member %d of the pool has %d bytes and had %d; restore its size"
                                .formatted(i, capacity, needed));
            }
        }
    }

    private static boolean isMember(Superblock superblock, UUID pool, UUID member) {
        int index = superblock.member();
        return superblock.pool().equals(pool)
                && index < superblock.members().size()
                && superblock.members().get(index).uuid().equals(member);
    }

    private static ResourceException refused(String why) {
        return new ResourceException(ErrorCode.UNAVAILABLE, why);
    }
}
