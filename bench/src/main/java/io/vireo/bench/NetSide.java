package io.vireo.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A back end for frames with the testpmd that is connected to it. The rate is what the generator
 * receives, in million frames a second.
 */
final class NetSide implements Side, AutoCloseable {
    private static final double SETTLE_SECONDS = 0.3;

    private final String name;
    private final MeasuredProcess backEnd;
    private final Testpmd generator;
    private final Optional<VireoDaemon> daemon;
    private final List<Double> costs = new ArrayList<>();

    /**
     * Both run.
     *
     * @param daemon the back end, if it is ours
     */
    NetSide(String name, MeasuredProcess backEnd, Testpmd generator, Optional<VireoDaemon> daemon) {
        this.name = name;
        this.backEnd = backEnd;
        this.generator = generator;
        this.daemon = daemon;
    }

    @Override
    public String name() {
        return name;
    }

    /**
     * Starts traffic and lets it run for a while: long enough for a compiler to have seen the path.
     */
    void begin(String mode, int size, double seconds) {
        backEnd.resume();
        generator.process().resume();
        generator.generate(mode, size);
        costs.clear();
        Progress.sleep(Math.max(seconds, SETTLE_SECONDS));
        pause();
    }

    /** Ends the traffic. */
    void finish() {
        backEnd.resume();
        generator.process().resume();
        generator.drain();
        pause();
    }

    /** The back end, if it is ours. */
    Optional<VireoDaemon> daemon() {
        return daemon;
    }

    /** Median time of our reactor for one frame in the windows so far, in ns; NaN of a peer. */
    double busyNanosPerFrame() {
        return CaseResult.median(costs.stream().mapToDouble(Double::doubleValue).toArray());
    }

    @Override
    public void resume() {
        backEnd.resume();
        generator.process().resume();
        Progress.sleep(SETTLE_SECONDS);
    }

    @Override
    public void pause() {
        generator.process().pause();
        backEnd.pause();
    }

    @Override
    public double window(double seconds) {
        var before = daemon.map(VireoDaemon::load);
        generator.millionFramesPerSecond();
        Progress.sleep(seconds);
        var rate = generator.millionFramesPerSecond();
        before.ifPresent(load -> costs.add(load.nanosPerFrameUntil(daemon.orElseThrow().load())));
        return rate;
    }

    @Override
    public void close() {
        generator.process().close();
        backEnd.close();
    }
}
