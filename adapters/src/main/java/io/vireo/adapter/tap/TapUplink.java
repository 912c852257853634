package io.vireo.adapter.tap;

import io.vireo.adapter.link.FrameVectors;
import io.vireo.adapter.link.InterfacePort;
import io.vireo.adapter.link.LinkMonitor;
import io.vireo.linux.Errno;
import io.vireo.linux.ErrnoException;
import io.vireo.linux.ForeignMemory;
import io.vireo.linux.Mapping;
import io.vireo.linux.Tap;
import io.vireo.net.Flow;
import io.vireo.net.FrameBatch;
import io.vireo.net.Offload;
import io.vireo.reactor.Reactor;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A TAP interface of the host as a port of a network (Documentation/networking/tuntap.rst). Frames
 * to the host are written with iovecs that point into the sender's memory; frames from the host are
 * read into memory of ours. The kernel takes and gives frames with checksum and segmentation left
 * to do, as a virtio driver does.
 *
 * <p>One system call moves one frame. Of several queues each is read in turn; a frame is written to
 * the queue of its flow, and the kernel sends what answers it by the same one.
 */
public final class TapUplink extends InterfacePort {
    private static final Logger LOG = System.getLogger(TapUplink.class.getName());

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

    private final TapQueue[] queues;
    private final boolean ours;
    private final Mapping memory;
    private final FrameVectors vectors = new FrameVectors(Tap.HEADER_SIZE);

    private final AtomicLong readErrors = new AtomicLong();
    private final AtomicLong writeErrors = new AtomicLong();

    /** Position of the queue that was read last. */
    private int current;

    /**
     * Takes an open TAP.
     *
     * @param name for logs and metrics
     * @param taps its queues, opened with {@link #OFFLOADS}; closed by {@link #close}
     * @param link closed by {@link #close}
     * @param mtu of the interface in bytes
     * @param ours whether the interface was made here
     */
    TapUplink(String name, List<Tap> taps, LinkMonitor link, int mtu, boolean ours)
            throws ErrnoException {
        super(name, link, mtu);
        this.ours = ours;
        queues = taps.stream().map(TapQueue::new).toArray(TapQueue[]::new);
        memory = Mapping.anonymous((long) SLOTS * SLOT_SIZE);
    }

    @Override
    protected void watch(Reactor reactor) {
        for (var queue : queues) {
            queue.attach(reactor, this::frames);
        }
    }

    @Override
    protected void unwatch() {
        for (var queue : queues) {
            queue.detach();
        }
    }

    @Override
    public int receive(FrameBatch batch) {
        int most = Math.min(batch.limit, SLOTS);
        for (int tries = queues.length; tries > 0 && batch.count == 0; tries--) {
            current = current + 1 < queues.length ? current + 1 : 0;
            receive(batch, queues[current], most);
        }
        return batch.count;
    }

    private void receive(FrameBatch batch, TapQueue queue, int most) {
        while (queue.readable() && batch.count < most) {
            long slot = memory.address() + (long) batch.count * SLOT_SIZE;
            long count = queue.read(slot, SLOT_SIZE);
            if (count >= Tap.HEADER_SIZE + ETHERNET_HEADER) {
                add(batch, slot, (int) count - Tap.HEADER_SIZE);
            } else if (count < 0 && count != -Errno.EAGAIN && count != -Errno.EINTR) {
                readErrors.incrementAndGet();
            }
        }
        queue.count(batch.count);
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
                            ? queue(batch, i).write(vectors.address(0), vectors.entries(0))
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

    private TapQueue queue(FrameBatch batch, int i) {
        return queues.length == 1 ? queues[0] : queues[Flow.choose(batch, i, queues.length)];
    }

    @Override
    public void release(FrameBatch batch) {}

    @Override
    public void flush() {}

    @Override
    public boolean arm() {
        for (var queue : queues) {
            if (queue.readable()) {
                return false;
            }
        }
        return true;
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

    /** Frames that the host sent by each queue; from any thread. */
    long[] framesByQueue() {
        return Arrays.stream(queues).mapToLong(TapQueue::frames).toArray();
    }

    /** Gives the interface a carrier or takes it away; any thread. */
    void carrier(boolean present) throws ErrnoException {
        queues[0].tap().setCarrier(present);
    }

    /** It is somewhere where it is not looked for: it goes with its last queue. */
    private void removeStray() {
        try {
            queues[0].tap().setPersistent(false);
        } catch (ErrnoException e) {
            LOG.log(Level.DEBUG, "nothing is left of " + interfaceName() + " to remove", e);
        }
    }

    /** Name of the interface. */
    String interfaceName() {
        return queues[0].tap().name();
    }

    @Override
    public void close() {
        if (ours && !link().isPresent()) {
            removeStray();
        }
        super.close();
        for (var queue : queues) {
            queue.close();
        }
        vectors.close();
        memory.unmap();
    }
}
