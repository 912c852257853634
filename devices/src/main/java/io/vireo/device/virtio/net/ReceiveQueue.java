package io.vireo.device.virtio.net;

import io.vireo.memory.NativeMemory;
import io.vireo.net.FrameBatch;
import io.vireo.net.Offload;
import io.vireo.net.SoftwareOffload;
import io.vireo.virtqueue.ChainBatch;
import io.vireo.virtqueue.Virtqueue;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A running receiveq: what goes to the guest (VIRTIO 1.3, 5.1.6.3 and 5.1.6.4). Frames are copied
 * once, from where they are into the guest's buffers.
 *
 * <p>Outside of {@link #transmit} no chain is in flight: what was popped and not used is given
 * back. {@link #flush} does so for a transmit that a memory fault interrupted.
 */
final class ReceiveQueue {
    private static final int NUM_BUFFERS_SHIFT = 16;

    /**
     * Buffers without room for a frame that are given back in one call at most: a guest may refill
     * for ever.
     */
    private static final int RUNTS_MAX = 256;

    final Virtqueue queue;

    /** How frames are told of; null: at the end of each pass. */
    final @Nullable Coalescing coalescing;

    private long features;
    private final int headerSize;
    private final boolean mergeable;
    private final boolean hashed;
    private @Nullable FlowHash hash;
    private final NetStatistics statistics;
    private final Supplier<SoftwareOffload> software;
    private final ChainBatch chains;
    private final Scatter scatter;
    private final int[] segments = new int[FrameBatch.CAPACITY];
    private final int[] written = new int[FrameBatch.CAPACITY];

    /** First chain of the batch that is not used. */
    private int next;

    /**
     * Whether the guest had no more buffers when we looked last: one look is enough for a batch.
     */
    private boolean dry;

    /** Whether all that was put into buffers is visible, and there was a fence since. */
    private boolean published;

    /** Frames since the last {@link #flush}. */
    private int unpublished;

    ReceiveQueue(
            Virtqueue queue,
            long features,
            NetStatistics statistics,
            Supplier<SoftwareOffload> software,
            @Nullable Coalescing coalescing) {
        this.coalescing = coalescing;
        this.hashed = (features & NetFeatures.HASH_REPORT) != 0;
        this.queue = queue;
        this.features = features;
        this.headerSize = NetFeatures.headerSize(features);
        this.mergeable = (features & NetFeatures.MRG_RXBUF) != 0;
        this.statistics = statistics;
        this.software = software;
        this.chains = new ChainBatch(FrameBatch.CAPACITY, queue.size());
        this.scatter = new Scatter(chains);
        for (int i = 0; i < segments.length; i++) {
            segments[i] = i;
        }
    }

    /**
     * The driver changed what it takes.
     *
     * @param effective features, without those that are turned off
     * @param reported the hash that goes with each frame; null: none yet
     */
    void follow(long effective, @Nullable FlowHash reported) {
        features = effective;
        hash = reported;
    }

    /** Puts frames into buffers; returns how many. They are the guest's after {@link #flush}. */
    int transmit(FrameBatch frames, int[] index, int count) {
        int sent = hashed ? 0 : transmitPlain(frames, index, count);
        if (sent < count) {
            sent += transmitRest(frames, index, sent, count);
        }
        unpublished += sent;
        published = false;
        return sent;
    }

    /**
     * Puts frames that go as they are into buffers of one descriptor each, up to the first frame or
     * buffer that is otherwise; returns their number.
     */
    private int transmitPlain(FrameBatch frames, int[] index, int count) {
        int popped = queue.popPlain(chains, plainFrames(frames, index, count), true);
        int sent = putHeaders(frames, index, popped);
        putPayloads(frames, index, sent);
        queue.push(chains.head, written, sent);
        if (sent < popped) {
            queue.rewind(popped - sent);
        }
        chains.clear();
        return sent;
    }

    /**
     * Writes a virtio-net header with nothing in it and the snapshot of each frame, up to the first
     * that does not fit its buffer; returns their number.
     *
     * <p>These are the lines that the driver's core has had in its cache, so that each store to
     * them waits for it. Written all at once they wait together; between payloads each would hold
     * up the payload behind it.
     */
    private int putHeaders(FrameBatch frames, int[] index, int popped) {
        long[] addresses = chains.rangeAddress;
        int[] room = chains.rangeLength;
        int[] lengths = frames.length;
        int[] totals = written;
        int prefix = headerSize;
        long bytes = 0;
        int sent = 0;
        for (; sent < popped; sent++) {
            int i = index[sent];
            int length = lengths[i];
            if (room[sent] < prefix + length) {
                break;
            }
            long address = addresses[sent];
            putEmptyHeader(address);
            copySnapshot(frames, i, address + prefix);
            totals[sent] = prefix + length;
            bytes += length;
        }
        frames.sentBytes += bytes;
        return sent;
    }

    private void putPayloads(FrameBatch frames, int[] index, int count) {
        long[] addresses = chains.rangeAddress;
        int[] snapshots = frames.headerLength;
        int prefix = headerSize;
        for (int k = 0; k < count; k++) {
            int i = index[k];
            copyRanges(frames, i, addresses[k] + prefix + snapshots[i]);
        }
    }

    /** Number of frames, from the first on, that go as they are. */
    private static int plainFrames(FrameBatch frames, int[] index, int count) {
        long[] offloads = frames.offload;
        byte[] actions = frames.vlanAction;
        int plain = 0;
        while (plain < count
                && offloads[index[plain]] == 0
                && actions[index[plain]] == FrameBatch.VLAN_KEEP) {
            plain++;
        }
        return plain;
    }

    /**
     * Writes a header with nothing in it. A buffer that comes back usually has it still; what is
     * not stored to need not be fetched from the driver's core.
     */
    private static void putEmptyHeader(long address) {
        if (NativeMemory.getLong(address) != 0) {
            NativeMemory.putLong(address, 0);
        }
        // csum_offset 0 and num_buffers 1: in a legacy header the second half is overwritten by the
        // frame.
        if (NativeMemory.getInt(address + Long.BYTES) != 1 << NUM_BUFFERS_SHIFT) {
            NativeMemory.putInt(address + Long.BYTES, 1 << NUM_BUFFERS_SHIFT);
        }
    }

    private int transmitRest(FrameBatch frames, int[] index, int from, int count) {
        next = 0;
        chains.clear();
        dry = queue.pop(chains, count - from) < count - from;
        int sent = 0;
        long bytes = 0;
        int k = from;
        while (k < count) {
            int fast = simple(frames, index, k, count);
            sent += fast;
            for (int end = k + fast; k < end; k++) {
                bytes += frames.length[index[k]];
            }
            if (k < count) {
                int i = index[k++];
                if (any(frames, i)) {
                    sent++;
                    bytes += frames.length[i] + frames.vlanDelta(i);
                }
            }
        }
        frames.sentBytes += bytes;
        giveBack();
        return sent;
    }

    /**
     * Puts frames that go as they are into buffers of one range, nearly all: first copies, then
     * completes, in loops that do nothing else.
     *
     * @return how many, up to the first that is otherwise
     */
    private int simple(FrameBatch frames, int[] index, int from, int count) {
        int first = next;
        int limit = hashed ? 0 : Math.min(count - from, chains.count - first);
        int size = headerSize;
        int done = 0;
        for (; done < limit; done++) {
            int i = index[from + done];
            int chain = first + done;
            int range = chains.firstWritable[chain];
            int total = size + frames.length[i];
            if ((frames.offload[i] | frames.vlanAction[i]) != 0
                    || chains.writableRanges[chain] != 1
                    || chains.rangeLength[range] < total) {
                break;
            }
            long address = chains.rangeAddress[range];
            putEmptyHeader(address);
            copySnapshot(frames, i, address + size);
            copyRanges(frames, i, address + size + frames.headerLength[i]);
            written[chain] = total;
        }
        for (int chain = first; chain < first + done; chain++) {
            queue.push(chains.head[chain], written[chain]);
            next = chain + 1;
        }
        return done;
    }

    private boolean any(FrameBatch frames, int i) {
        return frames.offload[i] == 0 && frames.vlanAction[i] == FrameBatch.VLAN_KEEP
                ? scatter(frames, i, 0)
                : special(frames, i);
    }

    /**
     * Makes what was put into buffers visible to the guest, unless that is put off; a full memory
     * fence and {@link #flush} follow.
     */
    void publish() {
        if (coalescing == null) {
            queue.publish();
            published = true;
        }
    }

    /** Makes what was put into buffers visible to the guest and tells it. */
    void flush() {
        int left = queue.inFlight();
        if (left > 0) {
            queue.rewind(left);
        }
        if (published) {
            queue.signal();
            published = false;
        } else if (coalescing == null) {
            queue.flush();
        } else {
            coalescing.flush(unpublished);
        }
        unpublished = 0;
    }

    /** Makes what was put into buffers visible at once. */
    void stop() {
        flush();
        if (coalescing != null) {
            coalescing.publish();
        }
    }

    private void giveBack() {
        int left = chains.count - next;
        if (left > 0) {
            queue.rewind(left);
        }
        next = 0;
        chains.clear();
    }

    private static void copySnapshot(FrameBatch frames, int i, long destination) {
        int snapshot = frames.headerLength[i];
        long header = frames.header(i);
        if (snapshot == FrameBatch.SNAPSHOT) {
            NativeMemory.copy64(header, destination);
        } else {
            NativeMemory.copy(header, destination, snapshot);
        }
    }

    private static void copyRanges(FrameBatch frames, int i, long destination) {
        long position = destination;
        int first = frames.firstRange[i];
        int end = first + frames.rangeCount[i];
        for (int r = first; r < end; r++) {
            int length = frames.rangeLength[r];
            NativeMemory.copy(frames.rangeAddress[r], position, length);
            position += length;
        }
    }

    /** A frame with something left to do, or with a tag that goes in or out. */
    private boolean special(FrameBatch frames, int i) {
        long offload = frames.offload[i];
        if ((Offload.flags(offload) & Offload.NEEDS_CHECKSUM) == 0
                && Offload.gso(offload) == Offload.GSO_NONE
                && !NetFeatures.accepts(features, offload)) {
            // Only "the checksum was checked": news that this driver did not ask for.
            offload = 0;
        }
        if (NetFeatures.accepts(features, offload)) {
            return scatter(frames, i, Offload.shift(offload, frames.vlanDelta(i)));
        }
        return converted(frames, i);
    }

    /** Does in software what the driver does not take; sent means that all segments were. */
    private boolean converted(FrameBatch frames, int i) {
        var converter = software.get();
        if (!converter.begin(frames, i)) {
            statistics.add(NetStatistics.RX_NOT_CONVERTIBLE, 1);
            return false;
        }
        boolean all = true;
        var parts = converter.frames();
        for (int count = converter.next(); count > 0; count = converter.next()) {
            for (int k = 0; k < count; k++) {
                if (next == chains.count && !dry) {
                    refill(count - k);
                }
                all &= simple(parts, segments, k, k + 1) == 1 || scatter(parts, k, 0);
            }
        }
        statistics.add(NetStatistics.RX_CONVERTED, 1);
        return all;
    }

    /** A frame that goes into several ranges or several buffers, or whose tag changes. */
    private boolean scatter(FrameBatch frames, int i, long offload) {
        int total = headerSize + frames.length[i] + frames.vlanDelta(i);
        int buffers = reserve(total);
        if (buffers == 0) {
            return false;
        }
        scatter.begin(next);
        scatter.put(offload, Long.BYTES);
        short offset = offload == 0 ? 0 : frames.checksumOffset[i];
        scatter.put(
                Short.toUnsignedLong(offset) | (long) buffers << NUM_BUFFERS_SHIFT,
                hashed ? Integer.BYTES : headerSize - Long.BYTES);
        if (hashed) {
            putHash(frames, i);
        }
        scatter.frame(frames, i);
        int left = total;
        for (int b = 0; b < buffers; b++, next++) {
            int written = (int) Math.min(left, chains.writableBytes[next]);
            queue.push(chains.head[next], written);
            left -= written;
        }
        return true;
    }

    /** VIRTIO 1.3, 5.1.6.4.4: hash_value, hash_report, padding. */
    private void putHash(FrameBatch frames, int i) {
        if (hash == null) {
            scatter.put(0, Long.BYTES);
        } else {
            hash.classify(frames, i);
            long value = Integer.toUnsignedLong(hash.value);
            scatter.put(value | (long) hash.report << Integer.SIZE, Long.BYTES);
        }
    }

    /**
     * Finds buffers for {@code total} bytes from {@link #next} on; returns their number, 0 if the
     * frame is to be dropped.
     */
    private int reserve(int total) {
        int buffers = tryReserve(total);
        if (buffers < 0 && !dry) {
            // The batch may end in the middle of the buffers that it takes.
            refill(FrameBatch.CAPACITY);
            buffers = tryReserve(total);
        }
        if (buffers == 0) {
            statistics.add(NetStatistics.RX_BUFFER_TOO_SMALL, 1);
        } else if (buffers < 0) {
            statistics.add(NetStatistics.RX_NO_BUFFER, 1);
        }
        return Math.max(0, buffers);
    }

    /** As {@link #reserve}, -1 if there are too few buffers in the batch. */
    private int tryReserve(int total) {
        discardRunts();
        if (next == chains.count) {
            return -1;
        }
        if (!mergeable) {
            return chains.writableBytes[next] >= total ? 1 : 0;
        }
        long room = 0;
        for (int chain = next; chain < chains.count; chain++) {
            room += chains.writableBytes[chain];
            if (room >= total) {
                return chain - next + 1;
            }
        }
        return -1;
    }

    /**
     * Gives buffers back that no frame fits in: each must hold a header at least (VIRTIO 1.3,
     * 5.1.6.3.1).
     */
    private void discardRunts() {
        for (int i = 0; i < RUNTS_MAX; i++) {
            if (next == chains.count || chains.writableBytes[next] > headerSize) {
                return;
            }
            queue.push(chains.head[next], 0);
            next++;
            statistics.add(NetStatistics.RX_RUNT_BUFFER, 1);
        }
    }

    private void refill(int wanted) {
        giveBack();
        dry = queue.pop(chains, wanted) < wanted;
    }
}
