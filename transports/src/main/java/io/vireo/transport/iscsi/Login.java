package io.vireo.transport.iscsi;

import io.vireo.linux.TcpSocket;
import io.vireo.linux.UnixSocket;
import io.vireo.scsi.ScsiInitiator;
import io.vireo.transport.iscsi.LoginMachine.Outcome;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A connection that logs in: from accept to the hand-over to a session, to a discovery session, or
 * to its end. On the control reactor.
 */
final class Login implements ControlConnection.Handler {
    /** From accept to the full-feature phase. */
    static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(30);

    private static final long LINGER_NANOS = TimeUnit.SECONDS.toNanos(2);

    private final Portal portal;
    private final String peer;
    private final LoginMachine machine;
    private @Nullable ControlConnection connection;
    private @Nullable Admission admission;
    private int statSn;
    private int expCmdSn;
    private boolean over;

    Login(Portal portal, String peer) {
        this.portal = portal;
        this.peer = peer;
        machine = new LoginMachine(portal);
    }

    void begin(ControlConnection from) {
        connection = from;
    }

    private ControlConnection connection() {
        ControlConnection present = connection;
        if (present == null) {
            throw new IllegalStateException("the login has not begun");
        }
        return present;
    }

    @Override
    public void pdu(HeapPdu pdu) {
        if (over) {
            return;
        }
        portal.loggingIn(this);
        expCmdSn = pdu.integer(Pdu.CMD_SN);
        if (statSn == 0) {
            // The initiator tells what it expects; any number would do.
            statSn = pdu.integer(Pdu.EXP_STAT_SN);
        }
        try {
            HeapPdu response = machine.request(pdu);
            var outcome = machine.outcome();
            if (outcome.isEmpty()) {
                send(response, () -> {});
            } else if (outcome.get().discovery()) {
                discover(pdu, response, outcome.get());
            } else {
                admit(pdu, response, outcome.get());
            }
        } catch (LoginException e) {
            refuse(e);
        } catch (IllegalArgumentException e) {
            refuse(
                    new LoginException(
                            LoginException.INITIATOR_ERROR, String.valueOf(e.getMessage())));
        }
    }

    private void send(HeapPdu response, Runnable then) {
        response.put(Pdu.STAT_SN, statSn++)
                .put(Pdu.EXP_CMD_SN, expCmdSn)
                .put(Pdu.MAX_CMD_SN, expCmdSn + Session.WINDOW - 1);
        connection().send(response, then);
    }

    private void refuse(LoginException why) {
        portal.refused(who(), why);
        over = true;
        admission = null;
        // Closed at once, what the initiator has sent meanwhile would take the refusal from it.
        connection().extend(LINGER_NANOS);
        send(machine.refusal(why), () -> connection().socket().shutdown(UnixSocket.SHUT_WR));
    }

    /** Whether it is right, and waits only for its place. */
    boolean isRight() {
        return admission != null;
    }

    private String who() {
        return machine.initiator().isEmpty() ? peer : machine.initiator() + " (" + peer + ")";
    }

    private void discover(HeapPdu request, HeapPdu response, Outcome outcome) {
        int tsih = portal.transport().nextTsih();
        response.put16(Pdu.TSIH, tsih);
        portal.loginEnded(this);
        send(response, () -> {});
        portal.discovers(
                new Discovery(
                        portal,
                        connection(),
                        outcome,
                        who(),
                        expCmdSn,
                        statSn,
                        request.u16(Pdu.CID)));
    }

    private void admit(HeapPdu request, HeapPdu response, Outcome outcome) {
        TargetNode target = portal.node(outcome.target().orElseThrow());
        var identity =
                new SessionIdentity(
                        new ScsiInitiator.Iscsi(outcome.initiator(), outcome.isid()),
                        portal.portalGroup(),
                        target.nextTsih(),
                        request.u16(Pdu.CID),
                        peer,
                        portal.name());
        connection().pause();
        var waiting =
                new Admission(
                        identity,
                        place -> {
                            response.put16(Pdu.TSIH, identity.tsih());
                            send(response, () -> handOver(place, outcome));
                        },
                        this::refuse);
        admission = waiting;
        target.admit(waiting);
    }

    private void handOver(TargetNode.Place place, Outcome outcome) {
        over = true;
        admission = null;
        portal.loginEnded(this);
        TcpSocket socket = connection().release();
        place.begin(
                socket,
                outcome.parameters(),
                portal.directoryOf(outcome.initiator(), TargetNode.localAddress(socket)),
                expCmdSn,
                statSn);
    }

    @Override
    public void gone(String why) {
        if (!over) {
            portal.refused(
                    who(), new LoginException(LoginException.INITIATOR_ERROR, "no login: " + why));
        }
        drop();
    }

    /** Ends it without a word. */
    void drop() {
        over = true;
        Admission waiting = admission;
        admission = null;
        if (waiting != null) {
            waiting.withdraw();
        }
        if (connection != null) {
            connection.close();
        }
        portal.loginEnded(this);
    }
}
