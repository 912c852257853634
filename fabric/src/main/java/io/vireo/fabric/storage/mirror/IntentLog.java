package io.vireo.fabric.storage.mirror;

import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.fabric.storage.format.IntentBlock;
import io.vireo.fabric.storage.format.MirrorHeader;
import io.vireo.fabric.storage.format.PoolFormat;
import io.vireo.fabric.storage.queue.Fifo;
import io.vireo.memory.OwnMemory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;

/**
 * The write-intent bitmap: a change of a region waits here until the region's bit is durable on all
 * live legs. Blocks are written in rounds; who comes while one is under way is served by the next.
 */
final class IntentLog {
    private final MirrorChannel channel;
    private final Regions regions;
    private final List<OwnMemory> buffers = new ArrayList<>();
    private BitSet blocks = new BitSet();
    private BitSet written = new BitSet();

    /** Regions whose bit is not durable: not in a round yet, and in the round that is written. */
    private int[] fresh = new int[16];

    private int freshCount;
    private int[] sealed = new int[16];
    private int sealedCount;
    private final Fifo<MirrorRequest> waiting = new Fifo<>();
    private final Fifo<MirrorRequest> served = new Fifo<>();
    private List<Runnable> askers = new ArrayList<>();
    private List<Runnable> told = new ArrayList<>();
    private int outstanding;
    private int legsDone;
    private int legsFailed;
    private int legsSent;
    private final Departures departures = new Departures();
    private boolean busy;

    IntentLog(MirrorChannel channel, Regions regions) {
        this.channel = channel;
        this.regions = regions;
    }

    boolean isBusy() {
        return busy;
    }

    /** Has a change wait until the bits of its regions are durable. */
    void want(MirrorRequest request) {
        for (int i = request.first; i <= request.last; i++) {
            mark(i);
        }
        waiting.add(request);
        begin();
    }

    private void mark(int region) {
        if (!regions.has(region, Regions.BIT)) {
            regions.set(region, Regions.BIT);
            blocks.set(region / IntentBlock.REGIONS);
            if (freshCount == fresh.length) {
                fresh = Arrays.copyOf(fresh, freshCount * 2);
            }
            fresh[freshCount++] = region;
        }
    }

    /** Takes a bit back, with the next round. */
    void clear(int region) {
        regions.clear(region, Regions.BIT);
        regions.clear(region, Regions.DURABLE);
        blocks.set(region / IntentBlock.REGIONS);
    }

    /** Writes all blocks to all live legs. */
    void writeAll(Runnable whenDone) {
        blocks.set(0, (regions.count() - 1) / IntentBlock.REGIONS + 1);
        askers.add(whenDone);
        begin();
    }

    /** Begins a round if there is something to write. */
    void begin() {
        if (busy || blocks.isEmpty()) {
            return;
        }
        busy = true;
        BitSet none = written;
        written = blocks;
        blocks = none;
        int[] old = sealed;
        sealed = fresh;
        sealedCount = freshCount;
        fresh = old;
        freshCount = 0;
        served.takeAll(waiting);
        List<Runnable> empty = told;
        told = askers;
        askers = empty;
        legsDone = 0;
        legsFailed = 0;
        legsSent = 0;
        departures.watch(channel.legs());
        outstanding = 1;
        int buffer = 0;
        for (int b = written.nextSetBit(0); b >= 0; b = written.nextSetBit(b + 1)) {
            write(b, buffer(buffer++));
        }
        ended();
    }

    private OwnMemory buffer(int index) {
        while (buffers.size() <= index) {
            buffers.add(OwnMemory.allocate(PoolFormat.BLOCK));
        }
        return buffers.get(index);
    }

    private void write(int block, OwnMemory buffer) {
        IntentBlock.encode(buffer, 0, block, regions.count(), i -> regions.has(i, Regions.BIT));
        for (Leg leg : channel.legs()) {
            if (leg.isLive()) {
                legsSent |= leg.bit;
                outstanding++;
                var request = new BlockRequest(0, r -> written(leg, r.status()));
                request.prepare(
                                BlockOperation.WRITE,
                                MirrorHeader.INTENT + (long) block * PoolFormat.BLOCK,
                                PoolFormat.BLOCK)
                        .forceUnitAccess(true)
                        .data()
                        .add(buffer.address(), PoolFormat.BLOCK);
                leg.submit(request);
            }
        }
    }

    private void written(Leg leg, BlockStatus status) {
        if (status != BlockStatus.OK) {
            legsFailed |= leg.bit;
        }
        ended();
    }

    private void ended() {
        if (--outstanding > 0) {
            return;
        }
        busy = false;
        legsDone = legsSent & ~legsFailed;
        written.clear();
        boolean success = (legsDone & channel.legs().inSync()) != 0;
        if (success) {
            Legs legs = channel.legs();
            legs.failAll(
                    legsFailed & ~departures.since(legs),
                    "its write-intent bitmap cannot be written");
        }
        for (int i = 0; i < sealedCount; i++) {
            if (!success) {
                // As it may or may not be there, the next who wants it has to write it again.
                regions.clear(sealed[i], Regions.BIT);
            } else if (regions.has(sealed[i], Regions.BIT)) {
                regions.set(sealed[i], Regions.DURABLE);
            }
        }
        sealedCount = 0;
        for (MirrorRequest r = served.poll(); r != null; r = served.poll()) {
            channel.intended(r, success);
        }
        serveWaiting();
        var all = List.copyOf(told);
        told.clear();
        all.forEach(Runnable::run);
        begin();
    }

    /** Those who came during the round may have got what they wanted from it. */
    private void serveWaiting() {
        var all = new Fifo<MirrorRequest>();
        all.takeAll(waiting);
        for (MirrorRequest r = all.poll(); r != null; r = all.poll()) {
            if (regions.all(r.first, r.last, Regions.DURABLE)) {
                channel.intended(r, true);
            } else {
                for (int i = r.first; i <= r.last; i++) {
                    mark(i);
                }
                waiting.add(r);
            }
        }
    }

    void close() {
        buffers.forEach(OwnMemory::close);
    }
}
