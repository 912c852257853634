package io.vireo.fabric.l2;

import io.vireo.reactor.Reactor;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;

/** Has tasks done on a reactor and waits for what they return or throw; any thread. */
final class ReactorCalls {
    private static final int PATIENCE_SECONDS = 10;

    private final Reactor reactor;
    private final String subject;

    /**
     * @param subject what the tasks change, for messages
     */
    ReactorCalls(Reactor reactor, String subject) {
        this.reactor = reactor;
        this.subject = subject;
    }

    /** As {@link #get}. */
    void run(Runnable task) {
        get(() -> {
            task.run();
            return this;
        });
    }

    /**
     * Runs a task on the reactor; at once, if that is where the caller is.
     *
     * @throws IllegalStateException if the reactor does not answer, or the caller is interrupted
     */
    <T> T get(Supplier<T> task) {
        if (reactor.onThread()) {
            return task.get();
        }
        var result = new CompletableFuture<T>();
        reactor.execute(() -> {
            try {
                result.complete(task.get());
            } catch (RuntimeException e) {
                result.completeExceptionally(e);
            }
        });
        try {
            return result.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RuntimeException cause) {
                throw cause;
            }
            throw new CompletionException(e.getCause());
        } catch (TimeoutException e) {
            throw new IllegalStateException("reactor " + reactor.name() + " does not answer", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while changing " + subject, e);
        }
    }
}
