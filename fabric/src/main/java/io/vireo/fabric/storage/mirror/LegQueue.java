package io.vireo.fabric.storage.mirror;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.block.MemoryLease;
import io.vireo.fabric.storage.queue.DeviceQueue;
import io.vireo.memory.NativeMemory;
import io.vireo.memory.OwnMemory;
import io.vireo.memory.ScatterGatherList;
import io.vireo.reactor.Reactor;
import java.util.ArrayDeque;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The requests that a leg has, the oldest first. Those of a disk that does not answer can be given
 * up: they fail for whoever asked, while the disk still has them. So their memory is one that is
 * left alone until the disk lets go of it: a copy, unless it is a write that can have its own kept.
 * That of a read cannot be kept: another leg is to fill it. Only a read into a guest's memory is
 * not given up.
 */
final class LegQueue {
    /** Bytes of a buffer for short requests. */
    private static final int SHORT = 16 << 10;

    private static final int MOST_SPARE = 64;
    private static final int MOST_SPARE_SHORT = 256;

    private final DeviceQueue queue;
    private final Reactor home;
    private final Runnable whenBusy;
    private final ArrayDeque<Given> spare = new ArrayDeque<>();
    private final ArrayDeque<OwnMemory> buffers = new ArrayDeque<>();
    private final ArrayDeque<OwnMemory> shortBuffers = new ArrayDeque<>();
    private @Nullable Given oldest;
    private @Nullable Given newest;

    /**
     * @param wake has the queue polled
     * @param whenBusy told when there is something to answer
     */
    LegQueue(BlockDevice device, Reactor home, Runnable wake, Runnable whenBusy) {
        queue = new DeviceQueue(device, home, wake);
        this.home = home;
        this.whenBusy = whenBusy;
    }

    BlockDevice device() {
        return queue.device();
    }

    void submit(BlockRequest request) {
        Given given = spare.pollLast();
        if (given == null) {
            given = new Given();
        }
        given.begin(request);
        queue.submit(given.io);
        whenBusy.run();
    }

    /** Requests that the disk has, those included that were given up. */
    int load() {
        return queue.load();
    }

    /** Whether it has something to answer. */
    boolean isBusy() {
        return oldest != null;
    }

    /** Nanoseconds for which the oldest request has waited; 0: there is none. */
    long waits() {
        Given first = oldest;
        return first == null ? 0 : home.nanoTime() - first.since;
    }

    /** Has all requests fail; the disk may still carry them out. */
    void giveUp() {
        queue.drop(BlockStatus.IO_ERROR);
        Given next = oldest;
        while (next != null) {
            Given given = next;
            next = given.younger;
            if (!given.asked().isForeign()) {
                given.abandon();
            }
        }
    }

    int poll() {
        return queue.poll();
    }

    boolean arm() {
        return queue.arm();
    }

    void disarm() {
        queue.disarm();
    }

    /** Closes the channel when the disk has let go of everything. */
    void close(Runnable whenClosed) {
        queue.close(() -> {
            buffers.forEach(OwnMemory::close);
            shortBuffers.forEach(OwnMemory::close);
            whenClosed.run();
        });
    }

    private OwnMemory takeBuffer(long length) {
        if (length <= SHORT) {
            OwnMemory buffer = shortBuffers.pollLast();
            return buffer == null ? OwnMemory.allocate(SHORT) : buffer;
        }
        OwnMemory buffer = length <= Copier.MOST ? buffers.pollLast() : null;
        return buffer == null ? OwnMemory.allocate((int) Math.max(length, Copier.MOST)) : buffer;
    }

    private void giveBuffer(OwnMemory buffer) {
        if (buffer.length() == SHORT && shortBuffers.size() < MOST_SPARE_SHORT) {
            shortBuffers.addLast(buffer);
        } else if (buffer.length() == Copier.MOST && buffers.size() < MOST_SPARE) {
            buffers.addLast(buffer);
        } else {
            buffer.close();
        }
    }

    /** A request that the disk has. Used again and again. */
    private final class Given {
        final BlockRequest io = new BlockRequest(0, _ -> ended());
        private @Nullable BlockRequest asked;
        private @Nullable OwnMemory copy;

        /** Retained for the disk. */
        private @Nullable MemoryLease lease;

        long since;
        @Nullable Given older;
        @Nullable Given younger;

        void begin(BlockRequest request) {
            asked = request;
            since = home.nanoTime();
            io.prepare(request.operation(), request.offset(), request.length());
            io.forceUnitAccess(request.forceUnitAccess()).unmap(request.unmap());
            ScatterGatherList data = request.data();
            boolean kept = request.lease() != null && request.operation() == BlockOperation.WRITE;
            if (data.count() > 0 && !kept && !request.isForeign()) {
                OwnMemory buffer = takeBuffer(request.length());
                copy = buffer;
                io.data().add(buffer.address(), (int) request.length());
                if (request.operation() == BlockOperation.WRITE) {
                    copy(buffer, data, true);
                }
            } else if (data.count() > 0) {
                io.data().addSlice(data, 0, request.length());
            }
            Given last = newest;
            older = last;
            newest = this;
            if (last == null) {
                oldest = this;
            } else {
                last.younger = this;
            }
        }

        private static void copy(OwnMemory buffer, ScatterGatherList data, boolean in) {
            long at = buffer.address();
            for (int i = 0; i < data.count(); i++) {
                int length = data.length(i);
                NativeMemory.copy(in ? data.address(i) : at, in ? at : data.address(i), length);
                at += length;
            }
        }

        BlockRequest asked() {
            return Objects.requireNonNull(asked);
        }

        private void unlink() {
            Given before = older;
            Given after = younger;
            if (before == null) {
                oldest = after;
            } else {
                before.younger = after;
            }
            if (after == null) {
                newest = before;
            } else {
                after.older = before;
            }
            older = null;
            younger = null;
        }

        /** It has failed, and the disk still has it. */
        void abandon() {
            unlink();
            BlockRequest request = asked();
            asked = null;
            lease = copy == null ? request.lease() : null;
            if (lease != null) {
                lease.retain();
            }
            request.complete(BlockStatus.IO_ERROR);
        }

        /** The disk has let go of it. */
        private void ended() {
            BlockRequest request = asked;
            if (request != null) {
                unlink();
            }
            OwnMemory buffer = copy;
            if (buffer != null) {
                if (request != null
                        && request.operation() == BlockOperation.READ
                        && io.status() == BlockStatus.OK) {
                    copy(buffer, request.data(), false);
                }
                copy = null;
                giveBuffer(buffer);
            }
            if (lease != null) {
                lease.release();
                lease = null;
            }
            asked = null;
            BlockStatus status = io.status();
            spare.addLast(this);
            if (request != null) {
                request.complete(status);
            }
        }
    }
}
