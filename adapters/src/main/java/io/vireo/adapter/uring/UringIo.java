package io.vireo.adapter.uring;

import io.vireo.adapter.file.BouncePool;
import io.vireo.adapter.file.HostIo;
import io.vireo.adapter.file.HostOp;
import io.vireo.linux.Epoll;
import io.vireo.linux.ErrnoException;
import io.vireo.linux.Eventfd;
import io.vireo.linux.FileCalls;
import io.vireo.linux.IoUring;
import io.vireo.linux.IovecArray;
import io.vireo.reactor.FdWatch;
import io.vireo.reactor.Reactor;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The ring of one reactor. Operations are prepared as they come and handed to the kernel a few at a
 * time, the last of them by the next poll of any channel. An eventfd wakes a reactor that sleeps.
 * (The ring's own descriptor would not: with deferred task work it becomes readable only when
 * somebody reaps.)
 */
public final class UringIo implements HostIo {
    /** Operations between two submissions; more are submitted in between. */
    private static final int ENTRIES = 256;

    /**
     * Operations that are prepared before they are handed over. Of a submission of more than two
     * the kernel holds all back until it has gone through the last (IO_PLUG_THRESHOLD), and the
     * disk has nothing to do meanwhile: with 32 in one call it did four fifths of the work.
     */
    private static final int SUBMIT_AT = 2;

    /** Entries for all vectored operations between two submissions. */
    private static final int IOVECS = 4 * IovecArray.UIO_MAXIOV;

    /** User data of requests whose completion nobody waits for. */
    private static final long NOBODY = -1;

    private static final Map<Reactor, UringIo> RINGS = new ConcurrentHashMap<>();

    private final Reactor reactor;
    private final IoUring ring;
    private final Eventfd completions;
    private final FdWatch watch;
    private final IovecArray iovecs = new IovecArray(IOVECS);
    private final BouncePool bounces = new BouncePool();
    private int uses;
    private int iovecsUsed;

    /** Whether the kernel signals completions: not while somebody looks for them in any case. */
    private boolean signalled = true;

    /** Operations in the kernel by ticket, and the tickets that are free. */
    private HostOp[] started = new HostOp[64];

    private int[] freeTickets = new int[64];
    private int freeCount;
    private int ticketsMade;

    private UringIo(Reactor reactor, IoUring ring, Eventfd completions) {
        this.reactor = reactor;
        this.ring = ring;
        this.completions = completions;
        watch = reactor.watch(completions.fd().number(), Epoll.EPOLLIN, _ -> completed());
    }

    private static UringIo make(Reactor reactor) throws ErrnoException {
        IoUring ring = IoUring.setup(ENTRIES);
        Eventfd completions = Eventfd.create();
        try {
            ring.registerEventfd(completions);
            return new UringIo(reactor, ring, completions);
        } catch (ErrnoException | RuntimeException e) {
            completions.close();
            ring.close();
            throw e;
        }
    }

    /**
     * The engine of this reactor. Called on it.
     *
     * @throws UncheckedIOException if the kernel refuses a ring
     */
    public static HostIo acquire(Reactor reactor) {
        UringIo io = RINGS.get(reactor);
        if (io == null) {
            try {
                io = make(reactor);
            } catch (ErrnoException e) {
                throw new UncheckedIOException(e);
            }
            RINGS.put(reactor, io);
        }
        io.uses++;
        return io;
    }

    @Override
    public boolean start(HostOp op) {
        int vector = op.list().count() > 1 ? Math.min(op.list().count(), IovecArray.UIO_MAXIOV) : 0;
        if (ring.sqeFree() == 0 || iovecsUsed + vector > IOVECS) {
            submit();
            if (ring.sqeFree() == 0 || iovecsUsed + vector > IOVECS) {
                return false;
            }
        }
        int ticket = freeCount > 0 ? freeTickets[--freeCount] : newTicket();
        op.ticket(ticket);
        started[ticket] = op;
        prepare(op, ticket);
        if (isDelegated(op)) {
            reactor.delegated(1);
        }
        if (ring.sqeCapacity() - ring.sqeFree() >= SUBMIT_AT) {
            submit();
        }
        return true;
    }

    private void prepare(HostOp op, long ticket) {
        switch (op.kind()) {
            case READ -> {
                if (op.single()) {
                    ring.read(op.fd(), op.address(), (int) op.bytes(), op.position(), ticket);
                } else {
                    long first = iovecs.address(iovecsUsed);
                    int count = op.fill(iovecs, iovecsUsed);
                    iovecsUsed += count;
                    ring.readv(op.fd(), first, count, op.position(), ticket);
                }
            }
            case WRITE -> {
                if (op.single()) {
                    ring.write(op.fd(), op.address(), (int) op.bytes(), op.position(), ticket);
                } else {
                    long first = iovecs.address(iovecsUsed);
                    int count = op.fill(iovecs, iovecsUsed);
                    iovecsUsed += count;
                    ring.writev(op.fd(), first, count, op.position(), ticket);
                }
            }
            case SYNC -> ring.fsync(op.fd(), true, ticket);
            case PUNCH_HOLE -> allocate(op, FileCalls.FALLOC_FL_PUNCH_HOLE, ticket);
            case ZERO_RANGE -> allocate(op, FileCalls.FALLOC_FL_ZERO_RANGE, ticket);
            case ALLOCATE -> allocate(op, 0, ticket);
        }
    }

    /** Whether the kernel has a thread carry it out: all that may wait within. */
    private static boolean isDelegated(HostOp op) {
        return switch (op.kind()) {
            case READ, WRITE -> false;
            case SYNC, PUNCH_HOLE, ZERO_RANGE, ALLOCATE -> true;
        };
    }

    private void allocate(HostOp op, int mode, long ticket) {
        int keepingSize = mode | FileCalls.FALLOC_FL_KEEP_SIZE;
        ring.fallocate(op.fd(), keepingSize, op.position(), op.bytes(), ticket);
    }

    @Override
    public int poll() {
        int work = 0;
        if (signalled) {
            signalled = !ring.signal(false);
        }
        if (ring.sqeFree() < ring.sqeCapacity()) {
            work = submit();
        }
        return work + reap();
    }

    @Override
    public boolean arm() {
        // What is prepared has to be submitted first.
        if (ring.sqeFree() < ring.sqeCapacity()) {
            return false;
        }
        signal();
        return !ring.hasCompletion();
    }

    @Override
    public void cancel(HostOp op) {
        if (ring.sqeFree() > 0) {
            ring.cancel(op.ticket(), NOBODY);
        }
    }

    @Override
    public BouncePool bounces() {
        return bounces;
    }

    @Override
    public void release() {
        if (--uses == 0) {
            RINGS.remove(reactor);
            watch.close();
            ring.close();
            completions.close();
            bounces.close();
        } else {
            // Perhaps the last that looked by itself; the others are waiting to be told.
            signal();
            reap();
        }
    }

    private void signal() {
        if (!signalled) {
            ring.signal(true);
            signalled = true;
        }
    }

    /** Errors (-EAGAIN, -EBUSY, -EINTR) leave all prepared for the next poll. */
    private int submit() {
        int taken = ring.submit();
        if (ring.sqeFree() == ring.sqeCapacity()) {
            // The kernel has copied the vectors of all that it took.
            iovecsUsed = 0;
        }
        return Math.max(0, taken);
    }

    private void completed() {
        completions.drain();
        reap();
    }

    private int reap() {
        int reaped = 0;
        while (ring.hasCompletion()) {
            long ticket = ring.userData();
            long result = ring.result();
            ring.advance();
            reaped++;
            if (ticket != NOBODY) {
                HostOp op = started[(int) ticket];
                freeTickets[freeCount++] = (int) ticket;
                if (isDelegated(op)) {
                    reactor.delegated(-1);
                }
                op.finished(result);
            }
        }
        return reaped;
    }

    private int newTicket() {
        if (ticketsMade == started.length) {
            started = Arrays.copyOf(started, ticketsMade * 2);
            freeTickets = Arrays.copyOf(freeTickets, ticketsMade * 2);
        }
        return ticketsMade++;
    }
}
