package io.vireo.fabric.l2;

import io.vireo.fabric.l2.multicast.GroupMessages;
import io.vireo.fabric.l2.multicast.GroupTable;
import io.vireo.fabric.l2.multicast.Querier;
import io.vireo.fabric.l2.packet.Headers;
import io.vireo.net.FrameBatch;
import io.vireo.net.Offload;
import io.vireo.resource.spec.MulticastQuerierSpec;
import io.vireo.resource.spec.MulticastSnoopingSpec;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/**
 * IGMP and MLD snooping of a bridge (RFC 4541): who wants which group, where multicast routers are,
 * and to which ports a multicast goes. Groups are told apart by MAC address and VLAN. Only the
 * bridge's reactor touches it, except {@link #counted}.
 */
final class Snooping {
    // Positions in an array that other threads read.
    static final int GROUPS = 0;
    static final int MEMBERSHIPS = 1;
    static final int QUERIERS = 2;
    static final int REPORTS = 3;
    static final int QUERIES = 4;
    static final int INVALID = 5;
    static final int REFUSED = 6;
    static final int QUERIES_SENT = 7;
    static final int ASKING = 8;
    static final int PASSED_OVER = 9;
    private static final int COUNTERS = 10;

    // Opaque: whole values, soon, at the price of a plain store.
    private static final VarHandle COUNTER = MethodHandles.arrayElementVarHandle(long[].class);

    /** Other Querier Present Interval (RFC 3376, 8.5). */
    private static final int QUERIER_SECONDS = 255;

    /** Default Hello_Holdtime (RFC 7761, 4.11). */
    private static final int PIM_SECONDS = 105;

    private static final int PIM = 103;
    private static final int PIM_TYPE = 0xF;
    private static final int PIM_HELLO = 0;

    /** Longest message that is read: a frame of the largest MTU. */
    private static final int MESSAGE_MAX = 9216 + Classifier.TAGGED_HEADER;

    private static final int VLAN_SHIFT = 48;

    /** In place of a group, of which the lowest bit is set: the routers of a family. */
    private static final long ROUTERS_4 = 4;

    private static final long ROUTERS_6 = 6;

    // Octets little-endian. Groups of these are never limited (RFC 4541, 2.1.2 and 3): 224.0.0.x,
    // ff02::x, and those of neighbor discovery.
    private static final long OUI = 0xFF_FFFFL;
    private static final long IPV4 = 0x5E_0001L;
    private static final long IPV6_MASK = 0xFFFFL;
    private static final long IPV6 = 0x3333L;
    private static final long LOCAL_MASK = 0xFF_FFFF_FFFFL;
    private static final long SOLICITED_NODE = 0xFF_3333L;

    private final long[] counters = new long[COUNTERS];
    private final byte[] message = new byte[MESSAGE_MAX];
    private final GroupTable groups;
    private final GroupTable routers = new GroupTable(Integer.MAX_VALUE);
    private final GroupMessages messages = new GroupMessages(new Told());
    private final Headers headers;
    private MulticastSnoopingSpec spec;
    private @Nullable Querier querier;

    // The message that is being read.
    private int slot;
    private int now;
    private long vlan;
    private long family;

    private boolean four;

    // The multicast that is being forwarded.
    private GroupTable.@Nullable Group members;
    private GroupTable.@Nullable Group askers;

    Snooping(MulticastSnoopingSpec spec, Headers headers) {
        this.spec = spec;
        this.headers = headers;
        this.groups = new GroupTable(spec.groupLimit());
    }

    void change(MulticastSnoopingSpec newSpec) {
        spec = newSpec;
        groups.limit(newSpec.groupLimit());
    }

    /** What is in a message, put into force. */
    private final class Told implements GroupMessages.Listener {
        @Override
        public void joins(long mac, long group, long source) {
            int until = now + spec.membershipSeconds();
            if (isLimited(mac) && !groups.join(key(mac), slot, group, source, until, now)) {
                count(REFUSED, 1);
            }
        }

        @Override
        public void leaves(long mac, long group, long source) {
            long key = key(mac);
            if (!groups.wants(key, slot, group, source, now)) {
                return;
            }
            if (spec.fastLeave()) {
                groups.shorten(key, slot, group, source, now, now);
                return;
            }
            // Otherwise the querier asks who is left. If it is another, what it asks is heard.
            var asking = querier;
            int in = (int) (vlan >>> VLAN_SHIFT);
            if (asking != null && asking.isAsking(in, four)) {
                groups.shorten(key, slot, group, source, asking.askSoon(in, four, now), now);
            }
        }

        @Override
        public void passesOver(int records) {
            count(PASSED_OVER, records);
        }

        @Override
        public void asks(boolean elected, long high, long low) {
            if (elected) {
                routers.join(key(family), slot, now + QUERIER_SECONDS, now);
            }
            if (querier != null) {
                querier.heard((int) (vlan >>> VLAN_SHIFT), four, high, low, now);
            }
        }

        @Override
        public void asksFor(long mac, long group, long source, int seconds) {
            groups.shorten(key(mac), group, source, now + seconds);
        }
    }

    private long key(long mac) {
        return mac | vlan;
    }

    /** Looks at a frame that came in by a port, and says whether it is for routers only. */
    boolean isReport(Pass pass, int i, int port) {
        headers.read(i, pass.tagged[i]);
        int protocol = headers.protocol();
        boolean interesting =
                protocol == Headers.IGMP || protocol == Headers.ICMPV6 || protocol == PIM;
        if (!interesting || headers.isFragment() || headers.transport() == Headers.NONE) {
            return false;
        }
        slot = port;
        now = pass.seconds;
        vlan = (long) pass.vlan[i] << VLAN_SHIFT;
        four = headers.etherType() == Headers.IPV4;
        family = four ? ROUTERS_4 : ROUTERS_6;
        if (protocol == PIM) {
            readPim();
            return false;
        }
        return read(pass.batch, i);
    }

    private void readPim() {
        int at = headers.transport();
        if (headers.has(at, 1) && (headers.u8(at) & PIM_TYPE) == PIM_HELLO) {
            routers.join(key(family), slot, now + PIM_SECONDS, now);
            publish();
        }
    }

    private boolean read(FrameBatch batch, int i) {
        int from = headers.transport();
        int network = headers.network();
        if (!four && !headers.has(from, 1)) {
            return false;
        }
        int length = four ? headers.u16(network + 2) : headers.u16(network + 4) + 40;
        int end = network + length;
        var kind = GroupMessages.Kind.INVALID;
        if (end <= batch.length[i] && end <= MESSAGE_MAX && from <= end) {
            // A copy: what is checked is what is believed.
            batch.copyOut(i, message, 0, Math.min(batch.length[i], MESSAGE_MAX));
            boolean summed = (Offload.flags(batch.offload[i]) & Offload.NEEDS_CHECKSUM) == 0;
            kind =
                    four
                            ? messages.igmp(message, from, end, headers.source4(), summed)
                            : messages.icmp6(message, network, from, end, summed);
        }
        return tell(kind);
    }

    private boolean tell(GroupMessages.Kind kind) {
        switch (kind) {
            case REPORT -> count(REPORTS, 1);
            case QUERY -> count(QUERIES, 1);
            case INVALID -> count(INVALID, 1);
            case OTHER -> {}
        }
        publish();
        return kind == GroupMessages.Kind.REPORT;
    }

    private void publish() {
        COUNTER.setOpaque(counters, GROUPS, (long) groups.size());
        COUNTER.setOpaque(counters, MEMBERSHIPS, (long) groups.memberships());
        COUNTER.setOpaque(counters, QUERIERS, (long) routers.memberships());
        COUNTER.setOpaque(counters, ASKING, (long) (querier == null ? 0 : querier.asking()));
    }

    /**
     * Finds out where a multicast goes.
     *
     * @param to its destination, octets little-endian
     * @return false: to all; true: ask {@link #reaches}
     */
    boolean limits(Pass pass, int i, long to) {
        boolean ofFour = (to & OUI) == IPV4;
        if (!ofFour && (to & IPV6_MASK) != IPV6) {
            return false;
        }
        long at = (long) pass.vlan[i] << VLAN_SHIFT;
        askers = routers.find(at | (ofFour ? ROUTERS_4 : ROUTERS_6));
        boolean asked = askers != null && askers.hasAny(pass.seconds);
        // Nobody asks: nobody would go on saying what he wants.
        if (!asked && !isAskedByUs(pass.vlan[i], ofFour, pass.seconds)) {
            return false;
        }
        if (pass.report[i]) {
            members = null;
            return true;
        }
        if (!isLimited(to)) {
            return false;
        }
        members = groups.find(at | to);
        boolean known = members != null && members.hasAny(pass.seconds);
        return known || !spec.floodUnknown();
    }

    private boolean isAskedByUs(int in, boolean ofFour, int seconds) {
        var asking = querier;
        return asking != null && asking.isSettled(in, ofFour, seconds);
    }

    /**
     * Asks from now on, or in another way, or no more.
     *
     * @param mac that it asks from, the first octet highest
     */
    void ask(MulticastSnoopingSpec wanted, long mac, Querier.Sender sender, int seconds) {
        var settings = wanted.querier().map(asking -> settings(asking, mac));
        if (settings.isEmpty()) {
            querier = null;
        } else if (querier == null) {
            querier = new Querier(settings.get(), sender);
        } else {
            querier.change(settings.get(), seconds);
        }
        publish();
    }

    private static Querier.Settings settings(MulticastQuerierSpec spec, long mac) {
        return new Querier.Settings(
                spec.intervalSeconds(),
                spec.responseSeconds(),
                spec.igmpVersion(),
                spec.address().map(address -> (int) address.low()).orElse(0),
                mac);
    }

    /** Whether it asks anywhere, so that {@link #runQuerier} has to be called. */
    boolean hasQuerier() {
        return querier != null;
    }

    /** Tells the VLANs that stations are in, a bit each. */
    void vlans(long[] active, int seconds) {
        if (querier != null) {
            querier.vlans(active, seconds);
            publish();
        }
    }

    /** A port has come to these VLANs, a bit each: what it wants is found out soon. */
    void arrived(long[] vlans, int seconds) {
        var asking = querier;
        if (asking == null) {
            return;
        }
        for (int in = 0; in < vlans.length * Long.SIZE; in++) {
            if ((vlans[in >> 6] >>> in & 1) != 0) {
                asking.askSoon(in, true, seconds);
                asking.askSoon(in, false, seconds);
            }
        }
    }

    /** Asks where it is time to. */
    void runQuerier(int seconds) {
        if (querier != null) {
            querier.run(seconds);
            publish();
        }
    }

    /** Counts a query that was sent. */
    void countQuery() {
        count(QUERIES_SENT, 1);
    }

    private static boolean isLimited(long group) {
        long local = group & LOCAL_MASK;
        return local != IPV4 && local != IPV6 && (group & OUI) != SOLICITED_NODE;
    }

    /** Whether the multicast goes to a port. */
    boolean reaches(int port, int seconds) {
        var wanting = members;
        var asking = askers;
        return (wanting != null && wanting.has(port, seconds))
                || (asking != null && asking.has(port, seconds));
    }

    /** Forgets a port. */
    void forget(int port) {
        groups.forget(port);
        routers.forget(port);
        publish();
    }

    /** Forgets what is too old. */
    void sweep(int seconds) {
        groups.sweep(seconds);
        routers.sweep(seconds);
        publish();
    }

    /** Whether it knows anything that can become too old. */
    boolean isEmpty() {
        return groups.size() + routers.size() == 0;
    }

    private void count(int counter, long more) {
        COUNTER.setOpaque(counters, counter, counters[counter] + more);
    }

    /** What was counted; from any thread. */
    long counted(int counter) {
        return (long) COUNTER.getOpaque(counters, counter);
    }
}
