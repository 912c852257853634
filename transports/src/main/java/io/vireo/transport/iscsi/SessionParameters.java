package io.vireo.transport.iscsi;

/**
 * What was negotiated for a session and its one connection; lengths are in bytes.
 *
 * @param headerDigest whether headers are followed by their CRC32C
 * @param dataDigest whether data segments are
 * @param initialR2T whether a write waits for our first R2T
 * @param immediateData whether a command may bring data
 * @param sendSegment longest data segment that the initiator takes
 * @param receiveSegment longest data segment that we take
 * @param maxBurst longest sequence of solicited data, or of Data-In
 * @param firstBurst most data that a command brings unsolicited
 * @param outstandingR2T most R2Ts of a task that are not answered
 */
record SessionParameters(
        boolean headerDigest,
        boolean dataDigest,
        boolean initialR2T,
        boolean immediateData,
        int sendSegment,
        int receiveSegment,
        int maxBurst,
        int firstBurst,
        int outstandingR2T) {
    /** The same with another length that the initiator takes. */
    SessionParameters withSendSegment(int length) {
        return new SessionParameters(
                headerDigest,
                dataDigest,
                initialR2T,
                immediateData,
                length,
                receiveSegment,
                maxBurst,
                firstBurst,
                outstandingR2T);
    }
}
