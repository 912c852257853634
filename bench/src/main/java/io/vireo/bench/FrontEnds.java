package io.vireo.bench;

import io.vireo.testkit.DriverMemory;
import io.vireo.testkit.VhostUserFrontEnd;
import io.vireo.testkit.VhostUserSession;
import java.io.UncheckedIOException;
import java.nio.file.Path;

/**
 * vhost-user front ends without a guest, with those features that the driver of Linux would take.
 */
final class FrontEnds {
    private static final long TRANSPORT =
            VhostUserSession.VERSION_1
                    | VhostUserSession.PROTOCOL_FEATURES
                    | VhostUserSession.EVENT_IDX
                    | VhostUserSession.INDIRECT_DESC;
    private static final long NEEDED =
            VhostUserSession.VERSION_1 | VhostUserSession.PROTOCOL_FEATURES;
    private static final long PROTOCOL =
            VhostUserSession.MQ | VhostUserSession.REPLY_ACK | VhostUserSession.CONFIG;

    private FrontEnds() {}

    /**
     * Connects, takes those features that are offered, and shares the memory.
     *
     * @param features of the device type that are wanted
     */
    static VhostUserSession open(Path socket, DriverMemory memory, long features) {
        try {
            var session = new VhostUserSession(VhostUserFrontEnd.connect(socket), memory);
            session.negotiate(TRANSPORT | features, PROTOCOL);
            if ((session.features() & NEEDED) != NEEDED) {
                session.close();
                throw new BenchException(
                        socket + " offers neither VERSION_1 nor protocol features.");
            }
            session.shareMemory();
            return session;
        } catch (UncheckedIOException | VhostUserFrontEnd.HungUpException e) {
            throw new BenchException("Cannot connect to " + socket + ": " + e.getMessage(), e);
        }
    }
}
