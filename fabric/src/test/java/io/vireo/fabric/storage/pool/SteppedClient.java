package io.vireo.fabric.storage.pool;

import io.vireo.block.BlockChannel;
import io.vireo.block.BlockDevice;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.memory.OwnMemory;
import io.vireo.reactor.Poller;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.Registration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** A front end on a stepped reactor: requests are started, and end while somebody steps. */
final class SteppedClient implements Poller {
    private final Reactor reactor;
    private final BlockChannel channel;
    private final Registration registration;
    private final List<OwnMemory> memory = new ArrayList<>();
    private int tags;

    SteppedClient(BlockDevice device, Reactor reactor) {
        this.reactor = reactor;
        channel = HomeIo.on(reactor, () -> device.open(reactor));
        registration = HomeIo.on(reactor, () -> reactor.add(this));
    }

    CompletableFuture<BlockStatus> write(long at, byte[] data, boolean durable) {
        OwnMemory buffer = buffer(data.length);
        buffer.put(0, data);
        return start(
                BlockOperation.WRITE,
                at,
                data.length,
                r -> r.forceUnitAccess(durable).data().add(buffer.address(), data.length));
    }

    byte[] read(long at, int length) {
        OwnMemory buffer = buffer(length);
        BlockStatus status = read(buffer, at, length);
        if (status != BlockStatus.OK) {
            throw new AssertionError("a read at " + at + " ended with " + status);
        }
        return buffer.bytes(0, length);
    }

    /** What is there; empty: it cannot be read. */
    Optional<byte[]> readable(long at, int length) {
        OwnMemory buffer = buffer(length);
        return read(buffer, at, length) == BlockStatus.OK
                ? Optional.of(buffer.bytes(0, length))
                : Optional.empty();
    }

    private BlockStatus read(OwnMemory buffer, long at, int length) {
        buffer.fill(0, length, (byte) 0x5A);
        return await(
                start(
                        BlockOperation.READ,
                        at,
                        length,
                        r -> r.data().add(buffer.address(), length)));
    }

    CompletableFuture<BlockStatus> start(
            BlockOperation operation,
            long at,
            long length,
            java.util.function.Consumer<BlockRequest> fill) {
        var ended = new CompletableFuture<BlockStatus>();
        reactor.execute(() -> {
            var request = new BlockRequest(tags++, r -> ended.complete(r.status()));
            fill.accept(request.prepare(operation, at, length));
            channel.submit(request);
        });
        return ended;
    }

    /** How many requests were started, as far as the reactor knows of them. */
    int started() {
        return tags;
    }

    /** Takes a request back, the first of which has number 0. */
    void cancel(int number) {
        HomeIo.on(
                reactor,
                () -> {
                    channel.cancel(number);
                    return true;
                });
    }

    <T> T await(CompletableFuture<T> future) {
        return HomeIo.await(reactor, future);
    }

    private OwnMemory buffer(int length) {
        OwnMemory buffer = OwnMemory.allocate(length);
        memory.add(buffer);
        return buffer;
    }

    void close() {
        var closed = new CompletableFuture<Boolean>();
        reactor.execute(() -> channel.close(() -> closed.complete(true)));
        await(closed);
        HomeIo.on(
                reactor,
                () -> {
                    registration.close();
                    return true;
                });
        memory.forEach(OwnMemory::close);
    }

    @Override
    public int poll() {
        return channel.poll();
    }

    @Override
    public String name() {
        return "client";
    }
}
