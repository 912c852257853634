package io.vireo.testkit.hostile;

import io.vireo.linux.ForeignMemory;
import io.vireo.testkit.DriverMemory;
import io.vireo.testkit.VhostUserSession;

/** The driver of a block device: reads its first sectors (VIRTIO 1.3, 5.2.6). */
public final class BlkDriver implements Driver {
    private static final int SECTOR = 512;
    private static final int FROM_END = 64 * 1024;

    @Override
    public int queue() {
        return 0;
    }

    @Override
    public void request(VhostUserSession session, VhostUserSession.Ring ring, int descriptors) {
        var memory = session.memory();
        long at = place(memory);
        // type 0 (IN), sector 0
        ForeignMemory.putLong(memory.host(at), 0);
        ForeignMemory.putLong(memory.host(at + 8), 0);
        ForeignMemory.putByte(memory.host(at + 16), (byte) 99);
        var addresses = new long[descriptors];
        var lengths = new int[descriptors];
        addresses[0] = at;
        lengths[0] = 16;
        for (int i = 1; i < descriptors - 1; i++) {
            addresses[i] = at + (long) SECTOR * i;
            lengths[i] = SECTOR;
        }
        addresses[descriptors - 1] = at + 16;
        lengths[descriptors - 1] = 1;
        ring.queue().add(addresses, lengths, descriptors, 1);
        VhostUserSession.publish(ring);
    }

    @Override
    public void check(VhostUserSession session) {
        byte status = ForeignMemory.getByte(session.memory().host(place(session.memory()) + 16));
        if (status != 0) {
            throw new AssertionError("a read of sector 0 has status " + status);
        }
    }

    private static long place(DriverMemory memory) {
        return DriverMemory.GUEST_BASE + memory.size() - FROM_END;
    }
}
