package io.vireo.device.virtio.net;

import io.vireo.net.CaptureSpec;
import io.vireo.net.HostPortProvider.HostCard;
import io.vireo.net.HostPortProvider.HostPort;
import io.vireo.net.Network;
import io.vireo.net.PortSpec;
import io.vireo.net.PortState;
import io.vireo.net.QosPolicy;
import io.vireo.reactor.Reactor;
import io.vireo.resource.Condition;
import io.vireo.resource.LiveStream;
import io.vireo.resource.Metric;
import io.vireo.resource.ResourceException;
import io.vireo.resource.Status;
import io.vireo.resource.spec.AdminState;
import io.vireo.resource.spec.VnicSpec;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/** A card of the host itself that runs: its interface, and the plug in the network. */
final class HostVnicRealization implements PluggedVnic {
    private static final Logger LOG = System.getLogger(HostVnicRealization.class.getName());

    private final HostPort port;
    private final Supplier<HostCard> opener;
    private final NetworkPlug plug;
    private final Runnable statusChanged;
    private volatile HostCard card;
    private volatile AdminState wanted;

    /** Whether the cable of the card is plugged in. */
    private boolean linked;

    /** Why the card is not there and could not be made again; empty: it was not tried in vain. */
    private volatile String missing = "";

    /**
     * A card that runs.
     *
     * @param opener opens the interface, and makes it if it is absent
     * @param card what it opened first
     * @param statusChanged run whenever the state of the interface has changed
     */
    HostVnicRealization(
            HostPort port,
            Supplier<HostCard> opener,
            HostCard card,
            NetworkPlug plug,
            VnicSpec spec,
            Runnable statusChanged) {
        this.port = port;
        this.opener = opener;
        this.card = card;
        this.plug = plug;
        this.statusChanged = statusChanged;
        wanted = spec.adminState();
        card.onChange(statusChanged);
        plug.onLinked(this::networkLinked);
        networkLinked();
    }

    /** On any thread; who changes its interface under it is answered by {@link #mend}. */
    private void networkLinked() {
        try {
            applyLink();
        } catch (ResourceException e) {
            LOG.log(Level.WARNING, "vNIC '" + port.owner() + "'", e);
        }
    }

    /** Both the operator and the network can have the link down. */
    private synchronized void applyLink() {
        boolean up = isWantedUp();
        if (up != linked) {
            card.link(up);
            linked = up;
            statusChanged.run();
        }
    }

    private boolean isWantedUp() {
        return wanted == AdminState.UP && plug.linked();
    }

    @Override
    public void plug(Network network, PortSpec spec) {
        plug.change(network, spec, new Standing());
    }

    /** The kernel keeps what is on its way until the next network takes it. */
    private static final class Standing implements NetworkPlug.Card {
        @Override
        public void pause(Runnable onPaused) {
            onPaused.run();
        }

        @Override
        public void move(Reactor to) {}

        @Override
        public void resume() {}
    }

    @Override
    public void follow(VnicSpec spec) {
        var before = wanted;
        wanted = spec.adminState();
        try {
            applyLink();
        } catch (ResourceException e) {
            wanted = before;
            throw e;
        }
    }

    /** Makes its interface anew, if that is gone, or is in a namespace that has lost its name. */
    @Override
    public boolean mend() {
        if (card.isPresent()) {
            return true;
        }
        try {
            take(opener.get());
            missing = "";
            LOG.log(Level.INFO, "vNIC '" + port.owner() + "' has its interface again");
            return true;
        } catch (ResourceException | IllegalArgumentException e) {
            String reason = e.getMessage() + ". It is made as soon as that is possible.";
            if (!reason.equals(missing)) {
                missing = reason;
                statusChanged.run();
            }
            return false;
        }
    }

    private synchronized void take(HostCard next) {
        var former = card;
        try {
            boolean up = isWantedUp();
            next.link(up);
            linked = up;
            plug.replace(next.port());
        } catch (RuntimeException e) {
            next.close();
            throw e;
        }
        former.forget(statusChanged);
        next.onChange(statusChanged);
        card = next;
        former.close();
        statusChanged.run();
    }

    @Override
    public <T> Optional<T> contract(Class<T> type) {
        return Optional.empty();
    }

    @Override
    public LiveStream stream(LiveStream.Offer offer, Map<String, String> parameters) {
        return plug.capture(CaptureSpec.of(parameters));
    }

    private boolean isUp() {
        return card.port().state() == PortState.UP;
    }

    @Override
    public Status status() {
        var attributes = new LinkedHashMap<String, String>();
        attributes.put("interface", port.interfaceName());
        port.namespace().ifPresent(namespace -> attributes.put("namespace", namespace));
        attributes.put(Status.QUEUES, Integer.toString(port.queues()));
        attributes.put("mac", port.mac().toString());
        attributes.put("mtu", Integer.toString(port.mtu()));
        attributes.put(VnicRealization.ENDPOINT, "host");
        plug.qos().map(QosPolicy::name).ifPresent(name -> attributes.put("qosPolicy", name));
        attributes.put("adminState", wanted == AdminState.UP ? "up" : "down");
        attributes.put(VnicRealization.LINK, isUp() ? "up" : "down");
        return new Status(List.of(connected()), attributes, metrics());
    }

    private Condition connected() {
        if (isUp()) {
            return new Condition(
                    Condition.CONNECTED, true, "LinkUp", "The host has the card and it is up.");
        }
        if (wanted == AdminState.DOWN) {
            return down("AdminDown", "The link is down as adminState says.");
        }
        if (!plug.linked()) {
            return down("UplinkDown", plug.linkTrouble());
        }
        return down("LinkDown", missing.isEmpty() ? card.trouble() : missing);
    }

    private static Condition down(String reason, String message) {
        return new Condition(Condition.CONNECTED, false, reason, message);
    }

    private List<Metric> metrics() {
        var metrics = new ArrayList<>(PluggedVnic.portMetrics(plug.counters(), isUp()));
        metrics.addAll(card.metrics());
        VnicRealization.addQos(metrics, plug.qosCounters());
        return metrics;
    }

    @Override
    public void close(Runnable onClosed) {
        plug.detach(() -> {
            card.close();
            onClosed.run();
        });
    }
}
