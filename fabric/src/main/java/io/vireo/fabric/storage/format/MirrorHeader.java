package io.vireo.fabric.storage.format;

import io.vireo.memory.NativeMemory;
import io.vireo.memory.OwnMemory;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * The header of a leg, which is a disk that holds one copy of a mirrored member. It says which legs
 * there are and which of them hold everything. Of the headers that can be found the one with the
 * highest generation counts.
 *
 * @param set the mirrored member's identity
 * @param leg the index of this disk in {@code legs}
 * @param regionShift logarithm of the bytes that one bit of the write-intent bitmap stands for
 * @param generation of this state of the legs; each change has the next number
 * @param opening drawn by each opening, so that an owner notices that it has lost the mirror
 * @param lineage drawn when somebody goes on without legs that may know more
 * @param branches the lineages before, newest first, each with the generation at which it was left
 * @param legs all legs
 */
public record MirrorHeader(
        UUID set,
        int leg,
        int regionShift,
        long generation,
        UUID opening,
        UUID lineage,
        List<Branch> branches,
        List<Leg> legs) {
    /** The two places of a header, in bytes from the beginning of a leg. */
    public static final long[] PLACES = {0, 512 << 10};

    /** Where the write-intent bitmap begins. */
    public static final long INTENT = 1 << 20;

    public static final int INTENT_BYTES = 1 << 20;

    /** Where the copy of the member begins. */
    public static final long DATA = 2 << 20;

    /** Copies that a member can have. */
    public static final int MAX_LEGS = 3;

    public static final int MIN_REGION_SHIFT = 20;

    private static final int VERSION = 1;
    private static final int MAGIC = 0x484D_5356; // "VSMH"
    private static final int LEGS = 1024;
    private static final int BRANCHES = 2048;
    private static final int MAX_BRANCHES = 32;

    /**
     * A leg.
     *
     * @param inSync whether it holds everything that the member holds
     * @param leftAt the generation from which on it does not; 0: it never did
     */
    public record Leg(UUID uuid, boolean inSync, long leftAt) {}

    /** A lineage that was left after a generation. */
    public record Branch(UUID lineage, long generation) {}

    public MirrorHeader {
        legs = List.copyOf(legs);
        branches = List.copyOf(branches.subList(0, Math.min(branches.size(), MAX_BRANCHES)));
    }

    /** The same state as another leg tells it. */
    public MirrorHeader of(int index) {
        return new MirrorHeader(
                set, index, regionShift, generation, opening, lineage, branches, legs);
    }

    /** The state after this one, of the same lineage. */
    public MirrorHeader next(List<Leg> newLegs, UUID newOpening) {
        return new MirrorHeader(
                set, leg, regionShift, generation + 1, newOpening, lineage, branches, newLegs);
    }

    /** The state after this one, in a lineage of its own. */
    public MirrorHeader branch(List<Leg> newLegs, UUID newOpening) {
        var longer = new ArrayList<Branch>();
        longer.add(new Branch(lineage, generation));
        longer.addAll(branches);
        return new MirrorHeader(
                set,
                leg,
                regionShift,
                generation + 1,
                newOpening,
                UUID.randomUUID(),
                longer,
                newLegs);
    }

    /** Whether another header describes a state that this one came of, or this one itself. */
    public boolean descendsFrom(MirrorHeader other) {
        if (lineage.equals(other.lineage)) {
            return other.generation <= generation;
        }
        Optional<Branch> left =
                branches.stream().filter(b -> b.lineage().equals(other.lineage)).findFirst();
        return left.isPresent() && other.generation <= left.get().generation();
    }

    /**
     * Whether the write-intent bitmap has all that a leg with another header may lack.
     *
     * @param index which leg that is
     */
    public boolean covers(int index, MirrorHeader found) {
        Leg entry = legs.get(index);
        return entry.leftAt() > 0
                && descendsFrom(found)
                && index < found.legs.size()
                && found.legs.get(index).uuid().equals(entry.uuid())
                && found.generation >= entry.leftAt() - 1;
    }

    /** Whether the first block of {@code memory} claims to be one, sound or not. */
    public static boolean isOne(OwnMemory memory) {
        return NativeMemory.getInt(memory.address()) == MAGIC;
    }

    /** Writes it to the first block of {@code memory}. */
    public void encode(OwnMemory memory) {
        memory.fill(0, PoolFormat.BLOCK, (byte) 0);
        long at = memory.address();
        NativeMemory.putInt(at, MAGIC);
        NativeMemory.putInt(at + 8, VERSION);
        NativeMemory.putInt(at + 12, regionShift);
        putUuid(at + 16, set);
        NativeMemory.putInt(at + 32, leg);
        NativeMemory.putInt(at + 36, legs.size());
        NativeMemory.putLong(at + 40, generation);
        putUuid(at + 48, opening);
        putUuid(at + 64, lineage);
        NativeMemory.putInt(at + 80, branches.size());
        for (int i = 0; i < legs.size(); i++) {
            long entry = at + LEGS + 64L * i;
            putUuid(entry, legs.get(i).uuid());
            NativeMemory.putInt(entry + 16, legs.get(i).inSync() ? 1 : 0);
            NativeMemory.putLong(entry + 24, legs.get(i).leftAt());
        }
        for (int i = 0; i < branches.size(); i++) {
            long entry = at + BRANCHES + 32L * i;
            putUuid(entry, branches.get(i).lineage());
            NativeMemory.putLong(entry + 16, branches.get(i).generation());
        }
        NativeMemory.putInt(at + 4, memory.crc32c(8, PoolFormat.BLOCK - 8));
    }

    /**
     * Reads the first block of {@code memory}.
     *
     * @throws FormatException if it is none, damaged, or of another version
     */
    public static MirrorHeader decode(OwnMemory memory) throws FormatException {
        long at = memory.address();
        if (!isOne(memory)) {
            throw new FormatException("there is no header of a mirror's leg");
        }
        if (NativeMemory.getInt(at + 4) != memory.crc32c(8, PoolFormat.BLOCK - 8)) {
            throw new FormatException("the checksum of a mirror's header is wrong");
        }
        if (NativeMemory.getInt(at + 8) != VERSION) {
            throw new FormatException(
                    "the mirror has format version %d, this Vireo reads version %d; use the Vireo that wrote it, or a newer one"
                            .formatted(NativeMemory.getInt(at + 8), VERSION));
        }
        int count = NativeMemory.getInt(at + 36);
        int left = NativeMemory.getInt(at + 80);
        int shift = NativeMemory.getInt(at + 12);
        int leg = NativeMemory.getInt(at + 32);
        if (count < 2
                || count > MAX_LEGS
                || leg < 0
                || leg >= count
                || left < 0
                || left > MAX_BRANCHES
                || shift < MIN_REGION_SHIFT
                || shift > 40) {
            throw new FormatException("a mirror's header says nonsense with a right checksum");
        }
        return new MirrorHeader(
                uuid(at + 16),
                leg,
                shift,
                NativeMemory.getLong(at + 40),
                uuid(at + 48),
                uuid(at + 64),
                branches(at + BRANCHES, left),
                legs(at + LEGS, count));
    }

    private static List<Leg> legs(long at, int count) {
        var legs = new ArrayList<Leg>();
        for (int i = 0; i < count; i++) {
            long entry = at + 64L * i;
            legs.add(
                    new Leg(
                            uuid(entry),
                            NativeMemory.getInt(entry + 16) != 0,
                            NativeMemory.getLong(entry + 24)));
        }
        return legs;
    }

    private static List<Branch> branches(long at, int count) {
        var branches = new ArrayList<Branch>();
        for (int i = 0; i < count; i++) {
            long entry = at + 32L * i;
            branches.add(new Branch(uuid(entry), NativeMemory.getLong(entry + 16)));
        }
        return branches;
    }

    private static void putUuid(long at, UUID uuid) {
        NativeMemory.putLong(at, uuid.getMostSignificantBits());
        NativeMemory.putLong(at + 8, uuid.getLeastSignificantBits());
    }

    private static UUID uuid(long at) {
        return new UUID(NativeMemory.getLong(at), NativeMemory.getLong(at + 8));
    }
}
