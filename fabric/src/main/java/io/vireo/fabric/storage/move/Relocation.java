package io.vireo.fabric.storage.move;

import io.vireo.block.BlockPool;
import io.vireo.block.BlockVolume;
import io.vireo.fabric.storage.move.Whereabouts.Place;
import io.vireo.fabric.storage.move.Whereabouts.State;
import io.vireo.fabric.storage.qos.DiskQosPolicy;
import io.vireo.fabric.storage.qos.PoolQos;
import io.vireo.fabric.storage.qos.QosDevice;
import io.vireo.fabric.storage.qos.VdiskQos;
import io.vireo.fabric.storage.transfer.Transfer;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.ReactorGroup;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Has a vDisk where it is to be, on a thread of its own for as long as it is not. What fails is
 * tried again, from the beginning, until it succeeds or another place is wanted: the vDisk stays in
 * use where it is.
 */
public final class Relocation {
    private static final Logger LOG = System.getLogger(Relocation.class.getName());
    private static final long RETRY_NANOS = TimeUnit.SECONDS.toNanos(10);

    /** Where a vDisk is. */
    public record Home(Site site, BlockPool pool, BlockVolume volume, VdiskQos qos) {}

    /**
     * Where it is to be.
     *
     * @param policy its own
     * @param striped where its chunks lie there, see {@link BlockVolume#striped}
     * @param rate bytes per second that are copied at most; 0: no bound
     */
    public record Target(
            Site site,
            BlockPool pool,
            PoolQos qos,
            Optional<DiskQosPolicy> policy,
            Optional<Boolean> striped,
            long rate) {}

    /**
     * What an earlier move has left somewhere else, to be deleted.
     *
     * @param pool where it is
     */
    public record Remains(Place place, BlockPool pool) {}

    /** A copy that is being filled, and where it is. */
    private record Filling(Site site, BlockVolume copy) {}

    private final String name;
    private final Whereabouts whereabouts;
    private final QosDevice front;
    private final ReactorGroup reactors;
    private final Supplier<String> obstacle;
    private final Runnable changed;
    private final long retryNanos;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition news = lock.newCondition();

    // Guarded by the lock.
    private Target wanted;
    private Optional<Remains> remains;
    private boolean running;
    private boolean stopping;
    private @Nullable Runnable onStopped;
    private Optional<Filling> filling = Optional.empty();

    /** On the thread that moves it. */
    private final FilledPool full = new FilledPool();

    private volatile Home home;
    private volatile Optional<SnapshotCopies> snapshots = Optional.empty();
    private volatile Optional<Attempt> attempt = Optional.empty();
    private volatile String problem = "";

    /** How far the last attempt that failed had copied. */
    private volatile long failedAt;

    /**
     * @param name of the vDisk's volume
     * @param front what servers use
     * @param home where it is now
     * @param obstacle what it has to wait for before it can be moved; empty: nothing
     * @param changed runs on any thread when its status is another one
     */
    public Relocation(
            String name,
            Whereabouts whereabouts,
            QosDevice front,
            ReactorGroup reactors,
            Home home,
            Optional<Remains> remains,
            Supplier<String> obstacle,
            Runnable changed) {
        this(name, whereabouts, front, reactors, home, remains, obstacle, changed, RETRY_NANOS);
    }

    Relocation(
            String name,
            Whereabouts whereabouts,
            QosDevice front,
            ReactorGroup reactors,
            Home home,
            Optional<Remains> remains,
            Supplier<String> obstacle,
            Runnable changed,
            long retryNanos) {
        this.name = name;
        this.whereabouts = whereabouts;
        this.front = front;
        this.reactors = reactors;
        this.home = home;
        this.remains = remains;
        this.obstacle = obstacle;
        this.changed = changed;
        this.retryNanos = retryNanos;
        wanted =
                new Target(
                        home.site(),
                        home.pool(),
                        home.qos().pool(),
                        Optional.empty(),
                        Optional.empty(),
                        0);
    }

    /** Of the vDisk's volume. */
    String name() {
        return name;
    }

    /** What servers use. */
    QosDevice front() {
        return front;
    }

    /** A reactor for a move between devices that have none. */
    Reactor nextReactor() {
        return reactors.next();
    }

    /** Its status is another one. */
    void changed() {
        changed.run();
    }

    /** Where it is. */
    public Home home() {
        return home;
    }

    /** Where it is to be. */
    public Site wanted() {
        lock.lock();
        try {
            return wanted.site();
        } finally {
            lock.unlock();
        }
    }

    /** Whether it is not where it is to be, or still leaves something behind. */
    public boolean isUnderWay() {
        lock.lock();
        try {
            return running;
        } finally {
            lock.unlock();
        }
    }

    /** Names of the pools that it uses now. */
    public List<String> pools() {
        lock.lock();
        try {
            var pools = new ArrayList<String>();
            pools.add(home.site().pool());
            if (running) {
                pools.add(wanted.site().pool());
                attempt.ifPresent(each -> pools.add(each.target().site().pool()));
                remains.ifPresent(left -> {
                    pools.add(left.place().from().pool());
                    pools.add(left.place().to().pool());
                });
            }
            return pools;
        } finally {
            lock.unlock();
        }
    }

    /** Why it cannot get there just now, and what to do; empty: nothing is wrong. */
    public String problem() {
        // An attempt that got further than the last one is not known to fail as well.
        return position() > failedAt ? "" : problem;
    }

    /** Bytes that this attempt has gone through, of snapshots and of itself. */
    private long position() {
        return snapshots.map(SnapshotCopies::position).orElse(0L)
                + attempt.map(each -> each.position()).orElse(0L);
    }

    /** How far it is; empty: nothing is copied. */
    public Optional<Transfer.Progress> progress() {
        return snapshots.map(each ->
                new Transfer.Progress(
                        false,
                        position(),
                        each.total() + home.volume().device().geometry().capacity(),
                        "",
                        List.of(),
                        System.nanoTime() - each.began()));
    }

    /**
     * Does something while it rests, and does not begin to move.
     *
     * @return false: it is being moved, and nothing was done
     */
    public boolean atRest(Runnable task) {
        lock.lock();
        try {
            if (!running) {
                task.run();
            }
            return !running;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Wants it there. If it is on its way to somewhere else that is given up; if it is there, or
     * never left, nothing more happens.
     */
    public void goTo(Target target) {
        lock.lock();
        try {
            attempt.ifPresent(each -> each.policy(target.policy()));
            wanted = target;
            attempt.filter(each -> each.target().site().equals(target.site()))
                    .ifPresent(each -> each.rate(target.rate()));
            news.signalAll();
            snapshots.ifPresent(each -> each.wanted(target.rate()));
            filling.ifPresent(each -> place(each, target));
            boolean rests = target.site().equals(home.site()) && remains.isEmpty();
            if (running || rests || stopping) {
                return;
            }
            running = true;
        } finally {
            lock.unlock();
        }
        Thread.ofPlatform().name("move-" + name).daemon(true).start(this::run);
    }

    /**
     * Ends it, soon. What is copied is lost; the next daemon begins anew. Nobody uses the vDisk.
     *
     * @param whenStopped runs, on any thread, when it uses nothing any more but the vDisk's home
     */
    public void stop(Runnable whenStopped) {
        lock.lock();
        try {
            stopping = true;
            news.signalAll();
            snapshots.ifPresent(SnapshotCopies::look);
            if (running) {
                onStopped = whenStopped;
                return;
            }
        } finally {
            lock.unlock();
        }
        whenStopped.run();
    }

    private void run() {
        while (true) {
            Target target;
            lock.lock();
            try {
                target = wanted;
                boolean rests = target.site().equals(home.site()) && remains.isEmpty();
                if (rests || stopping) {
                    problem = "";
                    running = false;
                    break;
                }
            } finally {
                lock.unlock();
            }
            step(target);
        }
        changed.run();
        Runnable told;
        lock.lock();
        try {
            told = onStopped;
            onStopped = null;
        } finally {
            lock.unlock();
        }
        if (told != null) {
            told.run();
        }
    }

    private void step(Target target) {
        try {
            if (remains.isPresent()) {
                clear(remains.get());
            } else {
                move(target);
                problem = "";
                changed.run();
            }
        } catch (WithdrawnException e) {
            problem = "";
            changed.run();
        } catch (ResourceException | FullException e) {
            failed(target, String.valueOf(e.getMessage()));
        } catch (RuntimeException e) {
            LOG.log(Level.ERROR, "vDisk " + name + " cannot be moved", e);
            failed(target, "a defect of Vireo: " + e);
        }
    }

    private void failed(Target target, String why) {
        if (!problem.equals(why)) {
            LOG.log(Level.WARNING, "vDisk " + name + ": " + why);
            problem = why;
            changed.run();
        }
        lock.lock();
        try {
            long left = retryNanos;
            while (left > 0 && !stopping && wanted.site().equals(target.site())) {
                left = news.awaitNanos(left);
            }
        } catch (InterruptedException e) {
            stopping = true;
        } finally {
            lock.unlock();
        }
    }

    /** Deletes what a move has left. */
    private void clear(Remains left) {
        Volumes.clear(left.place(), left.pool(), home.volume(), name);
        whereabouts.write(Place.at(home.site()));
        lock.lock();
        try {
            remains = Optional.empty();
        } finally {
            lock.unlock();
        }
    }

    private void move(Target target) {
        Home from = home;
        if (!obstacle.get().isEmpty()) {
            throw new ResourceException(ErrorCode.NOT_READY, obstacle.get());
        }
        long free = full.check(target);
        var found = from.pool().snapshotsOf(name);
        MoveRules.check(name, from, target, found);
        write(State.COPYING, from, target);
        remainsAt(State.COPYING, from, target);
        try (var copies =
                new SnapshotCopies(from.pool(), target.pool(), found, () -> isGivenUp(target))) {
            copies.wanted(target.rate());
            snapshots = Optional.of(copies);
            move(from, target, copies);
            full.forget();
        } catch (FullException e) {
            full.filledBy(target, free, e);
            throw e;
        } finally {
            filled();
            failedAt = position();
            attempt = Optional.empty();
            snapshots = Optional.empty();
        }
    }

    private void move(Home from, Target target, SnapshotCopies copies) {
        long size = from.volume().device().geometry().capacity();
        var format = MoveRules.format(name, from, copies.capacity(size));
        BlockVolume copy = Volumes.makeCopy(target.pool(), name, target.site(), format);
        try {
            fill(new Filling(target.site(), copy));
            copies.run(copy, name + Volumes.COPY);
            if (format.capacity() < size) {
                copy.grow(size);
            }
        } catch (RuntimeException e) {
            copy.close();
            throw e;
        }
        var current = new Attempt(this, from, target, copy, copies.base());
        attempt = Optional.of(current);
        current.run();
    }

    /** From its first chunk on a copy's chunks lie as is wanted by then. */
    private void fill(Filling begun) {
        lock.lock();
        try {
            filling = Optional.of(begun);
            place(begun, wanted);
        } finally {
            lock.unlock();
        }
    }

    private static void place(Filling filling, Target target) {
        if (filling.site().equals(target.site())) {
            filling.copy().striped(target.striped());
        }
    }

    private void filled() {
        lock.lock();
        try {
            filling = Optional.empty();
        } finally {
            lock.unlock();
        }
    }

    /** What is wanted of a target by now, if it still is the target. */
    Target latest(Target target) {
        lock.lock();
        try {
            return wanted.site().equals(target.site()) ? wanted : target;
        } finally {
            lock.unlock();
        }
    }

    /** Whether an attempt is to end: another place is wanted, or none. */
    boolean isGivenUp(Target target) {
        lock.lock();
        try {
            return stopping || !wanted.site().equals(target.site());
        } finally {
            lock.unlock();
        }
    }

    /**
     * Waits for an event of an attempt.
     *
     * @param event is asked with the lock held
     * @throws WithdrawnException if the target is given up meanwhile
     */
    void await(Target target, BooleanSupplier event) {
        lock.lock();
        try {
            while (!isGivenUp(target)) {
                if (event.getAsBoolean()) {
                    return;
                }
                news.awaitUninterruptibly();
            }
            throw new WithdrawnException();
        } finally {
            lock.unlock();
        }
    }

    /** Notes an event of an attempt, with the lock held, and has {@link #await} look. */
    void note(Runnable event) {
        lock.lock();
        try {
            event.run();
            news.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Notes durably how far the way to a target is. */
    void write(State state, Home from, Target target) {
        whereabouts.write(new Place(state, from.site(), target.site()));
    }

    /** It is the target now. */
    void arrived(Home newHome) {
        home = newHome;
    }

    /** What is to be deleted when this attempt is over, however it ends. */
    void remainsAt(State state, Home from, Target target) {
        var place = new Place(state, from.site(), target.site());
        lock.lock();
        try {
            remains =
                    Optional.of(
                            new Remains(place, state == State.MOVED ? from.pool() : target.pool()));
        } finally {
            lock.unlock();
        }
    }
}
