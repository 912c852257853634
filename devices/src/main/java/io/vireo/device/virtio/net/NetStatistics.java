package io.vireo.device.virtio.net;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/** What a device counts besides its network: written by its reactor, read by any thread. */
final class NetStatistics {
    /** Frames of the guest that broke a rule. */
    static final int TX_INVALID = 0;

    /** Frames to the guest for which there was no receive buffer. */
    static final int RX_NO_BUFFER = 1;

    /** Frames to the guest that were larger than its buffers. */
    static final int RX_BUFFER_TOO_SMALL = 2;

    /** Receive buffers that had no room for any frame: given back empty. */
    static final int RX_RUNT_BUFFER = 3;

    /** Frames to the guest that could not be put into the form that it takes. */
    static final int RX_NOT_CONVERTIBLE = 4;

    /** Frames to the guest whose checksum or segmentation was done here. */
    static final int RX_CONVERTED = 5;

    /** Frames of the guest in a queue that its front end disabled. */
    static final int TX_DISABLED = 6;

    /** Frames to the guest that its driver's filter kept out. */
    static final int RX_FILTERED = 7;

    /** Commands of the driver that the card refused. */
    static final int CONTROL_REFUSED = 8;

    private static final int COUNTERS = 9;

    // Opaque: whole values, soon, with no order among them, at the price of a plain store.
    private static final VarHandle COUNTER = MethodHandles.arrayElementVarHandle(long[].class);

    private final long[] counters = new long[COUNTERS];

    void add(int counter, long more) {
        COUNTER.setOpaque(counters, counter, counters[counter] + more);
    }

    long get(int counter) {
        return (long) COUNTER.getOpaque(counters, counter);
    }
}
