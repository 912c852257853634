package io.vireo.fabric.l2;

import io.vireo.net.DropReason;
import io.vireo.net.Station;
import io.vireo.net.StationAddress;
import io.vireo.resource.IpPrefix;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Which station is where in a bridge: what was learnt ({@link MacTable}), what is bound ({@link
 * MacBindings}), which station may send by which port, and which IP addresses it has ({@link
 * NeighborTable}). MAC addresses are little-endian numbers.
 */
final class Stations {
    private static final int GROUP_BIT = 1;
    private static final int VLAN_SHIFT = 48;
    private static final long MAC_MASK = 0xFFFF_FFFF_FFFFL;

    private final MacTable table;
    private final NeighborTable neighbors = new NeighborTable();
    private final MacBindings bindings = new MacBindings();
    private BridgePort[] bySlot = new BridgePort[0];
    private boolean changed;

    Stations(int limit, int maxAge) {
        table = new MacTable(limit, maxAge);
    }

    /** The station that has an address in a VLAN, as in {@link MacTable}. */
    static long of(long mac, int vlan) {
        return mac | (long) vlan << VLAN_SHIFT;
    }

    MacTable table() {
        return table;
    }

    NeighborTable neighbors() {
        return neighbors;
    }

    /** Forgets what was learnt behind a port. */
    void forget(BridgePort port) {
        table.forget(port.slot);
        neighbors.forget(port.slot);
    }

    /** Forgets who is gone, in the next slots of the tables. */
    void sweep(int slots, int now) {
        table.sweep(slots, now);
        neighbors.sweep(slots, table);
    }

    /** The stations behind a port, with their addresses. */
    List<Station> behind(BridgePort port, int now) {
        var found = new LinkedHashMap<Long, List<StationAddress>>();
        for (long station : table.stations(slot -> slot == port.slot)) {
            found.put(station, new ArrayList<>());
        }
        for (var claim : neighbors.claims(slot -> slot == port.slot, table, now)) {
            found.computeIfAbsent(claim.station(), _ -> new ArrayList<>()).add(claim.address());
        }
        var stations = new ArrayList<Station>();
        found.forEach((station, addresses) -> {
            int vlan = (int) (station >>> VLAN_SHIFT);
            stations.add(
                    new Station(
                            PortRules.address(station & MAC_MASK),
                            vlan == port.vlans.untagged() ? 0 : vlan,
                            addresses));
        });
        return stations;
    }

    /**
     * Takes note of the ports, of the MAC addresses that are bound to them, and of the IP addresses
     * that are listed for them.
     *
     * @param ports those that there are, in any order
     * @param slots the same by their slots
     */
    void ports(BridgePort[] ports, BridgePort[] slots) {
        bySlot = slots;
        bindings.clear();
        for (var port : ports) {
            for (long address : port.policy.bound()) {
                bindings.bind(address, port.slot);
            }
        }
        neighbors.beginLists();
        for (var port : ports) {
            list(port);
        }
        neighbors.endLists();
    }

    /** A card that tags all its frames may have its addresses in any of its VLANs. */
    private void list(BridgePort port) {
        var policy = port.spec.policy();
        int vlan = port.vlans.untagged();
        if (policy.mac().isEmpty() || vlan < 0) {
            return;
        }
        long mac = PortRules.littleEndian(policy.mac().get().bits());
        long station = of(mac, vlan);
        policy.rules().antiSpoofing().stream()
                .flatMap(spec -> spec.addresses().stream())
                .filter(IpPrefix::isAddress)
                .forEach(each ->
                        neighbors.list(port.slot, station, each.v6(), each.high(), each.low()));
    }

    /**
     * Checks that no other port has an address bound that a port is to have for itself.
     *
     * @throws IllegalArgumentException if so, with a sentence that says what to do
     */
    void checkFree(PortRules rules, int slot) {
        for (long address : rules.bound()) {
            int owner = bindings.find(address);
            if (owner != MacBindings.NONE && owner != slot) {
                throw new IllegalArgumentException(
                        "MAC address "
                                + PortRules.address(address)
                                + " is bound to "
                                + bySlot[owner].port.name()
                                + " already: take it out of boundMacs of one of them");
            }
        }
    }

    /**
     * Lets a station send by a port and learns that it is there.
     *
     * @return why it must not, or null
     */
    @Nullable DropReason enter(BridgePort in, long from, int vid, int now) {
        if ((from & GROUP_BIT) != 0 || from == 0) {
            return DropReason.INVALID;
        }
        if (!in.policy.mayBeSource(from)) {
            return DropReason.SPOOFED_MAC;
        }
        if (bindings.size() > 0) {
            int owner = bindings.find(from);
            if (owner != MacBindings.NONE && owner != in.slot && bySlot[owner].vlans.carries(vid)) {
                return DropReason.MAC_BOUND;
            }
        }
        long station = of(from, vid);
        int limit = in.policy.macLimit();
        if (table.count(in.slot) >= limit
                && !table.isAt(station, in.slot)
                && !table.hasRoom(in.slot, limit, now)) {
            return DropReason.MAC_LIMIT;
        }
        changed |= table.learn(station, in.slot, now);
        return null;
    }

    /**
     * Whether an answer of {@link #locate} may be another one now than at the last call of this.
     */
    boolean changed() {
        boolean was = changed;
        changed = false;
        return was;
    }

    /** The port of a station, or null. */
    @Nullable BridgePort locate(long to, int vid, int now) {
        int slot = table.find(of(to, vid), now);
        if (slot != MacTable.NONE) {
            return bySlot[slot];
        }
        if (bindings.size() > 0) {
            int owner = bindings.find(to);
            if (owner != MacBindings.NONE && bySlot[owner].reach.carries(vid)) {
                return bySlot[owner];
            }
        }
        return null;
    }
}
