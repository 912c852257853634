package io.vireo.transport.iscsi;

import io.vireo.linux.ForeignMemory;
import io.vireo.memory.ScatterGatherList;
import io.vireo.scsi.ScsiStatus;
import io.vireo.scsi.ScsiTask;
import java.util.Arrays;

/** A command of a session: its data, its R2Ts, and its answer. Preallocated and used again. */
final class IscsiTask extends Outgoing {
    /** What is being done with it. */
    enum State {
        FREE,
        /** Its Data-Out are coming in. */
        COLLECTING,
        /** It waits for memory. */
        WAITING,
        /** The command set has it. */
        RUNNING,
        /** Its answer is to be sent, or being sent. */
        REPLYING,
        /** It is over, and has still to leave the queue of what is sent. */
        LEAVING
    }

    // Sense data "protocol service CRC error" (RFC 7143, 11.4.7.2).
    private static final int SENSE_LENGTH = 18;
    private static final int SENSE_FIXED = 0x70;
    private static final int ABORTED_COMMAND = 0x0B;
    private static final int SERVICE_CRC_ERROR = 0x4705;

    final Session session;
    final ScsiTask scsi;
    final ScatterGatherList out = new ScatterGatherList(2);
    final ScatterGatherList in = new ScatterGatherList(2);
    final int index;
    State state = State.FREE;
    int tag;

    /** Whether it takes a place of the command window. */
    boolean counted;

    boolean writes;
    boolean reads;
    long expectedOut;
    long expectedIn;

    /** Bytes of Data-Out that are collected, of those that are asked for. */
    int wanted;

    int received;
    int requested;
    boolean unsolicited;
    int unsolicitedSn;

    /**
     * Whether a Data-Out had another DataSN than it was to have, though it had its place: it ends
     * without being carried out when all of its data are in (RFC 7143, 7.8 and 7.9).
     */
    boolean spoiled;

    /** Memory that it holds of the session's share. */
    int held;

    /** When its initiator last did something for it. */
    long since;

    /** Ticks for which its initiator has been on, with data that were asked for or sent. */
    int ticks;

    /** Uses of this object, to tell an answer to one from an answer to the next. */
    private int uses;

    // R2Ts that are not answered, in their order: a ring.
    private final int[] r2tEnd = new int[Negotiator.OUTSTANDING_R2T];
    private final int[] r2tTag = new int[Negotiator.OUTSTANDING_R2T];
    private int r2tFirst;
    private int r2tCount;
    private int r2tSn;
    private int answerSn;

    // The answer.
    private boolean r2tQueued;
    private int dataSn;
    private int sentData;
    private int burst;
    private final Ranges data = new Ranges();
    private boolean failed;
    private ScsiStatus failure = ScsiStatus.GOOD;

    IscsiTask(Session session, int index) {
        this.session = session;
        this.index = index;
        scsi = new ScsiTask(index);
    }

    /** Starts a new use. */
    void begin(int newTag) {
        state = State.COLLECTING;
        tag = newTag;
        writes = false;
        reads = false;
        expectedOut = 0;
        expectedIn = 0;
        wanted = 0;
        received = 0;
        requested = 0;
        unsolicited = false;
        unsolicitedSn = 0;
        spoiled = false;
        ticks = 0;
        r2tFirst = 0;
        r2tCount = 0;
        r2tSn = 0;
        answerSn = 0;
        r2tQueued = false;
        dataSn = 0;
        sentData = 0;
        burst = 0;
        failed = false;
        uses++;
    }

    /** Whether all Data-Out that are asked for are in. */
    boolean isCollected() {
        return received == wanted;
    }

    /** Whether R2Ts are out that are not answered. */
    boolean awaitsData() {
        return unsolicited || r2tCount > 0;
    }

    /** The target transfer tag of the R2T that is to be answered next; NO_TAG if there is none. */
    int expectedTag() {
        return r2tCount == 0 ? Pdu.NO_TAG : r2tTag[r2tFirst];
    }

    /** Where the data of that R2T end. */
    int expectedEnd() {
        return r2tEnd[r2tFirst];
    }

    /** DataSN of the next Data-Out that answers it. */
    int expectedSn() {
        return answerSn;
    }

    /** A Data-Out has answered a part of it. */
    void answered() {
        answerSn++;
    }

    /** It is answered. */
    void r2tDone() {
        r2tFirst = (r2tFirst + 1) % r2tTag.length;
        r2tCount--;
        answerSn = 0;
    }

    /** Has R2Ts sent, as many as may be out. */
    void askForData() {
        if (!r2tQueued && requested < wanted && r2tCount < session.parameters().outstandingR2T()) {
            r2tQueued = true;
            session.send(this);
        }
    }

    /** Whether it is in the queue of what is sent, to ask for data. */
    boolean isAsking() {
        return r2tQueued;
    }

    /** Has the answer sent: what the command set said. */
    void reply() {
        state = State.REPLYING;
        ticks = 0;
        data.seek(in, 0);
        session.send(this);
    }

    /** Has the answer sent without that the command set has seen the command. */
    void fail(ScsiStatus status) {
        failed = true;
        failure = status;
        reply();
    }

    /** Has the answer sent that its data cannot be trusted, which initiators repeat it for. */
    void failSpoiled() {
        byte[] sense = scsi.sense();
        Arrays.fill(sense, 0, SENSE_LENGTH, (byte) 0);
        sense[0] = SENSE_FIXED;
        sense[2] = ABORTED_COMMAND;
        sense[7] = SENSE_LENGTH - 8;
        sense[12] = SERVICE_CRC_ERROR >> 8;
        sense[13] = SERVICE_CRC_ERROR & 0xFF;
        scsi.wanted(expectedOut, 0);
        scsi.checkCondition(SENSE_LENGTH);
        reply();
    }

    @Override
    boolean write(Outbound output) {
        if (state == State.LEAVING) {
            session.sent(this);
            return true;
        }
        if (state != State.REPLYING) {
            return writeR2ts(output);
        }
        int length = failed ? 0 : scsi.dataInLength();
        boolean collapse = !failed && length > 0 && scsi.status() == ScsiStatus.GOOD;
        while (sentData < length) {
            if (!output.hasRoom()) {
                return false;
            }
            writeData(output, length, collapse);
        }
        if (collapse) {
            return true;
        }
        if (!output.hasRoom()) {
            return false;
        }
        writeResponse(output);
        return true;
    }

    private boolean writeR2ts(Outbound output) {
        SessionParameters parameters = session.parameters();
        while (requested < wanted && r2tCount < parameters.outstandingR2T()) {
            if (!output.hasRoom()) {
                return false;
            }
            int length = Math.min(wanted - requested, parameters.maxBurst());
            int at = (r2tFirst + r2tCount) % r2tTag.length;
            // Ours to choose. An answer to an R2T of an earlier use of this object is none of ours.
            r2tTag[at] = index << 20 | (uses & 0xFFF) << 8 | r2tSn & 0xFF;
            r2tEnd[at] = requested + length;
            r2tCount++;
            long pdu = output.begin(Pdu.R2T, Pdu.FINAL);
            Wire.putLong(pdu + Pdu.LUN, scsi.lun());
            Wire.putInt(pdu + Pdu.ITT, tag);
            Wire.putInt(pdu + Pdu.TTT, r2tTag[at]);
            Wire.putInt(pdu + Pdu.R2T_SN, r2tSn++);
            Wire.putInt(pdu + Pdu.BUFFER_OFFSET, requested);
            Wire.putInt(pdu + Pdu.DESIRED_LENGTH, length);
            session.stamp(pdu, false);
            output.end(0, null);
            requested += length;
        }
        r2tQueued = false;
        return true;
    }

    private void writeData(Outbound output, int length, boolean collapse) {
        SessionParameters parameters = session.parameters();
        int segment = Math.min(parameters.sendSegment(), Outbound.MAX_SEGMENT);
        int count = Math.min(Math.min(length - sentData, segment), parameters.maxBurst() - burst);
        burst += count;
        boolean last = sentData + count == length;
        boolean status = last && collapse;
        boolean sequenceEnds = last || burst == parameters.maxBurst();
        long pdu = output.begin(Pdu.DATA_IN, sequenceEnds ? Pdu.FINAL : 0);
        if (status) {
            session.ending(this);
            int residual = putResiduals(pdu);
            Wire.putU8(pdu + Pdu.FLAGS, Pdu.FINAL | Pdu.DATA_IN_STATUS | residual);
            Wire.putU8(pdu + Pdu.STATUS, scsi.status().code());
        }
        Wire.putInt(pdu + Pdu.ITT, tag);
        Wire.putInt(pdu + Pdu.TTT, Pdu.NO_TAG);
        Wire.putInt(pdu + Pdu.DATA_SN, dataSn++);
        Wire.putInt(pdu + Pdu.BUFFER_OFFSET, sentData);
        session.stamp(pdu, status);
        if (!status) {
            Wire.putInt(pdu + Pdu.STAT_SN, 0);
        }
        output.end(data, count, status ? this : null);
        sentData += count;
        if (sequenceEnds) {
            burst = 0;
        }
    }

    private void writeResponse(Outbound output) {
        session.ending(this);
        long pdu = output.begin(Pdu.SCSI_RESPONSE, Pdu.FINAL);
        ScsiStatus status = failed ? failure : scsi.status();
        int senseLength = failed ? 0 : scsi.senseLength();
        Wire.putU8(pdu + Pdu.STATUS, status.code());
        Wire.putInt(pdu + Pdu.ITT, tag);
        Wire.putInt(pdu + Pdu.EXP_DATA_SN, dataSn + r2tSn);
        if (!failed) {
            Wire.putU8(pdu + Pdu.FLAGS, Pdu.FINAL | putResiduals(pdu));
        }
        session.stamp(pdu, true);
        if (senseLength == 0) {
            output.end(0, this);
            return;
        }
        Wire.putU16(output.inline(), senseLength);
        ForeignMemory.copyFromArray(scsi.sense(), 0, output.inline() + 2, senseLength);
        output.end(2 + senseLength, this);
    }

    /**
     * Writes how much less or more than announced the command would have transferred (RFC 7143,
     * 11.4.5).
     *
     * @return flags
     */
    private int putResiduals(long pdu) {
        if (writes && reads) {
            int flags = putResidual(pdu + Pdu.RESIDUAL, expectedOut - scsi.dataOutWanted());
            int back = putResidual(pdu + Pdu.RESIDUAL - 4, expectedIn - scsi.dataInWanted());
            return flags | back << 2;
        }
        long wish = writes ? scsi.dataOutWanted() : scsi.dataInWanted();
        if (!writes && !reads) {
            wish = Math.max(wish, scsi.dataOutWanted());
        }
        return putResidual(pdu + Pdu.RESIDUAL, (writes ? expectedOut : expectedIn) - wish);
    }

    private static int putResidual(long at, long rest) {
        if (rest == 0) {
            return 0;
        }
        Wire.putInt(at, (int) Math.min(Math.abs(rest), 0xFFFFFFFFL));
        return rest > 0 ? Pdu.UNDERFLOW : Pdu.OVERFLOW;
    }

    @Override
    void sent() {
        session.sent(this);
    }
}
