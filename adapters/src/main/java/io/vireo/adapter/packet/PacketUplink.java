package io.vireo.adapter.packet;

import io.vireo.adapter.link.FrameVectors;
import io.vireo.adapter.link.InterfacePort;
import io.vireo.adapter.link.LinkMonitor;
import io.vireo.linux.Epoll;
import io.vireo.linux.Errno;
import io.vireo.linux.ErrnoException;
import io.vireo.linux.ForeignMemory;
import io.vireo.linux.Mapping;
import io.vireo.linux.MessageArray;
import io.vireo.linux.PacketSocket;
import io.vireo.net.FrameBatch;
import io.vireo.net.Offload;
import io.vireo.reactor.FdWatch;
import io.vireo.reactor.Reactor;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * An interface of the host as a port of a network, by a packet socket. Frames arrive in a ring that
 * the kernel shares, without a call for each; frames to send go out by one call for many, with
 * iovecs that point into the sender's memory: the kernel copies them, nobody else does. Checksums
 * and segmentation may be left to do in both directions; the kernel does what the interface cannot.
 */
public final class PacketUplink extends InterfacePort {
    private static final int ADDRESSES = 12;
    private static final int TAG = 4;
    private static final int ETHERNET_HEADER = 14;

    /** Room for a frame that is longer than a slot of the ring, with its header. */
    private static final int LONG_SLOT = 17 * 4096;

    private final PacketSocket socket;

    // Touched only as far as long frames need it.
    private final Mapping longFrames;
    private final FrameVectors vectors = new FrameVectors(PacketSocket.VNET_HEADER);
    private final MessageArray messages = new MessageArray(FrameBatch.CAPACITY);
    private final int[] frameOf = new int[FrameBatch.CAPACITY];

    private final AtomicLong truncated = new AtomicLong();
    private final AtomicLong writeErrors = new AtomicLong();

    private @Nullable FdWatch watch;

    /**
     * Takes an open socket.
     *
     * @param name for logs and metrics
     * @param socket closed by {@link #close}
     * @param link closed by {@link #close}
     * @param mtu of the interface in bytes
     */
    PacketUplink(String name, PacketSocket socket, LinkMonitor link, int mtu)
            throws ErrnoException {
        super(name, link, mtu);
        this.socket = socket;
        longFrames = Mapping.anonymous((long) FrameBatch.CAPACITY * LONG_SLOT);
    }

    @Override
    protected void watch(Reactor reactor) {
        watch = reactor.watch(socket.fd().number(), Epoll.EPOLLIN | Epoll.EPOLLET, _ -> frames());
    }

    @Override
    protected void unwatch() {
        var watching = watch;
        watch = null;
        if (watching != null) {
            watching.close();
        }
    }

    @Override
    public int receive(FrameBatch batch) {
        while (batch.count < batch.limit && socket.next()) {
            if (socket.isInSocket()) {
                receiveLong(batch);
            } else if (socket.isWhole()) {
                add(batch, socket.frame(), socket.length());
            } else {
                truncated.incrementAndGet();
            }
        }
        if (batch.count == 0) {
            // Nobody will release them.
            socket.giveBack();
        }
        return batch.count;
    }

    private void receiveLong(FrameBatch batch) {
        long slot = longFrames.address() + (long) batch.count * LONG_SLOT;
        long count = socket.receiveLong(slot, LONG_SLOT);
        int length = (int) count - PacketSocket.VNET_HEADER;
        if (length == socket.length()) {
            add(batch, slot + PacketSocket.VNET_HEADER, length);
        } else {
            truncated.incrementAndGet();
        }
    }

    /** Adds a frame, of which a virtio-net header is in front, and puts its tag back in. */
    private void add(FrameBatch batch, long data, int length) {
        if (length < ETHERNET_HEADER) {
            return;
        }
        int i = batch.count;
        int inserted = socket.hasTag() ? TAG : 0;
        int snapshot = Math.min(length, FrameBatch.SNAPSHOT - inserted);
        long header = batch.header(i);
        if (inserted == 0) {
            ForeignMemory.copy(data, header, snapshot);
        } else {
            ForeignMemory.copy(data, header, ADDRESSES);
            ForeignMemory.putInt(header + ADDRESSES, socket.tag());
            ForeignMemory.copy(data + ADDRESSES, header + ADDRESSES + TAG, snapshot - ADDRESSES);
        }
        batch.length[i] = length + inserted;
        batch.headerLength[i] = snapshot + inserted;
        long offload = ForeignMemory.getLong(data - PacketSocket.VNET_HEADER);
        batch.offload[i] = Offload.isPlain(offload) ? 0 : Offload.shift(offload, inserted);
        batch.checksumOffset[i] = ForeignMemory.getShort(data - Short.BYTES);
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
        int k = 0;
        while (k < count) {
            vectors.clear();
            while (k < count && vectors.add(batch, index[k])) {
                frameOf[vectors.frames() - 1] = index[k++];
            }
            if (vectors.frames() == 0) {
                writeErrors.incrementAndGet();
                k++;
                continue;
            }
            int taken = send(batch);
            if (taken < 0) {
                return sent + ~taken;
            }
            sent += taken;
        }
        return sent;
    }

    /**
     * Sends what was gathered; returns how many frames were sent, complemented if the interface
     * takes no more now.
     */
    private int send(FrameBatch batch) {
        int frames = vectors.frames();
        for (int m = 0; m < frames; m++) {
            messages.set(m, vectors.address(m), vectors.entries(m));
        }
        int sent = 0;
        int at = 0;
        while (at < frames) {
            int result = socket.send(messages.address(at), frames - at);
            if (result == -Errno.EAGAIN || result == -Errno.ENOBUFS) {
                return ~sent;
            }
            if (result == -Errno.EINTR) {
                continue;
            }
            if (result < 0) {
                // The interface is down, the header was no good (EINVAL), or the sender's memory is
                // gone (EFAULT).
                writeErrors.incrementAndGet();
                at++;
                continue;
            }
            for (int m = at; m < at + result; m++) {
                batch.sentBytes += batch.length[frameOf[m]] + batch.vlanDelta(frameOf[m]);
            }
            sent += result;
            at += result;
        }
        return sent;
    }

    @Override
    public void release(FrameBatch batch) {
        socket.giveBack();
    }

    @Override
    public void flush() {}

    @Override
    public boolean arm() {
        return !socket.hasNext();
    }

    @Override
    public void disarm() {}

    /** Frames that the kernel had no room for; from any thread. */
    long dropped() {
        return socket.dropped();
    }

    /** Frames that came incomplete; from any thread. */
    long truncated() {
        return truncated.get();
    }

    /** Frames that the kernel refused; from any thread. */
    long writeErrors() {
        return writeErrors.get();
    }

    @Override
    public void close() {
        super.close();
        socket.close();
        vectors.close();
        longFrames.unmap();
    }
}
