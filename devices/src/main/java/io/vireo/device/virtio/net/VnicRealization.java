package io.vireo.device.virtio.net;

import io.vireo.net.CaptureSpec;
import io.vireo.net.Network;
import io.vireo.net.PortSpec;
import io.vireo.net.PortState;
import io.vireo.net.QosCounters;
import io.vireo.net.QosPolicy;
import io.vireo.reactor.Reactor;
import io.vireo.resource.Condition;
import io.vireo.resource.LiveStream;
import io.vireo.resource.Metric;
import io.vireo.resource.Status;
import io.vireo.resource.spec.AdminState;
import io.vireo.resource.spec.VnicSpec;
import io.vireo.transport.Endpoint;
import io.vireo.transport.FrontEndStatus;
import io.vireo.transport.Monitor;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A card that runs: the device, its plug in the network, its endpoint. Directions in metrics are
 * the guest's.
 */
final class VnicRealization implements PluggedVnic {
    /** Attribute: what the front end is doing. */
    static final String ENDPOINT = "endpoint";

    /** Attribute: whether frames pass between guest and network. */
    static final String LINK = "link";

    /** Condition: its network has it have a link. */
    private static final String LINK_WANTED = "LinkWanted";

    /** Condition: the guest was told of its link. */
    private static final String LINK_TOLD = "LinkTold";

    private final VirtioNetDevice device;
    private final NetworkPlug plug;
    private final Endpoint endpoint;
    private final Path socket;
    private Optional<Monitor.Link> guestLink;
    private volatile VnicSpec spec;

    /** What the front end did when it was looked at last. */
    private Endpoint.State seen = Endpoint.State.WAITING;

    VnicRealization(
            VirtioNetDevice device,
            NetworkPlug plug,
            Endpoint endpoint,
            Optional<Monitor.Link> guestLink,
            Path socket,
            VnicSpec spec) {
        this.device = device;
        this.plug = plug;
        this.endpoint = endpoint;
        this.guestLink = guestLink;
        this.socket = socket;
        this.spec = spec;
    }

    @Override
    public void plug(Network network, PortSpec port) {
        plug.change(network, port, new Movable());
    }

    private final class Movable implements NetworkPlug.Card {
        @Override
        public void pause(Runnable onPaused) {
            endpoint.pause(onPaused);
        }

        @Override
        public void move(Reactor to) {
            device.move(to);
        }

        @Override
        public void resume() {
            endpoint.resume();
        }
    }

    @Override
    public void follow(VnicSpec newSpec) {
        spec = newSpec;
        device.speed(newSpec.speed());
        applyLink();
    }

    /** Both the operator and the network can have the link down. */
    synchronized void applyLink() {
        device.link(isWantedUp());
        if (seen.isConnected()) {
            tellGuest();
        }
    }

    /** Replaces the way by which the guest learns of its link. */
    synchronized void tellBy(Optional<Monitor.Link> other) {
        guestLink.ifPresent(Monitor.Link::close);
        guestLink = other;
    }

    /**
     * A hypervisor that finds its back end again takes the link up by itself, some time before the
     * queues run: it is told after that.
     */
    synchronized void frontEndChanged() {
        var now = endpoint.state();
        if (!now.isConnected()) {
            guestLink.ifPresent(Monitor.Link::idle);
        } else if (now.compareTo(seen) > 0) {
            tellGuest();
        }
        seen = now;
    }

    private void tellGuest() {
        guestLink.ifPresent(link -> link.set(isWantedUp()));
    }

    private boolean isWantedUp() {
        return isAdminUp() && plug.linked();
    }

    private boolean isAdminUp() {
        return spec.adminState() == AdminState.UP;
    }

    @Override
    public <T> Optional<T> contract(Class<T> type) {
        return Optional.empty();
    }

    @Override
    public LiveStream stream(LiveStream.Offer offer, Map<String, String> parameters) {
        return plug.capture(CaptureSpec.of(parameters));
    }

    @Override
    public Status status() {
        var frontEnd = FrontEndStatus.of(endpoint);
        var attributes = new LinkedHashMap<String, String>();
        FrontEndStatus.addSocket(socket, spec.socketMode(), spec.queuePairs(), attributes);
        attributes.put("mac", device.mac().toString());
        attributes.put("mtu", Integer.toString(device.mtu()));
        attributes.put(ENDPOINT, frontEnd.text());
        plug.qos().map(QosPolicy::name).ifPresent(name -> attributes.put("qosPolicy", name));
        attributes.put("adminState", isAdminUp() ? "up" : "down");
        attributes.put(LINK, isUp() ? "up" : "down");
        attributes.put("driverFeatures", "0x" + Long.toHexString(device.negotiatedFeatures()));
        var conditions = new ArrayList<Condition>();
        conditions.add(connected(frontEnd));
        if (!plug.linked()) {
            conditions.add(new Condition(LINK_WANTED, false, "UplinkDown", plug.linkTrouble()));
        }
        var trouble = monitorTrouble();
        if (!trouble.isEmpty()) {
            conditions.add(new Condition(LINK_TOLD, false, "MonitorFailed", trouble));
        }
        return new Status(conditions, attributes, metrics(frontEnd));
    }

    private synchronized String monitorTrouble() {
        return guestLink
                .map(Monitor.Link::trouble)
                .filter(trouble -> !trouble.isEmpty())
                .map(trouble -> "The guest does not see whether its link is up: " + trouble + ".")
                .orElse("");
    }

    private boolean isUp() {
        return device.state() == PortState.UP;
    }

    private static Condition connected(FrontEndStatus frontEnd) {
        var error = frontEnd.lastError();
        if (frontEnd.state().isConnected()) {
            return new Condition(
                    Condition.CONNECTED, true, "FrontEnd", "A hypervisor is connected.");
        }
        return error.isEmpty()
                ? new Condition(
                        Condition.CONNECTED, false, "NoFrontEnd", "No hypervisor is connected.")
                : new Condition(Condition.CONNECTED, false, "FrontEndFailed", error);
    }

    private List<Metric> metrics(FrontEndStatus frontEnd) {
        var own = device.statistics();
        var metrics = new ArrayList<>(PluggedVnic.portMetrics(plug.counters(), isUp()));
        metrics.add(
                counter(
                        "rx_buffer_too_small",
                        "Of the frames dropped for no-buffer, those larger than the guest's buffers.",
                        own.get(NetStatistics.RX_BUFFER_TOO_SMALL)));
        metrics.add(
                counter(
                        "rx_not_convertible",
                        "Of the frames dropped for no-buffer, those that could not be put into a form that the guest takes.",
                        own.get(NetStatistics.RX_NOT_CONVERTIBLE)));
        metrics.add(
                counter(
                        "rx_runt_buffers",
                        "Receive buffers too small for any frame.",
                        own.get(NetStatistics.RX_RUNT_BUFFER)));
        metrics.add(
                counter(
                        "rx_converted",
                        "Frames to the guest whose checksum or segmentation was done in software.",
                        own.get(NetStatistics.RX_CONVERTED)));
        metrics.add(
                counter(
                        "rx_filtered",
                        "Of the frames that the guest got, those that its driver had filtered out.",
                        own.get(NetStatistics.RX_FILTERED)));
        metrics.add(
                counter(
                        "control_refused",
                        "Commands of the guest's driver that the card refused.",
                        own.get(NetStatistics.CONTROL_REFUSED)));
        metrics.add(
                counter(
                        "tx_invalid",
                        "Frames of the guest that broke a rule of virtio.",
                        own.get(NetStatistics.TX_INVALID)));
        metrics.add(
                counter(
                        "tx_disabled",
                        "Frames of the guest in a queue that its hypervisor disabled, or while the link was down.",
                        own.get(NetStatistics.TX_DISABLED)));
        addQos(metrics, plug.qosCounters());
        metrics.addAll(frontEnd.metrics());
        return metrics;
    }

    /** What a card's quality of service did. */
    static void addQos(List<Metric> metrics, QosCounters qos) {
        addColours(metrics, "qos_tx_bytes_total", "sent", qos.transmit());
        addColours(metrics, "qos_rx_bytes_total", "was to get", qos.receive());
        metrics.add(
                counter(
                        "qos_uplink_bytes",
                        "Bytes of the guest that took part in the shares of the uplink.",
                        qos.uplinkBytes()));
        metrics.add(
                counter(
                        "qos_pauses",
                        "Times that frames of the guest waited in its queue.",
                        qos.pauses()));
        metrics.add(
                counter(
                        "qos_paused_nanoseconds",
                        "How long they waited, the first of each time.",
                        qos.pausedNanos()));
    }

    private static void addColours(
            List<Metric> metrics, String name, String what, QosCounters.Colours colours) {
        var help = "Bytes on the wire that the guest " + what + ", by what the rates made of them.";
        metrics.add(coloured(name, help, "conformed", colours.conformed()));
        metrics.add(coloured(name, help, "exceeded", colours.exceeded()));
        metrics.add(coloured(name, help, "dropped", colours.dropped()));
    }

    private static Metric coloured(String name, String help, String outcome, long value) {
        return new Metric(name, help, Metric.Type.COUNTER, Map.of("outcome", outcome), value);
    }

    private static Metric counter(String name, String help, long value) {
        return Metric.counter(name + "_total", help, value);
    }

    @Override
    public void close(Runnable onClosed) {
        synchronized (this) {
            guestLink.ifPresent(Monitor.Link::close);
        }
        endpoint.close(() -> plug.detach(onClosed));
    }
}
