package io.vireo.fabric.l2.multicast;

import io.vireo.fabric.l2.packet.SecretHash;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Which ports belong to which group. A group is any number but 0; ports are small numbers; times
 * are in seconds, of any epoch. Finding allocates nothing. Not thread safe.
 */
public final class GroupTable {
    /** Most groups of a table. */
    public static final int MAX_GROUPS = 8192;

    private static final int INITIAL = 64;

    /** A group and its ports. */
    public static final class Group {
        private static final long NONE = Long.MIN_VALUE;

        private final long key;
        private long[] until = {};
        private int members;

        private Group(long key) {
            this.key = key;
        }

        /** Whether a port belongs to it now. */
        public boolean has(int port, int now) {
            return port < until.length && until[port] > now;
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
        var group = find(key);
        if (group != null && port < group.until.length && group.until[port] != Group.NONE) {
            group.until[port] = Math.max(group.until[port], until);
            return true;
        }
        if (port < perPort.length && perPort[port] >= groupLimit) {
            return false;
        }
        if (group == null) {
            if (size >= MAX_GROUPS && !makeRoom(now)) {
                return false;
            }
            group = insert(key);
        }
        add(group, port, until);
        return true;
    }

    private boolean makeRoom(int now) {
        // Not for each of many: who is refused asks again.
        if (now != lastSweep) {
            sweep(now);
        }
        return size < MAX_GROUPS;
    }

    private void add(Group group, int port, int until) {
        if (port >= group.until.length) {
            int before = group.until.length;
            group.until = Arrays.copyOf(group.until, Math.max(port + 1, before + 4));
            Arrays.fill(group.until, before, group.until.length, Group.NONE);
        }
        if (port >= perPort.length) {
            perPort = Arrays.copyOf(perPort, Math.max(port + 1, perPort.length * 2));
        }
        group.until[port] = until;
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

    /** Ends that a port belongs to a group. */
    public void leave(long key, int port) {
        var group = find(key);
        if (group != null) {
            remove(group, port);
        }
    }

    private void remove(Group group, int port) {
        if (port < group.until.length && group.until[port] != Group.NONE) {
            group.until[port] = Group.NONE;
            group.members--;
            perPort[port]--;
            memberships--;
        }
    }

    /** Lets no port belong to a group longer than until a time, unless it asks again. */
    public void shorten(long key, int until) {
        var group = find(key);
        if (group != null) {
            for (int port = 0; port < group.until.length; port++) {
                group.until[port] = Math.min(group.until[port], until);
            }
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
