package io.vireo.virtqueue;

/**
 * Which notifications driver and device of a packed virtqueue wish for (VIRTIO 1.3, 2.8.10): {@code
 * struct pvirtq_event_suppress} as one little-endian number, which has the position of a descriptor
 * in its bits 0 to 14, the wrap counter there in bit 15, and flags above.
 */
final class PackedEvents {
    /** A wish for every notification. */
    static final int ALL = 0;

    private static final int POSITION = 0x7FFF;
    private static final int WRAP = 15;
    private static final int FLAGS = 16;
    private static final int FLAGS_MASK = 3;
    private static final int DISABLE = 1;
    private static final int DESC = 2;

    /** A wish for no notification. */
    static final int NONE = DISABLE << FLAGS;

    private PackedEvents() {}

    /** A wish for one as soon as this descriptor changes hands; with event indices. */
    static int at(int position, int wrap) {
        return position | wrap << WRAP | DESC << FLAGS;
    }

    /**
     * Whether the other side wishes for a notification now.
     *
     * @param wish that it wrote
     * @param eventIndex whether event indices were negotiated
     * @param position of the next descriptor that changes hands
     * @param wrap counter there
     * @param size of the ring in descriptors
     * @param fresh descriptors before the position that it was not told of
     */
    static boolean wanted(
            int wish, boolean eventIndex, int position, int wrap, int size, int fresh) {
        int flags = wish >>> FLAGS & FLAGS_MASK;
        if (flags != DESC || !eventIndex) {
            return flags != DISABLE;
        }
        int event = wish & POSITION;
        if ((wish >>> WRAP & 1) != wrap) {
            event -= size;
        }
        int behind = position - event - 1;
        return behind >= 0 && behind < fresh;
    }
}
