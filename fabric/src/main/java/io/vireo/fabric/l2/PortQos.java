package io.vireo.fabric.l2;

import io.vireo.fabric.l2.PortStage.Place;
import io.vireo.fabric.l2.qos.UplinkScheduler;
import io.vireo.fabric.l2.qos.UplinkScheduler.Flow;
import io.vireo.net.FrameBatch;
import io.vireo.net.QosSettings;
import io.vireo.net.QosSettings.Marking;
import io.vireo.net.QosSettings.Rates;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The quality of service of one port of a server: its stages, and whether frames may be taken from
 * it now. Only the bridge's reactor touches it.
 */
final class PortQos {
    private final BridgePort port;
    private QosSettings settings = QosSettings.NONE;
    private @Nullable RateStage transmitRate;
    private @Nullable ShapeStage shape;
    private @Nullable RateStage receiveRate;
    private @Nullable UplinkScheduler uplink;
    private @Nullable Flow flow;

    /** Since when the port waits; meaningless unless it does. */
    private long pausedSince;

    private boolean paused;
    private long opensIn;

    PortQos(BridgePort port) {
        this.port = port;
    }

    /**
     * Puts settings into force; rates that stay in their form keep what was used of them.
     *
     * @param scheduler of the uplink that the port shares; null: of none
     */
    void change(QosSettings changed, @Nullable UplinkScheduler scheduler, long now) {
        var transmit = changed.transmit();
        changeShape(transmit.filter(Rates::shape), now);
        transmitRate =
                changeRate(transmitRate, transmit.filter(rates -> !rates.shape()), false, now);
        receiveRate = changeRate(receiveRate, changed.receive(), true, now);
        changeFlow(changed, scheduler, now);
        changeMarks(changed.marking());
        settings = changed;
        paused = false;
        port.limit = FrameBatch.CAPACITY;
    }

    private void changeShape(Optional<Rates> rates, long now) {
        if (rates.isPresent() && shape != null) {
            shape.shaper().change(rates.get(), now);
            return;
        }
        if (shape != null) {
            port.ingress = BridgePort.without(port.ingress, shape);
            shape = null;
        }
        if (rates.isPresent()) {
            shape = new ShapeStage(port, rates.get(), now);
            port.ingress = BridgePort.with(port.ingress, shape);
        }
    }

    private @Nullable RateStage changeRate(
            @Nullable RateStage stage, Optional<Rates> rates, boolean receive, long now) {
        if (stage != null && rates.isPresent()) {
            stage.change(rates.get(), now);
            return stage;
        }
        if (stage != null) {
            remove(stage, receive);
        }
        if (rates.isEmpty()) {
            return null;
        }
        var added = new RateStage(port, receive, rates.get(), now);
        if (receive) {
            port.egress = BridgePort.with(port.egress, added);
        } else {
            port.ingress = BridgePort.with(port.ingress, added);
        }
        return added;
    }

    private void remove(RateStage stage, boolean receive) {
        if (receive) {
            port.egress = BridgePort.without(port.egress, stage);
        } else {
            port.ingress = BridgePort.without(port.ingress, stage);
        }
    }

    private void changeMarks(Marking marking) {
        if (marking.equals(settings.marking())) {
            return;
        }
        port.ingress = BridgePort.without(port.ingress, Place.MARK);
        if (!marking.equals(Marking.NONE)) {
            port.ingress = BridgePort.with(port.ingress, new MarkStage(marking));
        }
        port.priority = MarkStage.priority(marking);
    }

    private void changeFlow(QosSettings changed, @Nullable UplinkScheduler scheduler, long now) {
        boolean same =
                scheduler == uplink
                        && changed.shares() == settings.shares()
                        && changed.reservation() == settings.reservation()
                        && changed.limit() == settings.limit();
        if (same) {
            return;
        }
        if (uplink != null && flow != null) {
            uplink.remove(flow);
        }
        uplink = scheduler;
        flow =
                scheduler == null
                        ? null
                        : scheduler.add(
                                changed.shares(), changed.reservation(), changed.limit(), now);
    }

    /** Whether the port takes part in the shares of an uplink. */
    boolean sharesUplink() {
        return flow != null;
    }

    /** Frames of the port go to the uplink. */
    void charge(long bytes, int packets, int frames) {
        if (uplink != null && flow != null) {
            uplink.charge(flow, bytes, packets, frames);
        }
    }

    /** Takes a batch from the port and forwards it, if its turn has come; returns its frames. */
    int pass(Bridge bridge, long now) {
        if (!admits(now)) {
            return 0;
        }
        int frames = bridge.pass(port);
        polled(frames, now);
        return frames;
    }

    /** Whether frames may be taken from the port now; says in {@link BridgePort#limit} how many. */
    private boolean admits(long now) {
        if (shape != null && !shape.shaper().open(now)) {
            if (uplink != null && flow != null) {
                uplink.stopped(flow);
            }
            return pause(shape.shaper().opensIn(), now);
        }
        if (uplink != null && flow != null && !uplink.admits(flow, now)) {
            return pause(flow.opensIn(), now);
        }
        int limit = shape == null ? FrameBatch.CAPACITY : shape.shaper().frames();
        port.limit = flow == null ? limit : Math.min(limit, flow.frames());
        return true;
    }

    private boolean pause(long nanos, long now) {
        if (!paused) {
            paused = true;
            pausedSince = now;
        }
        opensIn = now + nanos;
        return false;
    }

    /** A pass over the port is over, of {@code frames} frames. */
    private void polled(int frames, long now) {
        if (paused) {
            paused = false;
            if (frames > 0) {
                port.count(BridgePort.PAUSES, 1);
                port.count(BridgePort.PAUSED_NANOS, now - pausedSince);
            }
        }
        if (uplink != null && flow != null) {
            uplink.polled(flow, frames);
        }
    }

    /** Whether the port was not admitted when it was last asked for. */
    boolean paused() {
        return paused;
    }

    /** Nanoseconds from now until it may be admitted; 0 or less if that depends on others. */
    long opensIn(long now) {
        return opensIn - now;
    }
}
