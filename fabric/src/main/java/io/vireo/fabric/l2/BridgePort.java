package io.vireo.fabric.l2;

import io.vireo.net.FrameBatch;
import io.vireo.net.NetPort;
import io.vireo.net.PortCounters;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * A port of a {@link Bridge}: the {@link NetPort} behind it, its VLANs, its counters, and the
 * frames of the pass under way that are to leave by it. Only the bridge's reactor touches it,
 * except {@link #counters}.
 */
final class BridgePort {
    // What is counted: positions in an array that other threads read.
    static final int RECEIVED_FRAMES = 0;
    static final int RECEIVED_BYTES = 1;
    static final int TRANSMITTED_FRAMES = 2;
    static final int TRANSMITTED_BYTES = 3;
    static final int DROPPED_NO_BUFFER = 4;
    static final int DROPPED_VLAN = 5;
    static final int DROPPED_INVALID = 6;
    static final int DROPPED_TOO_LONG = 7;
    static final int DROPPED_DOWN = 8;
    static final int FILTERED = 9;
    static final int FLOODED = 10;
    private static final int COUNTERS = 11;

    // Opaque: whole values, soon, with no order among them, at the price of a plain store.
    private static final VarHandle COUNTER = MethodHandles.arrayElementVarHandle(long[].class);

    final NetPort port;
    final int slot;

    boolean uplink;
    VlanMembership vlans;

    /** Payload bytes of a frame that may leave by the port. */
    int maxPayload;

    /** The frames that are to leave by the port. */
    final int[] index = new int[FrameBatch.CAPACITY];

    int count;

    private final long[] counters = new long[COUNTERS];

    BridgePort(NetPort port, int slot, boolean uplink, VlanMembership vlans) {
        this.port = port;
        this.slot = slot;
        this.uplink = uplink;
        this.vlans = vlans;
        this.maxPayload = port.mtu();
    }

    void count(int counter, long more) {
        COUNTER.setOpaque(counters, counter, counters[counter] + more);
    }

    private long read(int counter) {
        return (long) COUNTER.getOpaque(counters, counter);
    }

    /** Counters so far; from any thread. */
    PortCounters counters() {
        return new PortCounters(
                read(RECEIVED_FRAMES),
                read(RECEIVED_BYTES),
                read(TRANSMITTED_FRAMES),
                read(TRANSMITTED_BYTES),
                read(DROPPED_NO_BUFFER),
                read(DROPPED_VLAN),
                read(DROPPED_INVALID),
                read(DROPPED_TOO_LONG),
                read(DROPPED_DOWN),
                read(FILTERED),
                read(FLOODED));
    }
}
