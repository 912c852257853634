package io.vireo.transport.iscsi;

import io.vireo.linux.Epoll;
import io.vireo.linux.Errno;
import io.vireo.linux.TcpSocket;
import io.vireo.memory.OwnMemory;
import io.vireo.memory.ScatterGatherList;
import io.vireo.reactor.FdWatch;
import io.vireo.reactor.Timer;
import io.vireo.scsi.NexusListener;
import io.vireo.scsi.ScsiNexus;
import io.vireo.scsi.ScsiTask;
import io.vireo.scsi.TaskManagement;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A normal session in full-feature phase, with its one connection (RFC 7143, 4.2 and 11). Error
 * recovery level 0: what cannot be answered within the protocol ends the session, and the initiator
 * logs in anew.
 *
 * <p>All methods are called on its reactor.
 */
final class Session implements Inbound.Handler, NexusListener {
    /** Commands that an initiator may have in flight. */
    static final int WINDOW = 128;

    /** Those that are marked immediate come on top. */
    static final int IMMEDIATE_ROOM = 16;

    private static final int MAX_CONTROL = 64;

    /** Ticks for which it is remembered that there was no memory. */
    private static final int MOMENT = 2;

    /** What a session is told at its beginning. */
    record Start(
            TcpSocket socket,
            ReactorSide side,
            SessionParameters parameters,
            SessionIdentity identity,
            String targetName,
            SendTargets targets,
            SessionCounters counters,
            int maxTransfer,
            int expCmdSn,
            int statSn) {}

    /** Who is told of a session. */
    interface Owner {
        /** Opens the nexus. */
        ScsiNexus open(Session session);

        /** The initiator asked for a TARGET COLD RESET: all sessions of the target end. */
        void coldReset();

        /** The session is over, everything is given back: {@code why} in a sentence. */
        void ended(Session session, String why);
    }

    private final Start start;
    private final ReactorSide side;
    private final TcpSocket socket;
    private final Owner owner;
    private final OwnMemory memory;
    private final Inbound inbound;
    private final Outbound outbound;
    private final Commands commands;
    private final SessionControl control;

    private SessionParameters parameters;
    private @Nullable ScsiNexus nexus;
    private @Nullable FdWatch watch;
    private final Timer logoutTimer;
    private int watched;
    private boolean open = true;
    private boolean leaving;
    private boolean closingNexus;
    private boolean blocked;
    private int expCmdSn;
    private int maxCmdSn;
    private int statSn;
    private int controlQueued;
    private long lastReceived;
    private long pinged;
    private int seenSends;
    private int stalledTicks;
    private int shortTicks;
    private boolean hoards;
    private String why = "";

    Session(Start start, Owner owner) {
        this.start = start;
        this.owner = owner;
        side = start.side();
        socket = start.socket();
        parameters = start.parameters();
        expCmdSn = start.expCmdSn();
        statSn = start.statSn();
        maxCmdSn = expCmdSn + WINDOW - 1;
        memory = OwnMemory.reserve(Inbound.MEMORY + Outbound.MEMORY);
        inbound = new Inbound(socket, memory, 0, side.pool(), parameters, this);
        outbound = new Outbound(socket, memory, Inbound.MEMORY, side.pool(), parameters);
        commands =
                new Commands(
                        this,
                        side,
                        inbound,
                        WINDOW + IMMEDIATE_ROOM,
                        start.maxTransfer(),
                        start.counters());
        control = new SessionControl(this, side, inbound, start.targets());
        logoutTimer = side.reactor().timer(this::logoutIsOverdue);
    }

    SessionIdentity identity() {
        return start.identity();
    }

    SessionParameters parameters() {
        return parameters;
    }

    /** iSCSI name of the target. */
    String targetName() {
        return start.targetName();
    }

    SessionCounters counters() {
        return start.counters();
    }

    /** Opens the nexus and begins to serve. */
    void begin() {
        lastReceived = side.reactor().nanoTime();
        side.add(this);
        try {
            nexus = owner.open(this);
        } catch (RuntimeException e) {
            end("its nexus cannot be opened: " + e.getMessage());
            return;
        }
        watched = Epoll.EPOLLIN;
        watch = side.reactor().watch(socket.fd().number(), watched, this::ready);
    }

    ScsiNexus nexus() {
        ScsiNexus present = nexus;
        if (present == null) {
            throw new IllegalStateException("the session has no nexus");
        }
        return present;
    }

    boolean isOpen() {
        return open;
    }

    private void ready(int events) {
        if ((events & Epoll.EPOLLOUT) != 0) {
            blocked = false;
            flush();
        }
        if (!open) {
            return;
        }
        if (receptive()) {
            receive();
        } else if ((events & (Epoll.EPOLLHUP | Epoll.EPOLLERR)) != 0) {
            end("the connection broke");
        }
    }

    private void receive() {
        int result = inbound.receive();
        if (result < 0 && open) {
            end(
                    result == -Errno.EPIPE
                            ? "the initiator closed the connection"
                            : "receiving failed: " + Errno.name(-result));
            return;
        }
        flush();
    }

    /** Sends what waits; from then on the kernel tells when it takes more. */
    private void flush() {
        boolean wasDeaf = !receptive();
        while (open && !blocked && !outbound.isEmpty()) {
            int result = outbound.flush();
            if (result == -Errno.EAGAIN) {
                blocked = true;
            } else if (result < 0) {
                end("sending failed: " + Errno.name(-result));
            }
        }
        if (!open) {
            return;
        }
        updateWatch();
        if (wasDeaf && receptive()) {
            // What arrived meanwhile may be in our own buffer already.
            side.reactor()
                    .execute(() -> {
                        if (open) {
                            receive();
                        }
                    });
        }
    }

    private void updateWatch() {
        int events = (receptive() ? Epoll.EPOLLIN : 0) | (blocked ? Epoll.EPOLLOUT : 0);
        if (watch != null && events != watched) {
            watched = events;
            watch.modify(events);
        }
    }

    @Override
    public boolean receptive() {
        return open && !leaving && controlQueued < MAX_CONTROL;
    }

    // What is sent.

    /** Queues; it goes when the work of this moment is done. */
    void send(Outgoing outgoing) {
        outbound.add(outgoing);
    }

    /** Queues a rare PDU. */
    void sendControl(HeapPdu pdu, ScatterGatherList data, boolean status, Runnable onSent) {
        controlQueued++;
        send(new ControlPdu(this, pdu, data, status, onSent));
    }

    void controlSent(ScatterGatherList data, Runnable then) {
        controlQueued--;
        // Not now: this is called in the middle of sending.
        side.reactor().execute(then);
        control.memory().release(data);
    }

    /**
     * Writes the sequence numbers of a PDU.
     *
     * @param status whether it uses up a number
     */
    void stamp(long pdu, boolean status) {
        int last = expCmdSn + WINDOW - commands.open() - 1;
        if (SerialNumber.isBefore(maxCmdSn, last)) {
            maxCmdSn = last;
        }
        Wire.putInt(pdu + Pdu.STAT_SN, status ? statSn++ : statSn);
        Wire.putInt(pdu + Pdu.EXP_CMD_SN, expCmdSn);
        Wire.putInt(pdu + Pdu.MAX_CMD_SN, maxCmdSn);
    }

    /** The last PDU of a command is being written: its place is free for another one. */
    void ending(IscsiTask task) {
        commands.ending(task);
    }

    void sent(IscsiTask task) {
        commands.release(task);
    }

    boolean mayHold(IscsiTask task) {
        return commands.mayHold(task);
    }

    boolean takeMemory(IscsiTask task) {
        return commands.takeMemory(task);
    }

    /** The memory that a task waited for is there. */
    void hasMemory(IscsiTask task) {
        commands.hasMemory(task);
        flush();
    }

    // What is received.

    @Override
    public void header(long bhs, int additional, int data) {
        lastReceived = side.reactor().nanoTime();
        pinged = 0;
        int opcode = Wire.getU8(bhs) & Pdu.OPCODE_MASK;
        switch (opcode) {
            case Pdu.SCSI_COMMAND -> {
                if (inOrder(bhs)) {
                    commands.command(bhs, additional, data);
                }
            }
            case Pdu.DATA_OUT -> commands.dataOut(bhs, data);
            case Pdu.NOP_OUT, Pdu.TASK_MANAGEMENT_REQUEST, Pdu.TEXT_REQUEST, Pdu.LOGOUT_REQUEST -> {
                if (inOrder(bhs)) {
                    control.header(bhs, data);
                }
            }
            case Pdu.SNACK_REQUEST -> control.reject(bhs, Pdu.REASON_SNACK);
            case Pdu.LOGIN_REQUEST -> violation(bhs, "it logs in again on the same connection");
            default -> control.reject(bhs, Pdu.REASON_NOT_SUPPORTED);
        }
    }

    /**
     * Checks CmdSN (RFC 7143, 4.2.2.1). What is outside of the window is ignored, as it asks for; a
     * gap cannot close on one connection.
     */
    private boolean inOrder(long bhs) {
        if ((Wire.getU8(bhs) & Pdu.IMMEDIATE) != 0) {
            return true;
        }
        int cmdSn = Wire.getInt(bhs + Pdu.CMD_SN);
        if (!SerialNumber.isWithin(cmdSn, expCmdSn, maxCmdSn)) {
            counters().ignored();
            return false;
        }
        if (cmdSn != expCmdSn) {
            violation(bhs, "a CmdSN was left out");
            return false;
        }
        expCmdSn++;
        return true;
    }

    @Override
    public void complete() {
        if (!commands.complete()) {
            control.complete();
        }
    }

    /**
     * RFC 7143, 7.8: the PDU is rejected, and a command whose data they were is to be repeated. One
     * that was rejected by its header, or is ignored, gets nothing more.
     */
    @Override
    public void wrongDataDigest(long bhs) {
        counters().digestError();
        if (commands.isReceiving() || control.isReceiving()) {
            control.reject(bhs, Pdu.REASON_DATA_DIGEST);
        }
        if (!commands.completeSpoiled()) {
            control.abandon();
        }
    }

    @Override
    public void malformed(String rule) {
        counters().violation();
        end(rule);
    }

    /**
     * The initiator broke a rule beyond what can be answered: it is told so, and the session ends.
     */
    void violation(long bhs, String rule) {
        counters().violation();
        control.reject(bhs, Pdu.REASON_PROTOCOL_ERROR);
        outbound.flush();
        end(rule);
    }

    /** The initiator takes longer, or only shorter, data segments from now on. */
    void sendSegment(int length) {
        parameters = parameters.withSendSegment(length);
    }

    // What the nexus tells.

    @Override
    public void completed(ScsiTask task) {
        commands.completed(task);
    }

    @Override
    public void managed(TaskManagement function) {
        control.managed(function);
    }

    @Override
    public void settled() {
        flush();
    }

    @Override
    public void linkChanged(boolean up) {
        if (!up) {
            dismiss("the link of the vHBA is down");
        }
    }

    @Override
    public void unitAdded(long lun) {
        control.unitsChanged(lun);
    }

    @Override
    public void unitRemoved(long lun) {
        control.unitsChanged(lun);
    }

    @Override
    public void unitChanged(long lun, int asc, int ascq) {
        // The initiator learns it by the unit attention that its next command gets.
    }

    // Time, and the end.

    /** Called every few seconds. */
    void tick(long now) {
        if (!open) {
            return;
        }
        Patience patience = side.patience();
        boolean progress = !blocked || outbound.sends() != seenSends;
        seenSends = outbound.sends();
        stalledTicks = progress ? 0 : stalledTicks + 1;
        shortTicks = Math.max(0, shortTicks - 1);
        hoards = commands.hoards(patience.ticks());
        hoards |= control.memory().hoards(patience.ticks());
        if (commands.isStuck(now - patience.patienceNanos())) {
            end("the data of a command did not come");
        } else if (stalledTicks > patience.ticks()) {
            end("the initiator does not read");
        } else if (pinged != 0 && now - pinged >= patience.silenceNanos()) {
            end("the initiator does not answer a NOP-In");
        } else if (pinged == 0 && now - lastReceived >= patience.silenceNanos()) {
            pinged = now;
            control.ping();
            flush();
        }
    }

    /** Whether it is there and has kept memory, which its initiator could free, for too long. */
    boolean hoards() {
        return open && hoards;
    }

    /** Bytes of the pool that it holds. */
    int held() {
        return commands.held();
    }

    /** There was no memory for what came unasked. */
    void goesShort() {
        shortTicks = MOMENT;
    }

    boolean wentShort() {
        return shortTicks > 0;
    }

    /** Tells the initiator that its session ends, if it still reads, and ends it. */
    void dismiss(String reason) {
        if (open) {
            control.announceEnd();
            flush();
            end(reason);
        }
    }

    /**
     * Asks the initiator to log out (RFC 7143, 11.9, event 1); a session that is still there after
     * that time is ended. Until then it is served as before. The last time asked for counts.
     */
    void requestLogout(int seconds) {
        if (!open) {
            return;
        }
        logoutTimer.start(TimeUnit.SECONDS.toNanos(seconds));
        if (!leaving) {
            control.requestLogout(seconds);
            flush();
        }
    }

    private void logoutIsOverdue() {
        control.announceDrop();
        flush();
        end("the initiator did not log out when it was asked to");
    }

    /**
     * Ends the session: the nexus is closed, and when its last command has ended all is given back.
     */
    void end(String reason) {
        if (!open) {
            return;
        }
        open = false;
        why = reason;
        logoutTimer.cancel();
        if (watch != null) {
            watch.close();
        }
        socket.close();
        outbound.clear();
        commands.abandonAll();
        control.abandon();
        ScsiNexus present = nexus;
        if (present != null) {
            present.close(this::ended);
        } else if (!closingNexus) {
            ended();
        }
    }

    private void ended() {
        side.remove(this);
        // A PDU may be in the middle of being taken apart, further up the stack.
        side.reactor().execute(memory::close);
        owner.ended(this, why);
    }

    /**
     * Aborts all commands; {@code then} runs when the last one has ended, unless the connection
     * breaks before that. From here on the session takes nothing from the initiator.
     */
    void quiesce(Runnable then) {
        leaving = true;
        commands.abandonAll();
        ScsiNexus present = nexus();
        nexus = null;
        closingNexus = true;
        present.close(() -> {
            closingNexus = false;
            if (open) {
                then.run();
                flush();
            } else {
                ended();
            }
        });
    }

    SessionControl control() {
        return control;
    }

    Commands commands() {
        return commands;
    }

    Owner owner() {
        return owner;
    }
}
