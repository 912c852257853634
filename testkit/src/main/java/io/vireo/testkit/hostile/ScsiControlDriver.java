package io.vireo.testkit.hostile;

import io.vireo.linux.ForeignMemory;
import io.vireo.testkit.DriverMemory;
import io.vireo.testkit.VhostUserSession;

/**
 * The driver of the control queue of a virtio SCSI host device: asks LUN 0 whether it has tasks,
 * which it has not (VIRTIO 1.3, 5.6.6.2).
 */
public final class ScsiControlDriver implements Driver {
    static final int QUEUE = 0;

    /** Bytes of a request for task management: type, subtype, LUN, tag. */
    static final int REQUEST = 24;

    // VIRTIO_SCSI_T_TMF_*
    static final int ABORT_TASK = 0;
    static final int I_T_NEXUS_RESET = 4;
    static final int LOGICAL_UNIT_RESET = 5;
    static final int QUERY_TASK_SET = 7;

    private static final int FROM_END = 64 * 1024;

    @Override
    public int queue() {
        return QUEUE;
    }

    @Override
    public void request(VhostUserSession session, VhostUserSession.Ring ring, int descriptors) {
        long at = place(session.memory());
        write(session.memory(), at, 0, QUERY_TASK_SET, ScsiPlace.LUN_0, 0);
        var addresses = new long[descriptors];
        var lengths = new int[descriptors];
        int pieces = descriptors - 1;
        for (int i = 0; i < pieces; i++) {
            addresses[i] = at + i;
            lengths[i] = i == pieces - 1 ? REQUEST - i : 1;
        }
        addresses[pieces] = at + REQUEST;
        lengths[pieces] = 1;
        ring.queue().add(addresses, lengths, descriptors, pieces);
        VhostUserSession.publish(ring);
    }

    /** Writes a request for task management, and behind it that there is no response yet. */
    static void write(DriverMemory memory, long at, int type, int subtype, long lun, long tag) {
        long host = memory.host(at);
        ForeignMemory.putInt(host, type);
        ForeignMemory.putInt(host + 4, subtype);
        ForeignMemory.putLong(host + 8, Long.reverseBytes(lun));
        ForeignMemory.putLong(host + 16, tag);
        ForeignMemory.putByte(host + REQUEST, (byte) ScsiPlace.PENDING);
    }

    @Override
    public void check(VhostUserSession session) {
        long response = session.memory().host(place(session.memory()) + REQUEST);
        if (ForeignMemory.getByte(response) != ScsiPlace.OK) {
            throw new AssertionError("response " + ForeignMemory.getByte(response));
        }
    }

    private static long place(DriverMemory memory) {
        return DriverMemory.GUEST_BASE + memory.size() - FROM_END;
    }
}
