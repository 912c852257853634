package io.vireo.fabric.storage.move;

import io.vireo.block.BlockDevice;
import io.vireo.fabric.storage.pool.StoragePools;
import io.vireo.reactor.PollMode;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.ReactorConfig;
import io.vireo.testkit.BlockClient;
import io.vireo.testkit.BlockDeviceContract;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** A vDisk that is being moved is a block device like any other, and allocates nothing either. */
class MoveDeviceTest extends BlockDeviceContract {
    private @Nullable Reactor other;
    private @Nullable StoragePools source;
    private @Nullable StoragePools target;
    private @Nullable MoveDevice move;

    @Override
    protected BlockDevice make() {
        other = Reactor.start(new ReactorConfig("other", -1, PollMode.ADAPTIVE));
        source = new StoragePools(reactor, 16 << 20);
        target = new StoragePools(other, 16 << 20);
        BlockDevice from = source.volume("volume", CAPACITY);
        BlockDevice to = target.volume("volume", CAPACITY);
        var made = BlockClient.on(reactor, () -> new MoveDevice(from, to, reactor, new Watched()));
        move = made;
        BlockClient.on(
                reactor,
                () -> {
                    made.mover().begin(0);
                    return true;
                });
        return made;
    }

    @Override
    protected boolean kernelCopies() {
        return false;
    }

    @Override
    protected void unmake() {
        var closed = new CompletableFuture<Boolean>();
        reactor.execute(
                () -> Objects.requireNonNull(move).mover().close(() -> closed.complete(true)));
        BlockClient.await(closed);
        Objects.requireNonNull(source).close();
        Objects.requireNonNull(target).close();
        Objects.requireNonNull(other).close();
    }
}
