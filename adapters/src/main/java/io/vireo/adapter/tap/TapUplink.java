package io.vireo.adapter.tap;

import io.vireo.adapter.link.FrameVectors;
import io.vireo.adapter.link.InterfacePort;
import io.vireo.adapter.link.LinkMonitor;
import io.vireo.adapter.uring.CallBatch;
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
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A TAP interface of the host as a port of a network (Documentation/networking/tuntap.rst). Frames
 * to the host are written with iovecs that point into the sender's memory; frames from the host are
 * read into memory of ours. The kernel takes and gives frames with checksum and segmentation left
 * to do, as a virtio driver does.
 *
 * <p>The kernel has a call for each frame. Several are made by one system call, where the kernel
 * does that. Of several queues each is read in turn; a frame is written to the queue of its flow,
 * and the kernel sends what answers it by the same one.
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
    private final Function<Reactor, Optional<CallBatch>> batches;

    /** Null: one system call for each frame, as before Linux 6.4. */
    private @Nullable CallBatch calls;

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
     * @param batches how several frames go by one system call on a reactor; empty: one by one
     */
    TapUplink(
            String name,
            List<Tap> taps,
            LinkMonitor link,
            int mtu,
            boolean ours,
            Function<Reactor, Optional<CallBatch>> batches)
            throws ErrnoException {
        super(name, link, mtu);
        this.ours = ours;
        this.batches = batches;
        queues = taps.stream().map(TapQueue::new).toArray(TapQueue[]::new);
        memory = Mapping.anonymous((long) SLOTS * SLOT_SIZE);
    }

    @Override
    protected void watch(Reactor reactor) {
        for (var queue : queues) {
            queue.attach(reactor, this::frames);
        }
        calls = batches.apply(reactor).orElse(null);
    }

    @Override
    protected void unwatch() {
        for (var queue : queues) {
            queue.detach();
        }
        giveUpCalls();
    }

    private void giveUpCalls() {
        if (calls != null) {
            calls.release();
            calls = null;
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
            int wanted = Math.min(queue.expected(), most - batch.count);
            if (calls == null || wanted == 1) {
                long slot = slot(batch.count);
                received(batch, slot, queue.read(slot, SLOT_SIZE));
            } else {
                receiveTogether(batch, queue, calls, wanted);
            }
        }
        queue.count(batch.count);
    }

    /** Reads up to so many frames by one system call. */
    private void receiveTogether(
            FrameBatch batch, TapQueue queue, CallBatch together, int wanted) {
        int first = batch.count;
        together.begin();
        for (int k = 0; k < wanted; k++) {
            together.read(queue.fd(), slot(first + k), SLOT_SIZE);
        }
        together.run();
        if (isRefused(together)) {
            return;
        }
        for (int k = 0; k < wanted; k++) {
            received(batch, slot(first + k), queue.didRead(together.result(k)));
        }
    }

    /** Whether the driver cannot do this; from now on it is not asked to. */
    private boolean isRefused(CallBatch together) {
        boolean refused = together.result(0) == -Errno.EOPNOTSUPP;
        if (refused) {
            giveUpCalls();
        }
        return refused;
    }

    private long slot(int frame) {
        return memory.address() + (long) frame * SLOT_SIZE;
    }

    private void received(FrameBatch batch, long slot, long count) {
        if (count >= Tap.HEADER_SIZE + ETHERNET_HEADER) {
            add(batch, slot, (int) count - Tap.HEADER_SIZE);
        } else if (count < 0 && count != -Errno.EAGAIN && count != -Errno.EINTR) {
            readErrors.incrementAndGet();
        }
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
        int k = 0;
        while (k < count) {
            vectors.clear();
            int first = k;
            while (k < count && vectors.add(batch, index[k])) {
                k++;
            }
            if (k == first) {
                // Too many ranges for any call.
                writeErrors.incrementAndGet();
                k++;
            } else if (calls == null || k - first == 1) {
                sent += writeEach(batch, index, first, k);
            } else {
                sent += writeTogether(batch, index, first, k, calls);
            }
        }
        return sent;
    }

    /** Writes frames that have their vectors; returns how many the kernel took. */
    private int writeEach(FrameBatch batch, int[] index, int first, int end) {
        int sent = 0;
        for (int k = first; k < end; k++) {
            int at = k - first;
            TapQueue queue = queue(batch, index[k]);
            long written = queue.write(vectors.address(at), vectors.entries(at));
            sent += written(batch, index[k], written);
        }
        return sent;
    }

    /** As {@link #writeEach}, by one system call. */
    private int writeTogether(
            FrameBatch batch, int[] index, int first, int end, CallBatch together) {
        together.begin();
        for (int k = first; k < end; k++) {
            int at = k - first;
            int fd = queue(batch, index[k]).fd();
            together.writev(fd, vectors.address(at), vectors.entries(at));
        }
        together.run();
        if (isRefused(together)) {
            return writeEach(batch, index, first, end);
        }
        int sent = 0;
        for (int k = first; k < end; k++) {
            sent += written(batch, index[k], together.result(k - first));
        }
        return sent;
    }

    /**
     * A frame was written with this result; returns 1 if the kernel took it. Otherwise it has no
     * room (EAGAIN), the interface is down, the header was no good (EINVAL), or the sender's memory
     * is gone (EFAULT).
     */
    private int written(FrameBatch batch, int i, long result) {
        if (result >= 0) {
            batch.sentBytes += batch.length[i] + batch.vlanDelta(i);
            return 1;
        }
        if (result != -Errno.EAGAIN) {
            writeErrors.incrementAndGet();
        }
        return 0;
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
