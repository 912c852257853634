package io.vireo.transport.iscsi;

import io.vireo.transport.iscsi.LoginMachine.Outcome;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** A discovery session in full-feature phase (RFC 7143, 4.3): texts and logout, nothing else. */
final class Discovery implements ControlConnection.Handler {
    private static final long IDLE_NANOS = TimeUnit.MINUTES.toNanos(5);

    private final Portal portal;
    private final ControlConnection connection;
    private final String who;
    private final TextExchange texts;
    private final int cid;
    private int sendSegment;
    private int expCmdSn;
    private int statSn;

    Discovery(
            Portal portal,
            ControlConnection connection,
            Outcome outcome,
            String who,
            int expCmdSn,
            int statSn,
            int cid) {
        this.portal = portal;
        this.connection = connection;
        this.who = who;
        this.cid = cid;
        texts =
                new TextExchange(
                        portal.directoryOf(outcome.initiator(), portal.addressOf(connection)),
                        Optional.empty());
        sendSegment = outcome.parameters().sendSegment();
        this.expCmdSn = expCmdSn;
        this.statSn = statSn;
        connection.handler(this);
        connection.extend(IDLE_NANOS);
    }

    @Override
    public void pdu(HeapPdu pdu) {
        connection.extend(IDLE_NANOS);
        portal.discovering(this);
        if (!pdu.immediate()) {
            if (pdu.integer(Pdu.CMD_SN) != expCmdSn) {
                // Outside of the window, or behind a gap that cannot close.
                return;
            }
            expCmdSn++;
        }
        switch (pdu.opcode()) {
            case Pdu.TEXT_REQUEST -> text(pdu);
            case Pdu.LOGOUT_REQUEST -> logout(pdu);
            case Pdu.NOP_OUT -> nop(pdu);
            default -> reject(pdu, Pdu.REASON_NOT_SUPPORTED);
        }
    }

    private void text(HeapPdu pdu) {
        try {
            HeapPdu answer = texts.request(pdu, Math.min(sendSegment, Negotiator.DEFAULT_SEGMENT));
            texts.declaredLength().ifPresent(length -> sendSegment = length);
            send(answer, () -> {});
        } catch (LoginException e) {
            reject(pdu, Pdu.REASON_PROTOCOL_ERROR);
        }
    }

    private void nop(HeapPdu pdu) {
        if (pdu.integer(Pdu.ITT) != Pdu.NO_TAG) {
            HeapPdu answer = HeapPdu.of(Pdu.NOP_IN, Pdu.FINAL, new byte[0]);
            answer.put(Pdu.ITT, pdu.integer(Pdu.ITT)).put(Pdu.TTT, Pdu.NO_TAG);
            send(answer, () -> {});
        }
    }

    private void logout(HeapPdu pdu) {
        int reason = pdu.u8(Pdu.FLAGS) & 0x7F;
        boolean mine = reason == 0 || pdu.u16(Pdu.CID) == cid;
        int response = reason > 1 ? 2 : mine ? 0 : 1;
        HeapPdu answer = HeapPdu.of(Pdu.LOGOUT_RESPONSE, Pdu.FINAL, new byte[0]);
        answer.put8(Pdu.RESPONSE, response).put(Pdu.ITT, pdu.integer(Pdu.ITT));
        send(answer, response == 0 ? this::close : () -> {});
    }

    private void reject(HeapPdu pdu, int reason) {
        HeapPdu answer = HeapPdu.of(Pdu.REJECT, Pdu.FINAL, pdu.header().array().clone());
        send(answer.put8(Pdu.REASON, reason).put(Pdu.ITT, Pdu.NO_TAG), () -> {});
    }

    private void send(HeapPdu pdu, Runnable then) {
        pdu.put(Pdu.STAT_SN, statSn++)
                .put(Pdu.EXP_CMD_SN, expCmdSn)
                .put(Pdu.MAX_CMD_SN, expCmdSn + Session.WINDOW - 1);
        connection.send(pdu, then);
    }

    @Override
    public void gone(String why) {
        portal.discoveryEnded(this);
    }

    /** Ends it. */
    void close() {
        connection.close();
        portal.discoveryEnded(this);
    }

    @Override
    public String toString() {
        return who;
    }
}
