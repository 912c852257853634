package io.vireo.adapter.ram;

import io.vireo.block.BlockChannel;
import io.vireo.block.BlockMeter;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.block.FormattedDevice;
import io.vireo.block.VolumeFormat;
import io.vireo.linux.ForeignMemory;
import io.vireo.memory.OwnMemory;
import io.vireo.memory.ScatterGatherList;
import io.vireo.reactor.Reactor;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * Keeps what is written in memory, which is taken piece by piece when it is first written. Any
 * reactors may use it at the same time; what they do to the same blocks at once comes out in any
 * order, as with any disk.
 */
public final class RamBlockDevice extends FormattedDevice implements AutoCloseable {
    private static final int PIECE_SHIFT = 20;
    private static final int PIECE = 1 << PIECE_SHIFT;

    private final AtomicReferenceArray<@Nullable OwnMemory> pieces;

    /** What was touched last, so that the compiler leaves the touching in. */
    int fetched;

    /**
     * @param limit bytes that it can grow to
     */
    public RamBlockDevice(VolumeFormat format, long limit) {
        super(format);
        long most = Math.max(limit, format.capacity());
        pieces = new AtomicReferenceArray<>((int) (most + PIECE - 1 >>> PIECE_SHIFT));
    }

    @Override
    public BlockChannel open(Reactor reactor) {
        var channel = new Channel();
        meters.add(channel.meter);
        return channel;
    }

    /** The memory of a piece, which is taken if it has none. */
    private OwnMemory piece(int index) {
        OwnMemory there = pieces.get(index);
        if (there != null) {
            return there;
        }
        OwnMemory made = OwnMemory.allocate(PIECE);
        if (pieces.compareAndSet(index, null, made)) {
            return made;
        }
        made.close();
        return piece(index);
    }

    /** Gives the memory back; all channels are closed. */
    @Override
    public void close() {
        for (int i = 0; i < pieces.length(); i++) {
            OwnMemory memory = pieces.getAndSet(i, null);
            if (memory != null) {
                memory.close();
            }
        }
    }

    /** Carries out a request; may be done again where the client's memory was gone. */
    private void carryOut(BlockRequest request) {
        switch (request.operation()) {
            case READ -> read(request.data(), request.offset());
            case WRITE -> write(request.data(), request.offset());
            case DISCARD, WRITE_ZEROES -> zero(request.offset(), request.length());
            case FLUSH, ALLOCATE -> {
                // There is nothing that could be lost later than the rest, and room for all.
            }
        }
    }

    private void read(ScatterGatherList list, long offset) {
        long at = offset;
        for (int i = 0; i < list.count(); i++) {
            for (long done = 0; done < list.length(i); ) {
                long take = Math.min(list.length(i) - done, PIECE - (at & PIECE - 1));
                OwnMemory from = pieces.get((int) (at >>> PIECE_SHIFT));
                long client = list.address(i) + done;
                if (from == null) {
                    ForeignMemory.fill(client, take, (byte) 0);
                } else {
                    ForeignMemory.copy(from.address() + (at & PIECE - 1), client, take);
                }
                done += take;
                at += take;
            }
        }
    }

    private void write(ScatterGatherList list, long offset) {
        long at = offset;
        for (int i = 0; i < list.count(); i++) {
            for (long done = 0; done < list.length(i); ) {
                long take = Math.min(list.length(i) - done, PIECE - (at & PIECE - 1));
                OwnMemory to = piece((int) (at >>> PIECE_SHIFT));
                ForeignMemory.copy(list.address(i) + done, to.address() + (at & PIECE - 1), take);
                done += take;
                at += take;
            }
        }
    }

    private byte firstByte(long offset) {
        OwnMemory there = pieces.get((int) (offset >>> PIECE_SHIFT));
        return there == null ? 0 : ForeignMemory.getByte(there.address() + (offset & PIECE - 1));
    }

    private void zero(long offset, long length) {
        long at = offset;
        while (at < offset + length) {
            long take = Math.min(offset + length - at, PIECE - (at & PIECE - 1));
            OwnMemory there = pieces.get((int) (at >>> PIECE_SHIFT));
            if (there != null) {
                there.fill((int) (at & PIECE - 1), (int) take, (byte) 0);
            }
            at += take;
        }
    }

    /**
     * Requests are carried out when the front end polls: the client's memory may be gone, and the
     * error that comes of it cuts off nobody's turn but the front end's own.
     */
    private final class Channel implements BlockChannel {
        private static final int DEPTH = 256;

        private final BlockMeter meter = new BlockMeter();
        private final @Nullable BlockRequest[] waiting = new BlockRequest[DEPTH];
        private int head;
        private int tail;

        /** Requests from the head on that were carried out and are not completed yet. */
        private int carriedOut;

        /** Whether what came behind these was begun together and not seen to end. */
        private boolean cutOff;

        /** Whether the one behind these was begun alone and not seen to end. */
        private boolean touched;

        private @Nullable Runnable onClosed;

        @Override
        public int free() {
            return DEPTH - inFlight();
        }

        @Override
        public void submit(BlockRequest request) {
            waiting[tail++ & DEPTH - 1] = request;
        }

        @Override
        public long mapped(long offset, long length) {
            int index = (int) (offset >>> PIECE_SHIFT);
            long end = offset + length;
            boolean mapped = pieces.get(index) != null;
            long stop = offset;
            while (stop < end && (pieces.get(index) != null) == mapped) {
                stop = Math.min(end, (long) ++index << PIECE_SHIFT);
            }
            return mapped ? stop - offset : offset - stop;
        }

        @Override
        public void cancel(int tag) {
            // It ends soon enough.
        }

        @Override
        public int poll() {
            int ended = inFlight();
            if (ended == 0) {
                closeIfDrained();
                return 0;
            }
            if (touched) {
                // Its client's memory was gone. What is before it ends well first.
                touched = false;
                complete(carriedOut, BlockStatus.OK);
                complete(1, BlockStatus.MEMORY_FAULT);
            }
            // In loops of their own: a copy begins while the one before it waits for memory, which
            // it does not when a completion lies between them.
            fetch(head + carriedOut);
            if (cutOff) {
                carryOutEach(tail);
            } else {
                carryOutAll(tail);
            }
            cutOff = false;
            complete(carriedOut, BlockStatus.OK);
            closeIfDrained();
            return ended;
        }

        private void carryOutAll(int last) {
            cutOff = true;
            for (int at = head + carriedOut; at != last; at++) {
                carryOut(request(at));
            }
            ForeignMemory.settle();
            carriedOut = last - head;
        }

        /** Again, to find out whose memory is gone. */
        private void carryOutEach(int last) {
            for (int at = head + carriedOut; at != last; at++) {
                touched = true;
                carryOut(request(at));
                ForeignMemory.settle();
                touched = false;
                carriedOut++;
            }
        }

        private BlockRequest request(int at) {
            return Objects.requireNonNull(waiting[at & DEPTH - 1]);
        }

        /** Touches where each request begins, so that all of them are waited for at once. */
        private void fetch(int from) {
            int seen = 0;
            for (int at = from; at != tail; at++) {
                BlockRequest request = request(at);
                if (request.length() > 0) {
                    seen += firstByte(request.offset());
                }
            }
            fetched = seen;
        }

        private void complete(int count, BlockStatus status) {
            for (int left = count; left > 0; left--) {
                BlockRequest request = request(head);
                waiting[head++ & DEPTH - 1] = null;
                carriedOut = Math.max(0, carriedOut - 1);
                meter.count(request, status);
                request.complete(status);
            }
        }

        @Override
        public int inFlight() {
            return tail - head;
        }

        @Override
        public void onReady(Runnable wake) {
            // What was submitted can be polled at once.
        }

        @Override
        public boolean arm() {
            return head == tail;
        }

        @Override
        public void disarm() {
            // Nothing was armed.
        }

        @Override
        public void close(Runnable whenClosed) {
            onClosed = whenClosed;
            closeIfDrained();
        }

        private void closeIfDrained() {
            Runnable closed = onClosed;
            if (closed != null && inFlight() == 0) {
                onClosed = null;
                meters.close(meter);
                closed.run();
            }
        }
    }
}
