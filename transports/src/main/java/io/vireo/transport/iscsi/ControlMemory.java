package io.vireo.transport.iscsi;

import io.vireo.memory.ScatterGatherList;
import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.Queue;

/**
 * Memory of the pool for the data of a session's NOPs and texts, from their coming until the answer
 * has gone: bounded, part of what the session holds, and known for how long it is held.
 */
final class ControlMemory {
    /** Bytes of the pool that a session may hold for these data. */
    static final int MOST = 1 << 20;

    private record Piece(ScatterGatherList list, int cost, int since) {}

    private final Session session;
    private final ReactorSide side;

    /** In the order in which they were taken. */
    private final Queue<Piece> pieces = new ArrayDeque<>();

    private int held;
    private int ticks;

    ControlMemory(Session session, ReactorSide side) {
        this.session = session;
        this.side = side;
    }

    /**
     * Takes memory for {@code length} bytes, at least 1, into an empty list.
     *
     * @return false if the session has its most, or the pool has not enough
     */
    boolean take(ScatterGatherList list, int length) {
        int cost = BufferPool.cost(length);
        if (held + cost > MOST) {
            return false;
        }
        if (!side.pool().add(list, length, true)) {
            session.goesShort();
            return false;
        }
        charge(cost);
        pieces.add(new Piece(list, cost, ticks));
        return true;
    }

    /** Gives what was taken into a list back, if there is something in it. */
    void release(ScatterGatherList list) {
        Iterator<Piece> each = pieces.iterator();
        while (each.hasNext()) {
            Piece piece = each.next();
            if (piece.list() == list) {
                each.remove();
                charge(-piece.cost());
                side.pool().release(list);
                side.released();
                return;
            }
        }
    }

    private void charge(int bytes) {
        held += bytes;
        session.commands().charge(bytes);
    }

    /** Called at each tick. Whether some of it is held for more than so many ticks. */
    boolean hoards(int most) {
        ticks++;
        Piece oldest = pieces.peek();
        return oldest != null && ticks - oldest.since() > most;
    }
}
