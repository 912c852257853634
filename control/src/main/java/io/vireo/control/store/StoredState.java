package io.vireo.control.store;

import io.vireo.resource.DurableState;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * {@link DurableState} in a store of its own, apart from what is declared: it changes when guests
 * want it to. One thread writes, in order.
 */
public final class StoredState implements DurableState, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(StoredState.class);
    private static final String PREFIX = "/state/";

    private final Store store;
    private final ExecutorService writer =
            Executors.newSingleThreadExecutor(
                    Thread.ofPlatform().name("vireo-state").daemon(true).factory());

    private StoredState(Store store) {
        this.store = store;
    }

    /**
     * Opens it, and creates it if there is none.
     *
     * @throws StoreException if the file cannot be used
     */
    public static StoredState open(Path file) {
        return new StoredState(SqliteStore.open(file));
    }

    @Override
    public Optional<String> get(String key) {
        return store.get(PREFIX + key).map(Store.Entry::value);
    }

    @Override
    public List<String> keys(String prefix) {
        return store.list(PREFIX + prefix).entries().stream()
                .map(entry -> entry.key().substring(PREFIX.length()))
                .toList();
    }

    @Override
    public void put(String key, Optional<String> value, Consumer<Boolean> done) {
        try {
            writer.execute(() -> done.accept(write(PREFIX + key, value)));
        } catch (RejectedExecutionException e) {
            done.accept(false);
        }
    }

    private boolean write(String key, Optional<String> value) {
        try {
            var transaction = new Transaction();
            value.ifPresentOrElse(
                    text -> transaction.put(key, text), () -> transaction.delete(key));
            return store.commit(transaction).isPresent();
        } catch (StoreException e) {
            LOG.error("state of the data plane cannot be made durable: {}", e.getMessage());
            return false;
        }
    }

    /** Ends when everything that was put is written. */
    @Override
    public void close() {
        writer.close();
        store.close();
    }
}
