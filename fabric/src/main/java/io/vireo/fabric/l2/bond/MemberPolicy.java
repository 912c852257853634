package io.vireo.fabric.l2.bond;

import io.vireo.net.FrameBatch;

/** Decides which members of a bond are used. All on the bond's reactor but {@link #describe}. */
interface MemberPolicy {
    /** Looks at links and clock again, after a change, a wake-up or while sending. */
    void evaluate(long now);

    /**
     * Time of the next call of {@link #evaluate} that is needed, {@link Long#MAX_VALUE} if none.
     */
    long nextWakeup();

    /** Members that frames leave by now, the first {@link #senderCount} of the array. */
    int[] senders();

    int senderCount();

    /** Whether frames that arrive at a member are taken. */
    boolean accepts(int member);

    /**
     * Looks at what arrived at a member for frames to itself.
     *
     * @return whether there were some, so that anything may have changed
     */
    boolean inspect(int member, FrameBatch batch);

    /** How often the stations behind the bond came to be at another place for the other side. */
    long moves();

    /** What a member does, in a word. Any thread. */
    String describe(int member);

    /** What is wrong with the other side and what to do; empty if nothing. Any thread. */
    String trouble();
}
