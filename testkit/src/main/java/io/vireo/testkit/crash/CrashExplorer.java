package io.vireo.testkit.crash;

import io.vireo.block.BlockDevice;
import io.vireo.testkit.crash.CrashPoint.Choice;
import io.vireo.testkit.crash.StoreUnderTest.Store;
import io.vireo.testkit.crash.VolumeClient.Rig;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * Runs a trace on a store over simulated disks, and opens the store on what the disks may hold
 * after a crash at each point. What the trace has done is explored while it goes on, and forgotten:
 * a trace may be as long as somebody has time for. Not thread safe.
 */
public final class CrashExplorer implements AutoCloseable {
    /**
     * How closely to look.
     *
     * @param exhaustive all subsets of up to so many operations that may be lost
     * @param subsets drawn subsets, and torn writes, where there are more operations than that
     * @param chooseEvery a plain prefix and a drawn subset at points other than each so-manieth
     *     barrier
     * @param recrashEvery crashes again during the recovery of each so-manieth image
     * @param continueEvery goes on after the recovery of each so-manieth image, and crashes again
     */
    public record Depth(
            int exhaustive, int subsets, int chooseEvery, int recrashEvery, int continueEvery) {
        /**
         * Everything at each point; {@code -Dvireo.crash.exhaustive} and {@code
         * -Dvireo.crash.subsets} have it look more closely than there is time for every day.
         */
        public static final Depth FULL =
                new Depth(
                        Integer.getInteger("vireo.crash.exhaustive", 8),
                        Integer.getInteger("vireo.crash.subsets", 20),
                        1,
                        10,
                        40);

        /** All that a crash can leave of sequences, of which there are thousands. */
        public static final Depth SEQUENCES = new Depth(8, 20, 1, 100, 400);

        /**
         * Every prefix of a trace of thousands of operations, and a part of the rest; {@code
         * -Dvireo.crash.prefixes.subsets} and {@code -Dvireo.crash.prefixes.every} have more of it.
         */
        public static final Depth PREFIXES =
                new Depth(
                        3,
                        Integer.getInteger("vireo.crash.prefixes.subsets", 3),
                        Integer.getInteger("vireo.crash.prefixes.every", 24),
                        2000,
                        10_000);
    }

    private static final int CONTINUED = 12;
    private static final int RECOVERY_STEPS = 30;

    /** Events of a recovery at which the power goes again, at most; a fifth in that of that. */
    private static final int RECOVERY_POINTS = 60;

    /**
     * The same of a recovery that has more events: it copies a disk, as each recovery from one of
     * its points does again, and many such recoveries show more than much of one.
     */
    private static final int LONG_RECOVERY_POINTS = 12;

    /** What recoveries leave on a reactor is not to slow down those that follow. */
    private static final int RECOVERIES_PER_REACTOR = 500;

    private final StoreUnderTest store;
    private final int diskCount;
    private final long diskBytes;

    /** Of the trace; and of the recoveries, which happen while it goes on. */
    private Rig rig = new Rig();

    private Rig after = new Rig();
    private final List<DiskImage> formatted;

    // Of the trace that is explored.
    private long seed;
    private List<TraceOperation> trace = List.of();
    private List<Integer> starts = List.of();
    private Depth depth = Depth.FULL;

    /** Draws what happens in the trace; and what becomes of disks. */
    private Random random = new Random(0);

    private Random fate = new Random(0);
    private int barriers;
    private int recoveries;
    private long attempts;
    private long images;
    private long points;

    /** Makes an empty store on disks, which each trace begins with. */
    public CrashExplorer(StoreUnderTest store, int diskCount, long diskBytes) {
        this.store = store;
        this.diskCount = diskCount;
        this.diskBytes = diskBytes;
        List<SimulatedDisk> disks = new ArrayList<>();
        for (int i = 0; i < diskCount; i++) {
            disks.add(new SimulatedDisk(i, new DiskImage(diskBytes), new DiskLog(), 1, true));
        }
        disks.forEach(disk -> disk.logging(false));
        store.create(List.copyOf(disks), rig.reactor);
        formatted = disks.stream().map(disk -> disk.contents().fork()).toList();
    }

    /** Crash images that were opened and compared. */
    public long images() {
        return images;
    }

    /** Points in time at which the power was cut. */
    public long points() {
        return points;
    }

    /** Bytes of each disk. */
    public long diskBytes() {
        return diskBytes;
    }

    /** Explores a short sequence on a store with two tenants and a snapshot. */
    public void exploreSequence(List<TraceOperation> sequence, long newSeed, Depth newDepth) {
        explore(TraceOperation.SETUP, sequence, 0, newSeed, newDepth);
    }

    /**
     * Explores what crashes during and after the last operation of a short sequence do. The points
     * before are those of the sequence without it, with the same seed.
     */
    public void exploreLast(List<TraceOperation> sequence, long newSeed, Depth newDepth) {
        explore(TraceOperation.SETUP, sequence, sequence.size() - 1, newSeed, newDepth);
    }

    /** Explores a drawn trace. */
    public void exploreRandom(long newSeed, int length, Depth newDepth) {
        explore(
                List.of(
                        new TraceOperation(TraceOperation.Kind.CREATE, 0, 0, 0, true),
                        new TraceOperation(TraceOperation.Kind.CREATE, 0, 0, 0, true)),
                TraceOperation.random(newSeed, length),
                0,
                newSeed,
                newDepth);
    }

    private void explore(
            List<TraceOperation> setup,
            List<TraceOperation> operations,
            int fromOperation,
            long newSeed,
            Depth newDepth) {
        begin(operations, newSeed, newDepth);
        var log = new DiskLog();
        var oracle = new Oracle(newSeed | 1);
        List<SimulatedDisk> disks = disks(formatted, log, random, false);
        var point = new CrashPoint(log, formatted);
        try {
            Store open = store.open(List.<BlockDevice>copyOf(disks), rig.reactor);
            var runner = new TraceRunner(rig, open, oracle, log, random);
            setup.forEach(runner::run);
            runner.settle();
            for (TraceOperation operation : operations) {
                pass(point, log, oracle, starts.size() > fromOperation);
                store.before(starts.size(), List.copyOf(disks));
                starts.add(log.size());
                runner.run(operation);
            }
            pass(point, log, oracle, starts.size() > fromOperation);
            finish(runner, open, disks);
        } catch (CrashFailure e) {
            throw e;
        } catch (RuntimeException e) {
            throw failure("while the trace ran", String.valueOf(e.getMessage()), e);
        }
        pass(point, log, oracle, true);
        points++;
        tryPoint(point, oracle, true);
    }

    private void begin(List<TraceOperation> operations, long newSeed, Depth newDepth) {
        seed = newSeed;
        depth = newDepth;
        random = new Random(newSeed);
        trace = operations;
        starts = new ArrayList<>();
        // Short sequences are not to be all treated alike.
        fate = new Random(~newSeed + operations.toString().hashCode());
        attempts = fate.nextInt(newDepth.continueEvery());
        barriers = 0;
        // What the traces before have left on the reactors must not count.
        rig.close();
        rig = new Rig();
        renewAfter();
    }

    private void renewAfter() {
        after.close();
        after = new Rig();
        recoveries = 0;
    }

    private static void finish(TraceRunner runner, Store open, List<SimulatedDisk> disks) {
        runner.close();
        disks.forEach(SimulatedDisk::vanish);
        open.abandon();
        if (!runner.troubles().isEmpty()) {
            throw new IllegalStateException(runner.troubles().getFirst());
        }
    }

    private List<SimulatedDisk> disks(
            List<DiskImage> images, DiskLog log, Random drawing, boolean calm) {
        var disks = new ArrayList<SimulatedDisk>();
        for (int i = 0; i < diskCount; i++) {
            disks.add(new SimulatedDisk(i, images.get(i).fork(), log, drawing.nextLong(), calm));
        }
        return disks;
    }

    /** Goes through what has happened so far, and cuts the power at each point of it. */
    private void pass(CrashPoint point, DiskLog log, Oracle oracle, boolean explores) {
        while (!point.isAtEnd()) {
            if (explores && point.isBeforeCompletion()) {
                points++;
                tryPoint(
                        point,
                        oracle,
                        point.isBeforeBarrier() && barriers++ % depth.chooseEvery() == 0);
            }
            point.advance();
        }
        log.forget(point.index());
    }

    private void tryPoint(CrashPoint point, Oracle oracle, boolean choose) {
        tryImage(point.prefix(), oracle, point, "prefix", false);
        if (!choose && point.optionalCount() > 0) {
            Choice one = drawn(point, fate);
            tryImage(point.image(one), oracle, point, one.name(), one.torn());
        }
        if (choose) {
            for (Choice choice : point.choices(depth.exhaustive(), depth.subsets(), fate)) {
                tryImage(point.image(choice), oracle, point, choice.name(), choice.torn());
            }
        }
    }

    private static Choice drawn(CrashPoint point, Random random) {
        return random.nextInt(4) == 0 ? point.drawnTorn(random) : point.drawn(random);
    }

    private void tryImage(
            List<DiskImage> image, Oracle oracle, CrashPoint point, String choice, boolean torn) {
        images++;
        attempts++;
        String where = "%s at event %d (time %d)".formatted(choice, point.index(), point.time());
        recover(image, oracle, point.time(), torn, where);
        if (attempts % depth.recrashEvery() == 0) {
            recrash(image, oracle, point.time(), torn, where, 2);
        }
        if (attempts % depth.continueEvery() == 0) {
            goOn(image, oracle, point.time(), torn, where);
        }
    }

    /** Opens a store on an image and compares everything. */
    private Map<String, long[]> recover(
            List<DiskImage> image, Oracle oracle, int crash, boolean torn, String where) {
        List<SimulatedDisk> disks = disks(image, new DiskLog(), fate, true);
        disks.forEach(disk -> disk.logging(false));
        if (recoveries++ == RECOVERIES_PER_REACTOR) {
            renewAfter();
        }
        try {
            Store open = store.reopen(List.<BlockDevice>copyOf(disks), after.reactor);
            Map<String, long[]> found = compare(open, oracle, crash, torn);
            open.abandon();
            checkReactor();
            return found;
        } catch (RuntimeException e) {
            throw failure(where, String.valueOf(e.getMessage()), e);
        }
    }

    private void checkReactor() {
        if (after.reactor.metrics().failures() > 0) {
            throw new IllegalStateException("a task or poller of the store failed; see the log");
        }
    }

    private Map<String, long[]> compare(Store open, Oracle oracle, int crash, boolean torn) {
        String sick = open.check();
        if (!sick.isEmpty()) {
            throw new IllegalStateException(sick);
        }
        List<String> names = open.volumes();
        oracle.checkNames(names, crash).ifPresent(CrashExplorer::complain);
        var found = new LinkedHashMap<String, long[]>();
        for (String name : names) {
            long[] values = VolumeClient.readAll(after, open.device(name), oracle.seed);
            oracle.volume(name).afterCrash(values, crash, torn).ifPresent(CrashExplorer::complain);
            if (diskCount > 1 && !Arrays.equals(values, again(open, name, oracle))) {
                complain(name + " reads differently the second time");
            }
            found.put(name, values);
        }
        oracle.checkGroups(found, crash).ifPresent(CrashExplorer::complain);
        return found;
    }

    private long[] again(Store open, String name, Oracle oracle) {
        return VolumeClient.readAll(after, open.device(name), oracle.seed);
    }

    private static void complain(String trouble) {
        throw new IllegalStateException(trouble);
    }

    /** Crashes while the store recovers, and while it recovers from that. */
    private void recrash(
            List<DiskImage> image, Oracle oracle, int crash, boolean torn, String where, int deep) {
        var log = new DiskLog();
        List<SimulatedDisk> disks = disks(image, log, fate, false);
        try {
            Store open = store.reopen(List.<BlockDevice>copyOf(disks), after.reactor);
            // What it does by itself after that is part of its recovery.
            for (int i = 0; i < RECOVERY_STEPS && after.reactor.step() > 0; i++) {}
            disks.forEach(SimulatedDisk::vanish);
            open.abandon();
        } catch (RuntimeException e) {
            throw failure(where + ", again", String.valueOf(e.getMessage()), e);
        }
        var point = new CrashPoint(log, image);
        int most = log.size() > RECOVERY_POINTS ? LONG_RECOVERY_POINTS : RECOVERY_POINTS;
        int every = 1 + log.size() / (deep > 1 ? most : most / 5);
        int phase = fate.nextInt(every);
        while (true) {
            boolean chosen = point.index() % every == phase;
            if (chosen && point.isBeforeCompletion() || point.isAtEnd()) {
                for (Choice choice : point.choices(2, 1, fate)) {
                    images++;
                    List<DiskImage> second = point.image(choice);
                    String again =
                            "%s, then %s at event %d of recovery"
                                    .formatted(where, choice.name(), point.index());
                    recover(second, oracle, crash, torn || choice.torn(), again);
                    if (deep > 1 && fate.nextInt(4) == 0) {
                        recrash(second, oracle, crash, torn || choice.torn(), again, deep - 1);
                    }
                }
            }
            if (point.isAtEnd()) {
                return;
            }
            point.advance();
        }
    }

    /** Uses the store after its recovery, and crashes again. */
    private void goOn(List<DiskImage> image, Oracle before, int crash, boolean torn, String where) {
        var log = new DiskLog();
        List<SimulatedDisk> disks = disks(image, log, fate, false);
        Oracle oracle;
        int from;
        long drawn = fate.nextLong();
        try {
            Store open = store.reopen(List.<BlockDevice>copyOf(disks), after.reactor);
            from = log.size();
            oracle = Oracle.after(before, compare(open, before, crash, torn));
            var runner = new TraceRunner(after, open, oracle, log, fate);
            TraceOperation.random(drawn, CONTINUED).forEach(runner::run);
            finish(runner, open, disks);
        } catch (RuntimeException e) {
            throw failure(where + ", used again", String.valueOf(e.getMessage()), e);
        }
        var point = new CrashPoint(log, image);
        while (true) {
            if (point.index() >= from && (point.isBeforeCompletion() || point.isAtEnd())) {
                images += 2;
                Choice choice = drawn(point, random);
                String again = "%s, used again, then event %d".formatted(where, point.index());
                recover(point.prefix(), oracle, point.time(), false, again + ", prefix");
                recover(
                        point.image(choice),
                        oracle,
                        point.time(),
                        choice.torn(),
                        again + ", " + choice.name());
            }
            if (point.isAtEnd()) {
                return;
            }
            point.advance();
        }
    }

    private CrashFailure failure(String where, String what, Throwable cause) {
        var text = new StringBuilder("crash consistency: ").append(what);
        text.append("\n  crash: ").append(where);
        text.append("\n  seed: ").append(seed);
        text.append(", image number ").append(images);
        text.append("\n  replay: -Dvireo.seed=").append(seed);
        text.append(" repeats the trace and every image in the same order");
        text.append("\n  trace, each operation with the disk event that it begins at:");
        int from = Math.max(0, trace.size() - 40);
        for (int i = trace.size() > 400 ? from : 0; i < starts.size(); i++) {
            text.append("\n    ").append(starts.get(i)).append(": ").append(trace.get(i));
        }
        return new CrashFailure(text.toString(), cause);
    }

    @Override
    public void close() {
        rig.close();
        after.close();
    }
}
