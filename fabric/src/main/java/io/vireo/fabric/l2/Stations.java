package io.vireo.fabric.l2;

import io.vireo.net.DropReason;
import org.jspecify.annotations.Nullable;

/**
 * Which station is where in a bridge: what was learnt ({@link MacTable}), what is bound ({@link
 * MacBindings}), and which station may send by which port. Addresses are little-endian numbers.
 */
final class Stations {
    private static final int GROUP_BIT = 1;
    private static final int VLAN_SHIFT = 48;

    private final MacTable table;
    private final MacBindings bindings = new MacBindings();
    private BridgePort[] bySlot = new BridgePort[0];
    private boolean changed;

    Stations(int limit, int maxAge) {
        table = new MacTable(limit, maxAge);
    }

    MacTable table() {
        return table;
    }

    /**
     * Takes note of the ports and of the addresses that are bound to them.
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
        long station = from | (long) vid << VLAN_SHIFT;
        if (table.count(in.slot) >= in.policy.macLimit() && !table.isAt(station, in.slot)) {
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
        int slot = table.find(to | (long) vid << VLAN_SHIFT, now);
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
