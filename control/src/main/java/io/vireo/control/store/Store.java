package io.vireo.control.store;

import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Durable keys and values with one revision counter for all, in the manner of etcd's v3 API.
 *
 * <p>Every method throws {@link StoreException} if the medium fails or the store is closed.
 */
public interface Store extends AutoCloseable {
    /**
     * One key.
     *
     * @param createRevision revision of the transaction that created it
     * @param modRevision revision of the transaction that wrote it last
     */
    record Entry(String key, String value, long createRevision, long modRevision) {}

    /**
     * All keys with a prefix at one moment.
     *
     * @param revision of that moment
     * @param entries sorted by key
     */
    record Snapshot(long revision, List<Entry> entries) {
        public Snapshot {
            entries = List.copyOf(entries);
        }
    }

    /**
     * One change of one key.
     *
     * @param revision of the transaction
     * @param value the new value; empty if the key was deleted
     */
    record Change(long revision, String key, Optional<String> value) {}

    /**
     * A registration that ends when closed; no call of its consumer begins after {@code close} has
     * returned.
     */
    interface Watch extends AutoCloseable {
        @Override
        void close();
    }

    /** The revision of the last transaction that changed something; 0 in a new store. */
    long revision();

    Optional<Entry> get(String key);

    /** All keys that start with the prefix; the empty prefix means all. */
    Snapshot list(String prefix);

    /**
     * Applies a transaction if all its conditions hold. It is durable when this returns.
     *
     * @return the revision it got, or empty if a condition did not hold (then nothing has changed)
     */
    Optional<Long> commit(Transaction transaction);

    /**
     * Delivers every change of keys with the prefix whose revision is greater than {@code
     * afterRevision}: first the past ones, then new ones as they are committed, each once, in
     * order. The consumer runs on a thread of the store and must be quick and must not call the
     * store.
     *
     * @throws CompactedException if some of the past ones are gone
     */
    Watch watch(String prefix, long afterRevision, Consumer<Change> consumer);

    /** Forgets the log up to and including a revision; keys are not affected. */
    void compact(long revision);

    @Override
    void close();
}
