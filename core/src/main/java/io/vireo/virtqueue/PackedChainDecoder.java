package io.vireo.virtqueue;

import static io.vireo.virtqueue.PackedRing.AVAILABILITY;
import static io.vireo.virtqueue.PackedRing.F_INDIRECT;
import static io.vireo.virtqueue.PackedRing.F_NEXT;
import static io.vireo.virtqueue.PackedRing.F_WRITE;

import io.vireo.linux.ForeignMemory;
import io.vireo.memory.GuestMemory;

/**
 * Decodes the chains of a packed virtqueue (VIRTIO 1.3, 2.8.5 to 2.8.7). Each descriptor is read
 * once, as two numbers: its address, and length, buffer id and flags.
 */
final class PackedChainDecoder extends ChainDecoder {
    private int id;
    private int count;

    PackedChainDecoder(int size, boolean indirectAllowed, GuestMemory memory) {
        super(size, indirectAllowed, memory);
    }

    /** Buffer id of the chain decoded last. */
    int id() {
        return id;
    }

    /** How many descriptors of the ring it has. */
    int count() {
        return count;
    }

    /**
     * Decodes a chain.
     *
     * @param ring the queue's descriptor ring
     * @param position of the head
     * @param wrap the wrap counter there
     * @param room descriptors that the driver can have made available at most
     * @param first address of the head's buffer
     * @param firstRest length, id and flags of the head
     * @return false if it breaks a rule or does not fit: {@link #cause}
     */
    boolean chain(
            ChainBatch batch,
            long ring,
            int position,
            int wrap,
            int room,
            long first,
            long firstRest) {
        begin(batch);
        count = 1;
        if ((firstRest & F_INDIRECT) != 0) {
            id = idOf(firstRest);
            return (firstRest & F_NEXT) == 0
                    ? table(batch, first, firstRest & LENGTH)
                    : refuse("an indirect descriptor with a next one");
        }
        long address = first;
        long rest = firstRest;
        int at = position;
        long available = PackedRing.available(wrap);
        while (true) {
            if (!add(batch, address, rest & LENGTH, (rest & F_WRITE) != 0)) {
                return false;
            }
            if ((rest & F_NEXT) == 0) {
                id = idOf(rest);
                end(batch);
                return true;
            }
            if (++at == size) {
                at = 0;
                available ^= AVAILABILITY;
            }
            long descriptor = PackedRing.descriptor(ring, at);
            rest = ForeignMemory.getLong(descriptor + REST);
            address = ForeignMemory.getLong(descriptor);
            if (count++ == room) {
                return refuse("a chain loops or is too long");
            }
            if ((rest & AVAILABILITY) != available) {
                return refuse("a chain goes on at " + at + ", which is not available");
            }
            if ((rest & F_INDIRECT) != 0) {
                return refuse("an indirect descriptor in a chain of others");
            }
        }
    }

    /** Of a table's descriptors only one flag is valid: those of the others are ignored. */
    private boolean table(ChainBatch batch, long address, long length) {
        long table = indirectTable(address, length);
        if (table == GuestMemory.INVALID) {
            return false;
        }
        for (long at = table; at < table + length; at += 1 << DESCRIPTOR_SHIFT) {
            long rest = ForeignMemory.getLong(at + REST);
            if (!add(batch, ForeignMemory.getLong(at), rest & LENGTH, (rest & F_WRITE) != 0)) {
                return false;
            }
        }
        end(batch);
        return true;
    }

    private static int idOf(long rest) {
        return (int) (rest >>> PackedRing.ID) & 0xFFFF;
    }
}
