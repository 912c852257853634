package io.vireo.fabric.storage.mirror;

import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.fabric.storage.format.FormatException;
import io.vireo.fabric.storage.format.MirrorHeader;
import io.vireo.fabric.storage.format.PoolFormat;
import io.vireo.fabric.storage.queue.Fifo;
import io.vireo.memory.OwnMemory;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/**
 * Makes durable which legs are in sync. First those write their headers that were in sync before
 * and still are; then those that only learn of it: legs that come back, as up to date or as out of
 * date. So a leg never says that it is in sync before all others say so too. Before anything is
 * written the newest headers are read again: if they are not ours, somebody else has the mirror.
 */
final class LegRecorder {
    private enum State {
        IDLE,
        CHECKING,
        WRITING_IN_SYNC,
        WRITING_OTHERS
    }

    private final MirrorChannel channel;
    private final UUID opening = UUID.randomUUID();
    private final List<OwnMemory> buffers = new ArrayList<>();
    private final Fifo<MirrorRequest> waiting = new Fifo<>();
    private MirrorHeader durable;
    private MirrorHeader next;
    private State state = State.IDLE;
    private boolean wanted;
    private boolean branch;
    private boolean first = true;
    private boolean lost;
    private int outstanding;

    /** Legs that have to say so before the others learn of it, and these others. */
    private int stage;

    private int others;
    private int failed;
    private final Departures departures = new Departures();
    private boolean foreign;

    /**
     * @param durable what the headers say
     * @param branch whether it begins a lineage of its own
     */
    LegRecorder(MirrorChannel channel, MirrorHeader durable, boolean branch) {
        this.channel = channel;
        this.durable = durable;
        this.next = durable;
        this.branch = branch;
    }

    boolean isBusy() {
        return !lost && (state != State.IDLE || wanted);
    }

    /** Whether nothing can be recorded any more: no change may be acknowledged. */
    boolean isLost() {
        return lost;
    }

    MirrorHeader durable() {
        return durable;
    }

    /** Legs that a header may call in sync after a crash now. */
    int mayBeInSync() {
        return mask(durable) | (state == State.IDLE ? 0 : mask(next));
    }

    private static int mask(MirrorHeader header) {
        int mask = 0;
        for (int i = 0; i < header.legs().size(); i++) {
            mask |= header.legs().get(i).inSync() ? 1 << i : 0;
        }
        return mask;
    }

    /** A change that some leg does not have waits for the record of that. */
    void await(MirrorRequest request) {
        waiting.add(request);
    }

    /** What is known of the legs has changed. */
    void changed() {
        wanted = true;
        begin();
    }

    private void begin() {
        if (state != State.IDLE || !wanted || lost) {
            return;
        }
        wanted = false;
        List<MirrorHeader.Leg> entries = entries(durable.generation() + 1);
        next = branch ? durable.branch(entries, opening) : durable.next(entries, opening);
        stage = 0;
        for (Leg leg : channel.legs()) {
            stage |= leg.state == Leg.State.IN_SYNC ? leg.bit : 0;
        }
        state = State.CHECKING;
        start();
        for (Leg leg : channel.legs()) {
            if ((stage & leg.bit) != 0) {
                for (int place = 0; place < MirrorHeader.PLACES.length; place++) {
                    read(leg, place, buffer(leg.index * 2 + place));
                }
            }
        }
        ended();
    }

    private List<MirrorHeader.Leg> entries(long generation) {
        var entries = new ArrayList<MirrorHeader.Leg>();
        for (Leg leg : channel.legs()) {
            boolean inSync =
                    leg.state == Leg.State.IN_SYNC
                            || leg.state == Leg.State.SYNCING && leg.promoted;
            if (!inSync && (mask(durable) & leg.bit) != 0) {
                leg.leftAt = generation;
            } else if (!inSync && leg.whole) {
                // Whatever becomes of this attempt, the bitmap does not say what it lacks.
                leg.leftAt = 0;
            }
            entries.add(new MirrorHeader.Leg(leg.uuid, inSync, inSync ? 0 : leg.leftAt));
        }
        return entries;
    }

    private void start() {
        outstanding = 1;
        failed = 0;
        departures.watch(channel.legs());
        foreign = false;
    }

    private OwnMemory buffer(int index) {
        while (buffers.size() <= index) {
            buffers.add(OwnMemory.allocate(PoolFormat.BLOCK));
        }
        return buffers.get(index);
    }

    private void read(Leg leg, int place, OwnMemory buffer) {
        outstanding++;
        var request = new BlockRequest(0, r -> read(leg, buffer, r.status()));
        request.prepare(BlockOperation.READ, MirrorHeader.PLACES[place], PoolFormat.BLOCK)
                .data()
                .add(buffer.address(), PoolFormat.BLOCK);
        leg.submit(request);
    }

    private void read(Leg leg, OwnMemory buffer, BlockStatus status) {
        if (status != BlockStatus.OK) {
            failed |= leg.bit;
        } else {
            foreign |= isForeign(buffer);
        }
        ended();
    }

    private boolean isForeign(OwnMemory buffer) {
        try {
            MirrorHeader found = MirrorHeader.decode(buffer);
            boolean ours = first || found.opening().equals(opening);
            return !found.set().equals(durable.set())
                    || found.generation() > durable.generation() && !found.opening().equals(opening)
                    || found.generation() == durable.generation() && !ours;
        } catch (FormatException e) {
            // An older one that was torn does not say anything.
            return false;
        }
    }

    private void write(int mask) {
        start();
        for (Leg leg : channel.legs()) {
            if ((mask & leg.bit) != 0) {
                OwnMemory buffer = buffer(leg.index * 2);
                next.of(leg.index).encode(buffer);
                outstanding++;
                var request = new BlockRequest(0, r -> written(leg, r.status()));
                request.prepare(
                                BlockOperation.WRITE,
                                MirrorHeader.PLACES[1 - leg.place],
                                PoolFormat.BLOCK)
                        .forceUnitAccess(true)
                        .data()
                        .add(buffer.address(), PoolFormat.BLOCK);
                leg.submit(request);
            }
        }
        ended();
    }

    private void written(Leg leg, BlockStatus status) {
        if (status == BlockStatus.OK) {
            leg.place = 1 - leg.place;
        } else {
            failed |= leg.bit;
        }
        ended();
    }

    private void ended() {
        if (--outstanding > 0 || lost) {
            return;
        }
        if (foreign) {
            lose("another process has opened the pool meanwhile");
            return;
        }
        switch (state) {
            case IDLE -> throw new IllegalStateException("nothing was recorded");
            case CHECKING -> checked();
            case WRITING_IN_SYNC -> wroteInSync();
            case WRITING_OTHERS -> wroteOthers();
        }
    }

    private void checked() {
        if (failed == stage) {
            lose("the headers of the mirror cannot be read");
        } else if (failed != 0) {
            again("its header cannot be read");
        } else {
            state = State.WRITING_IN_SYNC;
            write(stage);
        }
    }

    private void wroteInSync() {
        if (failed == stage) {
            lose("the headers of the mirror cannot be written");
        } else if (failed != 0) {
            // Some say so already: the next generation is on top of that.
            durable = next;
            branch = false;
            first = false;
            again("its header cannot be written");
        } else {
            others = 0;
            for (Leg leg : channel.legs()) {
                boolean learns = leg.state == Leg.State.JOINING || leg.state == Leg.State.SYNCING;
                others |= learns ? leg.bit : 0;
            }
            branch = false;
            first = false;
            state = State.WRITING_OTHERS;
            write(others);
        }
    }

    private void wroteOthers() {
        durable = next;
        Legs legs = channel.legs();
        int gone = departures.since(legs);
        int told = others & ~failed & ~gone;
        legs.failAll(failed & ~gone, "its header cannot be written");
        for (Leg leg : legs) {
            if ((told & leg.bit) == 0) {
                continue;
            }
            if (leg.state == Leg.State.JOINING) {
                channel.legs().joined(leg);
            } else if (leg.state == Leg.State.SYNCING && durable.legs().get(leg.index).inSync()) {
                channel.legs().promoted(leg);
            }
        }
        channel.recorded();
        state = State.IDLE;
        acknowledge();
        begin();
    }

    private void acknowledge() {
        var all = new Fifo<MirrorRequest>();
        all.takeAll(waiting);
        for (MirrorRequest r = all.poll(); r != null; r = all.poll()) {
            channel.acknowledge(r);
        }
    }

    /** Legs have failed meanwhile: what was begun is not true any more. */
    private void again(String why) {
        Legs legs = channel.legs();
        legs.failAll(failed & ~departures.since(legs), why);
        state = State.IDLE;
        wanted = true;
        begin();
    }

    /** Nothing is recorded any more, nor changed. */
    void lose(String what) {
        if (lost) {
            return;
        }
        lost = true;
        state = State.IDLE;
        channel.lost(what);
        acknowledge();
    }

    void close() {
        buffers.forEach(OwnMemory::close);
    }
}
