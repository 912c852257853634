package io.vireo.testkit;

import com.sun.management.ThreadMXBean;
import io.vireo.block.BlockChannel;
import io.vireo.block.BlockDevice;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.reactor.Poller;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.Registration;
import java.lang.management.ManagementFactory;
import java.util.concurrent.CompletableFuture;

/**
 * Reads and writes at a queue depth of 32 by the reactor alone, which counts what it allocates for
 * them when it is warm.
 */
final class SteadyBlockLoad implements Poller {
    /** Bytes of memory that it needs. */
    static final long MEMORY = 64L * 4096;

    private final CompletableFuture<Long> allocated = new CompletableFuture<>();
    private final BlockRequest[] requests = new BlockRequest[32];
    private final long memory;
    private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private final BlockChannel channel;
    private final Registration registration;
    private int warming = 2_000;
    private int left = 20_000;
    private int idle;
    private long before;

    /**
     * Begins. On the reactor.
     *
     * @param memory address of {@link #MEMORY} bytes
     */
    SteadyBlockLoad(BlockDevice device, Reactor reactor, long memory) {
        this.memory = memory;
        for (int i = 0; i < requests.length; i++) {
            requests[i] = new BlockRequest(i, _ -> idle++);
        }
        idle = requests.length;
        channel = device.open(reactor);
        registration = reactor.add(this);
        channel.onReady(registration::wake);
    }

    /** Bytes that the reactor's thread allocated under the load, when it has ended. */
    CompletableFuture<Long> allocated() {
        return allocated;
    }

    @Override
    public int poll() {
        // A whole batch at a time: the requests need no list of those that are free.
        if (idle == requests.length && !next()) {
            return 1;
        }
        channel.poll();
        return 1;
    }

    @Override
    public String name() {
        return "load";
    }

    /** Whether there was more to do. */
    private boolean next() {
        if (warming > 0) {
            warming -= requests.length;
            before = threads.getCurrentThreadAllocatedBytes();
        } else if (left <= 0) {
            long bytes = threads.getCurrentThreadAllocatedBytes() - before;
            registration.close();
            channel.close(() -> allocated.complete(bytes));
            return false;
        } else {
            left -= requests.length;
        }
        idle = 0;
        for (int i = 0; i < requests.length; i++) {
            BlockOperation operation = i % 2 == 0 ? BlockOperation.READ : BlockOperation.WRITE;
            BlockRequest request = requests[i].prepare(operation, i * 8192L, 8192);
            request.data().add(memory + i * 4096L, 4096);
            request.data().add(memory + i * 4096L, 4096);
            channel.submit(request);
        }
        return true;
    }
}
