package io.vireo.fabric.l2.lldp;

import io.vireo.memory.NativeMemory;

/** The Ethernet frame around an LLDPDU (IEEE 802.1AB-2016, clause 7). */
final class LldpFrame {
    /** Nearest bridge: 01-80-C2-00-00-0E, the first octet highest. */
    static final long DESTINATION = 0x0180_C200_000EL;

    static final int ETHERTYPE = 0x88CC;

    /** Bytes before the LLDPDU. */
    static final int HEADER = 14;

    /** Shortest Ethernet frame, without its check sequence. */
    static final int LENGTH_MIN = 60;

    private static final long MAC_MASK = 0xFFFF_FFFF_FFFFL;
    private static final int TYPE = 12;

    // As they are loaded, little-endian.
    private static final long LOADED_DESTINATION =
            Long.reverseBytes(DESTINATION << Short.SIZE) & MAC_MASK;
    private static final short LOADED_TYPE = Short.reverseBytes((short) ETHERTYPE);

    private LldpFrame() {}

    /** Whether a frame, of which {@link #HEADER} bytes are there, is one of LLDP. */
    static boolean isLldp(long frame) {
        return (NativeMemory.getLong(frame) & MAC_MASK) == LOADED_DESTINATION
                && NativeMemory.getShort(frame + TYPE) == LOADED_TYPE;
    }
}
