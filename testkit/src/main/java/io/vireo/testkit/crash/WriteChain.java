package io.vireo.testkit.crash;

import io.vireo.block.BlockOperation;
import io.vireo.block.BlockStatus;
import io.vireo.reactor.Poller;
import io.vireo.reactor.Registration;
import io.vireo.testkit.crash.VolumeClient.Rig;
import io.vireo.testkit.crash.VolumeModel.Change;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Writes to several volumes in turn, each of which begins when the one before has ended, as a
 * database writes to its log and then to its tables. So of any moment there are the first of them,
 * and none behind one that is not there.
 */
final class WriteChain implements Poller {
    /** A volume that is written to. */
    record Target(VolumeModel volume, VolumeClient client) {}

    /** Told how a write ended. */
    interface Ended {
        void ended(Target target, Change change, BlockStatus status);
    }

    private static final int LINKS = 24;
    private static final int SECTORS = 8;

    private final List<Target> targets;
    private final Oracle oracle;
    private final DiskLog log;
    private final int firstBlock;
    private final Ended ended;
    private @Nullable Registration registration;
    private boolean waiting;
    private int links;

    /**
     * Begins.
     *
     * @param firstBlock of each volume, counted round; the next writes are to the blocks after it
     */
    static WriteChain begin(
            Rig rig,
            List<Target> targets,
            Oracle oracle,
            DiskLog log,
            int firstBlock,
            Ended ended) {
        var chain = new WriteChain(targets, oracle, log, firstBlock, ended);
        chain.registration = rig.call(() -> rig.reactor.add(chain));
        return chain;
    }

    private WriteChain(
            List<Target> targets, Oracle oracle, DiskLog log, int firstBlock, Ended ended) {
        this.targets = targets;
        this.oracle = oracle;
        this.log = log;
        this.firstBlock = firstBlock;
        this.ended = ended;
    }

    /** Ends it; the last write may be under way. */
    void end(Rig rig) {
        links = LINKS;
        rig.call(() -> {
            Objects.requireNonNull(registration).close();
            return true;
        });
        registration = null;
    }

    @Override
    public int poll() {
        if (waiting || links == LINKS) {
            return 0;
        }
        Target target = targets.get(links % targets.size());
        if (!target.client().hasRoom()) {
            return 0;
        }
        VolumeModel volume = target.volume();
        int blocks = (int) (volume.capacity() / (SECTORS * Sectors.SIZE));
        int first = (firstBlock + links / targets.size()) % blocks * SECTORS;
        long version = oracle.newVersion();
        Change change = volume.change(first, SECTORS, version, false, log.tick());
        waiting = true;
        links++;
        target.client()
                .startHere(
                        BlockOperation.WRITE,
                        (long) first * Sectors.SIZE,
                        SECTORS * Sectors.SIZE,
                        address ->
                                Sectors.fill(
                                        address,
                                        SECTORS,
                                        oracle.seed,
                                        volume.number,
                                        first,
                                        version),
                        (status, _) -> {
                            waiting = false;
                            ended.ended(target, change, status);
                            if (registration != null) {
                                registration.wake();
                            }
                        });
        return 1;
    }

    @Override
    public boolean arm() {
        return waiting || links == LINKS;
    }

    @Override
    public String name() {
        return "chain of writes";
    }
}
