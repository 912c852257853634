package io.vireo.fabric.storage.format;

import io.vireo.memory.NativeMemory;
import io.vireo.memory.OwnMemory;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/**
 * A superblock: which pool and member this is, and where a consistent state begins. The one with
 * the highest generation of all members counts.
 *
 * @param pool the pool's identity
 * @param member the index of this member in {@code members}
 * @param generation of the state that it describes
 * @param ownerEpoch advanced by each opening, so that an owner notices that it has lost the pool
 * @param chunkShift logarithm of a chunk's bytes
 * @param striped whether chunks are taken from the members in turn
 * @param place where the journal's ring is
 * @param journalBytes length of the ring
 * @param journal the groups from here on belong to the state
 * @param catalog address of the catalog's first block
 * @param catalogBlocks its length; 0: no volumes
 * @param nextVolume the smallest number that no volume has had
 * @param members all members
 * @param clean whether all chunks below the marks that nothing uses read as zeroes
 * @param features what a reader has to know of, {@link PoolFormat#FEATURES}
 * @param owner who has the pool open
 */
public record Superblock(
        UUID pool,
        int member,
        long generation,
        long ownerEpoch,
        int chunkShift,
        boolean striped,
        JournalPlace place,
        long journalBytes,
        JournalPoint journal,
        long catalog,
        int catalogBlocks,
        long nextVolume,
        List<MemberEntry> members,
        boolean clean,
        int features,
        PoolOwner owner) {
    /** Whose the pool is, as a superblock on disk says it. */
    public enum Whose {
        /** It says nothing: it is none, damaged, or of another pool. */
        UNKNOWN,
        /** That of who asks, or of one before. */
        OURS,
        /** Somebody has taken the pool over. */
        ANOTHERS
    }

    private static final int MAGIC = 0x4250_5356; // "VSPB"
    private static final int TABLE = 1024;
    private static final int ENTRY = 64;
    private static final int OWNER = 144;

    public Superblock {
        members = List.copyOf(members);
    }

    /** Whether a reader has to know of a feature. */
    public boolean has(int feature) {
        return (features & feature) != 0;
    }

    /** The same with another point of the journal. */
    public Superblock with(JournalPoint newJournal) {
        return new Superblock(
                pool,
                member,
                generation,
                ownerEpoch,
                chunkShift,
                striped,
                place,
                journalBytes,
                newJournal,
                catalog,
                catalogBlocks,
                nextVolume,
                members,
                clean,
                features,
                owner);
    }

    /** The same state with the next generation and other marks. */
    public Superblock with(List<MemberEntry> newMembers) {
        return next(ownerEpoch, newMembers, false, owner);
    }

    /** The same state with the next generation, of the owner after this one. */
    public Superblock taken(PoolOwner newOwner, List<MemberEntry> newMembers) {
        return next(ownerEpoch + 1, newMembers, false, newOwner);
    }

    /** The same state with the next generation, of nobody. */
    public Superblock closed() {
        return next(ownerEpoch, members, clean, PoolOwner.NOBODY);
    }

    /** The same, and all that nothing uses is zeroed. */
    public Superblock cleaned() {
        return next(ownerEpoch, members, true, PoolOwner.NOBODY);
    }

    private Superblock next(
            long newEpoch, List<MemberEntry> newMembers, boolean nowClean, PoolOwner newOwner) {
        return new Superblock(
                pool,
                member,
                generation + 1,
                newEpoch,
                chunkShift,
                striped,
                place,
                journalBytes,
                journal,
                catalog,
                catalogBlocks,
                nextVolume,
                newMembers,
                nowClean,
                features,
                newOwner);
    }

    /** The same state as another member tells it. */
    public Superblock of(int index) {
        return new Superblock(
                pool,
                index,
                generation,
                ownerEpoch,
                chunkShift,
                striped,
                place,
                journalBytes,
                journal,
                catalog,
                catalogBlocks,
                nextVolume,
                members,
                clean,
                features,
                owner);
    }

    /** Writes it to the first block of {@code memory}. */
    public void encode(OwnMemory memory) {
        memory.fill(0, PoolFormat.BLOCK, (byte) 0);
        long at = memory.address();
        NativeMemory.putInt(at, MAGIC);
        NativeMemory.putInt(
                at + 8, features == 0 ? PoolFormat.VERSION : PoolFormat.VERSION_WITH_FEATURES);
        NativeMemory.putInt(at + 12, chunkShift);
        putUuid(at + 16, pool);
        NativeMemory.putInt(at + 32, member);
        NativeMemory.putInt(at + 36, members.size());
        NativeMemory.putLong(at + 40, generation);
        NativeMemory.putLong(at + 48, ownerEpoch);
        NativeMemory.putLong(at + 56, journalBytes);
        NativeMemory.putLong(at + 64, journal.position());
        NativeMemory.putLong(at + 72, journal.sequence());
        NativeMemory.putInt(at + 80, journal.previousCrc());
        NativeMemory.putInt(at + 84, striped ? 1 : 0);
        NativeMemory.putLong(at + 88, catalog);
        NativeMemory.putInt(at + 96, catalogBlocks);
        NativeMemory.putLong(at + 104, nextVolume);
        NativeMemory.putInt(at + 112, features);
        if (has(PoolFormat.JOURNAL_PLACE)) {
            NativeMemory.putInt(at + 116, place.member());
            NativeMemory.putLong(at + 120, place.offset());
        }
        NativeMemory.putInt(at + 128, clean ? 1 : 0);
        owner.encode(memory, OWNER);
        for (int i = 0; i < members.size(); i++) {
            long entry = at + TABLE + (long) i * ENTRY;
            MemberEntry m = members.get(i);
            putUuid(entry, m.uuid());
            NativeMemory.putLong(entry + 16, m.dataStart());
            NativeMemory.putLong(entry + 24, m.chunks());
            NativeMemory.putLong(entry + 32, m.highWater());
        }
        NativeMemory.putInt(at + 4, memory.crc32c(8, PoolFormat.BLOCK - 8));
    }

    /** Whether the first block of {@code memory} claims to be one, sound or not. */
    public static boolean isOne(OwnMemory memory) {
        return NativeMemory.getInt(memory.address()) == MAGIC;
    }

    /** Whether the first block of {@code memory} is a sound one of a version that is not ours. */
    public static boolean isNewer(OwnMemory memory) {
        return isSound(memory) && !isKnown(memory.address());
    }

    private static boolean isSound(OwnMemory memory) {
        return isOne(memory)
                && NativeMemory.getInt(memory.address() + 4)
                        == memory.crc32c(8, PoolFormat.BLOCK - 8);
    }

    /**
     * Whose the pool is by the first block of {@code memory}, for the owner that this superblock
     * says. Allocates nothing; one of a newer version counts too.
     */
    public Whose whose(OwnMemory memory) {
        long at = memory.address();
        if (!isSound(memory)
                || NativeMemory.getLong(at + 16) != pool.getMostSignificantBits()
                || NativeMemory.getLong(at + 24) != pool.getLeastSignificantBits()) {
            return Whose.UNKNOWN;
        }
        long epoch = NativeMemory.getLong(at + 48);
        // Of two that took over the same state the other one counts, if ours is not newer.
        boolean ours =
                epoch < ownerEpoch
                        || epoch == ownerEpoch
                                && (owner.isAt(at + OWNER) || generation(memory) < generation);
        return ours ? Whose.OURS : Whose.ANOTHERS;
    }

    /** Generation of the sound one in the first block of {@code memory}. */
    public static long generation(OwnMemory memory) {
        return NativeMemory.getLong(memory.address() + 40);
    }

    /** Owner of the sound one in the first block of {@code memory}. */
    public static PoolOwner owner(OwnMemory memory) {
        return PoolOwner.decode(memory, OWNER);
    }

    private static boolean isKnown(long at) {
        return switch (NativeMemory.getInt(at + 8)) {
            case PoolFormat.VERSION -> true;
            case PoolFormat.VERSION_WITH_FEATURES ->
                    (NativeMemory.getInt(at + 112) & ~PoolFormat.FEATURES) == 0;
            default -> false;
        };
    }

    /**
     * Reads the first block of {@code memory}.
     *
     * @throws FormatException if it is none, damaged, or of another version
     */
    public static Superblock decode(OwnMemory memory) throws FormatException {
        check(memory);
        long at = memory.address();
        int version = NativeMemory.getInt(at + 8);
        int features = version == PoolFormat.VERSION ? 0 : NativeMemory.getInt(at + 112);
        int count = NativeMemory.getInt(at + 36);
        var members = new ArrayList<MemberEntry>(count);
        for (int i = 0; i < count; i++) {
            members.add(entry(at + TABLE + (long) i * ENTRY));
        }
        return new Superblock(
                uuid(at + 16),
                NativeMemory.getInt(at + 32),
                NativeMemory.getLong(at + 40),
                NativeMemory.getLong(at + 48),
                NativeMemory.getInt(at + 12),
                NativeMemory.getInt(at + 84) != 0,
                (features & PoolFormat.JOURNAL_PLACE) == 0
                        ? JournalPlace.FIRST
                        : new JournalPlace(
                                NativeMemory.getInt(at + 116), NativeMemory.getLong(at + 120)),
                NativeMemory.getLong(at + 56),
                new JournalPoint(
                        NativeMemory.getLong(at + 64),
                        NativeMemory.getLong(at + 72),
                        NativeMemory.getInt(at + 80)),
                NativeMemory.getLong(at + 88),
                NativeMemory.getInt(at + 96),
                NativeMemory.getLong(at + 104),
                members,
                NativeMemory.getInt(at + 128) != 0,
                features,
                PoolOwner.decode(memory, OWNER));
    }

    /** Refuses what is no superblock that this Vireo can read. */
    private static void check(OwnMemory memory) throws FormatException {
        long at = memory.address();
        if (!isOne(memory)) {
            throw new FormatException("there is no superblock of a pool");
        }
        if (NativeMemory.getInt(at + 4) != memory.crc32c(8, PoolFormat.BLOCK - 8)) {
            throw new FormatException("the superblock's checksum is wrong");
        }
        if (!isKnown(at)) {
            throw new FormatException(
                    "the pool has format version "
                            + NativeMemory.getInt(at + 8)
                            + " with features "
                            + NativeMemory.getInt(at + 112)
                            + ", this Vireo reads versions up to "
                            + PoolFormat.VERSION_WITH_FEATURES
                            + " with features "
                            + PoolFormat.FEATURES
                            + "; use the Vireo that wrote it, or a newer one");
        }
        int count = NativeMemory.getInt(at + 36);
        int chunkShift = NativeMemory.getInt(at + 12);
        if (count < 1
                || count > PoolFormat.MAX_MEMBERS
                || chunkShift < PoolFormat.MIN_CHUNK_SHIFT
                || chunkShift > PoolFormat.MAX_CHUNK_SHIFT) {
            throw new FormatException("the superblock says nonsense with a right checksum");
        }
    }

    private static MemberEntry entry(long at) {
        return new MemberEntry(
                uuid(at),
                NativeMemory.getLong(at + 16),
                NativeMemory.getLong(at + 24),
                NativeMemory.getLong(at + 32));
    }

    private static void putUuid(long at, UUID uuid) {
        NativeMemory.putLong(at, uuid.getMostSignificantBits());
        NativeMemory.putLong(at + 8, uuid.getLeastSignificantBits());
    }

    private static UUID uuid(long at) {
        return new UUID(NativeMemory.getLong(at), NativeMemory.getLong(at + 8));
    }
}
