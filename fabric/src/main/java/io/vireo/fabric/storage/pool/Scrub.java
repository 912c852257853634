package io.vireo.fabric.storage.pool;

import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.fabric.storage.format.MirrorHeader;
import io.vireo.fabric.storage.format.PoolFormat;
import io.vireo.fabric.storage.mirror.MirrorDevice;
import io.vireo.memory.OwnMemory;
import io.vireo.reactor.Timer;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Reads every copy of everything that volumes have, a chunk at a time, each chunk once however many
 * volumes share it. Blocks with checksums are verified; of others the copies are compared. What
 * looks wrong is looked at again: with nobody writing to it where there is a checksum, else some
 * times over, since a write may be under way.
 */
final class Scrub {
    /** Differences have to be there so often, with so much time in between. */
    private static final int LOOKS = 4;

    private static final long PAUSE = TimeUnit.MILLISECONDS.toNanos(20);

    private final Engine engine;
    private final int shift;
    private final Timer timer;
    private final List<OwnMemory> copies = new ArrayList<>();
    private final List<BitSet> seen = new ArrayList<>();
    private ScrubStatus.State state = ScrubStatus.State.NONE;
    private ScrubPlace from = ScrubPlace.START;
    private List<Volume> volumes = List.of();
    private int volume;
    private long next;
    private long rate;
    private long notBefore;
    private long startedAt;
    private long total;
    private long read;
    private long different;
    private long finished;
    private long wrongBefore;
    private long repairedBefore;

    // The chunk that is looked at.
    private boolean busy;
    private boolean asleep;
    private boolean anew;
    private long first;
    private long chunk;
    private long epoch;
    private int outstanding;
    private int there;
    private boolean failed;
    private int looks;

    /** Checksums of what the copies had when they differed last. */
    private int[] before = {};

    Scrub(Engine engine) {
        this.engine = engine;
        shift = engine.chunkShift();
        timer = engine.members().home().timer(this::awake);
        for (int i = 0; i < MirrorHeader.MAX_LEGS; i++) {
            copies.add(OwnMemory.allocate(1 << shift));
        }
    }

    ScrubStatus status() {
        long nanos = engine.members().home().nanoTime() - startedAt;
        boolean running = state == ScrubStatus.State.RUNNING;
        long speed = running && nanos > 0 ? (long) ((read - from.readBytes()) * 1e9 / nanos) : 0;
        SumFindings findings = engine.sums().findings();
        return new ScrubStatus(
                state,
                Math.min(read, total),
                total,
                speed,
                state == ScrubStatus.State.NONE ? 0 : findings.wrongBlocks() - wrongBefore,
                state == ScrubStatus.State.NONE ? 0 : findings.repairedBlocks() - repairedBefore,
                different,
                finished,
                place());
    }

    boolean isRunning() {
        return state == ScrubStatus.State.RUNNING;
    }

    /** Whether it waits for members itself. */
    boolean isBusy() {
        return busy;
    }

    /** The chunk that is looked at, or the next one. */
    private ScrubPlace place() {
        if (anew || volume >= volumes.size()) {
            return from;
        }
        return new ScrubPlace(here().id, looks > 0 || busy ? first : next, read);
    }

    /** Begins from a place on. */
    void start(long bytesPerSecond, ScrubPlace place) {
        rate = bytesPerSecond;
        from = place;
        state = ScrubStatus.State.RUNNING;
        timer.cancel();
        asleep = false;
        anew = true;
        engine.members().wake();
    }

    private void begin() {
        anew = false;
        looks = 0;
        volumes =
                engine.volumes().all().stream()
                        .sorted(Comparator.comparingLong(v -> v.id))
                        .toList();
        volume = 0;
        while (volume < volumes.size() && here().id < from.volume()) {
            volume++;
        }
        next = volume < volumes.size() && here().id == from.volume() ? from.chunk() : 0;
        read = from.readBytes();
        different = 0;
        notBefore = 0;
        wrongBefore = engine.sums().findings().wrongBlocks();
        repairedBefore = engine.sums().findings().repairedBlocks();
        startedAt = engine.members().home().nanoTime();
        seen.clear();
        long used = 0;
        for (int i = 0; i < engine.space().areas(); i++) {
            seen.add(new BitSet());
            used += engine.space().area(i).inUse();
        }
        total = Math.max(0, used - engine.meta().chunks()) << shift;
    }

    void rate(long bytesPerSecond) {
        rate = bytesPerSecond;
        notBefore = 0;
        if (asleep) {
            timer.cancel();
            awake();
        }
    }

    void cancel() {
        if (isRunning()) {
            state = ScrubStatus.State.CANCELLED;
        }
    }

    private void awake() {
        asleep = false;
        engine.members().wake();
    }

    private void sleep(long nanos) {
        asleep = true;
        timer.start(nanos);
    }

    /** Goes on; how much was done. */
    int poll() {
        if (!isRunning() || busy || asleep) {
            return 0;
        }
        if (anew) {
            begin();
        }
        long wait = notBefore - engine.members().home().nanoTime();
        if (wait > 0) {
            sleep(wait);
            return 0;
        }
        if (looks == 0 && !findNext()) {
            state = ScrubStatus.State.DONE;
            finished = System.currentTimeMillis();
            return 1;
        }
        look();
        return 1;
    }

    /** Finds the next chunk that was not seen yet; false: there is none. */
    private boolean findNext() {
        while (volume < volumes.size()) {
            Volume here = volumes.get(volume);
            long end = engine.chunks(here.capacity);
            next = engine.tree().nextMapped(here.root, next, end);
            if (next >= end) {
                volume++;
                next = 0;
                continue;
            }
            first = next++;
            chunk = engine.tree().find(here.root, first) & PoolFormat.CHUNK_MASK;
            while (seen.size() < engine.space().areas()) {
                seen.add(new BitSet());
            }
            BitSet member = seen.get(PoolFormat.member(chunk));
            int index = (int) PoolFormat.index(chunk);
            if (!member.get(index)) {
                member.set(index);
                return true;
            }
        }
        return false;
    }

    private Volume here() {
        return volumes.get(volume);
    }

    /** Reads all copies of the chunk; it may have another place by now. */
    private void look() {
        long entry = engine.tree().find(here().root, first);
        if (entry == 0) {
            looks = 0;
            return;
        }
        chunk = entry & PoolFormat.CHUNK_MASK;
        busy = true;
        failed = false;
        there = 0;
        outstanding = 1;
        epoch = engine.epochs().enter();
        Member member = engine.path().member(chunk);
        long at = engine.path().offset(chunk);
        if (looks != 1 && member.device() instanceof MirrorDevice mirror) {
            for (int i = 0; i < mirror.copies(); i++) {
                var request = new BlockRequest(i, this::ended);
                if (mirror.readCopy(i, at, copies.get(there), request)) {
                    there++;
                    outstanding++;
                }
            }
        }
        if (there == 0) {
            // After a difference: the mirror itself makes copies equal that a loss of power has
            // made different.
            there = 1;
            outstanding++;
            var request = new BlockRequest(0, this::ended);
            request.prepare(BlockOperation.READ, at, 1L << shift)
                    .data()
                    .add(copies.getFirst().address(), 1 << shift);
            member.submit(request);
        }
        ended(BlockStatus.OK);
    }

    private void ended(BlockRequest request) {
        ended(request.status());
    }

    private void ended(BlockStatus status) {
        failed |= status != BlockStatus.OK;
        if (--outstanding > 0) {
            return;
        }
        engine.epochs().leave(epoch);
        Volume here = here();
        if (here.sums != null && (failed || !allMatch(here))) {
            engine.sums()
                    .readOwn(
                            here, first << shift, 1L << shift, engine.copiesWrites(), this::closer);
        } else if (here.sums == null && failed) {
            engine.sums().findings().unreadable(here.name, first << shift);
            done();
        } else if (here.sums == null && there > 1) {
            compare();
        } else if (looks == 1) {
            looks = 2;
            busy = false;
            engine.members().wake();
        } else {
            done();
        }
    }

    private void closer(VolumeRequest request) {
        if (request.status != BlockStatus.OK && failed) {
            engine.sums().findings().unreadable(here().name, first << shift);
        }
        done();
    }

    private boolean allMatch(Volume here) {
        long block = first << shift - PoolFormat.BLOCK_SHIFT;
        for (int copy = 0; copy < there; copy++) {
            for (int at = 0; at < 1 << shift; at += PoolFormat.BLOCK) {
                long number = block + (at >> PoolFormat.BLOCK_SHIFT);
                if (!engine.sums().matches(here, number, copies.get(copy), at)) {
                    return false;
                }
            }
        }
        return true;
    }

    private void compare() {
        int[] now = new int[there << shift - PoolFormat.BLOCK_SHIFT];
        int blocks = 1 << shift - PoolFormat.BLOCK_SHIFT;
        int firstWrong = -1;
        for (int i = 0; i < now.length; i++) {
            now[i] = copies.get(i / blocks).crc32c(i % blocks * PoolFormat.BLOCK, PoolFormat.BLOCK);
            boolean same = now[i] == now[i % blocks];
            // What changes meanwhile is being written to.
            boolean still = looks == 0 || i < before.length && now[i] == before[i];
            firstWrong = same || !still || firstWrong >= 0 ? firstWrong : i % blocks;
        }
        before = now;
        if (firstWrong < 0) {
            looks = 0;
            done();
        } else if (looks < LOOKS) {
            looks++;
            busy = false;
            sleep(PAUSE);
        } else {
            different++;
            looks = 0;
            engine.sums()
                    .findings()
                    .different(
                            here().name, (first << shift) + (long) firstWrong * PoolFormat.BLOCK);
            done();
        }
    }

    private void done() {
        busy = false;
        looks = 0;
        read += 1L << shift;
        if (rate > 0) {
            long now = engine.members().home().nanoTime();
            long cost = (long) ((double) (1L << shift) * 1e9 / rate);
            notBefore = Math.max(notBefore, now) + cost;
        }
        engine.members().wake();
    }

    void close() {
        timer.cancel();
        copies.forEach(OwnMemory::close);
    }
}
