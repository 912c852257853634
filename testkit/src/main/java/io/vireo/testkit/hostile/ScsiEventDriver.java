package io.vireo.testkit.hostile;

import io.vireo.linux.ForeignMemory;
import io.vireo.testkit.DriverMemory;
import io.vireo.testkit.VhostUserSession;
import java.nio.file.Path;
import java.util.HexFormat;

/**
 * The driver of the event queue of a virtio SCSI host device: has room for an event (VIRTIO 1.3,
 * 5.6.6.3). The device looks for room when it has something to tell; so a neighbour changes the
 * mode pages of a unit that both see.
 */
public final class ScsiEventDriver implements Driver, AutoCloseable {
    static final int QUEUE = 1;

    /** Bytes of an event. */
    static final int EVENT = 16;

    private static final int PARAMETER_CHANGE = 3;
    private static final int EVENTS_MISSED = 0x8000_0000;
    private static final int FROM_END = 64 * 1024;

    /** MODE SELECT (6) of the control mode page, and the page with TAS. */
    private static final byte[] MODE_SELECT = HexFormat.of().parseHex("151000001000");

    private static final byte[] TASK_ABORTED_STATUS =
            HexFormat.of().parseHex("00000000" + "0a0a02100040" + "0000ffff0000");

    private final ScsiClient neighbour;

    /**
     * A driver for a device that is attacked.
     *
     * @param neighbour socket of another device with the same unit as LUN 0
     */
    public ScsiEventDriver(Path neighbour) {
        this.neighbour = new ScsiClient(neighbour);
        prompt();
    }

    @Override
    public int queue() {
        return QUEUE;
    }

    @Override
    public void request(VhostUserSession session, VhostUserSession.Ring ring, int descriptors) {
        long at = place(session.memory());
        ForeignMemory.fill(session.memory().host(at), EVENT, (byte) ScsiPlace.PENDING);
        var addresses = new long[descriptors];
        var lengths = new int[descriptors];
        for (int i = 0; i < descriptors; i++) {
            addresses[i] = at + i;
            lengths[i] = i == descriptors - 1 ? EVENT - i : 1;
        }
        ring.queue().add(addresses, lengths, descriptors, 0);
        VhostUserSession.publish(ring);
        prompt();
    }

    /**
     * Has the device tell something, soon: a reset takes the mode pages back to what they were, and
     * away that the last change was told.
     */
    @Override
    public void prompt() {
        neighbour.end();
        neighbour.reset();
        neighbour.listen();
        neighbour.begin(MODE_SELECT, TASK_ABORTED_STATUS, 0);
    }

    @Override
    public void check(VhostUserSession session) {
        long at = session.memory().host(place(session.memory()));
        int type = ForeignMemory.getInt(at) & ~EVENTS_MISSED;
        long lun = Long.reverseBytes(ForeignMemory.getLong(at + 4));
        if (type != PARAMETER_CHANGE || lun != ScsiPlace.LUN_0) {
            throw new AssertionError("event %d of %016x".formatted(type, lun));
        }
    }

    private static long place(DriverMemory memory) {
        return DriverMemory.GUEST_BASE + memory.size() - FROM_END;
    }

    @Override
    public void close() {
        neighbour.close();
    }
}
