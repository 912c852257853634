package io.vireo.bench;

/** A side that is a process, and a client of it in this one. */
abstract class ProcessSide implements Side, AutoCloseable {
    private static final double SETTLE_SECONDS = 0.05;
    private static final double WARM_UP_SECONDS = 3;
    private static final double AGAIN_SECONDS = 1;

    /** As it is called in tables. */
    protected final String name;

    /** What is measured; paused while another side runs. */
    protected final MeasuredProcess process;

    private boolean begun;

    ProcessSide(String name, MeasuredProcess process) {
        this.name = name;
        this.process = process;
    }

    /** How long a load is to run before it is measured: the first so that all is compiled. */
    double warmUpSeconds() {
        double seconds = begun ? AGAIN_SECONDS : WARM_UP_SECONDS;
        begun = true;
        return seconds;
    }

    @Override
    public final String name() {
        return name;
    }

    @Override
    public final void resume() {
        process.resume();
        Progress.sleep(SETTLE_SECONDS);
    }

    @Override
    public final void pause() {
        process.pause();
    }

    @Override
    public abstract void close();
}
