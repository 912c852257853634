package io.vireo.testkit.hostile;

import static io.vireo.testkit.VhostUserFrontEnd.GET_FEATURES;
import static io.vireo.testkit.VhostUserFrontEnd.payload;

import io.vireo.linux.Errno;
import io.vireo.linux.Eventfd;
import io.vireo.linux.Fd;
import io.vireo.testkit.DriverMemory;
import io.vireo.testkit.VhostUserFrontEnd;
import io.vireo.testkit.VhostUserFrontEnd.HungUpException;
import io.vireo.testkit.VhostUserSession;
import io.vireo.testkit.VhostUserSession.Ring;
import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** One session of an attacker, well-behaved so far, and what it expects of its next step. */
final class Attempt implements AutoCloseable {
    static final int QUEUE_SIZE = 16;

    /** Descriptors that a table of such a queue may have. */
    static final int LONGEST_TABLE = 1024;

    static final long MEMORY = 1 << 20;

    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(20);

    private final Target target;
    private final boolean acknowledged;
    private final boolean packed;
    private final DriverMemory memory;
    private final VhostUserSession session;

    private Attempt(Target target, boolean acknowledged, boolean packed, DriverMemory memory) {
        this.target = target;
        this.acknowledged = acknowledged;
        this.packed = packed;
        this.memory = memory;
        session = new VhostUserSession(VhostUserFrontEnd.connect(target.socket()), memory);
    }

    /** A session that has negotiated everything but packed rings, and shared its memory. */
    static Attempt open(Target target) {
        return open(target, true, new DriverMemory(MEMORY));
    }

    /** The same, with packed rings. */
    static Attempt packed(Target target) {
        var attempt = new Attempt(target, true, true, new DriverMemory(MEMORY));
        attempt.negotiate();
        attempt.session.shareMemory();
        return attempt;
    }

    /**
     * The same as {@link #open(Target)}, in memory that becomes the attempt's.
     *
     * @param acknowledged whether REPLY_ACK is negotiated
     */
    static Attempt open(Target target, boolean acknowledged, DriverMemory memory) {
        var attempt = connect(target, acknowledged, memory);
        attempt.negotiate();
        attempt.session.shareMemory();
        return attempt;
    }

    /** A connection over which nothing was sent. */
    static Attempt connect(Target target) {
        return connect(target, true, new DriverMemory(MEMORY));
    }

    private static Attempt connect(Target target, boolean acknowledged, DriverMemory memory) {
        return new Attempt(target, acknowledged, false, memory);
    }

    void negotiate() {
        long protocol = acknowledged ? ~0L : ~VhostUserSession.REPLY_ACK;
        session.negotiate(packed ? ~0L : ~VhostUserSession.RING_PACKED, protocol);
    }

    VhostUserSession session() {
        return session;
    }

    VhostUserFrontEnd frontEnd() {
        return session.frontEnd();
    }

    DriverMemory memory() {
        return memory;
    }

    int queue() {
        return target.driver().queue();
    }

    Ring start() {
        return session.start(queue(), QUEUE_SIZE);
    }

    /** A legal request is served. */
    void served(Ring ring) {
        target.driver().exchange(session, ring, 3);
    }

    /** The message gets an error reply, or ends the session where there can be none. */
    void refused(int request, ByteBuffer body, Fd... fds) {
        frontEnd().sendNeedReply(request, body, fds);
        if (!acknowledged) {
            dropped();
            return;
        }
        long result = frontEnd().receive().u64();
        if (result == 0) {
            throw new AssertionError("request " + request + " was not refused");
        }
        fine();
    }

    /** The message ends the session. */
    void dropped(int request, ByteBuffer body, Fd... fds) {
        frontEnd().sendNeedReply(request, body, fds);
        dropped();
    }

    /** The session has ended. */
    void dropped() {
        frontEnd().awaitHangUp();
    }

    /** Has the device look at the ring. */
    void kick(Ring ring) {
        ring.kick().signal();
        target.driver().prompt();
    }

    /** The ring is found broken: its error descriptor says so, and the session ends. */
    void broken(Ring ring) {
        kick(ring);
        dropped();
        if (ring.error().drain() == -Errno.EAGAIN) {
            throw new AssertionError("the error eventfd was not signalled");
        }
    }

    /** The session still answers. */
    void fine() {
        frontEnd().ask(GET_FEATURES, payload(0));
    }

    /** Whether the session still answers; both is allowed. */
    boolean survived() {
        try {
            fine();
            return true;
        } catch (HungUpException e) {
            return false;
        }
    }

    static void pause(long millis) {
        long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
        while (System.nanoTime() < deadline) {
            LockSupport.parkNanos(deadline - System.nanoTime());
        }
    }

    static void awaitSignal(Eventfd fd) {
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        while (fd.drain() != 0) {
            if (System.nanoTime() > deadline) {
                throw new AssertionError("no signal came");
            }
            pause(1);
        }
    }

    @Override
    public void close() {
        session.close();
        memory.close();
    }
}
