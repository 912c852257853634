package io.vireo.bench;

import io.vireo.bench.BlkDriver.Load;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** An iSCSI target with the sessions that load it, each in a thread of its own on one core. */
final class IscsiSide extends ProcessSide {
    private static final double PATIENCE_SECONDS = 20;

    private final Runnable end;
    private final int port;
    private final String target;
    private final int lun;
    private final long capacity;
    private final List<IscsiLoad> sessions = new ArrayList<>();
    private Load load = new Load(BlkDriver.Kind.READ, BlkDriver.Order.RANDOM, 4096, 1);
    private Latencies latencies = new Latencies();
    private long completed;
    private double processorSeconds;

    /**
     * A target that may not answer yet.
     *
     * @param end what is done when it is closed
     * @param capacity bytes of its unit
     */
    IscsiSide(
            String name,
            MeasuredProcess process,
            Runnable end,
            int port,
            String target,
            int lun,
            long capacity) {
        super(name, process);
        this.end = end;
        this.port = port;
        this.target = target;
        this.lun = lun;
        this.capacity = capacity;
    }

    /** Writes all of the unit once, as soon as the target answers, and pauses the process. */
    IscsiSide filled() {
        Progress.say("writing all of " + name + "'s disk once");
        try (var session = awaitTarget()) {
            session.writeAll();
        }
        pause();
        return this;
    }

    private IscsiLoad awaitTarget() {
        for (var waited = 0.0; ; waited += 0.2) {
            try {
                return session(0);
            } catch (BenchException e) {
                if (waited > PATIENCE_SECONDS) {
                    throw new BenchException(
                            e.getMessage() + " Its process says: " + process.tail(), e);
                }
                Progress.sleep(0.2);
            }
        }
    }

    private IscsiLoad session(int number) {
        return new IscsiLoad(port, target, lun, capacity, number);
    }

    /** Logs in so often, and runs the load for a while. */
    void begin(Load next, int count) {
        load = next;
        resume();
        closeSessions();
        for (var i = 0; i < count; i++) {
            sessions.add(session(i));
        }
        window(warmUpSeconds());
        latencies = new Latencies();
        completed = 0;
        processorSeconds = 0;
        pause();
    }

    /** What was seen since the last beginning, in microseconds. */
    double quantileMicros(double part) {
        return latencies.quantile(part) / 1e3;
    }

    /** Thousands of commands a second that the client would do if it had nothing to wait for. */
    double clientLimit() {
        return completed / processorSeconds / 1e3;
    }

    @Override
    public double window(double seconds) {
        var from = System.nanoTime() + (long) (seconds * 1e9 / 8);
        var until = from + (long) (seconds * 1e9);
        var failure = new AtomicReference<@Nullable RuntimeException>();
        var outcomes = new ArrayList<IscsiLoad.Outcome>();
        var threads =
                sessions.stream()
                        .map(session ->
                                Pinned.start(
                                        "initiator",
                                        NetBench.FRONT_END_CORE,
                                        () -> run(session, from, until, outcomes, failure)))
                        .toList();
        threads.forEach(Pinned::join);
        var failed = failure.get();
        if (failed != null) {
            throw new BenchException("A session of " + name + " failed.", failed);
        }
        var all = outcomes.stream().mapToLong(IscsiLoad.Outcome::completed).sum();
        completed += all;
        processorSeconds +=
                outcomes.stream().mapToDouble(IscsiLoad.Outcome::processorSeconds).sum();
        return all / seconds / 1000;
    }

    private void run(
            IscsiLoad session,
            long from,
            long until,
            List<IscsiLoad.Outcome> outcomes,
            AtomicReference<@Nullable RuntimeException> failure) {
        var own = new Latencies();
        try {
            var outcome = session.run(load, from, until, own);
            synchronized (outcomes) {
                outcomes.add(outcome);
                latencies.add(own);
            }
        } catch (RuntimeException e) {
            failure.set(e);
        }
    }

    private void closeSessions() {
        sessions.forEach(IscsiLoad::close);
        sessions.clear();
    }

    @Override
    public void close() {
        closeSessions();
        process.resume();
        end.run();
    }
}
