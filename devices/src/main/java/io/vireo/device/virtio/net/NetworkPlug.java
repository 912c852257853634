package io.vireo.device.virtio.net;

import io.vireo.net.CaptureSpec;
import io.vireo.net.NetPort;
import io.vireo.net.Network;
import io.vireo.net.PortCounters;
import io.vireo.net.PortSpec;
import io.vireo.net.QosCounters;
import io.vireo.net.QosPolicy;
import io.vireo.net.Station;
import io.vireo.reactor.Reactor;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.LiveStream;
import io.vireo.resource.MacAddress;
import io.vireo.resource.ResourceException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * The plug of a card: in one network at a time, and counting over all of them. Changes come from
 * one thread, which may wait.
 *
 * <p>A card that moves to another network goes to that one's reactor and stands still meanwhile, so
 * that nothing that its server has given to it is lost; card and link stay up.
 */
final class NetworkPlug {
    private static final long PATIENCE_SECONDS = 10;

    /** How a card is brought to another reactor. */
    interface Card {
        /** Stops it between two frames; {@code onPaused} runs on any thread. */
        void pause(Runnable onPaused);

        /** Gives it to a reactor; it is paused and no network has it. */
        void move(Reactor to);

        /** Ends a pause, or the attempt at one. */
        void resume();
    }

    private final MacAddress mac;
    private final Runnable relay = this::relayLink;
    private volatile Runnable linkListener = () -> {};
    private NetPort device;
    private volatile Network network;
    private PortSpec port;
    private volatile Plugged plugged;

    /** Where it is plugged in, and what was counted in the networks before. */
    private record Plugged(
            Network.Attachment attachment, PortCounters before, QosCounters qosBefore) {
        PortCounters counters() {
            return before.plus(attachment.counters());
        }

        QosCounters qosCounters() {
            return qosBefore.plus(attachment.qosCounters());
        }

        /** The same card at another place. */
        Plugged at(Network.Attachment next) {
            return new Plugged(next, counters(), qosCounters());
        }
    }

    /**
     * Plugs a card in.
     *
     * @throws IllegalArgumentException if the network refuses
     */
    NetworkPlug(NetPort device, MacAddress mac, Network network, PortSpec port) {
        this.device = device;
        this.mac = mac;
        this.network = network;
        this.port = port;
        plugged = new Plugged(network.attach(device, port), PortCounters.ZERO, QosCounters.ZERO);
        network.onLinked(relay);
    }

    /** Whether the card is to have a link as far as its network goes; from any thread. */
    boolean linked() {
        return network.linked();
    }

    /** Has {@code listener} run, on any thread, whenever {@link #linked} may have changed. */
    void onLinked(Runnable listener) {
        linkListener = listener;
    }

    private void relayLink() {
        linkListener.run();
    }

    /** Why {@link #linked} is false, as people read it. */
    String linkTrouble() {
        return "Its link is down since the uplink of network '%s' has no link, which it follows (linkFollowsUplink)."
                .formatted(network.name());
    }

    /** Counters so far, of all networks; from any thread. */
    PortCounters counters() {
        return plugged.counters();
    }

    /**
     * Has the card sit otherwise, or in another network.
     *
     * @throws IllegalArgumentException if the network refuses; all is as it was
     * @throws ResourceException if the card cannot be stopped for now; all is as it was
     */
    void change(Network newNetwork, PortSpec newPort, Card card) {
        boolean moves = newNetwork != network;
        if (!moves && newPort.equals(port)) {
            return;
        }
        var stations = plugged.attachment().stations();
        if (moves) {
            move(newNetwork, newPort, card);
        } else {
            plugged.attachment().reconfigure(newPort);
        }
        if (moves || !newPort.with(port.policy()).withQos(port.qos()).equals(port)) {
            plugged.attachment().announce(withCard(stations));
        }
        if (moves) {
            network.forget(relay);
            newNetwork.onLinked(relay);
        }
        network = newNetwork;
        port = newPort;
        if (moves) {
            relay.run();
        }
    }

    private List<Station> withCard(List<Station> stations) {
        if (stations.stream().anyMatch(station -> station.address().equals(mac))) {
            return stations;
        }
        var all = new ArrayList<>(stations);
        all.add(new Station(mac, 0));
        return all;
    }

    private void move(Network to, PortSpec newPort, Card card) {
        if (!await(card::pause)) {
            card.resume();
            throw new ResourceException(
                    ErrorCode.UNAVAILABLE,
                    "vNIC '%s' does not stop for its move; it goes on in network '%s'"
                            .formatted(device.name(), network.name()));
        }
        try {
            replug(
                    () -> {
                        card.move(to.reactor());
                        return to.attach(device, newPort);
                    },
                    () -> {
                        card.move(network.reactor());
                        return network.attach(device, port);
                    });
        } finally {
            card.resume();
        }
    }

    /**
     * Has another port in the place of the card's, which nobody uses any more then; counters and
     * captures go on.
     *
     * @throws RuntimeException if the new one cannot be taken; all is as it was
     */
    void replace(NetPort next) {
        replug(() -> network.attach(next, port), () -> network.attach(device, port));
        device = next;
    }

    /** Pulls it out, and plugs it in otherwise; if that fails, as it was. */
    private void replug(Supplier<Network.Attachment> other, Supplier<Network.Attachment> back) {
        var former = plugged;
        former.attachment().suspendCaptures();
        await(former.attachment()::detach);
        try {
            plugged = former.at(other.get());
        } catch (RuntimeException e) {
            plugged = former.at(back.get());
            throw e;
        } finally {
            plugged.attachment().resumeCaptures(former.attachment());
        }
    }

    /** Waits for what tells its end on another thread. */
    private static boolean await(Consumer<Runnable> begin) {
        var ended = new CountDownLatch(1);
        begin.accept(ended::countDown);
        try {
            return ended.await(PATIENCE_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /** The quality of service in force; from any thread. */
    Optional<QosPolicy> qos() {
        return plugged.attachment().qos();
    }

    /** What the quality of service did, in all networks; from any thread. */
    QosCounters qosCounters() {
        return plugged.qosCounters();
    }

    /** See {@link Network.Attachment#capture}; it goes on where the card goes. */
    LiveStream capture(CaptureSpec spec) {
        return plugged.attachment().capture(spec);
    }

    /** Pulls it out, for good. */
    void detach(Runnable onDetached) {
        network.forget(relay);
        plugged.attachment().detach(onDetached);
    }
}
