package io.vireo.fabric.l2;

import io.vireo.net.Announcement;
import io.vireo.net.FrameBatch;
import io.vireo.net.PortState;
import java.util.List;

/**
 * Tells what is behind a port where stations are, in the name of each ({@link Announcement}): first
 * all stations for the switches, then their IP addresses for the hosts. One port, one reactor.
 */
final class Announcer {
    private static final long MAC_MASK = 0xFFFF_FFFF_FFFFL;
    private static final int VLAN_SHIFT = 48;

    private final BridgePort port;
    private final FrameBatch batch = new FrameBatch();
    private final int[] index = new int[FrameBatch.CAPACITY];

    private long[] stations = {};
    private List<NeighborTable.Claim> claims = List.of();
    private int next;

    Announcer(BridgePort port) {
        this.port = port;
    }

    /** Starts anew with these stations, as in {@link MacTable}, and these addresses. */
    void begin(long[] newStations, List<NeighborTable.Claim> newClaims) {
        stations = newStations;
        claims = newClaims;
        next = 0;
    }

    /** Sends up to {@link FrameBatch#CAPACITY} announcements; returns whether some are left. */
    boolean announce() {
        int all = stations.length + claims.size();
        batch.clear();
        while (next < all && batch.count < FrameBatch.CAPACITY) {
            add(next++);
        }
        int count = batch.count;
        if (count > 0 && port.port.state() == PortState.UP) {
            batch.sentBytes = 0;
            int sent = port.port.transmit(batch, index, count);
            port.port.flush();
            port.count(BridgePort.TRANSMITTED_FRAMES, sent);
            port.count(BridgePort.TRANSMITTED_BYTES, batch.sentBytes);
        }
        return next < all;
    }

    private void add(int number) {
        int claim = number - stations.length;
        long station = claim < 0 ? stations[number] : claims.get(claim).station();
        int vlan = (int) (station >>> VLAN_SHIFT);
        boolean tagged = vlan != port.vlans.untagged();
        if (tagged && !port.vlans.carriesTagged(vlan)) {
            return;
        }
        int i = batch.count++;
        index[i] = i;
        long mac = PortRules.address(station & MAC_MASK).bits();
        if (claim < 0) {
            Announcement.reverseArp(batch, i, mac);
        } else {
            Announcement.address(batch, i, mac, claims.get(claim).address());
        }
        batch.vlanAction[i] = tagged ? FrameBatch.VLAN_PUSH : FrameBatch.VLAN_KEEP;
        batch.vlanTci[i] = (short) vlan;
    }

    void close() {
        batch.close();
    }
}
