package io.vireo.fabric.l2;

import io.vireo.fabric.l2.PortStage.Place;
import io.vireo.fabric.l2.packet.Headers;
import io.vireo.fabric.l2.qos.Colour;
import io.vireo.net.CaptureSpec.Direction;
import io.vireo.net.DropReason;
import io.vireo.net.FrameBatch;
import io.vireo.net.NetPort;
import io.vireo.net.PortCounters;
import io.vireo.net.PortSpec;
import io.vireo.net.PortState;
import io.vireo.net.QosCounters;
import io.vireo.net.QosPolicy;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A port of a {@link Bridge}: the {@link NetPort} behind it, its VLANs, what is done with its
 * frames in each direction, its counters, and the frames of the pass under way that are to leave by
 * it. Only the bridge's reactor touches it, except {@link #counters}.
 */
final class BridgePort {
    // What is counted: positions in an array that other threads read. Drops follow, by reason,
    // first of received frames.
    static final int RECEIVED_FRAMES = 0;
    static final int RECEIVED_BYTES = 1;
    static final int TRANSMITTED_FRAMES = 2;
    static final int TRANSMITTED_BYTES = 3;
    static final int FLOODED = 4;
    static final int UPLINK_BYTES = 5;
    static final int PAUSES = 6;
    static final int PAUSED_NANOS = 7;

    /** Bytes that the port sent by {@link Colour}; those that it gets follow. */
    static final int TRANSMIT_COLOURS = 8;

    static final int RECEIVE_COLOURS = 11;
    private static final int RECEIVED_DROPS = 14;
    private static final int REASONS = DropReason.values().length;
    private static final int TRANSMITTED_DROPS = RECEIVED_DROPS + REASONS;
    private static final int COUNTERS = TRANSMITTED_DROPS + REASONS;

    // Opaque: whole values, soon, with no order among them, at the price of a plain store.
    private static final VarHandle COUNTER = MethodHandles.arrayElementVarHandle(long[].class);

    final NetPort port;
    final int slot;

    /** See {@link NetPort#appends}. */
    final boolean appends;

    /** How it sits here. */
    PortSpec spec;

    VlanMembership vlans;

    /** VLANs whose frames are sent to it: its own, or none if it is there for a mirror only. */
    VlanMembership reach;

    /** Whom it may talk to, see {@link PrivateVlan}. */
    int segment;

    PortRules policy = PortRules.NONE;

    /** Payload bytes of a frame that may leave by the port. */
    int maxPayload;

    /** What is done with frames that come in by the port, in this order. */
    PortStage[] ingress = PortStage.NONE;

    /** What is done with frames that leave by the port, in this order. */
    PortStage[] egress = PortStage.NONE;

    /** What is done with the copies of mirrors that leave by the port. */
    PortStage[] copies = PortStage.NONE;

    /** Frames to take from the port at once. */
    int limit = FrameBatch.CAPACITY;

    /** Priority of the tags that its frames get where they leave, at its place in the tag. */
    int priority;

    /** Its quality of service; null if it has none. */
    @Nullable PortQos qos;

    /** The policy in force; read by any thread. */
    volatile Optional<QosPolicy> policyInForce = Optional.empty();

    /** The frames that are to leave by the port. */
    final int[] index = new int[FrameBatch.CAPACITY];

    int count;

    /** Whether frames that came in by it wait to be forwarded. */
    boolean lends;

    private final long[] counters = new long[COUNTERS];

    BridgePort(NetPort port, int slot, PortSpec spec, VlanMembership vlans) {
        this.port = port;
        this.slot = slot;
        this.appends = port.appends();
        this.spec = spec;
        this.vlans = vlans;
        this.reach = vlans;
        this.maxPayload = port.mtu();
    }

    boolean isUplink() {
        return segment == PrivateVlan.UPLINK;
    }

    /**
     * Whether there is a card that is up and in whose VLAN its frames are without it saying so: one
     * that tags all its frames may be in any, and at a port of a mirror there is none.
     */
    boolean hasCard() {
        return spec.policy().mac().isPresent()
                && reach.untagged() != VlanMembership.NONE
                && port.state() == PortState.UP;
    }

    /** The address of its card as in {@link MacTable}; 0 if it is not known. */
    long cardMac() {
        return spec.policy().mac().map(mac -> PortRules.littleEndian(mac.bits())).orElse(0L);
    }

    /** Gives it other VLANs. */
    void carry(VlanMembership others) {
        if (reach != VlanMembership.NO_VLAN) {
            reach = others;
        }
        vlans = others;
    }

    /** Makes it a port that gets the copies of a mirror only; {@link #leaveMirrors} undoes it. */
    void reserveForMirror() {
        if (reach != VlanMembership.NO_VLAN) {
            reach = VlanMembership.NO_VLAN;
            ingress = with(ingress, new ShutStage(this));
        }
    }

    /** Makes it a port without mirrors. */
    void leaveMirrors() {
        reach = vlans;
        ingress = without(ingress, Place.SHUT);
        ingress = keep(ingress, stage -> !(stage instanceof MirrorStage));
        egress = keep(egress, stage -> !(stage instanceof MirrorStage));
    }

    /** Has frames that come in looked at by {@code snooping}, or by nobody. */
    void snoop(@Nullable Snooping snooping) {
        ingress = keep(ingress, stage -> !(stage instanceof SnoopingStage));
        if (snooping != null) {
            ingress = with(ingress, new SnoopingStage(snooping, this));
        }
    }

    /** Begins to copy frames into a ring. */
    void add(Capture capture, Capture.Tap tap, Headers headers) {
        if (capture.wants(Direction.OUT)) {
            ingress = with(ingress, capture.stage(tap, false, headers));
        }
        if (capture.wants(Direction.IN)) {
            var stage = capture.stage(tap, true, headers);
            egress = with(egress, stage);
            copies = with(copies, stage);
        }
    }

    /** Copies no more frames into a ring. */
    void remove(Capture.Tap tap) {
        ingress = keep(ingress, stage -> !isOf(stage, tap));
        egress = keep(egress, stage -> !isOf(stage, tap));
        copies = keep(copies, stage -> !isOf(stage, tap));
    }

    /** Copies no more frames into a ring, that goes on to be filled elsewhere. */
    void letGo(Capture.Tap tap) {
        ingress = left(ingress, stage -> !isOf(stage, tap));
        egress = left(egress, stage -> !isOf(stage, tap));
        copies = left(copies, stage -> !isOf(stage, tap));
    }

    private static boolean isOf(PortStage stage, Capture.Tap tap) {
        return stage instanceof CaptureStage capture && capture.isOf(tap);
    }

    /** Does something with the frames that come in as if they were kept to no rate. */
    void unlimited(Runnable task) {
        var stages = ingress;
        var rules = policy;
        ingress = left(stages, stage -> stage.place() != Place.RATE);
        policy = rules.withoutStormControl();
        try {
            task.run();
        } finally {
            ingress = stages;
            policy = rules;
        }
    }

    /** The port is gone: all that was done at it ends. */
    void close() {
        ingress = keep(ingress, _ -> false);
        egress = keep(egress, _ -> false);
        copies = keep(copies, _ -> false);
    }

    /** Adds a stage to a list of stages, at its place. */
    static PortStage[] with(PortStage[] stages, PortStage added) {
        return Stream.concat(Arrays.stream(stages), Stream.of(added))
                .sorted(Comparator.comparing(PortStage::place))
                .toArray(PortStage[]::new);
    }

    /** Takes a stage out of a list of stages. */
    static PortStage[] without(PortStage[] stages, PortStage removed) {
        return keep(stages, stage -> stage != removed);
    }

    /** Takes the stages at a place out of a list of stages. */
    static PortStage[] without(PortStage[] stages, Place place) {
        return keep(stages, stage -> stage.place() != place);
    }

    private static PortStage[] keep(PortStage[] stages, Predicate<PortStage> kept) {
        Arrays.stream(stages).filter(kept.negate()).forEach(PortStage::close);
        return left(stages, kept);
    }

    private static PortStage[] left(PortStage[] stages, Predicate<PortStage> kept) {
        var left = Arrays.stream(stages).filter(kept).toArray(PortStage[]::new);
        return left.length == 0 ? PortStage.NONE : left;
    }

    /** Runs stages over frames of a pass; returns how many are left, see {@link PortStage}. */
    static int run(PortStage[] stages, Pass pass, int[] frames, int frameCount) {
        int left = frameCount;
        for (var stage : stages) {
            if (left == 0) {
                break;
            }
            left = stage.apply(pass, frames, left);
        }
        return left;
    }

    void count(int counter, long more) {
        COUNTER.setOpaque(counters, counter, counters[counter] + more);
    }

    /** Counts frames that came in and are dropped. */
    void dropReceived(DropReason reason, long frames) {
        count(RECEIVED_DROPS + reason.ordinal(), frames);
    }

    /** Counts frames that should leave and are dropped. */
    void dropTransmitted(DropReason reason, long frames) {
        count(TRANSMITTED_DROPS + reason.ordinal(), frames);
    }

    private long read(int counter) {
        return (long) COUNTER.getOpaque(counters, counter);
    }

    private Map<DropReason, Long> drops(List<DropReason> reasons, int first) {
        var drops = new EnumMap<DropReason, Long>(DropReason.class);
        reasons.forEach(reason -> drops.put(reason, read(first + reason.ordinal())));
        return drops;
    }

    /** What its quality of service did so far; from any thread. */
    QosCounters qosCounters() {
        return new QosCounters(
                colours(TRANSMIT_COLOURS),
                colours(RECEIVE_COLOURS),
                read(UPLINK_BYTES),
                read(PAUSES),
                read(PAUSED_NANOS));
    }

    private QosCounters.Colours colours(int first) {
        return new QosCounters.Colours(
                read(first + Colour.GREEN.ordinal()),
                read(first + Colour.YELLOW.ordinal()),
                read(first + Colour.RED.ordinal()));
    }

    /** Counters so far; from any thread. */
    PortCounters counters() {
        return new PortCounters(
                read(RECEIVED_FRAMES),
                read(RECEIVED_BYTES),
                read(TRANSMITTED_FRAMES),
                read(TRANSMITTED_BYTES),
                read(FLOODED),
                drops(DropReason.ofReceived(), RECEIVED_DROPS),
                drops(DropReason.ofTransmitted(), TRANSMITTED_DROPS));
    }
}
