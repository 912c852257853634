package io.vireo.fabric.l2.bond;

import static io.vireo.fabric.l2.bond.LacpInfo.ACTIVITY;
import static io.vireo.fabric.l2.bond.LacpInfo.AGGREGATION;
import static io.vireo.fabric.l2.bond.LacpInfo.COLLECTING;
import static io.vireo.fabric.l2.bond.LacpInfo.DEFAULTED;
import static io.vireo.fabric.l2.bond.LacpInfo.DISTRIBUTING;
import static io.vireo.fabric.l2.bond.LacpInfo.EXPIRED;
import static io.vireo.fabric.l2.bond.LacpInfo.SHORT_TIMEOUT;
import static io.vireo.fabric.l2.bond.LacpInfo.SYNCHRONIZATION;

import java.util.concurrent.TimeUnit;

/**
 * The state machines of one port (IEEE 802.1AX-2014, 6.4): Receive (6.4.12), Periodic Transmission
 * (6.4.13) and Mux (6.4.15, independent control). Which ports are selected is decided outside, see
 * {@link LacpPolicy}. Pure: time and events come in by calls, and {@link #takeTransmit} says when
 * to send. We are always active.
 */
final class LacpMachine {
    static final long FAST_NANOS = TimeUnit.SECONDS.toNanos(1);
    static final long SLOW_NANOS = TimeUnit.SECONDS.toNanos(30);
    static final long SHORT_TIMEOUT_NANOS = 3 * FAST_NANOS;
    static final long LONG_TIMEOUT_NANOS = 3 * SLOW_NANOS;

    /** Time for other ports to come up before a port joins (aggregate wait). */
    static final long WAIT_NANOS = 2 * FAST_NANOS;

    /** At most three LACPDUs in a second (6.4.16). */
    private static final long SPACING_NANOS = FAST_NANOS / 3;

    private static final int AGREED = ACTIVITY | SHORT_TIMEOUT | AGGREGATION | SYNCHRONIZATION;

    enum Receive {
        PORT_DISABLED,
        EXPIRED,
        DEFAULTED,
        CURRENT
    }

    enum Mux {
        DETACHED,
        WAITING,
        ATTACHED,
        COLLECTING,
        DISTRIBUTING
    }

    final LacpInfo actor = new LacpInfo();
    final LacpInfo partner = new LacpInfo();

    private Receive receive = Receive.PORT_DISABLED;
    private Mux mux = Mux.DETACHED;
    private boolean selected;
    private boolean needToTransmit;
    private long currentWhile;
    private long waitWhile;
    private long periodic;
    private boolean periodicFast = true;
    private long lastSent;
    private boolean everSent;

    /**
     * A port whose link is down.
     *
     * @param system our MAC address, octets little-endian
     * @param port its number, from 1
     * @param fast whether the partner is to send every second
     */
    LacpMachine(long system, int port, boolean fast) {
        actor.systemPriority = 0x8000;
        actor.system = system;
        actor.key = 1;
        actor.portPriority = 0x8000;
        actor.port = port;
        actor.state = ACTIVITY | AGGREGATION | (fast ? SHORT_TIMEOUT : 0);
    }

    Receive receive() {
        return receive;
    }

    Mux mux() {
        return mux;
    }

    /** Whether a partner has answered that may be joined with others. */
    boolean canAggregate() {
        return (receive == Receive.CURRENT || receive == Receive.EXPIRED)
                && !actor.has(DEFAULTED)
                && partner.has(AGGREGATION)
                && partner.system != 0;
    }

    /** Selects the port, or not; what follows comes with the next {@link #tick}. */
    void select(boolean select) {
        selected = select;
    }

    /** Tells whether the link is up, and lets time pass. */
    void tick(boolean up, long now) {
        if (!up) {
            disable();
        } else if (receive == Receive.PORT_DISABLED) {
            periodic = now;
            expire(now);
        } else if (receive == Receive.EXPIRED && now - currentWhile >= 0) {
            setDefault();
        } else if (receive == Receive.CURRENT && now - currentWhile >= 0) {
            expire(now);
        }
        runMux(now);
        if (up) {
            runPeriodic(now);
        }
    }

    private void disable() {
        receive = Receive.PORT_DISABLED;
        partner.set(SYNCHRONIZATION, false);
        selected = false;
    }

    private void expire(long now) {
        receive = Receive.EXPIRED;
        partner.set(SYNCHRONIZATION, false);
        partner.set(SHORT_TIMEOUT, true);
        actor.set(EXPIRED, true);
        currentWhile = now + SHORT_TIMEOUT_NANOS;
    }

    private void setDefault() {
        receive = Receive.DEFAULTED;
        selected = false;
        partner.copy(new LacpInfo());
        actor.set(DEFAULTED, true);
        actor.set(EXPIRED, false);
    }

    /**
     * Takes an LACPDU in.
     *
     * @param sender what it says of its sender
     * @param seen what it says of us
     */
    void received(LacpInfo sender, LacpInfo seen, long now) {
        if (receive == Receive.PORT_DISABLED || sender.system == actor.system) {
            // Our own frames come back by a loop, which aggregation does not mend.
            return;
        }
        if (!partner.matches(sender, AGGREGATION)) {
            selected = false;
        }
        if (!seen.matches(actor, AGREED)) {
            needToTransmit = true;
        }
        record(sender, seen);
        receive = Receive.CURRENT;
        actor.set(EXPIRED, false);
        currentWhile = now + (actor.has(SHORT_TIMEOUT) ? SHORT_TIMEOUT_NANOS : LONG_TIMEOUT_NANOS);
        runMux(now);
    }

    /** recordPDU (6.4.9). */
    private void record(LacpInfo sender, LacpInfo seen) {
        boolean knowsUs = seen.matches(actor, AGGREGATION) || !sender.has(AGGREGATION);
        // We are active: so the partner answers if it knows that, whatever it is itself.
        boolean answers = sender.has(ACTIVITY) || seen.has(ACTIVITY);
        partner.copy(sender);
        partner.set(SYNCHRONIZATION, knowsUs && answers && sender.has(SYNCHRONIZATION));
        actor.set(DEFAULTED, false);
    }

    private void runMux(long now) {
        Mux before;
        do {
            before = mux;
            mux = nextMux(now);
            if (mux != before) {
                enter(now);
            }
        } while (mux != before);
    }

    private Mux nextMux(long now) {
        boolean sync = partner.has(SYNCHRONIZATION);
        return switch (mux) {
            case DETACHED -> selected ? Mux.WAITING : mux;
            case WAITING -> !selected ? Mux.DETACHED : now - waitWhile >= 0 ? Mux.ATTACHED : mux;
            case ATTACHED -> !selected ? Mux.DETACHED : sync ? Mux.COLLECTING : mux;
            case COLLECTING ->
                    !selected || !sync
                            ? Mux.ATTACHED
                            : partner.has(COLLECTING) ? Mux.DISTRIBUTING : mux;
            case DISTRIBUTING ->
                    !selected || !sync || !partner.has(COLLECTING) ? Mux.COLLECTING : mux;
        };
    }

    private void enter(long now) {
        if (mux == Mux.WAITING) {
            waitWhile = now + WAIT_NANOS;
            return;
        }
        actor.set(SYNCHRONIZATION, mux != Mux.DETACHED);
        actor.set(COLLECTING, mux == Mux.COLLECTING || mux == Mux.DISTRIBUTING);
        actor.set(DISTRIBUTING, mux == Mux.DISTRIBUTING);
        needToTransmit = true;
    }

    private void runPeriodic(long now) {
        boolean fast = partner.has(SHORT_TIMEOUT);
        if (fast && !periodicFast) {
            needToTransmit = true;
        }
        periodicFast = fast;
        if (now - periodic >= 0) {
            needToTransmit = true;
            periodic = now + (fast ? FAST_NANOS : SLOW_NANOS);
        } else if (fast && periodic - now > FAST_NANOS) {
            periodic = now + FAST_NANOS;
        }
    }

    /** Whether an LACPDU is to be sent now; it is taken as sent. */
    boolean takeTransmit(long now) {
        if (!needToTransmit
                || receive == Receive.PORT_DISABLED
                || (everSent && now - lastSent < SPACING_NANOS)) {
            return false;
        }
        needToTransmit = false;
        everSent = true;
        lastSent = now;
        return true;
    }
}
