package io.vireo.fabric.l2;

import java.util.Arrays;

/**
 * MAC addresses that belong to one port each, in every VLAN that it carries: static entries of the
 * filtering database (IEEE 802.1Q, 8.8.1). Open addressing; addresses are little-endian numbers, as
 * in {@link MacTable}.
 */
final class MacBindings {
    /** No port. */
    static final int NONE = -1;

    private static final long MIX = 0x9E3779B97F4A7C15L;
    private static final int INITIAL_SLOTS = 16;

    private long[] addresses = new long[INITIAL_SLOTS];
    private int[] ports = new int[INITIAL_SLOTS];
    private int size;

    /** Number of addresses. */
    int size() {
        return size;
    }

    /** Forgets all. */
    void clear() {
        Arrays.fill(addresses, 0);
        size = 0;
    }

    /** Binds an address other than 0 to a port; it is not bound yet. */
    void bind(long address, int port) {
        if (2 * (size + 1) > addresses.length) {
            grow();
        }
        put(address, port);
        size++;
    }

    /** The port of an address, or {@link #NONE}. */
    int find(long address) {
        int mask = addresses.length - 1;
        for (int slot = slot(address); addresses[slot] != 0; slot = slot + 1 & mask) {
            if (addresses[slot] == address) {
                return ports[slot];
            }
        }
        return NONE;
    }

    private void grow() {
        long[] oldAddresses = addresses;
        int[] oldPorts = ports;
        addresses = new long[oldAddresses.length * 2];
        ports = new int[oldPorts.length * 2];
        for (int i = 0; i < oldAddresses.length; i++) {
            if (oldAddresses[i] != 0) {
                put(oldAddresses[i], oldPorts[i]);
            }
        }
    }

    private void put(long address, int port) {
        int mask = addresses.length - 1;
        int slot = slot(address);
        while (addresses[slot] != 0) {
            slot = slot + 1 & mask;
        }
        addresses[slot] = address;
        ports[slot] = port;
    }

    private int slot(long address) {
        return (int) (address * MIX >>> 32) & addresses.length - 1;
    }
}
