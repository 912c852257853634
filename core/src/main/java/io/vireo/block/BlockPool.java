package io.vireo.block;

import io.vireo.resource.ErrorCode;
import io.vireo.resource.Progress;
import io.vireo.resource.ResourceException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * A place that holds volumes by name. Control plane: one thread at a time, calls may do file system
 * work. Failures are {@link ResourceException}s with a message that says what to do.
 */
public interface BlockPool {
    /** Where it is, for people: a path, or what it is. */
    String location();

    /** Whether volumes can have checksums. */
    default boolean hasChecksums() {
        return false;
    }

    /** Whether volumes can have snapshots. */
    default boolean hasSnapshots() {
        return false;
    }

    /** Whether volumes can look for writes of zeroes. */
    default boolean hasZeroDetection() {
        return false;
    }

    /**
     * Whether chunks of volumes that say nothing else lie on its members in turn, or on the first
     * that has room. Empty: it has no members to choose from.
     */
    default Optional<Boolean> striped() {
        return Optional.empty();
    }

    /**
     * Makes an empty volume, durably: it reads as zeroes and takes room as it is written. If one of
     * this name was left behind by an attempt that was cut off, it is taken over; one with data in
     * it is not touched (CONFLICT).
     */
    void create(String volume, VolumeFormat format);

    /**
     * As {@link #create}, with room for all of the volume reserved: no write to it can fail because
     * the pool is full.
     */
    default void createThick(String volume, VolumeFormat format) {
        throw unsupported("thick vDisks");
    }

    /**
     * Makes a volume that begins as what a snapshot is, durably. If one made of that snapshot was
     * left behind by an attempt that was cut off, it is taken over.
     *
     * @param format its capacity is not below the snapshot's
     */
    default void createFrom(String snapshot, String volume, VolumeFormat format) {
        throw unsupported("clones");
    }

    /**
     * Makes a snapshot of a volume as it is now, durably: every write that has ended is in it. If
     * one of that volume was left behind by an attempt that was cut off, it is taken over.
     */
    default void createSnapshot(String volume, String snapshot) {
        throw unsupported("snapshots");
    }

    /**
     * Makes a snapshot, as {@link #createSnapshot}, that is known as one of an earlier time: what
     * it was made of holds what a volume elsewhere was then.
     */
    default void createSnapshot(String volume, String snapshot, Instant made) {
        throw unsupported("snapshots");
    }

    /** All snapshots of a volume, the oldest first. May wait for the pool's reactor. */
    default List<VolumeSnapshot> snapshotsOf(String volume) {
        return List.of();
    }

    /** Whether there is a snapshot of this name, of whatever volume. */
    default boolean hasSnapshot(String snapshot) {
        return false;
    }

    /**
     * Opens a snapshot; its device can only be read.
     *
     * @throws ResourceException UNAVAILABLE if it is gone
     */
    default BlockVolume openSnapshot(String snapshot) {
        throw unsupported("snapshots");
    }

    /** Deletes a snapshot, durably; nothing happens if there is none. What it was made of stays. */
    default void deleteSnapshot(String snapshot) {
        throw unsupported("snapshots");
    }

    private ResourceException unsupported(String what) {
        return new ResourceException(
                ErrorCode.UNSUPPORTED,
                location() + " has no " + what + ": only pools of type disks have");
    }

    /**
     * Makes snapshots of several volumes as they are at one moment, durably, all or none: of {@code
     * volume} the snapshot {@code group/volume}. If they were left behind by an attempt that was
     * cut off, they are taken over.
     */
    default void createGroup(String group, List<String> volumes) {
        throw unsupported("snapshots");
    }

    /**
     * Deletes what is left of a group of snapshots, durably; nothing happens if there is nothing.
     */
    default void deleteGroup(String group) {
        throw unsupported("snapshots");
    }

    /**
     * The groups of snapshots whose names begin so, the oldest first. May wait for the pool's
     * reactor.
     */
    default List<SnapshotGroup> groups(String prefix) {
        throw unsupported("snapshots");
    }

    /**
     * Takes a volume's snapshot out of a group and gives it a name of its own, durably. If that was
     * done before nothing happens.
     */
    default void takeOut(String group, String volume, String snapshot) {
        throw unsupported("snapshots");
    }

    /**
     * Makes a volume what a snapshot of this pool is, durably; what it was before is gone. Nobody
     * uses the volume.
     */
    default void rollback(String volume, String snapshot) {
        throw unsupported("snapshots");
    }

    /** All that is in the pool, for who takes it over. May wait for the pool's reactor. */
    default List<PoolContent> contents() {
        throw unsupported("contents that it could tell of");
    }

    /**
     * Bytes of a volume, or of a snapshot, that are mapped, shared ones included, if it knows; does
     * not block.
     */
    default OptionalLong mapped(String volume, boolean snapshot) {
        return OptionalLong.empty();
    }

    /**
     * Bytes that an open volume has of the pool, shared ones included, for people, if it knows;
     * zeroes may be among them that are not mapped. Does not block.
     */
    default OptionalLong allocated(String volume) {
        return mapped(volume, false);
    }

    /**
     * Bytes of room that a new volume takes here at least when so much of it is mapped, with what
     * the pool has to know about it; does not block.
     *
     * @param checksums whether it has them
     */
    default long roomFor(long mapped, boolean checksums) {
        return mapped;
    }

    /** The volumes and snapshots that have most mapped, for people; does not block. */
    default List<String> largest() {
        return List.of();
    }

    /**
     * Opens a volume that was created. It grows to the format's capacity if it is smaller.
     *
     * @throws ResourceException UNAVAILABLE if it is gone, IN_USE if another process has it open,
     *     CONFLICT if it is larger than the format says
     */
    BlockVolume open(String volume, VolumeFormat format);

    /**
     * Whether there is a volume of this name, open or not.
     *
     * @throws ResourceException UNAVAILABLE if that cannot be told; UNSUPPORTED if this pool never
     *     can, so that nothing can be imported to it
     */
    default boolean exists(String volume) {
        throw new ResourceException(
                ErrorCode.UNSUPPORTED,
                "images cannot be imported to " + location() + ": use a pool of another type");
    }

    /** Whether what it holds outlives the daemon, so that vDisks can be moved to it. */
    default boolean keepsData() {
        return false;
    }

    /**
     * Deletes a volume, durably; nothing happens if there is none.
     *
     * @param evenIfWritten false: only if it holds no data
     */
    void delete(String volume, boolean evenIfWritten);

    /** Bytes in total and free for volumes; does not block. */
    PoolSpace space();

    /**
     * Bytes of the disk that it is, for one that is a volume as it is and has no room for others,
     * so that {@link #space} is none. Does not block.
     */
    default OptionalLong diskBytes() {
        return OptionalLong.empty();
    }

    /** Percentage of its room that is used from which on it is nearly full; does not block. */
    default int warnPercent() {
        return 100;
    }

    /** What it is used for, if it knows; does not block. */
    default Optional<PoolUsage> usage() {
        return Optional.empty();
    }

    /**
     * How far disks that it is to be without have been emptied, for people; empty: there are none.
     * Does not block.
     */
    default String drain() {
        return "";
    }

    /**
     * What it is busy with in the background, as {@code drain}, {@code resync}, {@code scrub} and
     * {@code reclaim}; does not block.
     */
    default List<Progress> jobs() {
        return List.of();
    }

    /** What is known of damage, if it looks for that; does not block. */
    default Optional<PoolIntegrity> integrity() {
        return Optional.empty();
    }

    /** Which new volumes are encrypted. */
    default PoolEncryption encryption() {
        return PoolEncryption.NONE;
    }

    /** Whether a volume, or a snapshot, is encrypted; false if there is none. */
    default boolean isEncrypted(String volume, boolean snapshot) {
        return false;
    }

    /** Whether a volume has checksums; false if there is none. */
    default boolean hasChecksums(String volume) {
        return false;
    }

    /** How its copies are, if it keeps several; does not block. */
    default Optional<PoolRedundancy> redundancy() {
        return Optional.empty();
    }

    /** What is wrong with it and what to do, in one sentence; empty: nothing. Does not block. */
    default String trouble() {
        return "";
    }

    /**
     * Whom to tell of each request of a volume that fails because the pool is full: on the reactor
     * of that request, so that it must not block. There is one at a time. A pool that cannot become
     * full tells nobody.
     */
    default void onFull(Runnable listener) {}

    /** Gives everything back. All volumes are closed. May take as long as writing its maps. */
    void close();
}
