package io.vireo.fabric.l2.lldp;

/** Numbers of an LLDPDU (IEEE 802.1AB-2016, clause 8 and annexes D and E). */
final class Tlv {
    // Types, 8.4.1
    static final int END = 0;
    static final int CHASSIS_ID = 1;
    static final int PORT_ID = 2;
    static final int TIME_TO_LIVE = 3;
    static final int PORT_DESCRIPTION = 4;
    static final int SYSTEM_NAME = 5;
    static final int SYSTEM_DESCRIPTION = 6;
    static final int SYSTEM_CAPABILITIES = 7;
    static final int MANAGEMENT_ADDRESS = 8;
    static final int ORGANIZATION = 127;

    /** Bytes of type and length. */
    static final int HEADER = 2;

    /** Bits of the length. */
    static final int LENGTH_BITS = 9;

    /** Most bytes of a TLV behind its header. */
    static final int LENGTH_MAX = 511;

    /** Most bytes of a text, 8.5.5 to 8.5.7. */
    static final int TEXT_MAX = 255;

    /** Bytes of an identifier with its subtype, 8.5.2 and 8.5.3. */
    static final int ID_MIN = 2;

    static final int ID_MAX = 256;

    static final int CAPABILITIES_LENGTH = 4;

    // Subtypes of a chassis ID, 8.5.2.2
    static final int CHASSIS_MAC = 4;
    static final int CHASSIS_NETWORK_ADDRESS = 5;

    // Subtypes of a port ID, 8.5.3.2
    static final int PORT_MAC = 3;
    static final int PORT_NETWORK_ADDRESS = 4;
    static final int PORT_INTERFACE_NAME = 5;

    /** MAC Bridge component, table 8-4. */
    static final int BRIDGE = 1 << 2;

    // Address families of IANA
    static final int IPV4 = 1;
    static final int IPV6 = 2;

    /** Interface numbering that says nothing, 8.5.9.5. */
    static final int NUMBERING_UNKNOWN = 1;

    // Bounds of a management address TLV, 8.5.9
    static final int MANAGEMENT_MIN = 9;
    static final int MANAGEMENT_MAX = 167;
    static final int MANAGEMENT_STRING_MIN = 2;
    static final int MANAGEMENT_STRING_MAX = 32;
    static final int OID_MAX = 128;

    /** OUI and subtype of an organization. */
    static final int ORGANIZATION_MIN = 4;

    /** IEEE 802.1, port VLAN ID: OUI 00-80-C2, subtype 1, annex D.2.1. */
    static final int PORT_VLAN = 0x0080_C201;

    /** IEEE 802.3, maximum frame size: OUI 00-12-0F, subtype 4, IEEE 802.3, 79.3.4. */
    static final int MAXIMUM_FRAME_SIZE = 0x0012_0F04;

    /** Bytes of either of these. */
    static final int ORGANIZATION_SHORT = 6;

    private Tlv() {}
}
