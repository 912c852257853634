package io.vireo.testkit.hostile;

import io.vireo.linux.ForeignMemory;
import io.vireo.testkit.DriverMemory;
import io.vireo.testkit.VhostUserSession;

/** The driver of a network card: sends frames that nobody receives (VIRTIO 1.3, 5.1.6). */
public final class FrameSender implements Driver {
    /** struct virtio_net_hdr with num_buffers. */
    static final int HEADER = 12;

    private static final int FRAME = 60;
    private static final int FROM_END = 64 * 1024;

    @Override
    public int queue() {
        return 1;
    }

    @Override
    public void request(VhostUserSession session, VhostUserSession.Ring ring, int descriptors) {
        var memory = session.memory();
        long at = DriverMemory.GUEST_BASE + memory.size() - FROM_END;
        ForeignMemory.fill(memory.host(at), HEADER + FRAME, (byte) 0);
        // From and to locally administered addresses of nobody.
        ForeignMemory.putByte(memory.host(at + HEADER), (byte) 2);
        ForeignMemory.putByte(memory.host(at + HEADER + 6), (byte) 2);
        var addresses = new long[descriptors];
        var lengths = new int[descriptors];
        addresses[0] = at;
        lengths[0] = HEADER;
        for (int i = 1; i < descriptors; i++) {
            addresses[i] = at + HEADER + i - 1;
            lengths[i] = i == descriptors - 1 ? FRAME - descriptors + 2 : 1;
        }
        ring.queue().add(addresses, lengths, descriptors, descriptors);
        VhostUserSession.publish(ring);
    }

    @Override
    public void check(VhostUserSession session) {}
}
