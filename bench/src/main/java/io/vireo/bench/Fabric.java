package io.vireo.bench;

import io.vireo.bench.CaseResult.Unit;
import io.vireo.bench.Resources.Feature;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Our daemon with the generator of this process that is connected to it. */
record Fabric(String name, VireoDaemon daemon, FrameDriver driver) implements AutoCloseable {
    static final double WARM_UP_SECONDS = 4;
    static final Unit NANOS = Unit.time("ns");

    /** A network with a feature, and a card for each of {@code addresses}. */
    static Fabric start(
            String name,
            Path root,
            Path home,
            List<Addresses> addresses,
            Feature feature,
            Traffic traffic) {
        var daemon = VireoDaemon.start(root, home, NetBench.BACK_END_CORE);
        return connect(name, daemon, home, addresses, feature, traffic);
    }

    /** The same in a daemon that was started. */
    static Fabric connect(
            String name,
            VireoDaemon daemon,
            Path home,
            List<Addresses> addresses,
            Feature feature,
            Traffic traffic) {
        var macs = IntStream.range(0, addresses.size()).mapToObj(Addresses::text).toList();
        return connect(name, daemon, Resources.network(macs, home, feature), addresses, traffic);
    }

    /** As above, with resources of any kind; it is the daemon's owner. */
    static Fabric connect(
            String name,
            VireoDaemon daemon,
            Resources resources,
            List<Addresses> addresses,
            Traffic traffic) {
        try {
            var sockets = daemon.define(resources);
            return new Fabric(name, daemon, new FrameDriver(sockets, addresses, traffic));
        } catch (BenchException e) {
            daemon.close();
            throw e;
        }
    }

    /**
     * One case: the reactor's time for a frame, against one of ours with less to do. Returns the
     * difference in ns.
     */
    static double compare(String name, Fabric more, Fabric less, Interleaver interleaver) {
        more.warmInBatches();
        less.warmInBatches();
        var result = interleaver.run(name, NANOS, more.busy("vireo"), less.busy("self"));
        return result.vireo() - result.peer();
    }

    MeasuredProcess backEnd() {
        return daemon.process();
    }

    /** Lets the compiler see the path. */
    void warm(Supplier<Double> traffic) {
        onFrontEndCore(traffic);
        backEnd().pause();
    }

    /** The same with the traffic of {@link #busy}. */
    void warmInBatches() {
        warm(() -> driver.runInBatches(WARM_UP_SECONDS));
    }

    /** Nanoseconds of the reactor for a frame. */
    Side busy(String shown) {
        return new Window(shown, backEnd()) {
            @Override
            public double window(double seconds) {
                onFrontEndCore(() -> driver.runInBatches(SETTLE_SECONDS));
                var before = daemon.load();
                onFrontEndCore(() -> driver.runInBatches(seconds));
                return before.nanosPerFrameUntil(daemon.load());
            }
        };
    }

    /** Bits of frames that arrive, in 10^9 a second. */
    Side gigabits(Traffic traffic) {
        return new Window(name, backEnd()) {
            @Override
            public double window(double seconds) {
                onFrontEndCore(() -> driver.run(SETTLE_SECONDS));
                var frames = onFrontEndCore(() -> driver.run(seconds));
                return frames * traffic.frame().length * 8 / 1e9;
            }
        };
    }

    /** Runs on the generator's core and returns what {@code body} does. */
    static double onFrontEndCore(Supplier<Double> body) {
        var result = new AtomicReference<@Nullable Double>();
        var failure = new AtomicReference<@Nullable RuntimeException>();
        var thread =
                Pinned.start(
                        "generator",
                        NetBench.FRONT_END_CORE,
                        () -> {
                            try {
                                result.set(body.get());
                            } catch (RuntimeException e) {
                                failure.set(e);
                            }
                        });
        Pinned.join(thread);
        var failed = failure.get();
        if (failed != null) {
            throw failed;
        }
        return Objects.requireNonNull(result.get());
    }

    @Override
    public void close() {
        driver.close();
        daemon.close();
    }

    /** A side whose back end is one process and whose generator is here. */
    abstract static class Window implements Side {
        static final double SETTLE_SECONDS = 0.2;

        private final String name;
        private final MeasuredProcess backEnd;

        Window(String name, MeasuredProcess backEnd) {
            this.name = name;
            this.backEnd = backEnd;
        }

        @Override
        public String name() {
            return name;
        }

        @Override
        public void resume() {
            backEnd.resume();
        }

        @Override
        public void pause() {
            backEnd.pause();
        }
    }
}
