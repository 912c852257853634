package io.vireo.reactor;

import io.vireo.linux.Epoll;
import io.vireo.linux.ErrnoException;
import io.vireo.linux.IoUring;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import org.jspecify.annotations.Nullable;

/**
 * Tells without a system call whether a descriptor of an {@link Epoll} may be ready, for a thread
 * that has other work: an io_uring waits for the set, and that it has something to tell is seen in
 * memory. Where there is no io_uring it always says so. Of one thread.
 */
final class EpollBell implements AutoCloseable {
    private static final Logger LOG = System.getLogger(EpollBell.class.getName());

    private final String reactor;
    private final Epoll epoll;

    /** Null: it is of no use. */
    private @Nullable IoUring ring;

    /** Whether a wait is in the ring, and whether the kernel has it. */
    private boolean prepared;

    private boolean armed;

    /**
     * @param reactor its name, for messages
     */
    EpollBell(String reactor, Epoll epoll) {
        this.reactor = reactor;
        this.epoll = epoll;
        try {
            ring = IoUring.setup(1);
        } catch (ErrnoException e) {
            giveUp(e.getMessage());
        }
    }

    /**
     * Whether a descriptor may be ready that was not when this was last true. The first call after
     * that is a system call, with which the kernel begins to wait; it may be late by a call.
     */
    boolean rings() {
        IoUring open = ring;
        if (open == null) {
            return true;
        }
        if (!armed) {
            return !arm(open);
        }
        if (!open.hasCompletion()) {
            return false;
        }
        int result = open.result();
        open.advance();
        prepared = false;
        armed = false;
        if (result < 0) {
            giveUp("a wait failed with errno " + -result);
        }
        return true;
    }

    /** Says whether the kernel waits. Where that is cut off the next call goes on with it. */
    private boolean arm(IoUring open) {
        if (!prepared) {
            open.pollAdd(epoll.fd().number(), Epoll.EPOLLIN, 0);
            prepared = true;
        }
        int result = open.submit();
        if (result < 0) {
            giveUp("a wait was refused with errno " + -result);
            return false;
        }
        armed = true;
        return true;
    }

    private void giveUp(@Nullable String why) {
        LOG.log(Level.DEBUG, "{0}: descriptors are looked at by system calls: {1}", reactor, why);
        close();
    }

    @Override
    public void close() {
        IoUring open = ring;
        ring = null;
        if (open != null) {
            open.close();
        }
    }
}
