package io.vireo.testkit.crash;

import io.vireo.block.BlockDevice;
import io.vireo.reactor.Reactor;
import io.vireo.testkit.crash.StoreUnderTest.Store;
import io.vireo.testkit.crash.VolumeClient.Rig;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * Runs a drawn trace on a store whose disks fail, stall, vanish and are replaced meanwhile, as it
 * says itself, while power stays. The store has to stand all of that: no request fails, and what is
 * read, on the way and in the end, is what it was told. A seed repeats everything.
 */
public final class FaultRun {
    /** A store with what befalls its disks. */
    public interface Store extends StoreUnderTest {
        /** Disks may be put into the place of others before an operation of a trace. */
        @Override
        void before(int operation, List<SimulatedDisk> disks);

        /**
         * Nothing befalls the disks any more: takes the reactor on until the store has made good
         * what there was.
         *
         * @throws RuntimeException if it does not, which is a failure of the test
         */
        void heal(List<SimulatedDisk> disks, Reactor reactor);
    }

    /** How often all is read in the end: each time another copy may answer. */
    private static final int READS = 3;

    private static final int MOST_STEPS = 60;

    private final Store store;
    private final long seed;
    private final Random random;
    private final Oracle oracle;
    private final DiskLog log = new DiskLog();
    private final List<SimulatedDisk> disks = new ArrayList<>();

    private FaultRun(Store store, int count, long diskBytes, long seed) {
        this.store = store;
        this.seed = seed;
        random = new Random(seed);
        oracle = new Oracle(seed | 1);
        for (int i = 0; i < count; i++) {
            var image = new DiskImage(diskBytes);
            var disk = new SimulatedDisk(i, image, log, random.nextLong(), false);
            disk.logging(false);
            disks.add(disk);
        }
    }

    /**
     * Runs a trace.
     *
     * @param disks how many the store is made on
     * @param length of the trace
     * @throws CrashFailure if something was wrong
     */
    public static void run(Store store, int disks, long diskBytes, long seed, int length) {
        new FaultRun(store, disks, diskBytes, seed).run(length);
    }

    private void run(int length) {
        List<TraceOperation> trace = TraceOperation.random(seed, length);
        int[] at = {-1};
        try (var rig = new Rig()) {
            store.create(List.<BlockDevice>copyOf(disks), rig.reactor);
            StoreUnderTest.Store open = store.open(List.<BlockDevice>copyOf(disks), rig.reactor);
            var runner = new TraceRunner(rig, open, oracle, log, random);
            TraceOperation.SETUP.subList(0, 2).forEach(runner::run);
            for (TraceOperation operation : trace) {
                at[0]++;
                store.before(at[0], disks);
                runner.run(operation);
                goOn(rig);
                check(runner.troubles());
            }
            end(rig, open, runner);
        } catch (RuntimeException e) {
            throw failure(trace, at[0], e);
        }
    }

    /** Now and then what is in flight goes on for a while before the next operation. */
    private void goOn(Rig rig) {
        if (random.nextInt(10) == 0) {
            for (int left = random.nextInt(MOST_STEPS); left > 0; left--) {
                rig.reactor.step();
            }
        }
    }

    private void end(Rig rig, StoreUnderTest.Store open, TraceRunner runner) {
        runner.settle();
        store.heal(disks, rig.reactor);
        runner.settle();
        check(runner.troubles());
        int settled = log.tick();
        for (int pass = 0; pass < READS; pass++) {
            for (VolumeModel volume : oracle.present()) {
                long[] found = VolumeClient.readAll(rig, open.device(volume.name), oracle.seed);
                volume.live(0, found, settled, log.tick())
                        .ifPresent(trouble -> check(List.of("in the end " + trouble)));
            }
        }
        runner.close();
        String sick = open.check();
        if (!sick.isEmpty()) {
            check(List.of(sick));
        }
        open.abandon();
        if (rig.reactor.metrics().failures() > 0) {
            check(List.of("a task or poller of the store failed; see the log"));
        }
    }

    private static void check(List<String> troubles) {
        if (!troubles.isEmpty()) {
            throw new IllegalStateException(String.join("; ", troubles));
        }
    }

    private CrashFailure failure(List<TraceOperation> trace, int at, RuntimeException cause) {
        var text = new StringBuilder("faults of disks: ").append(cause.getMessage());
        text.append("\n  at operation ").append(at).append(" of ").append(trace.size());
        text.append(", with ").append(store);
        text.append("\n  replay: -Dvireo.seed=").append(seed);
        for (int i = Math.max(0, at - 20); i <= at; i++) {
            text.append("\n    ").append(i).append(": ").append(trace.get(i));
        }
        return new CrashFailure(text.toString(), cause);
    }
}
