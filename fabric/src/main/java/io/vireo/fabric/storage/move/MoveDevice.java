package io.vireo.fabric.storage.move;

import io.vireo.block.BlockChannel;
import io.vireo.block.BlockCounters;
import io.vireo.block.BlockDevice;
import io.vireo.block.BlockGeometry;
import io.vireo.block.BlockOperation;
import io.vireo.reactor.Reactor;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/** A vDisk's device while the vDisk is moved; see {@link Mover}. */
final class MoveDevice implements BlockDevice {
    private final BlockDevice source;
    private final Reactor reactor;
    private final Mover mover;

    /**
     * Opens source and target; nothing is copied yet. On {@code reactor}.
     *
     * @param reactor that serves all of it: the source's home, if it has one
     * @throws java.io.UncheckedIOException if the host refuses
     */
    MoveDevice(BlockDevice source, BlockDevice target, Reactor reactor, Mover.Listener listener) {
        this(source, target, Optional.empty(), reactor, listener);
    }

    /**
     * The same.
     *
     * @param base what the target holds already, as a device of the source's pool: an earlier state
     *     of the source, of which only what has changed since is written; empty: the target reads
     *     as zeroes
     */
    MoveDevice(
            BlockDevice source,
            BlockDevice target,
            Optional<BlockDevice> base,
            Reactor reactor,
            Mover.Listener listener) {
        this.source = source;
        this.reactor = reactor;
        mover = Mover.open(source, target, base, reactor, listener);
    }

    /** What moves it; on its reactor. */
    Mover mover() {
        return mover;
    }

    /** Closes source and target, and waits until nothing of them is in use. Of any other thread. */
    void close() {
        var closed = new CompletableFuture<Boolean>();
        reactor.execute(() -> mover.close(() -> closed.complete(true)));
        OnReactor.await(reactor, closed);
    }

    @Override
    public BlockGeometry geometry() {
        return source.geometry();
    }

    @Override
    public Set<BlockOperation> operations() {
        return source.operations();
    }

    @Override
    public Optional<Reactor> home() {
        return Optional.of(reactor);
    }

    @Override
    public BlockChannel open(Reactor opening) {
        if (opening != reactor) {
            throw new IllegalStateException("a vDisk is moved by one reactor");
        }
        return mover.openChannel();
    }

    @Override
    public BlockCounters counters() {
        return mover.meters().total();
    }

    @Override
    public void addGeometryListener(Runnable changed) {
        source.addGeometryListener(changed);
    }

    @Override
    public void removeGeometryListener(Runnable changed) {
        source.removeGeometryListener(changed);
    }
}
