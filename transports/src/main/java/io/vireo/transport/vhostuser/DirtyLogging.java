package io.vireo.transport.vhostuser;

import io.vireo.memory.GuestMemory;
import io.vireo.reactor.Reactor;
import io.vireo.virtqueue.DirtyLog;
import java.util.Optional;

/**
 * Whether and where a session marks the pages that it writes (the specification, "Migration"):
 * VHOST_F_LOG_ALL says whether, SET_LOG_BASE where, and they come in any order. Running queues
 * follow at once, with requests in flight. Runs on the control reactor.
 */
final class DirtyLogging {
    private final Rings rings;
    private final Reactor control;
    private Optional<MemoryTable.SharedFile> file = Optional.empty();
    private Optional<DirtyLog> log = Optional.empty();
    private long bytes;
    private boolean on;

    DirtyLogging(Rings rings, Reactor control) {
        this.rings = rings;
        this.control = control;
    }

    /** VHOST_F_LOG_ALL; {@link #publish} is next. */
    void enable(boolean to) {
        on = to;
    }

    /**
     * SET_LOG_BASE: takes another log; {@link #publish} is next.
     *
     * @return the log before, which may be given back after that
     */
    Optional<MemoryTable.SharedFile> replace(Message message, GuestMemory memory)
            throws ViolationException {
        long size = message.u64(0);
        long offset = message.u64(8);
        requireCover(size, memory);
        var mapped = MemoryTable.SharedFile.map(message.takeFd(), offset, size);
        var before = file;
        file = Optional.of(mapped);
        bytes = size;
        log = Optional.of(new DirtyLog(mapped.address(), size));
        return before;
    }

    /** Refuses memory that running queues could write to without a mark. */
    void checkMemory(GuestMemory memory) throws ViolationException {
        if (on && log.isPresent() && rings.all().stream().anyMatch(Vring::running)) {
            requireCover(bytes, memory);
        }
    }

    private static void requireCover(long size, GuestMemory memory) throws ViolationException {
        long end = 0;
        for (var region : memory.regions()) {
            end = Math.max(end, region.guestAddress() + region.size());
        }
        if (size < DirtyLog.bytesFor(end)) {
            throw new ViolationException("the dirty log has a bit for each page of the memory");
        }
    }

    /** Where queues mark what they write; nothing: they do not. */
    Optional<DirtyLog> current() {
        return on ? log : Optional.empty();
    }

    /** What is mapped for it. */
    Optional<MemoryTable.SharedFile> file() {
        return file;
    }

    /** Tells all running queues; {@code done} runs when every one of them has followed. */
    void publish(Runnable done) {
        var running = rings.all().stream().filter(Vring::running).toList();
        if (running.isEmpty()) {
            done.run();
            return;
        }
        int[] left = {running.size()};
        for (var ring : running) {
            ring.log(
                    current(),
                    () ->
                            control.execute(() -> {
                                if (--left[0] == 0) {
                                    done.run();
                                }
                            }));
        }
    }
}
