package io.vireo.fabric.l2.bond;

import io.vireo.memory.NativeMemory;

/**
 * Frames of the Slow Protocols (IEEE 802.3, annex 57A) in memory: LACPDUs (IEEE 802.1AX, 6.4.2.3)
 * and Marker PDUs (6.5.3.3). Offsets are from the start of the Ethernet frame; numbers are in
 * network byte order.
 */
final class LacpPdu {
    /** Bytes of a frame of either kind. */
    static final int LENGTH = 124;

    /** Bytes that are looked at: they fit into a header snapshot. */
    static final int PARSED = 56;

    static final int SUBTYPE_LACP = 1;
    static final int SUBTYPE_MARKER = 2;

    /** 01-80-C2-00-00-02, octets little-endian. */
    private static final long DESTINATION = 0x0200_00C2_8001L;

    private static final long MAC_MASK = 0xFFFF_FFFF_FFFFL;
    private static final int SOURCE = 6;
    private static final int TYPE = 12;
    private static final int SLOW_PROTOCOLS = 0x8809;
    private static final int SUBTYPE = 14;
    private static final int VERSION = 15;
    private static final int ACTOR = 16;
    private static final int PARTNER = 36;
    private static final int COLLECTOR = 56;
    private static final int INFORMATION_LENGTH = 20;
    private static final int COLLECTOR_LENGTH = 16;
    private static final int MARKER = 16;
    private static final int MARKER_INFORMATION = 1;
    private static final int MARKER_RESPONSE = 2;

    private LacpPdu() {}

    /** Whether a frame is for the Slow Protocols. */
    static boolean isSlow(long frame) {
        return (NativeMemory.getLong(frame) & MAC_MASK) == DESTINATION;
    }

    /** The subtype of a frame of the Slow Protocols of {@code length} bytes; 0 if it is none. */
    static int subtype(long frame, int length) {
        return length >= PARSED && get(frame + TYPE) == SLOW_PROTOCOLS
                ? Byte.toUnsignedInt(NativeMemory.getByte(frame + SUBTYPE))
                : 0;
    }

    /** Reads what the sender says of itself; false if the frame is malformed. */
    static boolean readActor(long frame, LacpInfo to) {
        return read(frame + ACTOR, 1, to);
    }

    /** Reads what the sender says of us; false if the frame is malformed. */
    static boolean readPartner(long frame, LacpInfo to) {
        return read(frame + PARTNER, 2, to);
    }

    private static boolean read(long at, int type, LacpInfo to) {
        if (NativeMemory.getByte(at) != type
                || NativeMemory.getByte(at + 1) != INFORMATION_LENGTH) {
            return false;
        }
        to.systemPriority = get(at + 2);
        to.system = NativeMemory.getLong(at + 4) & MAC_MASK;
        to.key = get(at + 10);
        to.portPriority = get(at + 12);
        to.port = get(at + 14);
        to.state = Byte.toUnsignedInt(NativeMemory.getByte(at + 16));
        return true;
    }

    /** Writes an LACPDU; {@code frame} is zeroed before. */
    static void write(long frame, long source, LacpInfo actor, LacpInfo partner) {
        header(frame, source, SUBTYPE_LACP);
        write(frame + ACTOR, 1, actor);
        write(frame + PARTNER, 2, partner);
        NativeMemory.putByte(frame + COLLECTOR, (byte) 3);
        NativeMemory.putByte(frame + COLLECTOR + 1, (byte) COLLECTOR_LENGTH);
    }

    private static void write(long at, int type, LacpInfo info) {
        NativeMemory.putByte(at, (byte) type);
        NativeMemory.putByte(at + 1, (byte) INFORMATION_LENGTH);
        put(at + 2, info.systemPriority);
        mac(at + 4, info.system);
        put(at + 10, info.key);
        put(at + 12, info.portPriority);
        put(at + 14, info.port);
        NativeMemory.putByte(at + 16, (byte) info.state);
    }

    /**
     * Writes the answer to a Marker PDU, of which the first {@link #PARSED} bytes are at {@code
     * request}; {@code frame} is zeroed before.
     *
     * @return false if it is no request
     */
    static boolean writeMarkerResponse(long frame, long source, long request) {
        if (NativeMemory.getByte(request + MARKER) != MARKER_INFORMATION) {
            return false;
        }
        NativeMemory.copy(request + MARKER, frame + MARKER, MARKER);
        header(frame, source, SUBTYPE_MARKER);
        NativeMemory.putByte(frame + MARKER, (byte) MARKER_RESPONSE);
        return true;
    }

    private static void header(long frame, long source, int subtype) {
        mac(frame, DESTINATION);
        mac(frame + SOURCE, source);
        put(frame + TYPE, SLOW_PROTOCOLS);
        NativeMemory.putByte(frame + SUBTYPE, (byte) subtype);
        NativeMemory.putByte(frame + VERSION, (byte) 1);
    }

    private static void mac(long at, long mac) {
        NativeMemory.putInt(at, (int) mac);
        NativeMemory.putShort(at + Integer.BYTES, (short) (mac >>> Integer.SIZE));
    }

    private static int get(long at) {
        return Short.toUnsignedInt(Short.reverseBytes(NativeMemory.getShort(at)));
    }

    private static void put(long at, int value) {
        NativeMemory.putShort(at, Short.reverseBytes((short) value));
    }
}
