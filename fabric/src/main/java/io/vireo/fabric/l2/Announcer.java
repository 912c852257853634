package io.vireo.fabric.l2;

import io.vireo.memory.NativeMemory;
import io.vireo.net.FrameBatch;
import io.vireo.net.PortState;

/**
 * Tells what is behind a port where stations are: a broadcast in the name of each, as a Reverse ARP
 * request (RFC 903), which no host answers and every switch learns from. One port, one reactor.
 */
final class Announcer {
    private static final int TYPE = 12;
    private static final int TAG = 4;
    private static final int RARP = 0x3580; // 0x8035, written little-endian
    private static final int LENGTH = 60;
    private static final long MAC_MASK = 0xFFFF_FFFF_FFFFL;

    // Ethernet, IPv4, lengths 6 and 4, reverse request: hardware type to operation of RFC 903,
    // little-endian.
    private static final long REQUEST = 0x0300_0406_0008_0100L;

    private final BridgePort port;
    private final FrameBatch batch = new FrameBatch();
    private final int[] index = new int[FrameBatch.CAPACITY];

    private long[] stations = {};
    private int next;

    Announcer(BridgePort port) {
        this.port = port;
    }

    /** Starts anew with these stations, as in {@link MacTable}. */
    void begin(long[] newStations) {
        stations = newStations;
        next = 0;
    }

    /** Announces up to {@link FrameBatch#CAPACITY} stations; returns whether some are left. */
    boolean announce() {
        batch.clear();
        while (next < stations.length && batch.count < FrameBatch.CAPACITY) {
            add(stations[next++]);
        }
        int count = batch.count;
        if (count > 0 && port.port.state() == PortState.UP) {
            batch.sentBytes = 0;
            int sent = port.port.transmit(batch, index, count);
            port.port.flush();
            port.count(BridgePort.TRANSMITTED_FRAMES, sent);
            port.count(BridgePort.TRANSMITTED_BYTES, batch.sentBytes);
        }
        return next < stations.length;
    }

    private void add(long station) {
        int vlan = (int) (station >>> 48);
        boolean tagged = vlan != port.vlans.untagged();
        if (tagged && !port.vlans.carriesTagged(vlan)) {
            return;
        }
        int i = batch.count++;
        index[i] = i;
        long frame = batch.header(i);
        for (int at = 0; at < LENGTH + TAG; at += Long.BYTES) {
            NativeMemory.putLong(frame + at, 0);
        }
        long mac = station & MAC_MASK;
        NativeMemory.putLong(frame, MAC_MASK | mac << 48);
        NativeMemory.putInt(frame + Long.BYTES, (int) (mac >>> 16));
        NativeMemory.putShort(frame + TYPE, (short) RARP);
        long body = frame + TYPE + Short.BYTES;
        NativeMemory.putLong(body, REQUEST);
        NativeMemory.putLong(body + 8, mac);
        NativeMemory.putLong(body + 18, mac);
        batch.length[i] = LENGTH;
        batch.headerLength[i] = LENGTH;
        batch.offload[i] = 0;
        batch.checksumOffset[i] = 0;
        batch.rangeCount[i] = 0;
        batch.vlanAction[i] = tagged ? FrameBatch.VLAN_PUSH : FrameBatch.VLAN_KEEP;
        batch.vlanTci[i] = (short) vlan;
    }

    void close() {
        batch.close();
    }
}
