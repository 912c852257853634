package io.vireo.fabric.l2.multicast;

import io.vireo.fabric.l2.packet.SecretHash;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Which ports belong to which group, by the numbers that frames show: a MAC address in a VLAN, any
 * number but 0. Several groups of IP may have one such number: of these, and of the sources that
 * are wanted of them, each port has records ({@link SourceRecords}), and it belongs to the group
 * for as long as one of them is in force.
 *
 * <p>Ports are small numbers; times are in seconds, of any epoch. Finding allocates nothing. Not
 * thread safe.
 */
public final class GroupTable {
    /** Most groups of a table. */
    public static final int MAX_GROUPS = 8192;

    /** All sources of a group. */
    public static final long ANY = 0;

    private static final int INITIAL = 64;

    /** A group and its ports. */
    public static final class Group {
        private static final long NONE = Long.MIN_VALUE;

        private final long key;
        private long[] until = {};
        private @Nullable SourceRecords[] records = {};
        private int members;

        private Group(long key) {
            this.key = key;
        }

        /** Whether a port belongs to it now. */
        public boolean has(int port, int now) {
            return port < until.length && until[port] > now;
        }

        private @Nullable SourceRecords recordsOf(int port) {
            return port < records.length ? records[port] : null;
        }

        /** Whether any port belongs to it now. */
        public boolean hasAny(int now) {
            for (long each : until) {
                if (each > now) {
                    return true;
                }
            }
            return false;
        }
    }

    private @Nullable Group[] slots = new @Nullable Group[INITIAL];
    private int[] perPort = {};
    private int groupLimit;
    private int size;
    private int memberships;
    private int lastSweep = Integer.MIN_VALUE;

    /**
     * An empty table.
     *
     * @param groupLimit groups that a port may belong to
     */
    public GroupTable(int groupLimit) {
        this.groupLimit = groupLimit;
    }

    /** Changes how many groups a port may belong to; those that it belongs to stay. */
    public void limit(int newGroupLimit) {
        groupLimit = newGroupLimit;
    }

    /** Groups, those that nobody belongs to any more and that were not swept yet included. */
    public int size() {
        return size;
    }

    /** Sum of the ports of all groups, old ones not yet swept included. */
    public int memberships() {
        return memberships;
    }

    /** Returns a group, or null. */
    public @Nullable Group find(long key) {
        return slots[slot(slots, key)];
    }

    /**
     * Lets a port belong to a group until a time, or longer if it does so already.
     *
     * @return false if it may not: there are too many
     */
    public boolean join(long key, int port, int until, int now) {
        return join(key, port, key, ANY, until, now);
    }

    /**
     * The same because of a group of IP, and a source of it.
     *
     * @param group any number
     * @param source any number but 0; {@link #ANY}: all
     */
    public boolean join(long key, int port, long group, long source, int until, int now) {
        var joined = find(key);
        if (joined == null || joined.recordsOf(port) == null) {
            if (port < perPort.length && perPort[port] >= groupLimit) {
                return false;
            }
            if (joined == null) {
                if (size >= MAX_GROUPS && !makeRoom(now)) {
                    return false;
                }
                joined = insert(key);
            }
            add(joined, port);
        }
        var records = joined.recordsOf(port);
        if (records != null) {
            records.extend(group, source, until, now);
            joined.until[port] = records.until();
        }
        return true;
    }

    private boolean makeRoom(int now) {
        // Not for each of many: who is refused asks again.
        if (now != lastSweep) {
            sweep(now);
        }
        return size < MAX_GROUPS;
    }

    private void add(Group group, int port) {
        if (port >= group.until.length) {
            int before = group.until.length;
            int length = Math.max(port + 1, before + 4);
            group.until = Arrays.copyOf(group.until, length);
            Arrays.fill(group.until, before, length, Group.NONE);
            group.records = Arrays.copyOf(group.records, length);
        }
        if (port >= perPort.length) {
            perPort = Arrays.copyOf(perPort, Math.max(port + 1, perPort.length * 2));
        }
        group.records[port] = new SourceRecords();
        group.members++;
        perPort[port]++;
        memberships++;
    }

    private Group insert(long key) {
        if (2 * (size + 1) > slots.length) {
            rebuild(slots.length * 2);
        }
        var group = new Group(key);
        slots[slot(slots, key)] = group;
        size++;
        return group;
    }

    /** Whether a port wants anything of a group of IP, or one source of it. */
    public boolean wants(long key, int port, long group, long source, int now) {
        var found = find(key);
        var records = found == null ? null : found.recordsOf(port);
        return records != null && records.has(group, source, now);
    }

    /**
     * Lets a port belong to a group no longer than until a time, unless it asks again or does so
     * for more.
     *
     * @param group of IP
     * @param source the one that it wants no more; {@link #ANY}: nothing of the group
     * @param until {@code now}: it is left at once
     */
    public void shorten(long key, int port, long group, long source, int until, int now) {
        var found = find(key);
        if (found != null) {
            shorten(found, port, group, source, until);
            if (port < found.until.length && found.until[port] <= now) {
                remove(found, port);
            }
        }
    }

    /** The same for all ports. */
    public void shorten(long key, long group, long source, int until) {
        var found = find(key);
        if (found != null) {
            for (int port = 0; port < found.until.length; port++) {
                shorten(found, port, group, source, until);
            }
        }
    }

    private static void shorten(Group found, int port, long group, long source, int until) {
        var records = found.recordsOf(port);
        if (records != null) {
            records.shorten(group, source, until);
            found.until[port] = records.until();
        }
    }

    private void remove(Group group, int port) {
        if (group.recordsOf(port) != null) {
            group.until[port] = Group.NONE;
            group.records[port] = null;
            group.members--;
            perPort[port]--;
            memberships--;
        }
    }

    /** Forgets a port. */
    public void forget(int port) {
        for (var group : slots) {
            if (group != null) {
                remove(group, port);
            }
        }
    }

    /** Forgets what is too old. */
    public void sweep(int now) {
        lastSweep = now;
        for (var group : slots) {
            if (group != null) {
                for (int port = 0; port < group.until.length; port++) {
                    if (group.until[port] <= now) {
                        remove(group, port);
                    }
                }
            }
        }
        rebuild(slots.length);
    }

    /** Leaves out groups that nobody belongs to. */
    private void rebuild(int length) {
        var old = slots;
        slots = new @Nullable Group[length];
        size = 0;
        for (var group : old) {
            if (group != null && group.members > 0) {
                slots[slot(slots, group.key)] = group;
                size++;
            }
        }
    }

    /** Where a group is, or is to be. */
    private static int slot(@Nullable Group[] slots, long key) {
        int mask = slots.length - 1;
        int slot = (int) (SecretHash.of(key) >>> Long.numberOfLeadingZeros(mask));
        for (var found = slots[slot]; found != null && found.key != key; found = slots[slot]) {
            slot = slot + 1 & mask;
        }
        return slot;
    }
}
