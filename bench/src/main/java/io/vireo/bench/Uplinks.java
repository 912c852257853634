package io.vireo.bench;

/** The interfaces of uplinks in a network namespace. */
final class Uplinks {
    private Uplinks() {}

    /** The interface that an uplink of this type uses. */
    static String link(String type) {
        return "up-" + type;
    }

    /** The interface at which its frames come out: of a veth pair the other end. */
    static String end(String type) {
        return type.equals("tap") ? link(type) : "end-" + type;
    }

    /** Makes what an uplink of this type needs; a TAP it makes itself. */
    static void prepare(String type, Namespace namespace) {
        if (type.equals("tap")) {
            return;
        }
        namespace.ip("link", "add", end(type), "type", "veth", "peer", "name", link(type));
        if (type.equals("xdp")) {
            // It would leave checksums to a card that there is not.
            namespace.inside("ethtool", "-K", end(type), "tx", "off", "txvlan", "off");
        }
    }
}
