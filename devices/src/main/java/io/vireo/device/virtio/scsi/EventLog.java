package io.vireo.device.virtio.scsi;

import java.util.ArrayDeque;

/** Events that the driver has not been told yet. */
final class EventLog {
    /** Events that wait at most; what is more is missed. */
    static final int ROOM = 64;

    /**
     * One event (struct virtio_scsi_event).
     *
     * @param lun the field of the structure, as a big-endian number
     */
    record Event(int type, long lun, int reason) {}

    private static final Event MISSED =
            new Event(ScsiProtocol.T_NO_EVENT | ScsiProtocol.T_EVENTS_MISSED, 0, 0);

    private final ArrayDeque<Event> waiting = new ArrayDeque<>();
    private boolean missed;

    void add(Event event) {
        if (waiting.size() == ROOM) {
            missed = true;
        } else {
            waiting.add(event);
        }
    }

    boolean isEmpty() {
        return waiting.isEmpty() && !missed;
    }

    /** The next one; it stays until {@link #told}. There is one. */
    Event next() {
        if (waiting.isEmpty()) {
            return MISSED;
        }
        Event first = waiting.element();
        return missed
                ? new Event(
                        first.type() | ScsiProtocol.T_EVENTS_MISSED, first.lun(), first.reason())
                : first;
    }

    /** The driver was told the next one. */
    void told() {
        missed = false;
        waiting.poll();
    }

    void clear() {
        waiting.clear();
        missed = false;
    }
}
