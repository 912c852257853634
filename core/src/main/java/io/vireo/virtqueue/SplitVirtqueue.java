package io.vireo.virtqueue;

import io.vireo.linux.ForeignMemory;
import io.vireo.memory.GuestMemory;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * A split virtqueue (VIRTIO 1.3, 2.7).
 *
 * <p>The driver writes its rings at any time. So each field of them is read once, into a local, and
 * checked there. Own state tells the driver's mistakes: {@link #heads} which chains are in flight,
 * {@link #next} and {@link #shadow} what was available when we looked last.
 */
final class SplitVirtqueue extends Virtqueue {
    // struct virtq_avail, struct virtq_used
    private static final int INDEX = 2;
    private static final int NO_INTERRUPT = 1;
    private static final short NO_NOTIFY = 1;
    private static final int USED_SHIFT = 3;

    private final int size;
    private final int mask;
    private final boolean eventIndex;
    private final VirtqueueConfig.RingAddresses userAddresses;
    private final @Nullable SplitInflightRegion inflight;
    private final SplitChainDecoder decoder;

    private Rings rings;
    private long available;
    private long used;

    // Free-running 16-bit indices.
    private int next;
    private int shadow;
    private int usedIndex;
    private int published;
    private int signalled;

    /** 0, or the generation of the region table that the in-flight chain of this head refers to. */
    private final int[] heads;

    /** Head at each position of the available ring that was popped. */
    private final char[] popped;

    private final RecoveredChains recovered;

    private int generation = 1;
    private int inFlight;
    private int stale;
    private boolean singlesExpected = true;
    private boolean halted;
    private boolean stopped;

    /** Where what is written is marked; nearly always nowhere. */
    private @Nullable DirtyLog log;

    private OptionalLong loggedRing = OptionalLong.empty();

    SplitVirtqueue(VirtqueueConfig config) throws VirtqueueException {
        super(config);
        if (config.base() < 0 || config.base() > 0xFFFF) {
            throw new VirtqueueException(
                    "available index " + config.base() + " does not fit 16 bits");
        }
        size = config.size();
        mask = size - 1;
        eventIndex = (config.features() & EVENT_IDX) != 0;
        userAddresses = config.addresses();
        heads = new int[size];
        popped = new char[size];
        boolean indirect = (config.features() & INDIRECT_DESC) != 0;
        decoder = readBy(new SplitChainDecoder(size, indirect, config.memory()));
        rings = Rings.split(userAddresses, size, eventIndex, config.memory());
        available = rings.available();
        used = rings.used();
        inflight = region(config);
        usedIndex = ForeignMemory.getShort(used + INDEX) & 0xFFFF;
        published = usedIndex;
        signalled = usedIndex;
        int[] left = inflight == null ? new int[0] : inflight.recover(usedIndex, size);
        next = inflight == null ? config.base() : usedIndex;
        // Whoever fetches from the available ring marks the head in flight, so what is in flight
        // lies between the used index and the place to go on from.
        recovered = new RecoveredChains(left, next, available + Rings.HEADER, size);
        shadow = recovered.end();
        disarm();
    }

    private static @Nullable SplitInflightRegion region(VirtqueueConfig config)
            throws VirtqueueException {
        return switch (config.inflight().orElse(null)) {
            case null -> null;
            case SplitInflightRegion split -> split;
            case PackedInflightRegion _ ->
                    throw new VirtqueueException("in-flight region for packed queues");
        };
    }

    @Override
    int popChains(ChainBatch batch, int max) {
        if (batch.rangeLength.length < ChainBatch.rangesFor(size)) {
            throw new IllegalArgumentException("batch for smaller queues than " + size);
        }
        int wanted = Math.min(max, batch.capacity() - batch.count);
        int taken = 0;
        while (recovered.left() > 0 && taken < wanted) {
            if (halted || !take(batch, recovered.head())) {
                return taken;
            }
            recovered.popped();
            taken++;
        }
        wanted -= taken;
        int ready = (shadow - next) & 0xFFFF;
        if (ready < wanted) {
            ready = refresh(ready);
        }
        if (halted) {
            return taken;
        }
        return taken + popAvailable(batch, Math.min(wanted, ready));
    }

    /** Appends chains of the available ring; {@code count} are available and fit the batch. */
    private int popAvailable(ChainBatch batch, int count) {
        int taken = 0;
        while (taken < count) {
            if (singlesExpected) {
                int singles = decoder.singles(batch, rings, next, count - taken);
                int committed = commitSingles(batch, singles);
                taken += committed;
                if (committed < singles || taken == count) {
                    return taken;
                }
            }
            long entry = rings.available() + Rings.HEADER + ((long) (next & mask) << 1);
            int ranges = batch.ranges;
            if (!take(batch, ForeignMemory.getShort(entry) & 0xFFFF)) {
                return taken;
            }
            singlesExpected = batch.ranges - ranges == 1;
            taken++;
        }
        return taken;
    }

    @Override
    int popPlainChains(ChainBatch batch, int max, boolean writable) {
        batch.clear();
        if (inflight != null) {
            return 0;
        }
        int wanted = Math.min(max, Math.min(batch.capacity(), batch.rangeLength.length));
        int ready = (shadow - next) & 0xFFFF;
        if (ready < wanted) {
            ready = refresh(ready);
        }
        return halted ? 0 : takePlain(batch, Math.min(wanted, ready), writable);
    }

    private int takePlain(ChainBatch batch, int count, boolean writable) {
        // All in locals: with fields, every store to an array would make the compiler read them
        // again.
        int[] marks = heads;
        char[] order = popped;
        int[] batchHeads = batch.head;
        long[] addresses = batch.rangeAddress;
        int[] lengths = batch.rangeLength;
        long ring = rings.available() + Rings.HEADER;
        long table = rings.descriptors();
        long start = decoder.regionStart();
        long regionSize = decoder.regionSize();
        long host = decoder.regionHost();
        long direction = writable ? SplitChainDecoder.F_WRITE : 0;
        int mark = generation;
        int first = next;
        int taken = 0;
        try {
            for (; taken < count; taken++) {
                int position = (first + taken) & (order.length - 1);
                int head = ForeignMemory.getShort(ring + ((long) position << 1)) & 0xFFFF;
                if (head >= marks.length || marks[head] != 0) {
                    refuse(head);
                    break;
                }
                long descriptor = table + ((long) head << ChainDecoder.DESCRIPTOR_SHIFT);
                long address = ForeignMemory.getLong(descriptor);
                long rest = ForeignMemory.getLong(descriptor + ChainDecoder.REST);
                long length = rest & ChainDecoder.LENGTH;
                long offset = address - start;
                if (!SplitChainDecoder.isPlain(rest, direction)
                        || length == 0
                        || offset < 0
                        || offset > regionSize - length) {
                    break;
                }
                addresses[taken] = host + offset;
                lengths[taken] = (int) length;
                batchHeads[taken] = head;
                order[position] = (char) head;
                marks[head] = mark;
            }
        } finally {
            // Also where guest memory went away meanwhile: what is marked is in flight.
            next = (first + taken) & 0xFFFF;
            inFlight += taken;
            batch.count = taken;
            batch.ranges = taken;
        }
        return taken;
    }

    /** The driver made available what it must not. */
    private void refuse(int head) {
        malformed(
                "descriptor "
                        + head
                        + (head >= size ? " does not exist" : " was made available twice"));
    }

    /** Looks how far the driver is; {@code known} chains were available when we looked last. */
    private int refresh(int known) {
        if (halted) {
            return 0;
        }
        // Acquire: ring entries and descriptors are not read before the index that covers them.
        int index = ForeignMemory.getShortAcquire(available + INDEX) & 0xFFFF;
        int ready = (index - next) & 0xFFFF;
        if (ready > size || ready < known) {
            fail(
                    "available index went from "
                            + shadow
                            + " to "
                            + index
                            + ", the queue has "
                            + size
                            + " entries");
            return 0;
        }
        shadow = index;
        recovered.forget(next, size);
        return ready;
    }

    /** Appends the chain at {@code head}; false if the queue broke or the batch is full. */
    private boolean take(ChainBatch batch, int head) {
        if (head >= size) {
            return malformed("descriptor " + head + " does not exist");
        }
        long descriptor = rings.descriptors() + ((long) head << ChainDecoder.DESCRIPTOR_SHIFT);
        long address = ForeignMemory.getLong(descriptor);
        long rest = ForeignMemory.getLong(descriptor + ChainDecoder.REST);
        if (!decoder.chain(batch, rings.descriptors(), address, rest)) {
            return decoder.cause().isEmpty() ? false : malformed(decoder.cause());
        }
        return commit(batch, head);
    }

    /** Makes the chain behind the last one of the batch part of it, unless it is there already. */
    private boolean commit(ChainBatch batch, int head) {
        if (heads[head] != 0) {
            return malformed("descriptor " + head + " was made available twice");
        }
        // A recovered one is in the record as it was, and keeps its place in the order.
        if (inflight != null && recovered.left() == 0) {
            inflight.popped(head);
        }
        // One step: no access to the guest's memory and no call below this line.
        int at = batch.count;
        batch.head[at] = head;
        batch.ranges = batch.firstWritable[at] + batch.writableRanges[at];
        popped[next & mask] = (char) head;
        heads[head] = generation;
        inFlight++;
        next = (next + 1) & 0xFFFF;
        batch.count = at + 1;
        return true;
    }

    /** As {@link #commit} for {@code count} chains of one range each; returns how many it took. */
    private int commitSingles(ChainBatch batch, int count) {
        int[] states = heads;
        char[] order = popped;
        int[] names = batch.head;
        int first = batch.count;
        int position = next;
        int state = generation;
        int done = 0;
        try {
            while (done < count) {
                int head = names[first + done];
                if (states[head] != 0) {
                    break;
                }
                if (inflight != null) {
                    inflight.popped(head);
                }
                states[head] = state;
                order[(position + done) & mask] = (char) head;
                done++;
            }
        } catch (InternalError e) {
            // A late one, or from the in-flight region: none of these was popped.
            for (int i = 0; i < done; i++) {
                states[names[first + i]] = 0;
            }
            throw e;
        }
        next = (position + done) & 0xFFFF;
        inFlight += done;
        batch.ranges += done;
        batch.count = first + done;
        if (done < count) {
            fail("descriptor " + names[first + done] + " was made available twice");
        }
        return done;
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
        for (int i = 1; i <= count; i++) {
            if (heads[popped[(next - i) & mask]] == 0) {
                throw new IllegalStateException("rewind of a chain that was pushed");
            }
        }
        for (int i = 0; i < count; i++) {
            int previous = (next - 1) & 0xFFFF;
            int head = popped[previous & mask];
            // A recovered chain stays marked: it is not taken from the available ring again.
            if (recovered.has(previous)) {
                recovered.rewound();
            } else if (inflight != null && !stopped) {
                inflight.rewound(head);
            }
            leave(head);
            next = previous;
        }
    }

    @Override
    public int last() {
        int head = popped[(next - 1) & mask];
        boolean taken = inFlight > 0 && heads[head] != 0;
        return taken && (!recovered.has(next - 1) || recovered.mayGoBack()) ? head : -1;
    }

    private void leave(int head) {
        if (heads[head] != generation) {
            stale--;
        }
        heads[head] = 0;
        inFlight--;
    }

    @Override
    public void push(int head, int written) {
        if (head < 0 || head >= size || heads[head] == 0) {
            throw new IllegalArgumentException("descriptor " + head + " is not in flight");
        }
        if (!stopped) {
            if (log != null) {
                decoder.mark(log, rings.descriptors(), head, written);
            }
            if (inflight != null) {
                inflight.pushed(head);
            }
            long element = used + Rings.HEADER + ((long) (usedIndex & mask) << USED_SHIFT);
            ForeignMemory.putLong(element, head | (long) written << Integer.SIZE);
            usedIndex = (usedIndex + 1) & 0xFFFF;
        }
        leave(head);
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
        long elements = used + Rings.HEADER;
        int elementMask = mask;
        int first = usedIndex;
        int done = 0;
        try {
            for (; done < count; done++) {
                int head = chains[done];
                if (marks[head] == 0) {
                    throw new IllegalArgumentException("descriptor " + head + " is not in flight");
                }
                long element = elements + ((long) ((first + done) & elementMask) << USED_SHIFT);
                ForeignMemory.putLong(element, head | (long) written[done] << Integer.SIZE);
                marks[head] = 0;
            }
        } finally {
            usedIndex = (first + done) & 0xFFFF;
            inFlight -= done;
        }
    }

    @Override
    public void publish() {
        int now = usedIndex;
        if (published == now || stopped) {
            return;
        }
        // Release: elements, and what the device wrote to buffers, are there before the index.
        ForeignMemory.putShortRelease(used + INDEX, (short) now);
        if (inflight != null) {
            inflight.published(now);
        }
        if (log != null) {
            // A page that is marked before it is written may be copied without what is written.
            ForeignMemory.fullFence();
            markUsed(published, now);
        }
        published = now;
    }

    @Override
    public void signal() {
        int before = signalled;
        int now = published;
        if (before == now || stopped) {
            return;
        }
        boolean wanted = driverWantsNotification(before, now);
        signalled = now;
        if (wanted) {
            notifier.notifyDriver();
        }
    }

    /** VIRTIO 1.3, 2.7.7.2. */
    private boolean driverWantsNotification(int before, int now) {
        if (!eventIndex) {
            return (ForeignMemory.getShort(available) & NO_INTERRUPT) == 0;
        }
        int event = ForeignMemory.getShort(available + Rings.usedEvent(size));
        return ((now - event - 1) & 0xFFFF) < ((now - before) & 0xFFFF);
    }

    @Override
    public boolean hasAvailable() {
        return !halted
                && (recovered.left() > 0
                        || shadow != next
                        || (ForeignMemory.getShortAcquire(available + INDEX) & 0xFFFF) != next);
    }

    @Override
    public boolean arm() {
        if (halted) {
            return true;
        }
        if (recovered.left() > 0) {
            return false;
        }
        if (eventIndex) {
            ForeignMemory.putShort(used + Rings.availEvent(size), (short) next);
        } else {
            ForeignMemory.putShort(used, (short) 0);
        }
        if (log != null) {
            markRing(eventIndex ? Rings.availEvent(size) : 0, Short.BYTES);
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
        if (halted) {
            return;
        }
        // With event indices flags stay 0, and the driver passes the last avail_event only once.
        ForeignMemory.putShort(used, eventIndex ? 0 : NO_NOTIFY);
        if (log != null) {
            markRing(0, Short.BYTES);
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
        return recovered.count();
    }

    @Override
    public int recoveredLeft() {
        return recovered.left();
    }

    @Override
    public int owed() {
        return halted ? 0 : recovered.owed();
    }

    @Override
    public void memory(GuestMemory table) throws VirtqueueException {
        rings = Rings.split(userAddresses, size, eventIndex, table);
        available = rings.available();
        used = rings.used();
        decoder.memory(table);
        generation++;
        stale = inFlight;
    }

    @Override
    public void log(Optional<DirtyLog> to, OptionalLong usedRing) {
        log = to.orElse(null);
        loggedRing = usedRing;
        if (log != null) {
            markRing(0, Rings.availEvent(size) + Short.BYTES);
        }
    }

    /** Marks index and elements that {@link #publish} published. */
    private void markUsed(int before, int now) {
        int first = before & mask;
        int count = (now - before) & 0xFFFF;
        int end = Math.min(first + count, size);
        markRing(Rings.HEADER + (first << USED_SHIFT), (end - first) << USED_SHIFT);
        markRing(0, Rings.HEADER + ((first + count - end) << USED_SHIFT));
    }

    private void markRing(long offset, long length) {
        var to = log;
        if (to != null && loggedRing.isPresent()) {
            to.mark(loggedRing.getAsLong() + offset, length);
        }
    }

    @Override
    public int staleInFlight() {
        return stale;
    }

    @Override
    public int base() {
        return recovered.owed() > 0 ? recovered.end() : next;
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
