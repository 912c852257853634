package io.vireo.fabric.l2;

import io.vireo.fabric.l2.packet.SecretHash;
import java.util.Arrays;
import java.util.function.IntPredicate;

/**
 * The filtering database (IEEE 802.1Q, 8.8): which port a station of a VLAN was last seen at. Open
 * addressing with linear probing on an array of longs; grows up to its limit.
 *
 * <p>A station is a long: VLAN identifier in the highest 16 bits, MAC address below, as a
 * little-endian number (its first octet lowest). Ports are small numbers. Times are in seconds, of
 * any epoch. When the table is full, a port pushes out the oldest of a few stations that lie near,
 * of a port that has more than itself, or of its own: who floods the table with addresses hurts
 * himself first. Not thread safe.
 */
final class MacTable {
    /** No port. */
    static final int NONE = -1;

    private static final int INITIAL_SLOTS = 64;
    private static final long EMPTY = 0;
    private static final int EVICTION_WINDOW = 16;

    /** Longs of a table of 256 KiB. */
    private static final int LARGE = 1 << 15;

    /**
     * Two numbers a slot, side by side so that they share a cache line: the station (0: empty,
     * which is no station's address), and {@code port << 32 | time last seen}.
     */
    private long[] entries = new long[2 * INITIAL_SLOTS];

    private int shift = Long.SIZE - Integer.numberOfTrailingZeros(INITIAL_SLOTS);
    private int[] perPort = new int[16];
    private int size;
    private int limit;
    private int maxAge;
    private int sweepPosition;

    // In a second nothing becomes too old after all was looked at: nobody has it done again.
    private int swept = Integer.MIN_VALUE;
    private long learned;
    private long moved;
    private long evicted;
    private long refused;

    /**
     * An empty table.
     *
     * @param limit stations at most
     * @param maxAge seconds after which a station that sent nothing is forgotten
     */
    MacTable(int limit, int maxAge) {
        this.limit = limit;
        this.maxAge = maxAge;
    }

    /** Changes the limits; a table that is larger than allowed shrinks by ageing. */
    void limits(int stationLimit, int ageLimit) {
        limit = stationLimit;
        maxAge = ageLimit;
        swept = Integer.MIN_VALUE;
    }

    /** Whether it is so large that the core's own cache has little of it. */
    boolean isLarge() {
        return entries.length > LARGE;
    }

    /** Reads where the search for a station begins, so that its line is near when it does. */
    long touch(long station) {
        return entries[2 * slot(station)];
    }

    /** Returns the port of a station, or {@link #NONE}. */
    int find(long station, int now) {
        int slot = search(station);
        return slot == NONE || now - seen(slot) > maxAge ? NONE : port(slot);
    }

    /**
     * Notes that a station sent something at a port.
     *
     * @return whether any answer of {@link #find} may be another one now
     */
    boolean learn(long station, int port, int now) {
        int slot = search(station);
        return slot == NONE ? insert(station, port, now) : refresh(slot, port, now);
    }

    /** Number of stations at a port, old ones not yet swept included. */
    int count(int port) {
        return port < perPort.length ? perPort[port] : 0;
    }

    /** Whether a station is known at a port, however old. */
    boolean isAt(long station, int port) {
        int slot = search(station);
        return slot != NONE && port(slot) == port;
    }

    /** The slot of a station, or {@link #NONE}. */
    private int search(long station) {
        int slot = slot(station);
        while (station(slot) != EMPTY) {
            if (station(slot) == station) {
                return slot;
            }
            slot = next(slot);
        }
        return NONE;
    }

    private boolean refresh(int slot, int port, int now) {
        long place = place(port, now);
        long before = entries[2 * slot + 1];
        if (before == place) {
            return false;
        }
        entries[2 * slot + 1] = place;
        int from = (int) (before >>> 32);
        if (from != port) {
            perPort[from]--;
            countUp(port);
            moved++;
            return true;
        }
        return now - (int) before > maxAge;
    }

    /** Whether a port may have one more station than {@code most}; those too old do not count. */
    boolean hasRoom(int port, int most, int now) {
        if (count(port) >= most) {
            forgetOld(now);
        }
        return count(port) < most;
    }

    /** Forgets all that is too old, once a second at most. */
    private void forgetOld(int now) {
        if (now != swept) {
            swept = now;
            sweep(slots(), now);
        }
    }

    private boolean insert(long station, int port, int now) {
        if (size >= limit) {
            forgetOld(now);
        }
        if (size >= limit && !evict(station, port, now)) {
            refused++;
            return false;
        }
        if (isCrowded(size + 1)) {
            grow();
        }
        put(station, place(port, now));
        countUp(port);
        size++;
        learned++;
        return true;
    }

    /**
     * Whether so many stations are too many for the slots. Four fifths are not: one that is known
     * is found in three slots on average, which mostly share a line, and a large table is worth as
     * much as the core's own cache holds of it.
     */
    private boolean isCrowded(int stations) {
        return 5L * stations > 4L * slots();
    }

    private boolean evict(long station, int port, int now) {
        countUp(port);
        perPort[port]--;
        int victim = -1;
        int oldest = -1;
        int slot = slot(station);
        for (int i = 0; i < EVICTION_WINDOW; i++, slot = next(slot)) {
            int age = now - seen(slot);
            if (station(slot) != EMPTY && age > oldest && mayEvict(slot, port, age)) {
                victim = slot;
                oldest = age;
            }
        }
        if (victim < 0) {
            return false;
        }
        remove(victim);
        evicted++;
        return true;
    }

    private boolean mayEvict(int slot, int port, int age) {
        int owner = port(slot);
        return owner == port || age > maxAge || perPort[owner] > perPort[port] + 1;
    }

    /** Forgets the stations of a port. */
    void forget(int port) {
        if (port >= perPort.length || perPort[port] == 0) {
            return;
        }
        for (int slot = 0; slot < slots(); slot++) {
            // What takes the place of a removed one is looked at too.
            while (station(slot) != EMPTY && port(slot) == port) {
                remove(slot);
            }
        }
    }

    /**
     * Forgets what is too old in the next {@code slots} slots; called again and again it goes
     * round.
     */
    void sweep(int slots, int now) {
        int left = Math.min(slots, slots());
        for (; left > 0; left--) {
            sweepPosition &= slots() - 1;
            while (station(sweepPosition) != EMPTY && now - seen(sweepPosition) > maxAge) {
                remove(sweepPosition);
            }
            sweepPosition++;
        }
    }

    /** The stations at ports that {@code ports} accepts; a copy. */
    long[] stations(IntPredicate ports) {
        long[] found = new long[size];
        int count = 0;
        for (int slot = 0; slot < slots(); slot++) {
            if (station(slot) != EMPTY && ports.test(port(slot))) {
                found[count++] = station(slot);
            }
        }
        return Arrays.copyOf(found, count);
    }

    /** Slots of the table. */
    int slots() {
        return entries.length / 2;
    }

    /** Number of stations, old ones not yet swept included. */
    int size() {
        return size;
    }

    /** Stations that were entered. */
    long learned() {
        return learned;
    }

    /** Stations that changed their port. */
    long moved() {
        return moved;
    }

    /** Stations that were pushed out of the full table. */
    long evicted() {
        return evicted;
    }

    /** Stations that were not entered because the table was full. */
    long refused() {
        return refused;
    }

    private void remove(int at) {
        perPort[port(at)]--;
        size--;
        int hole = at;
        int slot = next(hole);
        // Moves back whatever could not be found any more across the hole.
        while (station(slot) != EMPTY) {
            int home = slot(station(slot));
            if (((slot - home) & mask()) >= ((slot - hole) & mask())) {
                entries[2 * hole] = entries[2 * slot];
                entries[2 * hole + 1] = entries[2 * slot + 1];
                hole = slot;
            }
            slot = next(slot);
        }
        entries[2 * hole] = EMPTY;
    }

    private void grow() {
        long[] old = entries;
        entries = new long[old.length * 2];
        shift--;
        for (int i = 0; i < old.length; i += 2) {
            if (old[i] != EMPTY) {
                put(old[i], old[i + 1]);
            }
        }
    }

    private void put(long station, long place) {
        int slot = slot(station);
        while (station(slot) != EMPTY) {
            slot = next(slot);
        }
        entries[2 * slot] = station;
        entries[2 * slot + 1] = place;
    }

    private void countUp(int port) {
        if (port >= perPort.length) {
            perPort = Arrays.copyOf(perPort, Math.max(port + 1, perPort.length * 2));
        }
        perPort[port]++;
    }

    private int port(int slot) {
        return (int) (entries[2 * slot + 1] >>> 32);
    }

    private long station(int slot) {
        return entries[2 * slot];
    }

    /** Seconds; when the station was last seen. */
    private int seen(int slot) {
        return (int) entries[2 * slot + 1];
    }

    private static long place(int port, int now) {
        return (long) port << 32 | Integer.toUnsignedLong(now);
    }

    private int slot(long station) {
        return (int) (SecretHash.of(station) >>> shift);
    }

    /** Slots that are looked at to find the station that is hardest to find. */
    int longestSearch() {
        int longest = 0;
        for (int slot = 0; slot < slots(); slot++) {
            if (station(slot) != EMPTY) {
                longest = Math.max(longest, (slot - slot(station(slot)) & mask()) + 1);
            }
        }
        return longest;
    }

    private int next(int slot) {
        return slot + 1 & mask();
    }

    private int mask() {
        return slots() - 1;
    }
}
