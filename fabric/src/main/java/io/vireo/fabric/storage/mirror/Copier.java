package io.vireo.fabric.storage.mirror;

import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.fabric.storage.format.MirrorHeader;
import io.vireo.memory.OwnMemory;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * Makes ranges of legs equal. While a range is copied no change of its region is under way: those
 * that were begun end first, new ones wait. It is read from the first leg in sync, so that whoever
 * copies a range again before it is equal takes the same bytes.
 */
final class Copier {
    /** Most bytes of one job. */
    static final int MOST = 256 << 10;

    private static final int BUFFERS = 4;

    private final MirrorChannel channel;
    private final Regions regions;
    private final ArrayDeque<OwnMemory> buffers = new ArrayDeque<>();
    private int made;
    private int running;

    /** Jobs that wait for a buffer or for another job of their region. */
    private final ArrayDeque<CopyJob> waiting = new ArrayDeque<>();

    /** Jobs that wait for changes of their region to end. */
    private final List<CopyJob> draining = new ArrayList<>();

    Copier(MirrorChannel channel, Regions regions) {
        this.channel = channel;
        this.regions = regions;
    }

    boolean isBusy() {
        return running > 0 || !waiting.isEmpty();
    }

    void submit(CopyJob job) {
        if (!begin(job)) {
            waiting.add(job);
        }
    }

    private boolean begin(CopyJob job) {
        if (regions.has(job.region, Regions.LOCKED) || buffers.isEmpty() && made == BUFFERS) {
            return false;
        }
        OwnMemory buffer = buffers.poll();
        if (buffer == null) {
            buffer = OwnMemory.allocate(MOST);
            made++;
        }
        job.buffer = buffer;
        running++;
        regions.set(job.region, Regions.LOCKED);
        if (regions.isIdle(job.region)) {
            read(job);
        } else {
            draining.add(job);
        }
        return true;
    }

    /** Changes have ended. */
    void changesEnded() {
        for (int i = draining.size() - 1; i >= 0; i--) {
            CopyJob job = draining.get(i);
            if (regions.isIdle(job.region)) {
                draining.remove(i);
                read(job);
            }
        }
    }

    private void read(CopyJob job) {
        for (Leg leg : channel.legs()) {
            if (leg.state == Leg.State.IN_SYNC && (job.tried & leg.bit) == 0) {
                OwnMemory buffer = Objects.requireNonNull(job.buffer);
                var request = new BlockRequest(0, r -> readEnded(job, leg, r.status()));
                request.prepare(BlockOperation.READ, MirrorHeader.DATA + job.at, job.length)
                        .data()
                        .add(buffer.address(), job.length);
                leg.submit(request);
                return;
            }
        }
        finish(job, false);
    }

    private void readEnded(CopyJob job, Leg leg, BlockStatus status) {
        if (status == BlockStatus.OK) {
            write(job, leg.bit);
        } else {
            job.tried |= leg.bit;
            if (leg.state == Leg.State.IN_SYNC) {
                // It gets what another one has, if there is one.
                job.targets |= leg.bit;
            }
            read(job);
        }
    }

    private void write(CopyJob job, int source) {
        job.outstanding = 1;
        OwnMemory buffer = Objects.requireNonNull(job.buffer);
        for (Leg leg : channel.legs()) {
            if (leg.isLive() && (job.targets & ~source & leg.bit) != 0) {
                job.outstanding++;
                var request = new BlockRequest(0, r -> written(job, leg, r.status()));
                request.prepare(BlockOperation.WRITE, MirrorHeader.DATA + job.at, job.length)
                        .data()
                        .add(buffer.address(), job.length);
                leg.submit(request);
            }
        }
        ended(job);
    }

    private void written(CopyJob job, Leg leg, BlockStatus status) {
        if (status != BlockStatus.OK) {
            job.failed |= leg.bit;
        }
        ended(job);
    }

    private void ended(CopyJob job) {
        if (--job.outstanding > 0) {
            return;
        }
        channel.legs().failAll(job.failed, "a write to it failed");
        finish(job, true);
    }

    private void finish(CopyJob job, boolean success) {
        buffers.add(Objects.requireNonNull(job.buffer));
        running--;
        regions.clear(job.region, Regions.LOCKED);
        regions.copied(job.region, channel.flushNumber());
        channel.unlocked();
        // The next of those that wait; changes that waited go first, and have it drain again.
        for (int left = waiting.size(); left > 0; left--) {
            CopyJob next = waiting.remove();
            if (!begin(next)) {
                waiting.add(next);
            }
        }
        job.then.copied(success);
    }

    void close() {
        buffers.forEach(OwnMemory::close);
    }
}
