package io.vireo.virtqueue;

import io.vireo.memory.GuestMemory;

/**
 * Native addresses of the parts of a split virtqueue, checked (VIRTIO 1.3, 2.7).
 *
 * @param descriptors descriptor table
 * @param available available ring
 * @param used used ring
 */
record Rings(long descriptors, long available, long used) {
    private static final int DESCRIPTOR = 16;
    private static final int AVAILABLE_ENTRY = 2;
    private static final int USED_ENTRY = 8;

    /** Bytes of flags and index, before the entries of a ring. */
    static final int HEADER = 4;

    private static final int EVENT = 2;

    private static final int DESCRIPTOR_ALIGNMENT = 16;
    private static final int AVAILABLE_ALIGNMENT = 2;
    private static final int USED_ALIGNMENT = 4;

    /** Where the driver keeps used_event, from the start of the available ring. */
    static int usedEvent(int size) {
        return HEADER + AVAILABLE_ENTRY * size;
    }

    /** Where we keep avail_event, from the start of the used ring. */
    static int availEvent(int size) {
        return HEADER + USED_ENTRY * size;
    }

    static Rings of(
            VirtqueueConfig.RingAddresses user, int size, boolean eventIndex, GuestMemory memory)
            throws VirtqueueException {
        // The event fields exist only where they were negotiated.
        int event = eventIndex ? EVENT : 0;
        long descriptorBytes = (long) DESCRIPTOR * size;
        long availableBytes = usedEvent(size) + event;
        long usedBytes = availEvent(size) + event;
        long descriptors =
                locate(
                        "descriptor table",
                        user.descriptors(),
                        descriptorBytes,
                        DESCRIPTOR_ALIGNMENT,
                        memory);
        long available =
                locate(
                        "available ring",
                        user.available(),
                        availableBytes,
                        AVAILABLE_ALIGNMENT,
                        memory);
        long used = locate("used ring", user.used(), usedBytes, USED_ALIGNMENT, memory);
        checkApart("descriptor table", descriptors, descriptorBytes, "available ring", available);
        checkApart("available ring", available, availableBytes, "descriptor table", descriptors);
        checkApart("descriptor table", descriptors, descriptorBytes, "used ring", used);
        checkApart("used ring", used, usedBytes, "descriptor table", descriptors);
        checkApart("available ring", available, availableBytes, "used ring", used);
        checkApart("used ring", used, usedBytes, "available ring", available);
        return new Rings(descriptors, available, used);
    }

    private static long locate(
            String what, long address, long length, int alignment, GuestMemory memory)
            throws VirtqueueException {
        long host = memory.userToHost(address, length);
        if (host == GuestMemory.INVALID) {
            throw new VirtqueueException(
                    what + at(address) + " of " + length + " bytes is not in the guest's memory");
        }
        if ((host & (alignment - 1)) != 0) {
            throw new VirtqueueException(
                    what + at(address) + " is not aligned to " + alignment + " bytes");
        }
        return host;
    }

    private static String at(long address) {
        return " at 0x" + Long.toHexString(address);
    }

    private static void checkApart(
            String what, long start, long length, String other, long otherStart)
            throws VirtqueueException {
        if (otherStart >= start && otherStart < start + length) {
            throw new VirtqueueException(other + " overlaps the " + what);
        }
    }
}
