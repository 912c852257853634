package io.vireo.server;

import io.vireo.linux.NetInterface;
import io.vireo.linux.NetworkNamespace;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** A thread in a network namespace, which it keeps alive when that has lost its name. */
final class Inside implements AutoCloseable {
    private final ExecutorService thread =
            Executors.newSingleThreadExecutor(Thread.ofPlatform().daemon().factory());

    private Inside() {}

    /** Enters the namespace that has the name now. */
    @SuppressWarnings("resource") // The thread ends inside.
    static Inside of(String name) throws ExecutionException, InterruptedException {
        var inside = new Inside();
        inside.thread.submit(() -> NetworkNamespace.enter(name)).get();
        return inside;
    }

    /** Whether there is an interface in it. */
    boolean has(String name) throws ExecutionException, InterruptedException {
        return thread.submit(() -> NetInterface.of(name).exists()).get();
    }

    @Override
    public void close() {
        thread.close();
    }
}
