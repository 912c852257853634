package io.vireo.fabric.storage.mirror;

import io.vireo.block.BlockRequest;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** One copy of a mirror. */
final class Leg {
    enum State {
        /** It holds everything, and is read. */
        IN_SYNC,
        /** It is here; its header does not say yet that it is out of date. */
        JOINING,
        /** It is written to, and gets what it lacks. */
        SYNCING,
        /** It is here, and nothing is done with it. */
        FAILED,
        /** It is not here. */
        ABSENT
    }

    final int index;
    final int bit;
    UUID uuid;
    State state;
    @Nullable LegQueue queue;

    /** The place of its newest header. */
    int place;

    /** The generation from which on it is not in sync; 0: it never was. */
    long leftAt;

    /** Whether regions without a bit may differ too. */
    boolean whole;

    /** It has everything, and is to be called in sync. */
    boolean promoted;

    /** It is an empty device that took the place of another one, and may have no header yet. */
    boolean fresh;

    /** All bits of the bitmap are durable on it too, so that it may be in sync. */
    boolean marked;

    /** It lacks more since it was flushed last. */
    boolean behind;

    /** How often it failed and came back. */
    int joins;

    /** Why it is not in sync. */
    String why = "";

    Leg(int index, UUID uuid, State state) {
        this.index = index;
        this.bit = 1 << index;
        this.uuid = uuid;
        this.state = state;
    }

    /** Whether it is written to. */
    boolean isLive() {
        return state == State.IN_SYNC || state == State.SYNCING;
    }

    /** Whether its disk has requests, be they given up or not. */
    boolean isHeld() {
        LegQueue here = queue;
        return here != null && here.load() > 0;
    }

    /** Has all that its disk has not answered fail. */
    void giveUp() {
        LegQueue here = queue;
        if (here != null) {
            here.giveUp();
        }
    }

    void submit(BlockRequest request) {
        LegQueue here = queue;
        if (here == null) {
            throw new IllegalStateException("leg " + index + " is not here");
        }
        here.submit(request);
    }
}
