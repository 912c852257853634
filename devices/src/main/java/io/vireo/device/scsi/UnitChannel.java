package io.vireo.device.scsi;

import io.vireo.block.BlockChannel;
import io.vireo.block.BlockDevice;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRates;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.reactor.Reactor;
import java.io.UncheckedIOException;
import java.lang.System.Logger.Level;
import java.util.ArrayDeque;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What a logical unit has its disk do: its channel, and the lines in which requests wait, for rates
 * of their target ({@link RateGates}) and then for room in the channel. Requests of a target with
 * something reserved have a line of their own there. Of the unit's reactor.
 */
final class UnitChannel {
    private static final System.Logger LOG = System.getLogger(UnitChannel.class.getName());

    private final LogicalUnit unit;
    private final BlockDevice block;
    private final Reactor owner;
    private final RateGates gates;

    /** Requests of targets without reservations for which the channel had no room. */
    private final ArrayDeque<Slot> pending = new ArrayDeque<>();

    /** Requests that belong to no task, for which the channel had no room. */
    private final ArrayDeque<BlockRequest> background = new ArrayDeque<>();

    private @Nullable BlockChannel channel;
    private boolean closing;

    UnitChannel(LogicalUnit unit, BlockDevice block, Reactor owner) {
        this.unit = unit;
        this.block = block;
        this.owner = owner;
        gates = new RateGates(owner, unit::lookAgain);
    }

    /** Opens the disk; if the host refuses, all requests fail. */
    void open(Runnable wake) {
        try {
            BlockChannel opened = block.open(owner);
            opened.onReady(wake);
            channel = opened;
        } catch (UncheckedIOException e) {
            LOG.log(Level.WARNING, unit.name() + ": the host cannot open the disk", e);
        }
    }

    /** Gives the disk back; no task is left. */
    void close(Runnable onClosed) {
        BlockChannel open = channel;
        if (open == null) {
            onClosed.run();
            return;
        }
        closing = true;
        background.clear();
        open.drain();
        open.close(onClosed);
        unit.lookAgain();
    }

    /** A nexus begins to see the unit. */
    void attach(UnitNexus nexus) {
        gates.attach(nexus);
    }

    /** A nexus sees the unit no more, and has no task. */
    void detach(UnitNexus nexus) {
        gates.detach(nexus);
    }

    /** Whether something is reserved for a target that maps the unit. */
    boolean isCommitted() {
        return gates.isCommitted();
    }

    /** The transport of a nexus waits for its tasks, or does not any more. */
    void hurry(UnitNexus nexus, boolean on) {
        RateGate gate = nexus.gate;
        if (gate != null && !nexus.detached) {
            nexus.hurried = on;
            gate.release(nexus, this::enter);
            if (on) {
                unit.tasks().forEach(nexus, this::hurry);
            }
            unit.lookAgain();
        }
    }

    /** What the channel has of a slot waits for no policy of the disk. */
    private void hurry(Slot slot) {
        if (slot.busy && !slot.queued) {
            Objects.requireNonNull(channel).hurry(slot.request.tag());
        }
    }

    /** Submits the request of a slot, now or when there is room. */
    void submit(Slot slot) {
        if (channel == null) {
            slot.proceed(BlockStatus.IO_ERROR);
            return;
        }
        slot.busy = true;
        slot.queued = gate(slot).holds(slot);
        if (!slot.queued) {
            enter(slot);
        }
    }

    private static RateGate gate(Slot slot) {
        return Objects.requireNonNull(slot.nexus().gate);
    }

    /** Nothing but the room of the channel holds a request back. */
    private void enter(Slot slot) {
        BlockChannel open = Objects.requireNonNull(channel);
        RateGate gate = gate(slot);
        BlockRates user = gate.target.rates();
        slot.request.user(user);
        ArrayDeque<Slot> line = user != null && user.reservation() != 0 ? gate.room : pending;
        // A request that is the next step of one that ended within its own submission has to wait:
        // a long row of them would fill the stack.
        slot.queued = slot.submitting || !line.isEmpty() || free(open, slot) == 0;
        if (slot.queued) {
            line.add(slot);
        } else {
            hand(open, slot);
        }
    }

    private static int free(BlockChannel open, Slot slot) {
        BlockRates user = slot.request.user();
        return user == null ? open.free() : open.free(user);
    }

    private void hand(BlockChannel open, Slot slot) {
        changes(slot.request);
        slot.submitting = true;
        try {
            open.submit(slot.request);
            // It may have ended, and its task with it.
            if (slot.busy && slot.nexus().hurried) {
                hurry(slot);
            }
        } finally {
            slot.submitting = false;
        }
    }

    /** Tokens for what a request changes are good no more. */
    private void changes(BlockRequest request) {
        Tokens tokens = unit.tokens();
        if (!tokens.isEmpty() && request.operation() != BlockOperation.READ) {
            tokens.changed(request.offset(), request.length());
        }
    }

    /** As {@link BlockChannel#mapped}; a copy may ask for a unit that was unmapped meanwhile. */
    long mapped(long offset, long length) {
        BlockChannel open = channel;
        return open == null || closing ? length : open.mapped(offset, length);
    }

    /** Submits a request that belongs to no task, now or when there is room. */
    void submit(BlockRequest request) {
        if (!closing) {
            background.add(request);
            unit.lookAgain();
        }
    }

    /** Takes back a request that waits for rates, or for room in the channel. */
    void withdraw(Slot slot) {
        RateGate gate = gate(slot);
        if (!gate.withdraw(slot) && !gate.room.remove(slot)) {
            pending.remove(slot);
        }
    }

    /** Tries to cancel a request that the channel has. */
    void cancel(Slot slot) {
        Objects.requireNonNull(channel).cancel(slot.request.tag());
    }

    /** Has a request that the channel has end, if it waits for room there. */
    void cancelHeld(Slot slot) {
        Objects.requireNonNull(channel).cancelHeld(slot.request.tag());
    }

    /** Hands on what may go, and has the channel complete what is done; returns how many. */
    int poll() {
        BlockChannel open = channel;
        if (open == null) {
            return 0;
        }
        int work = 0;
        while (!background.isEmpty() && open.free() > 0) {
            BlockRequest request = background.remove();
            changes(request);
            open.submit(request);
            work++;
        }
        for (Slot due = gates.next(); due != null; due = gates.next()) {
            enter(due);
            work++;
        }
        for (int i = 0; i < gates.size(); i++) {
            work += goOn(gates.get(i).workspace);
        }
        for (int i = 0; i < gates.size(); i++) {
            work += handAll(open, gates.get(i).room);
        }
        return work + handAll(open, pending) + open.poll();
    }

    /** Has commands go on that have waited for memory. */
    private int goOn(Workspace workspace) {
        int resumed = 0;
        for (Slot next = workspace.next(); next != null; next = workspace.next()) {
            unit.resume(next);
            resumed++;
        }
        return resumed;
    }

    private int handAll(BlockChannel open, ArrayDeque<Slot> line) {
        int handed = 0;
        for (Slot first = line.peek();
                first != null && free(open, first) > 0;
                first = line.peek()) {
            line.remove();
            first.queued = false;
            hand(open, first);
            handed++;
        }
        return handed;
    }

    /** Whether nothing is there to do now; if something is later the unit is woken then. */
    boolean arm() {
        BlockChannel open = channel;
        if (!gates.arm()) {
            return false;
        }
        if (open == null) {
            return true;
        }
        boolean waits = !background.isEmpty() || !pending.isEmpty();
        boolean stuck = !waits || open.free() == 0;
        for (int i = 0; i < gates.size(); i++) {
            Slot first = gates.get(i).room.peek();
            stuck &= first == null || free(open, first) == 0;
            stuck &= !gates.get(i).workspace.canServe();
        }
        return stuck && open.arm();
    }

    /** No wake-up is wanted. */
    void disarm() {
        gates.disarm();
        BlockChannel open = channel;
        if (open != null) {
            open.disarm();
        }
    }
}
