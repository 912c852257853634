package io.vireo.fabric.l2;

import io.vireo.net.StationAddress;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntPredicate;

/**
 * Which IP address which station of which port has: what policies list for a port, and what was
 * heard in ARP and neighbor discovery. The last who claims an address has it. Only used to announce
 * stations, so what does not fit is left out.
 *
 * <p>An address belongs to a VLAN. A line is four longs in arrays; a line is found in a window of a
 * few slots, whatever an ill-meaning guest claims. Each port has a bounded number of lines, and a
 * line that was heard goes when its station does. Stations as in {@link MacTable}. Not thread safe.
 */
final class NeighborTable {
    /** Addresses of a port at most. */
    static final int PER_PORT = 128;

    /** Somebody who is not of a port that addresses are kept for. */
    static final int ELSEWHERE = -1;

    private static final int WINDOW = 8;
    private static final int INITIAL_SLOTS = 64;
    private static final int MAX_SLOTS = 1 << 16;
    private static final int VLAN_SHIFT = 48;
    private static final long MIX_HIGH = 0x9E37_79B9_7F4A_7C15L;
    private static final long MIX_LOW = 0xC2B2_AE3D_27D4_EB4FL;

    // The lower half of a place; the upper one is the port.
    private static final long USED = 1;
    private static final long V6 = 2;
    private static final long ROUTER = 4;
    private static final long LISTED = 8;
    private static final long HEARD = 16;

    private long[] high = new long[INITIAL_SLOTS];
    private long[] low = new long[INITIAL_SLOTS];
    private long[] stations = new long[INITIAL_SLOTS];
    private long[] places = new long[INITIAL_SLOTS];
    private int[] perPort = new int[16];
    private int size;
    private int sweepPosition;

    /** An address with who has it. */
    record Claim(long station, StationAddress address) {}

    /**
     * Notes that a station said that it has an address.
     *
     * @param port that it said so at; {@link #ELSEWHERE} for one that addresses are not kept for
     */
    void heard(
            int port, long station, boolean v6, long addressHigh, long addressLow, boolean router) {
        int slot = find(station >>> VLAN_SHIFT, v6, addressHigh, addressLow);
        if (slot >= 0) {
            take(slot, port, station, router);
        } else if (port != ELSEWHERE) {
            insert(
                    port,
                    station,
                    HEARD | (v6 ? V6 : 0) | (router ? ROUTER : 0),
                    addressHigh,
                    addressLow);
        }
    }

    private void take(int slot, int port, long station, boolean router) {
        long place = places[slot];
        boolean listed = (place & LISTED) != 0;
        if (port == ELSEWHERE && !listed) {
            remove(slot);
            return;
        }
        give(slot, port);
        stations[slot] = station;
        places[slot] = place(port, place & (USED | V6 | LISTED) | HEARD | (router ? ROUTER : 0));
    }

    private void give(int slot, int port) {
        if (port(slot) != port) {
            count(port(slot), -1);
            count(port, 1);
            places[slot] = place(port, (int) places[slot]);
        }
    }

    /** Whether a station is known as a router by an address. */
    boolean isRouter(long station, long addressHigh, long addressLow) {
        int slot = find(station >>> VLAN_SHIFT, true, addressHigh, addressLow);
        return slot >= 0 && stations[slot] == station && (places[slot] & ROUTER) != 0;
    }

    /** Begins to list addresses anew: none is listed, and what nobody claimed is forgotten. */
    void beginLists() {
        for (int slot = 0; slot < places.length; slot++) {
            if ((places[slot] & (LISTED | HEARD)) == LISTED) {
                remove(slot);
            } else {
                places[slot] &= ~LISTED;
            }
        }
    }

    /**
     * Notes that an address is listed for a station of a port, which is known to have it unless
     * somebody else claims it. If it is listed for another port too nobody has it until one of them
     * says so.
     */
    void list(int port, long station, boolean v6, long addressHigh, long addressLow) {
        int slot = find(station >>> VLAN_SHIFT, v6, addressHigh, addressLow);
        if (slot < 0) {
            insert(port, station, LISTED | (v6 ? V6 : 0), addressHigh, addressLow);
            return;
        }
        if ((places[slot] & (LISTED | HEARD)) == LISTED && port(slot) != port) {
            give(slot, ELSEWHERE);
        }
        places[slot] |= LISTED;
    }

    /** Ends to list: what others have is remembered for listed addresses only. */
    void endLists() {
        for (int slot = 0; slot < places.length; slot++) {
            if ((places[slot] & (USED | LISTED)) == USED && port(slot) == ELSEWHERE) {
                remove(slot);
            }
        }
    }

    private void insert(int port, long station, long flags, long addressHigh, long addressLow) {
        if (port < perPort.length && perPort[port] >= PER_PORT) {
            return;
        }
        int slot = room(station >>> VLAN_SHIFT, addressHigh, addressLow);
        while (slot < 0 && places.length < MAX_SLOTS) {
            grow();
            slot = room(station >>> VLAN_SHIFT, addressHigh, addressLow);
        }
        if (slot >= 0) {
            set(slot, station, place(port, flags | USED), addressHigh, addressLow);
            count(port, 1);
            size++;
        }
    }

    private void set(int slot, long station, long place, long addressHigh, long addressLow) {
        high[slot] = addressHigh;
        low[slot] = addressLow;
        stations[slot] = station;
        places[slot] = place;
    }

    /** Forgets the addresses of a port, listed ones included. */
    void forget(int port) {
        for (int slot = 0; slot < places.length; slot++) {
            if ((places[slot] & USED) != 0 && port(slot) == port) {
                remove(slot);
            }
        }
    }

    /** Forgets the addresses of stations that are gone, in the next slots, round and round. */
    void sweep(int slots, MacTable table) {
        for (int left = Math.min(slots, places.length); left > 0; left--) {
            sweepPosition &= places.length - 1;
            long place = places[sweepPosition];
            if ((place & (USED | LISTED)) == USED
                    && !table.isAt(stations[sweepPosition], port(sweepPosition))) {
                remove(sweepPosition);
            }
            sweepPosition++;
        }
    }

    /**
     * The addresses at ports that {@code ports} accepts, of stations that are there now.
     *
     * @param now in seconds, as in {@link MacTable}
     */
    List<Claim> claims(IntPredicate ports, MacTable table, int now) {
        var claims = new ArrayList<Claim>();
        for (int slot = 0; slot < places.length; slot++) {
            long place = places[slot];
            int port = port(slot);
            if ((place & USED) == 0 || port == ELSEWHERE || !ports.test(port)) {
                continue;
            }
            int at = table.find(stations[slot], now);
            if (at == port || (at == MacTable.NONE && (place & LISTED) != 0)) {
                claims.add(
                        new Claim(
                                stations[slot],
                                new StationAddress(
                                        (place & V6) != 0,
                                        high[slot],
                                        low[slot],
                                        (place & ROUTER) != 0)));
            }
        }
        return claims;
    }

    /** Number of addresses. */
    int size() {
        return size;
    }

    private void remove(int slot) {
        count(port(slot), -1);
        places[slot] = 0;
        size--;
    }

    private void count(int port, int more) {
        if (port == ELSEWHERE) {
            return;
        }
        if (port >= perPort.length) {
            perPort = Arrays.copyOf(perPort, Math.max(port + 1, perPort.length * 2));
        }
        perPort[port] += more;
    }

    private int find(long vlan, boolean v6, long addressHigh, long addressLow) {
        int home = home(vlan, addressHigh, addressLow);
        for (int i = 0; i < WINDOW; i++) {
            int slot = home + i & places.length - 1;
            long place = places[slot];
            if ((place & USED) != 0
                    && low[slot] == addressLow
                    && high[slot] == addressHigh
                    && stations[slot] >>> VLAN_SHIFT == vlan
                    && (place & V6) != 0 == v6) {
                return slot;
            }
        }
        return -1;
    }

    /** A slot for an address that has none, or -1. */
    private int room(long vlan, long addressHigh, long addressLow) {
        int home = home(vlan, addressHigh, addressLow);
        for (int i = 0; i < WINDOW; i++) {
            int slot = home + i & places.length - 1;
            if ((places[slot] & USED) == 0) {
                return slot;
            }
        }
        return -1;
    }

    private int home(long vlan, long addressHigh, long addressLow) {
        long mixed = (addressLow ^ vlan << VLAN_SHIFT) * MIX_HIGH ^ addressHigh * MIX_LOW;
        mixed ^= mixed >>> 32;
        return (int) (mixed * MIX_HIGH >>> 40) & places.length - 1;
    }

    private void grow() {
        var oldHigh = high;
        var oldLow = low;
        var oldStations = stations;
        var oldPlaces = places;
        int slots = places.length * 2;
        high = new long[slots];
        low = new long[slots];
        stations = new long[slots];
        places = new long[slots];
        for (int i = 0; i < oldPlaces.length; i++) {
            if ((oldPlaces[i] & USED) == 0) {
                continue;
            }
            int slot = room(oldStations[i] >>> VLAN_SHIFT, oldHigh[i], oldLow[i]);
            if (slot >= 0) {
                set(slot, oldStations[i], oldPlaces[i], oldHigh[i], oldLow[i]);
            } else {
                count((int) (oldPlaces[i] >> 32), -1);
                size--;
            }
        }
    }

    private int port(int slot) {
        return (int) (places[slot] >> 32);
    }

    private static long place(int port, long flags) {
        return (long) port << 32 | flags;
    }
}
