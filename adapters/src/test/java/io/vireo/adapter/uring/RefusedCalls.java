package io.vireo.adapter.uring;

import io.vireo.linux.Errno;
import io.vireo.linux.ErrnoException;
import io.vireo.linux.IoUring;
import io.vireo.reactor.Reactor;

/** Calls of a file whose driver cannot promise not to wait. */
public final class RefusedCalls extends CallBatch {
    /** For a reactor. */
    public RefusedCalls(Reactor reactor) {
        super(reactor, ring());
    }

    private static IoUring ring() {
        try {
            return IoUring.setup(CAPACITY);
        } catch (ErrnoException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void run() {
        fill(-Errno.EOPNOTSUPP);
    }

    @Override
    public void release() {
        close();
    }
}
