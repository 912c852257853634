package io.vireo.fabric.l2.bond;

import io.vireo.fabric.l2.packet.OwnFrame;
import io.vireo.net.FrameBatch;
import io.vireo.net.NetPort;
import io.vireo.net.PortState;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Members that a partner agrees to (IEEE 802.1AX). The selection logic (6.4.14) joins the largest
 * set of ports that lead to one system and key of a partner, and stays with it while a port is
 * left. Without a partner nothing passes: ports that a switch does not aggregate would be a loop to
 * it.
 */
final class LacpPolicy implements MemberPolicy {
    /** The machines' timers are of seconds. */
    private static final long TICK_NANOS = TimeUnit.MILLISECONDS.toNanos(200);

    /** Sends LACPDUs and marker responses. */
    @FunctionalInterface
    interface Sender {
        /** Sends a frame of {@link LacpPdu#LENGTH} bytes by a member. */
        void send(int member, OwnFrame frame);
    }

    private final NetPort[] ports;
    private final LacpMachine[] machines;
    private final Sender sender;
    private final long system;
    private final LongSupplier clock;
    private final OwnFrame frame = new OwnFrame();
    private final LacpInfo said = new LacpInfo();
    private final LacpInfo seen = new LacpInfo();
    private final LacpInfo partner = new LacpInfo();
    private final boolean[] collecting;
    private final int[] senders;
    private final String[] words;
    private volatile int senderCount;
    private boolean joined;
    private boolean everJoined;
    private long moves;
    private long wakeup;

    /**
     * Makes a policy for ports whose links are down.
     *
     * @param clock time in nanoseconds, as {@link #evaluate} gets it
     */
    LacpPolicy(NetPort[] ports, long system, boolean fast, Sender sender, LongSupplier clock) {
        this.clock = clock;
        this.ports = ports;
        this.system = system;
        this.sender = sender;
        machines = new LacpMachine[ports.length];
        collecting = new boolean[ports.length];
        senders = new int[ports.length];
        words = new String[ports.length];
        for (int i = 0; i < ports.length; i++) {
            machines[i] = new LacpMachine(system, i + 1, fast);
            words[i] = word(machines[i].mux());
        }
    }

    @Override
    public void evaluate(long now) {
        for (int i = 0; i < ports.length; i++) {
            machines[i].tick(ports[i].state() == PortState.UP, now);
        }
        select();
        for (var machine : machines) {
            machine.tick(machine.receive() != LacpMachine.Receive.PORT_DISABLED, now);
        }
        publish(now);
        wakeup = now + TICK_NANOS;
    }

    /** The selection logic. */
    private void select() {
        if (!joined || count(partner) == 0) {
            joined = false;
            var best = largest();
            if (best != null) {
                if (everJoined && !partner.sameAggregate(best)) {
                    moves++;
                }
                partner.copy(best);
                joined = true;
                everJoined = true;
            }
        }
        for (var machine : machines) {
            machine.select(
                    joined && machine.canAggregate() && machine.partner.sameAggregate(partner));
        }
    }

    private @Nullable LacpInfo largest() {
        LacpInfo best = null;
        int most = 0;
        for (var machine : machines) {
            if (machine.canAggregate() && count(machine.partner) > most) {
                most = count(machine.partner);
                best = machine.partner;
            }
        }
        return best;
    }

    private int count(LacpInfo aggregate) {
        int count = 0;
        for (var machine : machines) {
            if (machine.canAggregate() && machine.partner.sameAggregate(aggregate)) {
                count++;
            }
        }
        return count;
    }

    private void publish(long now) {
        int count = 0;
        for (int i = 0; i < machines.length; i++) {
            var mux = machines[i].mux();
            boolean up = machines[i].receive() != LacpMachine.Receive.PORT_DISABLED;
            collecting[i] =
                    up
                            && (mux == LacpMachine.Mux.COLLECTING
                                    || mux == LacpMachine.Mux.DISTRIBUTING);
            if (up && mux == LacpMachine.Mux.DISTRIBUTING) {
                senders[count++] = i;
            }
            words[i] = up ? word(mux) : "down";
            transmit(i, now);
        }
        senderCount = count;
    }

    private void transmit(int member, long now) {
        var machine = machines[member];
        if (machine.takeTransmit(now)) {
            frame.clear(LacpPdu.LENGTH);
            LacpPdu.write(frame.address(), system, machine.actor, machine.partner);
            sender.send(member, frame);
        }
    }

    @Override
    public long nextWakeup() {
        return wakeup;
    }

    @Override
    public int[] senders() {
        return senders;
    }

    @Override
    public int senderCount() {
        return senderCount;
    }

    @Override
    public boolean accepts(int member) {
        return collecting[member];
    }

    @Override
    public boolean inspect(int member, FrameBatch batch) {
        boolean any = false;
        for (int i = 0; i < batch.count; i++) {
            long header = batch.header(i);
            if (LacpPdu.isSlow(header)) {
                slow(member, header, batch.headerLength[i], clock.getAsLong());
                any = true;
            }
        }
        return any;
    }

    private void slow(int member, long header, int length, long now) {
        switch (LacpPdu.subtype(header, length)) {
            case LacpPdu.SUBTYPE_LACP -> {
                if (LacpPdu.readActor(header, said) && LacpPdu.readPartner(header, seen)) {
                    machines[member].received(said, seen, now);
                    evaluate(now);
                }
            }
            case LacpPdu.SUBTYPE_MARKER -> {
                frame.clear(LacpPdu.LENGTH);
                if (LacpPdu.writeMarkerResponse(frame.address(), system, header)) {
                    sender.send(member, frame);
                }
            }
            default -> {
                // Another protocol, or malformed: nobody here listens to it.
            }
        }
    }

    @Override
    public long moves() {
        return moves;
    }

    @Override
    public String describe(int member) {
        return words[member];
    }

    @Override
    public String trouble() {
        return senderCount > 0
                ? ""
                : "No partner agrees to an aggregation: configure LACP on the ports of the switch, or use"
                        + " bondMode active-backup.";
    }

    private static String word(LacpMachine.Mux mux) {
        return mux.name().toLowerCase(Locale.ROOT);
    }

    /** Gives the memory back. */
    void close() {
        frame.close();
    }
}
