package io.vireo.fabric.storage.pool;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockStatus;
import io.vireo.fabric.storage.format.MirrorHeader;
import io.vireo.fabric.storage.mirror.MirrorStatus;
import io.vireo.fabric.storage.mirror.MirrorStatus.LegState;
import io.vireo.reactor.Reactor;
import io.vireo.resource.ResourceException;
import io.vireo.testkit.crash.DiskFault;
import io.vireo.testkit.crash.DiskImage;
import io.vireo.testkit.crash.DiskLog;
import io.vireo.testkit.crash.FaultRun;
import io.vireo.testkit.crash.SimulatedDisk;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/**
 * A pool of mirrors whose disks fail requests, answer late, vanish and come back, and are replaced,
 * while resyncs are held up, a scrub runs and a mirror is drained. One disk of each mirror only
 * answers late, and not so late that it is left out.
 */
public final class FaultyPools implements FaultRun.Store {
    /**
     * What befalls the disks.
     *
     * @param copies disks of each mirror
     * @param mirrors of the pool; the second is drained, if there are two
     * @param healthy which disk of each mirror has always all
     * @param fails of 1,000 requests of another disk, how many fail
     * @param late of 1,000 requests of a disk, how many are late
     * @param replaces whether disks that are out are replaced
     */
    public record Plan(
            int copies, int mirrors, int healthy, int fails, int late, boolean replaces) {
        public static Plan drawn(Random random) {
            int copies = 2 + random.nextInt(2);
            return new Plan(
                    copies,
                    1 + random.nextInt(2),
                    random.nextInt(copies),
                    random.nextInt(30),
                    random.nextInt(60),
                    random.nextInt(3) == 0);
        }

        /** Disks that the pool is made on. */
        public int disks() {
            return copies * mirrors;
        }
    }

    private static final long SHORTEST_LIMIT = TimeUnit.SECONDS.toMillis(8);
    private static final int MOST_STEPS = 400_000;
    private static final int MOST_STEPS_TO_COMPARE = 3_000;

    private final PoolStore volumes;
    private final boolean checksums;
    private final Plan plan;
    private final Random random;
    private Optional<StoragePool> running = Optional.empty();
    private int spare = 100;
    private int outs;
    private int replaced;

    /**
     * @param volumes how the trace sees the pool
     * @param checksums whether its volumes have them
     */
    public FaultyPools(PoolStore volumes, boolean checksums, Plan plan, long seed) {
        this.volumes = volumes;
        this.checksums = checksums;
        this.plan = plan;
        random = new Random(seed);
    }

    /** How often a disk was out of its mirror. */
    public int outs() {
        return outs;
    }

    /** How many disks were replaced. */
    int replaced() {
        return replaced;
    }

    @Override
    public String toString() {
        return plan + (checksums ? ", checksums" : "");
    }

    @Override
    public void create(List<BlockDevice> disks, Reactor reactor) {
        StoragePool.create(PoolStore.CONFIG.withCopies(plan.copies), disks, reactor);
    }

    @Override
    public Store open(List<BlockDevice> disks, Reactor reactor) {
        var events =
                new PoolEvents() {
                    @Override
                    public void degraded(String sentence) {
                        outs++;
                    }
                };
        var options =
                new PoolOptions(Duration.ofSeconds(5), Duration.ofSeconds(1), events)
                        .by(PoolStore.OWNER);
        StoragePool pool = StoragePool.open(disks, reactor, options);
        running = Optional.of(pool);
        return volumes.opened(pool, checksums, reactor);
    }

    /** The pool that is open. */
    public StoragePool pool() {
        return running.orElseThrow();
    }

    private boolean isHealthy(int disk) {
        return disk % plan.copies == plan.healthy;
    }

    private void faults(SimulatedDisk disk, boolean healthy) {
        long latest = healthy ? SHORTEST_LIMIT / 2 : SHORTEST_LIMIT * 2;
        disk.faults(request -> {
            int drawn = random.nextInt(1000);
            if (!healthy && drawn < plan.fails) {
                boolean read = request.operation() == BlockOperation.READ;
                long bytes = read ? 0 : random.nextInt(8) * 512L;
                return new DiskFault.Fails(BlockStatus.IO_ERROR, bytes);
            }
            return drawn >= 1000 - plan.late
                    ? new DiskFault.Delays(
                            TimeUnit.MILLISECONDS.toNanos(1 + random.nextLong(latest)))
                    : DiskFault.NONE;
        });
    }

    @Override
    public void before(int operation, List<SimulatedDisk> disks) {
        for (int i = 0; operation == 0 && i < disks.size(); i++) {
            faults(disks.get(i), isHealthy(i));
        }
        int disk = random.nextInt(disks.size());
        switch (random.nextInt(60)) {
            case 0, 1, 2 -> {
                if (!isHealthy(disk)) {
                    disks.get(disk).vanish();
                }
            }
            case 3, 4, 5, 6, 7 -> disks.forEach(SimulatedDisk::comeBack);
            case 8 -> pool().pauseResync(true);
            case 9, 10 -> pool().pauseResync(false);
            case 11 -> scrub();
            case 12 -> pool().stallLimit(Duration.ofMillis(SHORTEST_LIMIT + random.nextInt(4000)));
            case 13 -> pool().resyncRate(random.nextBoolean() ? 0 : 1 << 18);
            case 14 -> replace(disks);
            case 15 -> drain(disks);
            default -> {
                // Nothing happens but what happens to requests.
            }
        }
    }

    private void scrub() {
        if (pool().scrubStatus().state() != ScrubStatus.State.RUNNING) {
            pool().scrub(0);
        }
    }

    private void drain(List<SimulatedDisk> disks) {
        if (plan.mirrors > 1 && pool().drainStatus().state() == DrainStatus.State.NONE) {
            pool().drain(disks.get(plan.copies + plan.healthy), 0);
        }
    }

    /** Puts an empty disk into the place of one of the first mirror that is out. */
    private void replace(List<SimulatedDisk> disks) {
        List<MirrorStatus.Leg> legs = pool().mirrors().getFirst().legs();
        for (int i = 0; i < plan.copies && plan.replaces; i++) {
            if (legs.get(i).state() == LegState.FAILED) {
                var image = new DiskImage(disks.get(i).contents().capacity());
                var disk =
                        new SimulatedDisk(spare++, image, new DiskLog(), random.nextLong(), false);
                disk.logging(false);
                try {
                    pool().replaceDisk(disk);
                } catch (ResourceException e) {
                    // It is back already, or others cannot be asked just now.
                    return;
                }
                faults(disk, false);
                disks.get(i).comeBack();
                disks.set(i, disk);
                replaced++;
                return;
            }
        }
    }

    @Override
    public void heal(List<SimulatedDisk> disks, Reactor reactor) {
        for (SimulatedDisk disk : disks) {
            disk.comeBack();
            disk.faults(_ -> DiskFault.NONE);
        }
        pool().pauseResync(false);
        pool().resyncRate(0);
        step(reactor, MOST_STEPS, this::isWhole, "the disks do not come together");
        step(reactor, MOST_STEPS_TO_COMPARE, this::isEqual, "copies differ");
    }

    /** Looks once after each step: a look asks the pool, which goes on by that. */
    private void step(Reactor reactor, int most, BooleanSupplier until, String trouble) {
        for (int left = most; !until.getAsBoolean(); left--) {
            if (left == 0) {
                throw new IllegalStateException(
                        "%s: %s, %s".formatted(trouble, pool().mirrors(), pool().drainStatus()));
            }
            if (reactor.step() == 0) {
                throw new IllegalStateException("the pool hangs: " + pool().mirrors());
            }
        }
    }

    private boolean isWhole() {
        boolean drains =
                switch (pool().drainStatus().state()) {
                    case SETTLING, MOVING, REMOVING -> true;
                    case NONE, DONE, CANCELLED -> false;
                };
        return !drains
                && pool().mirrors().stream()
                        .allMatch(each -> each.isRedundant() && each.toCopyBytes() == 0);
    }

    private boolean isEqual() {
        return pool().mirrors().stream().allMatch(FaultyPools::isEqual);
    }

    private static boolean isEqual(MirrorStatus mirror) {
        DiskImage first = contents(mirror.legs().getFirst());
        return mirror.legs().stream()
                .allMatch(leg -> first.mismatch(contents(leg), MirrorHeader.DATA) < 0);
    }

    private static DiskImage contents(MirrorStatus.Leg leg) {
        return ((SimulatedDisk) leg.device().orElseThrow()).contents();
    }
}
