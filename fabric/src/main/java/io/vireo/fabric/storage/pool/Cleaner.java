package io.vireo.fabric.storage.pool;

import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.fabric.storage.format.PoolFormat;

/**
 * Zeroes chunks that were used before, in the background, a few neighbours at a time. They are
 * clean when the zeroes are durable.
 */
final class Cleaner {
    private static final int RUNS = 16;
    private static final int RUN_CHUNKS = 256;

    private final Engine engine;
    private final FlushAll flush;
    private final Run[] runs = new Run[RUNS];
    private int used;
    private int outstanding;
    private boolean busy;
    private long broken;

    Cleaner(Engine engine) {
        this.engine = engine;
        flush = new FlushAll(engine.members(), this::flushed);
        for (int i = 0; i < RUNS; i++) {
            runs[i] = new Run();
        }
    }

    /** Chunks that could not be zeroed and are out of use until the pool is opened again. */
    long broken() {
        return broken;
    }

    boolean isBusy() {
        return busy;
    }

    /** Chunks that are being zeroed. */
    long underWay() {
        long sum = 0;
        for (int i = 0; busy && i < used; i++) {
            sum += runs[i].count;
        }
        return sum;
    }

    /** Whether chunks of a member are being zeroed. */
    boolean isCleaning(int member) {
        for (int i = 0; busy && i < used; i++) {
            if (runs[i].member == member) {
                return true;
            }
        }
        return false;
    }

    /** Begins if there is something to clean. */
    int poll() {
        if (busy || engine.health().isFrozen() || !engine.space().hasDirty()) {
            return 0;
        }
        busy = true;
        used = 0;
        outstanding = 1;
        for (int member = 0; member < engine.space().areas(); member++) {
            ChunkArea area = engine.space().area(member);
            if (area.isDraining()) {
                continue;
            }
            long most = engine.members().get(member).device().geometry().maxDiscardBytes();
            int chunks = Math.clamp(most >>> engine.chunkShift(), 1, RUN_CHUNKS);
            while (used < RUNS && area.dirtyCount() > 0) {
                long first = area.nextDirty();
                runs[used++].start(member, first, area.takeDirtyRun(first, chunks));
            }
        }
        ended();
        return used;
    }

    private void ended() {
        if (--outstanding > 0) {
            return;
        }
        for (int i = 0; i < used; i++) {
            engine.members().get(runs[i].member).changed();
        }
        if (!flush.startUnflushed()) {
            flushed(true);
        }
    }

    private void flushed(boolean success) {
        busy = false;
        if (!success) {
            engine.health().poison("a flush of the pool's members failed");
            return;
        }
        for (int i = 0; i < used; i++) {
            Run run = runs[i];
            ChunkArea area = engine.space().area(run.member);
            for (int j = 0; j < run.count && !run.failed; j++) {
                area.clean(run.first + j);
            }
            if (run.failed) {
                broken += run.count;
                engine.space().broke(run.member, run.count);
                engine.health()
                        .alarm(
                                "%d chunks of member %d could not be zeroed and are out of use; check the disk"
                                        .formatted(run.count, run.member));
            }
        }
        engine.members().wake();
    }

    /** Neighbouring chunks that are zeroed together. */
    private final class Run {
        final BlockRequest request = new BlockRequest(0, ended -> ended(ended.status()));
        int member;
        long first;
        int count;
        boolean failed;

        void start(int newMember, long newFirst, int newCount) {
            member = newMember;
            first = newFirst;
            count = newCount;
            outstanding++;
            long at =
                    engine.space().area(member).dataStart()
                            + (PoolFormat.index(first) << engine.chunkShift());
            request.prepare(BlockOperation.WRITE_ZEROES, at, (long) count << engine.chunkShift())
                    .unmap(true);
            engine.members().get(member).submit(request);
        }

        private void ended(BlockStatus status) {
            failed = status != BlockStatus.OK;
            Cleaner.this.ended();
        }
    }
}
