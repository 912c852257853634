package io.vireo.testkit;

import io.vireo.block.BlockChannel;
import io.vireo.block.BlockDevice;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.linux.ForeignMemory;
import io.vireo.linux.NativeBuffer;
import io.vireo.memory.ScatterGatherList;
import io.vireo.reactor.Poller;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.Registration;
import java.util.ArrayDeque;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** A front end of a {@link BlockDevice} for tests: a channel, a poller, and calls that wait. */
public final class BlockClient implements AutoCloseable {
    private static final int ALIGNMENT = 4096;
    private static final long PATIENCE_SECONDS = 60;

    private final Reactor reactor;
    private final BlockChannel channel;
    private final Registration registration;

    // Of the reactor.
    private final ArrayDeque<BlockRequest> waiting = new ArrayDeque<>();
    private int tags;

    /** Opens a channel of {@code device} on {@code reactor}. */
    public BlockClient(BlockDevice device, Reactor reactor) {
        this.reactor = reactor;
        channel = on(reactor, () -> device.open(reactor));
        registration =
                on(
                        reactor,
                        () -> {
                            var added = reactor.add(new Pump());
                            channel.onReady(added::wake);
                            return added;
                        });
    }

    /** Has a reactor do something and waits for what comes of it. */
    public static <T> T on(Reactor reactor, java.util.function.Supplier<T> task) {
        var result = new CompletableFuture<T>();
        reactor.execute(() -> {
            try {
                result.complete(task.get());
            } catch (Throwable e) {
                result.completeExceptionally(e);
            }
        });
        return await(result);
    }

    /** Waits, but not for ever. */
    public static <T> T await(CompletableFuture<T> future) {
        try {
            return future.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
        } catch (java.util.concurrent.ExecutionException e) {
            if (e.getCause() instanceof RuntimeException cause) {
                throw cause;
            }
            throw new AssertionError(e.getCause());
        } catch (Exception e) {
            throw new AssertionError("nothing came of it", e);
        }
    }

    /** Starts a request; {@code fill} adds the data and flags. */
    public CompletableFuture<BlockStatus> start(
            BlockOperation operation, long offset, long length, Consumer<BlockRequest> fill) {
        var ended = new CompletableFuture<BlockStatus>();
        reactor.execute(() -> {
            var request =
                    new BlockRequest(
                            tags++,
                            r -> {
                                if (!ended.complete(r.status())) {
                                    throw new AssertionError("completed twice");
                                }
                            });
            fill.accept(request.prepare(operation, offset, length));
            waiting.add(request);
            registration.wake();
        });
        return ended;
    }

    /** Carries out a request without data. */
    public BlockStatus run(BlockOperation operation, long offset, long length) {
        return await(start(operation, offset, length, _ -> {}));
    }

    /** Writes from memory that O_DIRECT likes. */
    public BlockStatus write(long offset, byte[] data) {
        return write(offset, data, false);
    }

    /** Writes from memory that O_DIRECT likes. */
    public BlockStatus write(long offset, byte[] data, boolean durable) {
        try (NativeBuffer buffer = NativeBuffer.allocate(data.length, ALIGNMENT)) {
            ForeignMemory.copyFromArray(data, 0, buffer.address(), data.length);
            return await(
                    start(
                            BlockOperation.WRITE,
                            offset,
                            data.length,
                            r -> {
                                r.forceUnitAccess(durable);
                                r.data().add(buffer.address(), data.length);
                            }));
        }
    }

    /** Reads; an error is an {@link AssertionError}. */
    public byte[] read(long offset, int length) {
        try (NativeBuffer buffer = NativeBuffer.allocate(length, ALIGNMENT)) {
            // What was not written by the read must not look like zeroes.
            ForeignMemory.fill(buffer.address(), length, (byte) 0x5A);
            var list = new ScatterGatherList(1);
            list.add(buffer.address(), length);
            BlockStatus status = transfer(BlockOperation.READ, offset, list);
            if (status != BlockStatus.OK) {
                throw new AssertionError("read of " + length + " at " + offset + ": " + status);
            }
            byte[] data = new byte[length];
            ForeignMemory.copyToArray(buffer.address(), data, 0, length);
            return data;
        }
    }

    /** Reads into or writes from scattered memory. */
    public BlockStatus transfer(BlockOperation operation, long offset, ScatterGatherList list) {
        return await(
                start(
                        operation,
                        offset,
                        list.total(),
                        r -> r.data().addSlice(list, 0, list.total())));
    }

    /** Cancels the request that was started as number {@code tag}, from 0. */
    public void cancel(int tag) {
        reactor.execute(() -> channel.cancel(tag));
    }

    /** Requests that the channel has. */
    public int inFlight() {
        return on(reactor, channel::inFlight);
    }

    @Override
    public void close() {
        var closed = new CompletableFuture<Boolean>();
        reactor.execute(() ->
                channel.close(() -> {
                    registration.close();
                    closed.complete(true);
                }));
        await(closed);
    }

    private final class Pump implements Poller {
        @Override
        public int poll() {
            int work = 0;
            while (!waiting.isEmpty() && channel.free() > 0) {
                channel.submit(waiting.remove());
                work++;
            }
            return work + channel.poll();
        }

        @Override
        public String name() {
            return "client";
        }

        @Override
        public boolean arm() {
            return (waiting.isEmpty() || channel.free() == 0) && channel.arm();
        }

        @Override
        public void disarm() {
            channel.disarm();
        }
    }
}
