package io.vireo.fabric.storage;

import io.vireo.block.BlockPool;
import io.vireo.fabric.storage.pool.AllocationLimit;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.Quantity;
import io.vireo.resource.ResourceException;
import io.vireo.resource.spec.QuotaSpec;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The quotas of a pool, and who they are for. Thread safe. */
public final class PoolQuotas {
    private final String pool;
    private final BlockPool volumes;
    private final List<Use> uses = new ArrayList<>();
    private Map<String, Quota> quotas = new LinkedHashMap<>();

    private record Quota(QuotaSpec spec, AllocationLimit limit) {}

    /** What a quota is, and what of it is used. */
    record State(QuotaSpec spec, long logical, long allocated) {
        boolean isNearlyUsed() {
            return percent() >= spec.warnPercent();
        }

        boolean isUsed() {
            return percent() >= 100;
        }

        private double percent() {
            return Math.max(percent(logical, spec.logical()), percent(allocated, spec.allocated()));
        }

        private static double percent(long used, Optional<Quantity> limit) {
            return limit.map(most -> 100.0 * used / Math.max(1, most.bytes())).orElse(0.0);
        }

        /** For people. */
        String text() {
            var parts = new ArrayList<String>();
            spec.logical().ifPresent(most -> parts.add("logical " + of(logical, most)));
            spec.allocated().ifPresent(most -> parts.add("allocated " + of(allocated, most)));
            return parts.isEmpty() ? "no limits" : String.join(", ", parts);
        }

        private static String of(long used, Quantity most) {
            return Capacity.text(used) + " of " + Capacity.text(most.bytes());
        }
    }

    /**
     * Quotas of a pool, none at first.
     *
     * @param pool its name, for people
     */
    public PoolQuotas(String pool, BlockPool volumes) {
        this.pool = pool;
        this.volumes = volumes;
    }

    /** Changes them; vDisks that there are stay, also those that are beyond them. */
    synchronized void change(List<QuotaSpec> specs) {
        var next = new LinkedHashMap<String, Quota>();
        for (QuotaSpec spec : specs) {
            Quota before = quotas.get(spec.label());
            long most = spec.allocated().map(Quantity::bytes).orElse(Long.MAX_VALUE);
            var limit = before == null ? new AllocationLimit(most) : before.limit();
            next.put(spec.label(), new Quota(spec, limit));
            if (volumes instanceof DisksPool disks) {
                disks.limit(limit, most);
                if (before == null) {
                    uses.stream()
                            .filter(use -> use.has(spec.label()))
                            .forEach(use -> disks.limit(use.name, limit));
                }
            }
        }
        quotas.forEach((label, quota) -> {
            if (!next.containsKey(label) && volumes instanceof DisksPool disks) {
                disks.limit(quota.limit(), Long.MAX_VALUE);
            }
        });
        quotas = next;
    }

    /**
     * Counts a vDisk that is to be made.
     *
     * @param there whether it was made before: then it is counted whatever comes of that
     * @throws ResourceException EXHAUSTED if a quota does not allow it, with the sum
     */
    synchronized Use add(String name, Map<String, String> labels, long size, boolean there) {
        var use = new Use(name, Map.copyOf(labels), size);
        if (!there) {
            check(use, size);
        }
        uses.add(use);
        return use;
    }

    private synchronized void made(Use use) {
        if (volumes instanceof DisksPool disks) {
            quotas.forEach((label, quota) -> {
                if (use.has(label)) {
                    disks.limit(use.name, quota.limit());
                }
            });
        }
    }

    private void check(Use use, long more) {
        for (Quota quota : quotas.values()) {
            String label = quota.spec().label();
            long most = quota.spec().logical().map(Quantity::bytes).orElse(Long.MAX_VALUE);
            if (use.has(label) && more > most - logical(label)) {
                throw new ResourceException(
                        ErrorCode.EXHAUSTED,
                        "vDisks with %s have %s of pool %s already, and %s more is beyond their quota of %s: delete some, or raise the pool's quota"
                                .formatted(
                                        label,
                                        Capacity.text(logical(label)),
                                        pool,
                                        Capacity.text(more),
                                        Capacity.text(most)));
            }
        }
    }

    private long logical(String label) {
        return uses.stream().filter(use -> use.has(label)).mapToLong(use -> use.size).sum();
    }

    /** How much of each is used. Does not block. */
    synchronized List<State> states() {
        return quotas.values().stream()
                .map(quota -> {
                    String label = quota.spec().label();
                    long allocated =
                            uses.stream()
                                    .filter(use -> use.has(label))
                                    .mapToLong(use -> volumes.mapped(use.name, false).orElse(0))
                                    .sum();
                    return new State(quota.spec(), logical(label), allocated);
                })
                .toList();
    }

    /** A vDisk that counts. */
    final class Use {
        private final String name;
        private final Map<String, String> labels;
        private long size;

        private Use(String name, Map<String, String> labels, long size) {
            this.name = name;
            this.labels = labels;
            this.size = size;
        }

        private boolean has(String label) {
            int sign = label.indexOf('=');
            return label.substring(sign + 1).equals(labels.get(label.substring(0, sign)));
        }

        /**
         * It becomes larger.
         *
         * @throws ResourceException EXHAUSTED if a quota does not allow it, with the sum
         */
        void grow(long newSize) {
            synchronized (PoolQuotas.this) {
                if (newSize > size) {
                    check(this, newSize - size);
                    size = newSize;
                }
            }
        }

        /** It is there, so that what it allocates can be bounded. Does not block. */
        void made() {
            PoolQuotas.this.made(this);
        }

        /** It is gone. */
        void close() {
            synchronized (PoolQuotas.this) {
                uses.remove(this);
            }
        }
    }
}
