package io.vireo.testkit.crash;

import io.vireo.block.BlockChannel;
import io.vireo.block.BlockDevice;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.linux.ForeignMemory;
import io.vireo.linux.NativeBuffer;
import io.vireo.reactor.Poller;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.Registration;
import java.util.ArrayDeque;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;

/**
 * The disk of a {@link SimpleStore}, and the tasks that have it one after the other. Requests and
 * tasks are of the reactor; the rest is for who steps it.
 */
final class SimpleDisk {
    private final BlockDevice device;
    private final Reactor reactor;
    private final BlockChannel channel;
    private final Registration registration;
    private final ArrayDeque<Runnable> tasks = new ArrayDeque<>();
    private boolean busy;
    private boolean poisoned;

    SimpleDisk(BlockDevice device, Reactor reactor) {
        this.device = device;
        this.reactor = reactor;
        channel = call(() -> device.open(reactor));
        registration = call(() -> reactor.add(new Pump()));
    }

    BlockChannel channel() {
        return channel;
    }

    long capacity() {
        return device.geometry().capacity();
    }

    /** Whether a request has failed: nothing is done any more. */
    boolean isPoisoned() {
        return poisoned;
    }

    private <T> T call(Supplier<T> task) {
        var done = new CompletableFuture<T>();
        reactor.execute(() -> done.complete(task.get()));
        return await(done);
    }

    /** Steps the reactor until something is done. */
    <T> T await(CompletableFuture<T> done) {
        try {
            return reactor.await(done);
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    void read(long at, long address, int length, Runnable then) {
        submit(request(then).prepare(BlockOperation.READ, at, length), address, length);
    }

    void write(long at, long address, int length, Runnable then) {
        write(false, at, address, length, then);
    }

    void write(boolean forced, long at, long address, int length, Runnable then) {
        var request = request(then).prepare(BlockOperation.WRITE, at, length);
        submit(request.forceUnitAccess(forced), address, length);
    }

    void flush(Runnable then) {
        channel.submit(request(then).prepare(BlockOperation.FLUSH, 0, 0));
    }

    private BlockRequest request(Runnable then) {
        return new BlockRequest(
                0,
                ended -> {
                    poisoned |= ended.status() != BlockStatus.OK;
                    then.run();
                });
    }

    private void submit(BlockRequest request, long address, int length) {
        request.data().add(address, length);
        channel.submit(request);
    }

    /** What it has there; the reactor is stepped until it is read. */
    byte[] bytes(long at, int length) {
        byte[] bytes = new byte[length];
        try (var buffer = NativeBuffer.allocate(length, 4096)) {
            var done = new CompletableFuture<Boolean>();
            reactor.execute(() -> read(at, buffer.address(), length, () -> done.complete(true)));
            await(done);
            ForeignMemory.copyToArray(buffer.address(), bytes, 0, length);
        }
        return bytes;
    }

    /** Has a task run when its turn has come. It says when it has {@link #ended}. */
    void enqueue(Runnable task) {
        tasks.add(task);
        next();
    }

    private void next() {
        Runnable task = busy ? null : tasks.poll();
        if (task != null) {
            busy = true;
            task.run();
        }
    }

    /** The task that has had its turn is done. */
    void ended() {
        busy = false;
        next();
    }

    /** Lets it go, when no task is under way. */
    void abandon() {
        while (busy) {
            reactor.step();
        }
        call(() -> {
            registration.close();
            return true;
        });
    }

    private final class Pump implements Poller {
        @Override
        public int poll() {
            return channel.poll();
        }

        @Override
        public String name() {
            return "simple store";
        }
    }
}
