package io.vireo.bench;

import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicReference;

/**
 * A back end with the driver that is connected to one of its disks. Disks of one daemon share its
 * process, which closing them leaves alone.
 */
final class BlkSide extends ProcessSide {
    /** What is on a disk. */
    enum Contents {
        /** There is no disk behind it. */
        NONE,
        /** It is what it is. */
        HOLES,
        /** All of it was written. */
        WRITTEN
    }

    private final DiskDriver driver;
    private BlkDriver.Load load =
            new BlkDriver.Load(BlkDriver.Kind.READ, BlkDriver.Order.RANDOM, 4096, 1);

    private BlkSide(String name, MeasuredProcess process, DiskDriver driver) {
        super(name, process);
        this.driver = driver;
    }

    /**
     * Connects to a disk of a process that runs, and pauses it.
     *
     * @param contents {@link Contents#WRITTEN}: all of the disk is written first
     */
    static BlkSide connect(String name, MeasuredProcess process, Path socket, Contents contents) {
        var driver = new BlkDriver(name, socket, contents != Contents.NONE);
        return connect(name, process, driver, contents);
    }

    /** The same with a driver that is connected. */
    static BlkSide connect(
            String name, MeasuredProcess process, DiskDriver driver, Contents contents) {
        var side = new BlkSide(name, process, driver);
        if (contents == Contents.WRITTEN) {
            side.fill();
        }
        side.pause();
        return side;
    }

    /** The same disk under another name, for cases in which it is the peer. */
    BlkSide as(String otherName) {
        return new BlkSide(otherName, process, driver);
    }

    /** Writes all of the disk; the process runs. */
    void fill() {
        Progress.say("writing all of a disk of " + name + " once");
        driver.writeAll();
    }

    /** Carries out some requests that nobody measures; the process runs. */
    void touch(BlkDriver.Load some, long count) {
        driver.runCount(some, count);
    }

    /**
     * Runs the load for a while: the first one long enough for a compiler to have seen the path.
     */
    void begin(BlkDriver.Load next) {
        begin(next, warmUpSeconds());
    }

    void begin(BlkDriver.Load next, double seconds) {
        load = next;
        resume();
        window(seconds);
        pause();
    }

    @Override
    public double window(double seconds) {
        var outcome = new AtomicReference<Object>();
        var thread =
                Pinned.start(
                        "front-end",
                        NetBench.FRONT_END_CORE,
                        () -> {
                            try {
                                outcome.set(driver.run(load, seconds) / 1000);
                            } catch (BenchException e) {
                                outcome.set(e);
                            }
                        });
        Pinned.join(thread);
        return switch (outcome.get()) {
            case Double rate -> rate;
            case BenchException e -> throw e;
            case null, default -> throw new BenchException("The front end of " + name + " died.");
        };
    }

    /** Disconnects; the process goes on, and runs. */
    @Override
    public void close() {
        process.resume();
        driver.close();
    }
}
