package io.vireo.device.virtio.net;

import io.vireo.memory.NativeMemory;
import io.vireo.net.FrameBatch;
import io.vireo.net.Offload;
import io.vireo.virtqueue.ChainBatch;
import io.vireo.virtqueue.Virtqueue;
import org.jspecify.annotations.Nullable;

/**
 * A running transmitq: what the guest sends (VIRTIO 1.3, 5.1.6.2). A frame may be framed in
 * descriptors in any way. One that breaks a rule is dropped and counted, its chain is completed
 * like the others.
 *
 * <p>A pass that a memory fault interrupts leaves the popped chains in {@link #chains}; {@link
 * #release} completes those that are still in flight, whenever it is called.
 */
final class TransmitQueue {
    private static final int CHECKSUM_OFFSET = 8;
    private static final int SCRATCH = 32;

    final Virtqueue queue;

    /** How completions are published; null: at once. */
    final @Nullable Coalescing coalescing;

    /** Whether what the guest sends is dropped. */
    boolean disabled;

    /** Whether it was handed back. */
    boolean stopped;

    private final long features;
    private final int headerSize;
    private final NetStatistics statistics;
    private final ChainBatch chains;
    private final int[] nothingWritten = new int[FrameBatch.CAPACITY];

    // Where the gathering of a frame has got to.
    private int range;
    private int offset;

    TransmitQueue(
            Virtqueue queue,
            long features,
            NetStatistics statistics,
            @Nullable Coalescing coalescing) {
        this.coalescing = coalescing;
        this.queue = queue;
        this.features = features;
        this.headerSize = NetFeatures.headerSize(features);
        this.statistics = statistics;
        this.chains = new ChainBatch(FrameBatch.CAPACITY, queue.size());
    }

    /**
     * Adds to a batch; returns the number of frames. If there are none nothing is left to release.
     */
    int receive(FrameBatch frames) {
        if (chains.count > 0) {
            release();
        }
        int before = frames.count;
        int popped = queue.popPlain(chains, frames.limit, false);
        if (popped > 0) {
            receivePlain(frames, popped);
        } else {
            popped = queue.pop(chains, frames.limit);
            if (popped == 0) {
                return 0;
            }
            takeAll(frames, popped);
        }
        int added = frames.count - before;
        if (added < popped) {
            statistics.add(NetStatistics.TX_INVALID, popped - added);
        }
        if (added == 0) {
            release();
        }
        return added;
    }

    /**
     * Takes each chain; those of one range with nothing left to do, nearly all, without leaving the
     * loop.
     */
    private void takeAll(FrameBatch frames, int popped) {
        int[] first = chains.firstReadable;
        int[] ranges = chains.readableRanges;
        long[] addresses = chains.rangeAddress;
        int[] lengths = chains.rangeLength;
        int size = headerSize;
        for (int i = 0; i < popped; i++) {
            if (ranges[i] == 1) {
                long address = addresses[first[i]];
                int length = lengths[first[i]] - size;
                if (length >= FrameBatch.SNAPSHOT
                        && length <= FrameBatch.LENGTH_MAX
                        && Offload.isPlain(NativeMemory.getLong(address))) {
                    takePlain(frames, address + size, length);
                    continue;
                }
            }
            take(frames, i);
        }
    }

    private static void takePlain(FrameBatch frames, long data, int length) {
        int at = frames.count;
        NativeMemory.copy64(data, frames.header(at));
        frames.length[at] = length;
        frames.headerLength[at] = FrameBatch.SNAPSHOT;
        frames.offload[at] = 0;
        int range = frames.ranges;
        frames.firstRange[at] = range;
        int rest = length - FrameBatch.SNAPSHOT;
        if (rest > 0) {
            frames.reserveRanges(1);
            frames.rangeAddress[range] = data + FrameBatch.SNAPSHOT;
            frames.rangeLength[range] = rest;
            frames.rangeCount[at] = 1;
            frames.ranges = range + 1;
        } else {
            frames.rangeCount[at] = 0;
        }
        frames.count = at + 1;
    }

    private void receivePlain(FrameBatch frames, int popped) {
        for (int i = 0; i < popped; i++) {
            i += receiveRun(frames, i, popped);
            if (i < popped) {
                chains.firstReadable[i] = i;
                chains.readableRanges[i] = 1;
                chains.readableBytes[i] = Integer.toUnsignedLong(chains.rangeLength[i]);
                take(frames, i);
            }
        }
    }

    /**
     * Takes frames of at least a snapshot, each in one range, with nothing left to do, up to the
     * first that is otherwise; returns their number.
     */
    private int receiveRun(FrameBatch frames, int from, int popped) {
        long[] addresses = chains.rangeAddress;
        int[] lengths = chains.rangeLength;
        int[] frameLengths = frames.length;
        int[] headerLengths = frames.headerLength;
        long[] offloads = frames.offload;
        int[] firstRanges = frames.firstRange;
        int[] rangeCounts = frames.rangeCount;
        int prefix = headerSize;
        int base = frames.count;
        int ranges = frames.ranges;
        frames.reserveRanges(popped - from);
        long[] rangeAddresses = frames.rangeAddress;
        int[] rangeLengths = frames.rangeLength;
        long header = frames.header(base);
        int n = 0;
        for (; n < popped - from; n++) {
            long address = addresses[from + n];
            int length = lengths[from + n] - prefix;
            if (length < FrameBatch.SNAPSHOT
                    || length > FrameBatch.LENGTH_MAX
                    || (NativeMemory.getShort(address)) != 0) {
                break;
            }
            long data = address + prefix;
            NativeMemory.copy64(data, header);
            header += FrameBatch.HEADER_MAX;
            frameLengths[base + n] = length;
            headerLengths[base + n] = FrameBatch.SNAPSHOT;
            offloads[base + n] = 0;
            // A range of no bytes where the snapshot is all of the frame: cheaper than a branch.
            rangeAddresses[ranges + n] = data + FrameBatch.SNAPSHOT;
            rangeLengths[ranges + n] = length - FrameBatch.SNAPSHOT;
            firstRanges[base + n] = ranges + n;
            rangeCounts[base + n] = length > FrameBatch.SNAPSHOT ? 1 : 0;
        }
        frames.count = base + n;
        frames.ranges = ranges + n;
        return n;
    }

    /**
     * Whether what the guest sends is dropped.
     *
     * @param linked whether the card's cable is plugged in
     */
    boolean idle(boolean linked) {
        return disabled || !linked && !stopped;
    }

    /**
     * Completes what the guest sends, unsent; at most as much as the queue holds.
     *
     * @return whether there may be more
     */
    boolean drain() {
        release();
        for (int done = 0; done < queue.size(); ) {
            int popped = queue.pop(chains, FrameBatch.CAPACITY);
            if (popped == 0) {
                return false;
            }
            done += popped;
            statistics.add(NetStatistics.TX_DISABLED, popped);
            release();
        }
        return true;
    }

    /** Completes the chains popped that are not completed yet. */
    void release() {
        int count = chains.count;
        if (count == queue.inFlight()) {
            queue.push(chains.head, nothingWritten, count);
        } else {
            for (int i = 0; i < count; i++) {
                int head = chains.head[i];
                if (queue.inFlight(head)) {
                    queue.push(head, 0);
                }
            }
        }
        chains.clear();
        if (coalescing == null) {
            queue.flush();
        } else {
            coalescing.flush(count);
        }
    }

    /** Completes what is left and publishes it at once. */
    void stop() {
        stopped = true;
        release();
        if (coalescing != null) {
            coalescing.publish();
        }
    }

    private void take(FrameBatch frames, int i) {
        long bytes = chains.readableBytes[i] - headerSize;
        if (bytes < NetFeatures.ETHERNET_HEADER || bytes > FrameBatch.LENGTH_MAX) {
            return;
        }
        int length = (int) bytes;
        int first = chains.firstReadable[i];
        int snapshot = Math.min(length, FrameBatch.SNAPSHOT);
        long header = chains.rangeAddress[first];
        long data = header + headerSize;
        int inFirst = chains.rangeLength[first] - headerSize;
        if (inFirst == 0) {
            first++;
            data = chains.rangeAddress[first];
            inFirst = chains.rangeLength[first];
        }
        if (inFirst < snapshot) {
            gather(frames, i, length, snapshot);
            return;
        }
        int at = frames.count;
        long left = NativeMemory.getLong(header);
        if (!offload(frames, at, left, length, header + CHECKSUM_OFFSET)) {
            return;
        }
        snapshot(data, frames.header(at), snapshot);
        range = first;
        offset = (int) (data - chains.rangeAddress[first]) + snapshot;
        add(frames, at, length, snapshot, chains.firstReadable[i] + chains.readableRanges[i]);
    }

    /** A frame whose first bytes are scattered. */
    private void gather(FrameBatch frames, int i, int length, int snapshot) {
        int at = frames.count;
        range = chains.firstReadable[i];
        offset = 0;
        long scratch = frames.header(at) + FrameBatch.HEADER_MAX - SCRATCH;
        copy(scratch, headerSize);
        long left = NativeMemory.getLong(scratch);
        if (offload(frames, at, left, length, scratch + CHECKSUM_OFFSET)) {
            copy(frames.header(at), snapshot);
            add(frames, at, length, snapshot, chains.firstReadable[i] + chains.readableRanges[i]);
        }
    }

    private void copy(long destination, int count) {
        int done = 0;
        while (done < count) {
            if (offset == chains.rangeLength[range]) {
                range++;
                offset = 0;
            }
            int piece = Math.min(count - done, chains.rangeLength[range] - offset);
            NativeMemory.copy(chains.rangeAddress[range] + offset, destination + done, piece);
            offset += piece;
            done += piece;
        }
    }

    private boolean offload(FrameBatch frames, int at, long left, int length, long field) {
        if (Offload.isPlain(left)) {
            frames.offload[at] = 0;
            return true;
        }
        short checksumOffset = NativeMemory.getShort(field);
        long checked =
                NetFeatures.check(features, left, Short.toUnsignedInt(checksumOffset), length);
        frames.offload[at] = checked;
        frames.checksumOffset[at] = checksumOffset;
        return checked != -1;
    }

    private void add(FrameBatch frames, int at, int length, int snapshot, int end) {
        frames.length[at] = length;
        frames.headerLength[at] = snapshot;
        int target = frames.ranges;
        frames.firstRange[at] = target;
        if (length > snapshot) {
            frames.reserveRanges(end - range);
            int left = chains.rangeLength[range] - offset;
            if (left > 0) {
                frames.rangeAddress[target] = chains.rangeAddress[range] + offset;
                frames.rangeLength[target++] = left;
            }
            for (int r = range + 1; r < end; r++) {
                frames.rangeAddress[target] = chains.rangeAddress[r];
                frames.rangeLength[target++] = chains.rangeLength[r];
            }
        }
        frames.rangeCount[at] = target - frames.ranges;
        frames.ranges = target;
        frames.count = at + 1;
    }

    private static void snapshot(long source, long destination, int length) {
        if (length == FrameBatch.SNAPSHOT) {
            NativeMemory.copy64(source, destination);
        } else {
            NativeMemory.copy(source, destination, length);
        }
    }
}
