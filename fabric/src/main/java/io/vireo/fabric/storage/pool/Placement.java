package io.vireo.fabric.storage.pool;

import java.util.Optional;

/**
 * On which members a volume's next chunks lie. Each volume has a turn of its own: with one for all,
 * two volumes that are written at the same time could each get all of their chunks on one member.
 * Of the home reactor, but for what is wanted.
 */
final class Placement {
    /** Whether in turn; empty: as the pool says. */
    private volatile Optional<Boolean> striped = Optional.empty();

    /** The member that is asked first if they lie in turn, modulo the number of members. */
    private int turn;

    /**
     * @param number of the volume: volumes do not all begin at the same member
     */
    Placement(long number) {
        turn = (int) (number & 0xFF);
    }

    /** Says what is wanted; any thread. */
    void striped(Optional<Boolean> inTurn) {
        striped = inTurn;
    }

    /**
     * The member that is asked first for a chunk; the others follow it in their order.
     *
     * @param members how many there are
     * @param poolIsStriped what holds if nothing is wanted
     */
    int first(int members, boolean poolIsStriped) {
        return striped.orElse(poolIsStriped) ? turn % members : 0;
    }

    /** A member gave a chunk. */
    void took(int member) {
        turn = member + 1;
    }
}
