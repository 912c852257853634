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

    /** Of whose requests it is one. */
    interface Owner {
        /** Has its channel polled soon. */
        void wake();

        /** Whether what is granted can go on at once. */
        default boolean hasRoom() {
            return true;
        }
    }

    final VdiskQos vdisk;

    /** What is reserved for whoever sends them; null: nothing. */
    final @Nullable Commitment commitment;

    final Owner owner;

    private @Nullable BlockRequest[] ring = new @Nullable BlockRequest[16];

    /** When each came, and once it is granted when it was. */
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

    Flow(VdiskQos vdisk, @Nullable Commitment commitment, Owner owner) {
        this.vdisk = vdisk;
        this.commitment = commitment;
        this.owner = owner;
    }

    /** Requests that it holds. */
    int count() {
        return count;
    }

    /** Of these, how many may go on. */
    int granted() {
        return granted;
    }

    /** When the first one was granted, which was; by the clock of the channel. */
    long grantedAt() {
        return since[head];
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

    /** Adds one that may go on as soon as there is a place for it. */
    void addGranted(BlockRequest request, long now) {
        add(request, now);
        advance(count - 1);
        granted++;
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
        int at = (head + granted) & (ring.length - 1);
        long waited = now - since[at];
        if (waited > 0) {
            vdisk.waited(waited);
        }
        since[at] = now;
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
    boolean hurry(int requestTag) {
        for (int i = granted; i < count; i++) {
            if (at(i).tag() == requestTag) {
                advance(i);
                return true;
            }
        }
        return false;
    }

    /** Has one that was not granted be the {@link #next}. */
    private void advance(int index) {
        int mask = ring.length - 1;
        BlockRequest request = at(index);
        long came = since[(head + index) & mask];
        for (int at = index; at > granted; at--) {
            ring[(head + at) & mask] = ring[(head + at - 1) & mask];
            since[(head + at) & mask] = since[(head + at - 1) & mask];
        }
        ring[(head + granted) & mask] = request;
        since[(head + granted) & mask] = came;
    }

    /** Hands all of them to a flow of another lane, as if none was granted yet. */
    void moveTo(Flow other) {
        granted = 0;
        mergeInto(other);
    }

    /** Hands all of them to another flow of its lane, where those stay granted that are. */
    void mergeInto(Flow other) {
        for (int i = 0; i < count; i++) {
            long time = since[(head + i) & (ring.length - 1)];
            if (i < granted) {
                other.addGranted(at(i), time);
            } else {
                other.add(at(i), time);
            }
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
