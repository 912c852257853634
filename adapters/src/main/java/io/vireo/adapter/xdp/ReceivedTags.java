package io.vireo.adapter.xdp;

/** Whether the VLAN tags of received frames are in them, where AF_XDP sees them. */
enum ReceivedTags {
    KEPT("kept"),

    /** The driver takes them out and cannot be told not to. */
    LOST("lost in the driver"),

    /** A veth pair hands on what its other end, in whatever namespace, puts beside the frame. */
    UP_TO_OTHER_END(
            "kept where the other end has txvlan and tx-vlan-stag-hw-insert off, else lost");

    private final String text;

    ReceivedTags(String text) {
        this.text = text;
    }

    /** As attributes of an uplink have it. */
    String text() {
        return text;
    }
}
