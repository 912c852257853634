package io.vireo.control.identity;

import io.vireo.control.store.Store;
import io.vireo.control.store.Transaction;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;
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

    private final Map<String, IdentityPool> pools;
    private final RandomGenerator random;
    private final Map<String, Map<String, String>> owners = new HashMap<>();
    private final Map<String, Long> cursors = new HashMap<>();

    /** Reads what the store holds. */
    public Identities(Store store, IdentityConfig config, RandomGenerator random) {
        this.random = random;
        this.pools =
                Map.of(
                        IdentityPool.MAC, IdentityPool.macs(config),
                        IdentityPool.SERIAL, IdentityPool.serials(config));
        for (String sort : pools.keySet()) {
            Map<String, String> bySort = new TreeMap<>();
            String prefix = PREFIX + sort + "/";
            for (Store.Entry entry : store.list(prefix).entries()) {
                bySort.put(entry.key().substring(prefix.length()), entry.value());
            }
            owners.put(sort, bySort);
            store.get(CURSORS + sort)
                    .ifPresent(entry -> cursors.put(sort, Long.parseLong(entry.value())));
        }
    }

    /** Who holds a MAC address. */
    public Optional<String> ownerOfMac(String mac) {
        return Optional.ofNullable(bySort(IdentityPool.MAC).get(mac));
    }

    private Map<String, String> bySort(String sort) {
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
    public Draft release(Set<String> macsInUse, Set<String> serialsInUse) {
        Draft draft = new Draft();
        draft.releaseAllBut(IdentityPool.MAC, macsInUse);
        draft.releaseAllBut(IdentityPool.SERIAL, serialsInUse);
        return draft;
    }

    /** Changes that are prepared, written by the caller's transaction, and then accepted. */
    public final class Draft {
        private final Map<String, Map<String, String>> taken = new HashMap<>();
        private final Map<String, Set<String>> released = new HashMap<>();
        private final Map<String, Long> moved = new HashMap<>();

        private Draft() {}

        /**
         * Takes a MAC address that the user fixed.
         *
         * @param owner the device, {@code profile.device}
         * @throws ResourceException with {@link ErrorCode#CONFLICT} that names the owner if another
         *     device holds it
         */
        public void takeMac(String mac, String owner) {
            take(IdentityPool.MAC, "MAC address", mac, owner);
        }

        /** Takes a disk serial that the user fixed; as {@link #takeMac}. */
        public void takeSerial(String serial, String owner) {
            take(IdentityPool.SERIAL, "disk serial", serial, owner);
        }

        /** Draws a free MAC address for a device. */
        public String drawMac(String owner) {
            return draw(IdentityPool.MAC, owner);
        }

        /** Draws a free disk serial for a device. */
        public String drawSerial(String owner) {
            return draw(IdentityPool.SERIAL, owner);
        }

        private void take(String sort, String what, String value, String owner) {
            Optional<String> holder = holder(sort, value);
            if (holder.isPresent() && !holder.get().equals(owner)) {
                throw new ResourceException(
                        ErrorCode.CONFLICT,
                        "the "
                                + what
                                + " "
                                + value
                                + " of "
                                + owner
                                + " belongs to "
                                + holder.get()
                                + "; choose another one, or leave it out to have one drawn",
                        Map.of("owner", holder.get(), sort, value));
            }
            taken.computeIfAbsent(sort, _ -> new HashMap<>()).put(value, owner);
        }

        private Optional<String> holder(String sort, String value) {
            String drafted = taken.getOrDefault(sort, Map.of()).get(value);
            return Optional.ofNullable(drafted != null ? drafted : bySort(sort).get(value));
        }

        private String draw(String sort, String owner) {
            IdentityPool pool = pools.get(sort);
            if (pool == null) {
                throw new IllegalArgumentException(sort);
            }
            boolean sequential = pool.order() == IdentityConfig.Order.SEQUENTIAL;
            if (!sequential) {
                for (int i = 0; i < RANDOM_TRIES; i++) {
                    String value = pool.format().apply(random.nextLong(pool.size()));
                    if (holder(sort, value).isEmpty()) {
                        take(sort, sort, value, owner);
                        return value;
                    }
                }
            }
            long start = sequential ? cursor(sort) : random.nextLong(pool.size());
            return drawFrom(pool, start, owner);
        }

        private long cursor(String sort) {
            Long drafted = moved.get(sort);
            return drafted != null ? drafted : cursors.getOrDefault(sort, 0L);
        }

        /**
         * Walks the numbers from a start; at most as many are taken as there are owners, so the
         * walk is bounded.
         */
        private String drawFrom(IdentityPool pool, long start, String owner) {
            String sort = pool.sort();
            long held = bySort(sort).size() + (long) taken.getOrDefault(sort, Map.of()).size();
            for (long i = 0; i < pool.size() && i <= held; i++) {
                long number = (start + i) % pool.size();
                String value = pool.format().apply(number);
                if (holder(sort, value).isEmpty()) {
                    take(sort, sort, value, owner);
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
                            + sort
                            + " pool are in use; delete devices, or give the"
                            + " daemon a shorter --"
                            + sort
                            + "-prefix");
        }

        private void releaseAllBut(String sort, Set<String> inUse) {
            Set<String> free = new HashSet<>(bySort(sort).keySet());
            free.removeAll(inUse);
            if (!free.isEmpty()) {
                released.put(sort, free);
            }
        }

        /** Whether there is nothing to write. */
        public boolean isEmpty() {
            return taken.isEmpty() && released.isEmpty();
        }

        /** Adds the changes to a transaction. */
        public void writeTo(Transaction transaction) {
            taken.forEach((sort, values) ->
                    values.forEach(
                            (value, owner) -> transaction.put(PREFIX + sort + "/" + value, owner)));
            released.forEach((sort, values) ->
                    values.forEach(value -> transaction.delete(PREFIX + sort + "/" + value)));
            moved.forEach((sort, number) -> transaction.put(CURSORS + sort, Long.toString(number)));
        }

        /** Takes the changes over after the transaction was committed. */
        public void accept() {
            taken.forEach((sort, values) -> owned(sort).putAll(values));
            released.forEach((sort, values) -> values.forEach(value -> owned(sort).remove(value)));
            cursors.putAll(moved);
        }

        private Map<String, String> owned(String sort) {
            return owners.computeIfAbsent(sort, _ -> new TreeMap<>());
        }
    }
}
