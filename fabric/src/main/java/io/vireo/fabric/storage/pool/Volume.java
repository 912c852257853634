package io.vireo.fabric.storage.pool;

import io.vireo.fabric.storage.crypto.VolumeCipher;
import io.vireo.fabric.storage.crypto.WrappedKey;
import io.vireo.fabric.storage.format.VolumeRecord;
import io.vireo.fabric.storage.map.MapRoot;
import io.vireo.fabric.storage.queue.Fifo;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A volume or snapshot while the pool is open. Of the home reactor. */
final class Volume {
    final long id;
    final long origin;
    final int logicalBlock;
    final int physicalBlock;
    final boolean readOnly;
    final boolean dedicated;
    final long created;
    final MapRoot root = new MapRoot();

    /** Its checksums; null: it has none. */
    final @Nullable MapRoot sums;

    /** Of a volume with checksums, what is under way and what is uncertain. */
    final @Nullable VolumeSums checks;

    /** Chunks that are being filled, with who does it. */
    final LongMap<Piece> busy = new LongMap<>();

    /** Pieces that wait for the barrier to end. */
    final Fifo<Piece> held = new Fifo<>();

    /** Operations on members that change the volume. */
    int active;

    /** While set nothing that changes the volume is begun. */
    @Nullable Barrier barrier;

    /** Of its pieces, those that fill a chunk where nothing is mapped yet. */
    int filling;

    /** What bounds its chunks, together with those of others. */
    final List<AllocationLimit> limits = new ArrayList<>();

    /** Channels that are open. */
    int channels;

    /** Its wrapped data key; empty: it is not encrypted. */
    Optional<WrappedKey> key;

    /** What its data goes through; null: it is not encrypted, or locked. */
    @Nullable VolumeCipher cipher;

    /** Whether writes of zeroes are looked for. Set on any thread. */
    volatile boolean zeroDetection;

    /** Where its next chunks lie. */
    final Placement placement;

    /** How many have unlocked it. */
    int unlocked;

    volatile String name;
    volatile long capacity;

    /**
     * The capacity that operations so far have given it, which is seen only when that is durable: a
     * checkpoint has to have what the operations before it did.
     */
    long grown;

    Volume(VolumeRecord from) {
        id = from.id();
        origin = from.origin();
        logicalBlock = from.logicalBlock();
        physicalBlock = from.physicalBlock();
        readOnly = from.readOnly();
        dedicated = from.dedicated();
        created = from.created();
        placement = new Placement(id);
        key = from.key();
        name = from.name();
        capacity = from.capacity();
        grown = capacity;
        sums = from.checksums() ? new MapRoot() : null;
        checks = from.checksums() ? new VolumeSums() : null;
    }

    /** Whether its data cannot be had: nobody has unlocked it. */
    boolean isLocked() {
        return key.isPresent() && cipher == null;
    }

    /** Zeroes its key in memory. */
    void forget() {
        VolumeCipher old = cipher;
        cipher = null;
        if (old != null) {
            old.close();
        }
    }

    /** As it is written, with the root at {@code place} and that of its checksums. */
    VolumeRecord record(long place, long sumsPlace) {
        return new VolumeRecord(
                id,
                origin,
                Math.max(capacity, grown),
                place,
                root.height(),
                logicalBlock,
                physicalBlock,
                readOnly,
                dedicated,
                created,
                name,
                key,
                sums != null,
                sumsPlace,
                sums == null ? 1 : sums.height());
    }
}
