package io.vireo.systest;

import io.vireo.linux.Fd;
import io.vireo.linux.ForeignMemory;
import io.vireo.testkit.DriverMemory;
import io.vireo.testkit.DriverQueue;
import io.vireo.testkit.VhostUserFrontEnd;
import io.vireo.testkit.VhostUserSession;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A front end of the host: the driver of a vDisk's vhost-user socket. It keeps a number of reads,
 * writes and flushes in flight, compares what it reads with what it wrote, and when the daemon has
 * gone waits for the next one and goes on with the same ring and the same record of what was in
 * flight. Replays with {@code -Dvireo.seed=N}.
 */
final class HostFrontEnd implements AutoCloseable {
    /** Requests in flight, each on blocks that no other has. */
    static final int DEPTH = 16;

    private static final int BLOCK = 4096;
    private static final int SECTOR = 512;
    private static final int RING = 64;
    private static final int SLOT = 2 * BLOCK;
    private static final int HEADER = 16;
    private static final int READ = 0;
    private static final int WRITE = 1;
    private static final int FLUSH = 4;
    private static final byte UNSET = (byte) 0xFF;
    private static final long PAUSE_NANOS = 20_000;
    private static final Duration PATIENCE = Duration.ofMinutes(3);

    /** What a slot has in flight; {@code tag} is what a write writes. */
    private record Request(int type, int block, int tag) {}

    private final Path socket;
    private final DriverMemory memory = new DriverMemory(1 << 20);
    private final long slots = memory.allocate((long) DEPTH * SLOT, BLOCK);
    private final @Nullable Request[] requests = new Request[DEPTH];
    private final int[] slotOf = new int[RING];
    private final byte[] data = new byte[BLOCK];

    /** By block: what the last write that ended wrote. */
    private final int[] tags;

    private final Random random;
    private final AtomicLong done = new AtomicLong();
    private final Thread thread;
    private @Nullable DriverQueue queue;
    private VhostUserFrontEnd.@Nullable Reply record;
    private int lastTag;
    private int checked;
    private boolean begun;
    private volatile boolean ending;
    private volatile @Nullable Throwable failure;

    /**
     * Connects and begins.
     *
     * @param blocks of 4 KiB that it uses, from the first, a multiple of {@link #DEPTH}
     */
    HostFrontEnd(Path socket, int blocks) {
        long seed = Long.getLong("vireo.seed", System.nanoTime());
        System.out.println("vireo.seed=" + seed);
        random = new Random(seed);
        this.socket = socket;
        tags = new int[blocks];
        thread = Thread.ofPlatform().daemon().name("front-end").start(this::run);
    }

    /** Requests that have ended, each as it should. */
    long done() {
        return done.get();
    }

    /** Returns when all requests that are in flight now, and as many again, have ended. */
    void goesOn() {
        long enough = done() + 2 * DEPTH;
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (done() < enough) {
            checkSound();
            if (System.nanoTime() > deadline) {
                throw new ScenarioException("the front end has waited in vain for its requests");
            }
            Processes.pause(5);
        }
    }

    /** Ends after it has read once more all that it wrote. */
    void finish() throws InterruptedException {
        ending = true;
        thread.join(PATIENCE);
        checkSound();
        if (thread.isAlive()) {
            throw new ScenarioException("the front end does not end");
        }
    }

    private void checkSound() {
        Throwable found = failure;
        if (found != null) {
            throw new ScenarioException("the front end: " + found.getMessage(), found);
        }
    }

    private void run() {
        try {
            boolean finished = false;
            while (!finished) {
                try (var session = connect()) {
                    finished = use(session);
                } catch (VhostUserFrontEnd.HungUpException e) {
                    // A daemon that is killed may have taken the connection, and not more: the
                    // next one, as long as the test is patient.
                }
            }
        } catch (RuntimeException e) {
            failure = e;
        }
    }

    /** As a hypervisor: until there is somebody. */
    private VhostUserSession connect() {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (true) {
            try {
                return VhostUserSession.open(socket, memory);
            } catch (UncheckedIOException e) {
                if (System.nanoTime() > deadline) {
                    throw e;
                }
                Processes.pause(20);
            }
        }
    }

    /**
     * Has a back end serve the ring for as long as it is there.
     *
     * @return whether all is done
     */
    private boolean use(VhostUserSession session) {
        share(session);
        DriverQueue ours = queue;
        if (ours == null) {
            ours = DriverQueue.of(memory, RING, session.features());
            queue = ours;
        }
        var ring = session.start(0, ours, 0);
        if (!begun) {
            begun = true;
            for (int slot = 0; slot < DEPTH; slot++) {
                submit(ring, slot, next(slot));
            }
        }
        while (!isIdle()) {
            if (ours.poll()) {
                int slot = slotOf[ours.usedHead()];
                ended(slot);
                goOn(ring, slot);
            } else if (hasGone(session)) {
                return false;
            } else {
                LockSupport.parkNanos(PAUSE_NANOS);
            }
        }
        return true;
    }

    private boolean isIdle() {
        return Arrays.stream(requests).allMatch(Objects::isNull);
    }

    /** At the end everything is read once more, when nothing is written any more. */
    private void goOn(VhostUserSession.Ring ring, int slot) {
        if (!ending) {
            submit(ring, slot, next(slot));
            return;
        }
        requests[slot] = null;
        if (isIdle() && checked < tags.length) {
            submit(ring, slot, new Request(READ, checked++, 0));
        }
    }

    /** The record of what is in flight is the front end's, and outlives the back end. */
    private void share(VhostUserSession session) {
        if (record == null) {
            var wanted = VhostUserFrontEnd.payload(24).putShort(16, (short) 1);
            wanted.putShort(18, (short) RING);
            record = session.frontEnd().ask(VhostUserFrontEnd.GET_INFLIGHT_FD, wanted);
        }
        session.tell(
                VhostUserFrontEnd.SET_INFLIGHT_FD, record.body(), record.fds().toArray(Fd[]::new));
    }

    private static boolean hasGone(VhostUserSession session) {
        try {
            session.frontEnd().receive(0);
            return false;
        } catch (VhostUserFrontEnd.HungUpException e) {
            return true;
        }
    }

    private Request next(int slot) {
        int block = slot + DEPTH * random.nextInt(tags.length / DEPTH);
        return switch (random.nextInt(16)) {
            case 0 -> new Request(FLUSH, 0, 0);
            case 1, 2, 3, 4, 5 -> new Request(READ, block, 0);
            default -> new Request(WRITE, block, ++lastTag);
        };
    }

    /** Shows the device a request (VIRTIO 1.3, 5.2.6). */
    private void submit(VhostUserSession.Ring ring, int slot, Request request) {
        requests[slot] = request;
        long at = slots + (long) slot * SLOT;
        var header = ByteBuffer.allocate(HEADER).order(ByteOrder.LITTLE_ENDIAN);
        header.putInt(request.type()).putInt(0);
        header.putLong((long) request.block() * BLOCK / SECTOR);
        ForeignMemory.copyFromArray(header.array(), 0, memory.host(at), HEADER);
        ForeignMemory.putByte(memory.host(at + HEADER), UNSET);
        if (request.type() == WRITE) {
            ForeignMemory.copyFromArray(
                    contents(request.block(), request.tag()), 0, memory.host(at + BLOCK), BLOCK);
        }
        int head =
                request.type() == FLUSH
                        ? ring.queue()
                                .add(new long[] {at, at + HEADER}, new int[] {HEADER, 1}, 2, 1)
                        : ring.queue()
                                .add(
                                        new long[] {at, at + BLOCK, at + HEADER},
                                        new int[] {HEADER, BLOCK, 1},
                                        3,
                                        request.type() == READ ? 1 : 2);
        slotOf[head] = slot;
        VhostUserSession.publish(ring);
    }

    /** What a block holds: zeroes before it was written. */
    private static byte[] contents(int block, int tag) {
        var bytes = ByteBuffer.allocate(BLOCK).order(ByteOrder.LITTLE_ENDIAN);
        while (tag != 0 && bytes.hasRemaining()) {
            bytes.putInt(tag).putInt(block);
        }
        return bytes.array();
    }

    private void ended(int slot) {
        Request request = Objects.requireNonNull(requests[slot]);
        long at = slots + (long) slot * SLOT;
        byte status = ForeignMemory.getByte(memory.host(at + HEADER));
        if (status != 0) {
            throw new ScenarioException(request + " ended with status " + status);
        }
        if (request.type() == WRITE) {
            tags[request.block()] = request.tag();
        } else if (request.type() == READ) {
            ForeignMemory.copyToArray(memory.host(at + BLOCK), data, 0, BLOCK);
            if (!Arrays.equals(data, contents(request.block(), tags[request.block()]))) {
                throw new ScenarioException(
                        "block %d does not hold what write %d wrote"
                                .formatted(request.block(), tags[request.block()]));
            }
        }
        done.incrementAndGet();
    }

    @Override
    public void close() {
        // A thread that still runs has the memory.
        if (!thread.isAlive()) {
            memory.close();
            Optional.ofNullable(record).ifPresent(reply -> reply.fds().forEach(Fd::close));
        }
    }
}
