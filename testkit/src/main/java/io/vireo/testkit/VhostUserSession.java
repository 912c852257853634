package io.vireo.testkit;

import static io.vireo.testkit.VhostUserFrontEnd.*;

import io.vireo.linux.ErrnoException;
import io.vireo.linux.Eventfd;
import io.vireo.linux.Fd;
import io.vireo.memory.GuestMemory.Region;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * A front end that keeps the rules: negotiates, shares memory and starts rings, each step of it
 * callable on its own. What a test breaks it sends through {@link #frontEnd}. One thread.
 */
public final class VhostUserSession implements AutoCloseable {
    public static final long VERSION_1 = 1L << 32;
    public static final long RING_PACKED = 1L << 34;
    public static final long RING_RESET = 1L << 40;
    public static final long PROTOCOL_FEATURES = 1L << 30;
    public static final long EVENT_IDX = 1L << 29;
    public static final long INDIRECT_DESC = 1L << 28;
    public static final long LOG_ALL = 1L << 26;

    public static final long MQ = 1;
    public static final long REPLY_ACK = 1L << 3;
    public static final long MTU = 1L << 4;
    public static final long BACKEND_REQ = 1L << 5;
    public static final long CONFIG = 1L << 9;
    public static final long INFLIGHT_SHMFD = 1L << 12;
    public static final long RESET_DEVICE_BIT = 1L << 13;
    public static final long CONFIGURE_MEM_SLOTS = 1L << 15;
    public static final long STATUS = 1L << 16;

    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(20);

    /**
     * A ring that the back end serves.
     *
     * @param queue the driver's side
     * @param kick which we signal
     * @param call which the back end signals
     * @param error which the back end signals when it gives up
     */
    public record Ring(DriverQueue queue, Eventfd kick, Eventfd call, Eventfd error) {}

    private final VhostUserFrontEnd frontEnd;
    private final DriverMemory memory;
    private final List<Ring> rings = new ArrayList<>();
    private long features;
    private long protocolFeatures;

    /** A connection over which nothing was sent yet. The memory stays the caller's. */
    public VhostUserSession(VhostUserFrontEnd frontEnd, DriverMemory memory) {
        this.frontEnd = frontEnd;
        this.memory = memory;
    }

    /**
     * Connects, takes every feature that is offered but LOG_ALL and packed rings, and shares the
     * memory.
     */
    public static VhostUserSession open(Path path, DriverMemory memory) {
        return open(path, memory, ~RING_PACKED);
    }

    /**
     * Connects, takes every feature that is offered and wanted but LOG_ALL, and shares the memory.
     */
    public static VhostUserSession open(Path path, DriverMemory memory, long wanted) {
        var session = new VhostUserSession(VhostUserFrontEnd.connect(path), memory);
        session.negotiate(wanted, ~0L);
        session.shareMemory();
        return session;
    }

    /** Takes those features that are offered and wanted; the dirty log begins later, if at all. */
    public void negotiate(long wanted, long wantedProtocol) {
        features = frontEnd.ask(GET_FEATURES, payload(0)).u64() & wanted & ~LOG_ALL;
        if ((features & PROTOCOL_FEATURES) != 0) {
            protocolFeatures =
                    frontEnd.ask(GET_PROTOCOL_FEATURES, payload(0)).u64() & wantedProtocol;
            frontEnd.send(SET_PROTOCOL_FEATURES, u64(protocolFeatures));
        }
        frontEnd.send(SET_OWNER, payload(0));
        tell(SET_FEATURES, u64(features));
    }

    /** SET_MEM_TABLE with all of the memory. */
    public void shareMemory() {
        var regions = memory.regions();
        var fds = new Fd[regions.size()];
        java.util.Arrays.fill(fds, memory.fd());
        tell(SET_MEM_TABLE, memoryTable(regions), fds);
    }

    /** The payload of SET_MEM_TABLE for regions that follow each other in a file. */
    public static ByteBuffer memoryTable(List<Region> regions) {
        var table = payload(8 + 32 * regions.size());
        table.putInt(regions.size()).putInt(0);
        long offset = 0;
        for (var region : regions) {
            table.putLong(region.guestAddress()).putLong(region.size());
            table.putLong(region.userAddress()).putLong(offset);
            offset += region.size();
        }
        return table;
    }

    /** Makes a ring, tells the back end of it and enables it. */
    public Ring start(int index, int size) {
        return start(
                index, DriverQueue.of(memory, size, features), DriverQueue.base(size, features, 0));
    }

    /** Tells the back end of a ring and enables it. */
    public Ring start(int index, DriverQueue queue, int base) {
        var ring = describe(index, queue, base);
        kick(index, ring);
        enable(index, 1);
        return ring;
    }

    /** Tells the back end all of a ring but its kick descriptor, and does not enable it. */
    public Ring describe(int index, DriverQueue queue, int base) {
        try {
            var ring = new Ring(queue, Eventfd.create(), Eventfd.create(), Eventfd.create());
            rings.add(ring);
            tell(SET_VRING_NUM, state(index, queue.size()));
            tell(SET_VRING_BASE, state(index, base));
            tell(SET_VRING_ADDR, addresses(index, queue));
            tell(SET_VRING_CALL, u64(index), ring.call().fd());
            tell(SET_VRING_ERR, u64(index), ring.error().fd());
            return ring;
        } catch (ErrnoException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** SET_VRING_KICK. */
    public void kick(int index, Ring ring) {
        tell(SET_VRING_KICK, u64(index), ring.kick().fd());
    }

    /** SET_VRING_ENABLE, which is only sent where the features allow it. */
    public void enable(int index, int value) {
        if ((features & PROTOCOL_FEATURES) != 0) {
            tell(SET_VRING_ENABLE, state(index, value));
        }
    }

    /** GET_VRING_BASE: stops the ring and returns where it is to go on. */
    public int stop(int index) {
        return frontEnd.ask(GET_VRING_BASE, state(index, 0)).body().getInt(4);
    }

    /** The payload of SET_VRING_ADDR. */
    public static ByteBuffer addresses(int index, DriverQueue queue) {
        var where = queue.addresses();
        var body = payload(40);
        body.putInt(index).putInt(0);
        body.putLong(where.descriptors()).putLong(where.used()).putLong(where.available());
        return body;
    }

    /** GET_CONFIG: bytes of the configuration space. */
    public byte[] config(int offset, int length) {
        var body = payload(12 + length).putInt(0, offset).putInt(4, length);
        var reply = frontEnd.ask(GET_CONFIG, body).body();
        var bytes = new byte[length];
        reply.get(12, bytes);
        return bytes;
    }

    /**
     * GET_INFLIGHT_FD and SET_INFLIGHT_FD: lets the back end record what is in flight. Returns the
     * record.
     */
    public Fd trackInflight(int queues, int queueSize) {
        var body = payload(24).putShort(16, (short) queues).putShort(18, (short) queueSize);
        var reply = frontEnd.ask(GET_INFLIGHT_FD, body);
        var fd = reply.fds().get(0);
        tell(SET_INFLIGHT_FD, reply.body(), fd);
        return fd;
    }

    /** Sends a message that has to succeed. */
    public void tell(int request, ByteBuffer body, Fd... fds) {
        if ((protocolFeatures & REPLY_ACK) == 0) {
            frontEnd.send(request, body, fds);
        } else if (frontEnd.acknowledged(request, body, fds) != 0) {
            throw new IllegalStateException("request " + request + " was refused");
        }
    }

    /**
     * Adds nothing: shows the back end what was added to the queue, and kicks it if it asked for
     * that.
     */
    public static void publish(Ring ring) {
        if (ring.queue().publish()) {
            ring.kick().signal();
        }
    }

    /** Waits for the next used buffer. */
    public static void awaitUsed(Ring ring) {
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        while (!ring.queue().poll()) {
            if (System.nanoTime() > deadline) {
                throw new IllegalStateException("the device used no buffer");
            }
            LockSupport.parkNanos(20_000);
        }
    }

    public VhostUserFrontEnd frontEnd() {
        return frontEnd;
    }

    public DriverMemory memory() {
        return memory;
    }

    /** What was negotiated. */
    public long features() {
        return features;
    }

    /** What was negotiated. */
    public long protocolFeatures() {
        return protocolFeatures;
    }

    @Override
    public void close() {
        frontEnd.close();
        for (var ring : rings) {
            ring.kick().close();
            ring.call().close();
            ring.error().close();
        }
    }
}
