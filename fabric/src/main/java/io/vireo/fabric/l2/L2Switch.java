package io.vireo.fabric.l2;

import io.vireo.net.CaptureSpec;
import io.vireo.net.NetPort;
import io.vireo.net.Network;
import io.vireo.net.PortCounters;
import io.vireo.net.PortSpec;
import io.vireo.net.QosCounters;
import io.vireo.net.QosPolicy;
import io.vireo.net.Station;
import io.vireo.net.UplinkSpeed;
import io.vireo.reactor.Poller;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.Registration;
import io.vireo.reactor.Timer;
import io.vireo.resource.LiveStream;
import io.vireo.resource.MacAddress;
import io.vireo.resource.VlanSet;
import io.vireo.resource.spec.MirrorSpec;
import io.vireo.resource.spec.MulticastSnoopingSpec;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A network inside the host: a {@link Bridge} on one reactor, which owns all its ports, with one
 * poller per port. It scales by the number of networks (docs/decisions/one-reactor-per-network.md).
 * Thread safe.
 */
public final class L2Switch implements Network {
    private static final long NANOS_PER_SECOND = TimeUnit.SECONDS.toNanos(1);
    private static final long SWEEP_NANOS = TimeUnit.SECONDS.toNanos(10);
    private static final int SWEEP_SLOTS = 4096;

    /** Shorter waits are not worth going to sleep for. */
    private static final long STAY_NANOS = TimeUnit.MICROSECONDS.toNanos(50);

    /**
     * What a switch is made with.
     *
     * @param name of the network
     * @param mtu largest payload of a frame in bytes
     * @param allowedVlans VLANs that may cross it; empty: all
     * @param macAgingSeconds after which a silent station is forgotten
     * @param macLimit stations at most
     */
    public record Config(
            String name, int mtu, VlanSet allowedVlans, int macAgingSeconds, int macLimit) {}

    /**
     * What the table of stations has seen.
     *
     * @param stations known now
     * @param learned entered so far
     * @param moved changed their port
     * @param evicted pushed out because the table was full
     * @param refused not entered because the table was full
     */
    public record Stations(long stations, long learned, long moved, long evicted, long refused) {}

    /**
     * What the uplink carries.
     *
     * @param speed in bit/s; 0 if there is no uplink or it does not say
     * @param reserved in bit/s
     */
    public record UplinkRoom(long speed, long reserved) {}

    private final String name;
    private final Reactor reactor;
    private final ReactorCalls calls;
    private final Bridge bridge;
    private final SwitchQos qos;
    private final List<Runnable> linkListeners = new CopyOnWriteArrayList<>();
    private volatile boolean linked = true;
    private volatile int mtu;
    private volatile int portCount;
    private volatile Optional<Snooping> snooping = Optional.empty();
    private boolean sweeping;

    /** Whether {@link #finish} is to be run at the end of this turn. */
    private boolean finishing;

    private final Runnable finish = this::finish;
    private @Nullable Timer asking;

    /** Makes a switch without ports. */
    public L2Switch(Config config, Reactor reactor) {
        this.name = config.name();
        this.reactor = reactor;
        this.calls = new ReactorCalls(reactor, "network " + config.name());
        this.mtu = config.mtu();
        this.bridge =
                new Bridge(
                        config.mtu(),
                        config.allowedVlans(),
                        config.macLimit(),
                        config.macAgingSeconds());
        this.qos = new SwitchQos(calls::run, reactor::nanoTime);
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public Reactor reactor() {
        return reactor;
    }

    @Override
    public int mtu() {
        return mtu;
    }

    @Override
    public boolean linked() {
        return linked;
    }

    @Override
    public void onLinked(Runnable listener) {
        linkListeners.add(listener);
    }

    @Override
    public void forget(Runnable listener) {
        linkListeners.remove(listener);
    }

    /** Says whether cards are to have a link; one thread does. */
    void link(boolean up) {
        if (linked != up) {
            linked = up;
            linkListeners.forEach(Runnable::run);
        }
    }

    /** Number of ports. */
    public int portCount() {
        return portCount;
    }

    /**
     * Changes the VLANs that may cross the network; empty: all. Nothing is changed if it fails.
     *
     * @throws IllegalArgumentException if a port has one that may not
     */
    public void allow(VlanSet vlans) {
        calls.run(() -> bridge.allow(vlans));
    }

    /** Changes the limits of frames and stations; the VLANs stay as they are. */
    public void limits(int newMtu, int macAgingSeconds, int macLimit) {
        mtu = newMtu;
        reactor.execute(() -> {
            bridge.mtu(newMtu);
            bridge.table().limits(macLimit, macAgingSeconds);
        });
    }

    /**
     * Begins to snoop multicasts, changes how, or ends it.
     *
     * @param address that queries are sent from, if they are
     */
    void snoop(Optional<MulticastSnoopingSpec> spec, MacAddress address) {
        snooping =
                calls.get(() -> {
                    bridge.time(reactor.nanoTime());
                    bridge.snoop(spec, address.bits());
                    if (asking == null) {
                        askOn();
                    }
                    return Optional.ofNullable(bridge.snooping());
                });
    }

    /** Has the querier look each second whether it is time to ask. */
    private void askOn() {
        asking = null;
        var groups = bridge.snooping();
        if (groups != null && groups.hasQuerier()) {
            // First: memory of a guest may fail while it is asked.
            asking = reactor.schedule(NANOS_PER_SECOND, this::askOn);
            bridge.time(reactor.nanoTime());
            groups.runQuerier(seconds());
        }
    }

    /** What snooping has counted; from any thread. */
    Optional<Snooping> snooping() {
        return snooping;
    }

    /** A snapshot, a little out of date; from any thread. */
    public Stations stations() {
        var table = bridge.table();
        return new Stations(
                table.size(), table.learned(), table.moved(), table.evicted(), table.refused());
    }

    @Override
    public Attachment attach(NetPort port, PortSpec spec) {
        return calls.get(() -> new Plug(port, spec));
    }

    /**
     * Begins to copy the frames of some ports to another.
     *
     * @param onChange run on the reactor when ports of the mirror come or go
     */
    Mirror mirror(MirrorSpec spec, Runnable onChange) {
        return calls.get(() -> {
            var mirror = new Mirror(spec, onChange);
            bridge.add(mirror);
            return mirror;
        });
    }

    /** Changes what a mirror copies, and where to. */
    void change(Mirror mirror, MirrorSpec spec) {
        calls.run(() -> {
            mirror.change(spec);
            bridge.joinMirrors();
        });
    }

    /** Ends a mirror; {@code onRemoved} runs on the reactor. */
    void remove(Mirror mirror, Runnable onRemoved) {
        reactor.execute(() -> {
            bridge.remove(mirror);
            onRemoved.run();
        });
    }

    /**
     * Gives everything back; no port is attached any more. {@code onClosed} runs on the reactor.
     */
    public void close(Runnable onClosed) {
        reactor.execute(() -> {
            if (asking != null) {
                asking.cancel();
            }
            qos.close();
            bridge.close();
            onClosed.run();
        });
    }

    /**
     * Sets the policy of the ports that have none of their own.
     *
     * @throws IllegalArgumentException if the uplink cannot hold its reservations; nothing has
     *     changed
     */
    public void defaultQos(Optional<QosPolicy> policy) {
        calls.run(() -> qos.fallback(policy));
    }

    /**
     * Plugs the uplink in, which says what it carries.
     *
     * @throws IllegalArgumentException if it cannot hold what the ports have reserved
     * @throws IllegalStateException if the port is plugged in elsewhere
     */
    public Attachment attachUplink(NetPort port, PortSpec spec, UplinkSpeed speed) {
        return calls.get(() -> plugUplink(port, spec, speed, qos.fallback()));
    }

    /**
     * Plugs another uplink in instead of one, between two frames; the stations of the network are
     * announced there. The other ports do not notice.
     *
     * @param before the attachment of the one so far, or empty if there is none; of no use any more
     * @param policy of the ports that have none of their own
     * @throws IllegalArgumentException if it cannot hold what the ports have reserved; nothing has
     *     changed
     * @throws IllegalStateException if the port is plugged in elsewhere; nothing has changed
     */
    Attachment replaceUplink(
            Optional<Attachment> before,
            NetPort port,
            PortSpec spec,
            UplinkSpeed speed,
            Optional<QosPolicy> policy) {
        return calls.get(() -> {
            if (before.isEmpty()) {
                return plugUplink(port, spec, speed, policy);
            }
            var former = (Plug) before.get();
            // The new one may be a bond of which the former is a member.
            former.lend();
            Plug plug;
            try {
                plug = plugUplink(port, spec, speed, policy);
            } catch (RuntimeException e) {
                former.takeBack();
                throw e;
            }
            former.remove();
            // What has been waiting there was sent before, perhaps by the former one.
            bridge.discard(port);
            return plug;
        });
    }

    private Plug plugUplink(
            NetPort port, PortSpec spec, UplinkSpeed speed, Optional<QosPolicy> policy) {
        var plug = new Plug(port, spec);
        try {
            qos.uplink(plug.bridgePort, speed, policy);
        } catch (IllegalArgumentException e) {
            plug.unplug();
            throw e;
        }
        plug.announcements.rerouted();
        return plug;
    }

    /** What the uplink carries and what of it is reserved; from any thread. */
    public UplinkRoom uplinkRoom() {
        return new UplinkRoom(qos.speed(), qos.reserved());
    }

    private int seconds() {
        return (int) (reactor.nanoTime() / NANOS_PER_SECOND);
    }

    private int gather(BridgePort port) {
        if (!finishing) {
            // First: a memory fault may come at any point, and what was taken must not stay.
            reactor.atEndOfTurn(finish);
            finishing = true;
        }
        return bridge.gather(port);
    }

    /** Forwards what was gathered in this turn. */
    private void finish() {
        finishing = false;
        bridge.finish();
    }

    /** Ageing is exact without this: it only frees the memory of stations that are gone. */
    private void sweep() {
        bridge.time(reactor.nanoTime());
        bridge.sweep(SWEEP_SLOTS);
        var groups = bridge.snooping();
        if (groups != null) {
            groups.sweep(seconds());
        }
        sweeping = bridge.table().size() > 0 || (groups != null && !groups.isEmpty());
        if (sweeping) {
            reactor.schedule(SWEEP_NANOS, this::sweep);
        }
    }

    private void sweepLater() {
        if (!sweeping) {
            sweeping = true;
            reactor.schedule(SWEEP_NANOS, this::sweep);
        }
    }

    /** A port that is plugged in. */
    private final class Plug implements Attachment, Poller {
        private final NetPort port;
        private final BridgePort bridgePort;
        private @Nullable Registration registration;
        private final Timer reopening = reactor.timer(this::wake);
        private final PortCaptures captures;
        private final PortAnnouncements announcements;

        Plug(NetPort port, PortSpec spec) {
            this.port = port;
            bridgePort = bridge.add(port, spec);
            captures = new PortCaptures(bridge, bridgePort, reactor::execute);
            announcements =
                    new PortAnnouncements(reactor, bridge, bridgePort, L2Switch.this::sweepLater);
            try {
                if (!spec.uplink()) {
                    qos.add(bridgePort, spec.qos(), this::wake);
                }
                port.attached(reactor, this::wake);
            } catch (RuntimeException e) {
                qos.remove(bridgePort);
                bridge.remove(bridgePort);
                throw e;
            }
            registration = reactor.add(this);
            portCount++;
            announcements.listen();
        }

        private void wake() {
            reopening.cancel();
            if (registration != null) {
                registration.wake();
            }
        }

        @Override
        public int poll() {
            long now = reactor.nanoTime();
            bridge.time(now);
            var rates = bridgePort.qos;
            int frames = rates == null ? gather(bridgePort) : rates.pass(bridge, now);
            if (frames > 0 && !sweeping) {
                sweepLater();
            }
            return frames;
        }

        @Override
        public String name() {
            return L2Switch.this.name + "/" + port.name();
        }

        /** A port that has to wait for long sleeps until then, whatever its server says. */
        @Override
        public boolean arm() {
            var rates = bridgePort.qos;
            if (rates == null || !rates.paused()) {
                return port.arm();
            }
            long wait = rates.opensIn(System.nanoTime());
            if (wait < STAY_NANOS) {
                return false;
            }
            reopening.start(wait);
            return true;
        }

        @Override
        public void disarm() {
            port.disarm();
        }

        @Override
        public void reconfigure(PortSpec spec) {
            calls.run(() -> {
                var before = qos.change(bridgePort, spec.qos());
                try {
                    bridge.change(bridgePort, spec);
                } catch (IllegalArgumentException e) {
                    qos.change(bridgePort, before);
                    throw e;
                }
            });
        }

        @Override
        public List<Station> stations() {
            return calls.get(() -> {
                bridge.time(reactor.nanoTime());
                return bridge.stationsBehind(bridgePort);
            });
        }

        @Override
        public void announce(List<Station> stations) {
            announcements.begin(stations);
        }

        @Override
        public PortCounters counters() {
            return bridgePort.counters();
        }

        @Override
        public LiveStream capture(CaptureSpec spec) {
            return new Capture(captures, spec, "in network " + L2Switch.this.name);
        }

        @Override
        public void suspendCaptures() {
            calls.run(captures::leave);
        }

        @Override
        public void resumeCaptures(Attachment former) {
            if (former instanceof Plug plug) {
                captures.goOnWith(plug.captures);
            }
        }

        @Override
        public Optional<QosPolicy> qos() {
            return bridgePort.policyInForce;
        }

        @Override
        public QosCounters qosCounters() {
            return bridgePort.qosCounters();
        }

        @Override
        public void detach(Runnable onDetached) {
            reactor.execute(() -> {
                unplug();
                onDetached.run();
            });
        }

        private void unplug() {
            if (registration != null) {
                remove();
                port.detached();
            }
        }

        /** Lets go of the port, which is not called until it is taken back or removed. */
        void lend() {
            port.detached();
        }

        void takeBack() {
            port.attached(reactor, this::wake);
            announcements.listen();
            wake();
        }

        void remove() {
            if (registration == null) {
                return;
            }
            registration.close();
            registration = null;
            announcements.end();
            reopening.cancel();
            qos.remove(bridgePort);
            bridge.remove(bridgePort);
            portCount--;
        }
    }
}
