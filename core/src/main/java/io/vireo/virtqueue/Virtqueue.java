package io.vireo.virtqueue;

import io.vireo.linux.ForeignMemory;
import io.vireo.memory.GuestMemory;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A virtqueue that runs, the device's side (VIRTIO 1.3, 2.6), split or packed. Made by {@link
 * VirtqueueConfig#activate}. All methods are called on the reactor that owns the queue.
 *
 * <p>The rings and buffers lie in memory that the guest may truncate. Then any method may throw
 * {@link InternalError}, and a late one may arrive here although another guest's memory is to
 * blame. State changes in one step, after the last access to that memory, so that the queue stays
 * usable where its own memory is still there: a chain either is in the batch and in flight or was
 * not popped; {@link #inFlight(int)} says whether a {@link #push} was done; {@link #flush} may be
 * repeated.
 */
public abstract sealed class Virtqueue permits SplitVirtqueue, PackedVirtqueue {
    /** VIRTIO_F_INDIRECT_DESC: descriptors may refer to tables of descriptors. */
    public static final long INDIRECT_DESC = 1L << 28;

    /** VIRTIO_F_EVENT_IDX: used_event and avail_event suppress notifications. */
    public static final long EVENT_IDX = 1L << 29;

    /** VIRTIO_F_VERSION_1: no legacy interface. */
    public static final long VERSION_1 = 1L << 32;

    /** VIRTIO_F_RING_PACKED: the packed virtqueue layout. */
    public static final long RING_PACKED = 1L << 34;

    /** VIRTIO_F_IN_ORDER: buffers are used in the order in which they were made available. */
    public static final long IN_ORDER = 1L << 35;

    /** The features above that a queue of this implementation understands. */
    public static final long RING_FEATURES =
            INDIRECT_DESC | EVENT_IDX | VERSION_1 | RING_PACKED | IN_ORDER;

    final Notifier notifier;

    private final int index;
    private final int size;
    private final long features;
    private final FailureListener failures;
    private Runnable wake = () -> {};
    private boolean broken;

    // What was popped last, so that it can be looked at when memory failed.
    private LongSupplier turn = () -> 0;
    private long poppedIn = -1;
    private @Nullable ChainBatch popped;
    private Framing framing = Framing.ANY;
    private @Nullable ChainDecoder decoder;

    /** Chains in the batch, which its owner may clear; negative: what it says itself. */
    private int poppedChains;

    /** What is known of the chains of a batch without looking. */
    private enum Framing {
        ANY,
        ONE_READABLE,
        ONE_WRITABLE
    }

    /** Looks at a range of memory. */
    @FunctionalInterface
    public interface RangeTest {
        /**
         * Looks at one.
         *
         * @param address native
         * @param length in bytes
         * @param writable whether the device may have written to it
         * @return whether to go on with the next
         */
        boolean test(long address, long length, boolean writable);
    }

    Virtqueue(VirtqueueConfig config) {
        index = config.index();
        size = config.size();
        features = config.features();
        notifier = config.notifier();
        failures = config.failures();
    }

    /** Takes note of who reads the chains. */
    final <D extends ChainDecoder> D readBy(D reader) {
        decoder = reader;
        return reader;
    }

    /** Index of the queue in its device. */
    public final int index() {
        return index;
    }

    /** Entries of the queue. */
    public final int size() {
        return size;
    }

    /** All feature bits that were negotiated. */
    public final long features() {
        return features;
    }

    /**
     * Appends chains to {@code batch}, validated, in the order in which the driver made them
     * available. Takes fewer than there are where the batch is full.
     *
     * <p>A chain that breaks a rule breaks the queue: those before it are returned, the failure
     * listener is told, and every later call returns 0.
     *
     * @param max chains at most
     * @return how many were appended
     * @throws IllegalArgumentException if the batch was made for smaller queues and has too little
     *     room
     */
    public final int pop(ChainBatch batch, int max) {
        popping(batch, Framing.ANY);
        int taken = popChains(batch, max);
        poppedChains = batch.count;
        return taken;
    }

    abstract int popChains(ChainBatch batch, int max);

    /**
     * A faster {@link #pop} for drivers that give each buffer one descriptor: takes chains of one
     * descriptor of one direction, and stops before the first that is anything else. Fills {@code
     * batch} from its beginning, and of it only {@link ChainBatch#head}, {@link
     * ChainBatch#rangeAddress} and {@link ChainBatch#rangeLength}: range {@code i} is chain {@code
     * i}.
     *
     * @param max chains at most
     * @param writable whether the descriptors are to be device-writable; else device-readable
     * @return how many were taken; 0 also where {@link #pop} would take some
     */
    public final int popPlain(ChainBatch batch, int max, boolean writable) {
        popping(batch, writable ? Framing.ONE_WRITABLE : Framing.ONE_READABLE);
        int taken = popPlainChains(batch, max, writable);
        poppedChains = taken;
        return taken;
    }

    abstract int popPlainChains(ChainBatch batch, int max, boolean writable);

    private void popping(ChainBatch batch, Framing as) {
        poppedIn = turn.getAsLong();
        if (decoder != null) {
            decoder.forgetTable();
        }
        popped = batch;
        framing = as;
        poppedChains = -1;
    }

    /** Says how turns of the reactor are numbered. */
    public final void countTurns(LongSupplier number) {
        turn = number;
    }

    /** Whether chains were popped, or looked for, in the turn with this number or after it. */
    public final boolean poppedSince(long number) {
        return poppedIn >= number;
    }

    /**
     * Shows all ranges of what was popped last, whether or not it is in flight still, as they are
     * in our own memory, and the indirect table that was read last.
     *
     * @return whether each passed the test
     */
    public final boolean testPopped(RangeTest test) {
        var reader = decoder;
        if (reader != null && !reader.testTable(test)) {
            return false;
        }
        var batch = popped;
        if (batch == null) {
            return true;
        }
        int count = poppedChains < 0 ? batch.count : poppedChains;
        for (int i = 0; i < count; i++) {
            if (!testChain(batch, i, test)) {
                return false;
            }
        }
        return true;
    }

    private boolean testChain(ChainBatch batch, int i, RangeTest test) {
        return switch (framing) {
            case ANY ->
                    testRanges(batch, batch.firstReadable[i], batch.readableRanges[i], false, test)
                            && testRanges(
                                    batch,
                                    batch.firstWritable[i],
                                    batch.writableRanges[i],
                                    true,
                                    test);
            case ONE_READABLE -> testRanges(batch, i, 1, false, test);
            case ONE_WRITABLE -> testRanges(batch, i, 1, true, test);
        };
    }

    private static boolean testRanges(
            ChainBatch batch, int first, int count, boolean writable, RangeTest test) {
        for (int r = first; r < first + count; r++) {
            if (!test.test(batch.rangeAddress[r], batch.rangeLength[r], writable)) {
                return false;
            }
        }
        return true;
    }

    /**
     * Gives the last {@code count} popped chains back, none of which was pushed: they are popped
     * again.
     *
     * @throws IllegalStateException if one of them is not in flight: nothing was given back
     */
    public abstract void rewind(int count);

    /**
     * Head of the chain that was popped last, if it is in flight and may be given back for good;
     * -1: none was, it is not, or it is {@link #owed}.
     */
    public abstract int last();

    /**
     * Completes a chain; the driver sees it after {@link #flush}. Where {@link #IN_ORDER} was
     * negotiated the device completes chains in the order in which it popped them.
     *
     * @param head of the chain, as in {@link ChainBatch#head}: in a packed queue its buffer id
     * @param written bytes written to its device-writable part, from its beginning, as an unsigned
     *     number
     * @throws IllegalArgumentException if the chain is not in flight
     */
    public abstract void push(int head, int written);

    /**
     * Completes chains in this order, as {@link #push(int, int)} does.
     *
     * @param chains their heads
     * @param written bytes written to each
     * @param count how many
     */
    public abstract void push(int[] chains, int[] written, int count);

    /**
     * Makes the chains pushed visible to the driver. It need not learn of them before {@link
     * #signal}.
     */
    public abstract void publish();

    /**
     * Notifies the driver of what was published, at most once and only if it asked. A full memory
     * fence must lie between {@link #publish} and this: the driver looks at the ring once more
     * after it has asked, so that one of the two sees what the other has written. Many queues can
     * share a fence.
     */
    public abstract void signal();

    /** Makes the chains pushed visible to the driver, and notifies it at most once, if it asked. */
    public final void flush() {
        publish();
        ForeignMemory.fullFence();
        signal();
    }

    /** Whether {@link #pop} would find a chain. */
    public abstract boolean hasAvailable();

    /**
     * Asks the driver to notify us of the next available chain. A queue begins without.
     *
     * @return false if chains are available: they are not asked for, poll on
     */
    public abstract boolean arm();

    /** Tells the driver that we look by ourselves and need no notification. */
    public abstract void disarm();

    /** Number of chains that were popped and are neither pushed nor given back. */
    public abstract int inFlight();

    /** Whether the chain with this head is in flight. */
    public abstract boolean inFlight(int head);

    /** Number of chains that were in flight when the last process died and that come first. */
    public abstract int recovered();

    /** Number of these that were not popped yet, or given back: the in-flight region has them. */
    public abstract int recoveredLeft();

    /**
     * Number of these that are to be popped and completed before {@link #base} says where to go on,
     * for somebody who has another in-flight region or none: the guest may be on its way to another
     * host. 0 of a queue that is broken.
     */
    public abstract int owed();

    /**
     * Changes the table of regions under the running queue. Chains that are in flight keep their
     * native addresses: the old mappings stay until {@link #staleInFlight} is 0.
     *
     * @throws VirtqueueException if a ring is not in the new table: the queue is as it was
     */
    public abstract void memory(GuestMemory memory) throws VirtqueueException;

    /**
     * Begins to mark in {@code log} what is written to the guest's memory, chains included that are
     * in flight already, or ends it. The rings' part that we write counts as written now.
     *
     * @param log nothing: mark no more
     * @param usedRing guest address by which writes to the device area are marked; absent: they are
     *     not
     */
    public abstract void log(Optional<DirtyLog> log, OptionalLong usedRing);

    /** Number of chains in flight that refer to tables before the last {@link #memory}. */
    public abstract int staleInFlight();

    /**
     * Where the next chain would be taken from, as {@link VirtqueueConfig#base} says it: an index
     * of the available ring, or positions in the descriptor ring.
     */
    public abstract int base();

    /**
     * Ends the use of the rings: nothing is popped any more, and what is still pushed is only
     * counted. No ring and no in-flight region is touched from now on. Idempotent.
     *
     * @return {@link #base}
     */
    public abstract int stop();

    /** Has {@code wake} run by {@link #kick}. Set by the device when it takes the queue. */
    public final void onKick(Runnable wake) {
        this.wake = wake;
    }

    /** The driver sent an available buffer notification, or might have. */
    public final void kick() {
        wake.run();
    }

    /** Whether the driver broke a rule. */
    public final boolean broken() {
        return broken;
    }

    /**
     * The device found that the driver broke a rule: nothing is popped any more. Only the first
     * cause is told.
     *
     * @param cause one sentence for people
     */
    public final void fail(String cause) {
        if (!broken) {
            broken = true;
            halt();
            failures.failed(this, cause);
        }
    }

    /** Nothing is to be popped any more. */
    abstract void halt();
}
