package io.vireo.fabric.l2.packet;

/** The numbers of protocols by the names that rules and filters use; ranges are not checked. */
public final class ProtocolNames {
    private static final String HEX = "0x";

    private ProtocolNames() {}

    /**
     * The number of an EtherType: ipv4, ipv6, arp, or hexadecimal digits like 0x88cc.
     *
     * @throws NumberFormatException if it is none of these
     */
    public static int etherType(String text) {
        return switch (text) {
            case "ipv4" -> Headers.IPV4;
            case "ipv6" -> Headers.IPV6;
            case "arp" -> Headers.ARP;
            default -> {
                if (!text.startsWith(HEX)) {
                    throw new NumberFormatException(text);
                }
                yield Integer.parseInt(text.substring(HEX.length()), 16);
            }
        };
    }

    /**
     * The number of an IP protocol: tcp, udp, sctp, icmp, icmpv6, igmp, or the number itself.
     *
     * @throws NumberFormatException if it is none of these
     */
    public static int protocol(String text) {
        return switch (text) {
            case "tcp" -> Headers.TCP;
            case "udp" -> Headers.UDP;
            case "sctp" -> Headers.SCTP;
            case "icmp" -> Headers.ICMP;
            case "icmpv6" -> Headers.ICMPV6;
            case "igmp" -> Headers.IGMP;
            default -> Integer.parseInt(text);
        };
    }
}
