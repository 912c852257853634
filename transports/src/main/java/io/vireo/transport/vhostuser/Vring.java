package io.vireo.transport.vhostuser;

import io.vireo.device.VirtioDevice;
import io.vireo.linux.Fd;
import io.vireo.memory.GuestMemory;
import io.vireo.memory.NativeMemory;
import io.vireo.reactor.Reactor;
import io.vireo.virtqueue.DirtyLog;
import io.vireo.virtqueue.FailureListener;
import io.vireo.virtqueue.InflightRegion;
import io.vireo.virtqueue.Virtqueue;
import io.vireo.virtqueue.VirtqueueConfig;
import io.vireo.virtqueue.VirtqueueConfig.RingAddresses;
import io.vireo.virtqueue.VirtqueueException;
import java.io.UncheckedIOException;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A ring as the front end tells of it, piece by piece and in any order, and the queue that runs
 * once it is complete (the specification, "Ring states"). It starts when it is enabled and the
 * front end has given its kick descriptor: we do not wait for the first kick, since a network
 * card's receive ring may never get one.
 *
 * <p>A ring that the front end disables stands still, or, if the device wishes it, runs on with its
 * requests dropped: {@link VirtioDevice#drainsDisabled}. One that it has neither enabled nor
 * disabled yet is about to be enabled, and what waits in it is not dropped.
 *
 * <p>The reset of one queue (VIRTIO 1.3, 2.6.1) comes as a GET_VRING_BASE, and the queue's new life
 * as what tells of a ring: the protocol has no message of its own for it.
 */
final class Vring {
    private enum Phase {
        STOPPED,
        STARTING,
        RUNNING,
        STOPPING
    }

    private final VirtioDevice device;
    private final int index;
    private final Reactor control;
    private final Signals signals;

    // Written by the control reactor; the others read it after a memory fault.
    private volatile Reactor reactor;
    private volatile Phase phase = Phase.STOPPED;
    private volatile int size;
    private volatile boolean packed;
    private volatile @Nullable RingAddresses addresses;

    /** Bytes of the event field behind the rings of a split queue that runs. */
    private volatile int eventBytes;

    private int base;
    private OptionalLong usedLog = OptionalLong.empty();
    private boolean kickable;

    /** Whether it does not start before the next SET_VRING_BASE. */
    private boolean baseless;

    /** Whether all that it ever took is completed, and the base is where it goes on. */
    private boolean clean;

    /** Whether it was stopped before it had taken up again all that the record has. */
    private boolean unfinished;

    private Optional<Boolean> enabled = Optional.empty();

    /** After a memory fault its reactor reads it, too. */
    private volatile @Nullable Virtqueue queue;

    Vring(VirtioDevice device, int index, Reactor control) {
        this.device = device;
        this.index = index;
        this.control = control;
        reactor = device.reactor(index);
        signals = new Signals(reactor);
    }

    int index() {
        return index;
    }

    Reactor reactor() {
        return reactor;
    }

    Signals signals() {
        return signals;
    }

    /**
     * Gives the ring to the reactor that the device names now. It is stopped, and the reactor
     * before has nothing left to do for it.
     */
    void rehome() {
        requireIdle();
        reactor = device.reactor(index);
        signals.rehome(reactor);
    }

    private void requireIdle() {
        if (phase != Phase.STOPPED) {
            throw new IllegalStateException("ring " + index + " is not stopped");
        }
    }

    boolean stopped() {
        return phase == Phase.STOPPED;
    }

    boolean running() {
        return phase == Phase.RUNNING;
    }

    /** Whether it runs and is not only drained. */
    boolean serving() {
        return running() && enabled.orElse(true);
    }

    /** The queue that runs, if one does. */
    @Nullable Virtqueue queue() {
        return phase == Phase.RUNNING ? queue : null;
    }

    /** The features say whether it is a packed ring. */
    void format(boolean packed) {
        this.packed = packed;
    }

    /** SET_VRING_NUM. */
    void size(int entries) throws ViolationException {
        if (!VirtqueueConfig.isSize(entries, packed)) {
            throw new ViolationException(
                    (packed
                                    ? "a packed ring's size is from 1 to "
                                    : "a split ring's size is a power of two from 1 to ")
                            + VirtqueueConfig.MAX_SIZE);
        }
        if (entries != size) {
            requireStopped();
        }
        size = entries;
    }

    /** SET_VRING_ADDR; the parts are checked as far as they are known yet. */
    void addresses(RingAddresses to, GuestMemory memory) throws ViolationException {
        if (!to.equals(addresses)) {
            requireStopped();
        }
        int driver = packed ? 4 : 2;
        if ((to.descriptors() & 15) != 0
                || (to.available() & (driver - 1)) != 0
                || (to.used() & 3) != 0) {
            throw new ViolationException(
                    "rings are aligned to 16 (descriptors), "
                            + driver
                            + " (driver) and 4 (device)");
        }
        checkAddresses(to, memory);
        addresses = to;
    }

    /**
     * SET_VRING_ADDR: guest address by which writes to the used ring are marked in the dirty log.
     */
    void logAddress(OptionalLong to) throws ViolationException {
        if (to.isPresent() && (to.getAsLong() < 0 || (to.getAsLong() & 3) != 0)) {
            throw new ViolationException("the address of a used ring in the log is aligned to 4");
        }
        usedLog = to;
    }

    /** Has a running queue mark what it writes, or no more; {@code done} runs on its reactor. */
    void log(Optional<DirtyLog> to, Runnable done) {
        var marked = queue;
        var used = usedLog;
        reactor.execute(() -> {
            if (marked != null) {
                log(marked, to, used);
            }
            done.run();
        });
    }

    private static void log(Virtqueue marked, Optional<DirtyLog> to, OptionalLong used) {
        try {
            marked.log(to, used);
            NativeMemory.settle();
        } catch (InternalError e) {
            marked.fail("the dirty log is gone");
        } catch (RuntimeException e) {
            // A bug; the session ends by it, and whoever waits goes on.
            marked.fail("it cannot mark what it writes: " + e);
        }
    }

    private void checkAddresses(RingAddresses to, GuestMemory memory) throws ViolationException {
        int entries = Math.max(1, size);
        if (memory.userToHost(to.descriptors(), 16L * entries) == GuestMemory.INVALID
                || memory.userToHost(to.available(), driverBytes(entries)) == GuestMemory.INVALID
                || memory.userToHost(to.used(), deviceBytes(entries)) == GuestMemory.INVALID) {
            throw new ViolationException("rings lie in shared memory");
        }
    }

    // Sizes of the parts (VIRTIO 1.3, 2.7 and 2.8.10.1). Whether there are event fields is certain
    // when the ring starts: then its queue finds out whether they are in the memory.

    private long driverBytes(int entries) {
        return packed ? 4 : 4 + 2L * entries + eventBytes;
    }

    private long deviceBytes(int entries) {
        return packed ? 4 : 4 + 8L * entries + eventBytes;
    }

    /** Checks that a running ring would survive a change of memory. */
    void checkMemory(GuestMemory memory) throws ViolationException {
        if (phase == Phase.RUNNING && addresses != null) {
            checkAddresses(addresses, memory);
        }
    }

    /**
     * Has the parts of a ring that runs tested, after a memory fault; true if each passed. Any
     * thread.
     */
    boolean testParts(GuestMemory memory, Virtqueue.RangeTest test) {
        var where = addresses;
        if (phase == Phase.STOPPED || where == null) {
            return true;
        }
        return testPart(memory, where.descriptors(), 16L * size, packed, test)
                && testPart(memory, where.available(), driverBytes(size), false, test)
                && testPart(memory, where.used(), deviceBytes(size), true, test);
    }

    private static boolean testPart(
            GuestMemory memory,
            long userAddress,
            long length,
            boolean written,
            Virtqueue.RangeTest test) {
        long address = memory.userToHost(userAddress, length);
        return address == GuestMemory.INVALID || test.test(address, length, written);
    }

    /** Whether {@code current}, its reactor, has touched buffers in this turn or the one before. */
    boolean touchedBuffers(Reactor current) {
        var touched = queue;
        return current == reactor
                && touched != null
                && touched.poppedSince(current.turnNumber() - 1);
    }

    /** Has these buffers tested, after a memory fault; true if each passed. */
    boolean testBuffers(Reactor current, Virtqueue.RangeTest test) {
        var touched = queue;
        return touched == null || !touchedBuffers(current) || touched.testPopped(test);
    }

    /** SET_VRING_BASE: an index, or two with wrap counters; see {@link VirtqueueConfig#base}. */
    void base(int indices) throws ViolationException {
        if (!packed && (indices < 0 || indices > 0xffff)) {
            throw new ViolationException("an index of a split ring has 16 bits");
        }
        requireStopped();
        base = indices;
        baseless = false;
    }

    /** Where to go on; of a ring that is stopped. */
    int base() {
        return base;
    }

    private void requireStopped() throws ViolationException {
        if (phase != Phase.STOPPED) {
            throw new ViolationException("the ring is running");
        }
    }

    /** SET_VRING_KICK. */
    void kick(@Nullable Fd fd) {
        kickable = true;
        reactor.execute(() -> signals.kick(fd));
    }

    /** The front end has to give a kick descriptor again. */
    void forgetKick() {
        kickable = false;
    }

    /**
     * The ring may have been reset: its memory is the driver's again, and nothing of it is true any
     * more. It starts when size, addresses, base and kick descriptor have come again, in whatever
     * order.
     */
    void forgetPlace() {
        size = 0;
        addresses = null;
        usedLog = OptionalLong.empty();
        baseless = true;
        forgetRest();
    }

    /** What was left of the record was of a ring that is no more. */
    private void forgetRest() {
        clean |= unfinished;
        unfinished = false;
    }

    /** The front end gave a record of what is in flight: that says where the ring goes on. */
    void recordGiven() {
        clean = false;
        unfinished = false;
    }

    /** SET_VRING_ENABLE. */
    void enable(boolean to) {
        enabled = Optional.of(to);
    }

    /**
     * RESET_DEVICE: what the front end tells before it starts a device is forgotten; call and error
     * descriptors are not.
     *
     * <p>The base stays too: QEMU sets the status to 0 when it pauses a guest, and only then asks
     * for the bases, from which it goes on.
     */
    void reset() {
        size = 0;
        packed = false;
        addresses = null;
        usedLog = OptionalLong.empty();
        kickable = false;
        baseless = false;
        enabled = Optional.empty();
        forgetRest();
    }

    /** Whether all is known that it takes to start, and it is not running. */
    boolean ready(long features) {
        boolean byDefault = (features & Bits.PROTOCOL_FEATURES) == 0;
        return phase == Phase.STOPPED
                && kickable
                && !baseless
                && size > 0
                && addresses != null
                && (enabled.orElse(byDefault) || drained());
    }

    private boolean drained() {
        return enabled.isPresent() && !enabled.get() && device.drainsDisabled(index);
    }

    /**
     * Starts a ring that is {@link #ready}.
     *
     * @param done gets what prevented it, or null; on the control reactor
     */
    void start(
            long features,
            GuestMemory memory,
            Optional<InflightRegion> inflight,
            Optional<DirtyLog> log,
            FailureListener failures,
            Consumer<@Nullable String> done) {
        var where = addresses;
        if (where == null) {
            throw new IllegalStateException("ring " + index + " is not ready");
        }
        phase = Phase.STARTING;
        eventBytes = (features & Bits.EVENT_IDX) == 0 ? 0 : Short.BYTES;
        boolean drain = drained();
        var config =
                new VirtqueueConfig(
                        index, size, where, base, features, memory, signals, inflight, failures);
        var used = usedLog;
        boolean anew = clean;
        clean = false;
        unfinished = false;
        reactor.execute(() -> {
            var outcome = activate(config, anew);
            if (outcome instanceof Virtqueue activated && log.isPresent()) {
                log(activated, log, used);
            }
            control.execute(() -> started(outcome, done));
            if (outcome instanceof Virtqueue activated) {
                // Whatever happens in it, the session knows of the queue and stops it in the end.
                run(activated, drain);
            }
        });
    }

    private Object activate(VirtqueueConfig config, boolean anew) {
        try {
            if (anew) {
                // The record of a ring that has been reset since would say where the old one was.
                config.inflight().ifPresent(InflightRegion::clear);
            }
            var activated = config.activate();
            NativeMemory.settle();
            activated.countTurns(reactor::turnNumber);
            signals.attach(activated);
            return activated;
        } catch (VirtqueueException e) {
            return String.valueOf(e.getMessage());
        } catch (InternalError e) {
            return "the guest's memory is gone";
        } catch (UncheckedIOException e) {
            signals.detach();
            return "the host cannot watch its kick descriptor: " + e.getMessage();
        } catch (RuntimeException e) {
            // A bug; the front end has an answer all the same.
            signals.detach();
            return "it could not be started: " + e;
        }
    }

    private void run(Virtqueue activated, boolean drain) {
        try {
            device.startQueue(index, activated);
            if (drain) {
                device.enableQueue(index, false);
            }
            signals.makeUp();
        } catch (RuntimeException e) {
            // A bug. The queue may run, or half of it: as a broken one it is stopped with its
            // session.
            activated.fail("it could not be started: " + e);
        }
    }

    private void started(Object outcome, Consumer<@Nullable String> done) {
        if (outcome instanceof Virtqueue started) {
            queue = started;
            phase = Phase.RUNNING;
            done.accept(null);
        } else {
            phase = Phase.STOPPED;
            eventBytes = 0;
            done.accept((String) outcome);
        }
    }

    /**
     * Has a ring that runs do what the last {@link #enable} said: {@code done} runs on the control
     * reactor when it does.
     */
    void follow(Runnable done) {
        boolean to = enabled.orElse(true);
        if (!to && !device.drainsDisabled(index)) {
            stop(done);
            return;
        }
        reactor.execute(() -> {
            try {
                device.enableQueue(index, to);
            } finally {
                control.execute(done);
            }
        });
    }

    /**
     * Stops a ring that runs: {@code done} runs on the control reactor when the last request is
     * completed.
     */
    void stop(Runnable done) {
        var stopping = queue;
        if (phase != Phase.RUNNING || stopping == null) {
            throw new IllegalStateException("ring " + index + " is not running");
        }
        phase = Phase.STOPPING;
        reactor.execute(() -> {
            signals.detach();
            device.stopQueue(index, () -> drained(stopping, done));
        });
    }

    private void drained(Virtqueue stopped, Runnable done) {
        int next = stopped.stop();
        boolean rest = stopped.recoveredLeft() > 0;
        control.execute(() -> {
            base = next;
            clean = !rest;
            unfinished = rest;
            queue = null;
            phase = Phase.STOPPED;
            eventBytes = 0;
            done.run();
        });
    }

    /** Closes the descriptors. The ring is stopped. */
    void close() {
        reactor.execute(signals::close);
    }
}
