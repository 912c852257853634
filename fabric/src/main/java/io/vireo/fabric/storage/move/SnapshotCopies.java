package io.vireo.fabric.storage.move;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockPool;
import io.vireo.block.BlockVolume;
import io.vireo.block.VolumeSnapshot;
import io.vireo.reactor.Reactor;
import io.vireo.resource.ResourceException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Makes the snapshots of a vDisk anew of its copy in another pool, the oldest first: the copy
 * becomes what a snapshot is, is flushed, and gets a snapshot of that name, which is said to be
 * made when the other was. Of each but the first only what differs from the one before is written,
 * so they share there what they shared. On the thread of a move.
 */
final class SnapshotCopies implements AutoCloseable {
    private final BlockPool from;
    private final BlockPool to;
    private final List<VolumeSnapshot> snapshots;
    private final BooleanSupplier isWithdrawn;
    private final long began = System.nanoTime();

    /** The last one that was copied: what the copy is. */
    private @Nullable BlockVolume base;

    private volatile long rate;
    private volatile long copied;
    private volatile long total;
    private volatile @Nullable Step step;

    /**
     * @param snapshots of the vDisk in the pool that it leaves, the oldest first
     * @param isWithdrawn whether the vDisk is not to be there any more
     */
    SnapshotCopies(
            BlockPool from,
            BlockPool to,
            List<VolumeSnapshot> snapshots,
            BooleanSupplier isWithdrawn) {
        this.from = from;
        this.to = to;
        this.snapshots = snapshots;
        this.isWithdrawn = isWithdrawn;
    }

    /** When it began, by {@link System#nanoTime}. */
    long began() {
        return began;
    }

    /** Bytes of snapshots that were gone through. */
    long position() {
        Step now = step;
        return copied + (now == null ? 0 : now.device.mover().position());
    }

    /** Bytes of all snapshots. */
    long total() {
        return total;
    }

    /**
     * What is wanted has changed.
     *
     * @param bytesPerSecond that are copied at most; 0: no bound
     */
    void wanted(long bytesPerSecond) {
        rate = bytesPerSecond;
        Step now = step;
        if (now != null) {
            now.reactor.execute(() -> now.device.mover().rate(bytesPerSecond));
        }
        look();
    }

    /** It may have to end. */
    void look() {
        Step now = step;
        if (now != null) {
            now.look();
        }
    }

    /** What the copy holds; empty: there are no snapshots, and it reads as zeroes. */
    Optional<BlockDevice> base() {
        return Optional.ofNullable(base).map(BlockVolume::device);
    }

    /** Bytes that the copy is to have at first. */
    long capacity(long ofVdisk) {
        long first = ofVdisk;
        long sum = 0;
        for (VolumeSnapshot snapshot : snapshots.reversed()) {
            BlockVolume volume = from.openSnapshot(snapshot.name());
            first = volume.device().geometry().capacity();
            sum += first;
            volume.close();
        }
        total = sum;
        return first;
    }

    /**
     * Makes all of them. The copy is empty, and afterwards what the last one is.
     *
     * @param copyName of the copy in its pool
     * @throws ResourceException if one cannot be read or written
     * @throws WithdrawnException if the vDisk is not to be there any more
     */
    void run(BlockVolume copy, String copyName) {
        long sum = 0;
        for (VolumeSnapshot snapshot : snapshots) {
            BlockVolume source = from.openSnapshot(snapshot.name());
            try {
                checkRoom(snapshot, source);
                long capacity = source.device().geometry().capacity();
                copy.grow(Math.max(capacity, copy.device().geometry().capacity()));
                fill(source.device(), copy.device());
                to.createSnapshot(copyName, snapshot.name(), snapshot.made());
                sum += capacity;
                copied = sum;
            } catch (RuntimeException e) {
                source.close();
                throw e;
            }
            close();
            base = source;
        }
    }

    /** For the first one that was just looked at. */
    private void checkRoom(VolumeSnapshot snapshot, BlockVolume source) {
        try {
            base().ifPresent(before ->
                    MoveRoom.checkNext(from, to, snapshot.name(), source.device(), before));
        } catch (ResourceException e) {
            throw new FullException(String.valueOf(e.getMessage()));
        }
    }

    private void fill(BlockDevice source, BlockDevice target) {
        Reactor reactor = source.home().orElseThrow();
        var next = new Step(source, target, reactor);
        step = next;
        try {
            next.run();
        } finally {
            step = null;
            next.close();
        }
    }

    @Override
    public void close() {
        BlockVolume last = base;
        base = null;
        if (last != null) {
            last.close();
        }
    }

    /** One snapshot that is copied. */
    private final class Step implements Mover.Listener {
        final Reactor reactor;
        final MoveDevice device;
        private final CompletableFuture<Boolean> ended = new CompletableFuture<>();

        Step(BlockDevice source, BlockDevice target, Reactor reactor) {
            this.reactor = reactor;
            device =
                    OnReactor.call(
                            reactor, () -> new MoveDevice(source, target, base(), reactor, this));
        }

        void run() {
            OnReactor.tell(
                    reactor,
                    () -> {
                        // Nobody uses it: there is nothing to hold.
                        device.mover().begin(rate);
                        device.mover().mayHold();
                    });
            look();
            OnReactor.await(reactor, ended);
        }

        void look() {
            if (isWithdrawn.getAsBoolean()) {
                ended.completeExceptionally(new WithdrawnException());
            }
        }

        @Override
        public void converged() {
            // It goes on.
        }

        @Override
        public void held() {
            ended.complete(true);
        }

        @Override
        public void failed(String why, boolean noSpace) {
            ended.completeExceptionally(FullException.of(why, noSpace));
        }

        void close() {
            OnReactor.tell(reactor, device.mover()::stop);
            device.close();
        }
    }
}
