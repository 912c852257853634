package io.vireo.fabric.l2;

import io.vireo.memory.NativeMemory;
import io.vireo.net.FrameBatch;
import io.vireo.net.NetPort;
import io.vireo.net.Offload;
import io.vireo.net.PortSpec;
import io.vireo.net.PortState;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Forwards frames between ports: a learning VLAN-aware bridge (IEEE 802.1Q, 8.6 to 8.8). Plain and
 * single-threaded: {@link L2Switch} gives it a reactor.
 *
 * <p>A pass takes a batch from one port, decides for each frame by its header snapshot, sorts the
 * frames into a list per port that they leave by, and then transmits each list at once. Nothing is
 * allocated in a pass.
 */
final class Bridge {
    private static final int HEADER = 14;
    private static final int TAGGED_HEADER = 18;
    private static final long MAC_MASK = 0xFFFF_FFFF_FFFFL;
    private static final int TCP_HEADER = 20;

    // A frame may carry a second tag that we do not look at, and that is not of the payload an MTU
    // counts.
    private static final int INNER_TAG = 4;
    private static final int GROUP_BIT = 1;
    private static final int TAG_TYPE = 0x0081; // 0x8100, read little-endian

    // 01-80-C2-00-00-0x: for the bridge itself, never forwarded (IEEE 802.1Q, table 8-1). Octets
    // little-endian.
    private static final long RESERVED = 0x0000_00C2_8001L;
    private static final long RESERVED_MASK = 0xF0FF_FFFF_FFFFL;

    private static final int VID_MASK = 0xFFF;
    private static final int TCI_PRIORITY_MASK = 0xF000;

    private final FrameBatch batch = new FrameBatch();
    private final MacTable table;

    // Of the frames of the pass under way.
    private final int[] vlan = new int[FrameBatch.CAPACITY];
    private final boolean[] tagged = new boolean[FrameBatch.CAPACITY];
    private boolean vlansInPass;

    private BridgePort[] ports = new BridgePort[0];
    private BridgePort[] bySlot = new BridgePort[0];
    private BridgePort[] egress = new BridgePort[0];
    private int egressCount;
    private int maxPayload;
    private Collection<Integer> allowedVlans;
    private int now;

    /**
     * Where the batch of the pass under way came from: not null between passes means that the last
     * was interrupted.
     */
    private @Nullable BridgePort source;

    Bridge(int mtu, Collection<Integer> allowedVlans, int macLimit, int macAge) {
        this.maxPayload = mtu;
        this.allowedVlans = List.copyOf(allowedVlans);
        this.table = new MacTable(macLimit, macAge);
    }

    MacTable table() {
        return table;
    }

    /** Sets the time in seconds. */
    void time(int seconds) {
        now = seconds;
    }

    void mtu(int mtu) {
        maxPayload = mtu;
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
        var added = new BridgePort(port, slot, spec.uplink(), vlans);
        ports = Arrays.copyOf(ports, ports.length + 1);
        ports[ports.length - 1] = added;
        index();
        return added;
    }

    /** Changes how a port sits here; its stations are forgotten. */
    void change(BridgePort port, PortSpec spec) {
        port.vlans = VlanMembership.of(spec, allowedVlans);
        port.uplink = spec.uplink();
        table.forget(port.slot);
    }

    /** Removes a port and its stations. */
    void remove(BridgePort port) {
        recover();
        ports = Arrays.stream(ports).filter(p -> p != port).toArray(BridgePort[]::new);
        index();
        table.forget(port.slot);
    }

    private void index() {
        int slots = Arrays.stream(ports).mapToInt(p -> p.slot + 1).max().orElse(0);
        bySlot = new BridgePort[slots];
        for (var port : ports) {
            bySlot[port.slot] = port;
        }
        egress = new BridgePort[ports.length];
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
        batch.clear();
        int count = in.port.receive(batch);
        if (count > 0) {
            decide(in, count);
            transmit();
            in.port.release(batch);
        }
        source = null;
        return count;
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

    private void decide(BridgePort in, int count) {
        vlansInPass = false;
        long lastStation = 0;
        long lastDestination = 0;
        BridgePort lastEgress = in;
        long bytes = 0;
        for (int i = 0; i < count; i++) {
            bytes += batch.length[i];
            long header = batch.header(i);
            long first = NativeMemory.getLong(header);
            long second = NativeMemory.getLong(header + Long.BYTES);
            int vid = classify(in, i, second);
            if (vid < 0) {
                continue;
            }
            long from = (first >>> 48 | second << 16) & MAC_MASK;
            if ((from & GROUP_BIT) != 0 || from == 0) {
                in.count(BridgePort.DROPPED_INVALID, 1);
                continue;
            }
            long station = from | (long) vid << 48;
            if (station != lastStation) {
                lastStation = station;
                if (table.learn(station, in.slot, now)) {
                    lastDestination = 0;
                }
            }
            long to = first & MAC_MASK;
            if ((to & GROUP_BIT) != 0) {
                flood(in, i, vid, to);
                continue;
            }
            long destination = to | (long) vid << 48;
            if (destination != lastDestination) {
                int slot = table.find(destination, now);
                if (slot == MacTable.NONE) {
                    flood(in, i, vid, to);
                    continue;
                }
                lastDestination = destination;
                lastEgress = bySlot[slot];
            }
            unicast(in, lastEgress, i);
        }
        in.count(BridgePort.RECEIVED_FRAMES, count);
        in.count(BridgePort.RECEIVED_BYTES, bytes);
    }

    /**
     * Finds the VLAN of a frame, or counts it and returns -1. {@code second} is bytes 8 to 15 of
     * its header.
     */
    private int classify(BridgePort in, int i, long second) {
        boolean tag = (int) (second >>> 32 & 0xFFFF) == TAG_TYPE;
        tagged[i] = tag;
        int vid;
        if (tag) {
            vid = classifyTagged(in, i, Short.reverseBytes((short) (second >>> 48)));
        } else {
            vid = in.vlans.untagged();
            if (vid < 0) {
                in.count(BridgePort.DROPPED_VLAN, 1);
                return -1;
            }
        }
        vlan[i] = vid;
        vlansInPass |= vid > 0 | tag;
        int payload = batch.length[i] - (tag ? TAGGED_HEADER : HEADER);
        if (vid >= 0 && payload > maxPayload && isTooLong(i, maxPayload)) {
            in.count(BridgePort.DROPPED_TOO_LONG, 1);
            return -1;
        }
        return vid;
    }

    private int classifyTagged(BridgePort in, int i, short tci) {
        if (batch.headerLength[i] < TAGGED_HEADER) {
            in.count(BridgePort.DROPPED_INVALID, 1);
            return -1;
        }
        int vid = tci & VID_MASK;
        if (vid != 0) {
            if (in.vlans.carriesTagged(vid)) {
                return vid;
            }
        } else if (in.vlans.untagged() >= 0) {
            // Only a priority: it belongs to the VLAN of untagged frames, and says so if it leaves
            // with its tag.
            vid = in.vlans.untagged();
            short changed = (short) (tci & TCI_PRIORITY_MASK | vid);
            NativeMemory.putShort(batch.header(i) + HEADER, Short.reverseBytes(changed));
            return vid;
        }
        in.count(BridgePort.DROPPED_VLAN, 1);
        return -1;
    }

    /** Whether a frame of more payload than {@code limit} has so after its segmentation too. */
    private boolean isTooLong(int i, int limit) {
        long offload = batch.offload[i];
        int header = tagged[i] ? TAGGED_HEADER : HEADER;
        if (Offload.gso(offload) == Offload.GSO_NONE) {
            return batch.length[i] - header > limit + INNER_TAG;
        }
        int networkHeader = Offload.checksumStart(offload) - header;
        return networkHeader + TCP_HEADER + Offload.gsoSize(offload) > limit;
    }

    private void unicast(BridgePort in, BridgePort out, int i) {
        if (out == in || out.uplink & in.uplink) {
            in.count(BridgePort.FILTERED, 1);
        } else {
            enqueue(out, i);
        }
    }

    private void flood(BridgePort in, int i, int vid, long to) {
        if ((to & RESERVED_MASK) == RESERVED) {
            in.count(BridgePort.FILTERED, 1);
            return;
        }
        in.count(BridgePort.FLOODED, 1);
        for (var out : ports) {
            if (out != in && !(out.uplink && in.uplink) && out.vlans.carries(vid)) {
                enqueue(out, i);
            }
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
            egress[i].port.flush();
        }
        egressCount = 0;
    }

    private void transmit(BridgePort out) {
        if (out.maxPayload < maxPayload) {
            dropTooLong(out);
        }
        int count = out.count;
        out.count = 0;
        if (out.port.state() == PortState.DOWN) {
            out.count(BridgePort.DROPPED_DOWN, count);
            return;
        }
        if (vlansInPass) {
            setActions(out, count);
        }
        batch.sentBytes = 0;
        int sent = out.port.transmit(batch, out.index, count);
        out.count(BridgePort.TRANSMITTED_FRAMES, sent);
        out.count(BridgePort.TRANSMITTED_BYTES, batch.sentBytes);
        if (sent < count) {
            out.count(BridgePort.DROPPED_NO_BUFFER, count - sent);
        }
        if (vlansInPass) {
            Arrays.fill(batch.vlanAction, FrameBatch.VLAN_KEEP);
        }
    }

    private void dropTooLong(BridgePort out) {
        int kept = 0;
        for (int k = 0; k < out.count; k++) {
            int i = out.index[k];
            int payload = batch.length[i] - (tagged[i] ? TAGGED_HEADER : HEADER);
            if (payload <= out.maxPayload || !isTooLong(i, out.maxPayload)) {
                out.index[kept++] = i;
            }
        }
        out.count(BridgePort.DROPPED_TOO_LONG, out.count - kept);
        out.count = kept;
    }

    private void setActions(BridgePort out, int count) {
        for (int k = 0; k < count; k++) {
            int i = out.index[k];
            boolean untagged = vlan[i] == out.vlans.untagged();
            batch.vlanAction[i] =
                    untagged == !tagged[i]
                            ? FrameBatch.VLAN_KEEP
                            : untagged ? FrameBatch.VLAN_POP : FrameBatch.VLAN_PUSH;
            batch.vlanTci[i] = (short) vlan[i];
        }
    }

    void close() {
        batch.close();
    }
}
