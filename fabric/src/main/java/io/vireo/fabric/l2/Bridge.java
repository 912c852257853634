package io.vireo.fabric.l2;

import io.vireo.fabric.l2.packet.Headers;
import io.vireo.memory.NativeMemory;
import io.vireo.net.Announcement;
import io.vireo.net.DropReason;
import io.vireo.net.FrameBatch;
import io.vireo.net.NetPort;
import io.vireo.net.PortPolicy;
import io.vireo.net.PortSpec;
import io.vireo.net.PortState;
import io.vireo.net.Station;
import io.vireo.resource.VlanSet;
import io.vireo.resource.spec.MulticastSnoopingSpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Forwards frames between ports: a learning VLAN-aware bridge (IEEE 802.1Q, 8.6 to 8.8). Plain and
 * single-threaded: {@link L2Switch} gives it a reactor.
 *
 * <p>A pass takes a batch from one port and goes by the header snapshots: it finds the VLAN of each
 * frame ({@link Classifier}), runs the stages of the port that may drop some ({@link PortStage}),
 * learns, looks up, and sorts the frames into a list per port that they leave by. Then each list
 * goes through the stages of its port and is transmitted at once. Where a port has no stages, VLAN
 * and lookup are one loop. Nothing is allocated in a pass.
 */
final class Bridge {
    private static final long MAC_MASK = 0xFFFF_FFFF_FFFFL;
    private static final int GROUP_BIT = 1;

    /** No station: not its VLAN, not its address. */
    private static final long NOBODY = -1;

    // 01-80-C2-00-00-0x: for the bridge itself, never forwarded (IEEE 802.1Q, table 8-1). Octets
    // little-endian.
    private static final long RESERVED = 0x0000_00C2_8001L;
    private static final long RESERVED_MASK = 0xF0FF_FFFF_FFFFL;

    private static final long NANOS_PER_SECOND = 1_000_000_000L;

    /** Batches that are thrown away at most. */
    private static final int MOST_DISCARDED = 256;

    /** Every frame of a batch. */
    private static final int[] ALL = IntStream.range(0, FrameBatch.CAPACITY).toArray();

    private final Pass pass = new Pass();
    private final FrameBatch batch = pass.batch;
    private final Classifier classifier;
    private final Headers headers = new Headers(batch);
    private final Stations stations;
    private final NeighborWatch watch;
    private final PrivateVlan segments = new PrivateVlan();
    private final List<Mirror> mirrors = new ArrayList<>();
    private @Nullable Snooping snooping;

    /** The frames that the stages of the port let in. */
    private final int[] admitted = new int[FrameBatch.CAPACITY];

    private BridgePort[] ports = new BridgePort[0];
    private BridgePort[] bySlot = new BridgePort[0];
    private BridgePort[] egress = new BridgePort[0];
    private int egressCount;
    private VlanSet allowedVlans;

    /**
     * Where the batch of the pass under way came from: not null between passes means that the last
     * was interrupted.
     */
    private @Nullable BridgePort source;

    Bridge(int mtu, VlanSet allowedVlans, int macLimit, int macAge) {
        this.classifier = new Classifier(pass, mtu);
        this.allowedVlans = allowedVlans;
        this.stations = new Stations(macLimit, macAge);
        this.watch = new NeighborWatch(stations.neighbors(), headers);
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
        for (int i = 0; i < ports.length; i++) {
            if (!Arrays.equals(ports[i].vlans.tagged(), memberships[i].tagged())) {
                ports[i].carry(memberships[i]);
                forget(ports[i]);
            }
        }
        // What was located before is looked up again.
        index();
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
            announce(in, limited, () -> Announcement.fill(batch, station));
            for (var address : station.addresses()) {
                if (in.policy.mayHave(address)) {
                    announce(in, limited, () -> Announcement.fill(batch, station, address));
                }
            }
        }
    }

    private void announce(BridgePort in, boolean limited, Runnable fill) {
        if (source != null) {
            recover();
        }
        source = in;
        pass.source = limited ? in : null;
        fill.run();
        if (limited) {
            admit(in, 1);
        } else {
            in.unlimited(() -> admit(in, 1));
        }
        transmit();
        source = null;
    }

    /** Removes a port and its stations. */
    void remove(BridgePort port) {
        recover();
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
        if (source != null) {
            recover();
        }
        // Somebody whom recovery may go to: nothing was taken from anybody.
        source = ports[0];
        pass.source = null;
        pass.fill(frame);
        pass.vlan[0] = vlan;
        pass.tagged[0] = false;
        classifier.vlansInPass = vlan > 0;
        for (var out : ports) {
            if (out.reach.carries(vlan)) {
                enqueue(out, 0);
            }
        }
        transmit();
        source = null;
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
        egress = new BridgePort[ports.length];
        stations.ports(ports, bySlot);
        for (var port : ports) {
            port.snoop(snooping);
        }
        if (snooping != null && snooping.hasQuerier()) {
            snooping.vlans(VlanMembership.inhabited(ports), pass.seconds);
        }
        joinMirrors();
    }

    private void welcome(BridgePort port) {
        if (snooping != null && snooping.hasQuerier()) {
            snooping.arrived(VlanMembership.inhabited(port), pass.seconds);
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
        if (source != null) {
            recover();
        }
        source = in;
        pass.source = in;
        batch.clear();
        batch.limit = in.limit;
        int count = in.port.receive(batch);
        if (count > 0) {
            receive(in, count);
            transmit();
            in.port.release(batch);
        }
        source = null;
        return count;
    }

    /** Throws away what waits at a port, up to as much as interfaces queue. */
    void discard(NetPort port) {
        recover();
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
        var from = source;
        if (from == null) {
            return;
        }
        Arrays.fill(batch.vlanAction, FrameBatch.VLAN_KEEP);
        egressCount = 0;
        InternalError fault = null;
        for (var port : ports) {
            port.count = 0;
            try {
                port.port.flush();
            } catch (InternalError e) {
                fault = e;
            }
        }
        from.port.release(batch);
        if (fault != null) {
            throw fault;
        }
        source = null;
    }

    private void receive(BridgePort in, int count) {
        admit(in, count);
        long bytes = 0;
        for (int i = 0; i < count; i++) {
            bytes += batch.length[i];
        }
        in.count(BridgePort.RECEIVED_FRAMES, count);
        in.count(BridgePort.RECEIVED_BYTES, bytes);
    }

    private void admit(BridgePort in, int count) {
        classifier.vlansInPass = false;
        if (in.ingress == PortStage.NONE) {
            forward(in, ALL, count, false);
        } else {
            int classified = classify(in, count);
            int left = BridgePort.run(in.ingress, pass, admitted, classified);
            forward(in, admitted, left, true);
        }
    }

    /** Finds the VLANs of all frames into {@link #admitted}; returns how many have one. */
    private int classify(BridgePort in, int count) {
        int left = 0;
        for (int i = 0; i < count; i++) {
            long second = NativeMemory.getLong(batch.header(i) + Long.BYTES);
            if (classifier.classify(in, i, second) >= 0) {
                admitted[left++] = i;
            }
        }
        return left;
    }

    /**
     * Learns and looks up: puts each frame into the list of the port that it leaves by.
     *
     * @param classified whether the VLANs are known already
     */
    private void forward(BridgePort in, int[] frames, int count, boolean classified) {
        int now = pass.seconds;
        long lastStation = NOBODY;
        long lastDestination = NOBODY;
        BridgePort lastEgress = in;
        for (int k = 0; k < count; k++) {
            int i = frames[k];
            long header = batch.header(i);
            long first = NativeMemory.getLong(header);
            long second = NativeMemory.getLong(header + Long.BYTES);
            int vid = classified ? pass.vlan[i] : classifier.classify(in, i, second);
            if (vid < 0) {
                continue;
            }
            long from = (first >>> 48 | second << 16) & MAC_MASK;
            long station = from | (long) vid << 48;
            if (station != lastStation) {
                var refused = stations.enter(in, from, vid, now);
                if (refused != null) {
                    in.dropReceived(refused, 1);
                    continue;
                }
                lastStation = station;
                if (stations.changed()) {
                    lastDestination = NOBODY;
                }
            }
            if (NeighborWatch.isWorthIt(header, second, pass.tagged[i])) {
                watch.look(in, i, pass.tagged[i], station);
            }
            long to = first & MAC_MASK;
            if ((to & GROUP_BIT) != 0) {
                flood(in, i, vid, to);
                continue;
            }
            long destination = to | (long) vid << 48;
            if (destination != lastDestination) {
                var out = stations.locate(to, vid, now);
                if (out == null) {
                    flood(in, i, vid, to);
                    continue;
                }
                lastDestination = destination;
                lastEgress = out;
            }
            unicast(in, lastEgress, i);
        }
    }

    private void unicast(BridgePort in, BridgePort out, int i) {
        if (out == in || PrivateVlan.separates(in.segment, out.segment)) {
            boolean isolated = out != in && PrivateVlan.isPrivate(in.segment);
            in.dropReceived(isolated ? DropReason.ISOLATED : DropReason.FILTERED, 1);
        } else {
            enqueue(out, i);
        }
    }

    private void flood(BridgePort in, int i, int vid, long to) {
        if (isReserved(to)) {
            in.dropReceived(DropReason.FILTERED, 1);
            return;
        }
        var storm = in.policy.storm();
        if (storm != null) {
            var refused = storm.refuses(to, pass.nanos);
            if (refused != null) {
                in.dropReceived(refused, 1);
                return;
            }
        }
        var groups = snooping;
        if (groups != null && groups.limits(pass, i, to)) {
            multicast(in, i, vid, groups);
            return;
        }
        in.count(BridgePort.FLOODED, 1);
        for (var out : ports) {
            if (out != in
                    && !PrivateVlan.separates(in.segment, out.segment)
                    && out.reach.carries(vid)) {
                enqueue(out, i);
            }
        }
    }

    /** Whether an address, octets little-endian, more bits behind it, is for the bridge itself. */
    static boolean isReserved(long to) {
        return (to & RESERVED_MASK) == RESERVED;
    }

    /** Sends a frame to those who asked for its group. */
    private void multicast(BridgePort in, int i, int vid, Snooping groups) {
        boolean sent = false;
        for (var out : ports) {
            if (out != in
                    && groups.reaches(out.slot, pass.seconds)
                    && !PrivateVlan.separates(in.segment, out.segment)
                    && out.reach.carries(vid)) {
                enqueue(out, i);
                sent = true;
            }
        }
        if (!sent) {
            in.dropReceived(DropReason.FILTERED, 1);
        }
    }

    private void enqueue(BridgePort out, int i) {
        if (out.count == 0) {
            egress[egressCount++] = out;
        }
        out.index[out.count++] = i;
    }

    private void transmit() {
        for (int i = 0; i < egressCount; i++) {
            transmit(egress[i]);
        }
        for (int i = 0; i < egressCount; i++) {
            egress[i].port.publish();
        }
        // One for all ports: each would wait until the core has written out what it stored.
        NativeMemory.fullFence();
        for (int i = 0; i < egressCount; i++) {
            egress[i].port.flush();
        }
        egressCount = 0;
    }

    private void transmit(BridgePort out) {
        if (out.maxPayload < classifier.mtu()) {
            dropTooLong(out);
        }
        int count = out.count;
        out.count = 0;
        if (out.port.state() == PortState.DOWN) {
            out.dropTransmitted(DropReason.DOWN, count);
            return;
        }
        if (classifier.vlansInPass) {
            setActions(out, count);
        }
        if (out.egress != PortStage.NONE) {
            count = BridgePort.run(out.egress, pass, out.index, count);
        }
        if (count > 0) {
            send(out, count);
        }
        if (classifier.vlansInPass) {
            Arrays.fill(batch.vlanAction, FrameBatch.VLAN_KEEP);
        }
    }

    private void send(BridgePort out, int count) {
        batch.sentBytes = 0;
        int sent = out.port.transmit(batch, out.index, count);
        out.count(BridgePort.TRANSMITTED_FRAMES, sent);
        out.count(BridgePort.TRANSMITTED_BYTES, batch.sentBytes);
        if (sent < count) {
            out.dropTransmitted(DropReason.NO_BUFFER, count - sent);
        }
    }

    private void dropTooLong(BridgePort out) {
        int kept = 0;
        for (int k = 0; k < out.count; k++) {
            int i = out.index[k];
            if (!classifier.isTooLongFor(out, i)) {
                out.index[kept++] = i;
            }
        }
        out.dropTransmitted(DropReason.TOO_LONG, out.count - kept);
        out.count = kept;
    }

    private void setActions(BridgePort out, int count) {
        for (int k = 0; k < count; k++) {
            int i = out.index[k];
            boolean untagged = pass.vlan[i] == out.vlans.untagged();
            batch.vlanAction[i] =
                    untagged == !pass.tagged[i]
                            ? FrameBatch.VLAN_KEEP
                            : untagged ? FrameBatch.VLAN_POP : FrameBatch.VLAN_PUSH;
            batch.vlanTci[i] = (short) pass.vlan[i];
        }
    }

    /** The stations that what is behind a port can reach by it. */
    long[] stationsFor(BridgePort out) {
        return table().stations(slot -> isFor(out, slot));
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
