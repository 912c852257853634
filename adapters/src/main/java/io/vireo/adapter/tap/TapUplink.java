package io.vireo.adapter.tap;

import io.vireo.linux.Epoll;
import io.vireo.linux.Errno;
import io.vireo.linux.ErrnoException;
import io.vireo.linux.FileCalls;
import io.vireo.linux.ForeignMemory;
import io.vireo.linux.IovecArray;
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
    private static final int ADDRESSES = 12;
    private static final int TAG = 4;
    private static final int ETHERNET_HEADER = 14;

    private final String name;
    private final Tap tap;
    private final int mtu;
    private final Mapping memory;
    private final IovecArray iovecs = new IovecArray(IovecArray.UIO_MAXIOV);

    // Header and tag of the frame that is being written, behind the slots.
    private final long header;
    private final long tag;

    private final AtomicLong readErrors = new AtomicLong();
    private final AtomicLong writeErrors = new AtomicLong();

    private @Nullable FdWatch watch;
    private Runnable ready = () -> {};
    private boolean readable;
    private volatile boolean attached;
    private volatile boolean up = true;

    /**
     * Takes an open TAP.
     *
     * @param name for logs and metrics
     * @param tap opened with {@link #OFFLOADS}; closed by {@link #close}
     * @param mtu of the interface in bytes
     */
    TapUplink(String name, Tap tap, int mtu) throws ErrnoException {
        this.name = name;
        this.tap = tap;
        this.mtu = mtu;
        memory = Mapping.anonymous((long) SLOTS * SLOT_SIZE + Mapping.pageSize());
        header = memory.address() + (long) SLOTS * SLOT_SIZE;
        tag = header + Tap.HEADER_SIZE;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public PortState state() {
        return up ? PortState.UP : PortState.DOWN;
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
                        tap.fd().number(), Epoll.EPOLLIN | Epoll.EPOLLET, this::descriptorReady);
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

    private void descriptorReady(int events) {
        if ((events & Epoll.EPOLLERR) != 0) {
            // Somebody deleted the interface: the descriptor never comes back.
            up = false;
        }
        readable = true;
        ready.run();
    }

    @Override
    public int receive(FrameBatch batch) {
        while (readable && batch.count < SLOTS) {
            long slot = memory.address() + (long) batch.count * SLOT_SIZE;
            long count = FileCalls.read(tap.fd().number(), slot, SLOT_SIZE);
            if (count < 0) {
                readable = count == -Errno.EINTR;
                if (count != -Errno.EAGAIN && count != -Errno.EINTR) {
                    readErrors.incrementAndGet();
                    up &= count != -Errno.EBADFD;
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
            int entries = gather(batch, i);
            long written =
                    entries == 0
                            ? -Errno.EINVAL
                            : FileCalls.writev(tap.fd().number(), iovecs.address(), entries);
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

    /**
     * Points the iovecs to a frame and its header; returns their number, 0 if there are too many.
     */
    private int gather(FrameBatch batch, int i) {
        int ranges = batch.rangeCount[i];
        if (ranges > iovecs.capacity() - 4) {
            return 0;
        }
        ForeignMemory.putLong(header, Offload.shift(batch.offload[i], batch.vlanDelta(i)));
        ForeignMemory.putInt(
                header + CHECKSUM_OFFSET, Short.toUnsignedInt(batch.checksumOffset[i]));
        iovecs.set(0, header, Tap.HEADER_SIZE);
        int at = 1;
        long start = batch.header(i);
        int length = batch.headerLength[i];
        if (batch.vlanAction[i] != FrameBatch.VLAN_KEEP) {
            iovecs.set(at++, start, ADDRESSES);
            start += ADDRESSES;
            length -= ADDRESSES;
            if (batch.vlanAction[i] == FrameBatch.VLAN_PUSH) {
                ForeignMemory.putInt(tag, batch.tag(i));
                iovecs.set(at++, tag, TAG);
            } else {
                start += TAG;
                length -= TAG;
            }
        }
        iovecs.set(at++, start, length);
        int first = batch.firstRange[i];
        for (int r = first; r < first + ranges; r++) {
            iovecs.set(at++, batch.rangeAddress[r], batch.rangeLength[r]);
        }
        return at;
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

    /** Name of the interface. */
    String interfaceName() {
        return tap.name();
    }

    /** Closes the descriptor; no network holds the port any more. */
    void close() {
        tap.close();
        memory.unmap();
    }
}
