package io.vireo.testkit.crash;

import io.vireo.block.BlockChannel;
import io.vireo.block.BlockDevice;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.linux.NativeBuffer;
import io.vireo.reactor.Poller;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.Registration;
import java.nio.ByteOrder;
import java.nio.LongBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.function.LongConsumer;
import java.util.function.Supplier;

/** A front end of one volume on a stepped reactor. */
final class VolumeClient {
    /** Largest request in bytes. */
    static final int MAX = 64 << 10;

    /** Told how a request ended; its data is at {@code address} until it returns. */
    interface Ended {
        void ended(BlockStatus status, long address);
    }

    /** A stepped reactor, and memory for requests. */
    static final class Rig implements AutoCloseable {
        private static final int SLOTS = 32;

        final Reactor reactor = Reactor.stepped("crash");
        private final NativeBuffer memory = NativeBuffer.allocate((long) SLOTS * MAX, 4096);
        private final LongBuffer words =
                memory.bytes().order(ByteOrder.LITTLE_ENDIAN).asLongBuffer();
        private final long[] looked = new long[MAX / Long.BYTES];
        private final ArrayDeque<Long> slots = new ArrayDeque<>();

        Rig() {
            for (int i = 0; i < SLOTS; i++) {
                slots.add(memory.address() + (long) i * MAX);
            }
        }

        /** Does something on the reactor and waits for it. */
        <T> T call(Supplier<T> task) {
            var done = new CompletableFuture<T>();
            reactor.execute(() -> {
                try {
                    done.complete(task.get());
                } catch (RuntimeException e) {
                    done.completeExceptionally(e);
                }
            });
            return await(done);
        }

        <T> T await(CompletableFuture<T> future) {
            try {
                return reactor.await(future);
            } catch (ExecutionException e) {
                if (e.getCause() instanceof RuntimeException cause) {
                    throw cause;
                }
                throw new IllegalStateException(e.getCause());
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }

        /** Runs the reactor; it is an error if nothing is left to do. */
        void step() {
            if (reactor.step() == 0) {
                throw new IllegalStateException("the store hangs: nothing is left to do");
            }
        }

        /** The versions that sectors in the data of a request hold, {@code length} bytes. */
        void versions(
                long[] values, int into, int length, long address, long seed, int firstSector) {
            int from = (int) ((address - memory.address()) / Long.BYTES);
            words.get(from, looked, 0, length / Long.BYTES);
            for (int i = 0; i < length / Sectors.SIZE; i++) {
                values[into + i] =
                        Sectors.version(looked, i * Sectors.WORDS, seed, firstSector + i);
            }
        }

        @Override
        public void close() {
            reactor.close();
            memory.close();
        }
    }

    private final Rig rig;
    private final BlockDevice device;
    private final BlockChannel channel;
    private final Registration registration;

    VolumeClient(Rig rig, BlockDevice device) {
        this.rig = rig;
        this.device = device;
        channel = rig.call(() -> device.open(rig.reactor));
        registration =
                rig.call(() -> {
                    Registration added = rig.reactor.add(new Pump());
                    channel.onReady(added::wake);
                    return added;
                });
    }

    /** Whether what ends now has to be durable, flushed or not. */
    boolean writesThrough() {
        return device.writeThrough();
    }

    int inFlight() {
        return channel.inFlight();
    }

    /**
     * Starts a request, after waiting for room.
     *
     * @param fill puts the data at an address
     */
    void start(
            BlockOperation operation,
            long offset,
            int length,
            boolean durable,
            LongConsumer fill,
            Ended ended) {
        while (!hasRoom()) {
            rig.step();
        }
        BlockRequest request = request(operation, offset, length, durable, fill, ended);
        rig.call(() -> {
            channel.submit(request);
            return true;
        });
    }

    /** Whether a request can be started now. */
    boolean hasRoom() {
        return channel.free() > 0 && !rig.slots.isEmpty();
    }

    /** Starts a request from a poller of the reactor, if there is room. */
    void startHere(
            BlockOperation operation, long offset, int length, LongConsumer fill, Ended ended) {
        channel.submit(request(operation, offset, length, false, fill, ended));
    }

    private BlockRequest request(
            BlockOperation operation,
            long offset,
            int length,
            boolean durable,
            LongConsumer fill,
            Ended ended) {
        long slot = rig.slots.remove();
        fill.accept(slot);
        var request =
                new BlockRequest(
                        0,
                        r -> {
                            ended.ended(r.status(), slot);
                            rig.slots.add(slot);
                        });
        request.prepare(operation, offset, length).forceUnitAccess(durable);
        if (operation == BlockOperation.READ || operation == BlockOperation.WRITE) {
            request.data().add(slot, length);
        }
        return request;
    }

    /** Waits until nothing is in flight. */
    void settle() {
        while (channel.inFlight() > 0) {
            rig.step();
        }
    }

    /** Waits for everything and closes the channel. */
    void close() {
        settle();
        var closed = new CompletableFuture<Boolean>();
        rig.reactor.execute(() -> channel.close(() -> closed.complete(true)));
        rig.await(closed);
        rig.call(() -> {
            registration.close();
            return true;
        });
    }

    /** All sectors of a device, as versions. */
    static long[] readAll(Rig rig, BlockDevice device, long seed) {
        var client = new VolumeClient(rig, device);
        long capacity = device.geometry().capacity();
        long[] values = new long[(int) (capacity / Sectors.SIZE)];
        var refused = new ArrayList<BlockStatus>();
        for (long at = 0; at < capacity; at += MAX) {
            int first = (int) (at / Sectors.SIZE);
            int length = (int) Math.min(MAX, capacity - at);
            client.start(
                    BlockOperation.READ,
                    at,
                    length,
                    false,
                    _ -> {},
                    (status, address) -> {
                        if (status != BlockStatus.OK) {
                            refused.add(status);
                        }
                        rig.versions(values, first, length, address, seed, first);
                    });
        }
        client.settle();
        client.close();
        if (!refused.isEmpty()) {
            throw new IllegalStateException("reads ended in " + refused);
        }
        return values;
    }

    private final class Pump implements Poller {
        @Override
        public int poll() {
            return channel.poll();
        }

        @Override
        public String name() {
            return "crash client";
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
}
