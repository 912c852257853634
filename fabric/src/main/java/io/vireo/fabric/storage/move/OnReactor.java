package io.vireo.fabric.storage.move;

import io.vireo.reactor.Reactor;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.function.Supplier;

/** What the thread of a move has a reactor do, and waits for. */
final class OnReactor {
    private OnReactor() {}

    /**
     * Has it do something.
     *
     * @throws ResourceException UNAVAILABLE if that fails: a device cannot be opened
     */
    static <T> T call(Reactor reactor, Supplier<T> task) {
        var done = new CompletableFuture<T>();
        reactor.execute(() -> {
            try {
                done.complete(task.get());
            } catch (RuntimeException e) {
                done.completeExceptionally(
                        new ResourceException(
                                ErrorCode.UNAVAILABLE,
                                "the disk cannot be opened: " + e.getMessage(),
                                e));
            }
        });
        return await(reactor, done);
    }

    /** Has it do something that cannot fail. */
    static void tell(Reactor reactor, Runnable task) {
        call(
                reactor,
                () -> {
                    task.run();
                    return true;
                });
    }

    /** Waits for something that it completes; what that fails with is thrown. */
    static <T> T await(Reactor reactor, CompletableFuture<T> done) {
        try {
            return reactor.await(done);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RuntimeException cause) {
                throw cause;
            }
            throw new CompletionException(e.getCause());
        } catch (InterruptedException e) {
            throw new CompletionException(e);
        }
    }
}
