package io.vireo.fabric.storage.move;

import io.vireo.block.BlockChannel;
import io.vireo.block.BlockDevice;
import io.vireo.block.BlockMeters;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.fabric.storage.queue.Fifo;
import io.vireo.reactor.Poller;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.Registration;
import io.vireo.reactor.Timer;
import java.util.Objects;
import java.util.Optional;
import java.util.function.LongUnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * The reactor's side of a move. Requests go to the source, or, after the switch, to the target;
 * what they change is noted when they have ended. When little is left to copy, and it may, it holds
 * all requests until none is under way, copies the rest, flushes the target, and says so: {@link
 * Listener#held}. Then source and target are the same, durably, and whoever moves the vDisk decides
 * which of them it is from then on.
 *
 * <p>If what servers change outruns the copy, changes wait a little, a second at most each. A
 * target that does nothing at all delays nobody.
 */
final class Mover implements Poller, Copier.Listener {
    /** What may be changed and not copied while the copy goes through. */
    private static final long BACKLOG_BYTES = 16 << 20;

    /** What may be left when requests are held, and a little more before. */
    private static final long LITTLE_BYTES = 256 << 10;

    private static final long SLOWED_AT_MOST_NANOS = 1_000_000_000;
    private static final long STALL_NANOS = 2_000_000_000;

    /** Requests are not held for longer to copy the rest; it is tried again then. */
    private static final long HELD_AT_MOST_NANOS = 2_000_000_000;

    private static final long AGAIN_NANOS = 1_000_000_000;

    /** What happens; on the reactor. */
    interface Listener {
        /** Little is left: from now on requests may be held, once {@link #mayHold} was called. */
        void converged();

        /** Requests are held, and the target has what the source has, durably. */
        void held();

        /**
         * It cannot go on; requests go to the source.
         *
         * @param noSpace the target's pool is full
         */
        void failed(String why, boolean noSpace);
    }

    private enum Phase {
        /** Requests go to the source, and nothing is copied. */
        SOURCE,
        COPYING,
        /** Requests are held; those that are under way end. */
        HOLDING,
        /** Requests are held, and the rest is copied. */
        LAST,
        /** Requests are held, and the target is flushed. */
        FLUSHING,
        /** Requests are held, and both are the same. */
        HELD,
        /** Requests go to the target. */
        TARGET
    }

    private final Reactor reactor;
    private final Listener listener;
    private final BlockMeters meters = new BlockMeters();
    private final BlockChannel frontSource;
    private final BlockChannel frontTarget;
    private final BlockChannel copySource;
    private final BlockChannel copyTarget;
    private final Copier copier;
    private final Registration registration;
    private final Timer timer;
    private final BlockRequest flush = new BlockRequest(2, this::flushed);

    /** Requests that wait until they may go on, or for a place in the device's channel. */
    private final Fifo<MoveRequest> waiting = new Fifo<>();

    /** Changes that let the copy catch up. */
    private final Fifo<MoveRequest> slowed = new Fifo<>();

    private @Nullable MoveRequest nextSlowed;
    private Phase phase = Phase.SOURCE;
    private int underWay;
    private int channels;
    private boolean flushing;

    /** Whether the target was flushed since little was left, so that the next flush is short. */
    private boolean flushedBefore;

    private boolean toldConverged;
    private boolean mayHold;
    private long heldSince;
    private long notBefore;
    private @Nullable Runnable onClosed;
    private final BlockChannel[] all;
    private final boolean[] gone;
    private int open;
    private boolean closing;

    // For other threads, a little out of date.
    private volatile long position;

    private Mover(
            Reactor reactor,
            BlockChannel[] opened,
            long capacity,
            Optional<LongUnaryOperator> sameUntil,
            Listener listener) {
        this.reactor = reactor;
        this.listener = listener;
        all = opened;
        gone = new boolean[opened.length];
        open = opened.length;
        frontSource = opened[0];
        frontTarget = opened[1];
        copySource = opened[2];
        copyTarget = opened[3];
        copier = new Copier(copySource, copyTarget, capacity, sameUntil, this);
        registration = reactor.add(this);
        timer = reactor.timer(registration::wake);
        for (BlockChannel channel : opened) {
            channel.onReady(registration::wake);
        }
    }

    /**
     * Opens source and target. On {@code reactor}.
     *
     * @param base what the target holds; empty: it reads as zeroes
     * @throws java.io.UncheckedIOException if the host refuses
     */
    static Mover open(
            BlockDevice source,
            BlockDevice target,
            Optional<BlockDevice> base,
            Reactor reactor,
            Listener listener) {
        BlockDevice[] devices = {source, target, source, target};
        BlockChannel[] opened = new BlockChannel[devices.length];
        int count = 0;
        try {
            for (; count < devices.length; count++) {
                opened[count] = HopDevice.over(devices[count]).open(reactor);
            }
        } catch (RuntimeException e) {
            while (count > 0) {
                opened[--count].close(() -> {});
            }
            throw e;
        }
        return new Mover(
                reactor,
                opened,
                source.geometry().capacity(),
                base.map(earlier -> offset -> source.sameUntil(earlier, offset)),
                listener);
    }

    // Front ends.

    MoveChannel openChannel() {
        var channel = new MoveChannel(this);
        meters.add(channel.meter());
        channels++;
        return channel;
    }

    void channelClosed(MoveChannel channel) {
        meters.close(channel.meter());
        channels--;
        closeIfIdle();
    }

    BlockMeters meters() {
        return meters;
    }

    void submit(MoveRequest request) {
        if (holds() || !waiting.isEmpty()) {
            waiting.add(request);
            registration.wake();
        } else if (request.changes() && slows()) {
            request.deadline = reactor.nanoTime() + SLOWED_AT_MOST_NANOS;
            slowed.add(request);
            registration.wake();
        } else {
            forward(request);
        }
    }

    private void forward(MoveRequest request) {
        BlockChannel to = front();
        if (to.free() == 0) {
            waiting.add(request);
            return;
        }
        underWay++;
        to.submit(request.inner());
        registration.wake();
    }

    private BlockChannel front() {
        return phase == Phase.TARGET ? frontTarget : frontSource;
    }

    void cancel(MoveRequest request) {
        // What waits here ends soon enough.
        front().cancel(request.inner().tag());
    }

    /** As {@link #cancel}, of what waits for room. */
    void cancelHeld(MoveRequest request) {
        front().cancelHeld(request.inner().tag());
    }

    /** Front ends are leaving: their requests are not to wait for others. */
    void drainFront() {
        frontSource.drain();
        frontTarget.drain();
    }

    /** A request that was handed on has ended. */
    void ended(MoveRequest request, BlockStatus status) {
        underWay--;
        if (request.changes() && phase != Phase.SOURCE && phase != Phase.TARGET) {
            // However it ended: a part of it may be there.
            copier.changed(request.inner().offset(), request.inner().length());
        }
        request.status(status);
        request.channel().done(request);
    }

    private boolean holds() {
        return switch (phase) {
            case SOURCE, COPYING, TARGET -> false;
            case HOLDING, LAST, FLUSHING, HELD -> true;
        };
    }

    private boolean slows() {
        return phase == Phase.COPYING
                && copier.backlog() > (copier.isThrough() ? LITTLE_BYTES : BACKLOG_BYTES)
                && copier.stalledNanos(reactor.nanoTime()) < STALL_NANOS;
    }

    // What whoever moves the vDisk asks for. On the reactor.

    /** Begins to copy: every channel of the vDisk goes through here by now. */
    void begin(long bytesPerSecond) {
        phase = Phase.COPYING;
        copier.rate(bytesPerSecond, reactor.nanoTime());
        copier.start(reactor.nanoTime());
        registration.wake();
    }

    void rate(long bytesPerSecond) {
        copier.rate(bytesPerSecond, reactor.nanoTime());
        registration.wake();
    }

    /** Requests may be held when little is left. */
    void mayHold() {
        mayHold = true;
        registration.wake();
    }

    /** The vDisk is the target from now on. Requests are held. */
    void switched() {
        copier.stop();
        phase = Phase.TARGET;
        registration.wake();
    }

    /** The vDisk stays the source: nothing is copied any more, and what was held goes on. */
    void stop() {
        copier.stop();
        phase = Phase.SOURCE;
        registration.wake();
    }

    /** Closes source and target when no channel is open and nothing is under way. */
    void close(Runnable whenClosed) {
        copier.stop();
        onClosed = whenClosed;
        registration.wake();
        closeIfIdle();
    }

    /** Bytes that were copied once. Any thread, a little out of date. */
    long position() {
        return position;
    }

    @Override
    public void copyFailed(String why, boolean noSpace) {
        if (phase != Phase.SOURCE && phase != Phase.TARGET) {
            stop();
            listener.failed(why, noSpace);
        }
    }

    // The poller.

    void wake() {
        registration.wake();
    }

    int pollFront() {
        return closing ? 0 : frontSource.poll() + frontTarget.poll();
    }

    @Override
    public int poll() {
        if (closing) {
            return pollClosing();
        }
        long now = reactor.nanoTime();
        int work = pollFront() + copySource.poll() + copyTarget.poll();
        work += letGo(now);
        work += advance(now);
        position = copier.position();
        closeIfIdle();
        return work;
    }

    /** Lets requests go on that need not wait any more. */
    private int letGo(long now) {
        int work = 0;
        while (!holds() && front().free() > 0) {
            MoveRequest next = waiting.poll();
            if (next == null) {
                break;
            }
            forward(next);
            work++;
        }
        // What it changes counts when it has ended: one at a time, or all go at once.
        MoveRequest first = nextSlowed;
        if (first == null) {
            first = slowed.poll();
            nextSlowed = first;
        }
        while (first != null && (phase != Phase.COPYING || now >= first.deadline)) {
            first = passSlowed(first);
            work++;
        }
        if (first != null && !slows()) {
            nextSlowed = passSlowed(first);
            work++;
        }
        return work;
    }

    private @Nullable MoveRequest passSlowed(MoveRequest first) {
        if (holds()) {
            waiting.add(first);
        } else {
            forward(first);
        }
        nextSlowed = slowed.poll();
        return nextSlowed;
    }

    private int advance(long now) {
        return switch (phase) {
            case SOURCE, HELD, TARGET -> 0;
            case COPYING -> copier.pump(now) + holdIfLittleIsLeft(now);
            case HOLDING -> {
                int work = 0;
                if (underWay == 0) {
                    phase = Phase.LAST;
                    work++;
                }
                yield work + giveUpHolding(now) + copier.pump(now);
            }
            case LAST -> {
                int work = copier.pump(now);
                if (copier.isDone() && !flushing) {
                    phase = Phase.FLUSHING;
                    flush();
                    work++;
                }
                yield work + giveUpHolding(now);
            }
            case FLUSHING -> giveUpHolding(now);
        };
    }

    private int holdIfLittleIsLeft(long now) {
        if (!copier.isThrough() || copier.backlog() > LITTLE_BYTES || now < notBefore) {
            return 0;
        }
        if (!toldConverged) {
            toldConverged = true;
            listener.converged();
        }
        if (flushing) {
            return 0;
        }
        if (!flushedBefore) {
            flush();
            return 1;
        }
        if (!mayHold) {
            return 0;
        }
        phase = Phase.HOLDING;
        heldSince = now;
        return 1;
    }

    /** If source or target take too long requests go on, and it is tried again. */
    private int giveUpHolding(long now) {
        if (!holds() || phase == Phase.HELD || now - heldSince < HELD_AT_MOST_NANOS) {
            return 0;
        }
        phase = Phase.COPYING;
        flushedBefore = false;
        notBefore = now + AGAIN_NANOS;
        timer.start(AGAIN_NANOS);
        return 1;
    }

    private void flush() {
        flushing = true;
        copyTarget.submit(flush.prepare(BlockOperation.FLUSH, 0, 0));
        registration.wake();
    }

    private void flushed(BlockRequest ended) {
        flushing = false;
        if (ended.status() != BlockStatus.OK) {
            copyFailed(
                    Copier.reason(false, ended.status(), 0),
                    ended.status() == BlockStatus.NO_SPACE);
        } else if (phase == Phase.FLUSHING) {
            phase = Phase.HELD;
            listener.held();
        } else {
            flushedBefore = true;
        }
    }

    @Override
    public String name() {
        return "move";
    }

    @Override
    public boolean arm() {
        if (closing) {
            return false;
        }
        long now = reactor.nanoTime();
        if (!holds() && !waiting.isEmpty() && front().free() > 0 || nextSlowed != null) {
            return false;
        }
        long pause = copier.pausedFor(now);
        boolean mayPump = phase == Phase.COPYING && copier.isIdle() && !copier.isDone();
        if (mayPump && pause == 0 || holds() && phase != Phase.HELD) {
            return false;
        }
        if (phase == Phase.COPYING && now < notBefore) {
            pause = Math.max(pause, notBefore - now);
        }
        if (!armChannels()) {
            return false;
        }
        if (pause > 0) {
            timer.start(pause);
        }
        return true;
    }

    private boolean armChannels() {
        for (int i = 0; i < all.length; i++) {
            if (!all[i].arm()) {
                while (i > 0) {
                    all[--i].disarm();
                }
                return false;
            }
        }
        return true;
    }

    @Override
    public void disarm() {
        timer.cancel();
        if (!closing) {
            for (BlockChannel channel : all) {
                channel.disarm();
            }
        }
    }

    // The end.

    private void closeIfIdle() {
        boolean idle = channels == 0 && underWay == 0 && copier.isIdle() && !flushing;
        if (onClosed == null || !idle || closing) {
            return;
        }
        closing = true;
        timer.cancel();
        for (int i = 0; i < all.length; i++) {
            int index = i;
            all[i].close(() -> closed(index));
        }
    }

    private void closed(int index) {
        gone[index] = true;
        open--;
        if (open == 0) {
            registration.close();
            copier.close();
            Objects.requireNonNull(onClosed).run();
        }
    }

    /** A channel that is closed is polled no more. */
    private int pollClosing() {
        int work = 0;
        for (int i = 0; i < all.length; i++) {
            if (!gone[i]) {
                work += all[i].poll();
            }
        }
        return work;
    }
}
