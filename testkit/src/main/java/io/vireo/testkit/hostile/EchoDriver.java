package io.vireo.testkit.hostile;

import io.vireo.linux.ForeignMemory;
import io.vireo.testkit.DriverMemory;
import io.vireo.testkit.VhostUserSession;

/** The driver of a device that copies what is readable of a chain to what is writable. */
public final class EchoDriver implements Driver {
    private static final int FROM_END = 64 * 1024;
    private static final int PIECE = 8;

    private long last;
    private int pieces;

    @Override
    public int queue() {
        return 0;
    }

    @Override
    public void request(VhostUserSession session, VhostUserSession.Ring ring, int descriptors) {
        pieces = descriptors / 2;
        last++;
        var addresses = new long[descriptors];
        var lengths = new int[descriptors];
        for (int i = 0; i < descriptors; i++) {
            addresses[i] = place(session.memory()) + (long) PIECE * i;
            lengths[i] = PIECE;
            ForeignMemory.putLong(session.memory().host(addresses[i]), i < pieces ? last + i : 0);
        }
        ring.queue().add(addresses, lengths, descriptors, pieces);
        VhostUserSession.publish(ring);
    }

    @Override
    public void check(VhostUserSession session) {
        for (int i = 0; i < pieces; i++) {
            long at = place(session.memory()) + (long) PIECE * (pieces + i);
            long seen = ForeignMemory.getLong(session.memory().host(at));
            if (seen != last + i) {
                throw new AssertionError("piece " + i + " of " + last + " is " + seen);
            }
        }
    }

    private static long place(DriverMemory memory) {
        return DriverMemory.GUEST_BASE + memory.size() - FROM_END;
    }
}
