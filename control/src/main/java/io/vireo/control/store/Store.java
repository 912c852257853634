package io.vireo.control.store;

import java.util.List;
import java.util.Optional;

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

    /** The revision of the last transaction that changed something; 0 in a new store. */
    long revision();

    /** One key; empty if it does not exist. */
    Optional<Entry> get(String key);

    /** All keys that start with the prefix; the empty prefix means all. */
    Snapshot list(String prefix);

    /**
     * Applies a transaction if all its conditions hold. It is durable when this returns.
     *
     * @return the revision it got, or empty if a condition did not hold (then nothing has changed)
     */
    Optional<Long> commit(Transaction transaction);

    @Override
    void close();
}
