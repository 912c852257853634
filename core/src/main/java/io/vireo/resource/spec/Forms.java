package io.vireo.resource.spec;

import io.vireo.resource.Field;
import io.vireo.resource.Names;
import io.vireo.resource.Secrets;
import java.util.HashMap;
import java.util.Map;

/**
 * Forms of strings in specs: the regular expression that {@link Field#pattern} names, and what it
 * is in words, since people are told the words.
 */
public final class Forms {
    /** An absolute path of the host. */
    public static final String ABSOLUTE_PATH = "/[^\\x00]*";

    /** The name of a network interface; {@link Limits#INTERFACE_MAX}. */
    public static final String INTERFACE = "[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}";

    /** A name below /run/netns. */
    public static final String NAMESPACE = "[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}";

    /** A user of the host, by name or number. */
    public static final String USER = "[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}";

    /** A name that CHAP sends: printable ASCII. */
    public static final String CHAP_NAME = "[\\x21-\\x7e]+";

    /** The serial of a disk; {@link Limits#SERIAL_MAX}. */
    public static final String SERIAL = "[A-Za-z0-9._-]{1,20}";

    /** A label with its value. */
    public static final String LABEL_AND_VALUE = "[^=\\s]{1,255}=[^=\\s]{0,255}";

    /** An address, or a host's name, and a port. */
    public static final String ADDRESS_AND_PORT =
            "(\\[[0-9a-fA-F:.]+\\]|[0-9A-Za-z.-]+):[0-9]{1,5}";

    /** Who may log in: an iSCSI name, or everybody. */
    public static final String INITIATOR = IscsiTargetSpec.ISCSI_NAME + "|\\*";

    /** What a frame carries, by name or number. */
    public static final String ETHER_TYPE = "ipv4|ipv6|arp|0x[0-9a-fA-F]{4}";

    /** What an IP packet carries, by name or number. */
    public static final String IP_PROTOCOL = "tcp|udp|sctp|icmp|icmpv6|igmp|[0-9]{1,3}";

    /** Flags of TCP that are set, or, behind a '!', are not. */
    public static final String TCP_FLAGS =
            "!?(fin|syn|rst|psh|ack|urg)(,!?(fin|syn|rst|psh|ack|urg))*";

    private static final Map<String, Form> KNOWN = new HashMap<>();

    static {
        put(Names.LABEL, "a name of 1 to 63 lower-case letters, digits and '-'", "web-1");
        put(Names.DEVICE, "a name of 1 to 15 lower-case letters, digits and '-'", "eth0");
        put(Names.LABEL_OR_DERIVED, "a name, or PROFILE.DEVICE of a device of a profile", "db1");
        put(MirrorSourceSpec.VNIC, "the name of a vNIC, PROFILE.DEVICE", "web1.eth0");
        put(Secrets.NAME, "the name of a secret: letters, digits, '_', '.' and '-'", "db1-chap");
        put(ABSOLUTE_PATH, "an absolute path", "/srv/vireo/main");
        put(Limits.IMAGE_FILE, "a path below the directory of images", "debian/13.qcow2");
        put(INTERFACE, "an interface's name: letters, digits, '_', '.' and '-'", "vireo0");
        put(NAMESPACE, "the name of a network namespace, as 'ip netns' shows it", "guests");
        put(USER, "the name or number of a user", "libvirt-qemu");
        put(CHAP_NAME, "a name of letters, digits and signs of ASCII, without blanks", "db1");
        put(SERIAL, "a serial of 1 to 20 letters, digits, '.', '_' and '-'", "SN-0001");
        put(LABEL_AND_VALUE, "a label and its value, KEY=VALUE", "tenant=blue");
        put(ADDRESS_AND_PORT, "ADDRESS:PORT", "192.0.2.10:3260");
        put(ETHER_TYPE, "ipv4, ipv6, arp, or an EtherType in 4 hexadecimal digits", "0x88cc");
        put(IP_PROTOCOL, "tcp, udp, sctp, icmp, icmpv6, igmp, or a protocol's number", "47");
        put(
                TCP_FLAGS,
                "flags of fin, syn, rst, psh, ack, urg, with '!' for those that are not set",
                "syn,!ack");
        put(
                VhbaSpec.WWN,
                "a World Wide Name: 16 hexadecimal digits, of which the first is 1, 2, 3, 5 or c to"
                        + " f",
                "20:00:52:54:00:12:34:56");
        put(
                IscsiTargetSpec.ISCSI_NAME,
                "an iSCSI name in lower case: iqn., eui. or naa.",
                "iqn.2026-11.com.example:db1");
        put(
                INITIATOR,
                "an iSCSI name in lower case, or '*' for everybody",
                "iqn.2026-11.com.example:db1");
    }

    /**
     * What a form is.
     *
     * @param words what it is
     * @param example one of that form
     */
    public record Form(String words, String example) {
        /** For people: {@code an absolute path, like /srv/vireo/main}. */
        public String text() {
            return words + ", like " + example;
        }
    }

    private Forms() {}

    private static void put(String pattern, String words, String example) {
        KNOWN.put(pattern, new Form(words, example));
    }

    /**
     * The form that a pattern stands for.
     *
     * @throws IllegalStateException if nobody has said what it is in words
     */
    public static Form of(String pattern) {
        Form form = KNOWN.get(pattern);
        if (form == null) {
            throw new IllegalStateException("nobody has put this into words: " + pattern);
        }
        return form;
    }
}
