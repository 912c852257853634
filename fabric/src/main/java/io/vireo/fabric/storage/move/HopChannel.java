package io.vireo.fabric.storage.move;

import io.vireo.block.BlockChannel;
import io.vireo.block.BlockDevice;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.reactor.Reactor;
import java.util.Objects;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The front end's side of a hop: each request has a twin, which goes to the device's reactor and
 * comes back ended. What has come back waits until the front end polls, as with any channel.
 */
final class HopChannel implements BlockChannel {
    private static final int DEPTH = 128;

    private final Reactor reactor;
    private final Reactor home;
    private final HopTail tail;
    private final Slot[] slots = new Slot[DEPTH];
    private final int[] spare = new int[DEPTH];
    private int spares = DEPTH;
    private final Slot[] done = new Slot[DEPTH];
    private int doneHead;
    private int doneTail;
    private Runnable wake = () -> {};
    private @Nullable Runnable onClosed;

    HopChannel(BlockDevice device, Reactor reactor, Reactor home) {
        this.reactor = reactor;
        this.home = home;
        tail = new HopTail(device, home);
        for (int i = 0; i < DEPTH; i++) {
            slots[i] = new Slot(i);
            spare[i] = DEPTH - 1 - i;
        }
        home.execute(tail::open);
    }

    /** A request and its twin. */
    final class Slot extends HopTail.Arrival {
        private final Runnable back = this::back;
        private @Nullable BlockRequest origin;
        private BlockStatus status = BlockStatus.OK;

        Slot(int index) {
            super(index);
        }

        /** On the device's reactor. */
        @Override
        void ended(BlockStatus how) {
            status = how;
            reactor.execute(back);
        }

        private void back() {
            done[doneTail++ & DEPTH - 1] = this;
            wake.run();
        }
    }

    @Override
    public int free() {
        return spares;
    }

    @Override
    public int inFlight() {
        return DEPTH - spares;
    }

    @Override
    public void submit(BlockRequest request) {
        Slot slot = slots[spare[--spares]];
        slot.origin = request;
        BlockRequest twin = slot.twin();
        twin.prepare(request.operation(), request.offset(), request.length())
                .forceUnitAccess(request.forceUnitAccess())
                .unmap(request.unmap())
                .data(request.data());
        home.execute(slot.arrive(tail));
    }

    @Override
    public void cancel(int tag) {
        toTwin(tag, tail::cancel);
    }

    @Override
    public void cancelHeld(int tag) {
        toTwin(tag, tail::cancelHeld);
    }

    private void toTwin(int tag, IntConsumer act) {
        for (Slot slot : slots) {
            if (slot.origin != null && slot.origin.tag() == tag) {
                int twin = slot.twin().tag();
                home.execute(() -> act.accept(twin));
            }
        }
    }

    @Override
    public int poll() {
        int ended = doneTail - doneHead;
        for (int left = ended; left > 0; left--) {
            Slot slot = done[doneHead++ & DEPTH - 1];
            BlockRequest request = Objects.requireNonNull(slot.origin);
            slot.origin = null;
            spare[spares++] = slot.twin().tag();
            request.complete(slot.status);
        }
        closeIfDrained();
        return ended;
    }

    @Override
    public void onReady(Runnable newWake) {
        wake = newWake;
    }

    @Override
    public boolean arm() {
        return doneHead == doneTail;
    }

    @Override
    public void disarm() {
        // A wake-up too many does no harm.
    }

    @Override
    public void drain() {
        home.execute(tail::drain);
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
            home.execute(() -> tail.close(() -> reactor.execute(closed)));
        }
    }
}
