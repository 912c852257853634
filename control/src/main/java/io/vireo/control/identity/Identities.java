package io.vireo.control.identity;

import io.vireo.control.store.Store;
import io.vireo.control.store.Transaction;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.random.RandomGenerator;

/**
 * Which identity belongs to which device. Kept in the store under {@code
 * /identities/<sort>/<value>} with the owner as the value; the number drawn last in sequence under
 * {@code /identity-cursors/<sort>}.
 *
 * <p>An identity is taken by the transaction that declares its device, and given back by {@link
 * #release} after the device has stopped, never before: no two running devices have the same one.
 * Not safe for concurrent use.
 */
public final class Identities {
    private static final String PREFIX = "/identities/";
    private static final String CURSORS = "/identity-cursors/";
    private static final int RANDOM_TRIES = 64;

    private final Map<IdentitySort, IdentityPool> pools = new EnumMap<>(IdentitySort.class);
    private final RandomGenerator random;
    private final Map<IdentitySort, Map<String, String>> owners = new EnumMap<>(IdentitySort.class);
    private final Map<IdentitySort, Long> cursors = new EnumMap<>(IdentitySort.class);

    /** Reads what the store holds. */
    public Identities(Store store, IdentityConfig config, RandomGenerator random) {
        this.random = random;
        for (IdentitySort sort : IdentitySort.values()) {
            pools.put(sort, IdentityPool.of(sort, config));
            Map<String, String> bySort = new TreeMap<>();
            String prefix = PREFIX + sort.key() + "/";
            for (Store.Entry entry : store.list(prefix).entries()) {
                bySort.put(entry.key().substring(prefix.length()), entry.value());
            }
            owners.put(sort, bySort);
            store.get(CURSORS + sort.key())
                    .ifPresent(entry -> cursors.put(sort, Long.parseLong(entry.value())));
        }
    }

    /** Who holds an identity. */
    public Optional<String> owner(IdentitySort sort, String value) {
        return Optional.ofNullable(bySort(sort).get(value));
    }

    private Map<String, String> bySort(IdentitySort sort) {
        return owners.getOrDefault(sort, Map.of());
    }

    /** Begins a set of changes that come into force together or not at all. */
    public Draft draft() {
        return new Draft();
    }

    /**
     * Gives back whatever is held and not among those in use.
     *
     * @return the changes for the store, to be committed before {@link Draft#accept}
     */
    public Draft release(Set<Identity> inUse) {
        Draft draft = new Draft();
        owners.forEach((sort, values) ->
                values.keySet().stream()
                        .filter(value -> !inUse.contains(new Identity(sort, value)))
                        .forEach(value ->
                                draft.released
                                        .computeIfAbsent(sort, _ -> new HashSet<>())
                                        .add(value)));
        return draft;
    }

    /** Changes that are prepared, written by the caller's transaction, and then accepted. */
    public final class Draft {
        private final Map<IdentitySort, Map<String, String>> taken =
                new EnumMap<>(IdentitySort.class);
        private final Map<IdentitySort, Set<String>> released = new EnumMap<>(IdentitySort.class);
        private final Map<IdentitySort, Long> moved = new EnumMap<>(IdentitySort.class);

        private Draft() {}

        /**
         * Takes an identity that the user fixed.
         *
         * @param owner the device, {@code profile.device}, or the resource
         * @throws ResourceException with {@link ErrorCode#CONFLICT} that names the owner if another
         *     one holds it
         */
        public void take(IdentitySort sort, String value, String owner) {
            Optional<String> holder = holder(sort, value);
            if (holder.isPresent() && !holder.get().equals(owner)) {
                throw new ResourceException(
                        ErrorCode.CONFLICT,
                        "the "
                                + sort.text()
                                + " "
                                + value
                                + " of "
                                + owner
                                + " belongs to "
                                + holder.get()
                                + "; choose another one, or leave it out to have one drawn",
                        Map.of("owner", holder.get(), sort.key(), value));
            }
            taken.computeIfAbsent(sort, _ -> new HashMap<>()).put(value, owner);
        }

        private Optional<String> holder(IdentitySort sort, String value) {
            String drafted = taken.getOrDefault(sort, Map.of()).get(value);
            return Optional.ofNullable(drafted != null ? drafted : bySort(sort).get(value));
        }

        /**
         * Draws a free identity.
         *
         * @throws ResourceException with {@link ErrorCode#EXHAUSTED} if there is none
         */
        public String draw(IdentitySort sort, String owner) {
            IdentityPool pool = pools.get(sort);
            if (pool == null) {
                throw new IllegalStateException("no pool of " + sort);
            }
            boolean sequential = pool.order() == IdentityConfig.Order.SEQUENTIAL;
            if (!sequential) {
                for (int i = 0; i < RANDOM_TRIES; i++) {
                    String value = pool.format().write(random.nextLong(pool.size()), owner);
                    if (holder(sort, value).isEmpty()) {
                        take(sort, value, owner);
                        return value;
                    }
                }
            }
            long start = sequential ? cursor(sort) : random.nextLong(pool.size());
            return drawFrom(pool, start, owner);
        }

        private long cursor(IdentitySort sort) {
            Long drafted = moved.get(sort);
            return drafted != null ? drafted : cursors.getOrDefault(sort, 0L);
        }

        /**
         * Walks the numbers from a start; at most as many are taken as there are owners, so the
         * walk is bounded.
         */
        private String drawFrom(IdentityPool pool, long start, String owner) {
            IdentitySort sort = pool.sort();
            long held = bySort(sort).size() + (long) taken.getOrDefault(sort, Map.of()).size();
            for (long i = 0; i < pool.size() && i <= held; i++) {
                long number = (start + i) % pool.size();
                String value = pool.format().write(number, owner);
                if (holder(sort, value).isEmpty()) {
                    take(sort, value, owner);
                    if (pool.order() == IdentityConfig.Order.SEQUENTIAL) {
                        moved.put(sort, (number + 1) % pool.size());
                    }
                    return value;
                }
            }
            throw new ResourceException(
                    ErrorCode.EXHAUSTED,
                    "all "
                            + pool.size()
                            + " identities of the "
                            + sort.key()
                            + " pool are in use; delete devices, or give the"
                            + " daemon a shorter --"
                            + sort.key()
                            + "-prefix");
        }

        /** Whether there is nothing to write. */
        public boolean isEmpty() {
            return taken.isEmpty() && released.isEmpty();
        }

        /** Adds the changes to a transaction. */
        public void writeTo(Transaction transaction) {
            taken.forEach((sort, values) ->
                    values.forEach((value, owner) ->
                            transaction.put(PREFIX + sort.key() + "/" + value, owner)));
            released.forEach((sort, values) ->
                    values.forEach(value -> transaction.delete(PREFIX + sort.key() + "/" + value)));
            moved.forEach(
                    (sort, number) -> transaction.put(CURSORS + sort.key(), Long.toString(number)));
        }

        /** Takes the changes over after the transaction was committed. */
        public void accept() {
            taken.forEach((sort, values) -> owned(sort).putAll(values));
            released.forEach((sort, values) -> values.forEach(value -> owned(sort).remove(value)));
            cursors.putAll(moved);
        }

        private Map<String, String> owned(IdentitySort sort) {
            return owners.computeIfAbsent(sort, _ -> new TreeMap<>());
        }
    }
}
