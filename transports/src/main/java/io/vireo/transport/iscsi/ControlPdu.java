package io.vireo.transport.iscsi;

import io.vireo.linux.ForeignMemory;
import io.vireo.memory.ScatterGatherList;

/** A PDU that is rare: anything but the answers to commands. */
final class ControlPdu extends Outgoing {
    private final Session session;
    private final HeapPdu pdu;
    private final ScatterGatherList data;
    private final boolean status;
    private final Runnable onSent;

    /**
     * @param pdu with data of at most {@link Outbound#MAX_INLINE} bytes
     * @param data of the session's pool, instead of the PDU's; or empty
     * @param status whether the initiator acknowledges it by its number
     * @param onSent runs when it has gone, or never will
     */
    ControlPdu(
            Session session, HeapPdu pdu, ScatterGatherList data, boolean status, Runnable onSent) {
        this.session = session;
        this.pdu = pdu;
        this.data = data;
        this.status = status;
        this.onSent = onSent;
    }

    @Override
    boolean write(Outbound out) {
        if (!out.hasRoom()) {
            return false;
        }
        long header = out.begin(0, 0);
        ForeignMemory.copyFromArray(pdu.header().array(), 0, header, Pdu.BHS);
        session.stamp(header, status);
        if (data.total() > 0) {
            var ranges = new Ranges();
            ranges.seek(data, 0);
            // A ping may be longer than what the initiator takes itself.
            int most = session.parameters().sendSegment();
            out.end(ranges, (int) Math.min(data.total(), most), this);
        } else {
            ForeignMemory.copyFromArray(pdu.data(), 0, out.inline(), pdu.data().length);
            out.end(pdu.data().length, this);
        }
        return true;
    }

    @Override
    void sent() {
        session.controlSent(data, onSent);
    }
}
