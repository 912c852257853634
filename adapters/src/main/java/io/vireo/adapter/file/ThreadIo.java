package io.vireo.adapter.file;

import io.vireo.linux.FileCalls;
import io.vireo.linux.IovecArray;
import io.vireo.reactor.Reactor;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * File I/O by plain system calls on a few threads, where io_uring is not allowed. The calls are
 * vectored and go straight to and from the client's memory, as io_uring's do; the JVM itself
 * touches none of it.
 */
public final class ThreadIo implements HostIo {
    /** As many requests at a time reach the disk; more wait in line. */
    private static final int THREADS = 16;

    private static final int QUEUE = 4096;
    private static final int IDLE_SECONDS = 30;

    private static final ThreadLocal<IovecArray> IOVECS =
            ThreadLocal.withInitial(() -> new IovecArray(IovecArray.UIO_MAXIOV));

    private static final ThreadPoolExecutor POOL = pool();

    private final Reactor reactor;
    private final BouncePool bounces = new BouncePool();

    private ThreadIo(Reactor reactor) {
        this.reactor = reactor;
    }

    /** An engine for a channel on this reactor. */
    public static HostIo acquire(Reactor reactor) {
        return new ThreadIo(reactor);
    }

    @Override
    public boolean start(HostOp op) {
        try {
            POOL.execute(job(op));
            reactor.delegated(1);
            return true;
        } catch (RejectedExecutionException full) {
            return false;
        }
    }

    @Override
    public int poll() {
        return 0;
    }

    @Override
    public boolean arm() {
        return true;
    }

    @Override
    public void cancel(HostOp op) {
        // A thread inside a system call cannot be called back: the operation ends as ever.
    }

    @Override
    public BouncePool bounces() {
        return bounces;
    }

    @Override
    public void release() {
        bounces.close();
    }

    private Job job(HostOp op) {
        if (op.attachment() instanceof Job job) {
            return job;
        }
        var job = new Job(reactor, op);
        op.attach(job);
        return job;
    }

    private static ThreadPoolExecutor pool() {
        var number = new AtomicInteger();
        var pool =
                new ThreadPoolExecutor(
                        THREADS,
                        THREADS,
                        IDLE_SECONDS,
                        TimeUnit.SECONDS,
                        new ArrayBlockingQueue<>(QUEUE),
                        task ->
                                Thread.ofPlatform()
                                        .name("vireo-file-" + number.getAndIncrement())
                                        .daemon(true)
                                        .unstarted(task));
        pool.allowCoreThreadTimeOut(true);
        return pool;
    }

    private static final class Job implements Runnable {
        private final Reactor reactor;
        private final HostOp op;
        private final Runnable report = this::report;
        private long result;

        Job(Reactor reactor, HostOp op) {
            this.reactor = reactor;
            this.op = op;
        }

        @Override
        public void run() {
            result = carryOut();
            // The mailbox orders the result, and what the kernel did, before the report.
            reactor.execute(report);
        }

        private void report() {
            reactor.delegated(-1);
            op.finished(result);
        }

        private long carryOut() {
            return switch (op.kind()) {
                case READ -> transfer(false);
                case WRITE -> transfer(true);
                case SYNC -> FileCalls.fdatasync(op.fd());
                case PUNCH_HOLE -> allocate(FileCalls.FALLOC_FL_PUNCH_HOLE);
                case ZERO_RANGE -> allocate(FileCalls.FALLOC_FL_ZERO_RANGE);
                case ALLOCATE -> allocate(0);
            };
        }

        private long transfer(boolean write) {
            IovecArray iovecs = IOVECS.get();
            int count = op.fill(iovecs, 0);
            return write
                    ? FileCalls.pwritev(op.fd(), iovecs.address(), count, op.position())
                    : FileCalls.preadv(op.fd(), iovecs.address(), count, op.position());
        }

        private int allocate(int mode) {
            return FileCalls.fallocate(
                    op.fd(), mode | FileCalls.FALLOC_FL_KEEP_SIZE, op.position(), op.bytes());
        }
    }
}
