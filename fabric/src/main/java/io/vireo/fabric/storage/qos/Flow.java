package io.vireo.fabric.storage.qos;

import io.vireo.block.BlockRequest;
import org.jspecify.annotations.Nullable;

/**
 * Requests of one channel that wait, in their order, and what its {@link Lane} knows of them. The
 * first {@link #granted} of them may go on. Belongs to the lane's reactor.
 */
final class Flow {
    /** Bytes of a request that count as one unit of the pool. */
    static final int UNIT_BYTES_SHIFT = 14;

    final VdiskQos vdisk;

    /** What is reserved for whoever sends them; null: nothing. */
    final @Nullable Commitment commitment;

    /** Has the channel polled soon. */
    final Runnable wake;

    private @Nullable BlockRequest[] ring = new @Nullable BlockRequest[16];
    private long[] since = new long[16];
    private int head;
    private int count;
    private int granted;

    /** Start-time fair queueing: grows by what was granted, divided by the shares. */
    long tag;

    /** Until when the reservation is used up, in ticks of the lane. */
    long reservedUntil;

    /** Place among those of the lane that wait; negative: does not. */
    int place = -1;

    Flow(VdiskQos vdisk, @Nullable Commitment commitment, Runnable wake) {
        this.vdisk = vdisk;
        this.commitment = commitment;
        this.wake = wake;
    }

    /** Requests that it holds. */
    int count() {
        return count;
    }

    /** Of these, how many may go on. */
    int granted() {
        return granted;
    }

    boolean waits() {
        return count > granted;
    }

    void add(BlockRequest request, long now) {
        if (count == ring.length) {
            grow();
        }
        int at = (head + count) & (ring.length - 1);
        ring[at] = request;
        since[at] = now;
        count++;
    }

    /** The first that was not granted yet; there is one. */
    BlockRequest next() {
        return at(granted);
    }

    /** A request is as many units as it has pieces of 16 KiB, at least one. */
    static long units(BlockRequest request) {
        long bytes = request.moved();
        return Math.max(1, (bytes + (1 << UNIT_BYTES_SHIFT) - 1) >> UNIT_BYTES_SHIFT);
    }

    /** Lets the next one go on. */
    void grant(long now) {
        long waited = now - since[(head + granted) & (ring.length - 1)];
        if (waited > 0) {
            vdisk.waited(waited);
        }
        granted++;
    }

    /** Takes the first one, which was granted. */
    BlockRequest take() {
        BlockRequest request = at(0);
        ring[head] = null;
        head = (head + 1) & (ring.length - 1);
        count--;
        granted--;
        return request;
    }

    /** Takes out the request with this tag, if it is here. */
    @Nullable BlockRequest remove(int requestTag) {
        for (int i = 0; i < count; i++) {
            BlockRequest request = at(i);
            if (request.tag() == requestTag) {
                close(i);
                return request;
            }
        }
        return null;
    }

    /** Has the request with this tag be the {@link #next}, if it is here and was not granted. */
    boolean advance(int requestTag) {
        int mask = ring.length - 1;
        for (int i = granted; i < count; i++) {
            BlockRequest request = at(i);
            if (request.tag() == requestTag) {
                long came = since[(head + i) & mask];
                for (int at = i; at > granted; at--) {
                    ring[(head + at) & mask] = ring[(head + at - 1) & mask];
                    since[(head + at) & mask] = since[(head + at - 1) & mask];
                }
                ring[(head + granted) & mask] = request;
                since[(head + granted) & mask] = came;
                return true;
            }
        }
        return false;
    }

    /** Hands all of them to another flow, as if none was granted yet. */
    void moveTo(Flow other) {
        for (int i = 0; i < count; i++) {
            other.add(at(i), since[(head + i) & (ring.length - 1)]);
        }
        for (int i = 0; i < count; i++) {
            ring[(head + i) & (ring.length - 1)] = null;
        }
        count = 0;
        granted = 0;
    }

    private void close(int gap) {
        int mask = ring.length - 1;
        for (int i = gap; i + 1 < count; i++) {
            ring[(head + i) & mask] = ring[(head + i + 1) & mask];
            since[(head + i) & mask] = since[(head + i + 1) & mask];
        }
        count--;
        ring[(head + count) & mask] = null;
        if (gap < granted) {
            granted--;
        }
    }

    private BlockRequest at(int index) {
        BlockRequest request = ring[(head + index) & (ring.length - 1)];
        if (request == null) {
            throw new IllegalStateException("no request " + index + " of " + count);
        }
        return request;
    }

    private void grow() {
        @Nullable BlockRequest[] larger = new @Nullable BlockRequest[ring.length * 2];
        long[] times = new long[larger.length];
        for (int i = 0; i < count; i++) {
            larger[i] = ring[(head + i) & (ring.length - 1)];
            times[i] = since[(head + i) & (ring.length - 1)];
        }
        ring = larger;
        since = times;
        head = 0;
    }
}
