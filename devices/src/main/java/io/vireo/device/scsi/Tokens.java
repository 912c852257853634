package io.vireo.device.scsi;

import io.vireo.reactor.Timer;
import io.vireo.scsi.ScsiInitiator;
import java.util.ArrayDeque;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** The tokens that stand for data of a unit. Of the unit's reactor. */
final class Tokens {
    /** Tokens of a unit at most: the oldest is forgotten for a new one. */
    private static final int MAX = 256;

    /** Tokens of one initiator port at most: its own oldest is forgotten, and nobody else's. */
    static final int MAX_OF_ONE = 64;

    private final LogicalUnit unit;
    private final ArrayDeque<RodToken> tokens = new ArrayDeque<>();
    private @Nullable Timer sweep;

    Tokens(LogicalUnit unit) {
        this.unit = unit;
    }

    boolean isEmpty() {
        return tokens.isEmpty();
    }

    /**
     * Makes a token for ranges, each an offset and an end in bytes.
     *
     * @param maker who asks for it
     */
    RodToken make(ScsiInitiator maker, long[] ranges, long inactivitySeconds) {
        long now = unit.owner().nanoTime();
        makeRoom(maker);
        var made =
                new RodToken(
                        unit.identity(),
                        maker,
                        ranges,
                        TimeUnit.SECONDS.toNanos(inactivitySeconds),
                        now);
        tokens.addLast(made);
        sweepLater(now);
        return made;
    }

    private void makeRoom(ScsiInitiator maker) {
        List<RodToken> own = tokens.stream().filter(token -> token.isBy(maker)).toList();
        if (own.size() == MAX_OF_ONE) {
            tokens.remove(own.getFirst());
        } else if (tokens.size() == MAX) {
            tokens.removeFirst();
        }
    }

    /** Forgets those that nobody will ask for any more: writes look at each that there is. */
    private void sweep() {
        sweep = null;
        long now = unit.owner().nanoTime();
        tokens.removeIf(token -> token.forgottenAt() - now <= 0);
        sweepLater(now);
    }

    private void sweepLater(long now) {
        if (tokens.isEmpty()) {
            return;
        }
        long next = Long.MAX_VALUE;
        for (RodToken token : tokens) {
            next = Math.min(next, token.forgottenAt() - now);
        }
        if (sweep != null) {
            sweep.cancel();
        }
        sweep = unit.owner().schedule(next, this::sweep);
    }

    /** Forgets all; the unit is closed. */
    void close() {
        tokens.clear();
        if (sweep != null) {
            sweep.cancel();
            sweep = null;
        }
    }

    /** The token of these bytes, which is used now. */
    @Nullable RodToken use(byte[] presented) {
        for (RodToken token : tokens) {
            if (token.is(presented)) {
                token.used(unit.owner().nanoTime());
                return token;
            }
        }
        return null;
    }

    /** A range of the unit changes. */
    void changed(long offset, long length) {
        for (RodToken token : tokens) {
            token.changed(offset, length);
        }
    }
}
