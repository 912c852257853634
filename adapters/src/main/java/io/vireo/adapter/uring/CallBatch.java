package io.vireo.adapter.uring;

import io.vireo.linux.Errno;
import io.vireo.linux.ErrnoException;
import io.vireo.linux.IoUring;
import io.vireo.reactor.Reactor;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Reads and writes that never wait, many by one system call: an io_uring(7) whose requests the
 * kernel carries out while they are submitted, one after the other in the order in which they were
 * added. One for each reactor, which alone uses it.
 *
 * <p>Use: {@link #begin}, add up to {@link #CAPACITY} calls, {@link #run}, look at each {@link
 * #result}: as the system call's, -EAGAIN where it would have waited, -EOPNOTSUPP for all of a file
 * whose driver cannot promise not to (RWF_NOWAIT of preadv2(2)).
 */
public class CallBatch {
    /** Calls at once. */
    public static final int CAPACITY = 64;

    private static final Map<Reactor, CallBatch> BATCHES = new ConcurrentHashMap<>();

    private final Reactor reactor;
    private final IoUring ring;
    private final int[] results = new int[CAPACITY];
    private int count;
    private int round;
    private int uses;

    CallBatch(Reactor reactor, IoUring ring) {
        this.reactor = reactor;
        this.ring = ring;
    }

    /**
     * The one of this reactor; empty where the kernel refuses an io_uring. Called on it, and given
     * back by {@link #release}.
     */
    public static Optional<CallBatch> acquire(Reactor reactor) {
        CallBatch batch = BATCHES.get(reactor);
        if (batch == null) {
            try {
                batch = new CallBatch(reactor, IoUring.setup(CAPACITY));
            } catch (ErrnoException e) {
                return Optional.empty();
            }
            BATCHES.put(reactor, batch);
        }
        batch.uses++;
        return Optional.of(batch);
    }

    /** Gives it back; the last to do so closes it. */
    public void release() {
        if (--uses == 0) {
            BATCHES.remove(reactor);
            close();
        }
    }

    final void close() {
        ring.close();
    }

    /** Begins with no calls; what a memory fault cut off before is forgotten. */
    public void begin() {
        ring.discard();
        while (ring.hasCompletion()) {
            ring.advance();
        }
        count = 0;
        round++;
    }

    /** Adds a writev of {@code entries} iovecs, which stay until {@link #run} returns. */
    public void writev(int fd, long iovecs, int entries) {
        ring.writevNow(fd, iovecs, entries, 0, ticket());
    }

    /** Adds a read of up to {@code length} bytes. */
    public void read(int fd, long address, int length) {
        ring.readNow(fd, address, length, 0, ticket());
    }

    private long ticket() {
        return (long) round << Integer.SIZE | count++;
    }

    /** Has the kernel carry out what was added. */
    public void run() {
        fill(-Errno.EAGAIN);
        int left = count;
        while (left > 0) {
            int taken = ring.submitAndWait(left);
            int ended = reap();
            left -= ended;
            if (taken <= 0 && ended == 0 && taken != -Errno.EINTR) {
                // No memory for requests: the calls that are left are not made.
                break;
            }
        }
    }

    /** Gives all calls a result. */
    final void fill(int result) {
        Arrays.fill(results, 0, count, result);
    }

    private int reap() {
        int ended = 0;
        while (ring.hasCompletion()) {
            long ticket = ring.userData();
            if ((int) (ticket >>> Integer.SIZE) == round) {
                results[(int) ticket] = ring.result();
                ended++;
            }
            ring.advance();
        }
        return ended;
    }

    /** Calls that were added. */
    public int count() {
        return count;
    }

    /** What a call returned, in the order of adding: bytes, or an error number, negative. */
    public int result(int call) {
        return results[call];
    }
}
