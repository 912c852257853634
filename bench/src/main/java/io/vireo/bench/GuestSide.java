package io.vireo.bench;

import io.vireo.systest.Guest;
import java.time.Duration;

/** A back end with a disk that a guest has, and fio in the guest. */
final class GuestSide extends ProcessSide {
    private static final Duration PATIENCE = Duration.ofMinutes(1);

    private final Guest guest;
    private final String device;
    private BlkDriver.Load load =
            new BlkDriver.Load(BlkDriver.Kind.READ, BlkDriver.Order.RANDOM, 4096, 1);

    /**
     * @param process that serves the disk; it goes on when this is closed
     * @param device the disk in the guest
     */
    GuestSide(String name, MeasuredProcess process, Guest guest, String device) {
        super(name, process);
        this.guest = guest;
        this.device = device;
    }

    /** Runs the load for a while that nobody measures; the side is paused before and after. */
    void begin(BlkDriver.Load next) {
        load = next;
        resume();
        window(warmUpSeconds());
        pause();
    }

    @Override
    public double window(double seconds) {
        var line = "fio " + String.join(" ", Fio.arguments(device, load, seconds));
        var result = guest.run(line, PATIENCE);
        var figures = Fio.RESULT.matcher(result.output());
        if (result.status() != 0 || !figures.find()) {
            throw new BenchException("fio in the guest says: " + result.output());
        }
        return Fio.iops(figures.group(), load) / 1000;
    }

    @Override
    public void close() {
        process.resume();
    }
}
