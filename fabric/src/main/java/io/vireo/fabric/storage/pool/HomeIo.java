package io.vireo.fabric.storage.pool;

import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.memory.OwnMemory;
import io.vireo.reactor.Reactor;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.function.Supplier;

/** Calls of the control plane that wait for the home reactor, and for operations on members. */
final class HomeIo {
    private final MemberSet members;

    HomeIo(MemberSet members) {
        this.members = members;
    }

    /** Has a reactor do something and waits for what comes of it. Not from that reactor. */
    static <T> T on(Reactor reactor, Supplier<T> task) {
        if (reactor.onThread()) {
            throw new IllegalStateException("a pool cannot be controlled from its own reactor");
        }
        var result = new CompletableFuture<T>();
        reactor.execute(() -> {
            try {
                result.complete(task.get());
            } catch (RuntimeException e) {
                result.completeExceptionally(e);
            }
        });
        return await(reactor, result);
    }

    static <T> T await(Reactor reactor, CompletableFuture<T> result) {
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return reactor.await(result);
                } catch (InterruptedException e) {
                    // What was begun has to end.
                    interrupted = true;
                }
            }
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RuntimeException cause) {
                throw cause;
            }
            throw new IllegalStateException(e.getCause());
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** Fills {@code length} bytes of {@code memory}. */
    void read(int member, long at, OwnMemory memory, int length) {
        run(BlockOperation.READ, member, at, memory, length);
    }

    /** A read that is under way. */
    final class Pending {
        private final int member;
        private final CompletableFuture<BlockStatus> ended;

        private Pending(int member, CompletableFuture<BlockStatus> ended) {
            this.member = member;
            this.ended = ended;
        }

        /** Waits for its end, and throws if it failed. */
        void finish() {
            check(BlockOperation.READ, member, ended);
        }

        /** Waits for its end, whatever that is. */
        void settle() {
            await(members.home(), ended);
        }
    }

    /** Begins to fill {@code length} bytes of {@code memory}, which are in use until it ends. */
    Pending begin(int member, long at, OwnMemory memory, int length) {
        return new Pending(
                member, start(BlockOperation.READ, member, at, memory.address(), length));
    }

    void write(int member, long at, OwnMemory memory, int length) {
        run(BlockOperation.WRITE, member, at, memory, length);
    }

    void flush(int member) {
        check(BlockOperation.FLUSH, member, start(BlockOperation.FLUSH, member, 0, 0, 0));
    }

    private void run(BlockOperation operation, int member, long at, OwnMemory memory, int length) {
        int done = 0;
        while (done < length) {
            int step = Math.min(length - done, 1 << 20);
            check(
                    operation,
                    member,
                    start(operation, member, at + done, memory.address() + done, step));
            done += step;
        }
    }

    private CompletableFuture<BlockStatus> start(
            BlockOperation operation, int member, long at, long address, int length) {
        var ended = new CompletableFuture<BlockStatus>();
        members.home()
                .execute(() -> {
                    var request = new BlockRequest(0, r -> ended.complete(r.status()));
                    request.prepare(operation, at, length).data().add(address, length);
                    members.get(member).submit(request);
                    members.wake();
                });
        return ended;
    }

    private void check(BlockOperation operation, int member, CompletableFuture<BlockStatus> ended) {
        BlockStatus status = await(members.home(), ended);
        if (status != BlockStatus.OK) {
            throw new ResourceException(
                    ErrorCode.UNAVAILABLE,
                    "%s on member %d of the pool ended in %s; check the disk"
                            .formatted(operation, member, status));
        }
    }
}
