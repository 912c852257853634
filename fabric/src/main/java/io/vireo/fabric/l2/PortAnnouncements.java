package io.vireo.fabric.l2;

import io.vireo.net.PortState;
import io.vireo.net.Station;
import io.vireo.reactor.Reactor;
import io.vireo.resource.MacAddress;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The announcements of a port: those of all stations to what is behind it, when the way there has
 * changed, those of the stations behind it to the others, when these have come here, and that of
 * its own card to the uplinks, when that has got a link. On the reactor, but for {@link #begin}.
 */
final class PortAnnouncements {
    /** Between two batches of announcements. */
    private static final long ANNOUNCE_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

    /** Announcements in one go, before others have their turn. */
    private static final int ANNOUNCEMENTS = 32;

    private final Reactor reactor;
    private final Bridge bridge;
    private final BridgePort port;
    private final Runnable learned;
    private final Rounds reroutes;
    private final Rounds arrivals;
    private final Rounds starts;
    private @Nullable Announcer announcer;
    private boolean ended;

    /**
     * @param learned run when the bridge has learned of a station by an announcement
     */
    PortAnnouncements(Reactor reactor, Bridge bridge, BridgePort port, Runnable learned) {
        this.reactor = reactor;
        this.bridge = bridge;
        this.port = port;
        this.learned = learned;
        this.reroutes = new Rounds(reactor, this::reroute);
        this.arrivals = new Rounds(reactor, this::announceAgain);
        this.starts = new Rounds(reactor, this::announceCard);
    }

    /** Listens to what the port says of itself. */
    void listen() {
        port.port.onReroute(this::rerouted);
        port.port.onArrival(address -> reactor.execute(() -> arrived(address)));
        // Later: a queue that is being started, for one, is not to be used before that is done.
        port.port.onUp(() -> reactor.execute(this::cameUp));
        if (!port.isUplink() && port.port.state() == PortState.UP) {
            reactor.execute(this::cameUp);
        }
    }

    /** Frames begin to pass. */
    private void cameUp() {
        if (ended) {
            return;
        }
        if (port.isUplink()) {
            rerouted();
        } else if (!arrivals.goesOn()) {
            // A driver may have its card start as often as it likes.
            starts.beginSpaced();
        }
    }

    private boolean announceCard() {
        bridge.time(reactor.nanoTime());
        boolean known = bridge.announceCard(port);
        if (known) {
            learned.run();
        }
        return known;
    }

    /** The way to what is behind the port has changed: it is told of all stations. */
    void rerouted() {
        port.maxPayload = port.port.mtu();
        reroutes.begin();
    }

    /** Stations have come here: the others are told of them; any thread. */
    void begin(List<Station> stations) {
        announce(stations);
        reactor.execute(() -> {
            if (!ended) {
                starts.cancel();
                arrivals.goOn();
            }
        });
    }

    /** The port is gone. */
    void end() {
        ended = true;
        reroutes.cancel();
        arrivals.cancel();
        starts.cancel();
    }

    /** Tells what is behind the port of all stations, in small parts. */
    private boolean reroute() {
        if (port.port.state() == PortState.DOWN) {
            return false;
        }
        bridge.time(reactor.nanoTime());
        var announcing = announcer;
        boolean idle = announcing == null;
        if (announcing == null) {
            announcing = new Announcer(port);
            announcer = announcing;
        }
        announcing.begin(bridge.stationsFor(port), bridge.addressesFor(port));
        if (idle) {
            announceRest();
        }
        return true;
    }

    private void announceRest() {
        var announcing = announcer;
        if (announcing == null) {
            return;
        }
        if (!ended && announcing.announce()) {
            reactor.schedule(ANNOUNCE_NANOS, this::announceRest);
        } else {
            announcing.close();
            announcer = null;
        }
    }

    /** A station is here that has announced itself, but not the addresses that it has. */
    private void arrived(MacAddress address) {
        if (!ended) {
            bridge.time(reactor.nanoTime());
            // Limited: a front end may ask for it as often as it likes.
            bridge.announce(
                    port,
                    bridge.stationsBehind(port).stream()
                            .filter(station -> station.address().equals(address))
                            .filter(station -> !station.addresses().isEmpty())
                            .toList(),
                    true);
        }
    }

    private boolean announceAgain() {
        bridge.time(reactor.nanoTime());
        announce(bridge.stationsBehind(port));
        return true;
    }

    private void announce(List<Station> stations) {
        reactor.execute(() -> {
            if (ended) {
                return;
            }
            int some = Math.min(ANNOUNCEMENTS, stations.size());
            bridge.time(reactor.nanoTime());
            bridge.announce(port, stations.subList(0, some), false);
            if (some < stations.size()) {
                announce(stations.subList(some, stations.size()));
            }
        });
    }
}
