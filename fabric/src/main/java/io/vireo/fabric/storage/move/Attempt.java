package io.vireo.fabric.storage.move;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockVolume;
import io.vireo.fabric.storage.move.Relocation.Home;
import io.vireo.fabric.storage.move.Relocation.Target;
import io.vireo.fabric.storage.move.Whereabouts.State;
import io.vireo.fabric.storage.qos.DiskQosPolicy;
import io.vireo.fabric.storage.qos.QosDevice;
import io.vireo.fabric.storage.qos.VdiskQos;
import io.vireo.reactor.Reactor;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/**
 * One attempt to bring a vDisk to one place, on the thread of its {@link Relocation}: servers go
 * over to a {@link MoveDevice}, which fills the copy and holds them while the copy gets the vDisk's
 * name, and from there to the copy. If it fails before that they go back.
 */
final class Attempt implements Mover.Listener {
    private static final Logger LOG = System.getLogger(Attempt.class.getName());

    private final Relocation relocation;
    private final QosDevice front;
    private final Home from;
    private final Target target;
    private final BlockVolume copy;

    /** Whether it stays in its pool. */
    private final boolean same;

    private final VdiskQos qos;
    private final Reactor reactor;
    private final MoveDevice device;

    // Noted and awaited with the relocation.
    private boolean converged;
    private boolean held;
    private String failure = "";
    private boolean isFull;

    /**
     * @param base what the copy is already; empty: nothing
     */
    Attempt(
            Relocation relocation,
            Home from,
            Target target,
            BlockVolume copy,
            Optional<BlockDevice> base) {
        this.relocation = relocation;
        this.from = from;
        this.target = target;
        this.copy = copy;
        front = relocation.front();
        same = from.site().pool().equals(target.site().pool());
        BlockDevice source = from.volume().device();
        reactor = source.home().or(() -> copy.device().home()).orElseGet(relocation::nextReactor);
        try {
            MoveRules.checkOperations(source, copy.device(), target);
            qos = same ? from.qos() : admit();
            try {
                device =
                        OnReactor.call(
                                reactor,
                                () -> new MoveDevice(source, copy.device(), base, reactor, this));
            } catch (RuntimeException e) {
                closeQos();
                throw e;
            }
        } catch (RuntimeException e) {
            copy.close();
            throw e;
        }
    }

    private VdiskQos admit() {
        try {
            Optional<DiskQosPolicy> policy = relocation.latest(target).policy();
            return target.qos().add(relocation.name(), policy, from.qos());
        } catch (IllegalArgumentException e) {
            throw noRoom(e);
        }
    }

    private static ResourceException noRoom(IllegalArgumentException e) {
        return new ResourceException(ErrorCode.EXHAUSTED, String.valueOf(e.getMessage()), e);
    }

    private void closeQos() {
        if (!same) {
            qos.close();
        }
    }

    Target target() {
        return target;
    }

    /** Bytes of the vDisk that it has gone through. */
    long position() {
        return device.mover().position();
    }

    void rate(long bytesPerSecond) {
        reactor.execute(() -> device.mover().rate(bytesPerSecond));
    }

    void policy(Optional<DiskQosPolicy> policy) {
        if (!same) {
            qos.change(policy);
        }
    }

    void run() {
        boolean switched = false;
        try {
            if (!front.change(HopDevice.over(device), from.qos()).join()) {
                throw new ResourceException(
                        ErrorCode.UNAVAILABLE,
                        "the host has no place for another use of the disk: raise its limit of open files");
            }
            OnReactor.tell(reactor, () -> device.mover().begin(target.rate()));
            keepUp();
            relocation.changed();
            await(() -> converged);
            relocation.write(State.SWITCHING, from, target);
            OnReactor.tell(reactor, () -> device.mover().mayHold());
            await(() -> held);
            switched = becomeTarget();
        } finally {
            if (!switched) {
                undo();
            }
        }
        finish();
    }

    /** Keeps to what has become wanted before it was there to be told. */
    private void keepUp() {
        try {
            relocation.note(() -> {
                Target now = relocation.latest(target);
                policy(now.policy());
                rate(now.rate());
            });
        } catch (IllegalArgumentException e) {
            throw noRoom(e);
        }
    }

    private void await(BooleanSupplier event) {
        relocation.await(
                target,
                () -> {
                    if (!failure.isEmpty()) {
                        throw FullException.of(failure, isFull);
                    }
                    return event.getAsBoolean();
                });
    }

    /** Requests are held. */
    private boolean becomeTarget() {
        try {
            Volumes.switchTo(copy, from.volume(), relocation.name(), same);
        } catch (RuntimeException e) {
            // The copy may have got the name nevertheless: nobody is to take it for the vDisk.
            recordAbandoned();
            throw e;
        }
        relocation.arrived(new Home(target.site(), target.pool(), copy, qos));
        OnReactor.tell(reactor, () -> device.mover().switched());
        relocation.remainsAt(State.MOVED, from, target);
        relocation.changed();
        return true;
    }

    private void recordAbandoned() {
        while (true) {
            try {
                relocation.write(State.ABANDONED, from, target);
                relocation.remainsAt(State.ABANDONED, from, target);
                return;
            } catch (ResourceException e) {
                LOG.log(Level.ERROR, "vDisk " + relocation.name() + " waits: " + e.getMessage());
                pause();
            }
        }
    }

    private void pause() {
        LockSupport.parkNanos(TimeUnit.SECONDS.toNanos(1));
    }

    /** The vDisk stays what it was. */
    private void undo() {
        OnReactor.tell(reactor, () -> device.mover().stop());
        leaveFor(from);
        copy.close();
        closeQos();
    }

    /** The vDisk is the target. */
    private void finish() {
        leaveFor(relocation.home());
        from.volume().close();
        if (!same) {
            from.qos().close();
        }
        relocation.write(State.MOVED, from, target);
    }

    /** Front ends go over to where the vDisk is, and the device in between is closed. */
    private void leaveFor(Home to) {
        BlockDevice direct = HopDevice.over(to.volume().device());
        while (!front.change(direct, to.qos()).join()) {
            // Those that could not stay with the device in between, which serves them as well.
            pause();
        }
        device.close();
    }

    @Override
    public void converged() {
        relocation.note(() -> converged = true);
    }

    @Override
    public void held() {
        relocation.note(() -> held = true);
    }

    @Override
    public void failed(String why, boolean noSpace) {
        relocation.note(() -> {
            failure = why;
            isFull = noSpace;
        });
    }
}
