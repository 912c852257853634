package io.vireo.testkit.hostile;

import io.vireo.linux.ForeignMemory;
import io.vireo.testkit.DriverMemory;
import io.vireo.testkit.VhostUserSession;
import io.vireo.testkit.VhostUserSession.Ring;
import java.nio.file.Path;

/**
 * An initiator that keeps the rules, with a virtio SCSI host device of its own: one command after
 * the other. One thread.
 */
final class ScsiClient implements AutoCloseable {
    private static final int RING = 16;
    private static final long AT = DriverMemory.GUEST_BASE + Attempt.MEMORY / 2;
    private static final long DATA = AT + ScsiPlace.SIZE;

    private final DriverMemory memory = new DriverMemory(Attempt.MEMORY);
    private final VhostUserSession session;
    private final Ring requests;
    private final Ring control;
    private final ScsiPlace place = new ScsiPlace(memory, AT);
    private long tag;
    private boolean underWay;

    ScsiClient(Path socket) {
        session = VhostUserSession.open(socket, memory);
        control = session.start(ScsiControlDriver.QUEUE, RING);
        requests = session.start(ScsiDriver.QUEUE, RING);
    }

    /**
     * A command that has to succeed at LUN 0.
     *
     * @param out what it sends
     * @param room how much it reads at most
     * @return what it read, all of the room
     */
    byte[] run(byte[] cdb, byte[] out, int room) {
        begin(cdb, out, room);
        end();
        var in = new byte[room];
        ForeignMemory.copyToArray(memory.host(DATA), in, 0, room);
        return in;
    }

    /** Begins a command at LUN 0 and does not wait for its end. */
    void begin(byte[] cdb, byte[] out, int room) {
        place.write(ScsiPlace.LUN_0, ++tag, cdb);
        ForeignMemory.fill(memory.host(DATA), room, (byte) ScsiPlace.PENDING);
        ForeignMemory.copyFromArray(out, 0, memory.host(DATA), out.length);
        boolean sends = out.length > 0;
        var addresses = new long[] {place.header(), place.response(), DATA};
        var lengths = new int[] {ScsiPlace.HEADER, ScsiPlace.RESPONSE, room};
        if (sends) {
            addresses = new long[] {place.header(), DATA, place.response()};
            lengths = new int[] {ScsiPlace.HEADER, out.length, ScsiPlace.RESPONSE};
        }
        requests.queue().add(addresses, lengths, sends || room > 0 ? 3 : 2, sends ? 2 : 1);
        VhostUserSession.publish(requests);
        underWay = true;
    }

    /** What was begun, if anything was, has to succeed. */
    void end() {
        if (awaitEnd() && !place.isGood()) {
            throw new AssertionError(place.toString());
        }
    }

    private boolean awaitEnd() {
        boolean begun = underWay;
        if (begun) {
            VhostUserSession.awaitUsed(requests);
            underWay = false;
        }
        return begun;
    }

    /** Takes away what LUN 0 has to tell. */
    void listen() {
        do {
            begin(new byte[6], new byte[0], 0);
            awaitEnd();
        } while (place.isUnitAttention());
    }

    /** LOGICAL UNIT RESET of LUN 0. */
    void reset() {
        int function = ScsiControlDriver.LOGICAL_UNIT_RESET;
        ScsiControlDriver.write(memory, AT, 0, function, ScsiPlace.LUN_0, 0);
        long response = AT + ScsiControlDriver.REQUEST;
        var lengths = new int[] {ScsiControlDriver.REQUEST, 1};
        control.queue().add(new long[] {AT, response}, lengths, 2, 1);
        VhostUserSession.publish(control);
        VhostUserSession.awaitUsed(control);
        if (ForeignMemory.getByte(memory.host(response)) != ScsiPlace.OK) {
            throw new AssertionError("a reset has failed");
        }
    }

    @Override
    public void close() {
        session.close();
        memory.close();
    }
}
