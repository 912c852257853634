package io.vireo.fabric.l2.bond;

import io.vireo.net.FrameBatch;
import io.vireo.net.NetPort;
import io.vireo.net.PortState;
import java.util.Arrays;

/**
 * One member at a time: the first in the order of preference whose link is up. To a preferred one
 * that comes back traffic returns after a delay, to any other at once.
 */
final class ActiveBackup implements MemberPolicy {
    private static final int NONE = -1;
    private static final long DOWN = Long.MAX_VALUE;

    private final NetPort[] ports;
    private final long failBackNanos;
    private final int[] sender = {NONE};

    // When each link came up; DOWN: it is not.
    private final long[] upSince;

    private volatile int active = NONE;
    private int last = NONE;
    private long moves;
    private long wakeup = Long.MAX_VALUE;

    ActiveBackup(NetPort[] ports, long failBackNanos) {
        this.ports = ports;
        this.failBackNanos = failBackNanos;
        upSince = new long[ports.length];
        Arrays.fill(upSince, DOWN);
    }

    @Override
    public void evaluate(long now) {
        for (int i = 0; i < ports.length; i++) {
            if (ports[i].state() == PortState.DOWN) {
                upSince[i] = DOWN;
            } else if (upSince[i] == DOWN) {
                upSince[i] = now;
            }
        }
        wakeup = Long.MAX_VALUE;
        int chosen = choose(now);
        active = chosen;
        sender[0] = chosen;
        if (chosen != NONE) {
            if (last != NONE && chosen != last) {
                moves++;
            }
            last = chosen;
        }
    }

    private int choose(long now) {
        int current = active;
        boolean lost = current == NONE || upSince[current] == DOWN;
        for (int i = 0; i < ports.length; i++) {
            if (i == current && !lost) {
                return i;
            }
            if (upSince[i] != DOWN) {
                if (lost || now - upSince[i] >= failBackNanos) {
                    return i;
                }
                wakeup = Math.min(wakeup, upSince[i] + failBackNanos);
            }
        }
        return NONE;
    }

    @Override
    public long nextWakeup() {
        return wakeup;
    }

    @Override
    public int[] senders() {
        return sender;
    }

    @Override
    public int senderCount() {
        return sender[0] == NONE ? 0 : 1;
    }

    @Override
    public boolean accepts(int member) {
        return member == sender[0];
    }

    @Override
    public boolean inspect(int member, FrameBatch batch) {
        return false;
    }

    @Override
    public long moves() {
        return moves;
    }

    @Override
    public String describe(int member) {
        if (member == active) {
            return "active";
        }
        return ports[member].state() == PortState.UP ? "backup" : "down";
    }

    @Override
    public String trouble() {
        return "";
    }
}
