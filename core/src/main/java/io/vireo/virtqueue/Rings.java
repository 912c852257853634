package io.vireo.virtqueue;

import io.vireo.memory.GuestMemory;

/**
 * Native addresses of the parts of a virtqueue, checked (VIRTIO 1.3, 2.7 and 2.8.10.1).
 *
 * @param descriptors descriptor table or ring
 * @param available available ring, or driver event suppression structure
 * @param used used ring, or device event suppression structure
 */
record Rings(long descriptors, long available, long used) {
    private static final int DESCRIPTOR = 16;
    private static final int AVAILABLE_ENTRY = 2;
    private static final int USED_ENTRY = 8;

    /** Bytes of flags and index, before the entries of a ring. */
    static final int HEADER = 4;

    private static final int EVENT = 2;
    private static final int EVENT_SUPPRESSION = 4;

    private static final int DESCRIPTOR_ALIGNMENT = 16;
    private static final int AVAILABLE_ALIGNMENT = 2;
    private static final int USED_ALIGNMENT = 4;

    /** A part, and where it is in the guest's memory. */
    private record Part(String name, long address, long bytes) {
        static Part of(String name, long user, long bytes, int alignment, GuestMemory memory)
                throws VirtqueueException {
            long host = memory.userToHost(user, bytes);
            if (host == GuestMemory.INVALID) {
                throw new VirtqueueException(
                        name + at(user) + " of " + bytes + " bytes is not in the guest's memory");
            }
            if ((host & (alignment - 1)) != 0) {
                throw new VirtqueueException(
                        name + at(user) + " is not aligned to " + alignment + " bytes");
            }
            return new Part(name, host, bytes);
        }

        private static String at(long address) {
            return " at 0x" + Long.toHexString(address);
        }

        void checkApart(Part other) throws VirtqueueException {
            if (address < other.address + other.bytes && other.address < address + bytes) {
                throw new VirtqueueException(name + " overlaps the " + other.name);
            }
        }
    }

    /** Where the driver keeps used_event, from the start of the available ring. */
    static int usedEvent(int size) {
        return HEADER + AVAILABLE_ENTRY * size;
    }

    /** Where we keep avail_event, from the start of the used ring. */
    static int availEvent(int size) {
        return HEADER + USED_ENTRY * size;
    }

    /** The parts of a split queue. */
    static Rings split(
            VirtqueueConfig.RingAddresses user, int size, boolean eventIndex, GuestMemory memory)
            throws VirtqueueException {
        // The event fields exist only where they were negotiated.
        int event = eventIndex ? EVENT : 0;
        return of(
                Part.of(
                        "descriptor table",
                        user.descriptors(),
                        (long) DESCRIPTOR * size,
                        DESCRIPTOR_ALIGNMENT,
                        memory),
                Part.of(
                        "available ring",
                        user.available(),
                        usedEvent(size) + event,
                        AVAILABLE_ALIGNMENT,
                        memory),
                Part.of(
                        "used ring",
                        user.used(),
                        availEvent(size) + event,
                        USED_ALIGNMENT,
                        memory));
    }

    /** The parts of a packed queue. */
    static Rings packed(VirtqueueConfig.RingAddresses user, int size, GuestMemory memory)
            throws VirtqueueException {
        return of(
                Part.of(
                        "descriptor ring",
                        user.descriptors(),
                        (long) DESCRIPTOR * size,
                        DESCRIPTOR_ALIGNMENT,
                        memory),
                Part.of(
                        "driver event suppression structure",
                        user.available(),
                        EVENT_SUPPRESSION,
                        EVENT_SUPPRESSION,
                        memory),
                Part.of(
                        "device event suppression structure",
                        user.used(),
                        EVENT_SUPPRESSION,
                        EVENT_SUPPRESSION,
                        memory));
    }

    private static Rings of(Part descriptors, Part available, Part used) throws VirtqueueException {
        descriptors.checkApart(available);
        descriptors.checkApart(used);
        available.checkApart(used);
        return new Rings(descriptors.address, available.address, used.address);
    }
}
