package io.vireo.adapter.tap;

import io.vireo.adapter.link.FrameVectors;
import io.vireo.adapter.link.LinkMonitor;
import io.vireo.linux.Epoll;
import io.vireo.linux.Errno;
import io.vireo.linux.ErrnoException;
import io.vireo.linux.FileCalls;
import io.vireo.linux.ForeignMemory;
import io.vireo.linux.Mapping;
import io.vireo.linux.Tap;
import io.vireo.net.FrameBatch;
import io.vireo.net.NetPort;
import io.vireo.net.Offload;
import io.vireo.net.PortState;
import io.vireo.reactor.FdWatch;
import io.vireo.reactor.Reactor;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * A TAP interface of the host as a port of a network (Documentation/networking/tuntap.rst). Frames
 * to the host are written with iovecs that point into the sender's memory; frames from the host are
 * read into memory of ours. The kernel takes and gives frames with checksum and segmentation left
 * to do, as a virtio driver does.
 *
 * <p>One system call moves one frame. The descriptor is watched edge-triggered, so that no call is
 * made while there is nothing to read.
 */
public final class TapUplink implements NetPort {
    /**
     * Offloads that the kernel may leave to us: receivers that do not take them have it done in
     * software.
     */
    static final int OFFLOADS =
            Tap.TUN_F_CSUM | Tap.TUN_F_TSO4 | Tap.TUN_F_TSO6 | Tap.TUN_F_TSO_ECN;

    /** Frames read at once: each has room for the largest. */
    private static final int SLOTS = 32;

    private static final int SLOT_SIZE = 17 * 4096;
    private static final int CHECKSUM_OFFSET = 8;
    private static final int ETHERNET_HEADER = 14;

    private final String name;
    private final Tap tap;
    private final LinkMonitor link;
    private final int mtu;
    private final Mapping memory;
    private final FrameVectors vectors = new FrameVectors(Tap.HEADER_SIZE);

    private final AtomicLong readErrors = new AtomicLong();
    private final AtomicLong writeErrors = new AtomicLong();

    private @Nullable FdWatch watch;
    private Runnable ready = () -> {};
    private boolean readable;
    private volatile boolean attached;

    /**
     * Takes an open TAP.
     *
     * @param name for logs and metrics
     * @param tap opened with {@link #OFFLOADS}; closed by {@link #close}
     * @param link closed by {@link #close}
     * @param mtu of the interface in bytes
     */
    TapUplink(String name, Tap tap, LinkMonitor link, int mtu) throws ErrnoException {
        this.name = name;
        this.tap = tap;
        this.link = link;
        this.mtu = mtu;
        memory = Mapping.anonymous((long) SLOTS * SLOT_SIZE);
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public PortState state() {
        return link.state();
    }

    @Override
    public int mtu() {
        return mtu;
    }

    @Override
    public void attached(Reactor reactor, Runnable wake) {
        if (attached) {
            throw new IllegalStateException("it is plugged into another network");
        }
        watch =
                reactor.watch(
                        tap.fd().number(), Epoll.EPOLLIN | Epoll.EPOLLET, _ -> descriptorReady());
        ready = wake;
        readable = true;
        attached = true;
    }

    @Override
    public void detached() {
        var watching = watch;
        watch = null;
        ready = () -> {};
        attached = false;
        if (watching != null) {
            watching.close();
        }
    }

    private void descriptorReady() {
        readable = true;
        ready.run();
    }

    @Override
    public int receive(FrameBatch batch) {
        int most = Math.min(batch.limit, SLOTS);
        while (readable && batch.count < most) {
            long slot = memory.address() + (long) batch.count * SLOT_SIZE;
            long count = FileCalls.read(tap.fd().number(), slot, SLOT_SIZE);
            if (count < 0) {
                readable = count == -Errno.EINTR;
                if (count != -Errno.EAGAIN && count != -Errno.EINTR) {
                    readErrors.incrementAndGet();
                }
            } else if (count >= Tap.HEADER_SIZE + ETHERNET_HEADER) {
                add(batch, slot, (int) count - Tap.HEADER_SIZE);
            }
        }
        return batch.count;
    }

    private static void add(FrameBatch batch, long slot, int length) {
        int i = batch.count;
        int snapshot = Math.min(length, FrameBatch.SNAPSHOT);
        long data = slot + Tap.HEADER_SIZE;
        ForeignMemory.copy(data, batch.header(i), snapshot);
        batch.length[i] = length;
        batch.headerLength[i] = snapshot;
        long offload = ForeignMemory.getLong(slot);
        batch.offload[i] = Offload.isPlain(offload) ? 0 : offload;
        batch.checksumOffset[i] = ForeignMemory.getShort(slot + CHECKSUM_OFFSET);
        batch.firstRange[i] = batch.ranges;
        batch.rangeCount[i] = 0;
        if (length > snapshot) {
            batch.reserveRanges(1);
            batch.rangeAddress[batch.ranges] = data + snapshot;
            batch.rangeLength[batch.ranges] = length - snapshot;
            batch.ranges++;
            batch.rangeCount[i] = 1;
        }
        batch.count = i + 1;
    }

    @Override
    public int transmit(FrameBatch batch, int[] index, int count) {
        int sent = 0;
        for (int k = 0; k < count; k++) {
            int i = index[k];
            vectors.clear();
            long written =
                    vectors.add(batch, i)
                            ? FileCalls.writev(
                                    tap.fd().number(), vectors.address(0), vectors.entries(0))
                            : -Errno.EINVAL;
            if (written >= 0) {
                sent++;
                batch.sentBytes += batch.length[i] + batch.vlanDelta(i);
            } else if (written == -Errno.EAGAIN) {
                return sent;
            } else {
                // The interface is down, the header was no good (EINVAL), or the sender's memory is
                // gone (EFAULT).
                writeErrors.incrementAndGet();
            }
        }
        return sent;
    }

    @Override
    public void release(FrameBatch batch) {}

    @Override
    public void flush() {}

    @Override
    public boolean arm() {
        return !readable;
    }

    @Override
    public void disarm() {}

    /**
     * Calls to read that failed for another reason than that there was nothing; from any thread.
     */
    long readErrors() {
        return readErrors.get();
    }

    /** Frames that the kernel refused; from any thread. */
    long writeErrors() {
        return writeErrors.get();
    }

    /** Gives the interface a carrier or takes it away; any thread. */
    void carrier(boolean present) throws ErrnoException {
        tap.setCarrier(present);
    }

    /** The state of the interface. */
    LinkMonitor link() {
        return link;
    }

    /** Name of the interface. */
    String interfaceName() {
        return tap.name();
    }

    /** Closes the descriptor; no network holds the port any more. */
    void close() {
        link.close();
        tap.close();
        vectors.close();
        memory.unmap();
    }
}
