package io.vireo.fabric.storage.move;

import io.vireo.block.BlockChannel;
import io.vireo.block.BlockDevice;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.fabric.storage.queue.Fifo;
import io.vireo.reactor.Poller;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.Registration;
import java.lang.System.Logger.Level;
import org.jspecify.annotations.Nullable;

/** The device's side of a hop, on its reactor. */
final class HopTail implements Poller {
    private static final System.Logger LOG = System.getLogger(HopTail.class.getName());

    /** A request that came over. Allocates nothing once it is made. */
    abstract static class Arrival extends Fifo.Link<Arrival> {
        private final BlockRequest twin;
        private @Nullable Runnable arrive;

        Arrival(int index) {
            twin = new BlockRequest(index, ended -> ended(ended.status()));
        }

        BlockRequest twin() {
            return twin;
        }

        /** What hands it to the tail. */
        Runnable arrive(HopTail tail) {
            Runnable made = arrive;
            if (made == null) {
                made = () -> tail.arrived(this);
                arrive = made;
            }
            return made;
        }

        /** The twin has ended. */
        abstract void ended(BlockStatus status);
    }

    private final BlockDevice device;
    private final Reactor home;
    private final Fifo<Arrival> waiting = new Fifo<>();
    private @Nullable BlockChannel channel;
    private @Nullable Registration registration;

    HopTail(BlockDevice device, Reactor home) {
        this.device = device;
        this.home = home;
    }

    void open() {
        try {
            BlockChannel opened = device.open(home);
            Registration added = home.add(this);
            opened.onReady(added::wake);
            channel = opened;
            registration = added;
        } catch (RuntimeException e) {
            // Its requests fail, one by one, as those of a disk that is gone.
            LOG.log(Level.ERROR, "a disk cannot be opened by reactor " + home.name(), e);
        }
    }

    private void arrived(Arrival request) {
        if (channel == null || registration == null) {
            request.ended(BlockStatus.IO_ERROR);
            return;
        }
        waiting.add(request);
        registration.wake();
    }

    void cancel(int tag) {
        if (channel != null) {
            channel.cancel(tag);
        }
    }

    void cancelHeld(int tag) {
        if (channel != null) {
            channel.cancelHeld(tag);
        }
    }

    void drain() {
        if (channel != null) {
            channel.drain();
        }
    }

    void close(Runnable onClosed) {
        BlockChannel open = channel;
        Registration added = registration;
        if (open == null || added == null) {
            onClosed.run();
            return;
        }
        open.close(() -> {
            channel = null;
            added.close();
            onClosed.run();
        });
    }

    @Override
    public int poll() {
        BlockChannel to = channel;
        if (to == null) {
            return 0;
        }
        int work = 0;
        while (to.free() > 0) {
            Arrival next = waiting.poll();
            if (next == null) {
                break;
            }
            to.submit(next.twin());
            work++;
        }
        return work + to.poll();
    }

    @Override
    public String name() {
        return "hop";
    }

    @Override
    public boolean arm() {
        BlockChannel to = channel;
        return to == null || (waiting.isEmpty() || to.free() == 0) && to.arm();
    }

    @Override
    public void disarm() {
        if (channel != null) {
            channel.disarm();
        }
    }
}
