package io.vireo.bench;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Measures the round trip of a cache line between the two cores under test.
 *
 * <p>A hypervisor that moves virtual processors between physical ones changes this time
 * several-fold within minutes, and whatever hands frames or requests from core to core slows down
 * with it. A window is worth as much as the probes around it.
 */
final class Probe {
    /**
     * Above this the two cores do not share a cache, and figures cannot be compared with those of
     * other hours.
     */
    static final double LIMIT_NANOS = 200;

    private static final VarHandle CELL = MethodHandles.arrayElementVarHandle(long[].class);
    private static final int PING = 32;
    private static final int PONG = 96;
    private static final int ROUND_TRIPS = 512;
    private static final int BATCHES = 48;
    private static final long DEADLINE_NANOS = 400_000_000;
    private static final long STOP = -1;

    private final int nearCore;
    private final int farCore;

    Probe(int nearCore, int farCore) {
        this.nearCore = nearCore;
        this.farCore = farCore;
        for (var i = 0; i < 4; i++) {
            roundTripNanos();
        }
    }

    /**
     * Median round trip in nanoseconds; takes some 10 ms. Nothing else should keep the two cores
     * busy meanwhile.
     */
    double roundTripNanos() {
        var cells = new long[128];
        var result = new AtomicLong();
        var far = Pinned.start("probe-far", farCore, () -> echo(cells));
        var near =
                Pinned.start(
                        "probe-near",
                        nearCore,
                        () -> result.set(Double.doubleToRawLongBits(measure(cells))));
        Pinned.join(near);
        CELL.setRelease(cells, PING, STOP);
        Pinned.join(far);
        return Double.longBitsToDouble(result.get());
    }

    private static void echo(long[] cells) {
        var seen = 0L;
        while (seen != STOP) {
            var value = (long) CELL.getAcquire(cells, PING);
            if (value != seen) {
                seen = value;
                CELL.setRelease(cells, PONG, value);
            }
        }
    }

    private static double measure(long[] cells) {
        var times = new double[BATCHES];
        var deadline = System.nanoTime() + DEADLINE_NANOS;
        var value = 0L;
        var batches = 0;
        while (batches < BATCHES && (batches == 0 || System.nanoTime() < deadline)) {
            var start = System.nanoTime();
            for (var i = 0; i < ROUND_TRIPS; i++) {
                CELL.setRelease(cells, PING, ++value);
                while ((long) CELL.getAcquire(cells, PONG) != value) {
                    // The other core answers within some 100 ns; a pause instruction would be
                    // measured too.
                }
            }
            times[batches++] = (double) (System.nanoTime() - start) / ROUND_TRIPS;
        }
        return CaseResult.median(Arrays.copyOf(times, batches));
    }
}
