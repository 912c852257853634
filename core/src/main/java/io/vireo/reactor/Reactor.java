package io.vireo.reactor;

import io.vireo.linux.Epoll;
import io.vireo.linux.ErrnoException;
import io.vireo.linux.Eventfd;
import io.vireo.linux.ForeignMemory;
import io.vireo.linux.Sched;
import java.io.UncheckedIOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.jctools.queues.MessagePassingQueue;
import org.jctools.queues.varhandle.MpscUnboundedVarHandleArrayQueue;

/**
 * One platform thread, pinned if so configured, that runs pollers, watches file descriptors, keeps
 * timers and takes messages from other threads. It allocates nothing per turn.
 *
 * <p>A poller without work for a while is parked; with none active the thread sleeps in epoll. A
 * poller, handler or task that throws is a bug: the poller is removed, the rest goes on. An {@link
 * InternalError} is memory of a guest that went away (architecture: foreign memory): the poller
 * stays and each {@link MemoryFaultListener} whose memory may have been touched is asked for it.
 * What a poller, handler or task owes of such errors comes before the next one runs, which has done
 * nothing for it and may not be able to go on where it was cut off.
 *
 * <p>A {@link #stepped} reactor has no thread and a clock of its own: a test runs it turn by turn,
 * so that the same inputs have the same outcome.
 */
public final class Reactor {
    private static final Logger LOG = System.getLogger(Reactor.class.getName());

    /** Descriptors are looked at this often at most while there is work. */
    private static final long EPOLL_EVERY_NANOS = TimeUnit.MICROSECONDS.toNanos(20);

    /** Messages taken per turn, so that a storm of them does not starve the pollers. */
    private static final int MESSAGES_PER_TURN = 256;

    /**
     * Pauses of a turn without work: re-reading an empty ring at full speed slows the driver's side
     * down.
     */
    private static final int PAUSES_WHEN_IDLE = 4;

    private final String name;
    private final int cpu;
    private final PollMode pollMode;
    private final boolean stepped;
    private final Thread thread;
    private final Watches watches;
    private final Eventfd wakeup;
    private final MpscUnboundedVarHandleArrayQueue<Runnable> mailbox =
            new MpscUnboundedVarHandleArrayQueue<>(1024);
    private final MessagePassingQueue.Consumer<Runnable> runTask = this::runTask;
    private final Timers timers = new Timers(this::clock);
    private final MemoryFaults faults;
    private final CountDownLatch started = new CountDownLatch(1);

    private PollerEntry[] active = new PollerEntry[16];
    private int activeCount;

    /** To be run at the end of this turn. */
    private Runnable[] last = new Runnable[4];

    private int lastCount;

    /** Requests that other threads carry out. */
    private int delegated;

    /** Nanoseconds without work after which a poller is parked. */
    private long patience;

    private long now;
    private long lastEpoll;
    private boolean running = true;

    /**
     * True while the thread is in, or about to enter, a wait. Written by the reactor, read by those
     * who post.
     */
    private volatile boolean sleeping;

    /** Of a stepped reactor: whether somebody is in {@link #step}. */
    private boolean stepping;

    private long turns;
    private long work;
    private long busyNanos;
    private boolean worked;
    private long sleeps;
    private long memoryFaults;
    private long failures;
    private int parkedCount;

    private Reactor(ReactorConfig config, boolean stepped) throws ErrnoException {
        name = config.name();
        this.stepped = stepped;
        cpu = config.cpu();
        pollMode = config.pollMode();
        patience = pollMode.parkAfterNanos();
        watches = new Watches(name);
        faults = new MemoryFaults(name);
        wakeup = Eventfd.create();
        watch(wakeup.fd().number(), Epoll.EPOLLIN, _ -> wakeup.drain());
        thread = Thread.ofPlatform().name(name).daemon(true).unstarted(this::run);
    }

    /**
     * Starts a reactor.
     *
     * @throws UncheckedIOException if the host has no descriptors left, or the CPU cannot be had
     */
    public static Reactor start(ReactorConfig config) {
        try {
            var reactor = new Reactor(config, false);
            reactor.thread.start();
            reactor.started.await();
            return reactor;
        } catch (ErrnoException e) {
            throw new UncheckedIOException("reactor " + config.name() + " cannot start", e);
        } catch (InterruptedException e) {
            throw new IllegalStateException("interrupted while starting " + config.name(), e);
        }
    }

    /**
     * Makes a reactor without a thread, for tests: it does something only in {@link #step} and
     * {@link #await}, which one thread calls. Its clock begins at 0 and moves only when nothing
     * else is left to do, to the next timer. It parks nobody, and does not look at file
     * descriptors.
     *
     * @throws UncheckedIOException if the host has no descriptors left
     */
    public static Reactor stepped(String name) {
        try {
            return new Reactor(new ReactorConfig(name, -1, PollMode.BUSY), true);
        } catch (ErrnoException e) {
            throw new UncheckedIOException("reactor " + name + " cannot be made", e);
        }
    }

    /**
     * Runs one turn of a {@link #stepped} reactor; not from within one.
     *
     * @return how much was done, timers that the clock was moved to included; 0: nothing will ever
     *     happen by itself
     */
    public int step() {
        if (!stepped || stepping) {
            throw new IllegalStateException("reactor " + name + " cannot be stepped here");
        }
        stepping = true;
        try {
            turns++;
            int done = mailbox.drain(runTask, MESSAGES_PER_TURN) + expireTimers() + pollActive();
            runLast();
            if (done == 0 && !timers.isEmpty()) {
                now = Math.max(now, timers.next());
                done = expireTimers();
            }
            work += done;
            return done;
        } finally {
            stepping = false;
        }
    }

    /**
     * Waits for something that this reactor completes; a stepped one is run meanwhile. Not from its
     * own thread.
     *
     * @throws IllegalStateException if a stepped reactor has nothing left to do
     */
    public <T> T await(CompletableFuture<T> future)
            throws InterruptedException, ExecutionException {
        while (stepped && !future.isDone()) {
            if (step() == 0) {
                throw new IllegalStateException(
                        "reactor "
                                + name
                                + " has nothing left to do, and what is waited for is not done");
            }
        }
        return future.get();
    }

    public String name() {
        return name;
    }

    /** Whether the caller runs on this reactor. */
    public boolean onThread() {
        return stepped ? stepping : Thread.currentThread() == thread;
    }

    /**
     * Runs a task on this reactor, soon; tasks of one thread run in the order they were given. Any
     * thread.
     */
    public void execute(Runnable task) {
        mailbox.offer(task);
        // The queue's own store and this load may be reordered (StoreLoad): without the full fence
        // the reactor could go to sleep having missed the task while we still see it awake.
        VarHandle.fullFence();
        if (sleeping) {
            wakeup.signal();
        }
    }

    /** Adds a poller, active. */
    public Registration add(Poller poller) {
        var entry = new PollerEntry(poller);
        activate(entry);
        return entry;
    }

    /**
     * Watches a descriptor, level-triggered.
     *
     * @param events bits of {@code EPOLLIN} and the like
     * @throws UncheckedIOException if the kernel cannot watch it
     */
    public FdWatch watch(int fd, int events, FdHandler handler) {
        return watches.add(fd, events, handler);
    }

    /**
     * Runs a task once after all pollers of this turn, and before anything else, whatever happens
     * in it: for what a poller puts off because others may have more of the kind. For pollers.
     */
    public void atEndOfTurn(Runnable task) {
        if (lastCount == last.length) {
            last = Arrays.copyOf(last, lastCount * 2);
        }
        last[lastCount++] = task;
    }

    private void runLast() {
        for (int i = 0; i < lastCount; i++) {
            runTask(last[i]);
        }
        lastCount = 0;
    }

    /** Runs a task on this reactor after {@code delayNanos}. */
    public Timer schedule(long delayNanos, Runnable task) {
        Timer timer = timers.of(task);
        timer.start(delayNanos);
        return timer;
    }

    /** A timer that is not started: for tasks that run again and again, and to allocate nothing. */
    public Timer timer(Runnable task) {
        return timers.of(task);
    }

    /**
     * So many requests more, or less, are carried out by other threads: the kernel's that flush and
     * allocate, or ours that do what the kernel has no call for that does not wait. While there are
     * any, a poller without work is parked soon. The kernel may have bound them to this core, where
     * they wait for as long as this reactor looks for work: a flush took 130 us instead of 40.
     */
    public void delegated(int change) {
        delegated += change;
        patience = delegated > 0 ? pollMode.parkWhileOthersWorkNanos() : pollMode.parkAfterNanos();
    }

    /** Number of this turn; on this reactor. */
    public long turnNumber() {
        return turns;
    }

    /** {@link System#nanoTime} at the start of this turn; of a stepped reactor, its own clock. */
    public long nanoTime() {
        return now;
    }

    /** What timers are started by. */
    private long clock() {
        return stepped ? now : System.nanoTime();
    }

    /** Adds a listener for memory faults. */
    public void onMemoryFault(MemoryFaultListener listener) {
        faults.add(listener);
    }

    /** Removes a listener. */
    public void removeMemoryFaultListener(MemoryFaultListener listener) {
        faults.remove(listener);
    }

    /** Counters so far; from any thread, each a little out of date. */
    public ReactorMetrics metrics() {
        return new ReactorMetrics(
                turns,
                work,
                busyNanos,
                sleeps,
                memoryFaults,
                failures + faults.failures(),
                activeCount,
                parkedCount,
                delegated);
    }

    /**
     * Stops the thread after the messages that are already in its mailbox, and waits for it. Not
     * from its own thread. A stepped reactor is just over.
     */
    public void close() {
        if (stepped) {
            watches.close();
            wakeup.close();
            return;
        }
        execute(() -> running = false);
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void run() {
        pin();
        watches.hangBell();
        now = System.nanoTime();
        started.countDown();
        while (running) {
            try {
                turn();
            } catch (InternalError e) {
                // Of none of those that the turn runs; the thread outlives it all the same.
                fault(e);
            }
        }
        watches.close();
        wakeup.close();
    }

    private void pin() {
        if (cpu < 0) {
            return;
        }
        try {
            Sched.pin(cpu);
        } catch (ErrnoException e) {
            LOG.log(Level.WARNING, name + ": not pinned to CPU " + cpu + ": " + e.getMessage());
        }
    }

    private void turn() {
        turns++;
        long start = System.nanoTime();
        // The turn before, by one reading of the clock for each turn.
        if (worked) {
            busyNanos += start - now;
        }
        now = start;
        // Nothing, unless the turn before was cut off.
        runLast();
        int done = mailbox.drain(runTask, MESSAGES_PER_TURN) + expireTimers();
        done += pollActive();
        runLast();
        if (activeCount == 0 && running) {
            sleep();
        } else if (now - lastEpoll > EPOLL_EVERY_NANOS && watches.mayBeReady()) {
            dispatch(watches.poll());
        }
        work += done;
        worked = done > 0;
        if (done == 0) {
            for (int i = 0; i < PAUSES_WHEN_IDLE; i++) {
                Thread.onSpinWait();
            }
        }
    }

    private int pollActive() {
        int done = 0;
        // Backwards: whoever is parked or removed in its own poll is replaced by one that was
        // polled already.
        for (int i = activeCount - 1; i >= 0; i--) {
            if (i < activeCount) {
                done += poll(active[i]);
            }
        }
        return done;
    }

    private int poll(PollerEntry entry) {
        try {
            if (entry.woken) {
                entry.woken = false;
                entry.poller.disarm();
            }
            int done = entry.poller.poll();
            ForeignMemory.settle();
            if (done > 0) {
                entry.lastWork = now;
            } else if (now - entry.lastWork > patience && !entry.closed) {
                park(entry);
            }
            return done;
        } catch (InternalError e) {
            fault(e);
            return 1;
        } catch (Throwable e) {
            if (!owedFault()) {
                failures++;
                entry.close();
                LOG.log(
                        Level.ERROR,
                        name + ": poller " + entry.poller.name() + " failed and was stopped",
                        e);
            }
            return 1;
        }
    }

    private void park(PollerEntry entry) {
        boolean armed = entry.poller.arm();
        ForeignMemory.settle();
        if (armed && entry.index >= 0) {
            deactivate(entry);
            parkedCount++;
        } else {
            entry.lastWork = now;
        }
    }

    private void sleep() {
        sleeping = true;
        // Pairs with the fence of execute(): either we see the task or its sender sees us asleep.
        VarHandle.fullFence();
        if (mailbox.isEmpty()) {
            sleeps++;
            int ready =
                    timers.isEmpty()
                            ? watches.await()
                            : watches.await(Math.max(0, timers.next() - now));
            sleeping = false;
            now = System.nanoTime();
            dispatch(ready);
        }
        sleeping = false;
    }

    private void dispatch(int ready) {
        lastEpoll = now;
        for (int i = 0; i < ready; i++) {
            var entry = watches.ready(i);
            if (entry != null) {
                try {
                    entry.handler.ready(watches.events(i));
                    ForeignMemory.settle();
                } catch (InternalError e) {
                    fault(e);
                } catch (Throwable e) {
                    if (!owedFault()) {
                        failures++;
                        entry.close();
                        LOG.log(
                                Level.ERROR,
                                name + ": a descriptor's handler failed and was removed",
                                e);
                    }
                }
            }
        }
    }

    private int expireTimers() {
        int expired = 0;
        for (var task = timers.due(now); task != null; task = timers.due(now)) {
            runTask(task);
            expired++;
        }
        return expired;
    }

    private void runTask(Runnable task) {
        try {
            task.run();
            ForeignMemory.settle();
        } catch (InternalError e) {
            fault(e);
        } catch (Throwable e) {
            if (!owedFault()) {
                failures++;
                LOG.log(Level.ERROR, name + ": a task failed", e);
            }
        }
    }

    /**
     * Whether what failed was a consequence: of what was read where there was no memory any more,
     * the error of which comes only now. Then it is no bug.
     */
    private boolean owedFault() {
        try {
            ForeignMemory.settle();
            return false;
        } catch (InternalError e) {
            fault(e);
            return true;
        }
    }

    private void fault(InternalError cause) {
        memoryFaults++;
        LOG.log(Level.DEBUG, name + ": memory of a guest is gone", cause);
        faults.find();
    }

    private void activate(PollerEntry entry) {
        if (activeCount == active.length) {
            active = Arrays.copyOf(active, activeCount * 2);
        }
        entry.index = activeCount;
        entry.lastWork = now;
        active[activeCount++] = entry;
    }

    private void deactivate(PollerEntry entry) {
        var last = active[--activeCount];
        active[entry.index] = last;
        last.index = entry.index;
        entry.index = -1;
    }

    private final class PollerEntry implements Registration {
        final Poller poller;
        long lastWork;
        int index = -1;
        boolean closed;

        /** Whether it is to be disarmed, which is up to its own turn: its memory may be gone. */
        boolean woken;

        PollerEntry(Poller poller) {
            this.poller = poller;
        }

        @Override
        public void wake() {
            if (index < 0 && !closed) {
                parkedCount--;
                activate(this);
                woken = true;
            }
        }

        @Override
        public void close() {
            if (closed) {
                return;
            }
            closed = true;
            if (index >= 0) {
                deactivate(this);
            } else {
                parkedCount--;
            }
        }
    }
}
