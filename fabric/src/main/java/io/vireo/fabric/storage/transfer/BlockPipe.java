package io.vireo.fabric.storage.transfer;

import io.vireo.block.BlockChannel;
import io.vireo.block.BlockDevice;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.reactor.Poller;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.Registration;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A block device for a thread that may wait: one request at a time, which a reactor carries out. It
 * waits for the end of each request however long that takes, because its memory is in use until
 * then; {@link #hurry} has other tenants and rates not delay it.
 */
final class BlockPipe implements AutoCloseable {
    /** Bytes of one request at most. */
    static final int CHUNK = 1 << 20;

    private static final int ALIGNMENT = 4096;

    private final Arena arena = Arena.ofShared();
    private final MemorySegment memory = arena.allocate(CHUNK, ALIGNMENT);
    private final Reactor reactor;
    private final Pump pump;

    /**
     * Opens a channel.
     *
     * @throws ResourceException UNAVAILABLE if the host refuses
     */
    BlockPipe(BlockDevice device, Reactor reactor) {
        this.reactor = reactor;
        try {
            pump = await(done -> done.complete(new Pump(device.open(reactor), reactor)));
        } catch (ResourceException e) {
            arena.close();
            throw e;
        }
    }

    /** Reads {@code length} bytes, {@link #CHUNK} at most, into the beginning of {@code into}. */
    void read(long offset, byte[] into, int length) {
        check(BlockOperation.READ, offset, run(BlockOperation.READ, offset, length));
        MemorySegment.copy(memory, ValueLayout.JAVA_BYTE, 0, into, 0, length);
    }

    /** Writes {@code length} bytes, {@link #CHUNK} at most, of the beginning of {@code from}. */
    void write(long offset, byte[] from, int length) {
        MemorySegment.copy(from, 0, memory, ValueLayout.JAVA_BYTE, 0, length);
        check(BlockOperation.WRITE, offset, run(BlockOperation.WRITE, offset, length));
    }

    /** Makes a range read as zeroes. */
    void zero(long offset, long length) {
        check(
                BlockOperation.WRITE_ZEROES,
                offset,
                run(BlockOperation.WRITE_ZEROES, offset, length));
    }

    void flush() {
        check(BlockOperation.FLUSH, 0, run(BlockOperation.FLUSH, 0, 0));
    }

    /** The request that is under way is to end soon. Any thread. */
    void hurry() {
        reactor.execute(pump.channel::drain);
    }

    private BlockStatus run(BlockOperation operation, long offset, long length) {
        return await(done -> {
            var request =
                    new BlockRequest(0, ended -> done.complete(ended.status()))
                            .prepare(operation, offset, length)
                            .unmap(operation == BlockOperation.WRITE_ZEROES);
            if (operation == BlockOperation.READ || operation == BlockOperation.WRITE) {
                request.data().add(memory.address(), (int) length);
            }
            pump.request = request;
            pump.registration.wake();
        });
    }

    private static void check(BlockOperation operation, long offset, BlockStatus status) {
        switch (status) {
            case OK -> {
                // Done.
            }
            case NO_SPACE ->
                    throw new ResourceException(
                            ErrorCode.EXHAUSTED,
                            "the pool is full, or a quota of its is used: its conditions Room and Quota say who has most and what to do");
            case IO_ERROR, UNSUPPORTED, INVALID, READ_ONLY, MEMORY_FAULT, CANCELLED ->
                    throw new ResourceException(
                            ErrorCode.UNAVAILABLE,
                            operation
                                    + " at "
                                    + offset
                                    + " failed ("
                                    + status
                                    + "): check the host's disk");
        }
    }

    /** Has the reactor begin something and waits until it is done, interrupted or not. */
    private <T> T await(Consumer<CompletableFuture<T>> task) {
        var done = new CompletableFuture<T>();
        reactor.execute(() -> {
            try {
                task.accept(done);
            } catch (RuntimeException e) {
                done.completeExceptionally(e);
            }
        });
        try {
            return done.join();
        } catch (java.util.concurrent.CompletionException e) {
            throw new ResourceException(
                    ErrorCode.UNAVAILABLE, "the disk cannot be opened: " + e.getMessage(), e);
        }
    }

    @Override
    public void close() {
        await(done ->
                pump.channel.close(() -> {
                    pump.registration.close();
                    done.complete(true);
                }));
        arena.close();
    }

    /** The reactor's side. */
    private static final class Pump implements Poller {
        final BlockChannel channel;
        final Registration registration;
        @Nullable BlockRequest request;

        Pump(BlockChannel channel, Reactor reactor) {
            this.channel = channel;
            registration = reactor.add(this);
            channel.onReady(registration::wake);
        }

        @Override
        public int poll() {
            int work = 0;
            BlockRequest next = request;
            if (next != null && channel.free() > 0) {
                request = null;
                channel.submit(next);
                work = 1;
            }
            return work + channel.poll();
        }

        @Override
        public String name() {
            return "transfer";
        }

        @Override
        public boolean arm() {
            return (request == null || channel.free() <= 0) && channel.arm();
        }

        @Override
        public void disarm() {
            channel.disarm();
        }
    }
}
