package io.vireo.testkit.hostile;

import io.vireo.testkit.DriverMemory;
import io.vireo.testkit.VhostUserSession;

/** The driver of a virtio SCSI host device: reads the first blocks of LUN 0. */
public final class ScsiDriver implements Driver {
    /** The first request queue. */
    static final int QUEUE = 2;

    static final int BLOCK = 512;
    private static final int FROM_END = 64 * 1024;

    private long tag;

    @Override
    public int queue() {
        return QUEUE;
    }

    @Override
    public void request(VhostUserSession session, VhostUserSession.Ring ring, int descriptors) {
        var place = place(session);
        int blocks = descriptors - 2;
        place.write(ScsiPlace.LUN_0, ++tag, read(0, blocks));
        var addresses = new long[descriptors];
        var lengths = new int[descriptors];
        addresses[0] = place.header();
        lengths[0] = ScsiPlace.HEADER;
        addresses[1] = place.response();
        lengths[1] = ScsiPlace.RESPONSE;
        for (int i = 0; i < blocks; i++) {
            addresses[2 + i] = place.header() + ScsiPlace.SIZE + (long) BLOCK * i;
            lengths[2 + i] = BLOCK;
        }
        ring.queue().add(addresses, lengths, descriptors, 1);
        VhostUserSession.publish(ring);
    }

    /** READ (10). */
    static byte[] read(int block, int blocks) {
        return transfer(0x28, block, blocks);
    }

    /** WRITE (10). */
    static byte[] write(int block, int blocks) {
        return transfer(0x2A, block, blocks);
    }

    private static byte[] transfer(int operation, int block, int blocks) {
        return new byte[] {
            (byte) operation,
            0,
            (byte) (block >> 24),
            (byte) (block >> 16),
            (byte) (block >> 8),
            (byte) block,
            0,
            (byte) (blocks >> 8),
            (byte) blocks,
            0
        };
    }

    /** What a nexus is told when it begins is an answer, too. */
    @Override
    public void check(VhostUserSession session) {
        var place = place(session);
        if (!place.isUnitAttention() && (!place.isGood() || place.residual() != 0)) {
            throw new AssertionError("a read of block 0 has " + place);
        }
    }

    @Override
    public void exchange(VhostUserSession session, VhostUserSession.Ring ring, int descriptors) {
        do {
            request(session, ring, descriptors);
            VhostUserSession.awaitUsed(ring);
            check(session);
        } while (place(session).isUnitAttention());
    }

    private static ScsiPlace place(VhostUserSession session) {
        var memory = session.memory();
        return new ScsiPlace(memory, DriverMemory.GUEST_BASE + memory.size() - FROM_END);
    }
}
