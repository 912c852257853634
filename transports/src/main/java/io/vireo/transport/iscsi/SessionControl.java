package io.vireo.transport.iscsi;

import io.vireo.linux.ForeignMemory;
import io.vireo.memory.ScatterGatherList;
import io.vireo.scsi.TaskManagement;
import io.vireo.scsi.TaskManagement.Function;
import java.nio.ByteBuffer;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What a session does besides commands: NOPs, task management, texts, logout, events. */
final class SessionControl {
    private static final ScatterGatherList NO_DATA = new ScatterGatherList(1);
    private static final Runnable NOTHING = () -> {};

    // Functions of a Task Management Function Request (RFC 7143, 11.5.1).
    private static final int ABORT_TASK = 1;
    private static final int ABORT_TASK_SET = 2;
    private static final int CLEAR_ACA = 3;
    private static final int CLEAR_TASK_SET = 4;
    private static final int LOGICAL_UNIT_RESET = 5;
    private static final int TARGET_WARM_RESET = 6;
    private static final int TARGET_COLD_RESET = 7;
    private static final int TASK_REASSIGN = 8;

    // Responses (11.6.1).
    private static final int COMPLETE = 0;
    private static final int NO_SUCH_TASK = 1;
    private static final int NO_SUCH_LUN = 2;
    private static final int NO_REASSIGNMENT = 4;
    private static final int NOT_SUPPORTED = 5;

    // Reasons and responses of logouts (11.14.1, 11.15.1).
    private static final int CLOSE_SESSION = 0;
    private static final int CLOSE_CONNECTION = 1;
    private static final int LOGGED_OUT = 0;
    private static final int CID_NOT_FOUND = 1;
    private static final int NO_RECOVERY = 2;
    private static final int TIME_TO_WAIT = 40;

    /** UNIT ATTENTION, REPORTED LUNS DATA HAS CHANGED, in fixed format (SPC-4, 4.5.3). */
    private static final byte[] LUNS_CHANGED = {
        0, 18, 0x70, 0, 6, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x3F, 0x0E, 0, 0, 0, 0
    };

    private final Session session;
    private final Inbound inbound;
    private final ControlMemory memory;
    private final TextExchange texts;
    private final Map<TaskManagement, Integer> managing = new IdentityHashMap<>();

    private @Nullable HeapPdu current;
    private ScatterGatherList currentData = NO_DATA;
    private int pings;
    private boolean announced;

    SessionControl(Session session, ReactorSide side, Inbound inbound, SendTargets targets) {
        this.session = session;
        this.inbound = inbound;
        memory = new ControlMemory(session, side);
        texts = new TextExchange(targets, Optional.of(session.targetName()));
    }

    /** The header of a PDU that {@link #complete} acts on. */
    void header(long bhs, int data) {
        HeapPdu pdu = copy(bhs);
        if (data > 0) {
            var list = new ScatterGatherList(4);
            if (!memory.take(list, data)) {
                reject(bhs, Pdu.REASON_OUT_OF_RESOURCES);
                return;
            }
            inbound.direct(list, 0);
            currentData = list;
        }
        current = pdu;
    }

    private static HeapPdu copy(long bhs) {
        byte[] header = new byte[Pdu.BHS];
        ForeignMemory.copyToArray(bhs, header, 0, Pdu.BHS);
        return new HeapPdu(ByteBuffer.wrap(header), new byte[0]);
    }

    /** The PDU is there with all of its data. */
    void complete() {
        HeapPdu pdu = current;
        if (pdu == null) {
            return;
        }
        ScatterGatherList data = currentData;
        current = null;
        currentData = NO_DATA;
        switch (pdu.opcode()) {
            case Pdu.NOP_OUT -> nop(pdu, data);
            case Pdu.TEXT_REQUEST -> text(pdu, data);
            case Pdu.LOGOUT_REQUEST -> {
                memory.release(data);
                logout(pdu);
            }
            default -> {
                memory.release(data);
                manage(pdu);
            }
        }
    }

    /** Whether a PDU is coming in that was not rejected. */
    boolean isReceiving() {
        return current != null;
    }

    /** A PDU that was coming in will not be complete: it is damaged, or the session ends. */
    void abandon() {
        current = null;
        memory.release(currentData);
        currentData = NO_DATA;
    }

    /** Memory for data of NOPs and texts. */
    ControlMemory memory() {
        return memory;
    }

    private void nop(HeapPdu request, ScatterGatherList data) {
        if (request.integer(Pdu.ITT) == Pdu.NO_TAG) {
            // The answer to our own, or a word that wants none.
            memory.release(data);
            return;
        }
        HeapPdu answer = HeapPdu.of(Pdu.NOP_IN, Pdu.FINAL, new byte[0]);
        answer.header().putLong(Pdu.LUN, request.header().getLong(Pdu.LUN));
        answer.put(Pdu.ITT, request.integer(Pdu.ITT)).put(Pdu.TTT, Pdu.NO_TAG);
        session.sendControl(answer, data, true, NOTHING);
    }

    /** Asks the initiator for a sign of life (11.19). */
    void ping() {
        pings = pings + 1 & 0xFFFF;
        HeapPdu pdu = HeapPdu.of(Pdu.NOP_IN, Pdu.FINAL, new byte[0]);
        pdu.put(Pdu.ITT, Pdu.NO_TAG).put(Pdu.TTT, pings);
        session.sendControl(pdu, NO_DATA, false, NOTHING);
    }

    private void text(HeapPdu request, ScatterGatherList data) {
        byte[] text = new byte[(int) data.total()];
        int at = 0;
        for (int i = 0; i < data.count(); i++) {
            ForeignMemory.copyToArray(data.address(i), text, at, data.length(i));
            at += data.length(i);
        }
        memory.release(data);
        try {
            int most = Math.min(session.parameters().sendSegment(), KeyText.MAX_TEXT);
            HeapPdu answer = texts.request(new HeapPdu(request.header(), text), most);
            texts.declaredLength().ifPresent(session::sendSegment);
            answerText(request, answer);
        } catch (LoginException e) {
            reject(request, Pdu.REASON_PROTOCOL_ERROR);
        }
    }

    private void answerText(HeapPdu request, HeapPdu answer) {
        byte[] data = answer.data();
        if (data.length <= Outbound.MAX_INLINE) {
            session.sendControl(answer, NO_DATA, true, NOTHING);
            return;
        }
        var list = new ScatterGatherList(4);
        if (!memory.take(list, data.length)) {
            reject(request, Pdu.REASON_OUT_OF_RESOURCES);
            return;
        }
        int at = 0;
        for (int i = 0; i < list.count(); i++) {
            ForeignMemory.copyFromArray(data, at, list.address(i), list.length(i));
            at += list.length(i);
        }
        session.sendControl(new HeapPdu(answer.header(), new byte[0]), list, true, NOTHING);
    }

    private void logout(HeapPdu request) {
        int reason = request.u8(Pdu.FLAGS) & 0x7F;
        boolean ours = request.u16(Pdu.CID) == session.identity().cid();
        if (reason == CLOSE_SESSION || reason == CLOSE_CONNECTION && ours) {
            session.quiesce(() ->
                    answerLogout(
                            request, LOGGED_OUT, () -> session.end("the initiator logged out")));
        } else if (reason == CLOSE_CONNECTION) {
            answerLogout(request, CID_NOT_FOUND, NOTHING);
        } else if (reason == 2) {
            answerLogout(request, NO_RECOVERY, NOTHING);
        } else {
            reject(request, Pdu.REASON_INVALID_FIELD);
        }
    }

    private void answerLogout(HeapPdu request, int response, Runnable onSent) {
        HeapPdu answer = HeapPdu.of(Pdu.LOGOUT_RESPONSE, Pdu.FINAL, new byte[0]);
        answer.put8(Pdu.RESPONSE, response)
                .put(Pdu.ITT, request.integer(Pdu.ITT))
                .put16(TIME_TO_WAIT, 0);
        session.sendControl(answer, NO_DATA, true, onSent);
    }

    // Task management (11.5).

    private void manage(HeapPdu request) {
        if (managing.size() >= Session.IMMEDIATE_ROOM) {
            reject(
                    request,
                    request.immediate() ? Pdu.REASON_IMMEDIATE : Pdu.REASON_OUT_OF_RESOURCES);
            return;
        }
        int function = request.u8(Pdu.FLAGS) & 0x7F;
        long lun = request.header().getLong(Pdu.LUN);
        int itt = request.integer(Pdu.ITT);
        switch (function) {
            case ABORT_TASK -> abortTask(request, lun, itt);
            case ABORT_TASK_SET -> manageUnit(Function.ABORT_TASK_SET, lun, itt);
            case CLEAR_ACA -> start(Function.CLEAR_ACA, lun, 0, itt);
            case CLEAR_TASK_SET -> manageUnit(Function.CLEAR_TASK_SET, lun, itt);
            case LOGICAL_UNIT_RESET -> manageUnit(Function.LOGICAL_UNIT_RESET, lun, itt);
            case TARGET_WARM_RESET -> manageAll(Function.TARGET_WARM_RESET, itt);
            case TARGET_COLD_RESET -> manageAll(Function.TARGET_COLD_RESET, itt);
            case TASK_REASSIGN -> answer(itt, NO_REASSIGNMENT, NOTHING);
            default -> answer(itt, NOT_SUPPORTED, NOTHING);
        }
    }

    private void abortTask(HeapPdu request, long lun, int itt) {
        int tag = request.integer(Pdu.REFERENCED_TAG);
        IscsiTask task = session.commands().find(tag);
        if (task == null || task.scsi.lun() != lun) {
            answer(itt, NO_SUCH_TASK, NOTHING);
            return;
        }
        switch (task.state) {
            case COLLECTING, WAITING -> {
                session.commands().abandon(task);
                answer(itt, COMPLETE, NOTHING);
            }
            case RUNNING -> start(Function.ABORT_TASK, lun, Integer.toUnsignedLong(tag), itt);
            case FREE, REPLYING, LEAVING -> answer(itt, NO_SUCH_TASK, NOTHING);
        }
    }

    private void manageUnit(Function function, long lun, int itt) {
        session.commands().abandonAll(lun);
        start(function, lun, 0, itt);
    }

    private void manageAll(Function function, int itt) {
        session.commands().abandonAll();
        start(function, 0, 0, itt);
    }

    private void start(Function function, long lun, long tag, int itt) {
        var management = new TaskManagement();
        managing.put(management, itt);
        session.nexus().manage(management.prepare(function, lun, tag));
    }

    /** The command set is done with a function. */
    void managed(TaskManagement management) {
        Integer itt = managing.remove(management);
        if (itt == null || !session.isOpen()) {
            return;
        }
        boolean cold = management.function() == Function.TARGET_COLD_RESET;
        int response =
                switch (management.response()) {
                    case FUNCTION_COMPLETE, FUNCTION_SUCCEEDED -> COMPLETE;
                    case FUNCTION_REJECTED -> NOT_SUPPORTED;
                    case INCORRECT_LOGICAL_UNIT_NUMBER -> NO_SUCH_LUN;
                    case TASK_NOT_FOUND -> NO_SUCH_TASK;
                };
        answer(itt, response, cold ? session.owner()::coldReset : NOTHING);
    }

    private void answer(int itt, int response, Runnable onSent) {
        HeapPdu pdu = HeapPdu.of(Pdu.TASK_MANAGEMENT_RESPONSE, Pdu.FINAL, new byte[0]);
        pdu.put8(Pdu.RESPONSE, response).put(Pdu.ITT, itt);
        session.sendControl(pdu, NO_DATA, true, onSent);
    }

    // What goes out without a request.

    /** A PDU cannot be carried out (11.17). */
    void reject(long bhs, int reason) {
        reject(copy(bhs), reason);
    }

    private void reject(HeapPdu rejected, int reason) {
        session.counters().reject();
        HeapPdu pdu = HeapPdu.of(Pdu.REJECT, Pdu.FINAL, rejected.header().array().clone());
        pdu.put8(Pdu.REASON, reason).put(Pdu.ITT, Pdu.NO_TAG);
        session.sendControl(pdu, NO_DATA, true, NOTHING);
    }

    /** Logical units were mapped or unmapped: one message is on its way at most. */
    void unitsChanged(long lun) {
        if (announced || !session.isOpen()) {
            return;
        }
        announced = true;
        HeapPdu pdu = event(Pdu.EVENT_SCSI, LUNS_CHANGED);
        pdu.header().putLong(Pdu.LUN, lun);
        session.sendControl(pdu, NO_DATA, true, () -> announced = false);
    }

    /** The session is about to be ended from here. */
    void announceEnd() {
        HeapPdu pdu = event(Pdu.EVENT_DROP_SESSION, new byte[0]);
        pdu.put16(Pdu.ASYNC_PARAMETER_2, 1);
        session.sendControl(pdu, NO_DATA, true, NOTHING);
    }

    /** The initiator is to log out within so many seconds. */
    void requestLogout(int seconds) {
        HeapPdu pdu = event(Pdu.EVENT_LOGOUT, new byte[0]);
        pdu.put16(Pdu.ASYNC_PARAMETER_3, seconds);
        session.sendControl(pdu, NO_DATA, true, NOTHING);
    }

    /** The connection is about to be dropped, since the initiator did not log out. */
    void announceDrop() {
        HeapPdu pdu = event(Pdu.EVENT_DROP_CONNECTION, new byte[0]);
        pdu.put16(Pdu.ASYNC_PARAMETER_1, session.identity().cid()).put16(Pdu.ASYNC_PARAMETER_2, 1);
        session.sendControl(pdu, NO_DATA, true, NOTHING);
    }

    private static HeapPdu event(int event, byte[] data) {
        HeapPdu pdu = HeapPdu.of(Pdu.ASYNC_MESSAGE, Pdu.FINAL, data);
        return pdu.put(Pdu.ITT, Pdu.NO_TAG).put8(Pdu.ASYNC_EVENT, event);
    }
}
