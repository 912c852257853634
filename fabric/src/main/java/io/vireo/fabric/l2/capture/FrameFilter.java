package io.vireo.fabric.l2.capture;

import io.vireo.fabric.l2.packet.Headers;
import io.vireo.fabric.l2.packet.ProtocolNames;
import io.vireo.resource.IpPrefix;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Chooses frames by terms that all must hold: {@code vlan 10 and host 10.0.0.5 and port 80}. A term
 * about a header that is not there, or cannot be read, does not hold.
 */
public final class FrameFilter {
    private static final String AND = "and";
    private static final int MAC_SOURCE = 6;
    private static final int VLAN_MAX = 4094;
    private static final int PORT_MAX = 0xFFFF;
    private static final int TYPE_MAX = 0xFFFF;
    private static final int PROTOCOL_MAX = 0xFF;
    private static final int PORTS = 4;

    private static final int ARP_LENGTH = 28;
    private static final int ARP_SENDER = 14;
    private static final int ARP_TARGET = 24;
    private static final int IPV6_SOURCE = 8;
    private static final int IPV6_DESTINATION = 24;

    /** One condition. */
    private interface Term {
        boolean holds(Headers frame, int vlan);
    }

    private final Term[] terms;

    private FrameFilter(List<Term> terms) {
        this.terms = terms.toArray(Term[]::new);
    }

    /**
     * Reads an expression; an empty one takes all.
     *
     * @throws IllegalArgumentException with a sentence that says what is wrong
     */
    public static FrameFilter parse(String text) {
        List<Term> terms = new ArrayList<>();
        var words = List.of(text.strip().toLowerCase(Locale.ROOT).split("\\s+"));
        int at = 0;
        while (at < words.size() && !words.getFirst().isEmpty()) {
            if (at > 0 && !words.get(at++).equals(AND)) {
                throw new IllegalArgumentException(
                        "'" + words.get(at - 1) + "' is where an 'and' should be");
            }
            if (at + 2 > words.size()) {
                throw new IllegalArgumentException("the filter ends in the middle of a term");
            }
            terms.add(term(words.get(at), words.get(at + 1)));
            at += 2;
        }
        return new FrameFilter(terms);
    }

    private static Term term(String key, String value) {
        try {
            return switch (key) {
                case "mac" -> mac(value);
                case "vlan" -> vlan(limited(Integer.parseInt(value), VLAN_MAX));
                case "ethertype" -> etherType(limited(ProtocolNames.etherType(value), TYPE_MAX));
                case "proto" -> protocol(limited(ProtocolNames.protocol(value), PROTOCOL_MAX));
                case "port" -> port(limited(Integer.parseInt(value), PORT_MAX));
                case "host" -> host(IpPrefix.parse(value));
                default ->
                        throw new IllegalArgumentException(
                                "'"
                                        + key
                                        + "' is no term of a filter; there are mac, vlan, ethertype, host, proto, port");
            };
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("'" + value + "' is no " + key, e);
        }
    }

    private static int limited(int number, int max) {
        if (number < 0 || number > max) {
            throw new NumberFormatException(number + " is not from 0 to " + max);
        }
        return number;
    }

    private static Term mac(String text) {
        if (!text.matches("[0-9a-f]{2}(:[0-9a-f]{2}){5}")) {
            throw new NumberFormatException(text);
        }
        long mac = Long.parseLong(text.replace(":", ""), 16);
        return (frame, _) -> frame.mac(0) == mac || frame.mac(MAC_SOURCE) == mac;
    }

    private static Term vlan(int wanted) {
        return (_, vlan) -> vlan == wanted;
    }

    private static Term etherType(int type) {
        return (frame, _) -> frame.etherType() == type;
    }

    private static Term protocol(int protocol) {
        return (frame, _) -> frame.protocol() == protocol;
    }

    private static Term port(int port) {
        return (frame, _) -> {
            int at = frame.transport();
            return at != Headers.NONE
                    && hasPorts(frame.protocol())
                    && frame.has(at, PORTS)
                    && (frame.u16(at) == port || frame.u16(at + 2) == port);
        };
    }

    private static boolean hasPorts(int protocol) {
        return protocol == Headers.TCP || protocol == Headers.UDP || protocol == Headers.SCTP;
    }

    private static Term host(IpPrefix prefix) {
        return prefix.v6() ? host6(prefix) : host4((int) prefix.low(), (int) prefix.lowMask());
    }

    private static Term host4(int value, int mask) {
        return (frame, _) -> {
            int at = frame.network();
            if (frame.etherType() == Headers.ARP) {
                return frame.has(at, ARP_LENGTH)
                        && ((frame.u32(at + ARP_SENDER) & mask) == value
                                || (frame.u32(at + ARP_TARGET) & mask) == value);
            }
            return frame.etherType() == Headers.IPV4
                    && !frame.isBroken()
                    && ((frame.source4() & mask) == value
                            || (frame.destination4() & mask) == value);
        };
    }

    private static Term host6(IpPrefix prefix) {
        long highMask = prefix.highMask();
        long lowMask = prefix.lowMask();
        return (frame, _) ->
                frame.etherType() == Headers.IPV6
                        && !frame.isBroken()
                        && (isIn(frame, IPV6_SOURCE, prefix, highMask, lowMask)
                                || isIn(frame, IPV6_DESTINATION, prefix, highMask, lowMask));
    }

    private static boolean isIn(
            Headers frame, int offset, IpPrefix prefix, long highMask, long lowMask) {
        int at = frame.network() + offset;
        return (frame.u64(at) & highMask) == prefix.high()
                && (frame.u64(at + Long.BYTES) & lowMask) == prefix.low();
    }

    /** Whether it takes every frame. */
    public boolean isEmpty() {
        return terms.length == 0;
    }

    /**
     * Whether it takes a frame.
     *
     * @param frame its headers, read
     * @param vlan its VLAN in the network, 0 for none
     */
    public boolean takes(Headers frame, int vlan) {
        for (var term : terms) {
            if (!term.holds(frame, vlan)) {
                return false;
            }
        }
        return true;
    }
}
