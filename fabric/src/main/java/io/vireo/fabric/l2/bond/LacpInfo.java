package io.vireo.fabric.l2.bond;

/** What one side says of a port (IEEE 802.1AX, 6.4.2.3). Reused; fields are plain numbers. */
final class LacpInfo {
    static final int ACTIVITY = 1;
    static final int SHORT_TIMEOUT = 2;
    static final int AGGREGATION = 4;
    static final int SYNCHRONIZATION = 8;
    static final int COLLECTING = 16;
    static final int DISTRIBUTING = 32;
    static final int DEFAULTED = 64;
    static final int EXPIRED = 128;

    int systemPriority;

    /** MAC address, octets little-endian. */
    long system;

    int key;
    int portPriority;
    int port;
    int state;

    boolean has(int bits) {
        return (state & bits) == bits;
    }

    void set(int bits, boolean on) {
        state = on ? state | bits : state & ~bits;
    }

    void copy(LacpInfo other) {
        systemPriority = other.systemPriority;
        system = other.system;
        key = other.key;
        portPriority = other.portPriority;
        port = other.port;
        state = other.state;
    }

    /** Whether both tell of one port, and agree on {@code bits} of its state. */
    boolean matches(LacpInfo other, int bits) {
        return sameAggregate(other)
                && portPriority == other.portPriority
                && port == other.port
                && ((state ^ other.state) & bits) == 0;
    }

    /** Whether ports of these may be joined (IEEE 802.1AX, 6.3.6: system and key). */
    boolean sameAggregate(LacpInfo other) {
        return systemPriority == other.systemPriority && system == other.system && key == other.key;
    }
}
