package io.vireo.fabric.storage.pool;

import io.vireo.block.BlockDevice;
import io.vireo.fabric.storage.format.MirrorHeader;
import io.vireo.fabric.storage.mirror.MirrorStatus;
import io.vireo.reactor.Reactor;
import io.vireo.testkit.crash.DiskFault;
import io.vireo.testkit.crash.DiskImage;
import io.vireo.testkit.crash.SimulatedDisk;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * A pool whose members are mirrors, as the crash tests drive it: one mirror of all disks.
 *
 * <p>A disk may be missing after each crash, or be away for a part of each trace.
 */
final class MirrorStore extends PoolStore {
    private final int missing;
    private final int leaves;
    private final int leavesAt;
    private final int returnsAt;
    private final boolean stalls;
    private final boolean checksums;

    private MirrorStore(
            int missing,
            int leaves,
            int leavesAt,
            int returnsAt,
            boolean stalls,
            boolean checksums) {
        super(checksums);
        this.checksums = checksums;
        this.stalls = stalls;
        this.missing = missing;
        this.leaves = leaves;
        this.leavesAt = leavesAt;
        this.returnsAt = returnsAt;
    }

    /** All disks are there all the time. */
    static MirrorStore whole() {
        return new MirrorStore(-1, -1, 0, 0, false, false);
    }

    /** After a crash a disk is missing, and somebody decides that the pool goes on without it. */
    static MirrorStore without(int disk) {
        return new MirrorStore(disk, -1, 0, 0, false, false);
    }

    /** A disk fails before one operation and works again before another one. */
    static MirrorStore failing(int disk, int from, int to) {
        return new MirrorStore(-1, disk, from, to, false, false);
    }

    /** A disk answers nothing from before one operation on, until before another one. */
    static MirrorStore stalling(int disk, int from, int to) {
        return new MirrorStore(-1, disk, from, to, true, false);
    }

    /** The same with volumes that have checksums. */
    MirrorStore summed() {
        return new MirrorStore(missing, leaves, leavesAt, returnsAt, stalls, true);
    }

    @Override
    public void create(List<BlockDevice> disks, Reactor reactor) {
        StoragePool.create(CONFIG.withCopies(disks.size()), disks, reactor);
    }

    @Override
    public Store reopen(List<BlockDevice> disks, Reactor reactor) {
        if (missing < 0) {
            PoolCheckReport report = PoolCheck.run(disks, reactor);
            if (!report.isSound()) {
                throw new IllegalStateException("the checker says: " + report.findings());
            }
            return new Compared(
                    StoragePool.open(disks, reactor, OPTIONS), checksums, disks, reactor);
        }
        var left = new ArrayList<>(disks);
        left.remove(missing);
        var options =
                new PoolOptions(Duration.ofSeconds(5), Duration.ofSeconds(1), new PoolEvents() {})
                        .by(PoolStore.OWNER)
                        .with(new MirrorOptions(true, 0));
        return new Open(StoragePool.open(left, reactor, options), checksums);
    }

    @Override
    public void before(int operation, List<SimulatedDisk> disks) {
        if (leaves < 0) {
            return;
        }
        SimulatedDisk disk = disks.get(leaves);
        if (operation == leavesAt && stalls) {
            disk.stallAgain();
            disk.faults(_ -> new DiskFault.Stalls());
        } else if (operation == leavesAt) {
            disk.vanish();
        }
        if (operation == returnsAt && stalls) {
            disk.release();
        } else if (operation == returnsAt) {
            disk.comeBack();
        }
    }

    /** A pool after a crash, whose disks hold the same in the end. */
    private static final class Compared extends Open {
        private final List<SimulatedDisk> disks;
        private final Reactor reactor;

        Compared(StoragePool pool, boolean checksums, List<BlockDevice> disks, Reactor reactor) {
            super(pool, checksums);
            this.disks = disks.stream().map(SimulatedDisk.class::cast).toList();
            this.reactor = reactor;
        }

        @Override
        public void abandon() {
            boolean powered = disks.stream().noneMatch(SimulatedDisk::isGone);
            if (powered) {
                settle();
            }
            super.abandon();
            if (powered) {
                compare();
            }
        }

        private void settle() {
            for (int i = 0; i < 20_000; i++) {
                MirrorStatus mirror = pool().mirrors().getFirst();
                if (mirror.isRedundant() && mirror.toCopyBytes() == 0) {
                    return;
                }
                reactor.step();
            }
            throw new IllegalStateException("the mirror does not come together");
        }

        private void compare() {
            DiskImage first = disks.getFirst().contents();
            for (SimulatedDisk disk : disks) {
                long at = first.mismatch(disk.contents(), MirrorHeader.DATA);
                if (at >= 0) {
                    throw new IllegalStateException("the copies differ from " + at + " on");
                }
            }
        }
    }
}
