package io.vireo.fabric.storage.pool;

import io.vireo.fabric.storage.map.PageStore;
import java.util.concurrent.TimeUnit;

/**
 * Gives back what deleted volumes and snapshots had, in the background: their map pages are
 * dismantled a few at a time once the record that deletes them is durable; their chunks are cleaned
 * then by the {@link Cleaner}.
 */
final class Reclaim {
    /** Pages that are dismantled in one turn. */
    private static final int DISMANTLE = 16;

    /** Freed chunks on their way, beyond which nothing more is dismantled for now. */
    private static final int MANY_FREED = 1 << 16;

    private final Engine engine;

    /** Roots of volumes that are gone: not in a group yet, and in the group that is written. */
    private LongQueue condemned = new LongQueue();

    private LongQueue sealed = new LongQueue();

    /** Chunks of maps that are gone and not dismantled, at most. */
    private long owed;

    // What status() saw of the present job.
    private long total;
    private long began;

    Reclaim(Engine engine) {
        this.engine = engine;
    }

    /**
     * Takes a volume's map away; what it had is given up when the operation that says so is
     * durable.
     */
    void condemn(Volume volume) {
        owed += volume.root.mapped();
        int page = engine.tree().detach(volume.root);
        if (page != 0) {
            condemned.add(page);
        }
        engine.sums().dropped(volume);
    }

    /** What was given up so far is in the group that is written now. */
    void seal() {
        LongQueue empty = sealed;
        sealed = condemned;
        condemned = empty;
        engine.space().seal();
    }

    /** That group is durable. */
    void sealedIsDurable() {
        while (!sealed.isEmpty()) {
            engine.tree().release((int) sealed.remove());
        }
        engine.space().sealedIsDurable();
        // What was shared may belong to one volume alone now.
        engine.held().lookAgain();
    }

    int poll() {
        int work = 0;
        ChunkSpace space = engine.space();
        if (engine.tree().hasDoomed() && space.waiting() < MANY_FREED) {
            int before = space.dropped();
            engine.tree().dismantle(DISMANTLE, page -> pageGone(engine.pages(), page));
            owed = Math.max(0, owed - (space.dropped() - before));
            engine.held().lookAgain();
            work++;
        }
        if (engine.sumMap().tree().hasDoomed()) {
            engine.sumMap()
                    .tree()
                    .dismantle(DISMANTLE, page -> pageGone(engine.sumMap().pages(), page));
            work++;
        }
        if (!engine.tree().hasDoomed() && condemned.isEmpty() && sealed.isEmpty()) {
            // What is left of it is shared with volumes that are there.
            owed = 0;
        }
        return work;
    }

    private void pageGone(PageStore of, int page) {
        if (of.isPlaced(page)) {
            engine.meta().retire(of.place(page));
        }
    }

    /** Chunks, at most, that are not zeroed yet. */
    long left() {
        ChunkSpace space = engine.space();
        return owed + space.waiting() + space.dirty() + engine.cleaner().underWay();
    }

    /** Whether maps that are gone have given up all that they had. */
    boolean isDone() {
        return condemned.isEmpty()
                && sealed.isEmpty()
                && !engine.tree().hasDoomed()
                && !engine.sumMap().tree().hasDoomed();
    }

    /** Whether chunks that were given up do not count as free yet, since that is not durable. */
    boolean isFreeing() {
        return !isDone() || engine.space().isFreeing();
    }

    /** How far it is. */
    ReclaimStatus status() {
        long left = left();
        if (left == 0) {
            total = 0;
            return ReclaimStatus.NOTHING;
        }
        long now = engine.members().home().nanoTime();
        if (total == 0) {
            began = now;
        }
        total = Math.max(total, left);
        long done = total - left << engine.chunkShift();
        double seconds = (double) (now - began) / TimeUnit.SECONDS.toNanos(1);
        return new ReclaimStatus(
                done, total << engine.chunkShift(), seconds > 0 ? (long) (done / seconds) : 0);
    }
}
