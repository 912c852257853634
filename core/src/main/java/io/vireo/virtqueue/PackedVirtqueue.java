package io.vireo.virtqueue;

import static io.vireo.virtqueue.PackedRing.AVAILABILITY;
import static io.vireo.virtqueue.PackedRing.F_INDIRECT;
import static io.vireo.virtqueue.PackedRing.F_NEXT;
import static io.vireo.virtqueue.PackedRing.F_WRITE;
import static io.vireo.virtqueue.PackedRing.REST;

import io.vireo.linux.ForeignMemory;
import io.vireo.memory.GuestMemory;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * A packed virtqueue (VIRTIO 1.3, 2.8).
 *
 * <p>The driver writes its ring at any time. So each descriptor is read once, into locals, and
 * checked there. Own state tells the driver's mistakes: {@link #heads} which buffer ids are in
 * flight, {@link #outstanding} how much of the ring is ours.
 *
 * <p>What was pushed is kept in {@link #pending} until {@link #flush}, which writes it to the ring,
 * its first descriptor last: the driver looks at that one only, and finds all or nothing.
 */
final class PackedVirtqueue extends Virtqueue {
    /** What a descriptor that is a chain of its own does not have. */
    private static final long NOT_PLAIN = F_NEXT | F_INDIRECT | ChainDecoder.LONG_LENGTH;

    private final int size;
    private final boolean eventIndex;
    private final boolean inOrder;
    private final VirtqueueConfig.RingAddresses userAddresses;
    private final @Nullable PackedInflightRegion inflight;
    private final PackedChainDecoder decoder;
    private final int recovered;

    private Rings rings;

    /** Position of the next chain, and the wrap counter there. */
    private int next;

    private int wrap;

    /** Position of the next used descriptor that the driver sees, and the wrap counter there. */
    private int used;

    private int usedWrap;

    /** Descriptors between the two. */
    private int outstanding;

    /**
     * By buffer id: 0, or what is in flight with it: twice the generation of the region table that
     * it refers to, and 1 if it has a device-writable part.
     */
    private final int[] heads;

    /** By buffer id: descriptors of the chain in flight. */
    private final char[] counts;

    /** By position of a chain's last descriptor: its buffer id. */
    private final char[] popped;

    /** Used descriptors that the driver does not see yet, without the bits that make them used. */
    private final long[] pending;

    private int pendingCount;

    /** Where the last chain's is among them. */
    private int pendingLast;

    /** Whether none of the pending chains has a device-writable part. */
    private boolean pendingReadable = true;

    /** Descriptors that became visible since we last thought of notifying the driver. */
    private int unsignalled;

    /** What is written is marked there; nearly always nowhere. */
    private @Nullable PackedLog log;

    private GuestMemory memory;
    private int generation = 1;
    private int inFlight;
    private int stale;
    private boolean halted;
    private boolean stopped;

    PackedVirtqueue(VirtqueueConfig config) throws VirtqueueException {
        super(config);
        size = config.size();
        eventIndex = (config.features() & EVENT_IDX) != 0;
        inOrder = (config.features() & IN_ORDER) != 0;
        userAddresses = config.addresses();
        memory = config.memory();
        int from = PackedRing.position(config.base());
        if (from >= size) {
            throw new VirtqueueException(
                    "descriptor " + from + " to go on from, the queue has " + size);
        }
        heads = new int[size];
        counts = new char[size];
        popped = new char[size];
        pending = new long[size];
        boolean indirect = (config.features() & INDIRECT_DESC) != 0;
        decoder = readBy(new PackedChainDecoder(size, indirect, config.memory()));
        rings = Rings.packed(userAddresses, size, config.memory());
        inflight = region(config);
        // In order, a batch has one used descriptor: the ring does not tell where it ends.
        int base =
                inOrder
                        ? config.base()
                        : PackedRing.locate(rings.descriptors(), size, config.base());
        if (inflight == null) {
            recovered = 0;
            next = PackedRing.position(base);
            wrap = PackedRing.wrap(base);
        } else {
            inflight.checkEntries(size);
            recovered = inflight.recover(rings.descriptors(), size, base);
            next = inflight.used();
            wrap = inflight.wrap();
        }
        used = next;
        usedWrap = wrap;
        disarm();
    }

    private static @Nullable PackedInflightRegion region(VirtqueueConfig config)
            throws VirtqueueException {
        return switch (config.inflight().orElse(null)) {
            case null -> null;
            case PackedInflightRegion packed -> packed;
            case SplitInflightRegion _ ->
                    throw new VirtqueueException("in-flight region for split queues");
        };
    }

    @Override
    int popChains(ChainBatch batch, int max) {
        if (batch.rangeLength.length < ChainBatch.rangesFor(size)) {
            throw new IllegalArgumentException("batch for smaller queues than " + size);
        }
        int wanted = Math.min(max, batch.capacity() - batch.count);
        int taken = 0;
        while (taken < wanted && !halted && take(batch)) {
            taken++;
        }
        return taken;
    }

    /** Appends the next chain; false if there is none, the queue broke or the batch is full. */
    private boolean take(ChainBatch batch) {
        int room = size - outstanding;
        if (room == 0) {
            return false;
        }
        long descriptor = PackedRing.descriptor(rings.descriptors(), next);
        // Acquire: nothing else of a chain is read before the flags that make it available.
        long rest = ForeignMemory.getLongAcquire(descriptor + REST);
        if ((rest & AVAILABILITY) != PackedRing.available(wrap)) {
            return false;
        }
        long address = ForeignMemory.getLong(descriptor);
        if (!decoder.chain(batch, rings.descriptors(), next, wrap, room, address, rest)) {
            return decoder.cause().isEmpty() ? false : malformed(decoder.cause());
        }
        return commit(batch, decoder.id(), decoder.count());
    }

    /** Makes the chain behind the last one of the batch part of it, unless its id is in use. */
    private boolean commit(ChainBatch batch, int id, int count) {
        if (id >= size || heads[id] != 0) {
            return refuse(id);
        }
        if (inflight != null) {
            if (inflight.knows(id)) {
                return refuse(id);
            }
            inflight.popped(id, rings.descriptors(), next, size, count);
        }
        if (log != null) {
            log.popped(id, batch);
        }
        // One step: no access to the guest's memory and no call below this line.
        int at = batch.count;
        batch.head[at] = id;
        batch.ranges = batch.firstWritable[at] + batch.writableRanges[at];
        int last = next + count - 1;
        popped[last < size ? last : last - size] = (char) id;
        counts[id] = (char) count;
        heads[id] = generation << 1 | (batch.writableRanges[at] > 0 ? 1 : 0);
        inFlight++;
        advance(count);
        batch.count = at + 1;
        return true;
    }

    private void advance(int count) {
        outstanding += count;
        next += count;
        if (next >= size) {
            next -= size;
            wrap ^= 1;
        }
    }

    @Override
    int popPlainChains(ChainBatch batch, int max, boolean writable) {
        batch.clear();
        if (halted || inflight != null || log != null) {
            return 0;
        }
        int wanted = Math.min(max, Math.min(batch.capacity(), batch.rangeLength.length));
        return takePlain(batch, Math.min(wanted, size - outstanding), writable);
    }

    private int takePlain(ChainBatch batch, int count, boolean writable) {
        // All in locals: with fields, every store to an array would make the compiler read them
        // again.
        int[] marks = heads;
        char[] order = popped;
        char[] lengthsInRing = counts;
        int[] batchHeads = batch.head;
        long[] addresses = batch.rangeAddress;
        int[] lengths = batch.rangeLength;
        long ring = rings.descriptors();
        long start = decoder.regionStart();
        long regionSize = decoder.regionSize();
        long host = decoder.regionHost();
        // Available, and plain, in one comparison.
        long expected = PackedRing.available(wrap) | (writable ? F_WRITE : 0);
        int mark = generation << 1 | (writable ? 1 : 0);
        int position = next;
        int taken = 0;
        try {
            for (; taken < count; taken++) {
                long descriptor = PackedRing.descriptor(ring, position);
                // Acquire: the address is not read before the flags that make it available.
                long rest = ForeignMemory.getLongAcquire(descriptor + REST);
                if ((rest & (AVAILABILITY | NOT_PLAIN | F_WRITE)) != expected) {
                    break;
                }
                long address = ForeignMemory.getLong(descriptor);
                long length = rest & ChainDecoder.LENGTH;
                long offset = address - start;
                if (length == 0 || offset < 0 || offset > regionSize - length) {
                    break;
                }
                int id = (int) (rest >>> PackedRing.ID) & 0xFFFF;
                if (id >= marks.length || marks[id] != 0) {
                    refuse(id);
                    break;
                }
                addresses[taken] = host + offset;
                lengths[taken] = (int) length;
                batchHeads[taken] = id;
                order[position] = (char) id;
                lengthsInRing[id] = 1;
                marks[id] = mark;
                if (++position == order.length) {
                    position = 0;
                    expected ^= AVAILABILITY;
                }
            }
        } finally {
            // Also where guest memory went away meanwhile: what is marked is in flight.
            advance(taken);
            inFlight += taken;
            batch.count = taken;
            batch.ranges = taken;
        }
        return taken;
    }

    /** The driver made available what it must not. */
    private boolean refuse(int id) {
        return malformed(
                "buffer id "
                        + id
                        + (id >= size
                                ? ", the queue has " + size + " entries"
                                : " was made available twice"));
    }

    private boolean malformed(String cause) {
        fail(cause);
        return false;
    }

    @Override
    public void rewind(int count) {
        if (count < 0 || count > inFlight) {
            throw new IllegalStateException("rewind of " + count + ", in flight " + inFlight);
        }
        int position = next;
        for (int i = 0; i < count; i++) {
            int id = lastBefore(position);
            if (heads[id] == 0) {
                throw new IllegalStateException("rewind of a chain that was pushed");
            }
            position -= counts[id];
            position = position < 0 ? position + size : position;
        }
        for (int i = 0; i < count; i++) {
            int id = lastBefore(next);
            if (inflight != null && !stopped) {
                inflight.rewound(id);
            }
            leave(id);
            outstanding -= counts[id];
            next -= counts[id];
            if (next < 0) {
                next += size;
                wrap ^= 1;
            }
        }
    }

    @Override
    public int last() {
        int id = lastBefore(next);
        return inFlight > 0 && heads[id] != 0 ? id : -1;
    }

    /** Buffer id of the chain that ends before a position. */
    private int lastBefore(int position) {
        return popped[position == 0 ? size - 1 : position - 1];
    }

    private void leave(int id) {
        if (heads[id] >>> 1 != generation) {
            stale--;
        }
        heads[id] = 0;
        inFlight--;
    }

    @Override
    public void push(int head, int written) {
        if (head < 0 || head >= size || heads[head] == 0) {
            throw new IllegalArgumentException("buffer id " + head + " is not in flight");
        }
        if (!stopped) {
            if (log != null) {
                log.pushed(head, written);
            }
            if (inflight != null) {
                inflight.pushed(head);
            }
            pend(head, written);
        }
        leave(head);
    }

    private void pend(int id, int written) {
        int at = pendingCount;
        int end = at + counts[id];
        pending[at] = usedDescriptor(id, written);
        // The others of a chain are skipped by the driver, and tell us where we were.
        for (int i = at + 1; i < end; i++) {
            pending[i] = 0;
        }
        pendingLast = at;
        pendingReadable &= (heads[id] & 1) == 0;
        pendingCount = end;
    }

    /** VIRTIO 1.3, 2.8.3 and 2.8.4: the write flag says that a length is there. */
    private static long usedDescriptor(int id, int written) {
        return (written & ChainDecoder.LENGTH)
                | (long) id << PackedRing.ID
                | (written == 0 ? 0 : F_WRITE);
    }

    @Override
    public void push(int[] chains, int[] written, int count) {
        if (stopped || inflight != null || stale > 0 || log != null) {
            for (int i = 0; i < count; i++) {
                push(chains[i], written[i]);
            }
            return;
        }
        int[] marks = heads;
        char[] lengthsInRing = counts;
        long[] target = pending;
        int at = pendingCount;
        int writable = 0;
        int done = 0;
        for (; done < count; done++) {
            int id = chains[done];
            int mark = marks[id];
            if (mark == 0 || lengthsInRing[id] != 1) {
                break;
            }
            target[at + done] = usedDescriptor(id, written[done]);
            writable |= mark & 1;
            marks[id] = 0;
        }
        if (done > 0) {
            pendingCount = at + done;
            pendingLast = at + done - 1;
            pendingReadable &= writable == 0;
            inFlight -= done;
        }
        for (int i = done; i < count; i++) {
            push(chains[i], written[i]);
        }
    }

    @Override
    public void publish() {
        if (pendingCount > 0 && !stopped) {
            commit();
        }
        if (unsignalled > 0 && inflight != null && !stopped) {
            inflight.published();
        }
    }

    @Override
    public void signal() {
        if (unsignalled > 0 && !stopped) {
            int wish = ForeignMemory.getInt(rings.available());
            boolean wanted =
                    PackedEvents.wanted(wish, eventIndex, used, usedWrap, size, unsignalled);
            unsignalled = 0;
            if (wanted) {
                notifier.notifyDriver();
            }
        }
    }

    private void commit() {
        int count = pendingCount;
        int end = used + count;
        int endWrap = usedWrap;
        if (end >= size) {
            end -= size;
            endWrap ^= 1;
        }
        if (inflight != null) {
            inflight.committing(end, endWrap);
        }
        if (log != null) {
            log.marked();
        }
        int first = 0;
        if (inOrder && pendingReadable) {
            // One for the batch, with the id of its last chain (2.8.8). The driver takes the others
            // for used completely, which is what they are: there is nothing to write in them.
            first = pendingLast;
        } else {
            writeRest(count);
        }
        // Release: the others, and what the device wrote to buffers, are there before this one.
        ForeignMemory.putLongRelease(
                PackedRing.rest(rings.descriptors(), used),
                pending[first] | PackedRing.used(usedWrap));
        int start = used;
        used = end;
        usedWrap = endWrap;
        outstanding -= count;
        unsignalled += count;
        pendingCount = 0;
        pendingReadable = true;
        if (log != null) {
            log.markRing(start, count);
        }
    }

    /** Writes all pending descriptors but the first. */
    private void writeRest(int count) {
        long[] source = pending;
        long ring = rings.descriptors();
        int position = used;
        int entries = size;
        long bits = PackedRing.used(usedWrap);
        for (int i = 1; i < count; i++) {
            if (++position == entries) {
                position = 0;
                bits ^= AVAILABILITY;
            }
            ForeignMemory.putLong(PackedRing.rest(ring, position), source[i] | bits);
        }
    }

    @Override
    public boolean hasAvailable() {
        if (halted || outstanding == size) {
            return false;
        }
        long rest = ForeignMemory.getLongAcquire(PackedRing.rest(rings.descriptors(), next));
        return (rest & AVAILABILITY) == PackedRing.available(wrap);
    }

    @Override
    public boolean arm() {
        if (halted) {
            return true;
        }
        ForeignMemory.putInt(
                rings.used(), eventIndex ? PackedEvents.at(next, wrap) : PackedEvents.ALL);
        if (log != null) {
            log.markEvents();
        }
        // Full: our wish is visible before we look for the last time; the driver does the inverse.
        ForeignMemory.fullFence();
        if (hasAvailable()) {
            disarm();
            return false;
        }
        return true;
    }

    @Override
    public void disarm() {
        if (!halted) {
            ForeignMemory.putInt(rings.used(), PackedEvents.NONE);
            if (log != null) {
                log.markEvents();
            }
        }
    }

    @Override
    public int inFlight() {
        return inFlight;
    }

    @Override
    public boolean inFlight(int head) {
        return head >= 0 && head < size && heads[head] != 0;
    }

    @Override
    public int recovered() {
        return recovered;
    }

    /** Those that come first are available in the ring as all others are. */
    @Override
    public int recoveredLeft() {
        return 0;
    }

    @Override
    public int owed() {
        return 0;
    }

    @Override
    public void memory(GuestMemory table) throws VirtqueueException {
        rings = Rings.packed(userAddresses, size, table);
        decoder.memory(table);
        memory = table;
        if (log != null) {
            log.memory(table);
        }
        generation++;
        stale = inFlight;
    }

    @Override
    public void log(Optional<DirtyLog> to, OptionalLong usedRing) {
        if (to.isEmpty()) {
            log = null;
        } else if (log != null) {
            log.to(to.get(), usedRing);
        } else {
            log = new PackedLog(size, userAddresses.descriptors(), memory, to.get(), usedRing);
            log.begin();
        }
    }

    @Override
    public int staleInFlight() {
        return stale;
    }

    @Override
    public int base() {
        return PackedRing.base(next, wrap) | PackedRing.base(used, usedWrap) << Short.SIZE;
    }

    @Override
    public int stop() {
        stopped = true;
        halted = true;
        decoder.close();
        return base();
    }

    @Override
    void halt() {
        halted = true;
    }
}
