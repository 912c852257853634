package io.vireo.fabric.l2;

import io.vireo.fabric.l2.packet.Headers;
import io.vireo.memory.NativeMemory;
import io.vireo.net.Announcement;
import io.vireo.net.FrameBatch;
import io.vireo.net.NetPort;
import io.vireo.net.PortPolicy;
import io.vireo.net.PortSpec;
import io.vireo.net.Station;
import io.vireo.resource.VlanSet;
import io.vireo.resource.spec.MulticastSnoopingSpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/**
 * Forwards frames between ports: a learning VLAN-aware bridge (IEEE 802.1Q, 8.6 to 8.8). Plain and
 * single-threaded: {@link L2Switch} gives it a reactor.
 *
 * <p>A pass takes a batch from one port and goes by the header snapshots: it finds the VLAN of each
 * frame ({@link Classifier}), runs the stages of the port that may drop some ({@link PortStage}),
 * learns, looks up ({@link Relay}), and sorts the frames into a list per port that they leave by
 * ({@link Departures}). Then each list goes through the stages of its port and is transmitted at
 * once. Where a port has no stages, VLAN and lookup are one loop. Nothing is allocated in a pass.
 *
 * <p>A port costs the same for one frame as for some, mostly in cache misses. So {@link #gather}
 * takes from further ports before anything is sent, for as long as the frames are few for the ports
 * that they leave by; {@link #finish} ends that.
 */
final class Bridge {
    private static final long NANOS_PER_SECOND = 1_000_000_000L;

    /** Batches that are thrown away at most. */
    private static final int MOST_DISCARDED = 256;

    /** Every frame of a batch, at its own place. */
    private static final int[] ALL = IntStream.range(0, Pass.FRAMES).toArray();

    private final Pass pass = new Pass();
    private final FrameBatch batch = pass.batch;
    private final Classifier classifier;
    private final Departures departures;
    private final Relay relay;
    private final Headers headers = new Headers(batch);
    private final Stations stations;
    private final PrivateVlan segments = new PrivateVlan();
    private final List<Mirror> mirrors = new ArrayList<>();
    private @Nullable Snooping snooping;

    /** The frames that the stages of the port let in. */
    private final int[] admitted = new int[FrameBatch.CAPACITY];

    private BridgePort[] ports = new BridgePort[0];
    private BridgePort[] bySlot = new BridgePort[0];
    private VlanSet allowedVlans;

    /** Where the frames of the pass under way came from; those of {@link #gather} wait here. */
    private final BridgePort[] sources = new BridgePort[Pass.FRAMES];

    private int sourceCount;

    /** Whether something is being done with frames: if so before it begins, it was interrupted. */
    private boolean busy;

    Bridge(int mtu, VlanSet allowedVlans, int macLimit, int macAge) {
        this.classifier = new Classifier(pass, mtu);
        this.departures = new Departures(pass, classifier);
        this.allowedVlans = allowedVlans;
        this.stations = new Stations(macLimit, macAge);
        this.relay = new Relay(pass, classifier, stations, headers, departures);
    }

    MacTable table() {
        return stations.table();
    }

    /** Forgets who is gone, in the next slots of its tables. */
    void sweep(int slots) {
        stations.sweep(slots, pass.seconds);
    }

    /** Sets the time in nanoseconds. */
    void time(long nanos) {
        pass.nanos = nanos;
        pass.seconds = (int) (nanos / NANOS_PER_SECOND);
    }

    void mtu(int mtu) {
        classifier.mtu(mtu);
    }

    /** Adds a port; there is a slot free or a new one is made. */
    BridgePort add(NetPort port, PortSpec spec) {
        var vlans = VlanMembership.of(spec, allowedVlans);
        int slot = 0;
        var used = new ArrayList<Integer>();
        for (var other : ports) {
            used.add(other.slot);
        }
        while (used.contains(slot)) {
            slot++;
        }
        var added = new BridgePort(port, slot, spec, vlans);
        set(added, spec, vlans);
        ports = Arrays.copyOf(ports, ports.length + 1);
        ports[ports.length - 1] = added;
        index();
        welcome(added);
        return added;
    }

    /** Changes how a port sits here; its stations and groups are forgotten. */
    void change(BridgePort port, PortSpec spec) {
        set(port, spec, VlanMembership.of(spec, allowedVlans));
        forget(port);
        index();
        welcome(port);
    }

    private void set(BridgePort port, PortSpec spec, VlanMembership vlans) {
        var rules = PortRules.of(spec.policy());
        stations.checkFree(rules, port.slot);
        port.spec = spec;
        port.policy = rules;
        port.carry(vlans);
        port.segment = segments.segment(spec.uplink(), spec.policy().rules());
        stages(port, spec.policy());
    }

    private void stages(BridgePort port, PortPolicy policy) {
        port.ingress = BridgePort.without(port.ingress, PortStage.Place.GUARD);
        port.ingress = BridgePort.without(port.ingress, PortStage.Place.FILTER);
        port.egress = BridgePort.without(port.egress, PortStage.Place.FILTER);
        var guard = AddressGuard.of(port, policy, headers);
        if (guard.isPresent()) {
            port.ingress = BridgePort.with(port.ingress, guard.get());
        }
        if (!policy.ingress().isEmpty()) {
            var filter = new AclStage(port, true, policy.ingress(), headers);
            port.ingress = BridgePort.with(port.ingress, filter);
        }
        if (!policy.egress().isEmpty()) {
            var filter = new AclStage(port, false, policy.egress(), headers);
            port.egress = BridgePort.with(port.egress, filter);
        }
    }

    /**
     * Changes the VLANs that may cross; nothing is changed if it fails.
     *
     * @throws IllegalArgumentException if a port has one that may not
     */
    void allow(VlanSet allowed) {
        var memberships = new VlanMembership[ports.length];
        for (int i = 0; i < ports.length; i++) {
            try {
                memberships[i] = VlanMembership.of(ports[i].spec, allowed);
            } catch (IllegalArgumentException e) {
                throw new IllegalArgumentException(ports[i].port.name() + ": " + e.getMessage(), e);
            }
        }
        allowedVlans = allowed;
        var changed = new ArrayList<BridgePort>();
        for (int i = 0; i < ports.length; i++) {
            if (!Arrays.equals(ports[i].vlans.tagged(), memberships[i].tagged())) {
                ports[i].carry(memberships[i]);
                forget(ports[i]);
                changed.add(ports[i]);
            }
        }
        // What was located before is looked up again.
        index();
        changed.forEach(this::welcome);
    }

    /** The stations behind a port, with the IP addresses that they are known to have. */
    List<Station> stationsBehind(BridgePort port) {
        return stations.behind(port, pass.seconds);
    }

    /**
     * Forwards announcements of each station as if they came in by the port; not counted.
     *
     * @param limited whether the rates of the port hold for them, its share of the uplink and what
     *     may go to many included
     */
    void announce(BridgePort in, List<Station> announced, boolean limited) {
        for (var station : announced) {
            announce(in, limited, () -> Announcement.add(batch, station));
            for (var address : station.addresses()) {
                if (in.policy.mayHave(address)) {
                    announce(in, limited, () -> Announcement.add(batch, station, address));
                }
            }
        }
    }

    /**
     * Learns that the card of a port is there, before it has sent anything, and tells what is
     * behind the uplinks, by a reverse ARP request in its name. That takes nothing of what it may
     * send.
     *
     * @return false if the port has no card that is up, or that may send
     */
    boolean announceCard(BridgePort in) {
        long mac = in.cardMac();
        int vlan = in.reach.untagged();
        if (!in.hasCard() || stations.enter(in, mac, vlan, pass.seconds) != null) {
            return false;
        }
        begin();
        batch.count = 1;
        Announcement.reverseArp(batch, 0, PortRules.address(mac).bits());
        sendUntagged(vlan, BridgePort::isUplink);
        return true;
    }

    /** Sends the only frame of the batch, which has no tag, to ports with its VLAN. */
    private void sendUntagged(int vlan, Predicate<BridgePort> wanted) {
        pass.source = null;
        pass.vlan[0] = vlan;
        pass.tagged[0] = false;
        classifier.vlansInPass = vlan > 0;
        for (var out : ports) {
            if (wanted.test(out) && out.reach.carries(vlan)) {
                departures.add(out, 0);
            }
        }
        departures.send();
        end();
    }

    private void announce(BridgePort in, boolean limited, Runnable fill) {
        begin();
        pass.source = limited ? in : null;
        fill.run();
        if (limited) {
            admit(in, 0);
        } else {
            in.unlimited(() -> admit(in, 0));
        }
        departures.send();
        end();
    }

    /** Removes a port and its stations. */
    void remove(BridgePort port) {
        finish();
        port.close();
        ports = Arrays.stream(ports).filter(p -> p != port).toArray(BridgePort[]::new);
        forget(port);
        index();
    }

    private void forget(BridgePort port) {
        stations.forget(port);
        if (snooping != null) {
            snooping.forget(port.slot);
        }
    }

    /**
     * Begins to snoop, changes how, or ends it.
     *
     * @param mac that queries are sent from, the first octet highest, if they are
     */
    void snoop(Optional<MulticastSnoopingSpec> spec, long mac) {
        if (spec.isEmpty()) {
            snooping = null;
        } else {
            if (snooping == null) {
                snooping = new Snooping(spec.get(), headers);
            } else {
                snooping.change(spec.get());
            }
            snooping.ask(spec.get(), mac, this::ask, pass.seconds);
        }
        index();
    }

    /** Sends a query to all stations of a VLAN. */
    private void ask(int vlan, byte[] frame) {
        if (ports.length == 0) {
            return;
        }
        begin();
        pass.fill(frame);
        sendUntagged(vlan, _ -> true);
        if (snooping != null) {
            snooping.countQuery();
        }
    }

    /** What snooping knows, or null. */
    @Nullable Snooping snooping() {
        return snooping;
    }

    /**
     * Begins to copy frames of a port into a ring.
     *
     * @return false if the port is gone
     */
    boolean beginCapture(BridgePort port, Capture.Tap tap, Capture capture) {
        if (!ports().contains(port)) {
            return false;
        }
        port.add(capture, tap, headers);
        return true;
    }

    private void index() {
        int slots = Arrays.stream(ports).mapToInt(p -> p.slot + 1).max().orElse(0);
        bySlot = new BridgePort[slots];
        for (var port : ports) {
            bySlot[port.slot] = port;
        }
        departures.room(ports.length);
        relay.ports(ports, snooping);
        stations.ports(ports, bySlot);
        for (var port : ports) {
            port.snoop(snooping);
        }
        if (snooping != null && snooping.hasQuerier()) {
            snooping.vlans(VlanMembership.inhabited(ports), pass.seconds);
        }
        joinMirrors();
    }

    /** A port has come, or been forgotten: what is wanted behind it is asked soon. */
    private void welcome(BridgePort port) {
        if (snooping != null && snooping.hasQuerier()) {
            snooping.arrived(port.vlans.carried(), pass.seconds);
        }
    }

    /** Begins to mirror. */
    void add(Mirror mirror) {
        mirrors.add(mirror);
        joinMirrors();
    }

    /** Ends mirroring. */
    void remove(Mirror mirror) {
        mirrors.remove(mirror);
        joinMirrors();
    }

    /** Brings mirrors and ports together anew: ports or what is wanted of them have changed. */
    void joinMirrors() {
        for (var port : ports) {
            port.leaveMirrors();
        }
        for (var mirror : mirrors) {
            mirror.join(ports, stations.table(), classifier);
        }
    }

    /** The ports. */
    List<BridgePort> ports() {
        return List.of(ports);
    }

    /**
     * Takes a batch from a port and forwards it.
     *
     * @return number of frames
     */
    int pass(BridgePort in) {
        begin();
        pass.source = in;
        int count = take(in);
        if (count > 0) {
            sendAll();
        }
        end();
        return count;
    }

    /**
     * Takes a batch from a port that has no quality of service; forwards it now, or together with
     * what is taken from further ports, {@link #finish} at the latest.
     *
     * @return number of frames
     */
    int gather(BridgePort in) {
        if (!in.appends) {
            return pass(in);
        }
        if (busy || sourceCount == 0 || in.lends) {
            begin();
            pass.source = null;
        }
        busy = true;
        int count = take(in);
        if (sourceCount > 0 && (isFull() || !departures.areThin())) {
            sendAll();
        }
        busy = false;
        return count;
    }

    /** Forwards what was taken from ports so far. */
    void finish() {
        if (busy) {
            recover();
        } else if (sourceCount > 0) {
            busy = true;
            sendAll();
            busy = false;
        }
    }

    private boolean isFull() {
        return batch.count + FrameBatch.CAPACITY > Pass.FRAMES;
    }

    /** Begins a pass with an empty batch; all that was before is done or given back. */
    private void begin() {
        finish();
        busy = true;
        batch.clear();
        classifier.vlansInPass = false;
    }

    private void end() {
        busy = false;
    }

    /** Takes a batch from a port and sorts it; returns its frames. */
    private int take(BridgePort in) {
        int before = batch.count;
        batch.limit = in.limit;
        // First: a fault may come while it is asked.
        sources[sourceCount++] = in;
        int count = in.port.receive(batch);
        if (count > 0) {
            in.lends = true;
            receive(in, before);
        } else {
            sourceCount--;
        }
        return count;
    }

    private void sendAll() {
        departures.send();
        for (int i = 0; i < sourceCount; i++) {
            var in = sources[i];
            in.lends = false;
            in.port.release(batch);
        }
        sourceCount = 0;
    }

    /** Throws away what waits at a port, up to as much as interfaces queue. */
    void discard(NetPort port) {
        finish();
        for (int i = 0; i < MOST_DISCARDED; i++) {
            batch.clear();
            batch.limit = FrameBatch.CAPACITY;
            if (port.receive(batch) == 0) {
                return;
            }
            port.release(batch);
        }
    }

    /**
     * Ends a pass that a memory fault interrupted: what the ports took for it is given back, once.
     * May be interrupted itself and is then done again.
     */
    void recover() {
        if (!busy) {
            return;
        }
        departures.clear();
        InternalError fault = null;
        for (var port : ports) {
            port.count = 0;
            try {
                port.port.flush();
                NativeMemory.settle();
            } catch (InternalError e) {
                fault = e;
            }
        }
        for (int i = 0; i < sourceCount; i++) {
            sources[i].lends = false;
            try {
                sources[i].port.release(batch);
                NativeMemory.settle();
            } catch (InternalError e) {
                fault = e;
            }
        }
        if (fault != null) {
            throw fault;
        }
        sourceCount = 0;
        busy = false;
    }

    /** Sorts the frames of the batch from {@code first} on, which came in by a port. */
    private void receive(BridgePort in, int first) {
        admit(in, first);
        int end = batch.count;
        long bytes = 0;
        for (int i = first; i < end; i++) {
            bytes += batch.length[i];
        }
        in.count(BridgePort.RECEIVED_FRAMES, end - first);
        in.count(BridgePort.RECEIVED_BYTES, bytes);
    }

    private void admit(BridgePort in, int first) {
        if (in.ingress == PortStage.NONE) {
            relay.forward(in, ALL, first, batch.count, false);
        } else {
            int classified = classify(in, first);
            int left = BridgePort.run(in.ingress, pass, admitted, classified);
            relay.forward(in, admitted, 0, left, true);
        }
    }

    /**
     * Finds the VLANs of the frames from {@code first} on into {@link #admitted}; returns how many
     * have one.
     */
    private int classify(BridgePort in, int first) {
        int left = 0;
        for (int i = first; i < batch.count; i++) {
            long second = NativeMemory.getLong(batch.header(i) + Long.BYTES);
            if (classifier.classify(in, i, second) >= 0) {
                admitted[left++] = i;
            }
        }
        return left;
    }

    /**
     * The stations that what is behind a port can reach by it: those that are known, and cards that
     * have a link, however long they have been silent.
     */
    long[] stationsFor(BridgePort out) {
        var known = LongStream.of(table().stations(slot -> isFor(out, slot)));
        var cards =
                Arrays.stream(ports)
                        .filter(port -> isFor(out, port.slot) && isAtHome(port))
                        .mapToLong(port -> Stations.of(port.cardMac(), port.reach.untagged()));
        return LongStream.concat(known, cards).distinct().toArray();
    }

    /** Whether a port has a card that is up, and that was not seen elsewhere. */
    private boolean isAtHome(BridgePort port) {
        if (!port.hasCard()) {
            return false;
        }
        var seen = stations.locate(port.cardMac(), port.reach.untagged(), pass.seconds);
        return seen == null || seen == port;
    }

    /** The IP addresses of stations that what is behind a port can reach by it. */
    List<NeighborTable.Claim> addressesFor(BridgePort out) {
        return stations.neighbors().claims(slot -> isFor(out, slot), table(), pass.seconds);
    }

    /** Number of IP addresses that are known. */
    int addresses() {
        return stations.neighbors().size();
    }

    private boolean isFor(BridgePort out, int slot) {
        return slot != out.slot && !PrivateVlan.separates(bySlot[slot].segment, out.segment);
    }

    void close() {
        batch.close();
    }
}
