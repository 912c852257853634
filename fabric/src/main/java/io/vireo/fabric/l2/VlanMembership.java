package io.vireo.fabric.l2;

import io.vireo.net.PortSpec;
import io.vireo.resource.VlanSet;

/**
 * Which VLANs a port carries, and how (IEEE 802.1Q, 6.9 and 8.8). VLAN 0 stands for frames without
 * VLAN.
 *
 * @param untagged VLAN of untagged frames, in and out; {@link #NONE}: untagged frames are not
 *     carried
 * @param tagged a bit for each VLAN that is carried with its tag
 */
record VlanMembership(int untagged, long[] tagged) {
    /** No VLAN. */
    static final int NONE = -1;

    private static final int VLANS = 4096;

    /** Carries nothing. */
    static final VlanMembership NO_VLAN = new VlanMembership(NONE, new long[VLANS / Long.SIZE]);

    private static final int FIRST = 1;
    private static final int LAST = 4094;

    /**
     * Derives the VLANs of a port.
     *
     * @param allowed VLANs that may cross the network; empty: all
     * @throws IllegalArgumentException if the spec names one that may not
     */
    static VlanMembership of(PortSpec spec, VlanSet allowed) {
        long[] tagged = new long[VLANS / Long.SIZE];
        if (spec.accessVlan().isPresent()) {
            return new VlanMembership(check(spec.accessVlan().getAsInt(), allowed), tagged);
        }
        if (!spec.trunk().isEmpty()) {
            spec.trunk().forEach(vlan -> set(tagged, check(vlan, allowed)));
        } else if (!allowed.isEmpty()) {
            allowed.forEach(vlan -> set(tagged, vlan));
        } else {
            for (int vlan = FIRST; vlan <= LAST; vlan++) {
                set(tagged, vlan);
            }
        }
        int untagged = spec.nativeVlan().orElse(NONE);
        return new VlanMembership(untagged == NONE ? NONE : check(untagged, allowed), tagged);
    }

    /** Whether frames of a VLAN leave by the port, 0 to 4095. */
    boolean carries(int vlan) {
        return vlan == untagged || carriesTagged(vlan);
    }

    /** Whether frames with the tag of a VLAN come in by the port, 0 to 4095. */
    boolean carriesTagged(int vlan) {
        return (tagged[vlan >> 6] >>> vlan & 1) != 0;
    }

    /** The VLANs that it carries, a bit each. */
    long[] carried() {
        long[] carried = tagged.clone();
        if (untagged != NONE) {
            set(carried, untagged);
        }
        return carried;
    }

    /** The VLANs that ports with stations of this host carry, a bit each. */
    static long[] inhabited(BridgePort... ports) {
        var inhabited = new long[VLANS / Long.SIZE];
        for (var port : ports) {
            if (!port.isUplink()) {
                long[] carried = port.vlans.carried();
                for (int i = 0; i < inhabited.length; i++) {
                    inhabited[i] |= carried[i];
                }
            }
        }
        return inhabited;
    }

    private static void set(long[] vlans, int vlan) {
        vlans[vlan >> 6] |= 1L << vlan;
    }

    private static int check(int vlan, VlanSet allowed) {
        if (vlan < 0 || vlan > LAST) {
            throw new IllegalArgumentException("VLAN " + vlan + " is not in 1 to " + LAST);
        }
        if (vlan != 0 && !allowed.isEmpty() && !allowed.contains(vlan)) {
            throw new IllegalArgumentException(
                    "VLAN "
                            + vlan
                            + " may not cross the network: add it to allowedVlans of the network or"
                            + " choose another");
        }
        return vlan;
    }
}
