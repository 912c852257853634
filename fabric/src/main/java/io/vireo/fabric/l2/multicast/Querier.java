package io.vireo.fabric.l2.multicast;

import org.jspecify.annotations.Nullable;

/**
 * Asks stations which multicasts they want where nobody else does: the querier of IGMP (RFC 3376,
 * clause 6 and 8) and MLD (RFC 3810, clause 7 and 9), with the election among several, for each
 * VLAN and each of both. General queries only: whoever leaves a group has all asked soon, instead
 * of those of his group.
 *
 * <p>Times are in seconds, of any epoch. Not thread safe.
 */
public final class Querier {
    /** Robustness Variable. */
    static final int ROBUSTNESS = 2;

    /** Queries in one go, before others have their turn. */
    static final int AT_ONCE = 256;

    private static final int VLANS = 4096;

    /** Sends queries. */
    @FunctionalInterface
    public interface Sender {
        /** Sends an untagged frame to all stations of a VLAN, 0 for none. */
        void send(int vlan, byte[] frame);
    }

    /**
     * How to ask.
     *
     * @param interval Query Interval, seconds between general queries
     * @param response Query Response Interval, seconds in which stations answer
     * @param version of IGMP, 2 or 3
     * @param address IPv4 source address; 0: none, which takes no part in elections (RFC 4541,
     *     2.1.1) and gives way to everybody who has one
     * @param mac source of the frames, the first octet highest; the IPv6 address is made of it
     */
    public record Settings(int interval, int response, int version, int address, long mac) {
        /** Other Querier Present Interval (RFC 3376, 8.5). */
        int otherPresent() {
            return ROBUSTNESS * interval + (response + 1) / 2;
        }
    }

    /** One VLAN, and IPv4 or IPv6 in it. */
    private static final class Link {
        private boolean other;
        private int otherUntil;
        private boolean asked;
        private int last;
        private int next;
        private int left = ROBUSTNESS;
        private int gap;
        private int settled;
    }

    private final Sender sender;
    private final @Nullable Link[] links = new @Nullable Link[2 * VLANS];
    private Settings settings;
    private byte[] query4;
    private byte[] query6;
    private int cursor;

    public Querier(Settings settings, Sender sender) {
        this.settings = settings;
        this.sender = sender;
        query4 = QueryFrames.igmp(settings);
        query6 = QueryFrames.mld(settings);
    }

    /** Goes on in another way; who else asks is found out anew. */
    public void change(Settings newSettings, int now) {
        settings = newSettings;
        query4 = QueryFrames.igmp(newSettings);
        query6 = QueryFrames.mld(newSettings);
        for (var link : links) {
            if (link != null) {
                begin(link, now);
            }
        }
    }

    /** Asks in these VLANs, a bit each, and in no others. */
    public void vlans(long[] active, int now) {
        for (int i = 0; i < links.length; i++) {
            int vlan = i >> 1;
            if ((active[vlan >> 6] >>> vlan & 1) == 0) {
                links[i] = null;
                continue;
            }
            if (links[i] == null) {
                var link = new Link();
                begin(link, now);
                links[i] = link;
            }
        }
    }

    private void begin(Link link, int now) {
        link.other = false;
        link.asked = false;
        link.next = now;
        link.left = ROBUSTNESS;
        // Startup Query Interval and Count (RFC 3376, 8.6 and 8.7).
        link.gap = Math.max(1, settings.interval() / 4);
    }

    /** Sends what time has come for; to be called each second. */
    public void run(int now) {
        int sent = 0;
        for (int k = 0; k < links.length && sent < AT_ONCE; k++) {
            cursor = cursor + 1 < links.length ? cursor + 1 : 0;
            var link = links[cursor];
            if (link != null && isDue(link, now)) {
                ask(link, cursor, now);
                sent++;
            }
        }
    }

    private boolean isDue(Link link, int now) {
        if (link.other && now - link.otherUntil >= 0) {
            begin(link, now);
        }
        return !link.other && now - link.next >= 0;
    }

    private void ask(Link link, int index, int now) {
        if (!link.asked) {
            link.asked = true;
            link.settled = now + settings.response() + 1;
        }
        link.last = now;
        link.left = Math.max(0, link.left - 1);
        link.next = now + (link.left > 0 ? link.gap : settings.interval());
        sender.send(index >> 1, (index & 1) == 0 ? query4 : query6);
    }

    /**
     * A query of somebody else was heard.
     *
     * @param four whether it is of IGMP
     * @param high of its source address, the first 64 bits; of IPv4 0
     * @param low the last 64 bits
     */
    public void heard(int vlan, boolean four, long high, long low, int now) {
        var link = links[index(vlan, four)];
        if (link != null && wins(four, high, low)) {
            link.other = true;
            link.otherUntil = now + settings.otherPresent();
        }
    }

    /** The lower address wins (RFC 3376, 6.6.2; RFC 3810, 7.6.2); none is in no election. */
    private boolean wins(boolean four, long high, long low) {
        if (four) {
            long own = Integer.toUnsignedLong(settings.address());
            return low != 0 && (own == 0 || low < own);
        }
        int compared = Long.compareUnsigned(high, QueryFrames.LINK_LOCAL);
        return compared < 0
                || (compared == 0
                        && Long.compareUnsigned(low, QueryFrames.interfaceId(settings.mac())) < 0);
    }

    /**
     * Asks all soon, because a station has come or left a group.
     *
     * @return when nobody will answer any more; {@code now} if it is not on us to ask
     */
    public int askSoon(int vlan, boolean four, int now) {
        var link = links[index(vlan, four)];
        if (link == null || link.other) {
            return now;
        }
        if (link.left == 0) {
            link.left = ROBUSTNESS;
            link.gap = settings.response();
            link.next = Math.max(now, link.last + settings.response());
        }
        return link.next + (link.left - 1) * link.gap + settings.response() + 1;
    }

    /** Whether it is on us to ask in a VLAN, and all had the time to answer. */
    public boolean isSettled(int vlan, boolean four, int now) {
        var link = links[index(vlan, four)];
        return link != null && !link.other && link.asked && now - link.settled >= 0;
    }

    /** Whether it is on us to ask in a VLAN. */
    public boolean isAsking(int vlan, boolean four) {
        var link = links[index(vlan, four)];
        return link != null && !link.other;
    }

    /** VLANs in which it is on us to ask, those of IPv4 and of IPv6 summed up. */
    public int asking() {
        int asking = 0;
        for (var link : links) {
            if (link != null && !link.other) {
                asking++;
            }
        }
        return asking;
    }

    private static int index(int vlan, boolean four) {
        return vlan << 1 | (four ? 0 : 1);
    }
}
