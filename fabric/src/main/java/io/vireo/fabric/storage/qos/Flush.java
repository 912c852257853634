package io.vireo.fabric.storage.qos;

import io.vireo.block.BlockChannel;
import io.vireo.block.BlockDevice;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.reactor.Poller;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.Registration;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** Makes durable, once, all that was written to a device and has ended. */
final class Flush implements Poller {
    private final BlockChannel channel;
    private final Registration registration;
    private final CompletableFuture<Boolean> done;
    private @Nullable BlockStatus status;
    private boolean closing;

    private Flush(BlockChannel channel, Reactor reactor, CompletableFuture<Boolean> done) {
        this.channel = channel;
        this.done = done;
        registration = reactor.add(this);
        channel.onReady(registration::wake);
        channel.submit(
                new BlockRequest(0, ended -> status = ended.status())
                        .prepare(BlockOperation.FLUSH, 0, 0));
        registration.wake();
    }

    /** Begins it; done with whether it is durable, on the reactor. */
    static CompletableFuture<Boolean> run(BlockDevice device, Reactor reactor) {
        var done = new CompletableFuture<Boolean>();
        reactor.execute(() -> {
            try {
                var _ = new Flush(device.open(reactor), reactor, done);
            } catch (RuntimeException e) {
                done.complete(false);
            }
        });
        return done;
    }

    @Override
    public String name() {
        return "flush";
    }

    @Override
    public int poll() {
        int work = channel.poll();
        BlockStatus ended = status;
        if (ended != null && !closing) {
            closing = true;
            registration.close();
            channel.close(() -> done.complete(ended == BlockStatus.OK));
        }
        return work;
    }

    @Override
    public boolean arm() {
        return channel.arm();
    }

    @Override
    public void disarm() {
        channel.disarm();
    }
}
