package io.vireo.fabric.storage.move;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockGeometry;
import io.vireo.block.BlockPool;
import io.vireo.block.BlockVolume;
import io.vireo.block.VolumeFormat;
import io.vireo.fabric.storage.move.Whereabouts.Place;
import io.vireo.fabric.storage.move.Whereabouts.State;
import io.vireo.fabric.storage.pool.PoolStore;
import io.vireo.fabric.storage.pool.StoragePool;
import io.vireo.reactor.Reactor;
import io.vireo.resource.spec.VdiskSpec.Allocation;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.function.Supplier;

/**
 * A storage pool as the crash tests drive it, whose volumes are moved within it while they are in
 * use, from thin to thick and back: what is done to the pool, and in which order, is what {@link
 * Relocation} does.
 */
public final class MovingStore extends PoolStore {
    /** Of thin volumes, and of thick ones: a move is from one to the other. */
    private static final Site THIN = new Site("pool", Allocation.THIN);

    private static final Site THICK = new Site("pool", Allocation.THICK);

    private static final Place MOVED = new Place(State.MOVED, THIN, THICK);

    /** Of volumes that are there: not looked at. */
    private static final VolumeFormat FORMAT = new VolumeFormat(512, 512, 4096);

    /**
     * @param checksums whether volumes that are made have them
     */
    public MovingStore(boolean checksums) {
        super(checksums);
    }

    /** What moves have left is cleared away first. */
    @Override
    protected Store opened(StoragePool pool, boolean sums, Reactor reactor) {
        var volumes = new PoolOfVolumes(pool);
        pool.volumes()
                .forEach(each -> {
                    int end = each.name().indexOf('.');
                    if (end > 0) {
                        clear(volumes, each.name().substring(0, end));
                    }
                });
        return new Moving(pool, volumes, sums, reactor);
    }

    private static void clear(BlockPool volumes, String name) {
        Place place =
                Volumes.settled(
                        new Place(State.SWITCHING, THIN, THICK), volumes, volumes, name, FORMAT);
        if (volumes.exists(name)) {
            Volumes.clear(place, volumes, volumes.open(name, FORMAT), name);
        } else {
            // It was being deleted.
            Volumes.deleteAll(MOVED, volumes, name);
        }
    }

    /** A volume that is on its way. */
    private record Move(BlockVolume former, BlockVolume copy, MoveDevice device, Watched watched) {}

    private static final class Moving extends Open {
        private final BlockPool volumes;
        private final boolean sums;
        private final Reactor reactor;
        private final Map<String, Move> moves = new HashMap<>();
        private int begun;

        Moving(StoragePool pool, BlockPool volumes, boolean sums, Reactor reactor) {
            super(pool, sums);
            this.volumes = volumes;
            this.sums = sums;
            this.reactor = reactor;
        }

        private <T> T on(Supplier<T> task) {
            var done = new CompletableFuture<T>();
            reactor.execute(() -> done.complete(task.get()));
            return await(done);
        }

        private void tell(Runnable task) {
            on(() -> {
                task.run();
                return true;
            });
        }

        private <T> T await(CompletableFuture<T> done) {
            try {
                return reactor.await(done);
            } catch (InterruptedException | ExecutionException e) {
                throw new IllegalStateException(e);
            }
        }

        @Override
        public boolean moves() {
            return true;
        }

        @Override
        public boolean isMoving(String name) {
            return moves.containsKey(name);
        }

        private Move move(String name) {
            return Objects.requireNonNull(moves.get(name), name);
        }

        @Override
        public BlockDevice device(String name) {
            return isMoving(name) ? move(name).device() : super.device(name);
        }

        @Override
        public void beginMove(String name) {
            BlockGeometry geometry = pool().device(name).geometry();
            var format = new VolumeFormat(geometry.capacity(), 512, 4096, false, sums);
            BlockVolume former = volumes.open(name, format);
            Site to = begun++ % 2 == 0 ? THICK : THIN;
            BlockVolume copy = Volumes.makeCopy(volumes, name, to, format);
            var watched = new Watched();
            MoveDevice device =
                    on(() -> new MoveDevice(former.device(), copy.device(), reactor, watched));
            tell(() -> device.mover().begin(0));
            moves.put(name, new Move(former, copy, device, watched));
        }

        @Override
        public void switchMove(String name) {
            Move move = move(name);
            tell(() -> move.device().mover().mayHold());
            await(move.watched().held);
            Volumes.switchTo(move.copy(), move.former(), name, true);
            tell(() -> move.device().mover().switched());
        }

        @Override
        public void endMove(String name) {
            close(name);
            Volumes.clear(MOVED, volumes, volumes.open(name, FORMAT), name);
        }

        private void close(String name) {
            Move move = move(name);
            var closed = new CompletableFuture<Boolean>();
            reactor.execute(() -> move.device().mover().close(() -> closed.complete(true)));
            await(closed);
            moves.remove(name);
        }

        @Override
        public void delete(String name) {
            if (isMoving(name)) {
                close(name);
                Volumes.deleteAll(MOVED, volumes, name);
            } else {
                super.delete(name);
            }
        }

        @Override
        public void abandon() {
            for (String name : java.util.List.copyOf(moves.keySet())) {
                tell(() -> move(name).device().mover().stop());
                close(name);
            }
            super.abandon();
        }
    }
}
