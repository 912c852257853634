package io.vireo.net;

/**
 * What the QoS of a port did so far. Bytes are counted as {@link QosSettings} says.
 *
 * @param transmit of what the server sent
 * @param receive of what the server was to get
 * @param uplinkBytes bytes to the uplink that took part in its shares
 * @param pauses times that the port had to wait before more was taken from its server
 * @param pausedNanos how long it waited in all: the delay that shaping and shares put before the
 *     first frame that waits
 */
public record QosCounters(
        Colours transmit, Colours receive, long uplinkBytes, long pauses, long pausedNanos) {
    /** Nothing happened. */
    public static final QosCounters ZERO = new QosCounters(Colours.ZERO, Colours.ZERO, 0, 0, 0);

    /** The sums of both. */
    public QosCounters plus(QosCounters other) {
        return new QosCounters(
                transmit.plus(other.transmit),
                receive.plus(other.receive),
                uplinkBytes + other.uplinkBytes,
                pauses + other.pauses,
                pausedNanos + other.pausedNanos);
    }

    /**
     * Bytes by the colour of their frame (RFC 2698).
     *
     * @param conformed within the committed rate (green)
     * @param exceeded beyond it and within the peak rate (yellow)
     * @param dropped beyond the peak rate (red), where that is not waited for
     */
    public record Colours(long conformed, long exceeded, long dropped) {
        static final Colours ZERO = new Colours(0, 0, 0);

        Colours plus(Colours other) {
            return new Colours(
                    conformed + other.conformed,
                    exceeded + other.exceeded,
                    dropped + other.dropped);
        }
    }
}
