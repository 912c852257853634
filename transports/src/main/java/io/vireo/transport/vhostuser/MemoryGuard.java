package io.vireo.transport.vhostuser;

import io.vireo.linux.ErrnoException;
import io.vireo.linux.FileCalls;
import io.vireo.linux.Memfd;
import io.vireo.memory.GuestMemory;
import io.vireo.memory.NativeMemory;
import io.vireo.reactor.MemoryFaultListener;
import io.vireo.reactor.Reactor;
import io.vireo.virtqueue.Virtqueue;
import io.vireo.virtqueue.VirtqueueException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Keeps guest memory and its users apart: brings new tables to the running queues, unmaps only what
 * nobody uses any more, and finds out after a memory fault whether it was this session's memory
 * that was taken away.
 */
final class MemoryGuard {
    private static final long LOOK_AGAIN_NANOS = TimeUnit.MILLISECONDS.toNanos(5);
    private static final int CHUNK = 1 << 20;

    private final Session.Context context;
    private final MemoryTable table;
    private final List<Vring> rings;
    private final Runnable lost;
    private final MemoryFaultListener listener = this::check;
    private volatile List<MemoryTable.SharedFile> watched = List.of();
    private volatile boolean withdrawn;

    MemoryGuard(Session.Context context, MemoryTable table, List<Vring> rings, Runnable lost) {
        this.context = context;
        this.table = table;
        this.rings = rings;
        this.lost = lost;
        context.reactors()
                .forEach(reactor -> reactor.execute(() -> reactor.onMemoryFault(listener)));
    }

    /** Looks after these files, too: the record of requests in flight, the dirty log. */
    void watch(List<MemoryTable.SharedFile> files) {
        watched = files;
    }

    /**
     * Brings the current table to all running queues.
     *
     * @param done gets what prevented it, or null; on the control reactor
     */
    void publish(Consumer<@Nullable String> done) {
        var running = rings.stream().filter(Vring::running).toList();
        if (running.isEmpty()) {
            done.accept(null);
            return;
        }
        var memory = table.memory();
        int[] left = {running.size()};
        String[] failure = {""};
        for (var ring : running) {
            var queue = ring.queue();
            ring.reactor()
                    .execute(() -> {
                        var problem = queue == null ? "" : publish(queue, memory);
                        context.control()
                                .execute(() -> {
                                    failure[0] += problem;
                                    if (--left[0] == 0) {
                                        done.accept(failure[0].isEmpty() ? null : failure[0]);
                                    }
                                });
                    });
        }
    }

    private static String publish(Virtqueue queue, GuestMemory memory) {
        try {
            queue.memory(memory);
            NativeMemory.settle();
            return "";
        } catch (VirtqueueException e) {
            return String.valueOf(e.getMessage());
        } catch (InternalError e) {
            return "the guest's memory is gone";
        } catch (RuntimeException e) {
            // A bug; the front end has an answer all the same.
            return "queue " + queue.index() + " cannot follow: " + e;
        }
    }

    /**
     * Unmaps and closes when no request in flight refers to it and every reactor has taken note.
     *
     * @param done runs on the control reactor
     */
    void retire(List<MemoryTable.SharedFile> files, Runnable done) {
        var left = new AtomicInteger(context.reactors().size());
        for (var reactor : context.reactors()) {
            var queues = new ArrayList<Virtqueue>();
            for (var ring : rings) {
                var queue = ring.queue();
                if (queue != null && ring.reactor() == reactor) {
                    queues.add(queue);
                }
            }
            Runnable acknowledged =
                    () -> {
                        if (left.decrementAndGet() == 0) {
                            context.control()
                                    .execute(() -> {
                                        files.forEach(MemoryTable.SharedFile::close);
                                        done.run();
                                    });
                        }
                    };
            reactor.execute(() -> awaitUnused(reactor, queues, acknowledged));
        }
    }

    private static void awaitUnused(Reactor reactor, List<Virtqueue> queues, Runnable then) {
        if (queues.stream().allMatch(queue -> queue.staleInFlight() == 0)) {
            then.run();
        } else {
            reactor.schedule(LOOK_AGAIN_NANOS, () -> awaitUnused(reactor, queues, then));
        }
    }

    /** No longer looks after anything. */
    void close() {
        context.reactors()
                .forEach(reactor ->
                        reactor.execute(() -> reactor.removeMemoryFaultListener(listener)));
    }

    /** On any data reactor, after a turn in which somebody's memory was not there. */
    private void check() {
        if (withdrawn) {
            return;
        }
        var files =
                new ArrayList<>(table.regions().stream().map(MemoryTable.Region::file).toList());
        files.addAll(watched);
        if (files.stream().allMatch(MemoryTable.SharedFile::intact) && ringsReadable()) {
            return;
        }
        withdrawn = true;
        // Requests in flight still complete: into pages of our own.
        files.forEach(MemoryTable.SharedFile::withdraw);
        context.control().execute(lost);
    }

    /** Has the kernel read the rings: it says EFAULT where we would get a SIGBUS. */
    private boolean ringsReadable() {
        var memory = table.memory();
        try (var sink = Memfd.create("vireo-check", 0, 0)) {
            for (var ring : rings) {
                if (!ring.partsReadable(
                        memory, (at, length) -> readable(sink.number(), at, length))) {
                    return false;
                }
            }
            return true;
        } catch (ErrnoException e) {
            // Without descriptors or memory of our own we cannot tell; the next fault asks again.
            return true;
        }
    }

    private static boolean readable(int sink, long address, long length) {
        for (long at = 0; at < length; at += CHUNK) {
            long piece = Math.min(CHUNK, length - at);
            if (FileCalls.pwrite(sink, address + at, piece, 0) != piece) {
                return false;
            }
        }
        return true;
    }
}
