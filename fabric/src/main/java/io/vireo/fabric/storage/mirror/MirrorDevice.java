package io.vireo.fabric.storage.mirror;

import io.vireo.block.BlockChannel;
import io.vireo.block.BlockCounters;
import io.vireo.block.BlockDevice;
import io.vireo.block.BlockGeometry;
import io.vireo.block.BlockMeter;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.fabric.storage.format.MirrorHeader;
import io.vireo.memory.OwnMemory;
import io.vireo.reactor.Reactor;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * A device that is kept on two or three others. It is opened once, on the reactor of its pool, and
 * what its methods but those of {@link BlockDevice} do is done there.
 */
public final class MirrorDevice implements BlockDevice {
    private final MirrorPlan plan;
    private final MirrorEvents events;
    private final BlockMeter meter = new BlockMeter();
    private long rate;
    private Duration stallLimit;
    private @Nullable MirrorChannel channel;

    /** Devices of the legs that are here. */
    private volatile List<BlockDevice> devices;

    /**
     * A mirror of what was found.
     *
     * @param rate most bytes per second that a resync copies; 0: any
     * @param stallLimit how long a leg may leave a request without an answer
     */
    public MirrorDevice(MirrorPlan plan, MirrorEvents events, long rate, Duration stallLimit) {
        this.plan = plan;
        this.events = events;
        this.rate = rate;
        this.stallLimit = stallLimit;
        devices = plan.legs().stream().flatMap(leg -> leg.device().stream()).toList();
    }

    /** The mirror's identity. */
    public UUID set() {
        return plan.header().set();
    }

    MirrorEvents events() {
        return events;
    }

    BlockMeter meter() {
        return meter;
    }

    List<Leg> openLegs(MirrorChannel open) {
        var legs = new ArrayList<Leg>();
        for (int i = 0; i < plan.legs().size(); i++) {
            MirrorHeader.Leg entry = plan.header().legs().get(i);
            MirrorPlan.Found found = plan.legs().get(i);
            Leg.State state =
                    found.device().isEmpty()
                            ? Leg.State.ABSENT
                            : entry.inSync() ? Leg.State.IN_SYNC : Leg.State.JOINING;
            if (state == Leg.State.JOINING && plan.readOnly()) {
                state = Leg.State.FAILED;
            }
            var leg = new Leg(i, entry.uuid(), state);
            leg.place = found.place();
            leg.leftAt = entry.leftAt();
            leg.whole = !entry.inSync() && !found.partial();
            leg.why = state == Leg.State.ABSENT ? "it is not here" : "";
            found.device().ifPresent(device -> leg.queue = queue(open, device));
            legs.add(leg);
        }
        return legs;
    }

    private static LegQueue queue(MirrorChannel open, BlockDevice device) {
        return new LegQueue(device, open.home(), open::wake, open.stalls()::watch);
    }

    /** Whether a device is one of its legs. */
    public boolean isOn(BlockDevice device) {
        return devices.contains(device);
    }

    /** Whether a device that was replaced still has requests. */
    public boolean isHeld(BlockDevice device) {
        MirrorChannel open = channel;
        return open != null && open.watch().isHeld(device);
    }

    /** Whether all legs are here and in sync. */
    public boolean isWhole() {
        MirrorChannel open = channel;
        return open != null && open.legs().inSync() == (1 << open.legs().size()) - 1;
    }

    /** What it is and does. */
    public MirrorStatus status() {
        MirrorChannel open = Objects.requireNonNull(channel);
        Resync resync = open.resync();
        var legs = new ArrayList<MirrorStatus.Leg>();
        for (Leg leg : open.legs()) {
            MirrorStatus.LegState state =
                    switch (leg.state) {
                        case IN_SYNC -> MirrorStatus.LegState.IN_SYNC;
                        case JOINING, SYNCING -> MirrorStatus.LegState.SYNCING;
                        case FAILED -> MirrorStatus.LegState.FAILED;
                        case ABSENT -> MirrorStatus.LegState.ABSENT;
                    };
            LegQueue queue = leg.queue;
            legs.add(
                    new MirrorStatus.Leg(
                            leg.uuid,
                            state,
                            leg.why,
                            queue == null ? Optional.empty() : Optional.of(queue.device())));
        }
        return new MirrorStatus(
                set(),
                legs,
                resync.copiedBytes(),
                resync.totalBytes(),
                resync.bytesPerSecond(),
                resync.isPaused(),
                (long) open.regions().bits() * open.regions().bytes(),
                Duration.ofNanos(open.stalls().limit()));
    }

    /** How many copies it is made for. */
    public int copies() {
        return plan.legs().size();
    }

    /**
     * Says what is known of what is copied from leg to leg. Nothing is copied in the background
     * before.
     */
    public void check(CopyCheck check) {
        Objects.requireNonNull(channel).check(check);
    }

    /**
     * Begins to read one copy, whatever the others hold. On the mirror's reactor.
     *
     * @param at byte of the mirror
     * @param request completed when {@code memory} is full or that failed
     * @return false: the copy is not here, or out of date
     */
    public boolean readCopy(int leg, long at, OwnMemory memory, BlockRequest request) {
        return readCopy(leg, Leg.State.IN_SYNC, at, memory, request);
    }

    /**
     * The same of a copy that is being resynced, and may be out of date: for who knows what should
     * be there.
     *
     * @return false: the copy is not here, or nothing is done with it, or it is in sync
     */
    public boolean readOldCopy(int leg, long at, OwnMemory memory, BlockRequest request) {
        return readCopy(leg, Leg.State.SYNCING, at, memory, request);
    }

    private boolean readCopy(
            int leg, Leg.State state, long at, OwnMemory memory, BlockRequest request) {
        Leg one = Objects.requireNonNull(channel).legs().get(leg);
        if (one.state != state || one.queue == null) {
            return false;
        }
        request.prepare(BlockOperation.READ, MirrorHeader.DATA + at, memory.length());
        request.data().add(memory.address(), memory.length());
        one.submit(request);
        return true;
    }

    /** Changes how many bytes per second a resync copies; 0: any number. */
    public void resyncRate(long bytesPerSecond) {
        rate = bytesPerSecond;
        Objects.requireNonNull(channel).resync().rate(bytesPerSecond);
    }

    /** Changes how long a leg may leave a request without an answer. */
    public void stallLimit(Duration limit) {
        stallLimit = limit;
        Objects.requireNonNull(channel).stalls().limit(limit.toNanos());
    }

    /** Holds resyncs up, or lets them go on. */
    public void pauseResync(boolean on) {
        Objects.requireNonNull(channel).resync().pause(on);
    }

    /** Somebody else has the mirror: nothing of it is written any more. */
    public void lose(String what) {
        Objects.requireNonNull(channel).recorder().lose(what);
    }

    /** The bytes that a device needs to become a leg. */
    public long legBytes() {
        return Objects.requireNonNull(channel).legs().dataBytes() + MirrorHeader.DATA;
    }

    /** The leg that a new device may take the place of: one that is not in sync; -1: none. */
    public int vacancy() {
        int vacancy = -1;
        for (Leg leg : Objects.requireNonNull(channel).legs()) {
            boolean gone = leg.state == Leg.State.ABSENT || leg.state == Leg.State.FAILED;
            vacancy = gone && vacancy < 0 ? leg.index : vacancy;
        }
        return vacancy;
    }

    /** Whether a header is that of a leg of this mirror which is not in sync, and here no more. */
    public boolean misses(MirrorHeader header) {
        if (!header.set().equals(set())) {
            return false;
        }
        Leg leg = Objects.requireNonNull(channel).legs().get(header.leg());
        return (leg.state == Leg.State.ABSENT || leg.state == Leg.State.FAILED)
                && header.legs().get(header.leg()).uuid().equals(leg.uuid);
    }

    /** Whether the disk that is a leg, or was, has requests that have not ended. */
    public boolean isLegHeld(int index) {
        return Objects.requireNonNull(channel).legs().get(index).isHeld();
    }

    /**
     * Puts a device into the place of a leg that is not in sync; it gets all that it lacks. A disk
     * that was this leg before must have ended all that it was given then.
     *
     * @param returned the header that it has, and its place, if it was this leg before; it is
     *     copied as a whole otherwise
     */
    public void replace(int index, BlockDevice device, Optional<MirrorHeader> returned, int place) {
        MirrorChannel open = Objects.requireNonNull(channel);
        Leg leg = open.legs().get(index);
        MirrorHeader durable = open.recorder().durable();
        leg.fresh = returned.isEmpty();
        if (returned.isPresent()) {
            leg.whole = !durable.covers(index, returned.get());
        } else {
            leg.uuid = UUID.randomUUID();
            leg.whole = true;
        }
        leg.place = place;
        open.watch().replace(leg, queue(open, device));
        var here = new ArrayList<BlockDevice>();
        for (Leg each : open.legs()) {
            LegQueue queue = each.queue;
            if (queue != null) {
                here.add(queue.device());
            }
        }
        devices = List.copyOf(here);
    }

    @Override
    public BlockGeometry geometry() {
        long capacity = Long.MAX_VALUE;
        long discard = Long.MAX_VALUE;
        int logical = 512;
        int physical = 512;
        int atomic = BlockGeometry.LARGEST_ATOMIC;
        int optimal = 0;
        int alignment = 0;
        for (BlockDevice device : devices) {
            BlockGeometry leg = device.geometry();
            capacity = Math.min(capacity, leg.capacity());
            discard = Math.min(discard, leg.maxDiscardBytes());
            logical = Math.max(logical, leg.logicalBlockSize());
            physical = Math.max(physical, leg.physicalBlockSize());
            atomic = Math.min(atomic, leg.atomicWriteSize());
            optimal = Math.max(optimal, leg.optimalIoSize());
            alignment = Math.max(alignment, leg.discardAlignment());
        }
        long bytes = (capacity - MirrorHeader.DATA) / logical * logical;
        return new BlockGeometry(bytes, logical, physical, atomic, optimal, discard, alignment);
    }

    /** A discard may leave different bytes on each leg, so there is none. */
    @Override
    public Set<BlockOperation> operations() {
        return EnumSet.of(
                BlockOperation.READ,
                BlockOperation.WRITE,
                BlockOperation.WRITE_ZEROES,
                BlockOperation.FLUSH);
    }

    @Override
    public BlockChannel open(Reactor reactor) {
        if (channel != null) {
            throw new IllegalStateException("a mirror is opened once");
        }
        var opened = new MirrorChannel(this, plan, reactor, rate, stallLimit.toNanos());
        channel = opened;
        return opened;
    }

    @Override
    public BlockCounters counters() {
        return meter.counters();
    }

    @Override
    public void addGeometryListener(Runnable changed) {
        plan.legs().forEach(leg -> leg.device().ifPresent(d -> d.addGeometryListener(changed)));
    }

    @Override
    public void removeGeometryListener(Runnable changed) {
        plan.legs().forEach(leg -> leg.device().ifPresent(d -> d.removeGeometryListener(changed)));
    }
}
