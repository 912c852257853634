package io.vireo.transport.vhostuser;

import io.vireo.linux.Mapping;
import io.vireo.memory.GuestMemory;
import io.vireo.memory.NativeMemory;
import io.vireo.reactor.MemoryFaultListener;
import io.vireo.reactor.Reactor;
import io.vireo.transport.vhostuser.MemoryTable.Region;
import io.vireo.transport.vhostuser.MemoryTable.SharedFile;
import io.vireo.virtqueue.Virtqueue;
import io.vireo.virtqueue.VirtqueueException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
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

    /** Bytes that are looked at after a fault at most: more would keep the reactor. */
    private static final long MOST_TESTED = 64L << 20;

    private final Session.Context context;
    private final MemoryTable table;
    private final List<Vring> rings;
    private final Consumer<String> lost;
    private final List<Suspect> suspects;
    private final AtomicBoolean givenUp = new AtomicBoolean();
    private volatile List<SharedFile> watched = List.of();

    /** In use no more, or soon, but requests in flight may refer to it. */
    private volatile List<SharedFile> leaving = List.of();

    /**
     * Guards the memory of a session that has none yet.
     *
     * @param lost gets what happened to it; on the control reactor
     */
    MemoryGuard(
            Session.Context context, MemoryTable table, List<Vring> rings, Consumer<String> lost) {
        this.context = context;
        this.table = table;
        this.rings = rings;
        this.lost = lost;
        suspects = context.reactors().stream().map(Suspect::new).toList();
        for (var suspect : suspects) {
            suspect.reactor.execute(() -> suspect.reactor.onMemoryFault(suspect));
        }
    }

    /** Looks after these files, too: the record of requests in flight, the dirty log. */
    void watch(List<SharedFile> files) {
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
    void retire(List<SharedFile> files, Runnable done) {
        leave(files);
        var left = new AtomicInteger(suspects.size());
        for (var suspect : suspects) {
            var reactor = suspect.reactor;
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
                                        leaving = without(leaving, files);
                                        files.forEach(SharedFile::close);
                                        done.run();
                                    });
                        }
                    };
            reactor.execute(() -> awaitUnused(reactor, queues, acknowledged));
        }
    }

    /**
     * Looks after files that are about to be taken out of use, until they are {@link #retire
     * retired}; on the control reactor.
     */
    void leave(List<SharedFile> files) {
        var all = new ArrayList<>(without(leaving, files));
        all.addAll(files);
        leaving = List.copyOf(all);
    }

    private static List<SharedFile> without(List<SharedFile> all, List<SharedFile> files) {
        return all.stream().filter(file -> !files.contains(file)).toList();
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
        for (var suspect : suspects) {
            suspect.reactor.execute(() -> suspect.reactor.removeMemoryFaultListener(suspect));
        }
    }

    /** What the session answers to a reactor that met memory which was not there. */
    private final class Suspect implements MemoryFaultListener {
        private final Reactor reactor;

        Suspect(Reactor reactor) {
            this.reactor = reactor;
        }

        @Override
        public boolean exposed() {
            return rings.stream().anyMatch(ring -> !ring.stopped())
                    && !files().stream().allMatch(SharedFile::firm);
        }

        @Override
        public boolean touched() {
            return rings.stream().anyMatch(ring -> ring.touchedBuffers(reactor));
        }

        @Override
        public boolean memoryFault() {
            if (!files().stream().allMatch(SharedFile::intact)) {
                giveUp("the front end took guest memory away");
            } else if (!reachable()) {
                giveUp(
                        "guest memory is not there: the front end took it away, or the file system"
                                + " that it is on is full");
            } else {
                return false;
            }
            return true;
        }

        @Override
        public void convicted() {
            giveUp(
                    "guest memory was not there for a moment, and no other front end has memory of"
                            + " which that is possible");
        }

        private List<SharedFile> files() {
            // In this order: what leaves is in the list of these before it is in no other.
            var files = new ArrayList<>(table.regions().stream().map(Region::file).toList());
            files.addAll(watched);
            files.addAll(leaving);
            return files;
        }

        /** Has the kernel bring the pages: it says so where we would get a SIGBUS. */
        private boolean reachable() {
            var test = new ReachableTest();
            var memory = table.memory();
            return rings.stream().allMatch(ring -> ring.testBuffers(reactor, test))
                    && rings.stream().allMatch(ring -> ring.testParts(memory, test))
                    && watched.stream().allMatch(file -> file.reachable(MOST_TESTED));
        }

        private void giveUp(String why) {
            // Requests in flight still complete: into pages of our own.
            files().forEach(SharedFile::withdraw);
            if (givenUp.compareAndSet(false, true)) {
                context.control().execute(() -> lost.accept(why));
            }
        }
    }

    /** Whether ranges can be accessed, as far as there are not too many of them. */
    private static final class ReachableTest implements Virtqueue.RangeTest {
        private long left = MOST_TESTED;

        @Override
        public boolean test(long address, long length, boolean writable) {
            long piece = Math.min(length, left);
            left -= piece;
            return piece == 0 || Mapping.isReachable(address, piece, writable);
        }
    }
}
