package io.vireo.fabric.storage.mirror;

import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.fabric.storage.format.MirrorHeader;
import io.vireo.fabric.storage.format.PoolFormat;
import io.vireo.memory.NativeMemory;
import io.vireo.memory.OwnMemory;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Makes ranges of legs equal. While a range is copied no change of its region is under way: those
 * that were begun end first, new ones wait. It is read from the first leg in sync, so that whoever
 * copies a range again before it is equal takes the same bytes.
 *
 * <p>Blocks of which the pool knows that these bytes are wrong are taken from the next leg that has
 * them right, be it one that is in sync or one that is to get them. If none has, those that were
 * read and are as wrong get what the first has; one that cannot be read may be right, and is left
 * as it is.
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

    /** Jobs that wait for a buffer, or for another job or changes of their region. */
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
        // Changes that waited for the copy before go first, and have this one drain again.
        if (regions.has(job.region, Regions.LOCKED)
                || channel.isAwaited(job.region)
                || buffers.isEmpty() && made == BUFFERS) {
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
            job.source = leg.bit;
            job.looked = leg.bit;
            // A change may have ended just before, and the pool be told of it only now.
            channel.soon(() -> verify(job));
        } else {
            job.tried |= leg.bit;
            if (leg.state == Leg.State.IN_SYNC) {
                // It gets what another one has, if there is one.
                job.targets |= leg.bit;
            }
            read(job);
        }
    }

    private void verify(CopyJob job) {
        CopyCheck check = channel.check();
        if (check == null) {
            write(job);
            return;
        }
        if (!check.isReady(job.at, job.length, () -> verify(job))) {
            return;
        }
        OwnMemory buffer = Objects.requireNonNull(job.buffer);
        for (int i = 0; i < job.blocks(); i++) {
            if (check.isWrong(job.blockAt(i), buffer, job.offset(i))) {
                job.suspects |= 1L << i;
            }
        }
        job.lost = job.suspects;
        search(job, check);
    }

    /** Looks at the next leg while there are blocks that none so far has right. */
    private void search(CopyJob job, CopyCheck check) {
        Leg next = job.lost == 0 ? null : next(job);
        if (next == null) {
            write(job);
            return;
        }
        if (job.other == null) {
            job.other = OwnMemory.allocate(MOST);
        }
        OwnMemory other = job.other;
        var request = new BlockRequest(0, r -> searched(job, check, next, r.status()));
        request.prepare(BlockOperation.READ, MirrorHeader.DATA + job.at, job.length)
                .data()
                .add(other.address(), job.length);
        next.submit(request);
    }

    /** A leg that was not read yet: first those in sync. */
    private @Nullable Leg next(CopyJob job) {
        Leg found = null;
        for (Leg leg : channel.legs()) {
            boolean fresh = leg.isLive() && ((job.looked | job.tried) & leg.bit) == 0;
            if (fresh && leg.state == Leg.State.IN_SYNC) {
                return leg;
            }
            found = fresh && found == null ? leg : found;
        }
        return found;
    }

    private void searched(CopyJob job, CopyCheck check, Leg leg, BlockStatus status) {
        // What was known when the first leg was read may be forgotten by now.
        if (!check.isReady(job.at, job.length, () -> searched(job, check, leg, status))) {
            return;
        }
        if (status == BlockStatus.OK) {
            job.looked |= leg.bit;
            take(job, check);
        } else {
            job.tried |= leg.bit;
        }
        search(job, check);
    }

    private static void take(CopyJob job, CopyCheck check) {
        OwnMemory buffer = Objects.requireNonNull(job.buffer);
        OwnMemory other = Objects.requireNonNull(job.other);
        for (int i = 0; i < job.blocks(); i++) {
            int offset = job.offset(i);
            boolean wanted = (job.lost & 1L << i) != 0;
            if (wanted && !check.isWrong(job.blockAt(i), other, offset)) {
                NativeMemory.copy(
                        other.address() + offset, buffer.address() + offset, PoolFormat.BLOCK);
                job.lost &= ~(1L << i);
            }
        }
    }

    private void write(CopyJob job) {
        job.outstanding = 1;
        job.departures.watch(channel.legs());
        int hopeless = 0;
        for (Leg leg : channel.legs()) {
            boolean wanted = leg.isLive() && (job.targets & ~job.source & leg.bit) != 0;
            // What it has of blocks that are wrong everywhere else may be right.
            boolean unknown = job.lost != 0 && (job.tried & leg.bit) != 0;
            if (wanted && unknown && leg.state == Leg.State.SYNCING) {
                hopeless |= leg.bit;
            } else if (wanted && unknown) {
                writeAround(job, leg);
            } else if (wanted) {
                write(job, leg, 0, job.length);
            }
        }
        channel.legs()
                .failAll(
                        hopeless,
                        "it cannot be read where the others are damaged: offset %d of the mirror"
                                .formatted(job.at));
        CopyCheck check = channel.check();
        for (int i = 0; check != null && i < job.blocks(); i++) {
            if ((job.suspects & 1L << i) != 0) {
                check.suspect(job.blockAt(i));
            }
        }
        ended(job);
    }

    /** Writes all but the blocks that no leg has right. */
    private void writeAround(CopyJob job, Leg leg) {
        int from = 0;
        for (int i = 0; i < job.blocks(); i++) {
            if ((job.lost & 1L << i) != 0) {
                write(job, leg, from, job.offset(i));
                from = job.offset(i) + PoolFormat.BLOCK;
            }
        }
        write(job, leg, from, job.length);
    }

    private void write(CopyJob job, Leg leg, int from, int end) {
        if (from == end) {
            return;
        }
        job.outstanding++;
        var request = new BlockRequest(0, r -> written(job, leg, r.status()));
        request.prepare(BlockOperation.WRITE, MirrorHeader.DATA + job.at + from, end - from)
                .data()
                .add(Objects.requireNonNull(job.buffer).address() + from, end - from);
        leg.submit(request);
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
        Legs legs = channel.legs();
        legs.failAll(job.failed & ~job.departures.since(legs), "a write to it failed");
        finish(job, true);
    }

    private void finish(CopyJob job, boolean success) {
        buffers.add(Objects.requireNonNull(job.buffer));
        OwnMemory other = job.other;
        if (other != null) {
            other.close();
        }
        running--;
        regions.clear(job.region, Regions.LOCKED);
        regions.copied(job.region, channel.flushNumber());
        channel.unlocked();
        channel.soon(this::beginWaiting);
        job.then.copied(success);
    }

    private void beginWaiting() {
        for (int left = waiting.size(); left > 0; left--) {
            CopyJob next = waiting.remove();
            if (!begin(next)) {
                waiting.add(next);
            }
        }
    }

    void close() {
        buffers.forEach(OwnMemory::close);
    }
}
