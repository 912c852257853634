package io.vireo.adapter.xdp;

import io.vireo.adapter.link.InterfacePort;
import io.vireo.adapter.link.LinkMonitor;
import io.vireo.linux.Epoll;
import io.vireo.linux.ForeignMemory;
import io.vireo.linux.XdpSocket;
import io.vireo.net.FrameBatch;
import io.vireo.net.Offload;
import io.vireo.net.PortState;
import io.vireo.net.SoftwareOffload;
import io.vireo.reactor.FdWatch;
import io.vireo.reactor.Reactor;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/**
 * An interface of the host as a port of a network, by AF_XDP. Received frames are used where they
 * arrived; frames to send are copied once, into memory that the kernel, or the driver itself, sends
 * from. There are no offloads: checksums and segmentation are done in software.
 *
 * <p>It receives from all queues and sends by the first.
 */
public final class XdpUplink extends InterfacePort {
    private static final int ETHERNET_HEADER = 14;

    private final XdpSockets opened;
    private final XdpSocket[] sockets;
    private final ReceivedTags tags;
    private final SoftwareOffload software = new SoftwareOffload();
    private final AtomicLong notSent = new AtomicLong();

    private final List<FdWatch> watches = new ArrayList<>();
    private int turn;

    /**
     * Takes open sockets.
     *
     * @param name for logs and metrics
     * @param opened closed by {@link #close}
     * @param link closed by {@link #close}
     * @param mtu of the interface in bytes
     * @param tags where VLAN tags of received frames are
     */
    XdpUplink(String name, XdpSockets opened, LinkMonitor link, int mtu, ReceivedTags tags) {
        super(name, link, mtu);
        this.opened = opened;
        this.sockets = opened.sockets();
        this.tags = tags;
    }

    @Override
    protected void watch(Reactor reactor) {
        for (var socket : sockets) {
            watches.add(
                    reactor.watch(
                            socket.fd().number(), Epoll.EPOLLIN | Epoll.EPOLLET, _ -> frames()));
        }
    }

    @Override
    protected void unwatch() {
        watches.forEach(FdWatch::close);
        watches.clear();
    }

    @Override
    public int receive(FrameBatch batch) {
        // Each time another queue is first, so that none starves.
        turn = turn + 1 < sockets.length ? turn + 1 : 0;
        for (int k = 0; k < sockets.length; k++) {
            int queue = turn + k;
            receive(sockets[queue < sockets.length ? queue : queue - sockets.length], batch);
        }
        if (batch.count == 0) {
            release(batch);
        }
        return batch.count;
    }

    private static void receive(XdpSocket socket, FrameBatch batch) {
        while (batch.count < batch.limit && socket.next()) {
            if (socket.length() >= ETHERNET_HEADER) {
                add(batch, socket.frame(), socket.length());
            }
        }
    }

    private static void add(FrameBatch batch, long data, int length) {
        int i = batch.count;
        int snapshot = Math.min(length, FrameBatch.SNAPSHOT);
        if (snapshot == FrameBatch.SNAPSHOT) {
            ForeignMemory.copy64(data, batch.header(i));
        } else {
            ForeignMemory.copy(data, batch.header(i), snapshot);
        }
        batch.length[i] = length;
        batch.headerLength[i] = snapshot;
        batch.offload[i] = 0;
        batch.checksumOffset[i] = 0;
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
        long bytes = 0;
        for (int k = 0; k < count; k++) {
            int i = index[k];
            if (needsSoftware(batch.offload[i])) {
                long finished = finish(batch, i);
                sent += finished > 0 ? 1 : 0;
                bytes += finished;
            } else if (copy(batch, i)) {
                sent++;
                bytes += batch.length[i] + batch.vlanDelta(i);
            }
        }
        batch.sentBytes += bytes;
        if (sent < count) {
            notSent.addAndGet(count - sent);
        }
        return sent;
    }

    /** That a checksum was found right is of no interest to the wire. */
    private static boolean needsSoftware(long offload) {
        return Offload.gso(offload) != Offload.GSO_NONE
                || (Offload.flags(offload) & Offload.NEEDS_CHECKSUM) != 0;
    }

    private boolean copy(FrameBatch batch, int i) {
        int length = batch.length[i] + batch.vlanDelta(i);
        long room = sockets[0].room();
        if (room == 0 || length > XdpSocket.FRAME_MAX) {
            return false;
        }
        batch.copyOut(i, room);
        sockets[0].send(length);
        return true;
    }

    /** Sends a frame finished in software; returns its bytes, 0 if not all of it went. */
    private long finish(FrameBatch batch, int i) {
        if (!software.begin(batch, i)) {
            return 0;
        }
        long bytes = 0;
        while (software.next() > 0) {
            var frames = software.frames();
            for (int k = 0; k < frames.count; k++) {
                if (!copy(frames, k)) {
                    return 0;
                }
                bytes += frames.length[k];
            }
        }
        return bytes;
    }

    @Override
    public void release(FrameBatch batch) {
        for (var socket : sockets) {
            socket.giveBack();
        }
    }

    @Override
    public void flush() {
        sockets[0].flush();
    }

    @Override
    public boolean arm() {
        if (sockets[0].isPending()) {
            // The driver was busy: what waits must not wait for the next frame.
            sockets[0].flush();
            if (sockets[0].isPending() && state() == PortState.UP) {
                return false;
            }
        }
        for (var socket : sockets) {
            if (socket.hasNext()) {
                return false;
            }
        }
        return true;
    }

    @Override
    public void disarm() {}

    /** Whether the driver uses the shared memory itself on all queues. */
    boolean isZeroCopy() {
        for (var socket : sockets) {
            if (!socket.isZeroCopy()) {
                return false;
            }
        }
        return true;
    }

    /** Whether the driver runs the program. */
    boolean isNative() {
        return opened.nativeMode();
    }

    /** Where VLAN tags of received frames are. */
    ReceivedTags tags() {
        return tags;
    }

    /** Receive queues. */
    int queues() {
        return sockets.length;
    }

    /** Frames that arrived and had no room; from any thread. */
    long dropped() {
        long sum = 0;
        for (var socket : sockets) {
            sum += socket.dropped();
        }
        return sum;
    }

    /** Frames to send that were too long, could not be finished, or had no room; any thread. */
    long notSent() {
        return notSent.get();
    }

    @Override
    public void close() {
        super.close();
        opened.close();
        software.close();
    }
}
