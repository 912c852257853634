package io.vireo.fabric.storage;

import io.vireo.block.BlockPool;
import io.vireo.block.PoolIntegrity;
import io.vireo.block.PoolRedundancy;
import io.vireo.block.PoolSpace;
import io.vireo.block.PoolUsage;
import io.vireo.fabric.storage.qos.PoolQos;
import io.vireo.reactor.Reactor;
import io.vireo.resource.Condition;
import io.vireo.resource.LiveStream;
import io.vireo.resource.Metric;
import io.vireo.resource.Progress;
import io.vireo.resource.Realization;
import io.vireo.resource.Status;
import io.vireo.resource.spec.PoolSpec;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;

/** A pool that is open. */
final class Pool implements Realization {
    static final String CAPACITY = "capacityBytes";
    static final String FREE = "freeBytes";
    static final String LOCATION = "location";
    static final String ALLOCATED = "allocatedBytes";
    static final String LOGICAL = "logicalBytes";
    static final String SAVED = "savedBytes";
    static final String SCRUB = "scrub";
    static final String SNAPSHOTS = "snapshots";
    static final String QUOTAS = "quotas";

    /**
     * A pool is no longer full when this much is free, and nothing failed for a while: a quota
     * shows in failures only.
     */
    private static final long ROOM = 1 << 20;

    private static final long QUIET_NANOS = TimeUnit.SECONDS.toNanos(10);

    /** How often it is looked at whether the pool is nearly full. */
    private static final long WATCH_NANOS = TimeUnit.SECONDS.toNanos(5);

    private final String name;
    private final BlockPool opened;
    private final SerialPool pool;
    private final PoolQos qos;
    private final PoolQuotas quotas;
    private final Runnable statusChanged;
    private final LongSupplier nanoTime;
    private volatile boolean closed;
    private volatile PoolSpec spec;
    private volatile boolean looking;
    private boolean wasNearlyFull;
    private Optional<String> quotaSeen = Optional.empty();
    private boolean wasInSync = true;
    private volatile boolean full;
    private volatile long lastFailure;

    Pool(
            String name,
            BlockPool opened,
            PoolQos qos,
            PoolSpec spec,
            Runnable statusChanged,
            LongSupplier nanoTime) {
        this.name = name;
        this.opened = opened;
        this.qos = qos;
        this.spec = spec;
        pool = new SerialPool(opened, this::warnPercent);
        quotas = new PoolQuotas(name, opened);
        quotas.change(spec.quotas());
        this.statusChanged = statusChanged;
        this.nanoTime = nanoTime;
        opened.onFull(this::requestFailed);
        if (opened instanceof DisksPool disks) {
            disks.onCopies(statusChanged);
        }
    }

    /** Has a reactor look from time to time whether it is nearly full. */
    void watch(Reactor reactor) {
        reactor.execute(() -> look(reactor));
    }

    private void look(Reactor reactor) {
        if (closed) {
            return;
        }
        settleFull(pool.space());
        boolean now = isNearlyFull(pool.space());
        if (now != wasNearlyFull) {
            wasNearlyFull = now;
            statusChanged.run();
        }
        Optional<Condition> quota = quota();
        if (!quota.map(Condition::reason).equals(quotaSeen)) {
            quotaSeen = quota.map(Condition::reason);
            statusChanged.run();
        }
        boolean inSync = pool.redundancy().map(PoolRedundancy::inSync).orElse(true);
        if (!inSync || !wasInSync) {
            // A resync goes on.
            statusChanged.run();
        }
        wasInSync = inSync;
        if (opened instanceof DisksPool disks && disks.takeUntold()) {
            statusChanged.run();
        }
        tend();
        reactor.schedule(WATCH_NANOS, () -> look(reactor));
    }

    /** Opening disks, and moving things off them, may wait for them: it is done elsewhere. */
    private void tend() {
        if (!(opened instanceof DisksPool onDisks) || looking || onDisks.disks().isAtRest()) {
            return;
        }
        looking = true;
        Thread.ofPlatform()
                .name("vireo-tend-disks")
                .start(() -> {
                    try {
                        pool.exclusively(() -> {
                            if (!closed) {
                                DisksPoolOpener.lookForMissing(onDisks, spec);
                                onDisks.disks().drains().tend();
                                onDisks.disks().scrubs().tend();
                                onDisks.disks().letGo();
                            }
                        });
                        statusChanged.run();
                    } finally {
                        looking = false;
                    }
                });
    }

    private int warnPercent() {
        return spec.warnPercent();
    }

    private boolean isNearlyFull(PoolSpace space) {
        return space.capacityBytes() > 0 && usedPercent(space) >= spec.warnPercent();
    }

    private static long usedPercent(PoolSpace space) {
        return (long) ((space.capacityBytes() - space.freeBytes()) * 100.0 / space.capacityBytes());
    }

    /** Brings it to another spec of the same kind of pool. */
    void change(PoolSpec newSpec) {
        if (opened instanceof DisksPool disks) {
            pool.exclusively(() -> DisksPoolOpener.change(disks, newSpec));
        }
        spec = newSpec;
        quotas.change(newSpec.quotas());
        statusChanged.run();
    }

    /**
     * Has vDisks be encrypted under other master keys from now on.
     *
     * @throws IllegalArgumentException if there are encrypted ones, and no key is named
     */
    void encrypt(Optional<SecretMasterKeys> keys) {
        if (opened instanceof DisksPool disks) {
            pool.exclusively(() -> disks.keys().use(keys));
        }
        statusChanged.run();
    }

    /** Runs on reactors: says so once, however many requests fail. */
    private void requestFailed() {
        lastFailure = nanoTime.getAsLong();
        if (!full) {
            full = true;
            statusChanged.run();
        }
    }

    private void settleFull(PoolSpace space) {
        if (full && space.freeBytes() >= ROOM && nanoTime.getAsLong() - lastFailure > QUIET_NANOS) {
            full = false;
            statusChanged.run();
        }
    }

    private Condition room(PoolSpace space) {
        settleFull(space);
        if (full) {
            return new Condition(Condition.ROOM, false, "Full", fullMessage());
        }
        if (isNearlyFull(space)) {
            return new Condition(
                    Condition.ROOM,
                    true,
                    "NearlyFull",
                    "%d%% of the pool are used.%s%s"
                            .formatted(usedPercent(space), users(), remedy()));
        }
        return new Condition(Condition.ROOM, true, "Free", "There is room.");
    }

    /** None if there are no quotas. */
    private Optional<Condition> quota() {
        List<PoolQuotas.State> states = quotas.states();
        if (states.isEmpty()) {
            return Optional.empty();
        }
        String near =
                states.stream()
                        .filter(PoolQuotas.State::isNearlyUsed)
                        .map(state -> state.spec().label() + " (" + state.text() + ")")
                        .collect(Collectors.joining("; "));
        if (near.isEmpty()) {
            return Optional.of(
                    new Condition(Condition.QUOTA, true, "Within", "No quota is nearly used."));
        }
        boolean used = states.stream().anyMatch(PoolQuotas.State::isUsed);
        return Optional.of(
                new Condition(
                        Condition.QUOTA,
                        !used,
                        used ? "Used" : "NearlyUsed",
                        near + ": delete vDisks, run fstrim in guests, or raise the quota."));
    }

    private String fullMessage() {
        return opened instanceof DisksPool
                ? "The pool is full: writes that need room wait, and then fail."
                        + users()
                        + remedy()
                : "The pool is full: requests of its vDisks fail." + remedy();
    }

    private String users() {
        List<String> largest = pool.largest();
        return largest.isEmpty() ? "" : " Most is in " + String.join(", ", largest) + ".";
    }

    private String remedy() {
        return opened instanceof DisksPool
                ? " Delete vDisks or snapshots, run fstrim in guests, or add a disk."
                : " Make room in " + pool.location() + ", or enlarge it.";
    }

    @Override
    public LiveStream stream(LiveStream.Offer offer, Map<String, String> parameters) {
        return out ->
                out.write(
                        PoolContents.json(name, pool.contents()).getBytes(StandardCharsets.UTF_8));
    }

    @Override
    public <T> Optional<T> contract(Class<T> type) {
        if (type == PoolQuotas.class) {
            return Optional.of(type.cast(quotas));
        }
        if (type == PoolQos.class) {
            return Optional.of(type.cast(qos));
        }
        return type == BlockPool.class ? Optional.of(type.cast(pool)) : Optional.empty();
    }

    PoolQos qos() {
        return qos;
    }

    @Override
    public Status status() {
        PoolSpace space = pool.space();
        var attributes = new LinkedHashMap<String, String>();
        attributes.put(LOCATION, pool.location());
        var metrics = new ArrayList<Metric>();
        describeShares(attributes, metrics);
        describe(space, attributes, metrics);
        if (space.capacityBytes() == 0) {
            return new Status(quota().stream().toList(), attributes, metrics);
        }
        pool.usage().ifPresent(usage -> describe(usage, attributes, metrics));
        var conditions = new ArrayList<Condition>();
        conditions.add(room(space));
        quota().ifPresent(conditions::add);
        String drain = pool.drain();
        if (!drain.isEmpty()) {
            attributes.put("drain", drain);
        }
        if (opened instanceof DisksPool disks && !disks.disks().drains().open().isEmpty()) {
            attributes.put("draining", String.join(", ", disks.disks().drains().open()));
        }
        Progress.describe(pool.jobs(), attributes);
        pool.integrity()
                .ifPresent(integrity -> describe(integrity, attributes, metrics, conditions));
        if (opened instanceof DisksPool disks && !disks.keys().note().isEmpty()) {
            attributes.put("encryption", disks.keys().note());
        }
        pool.redundancy().ifPresent(copies -> describe(copies, attributes, metrics, conditions));
        if (!pool.trouble().isEmpty()) {
            conditions.add(new Condition(Condition.READY, false, "PoolFailed", pool.trouble()));
        }
        return new Status(conditions, attributes, metrics);
    }

    /** What vDisks share of it by rates and quotas. */
    private void describeShares(Map<String, String> attributes, List<Metric> metrics) {
        if (qos.iops() != 0) {
            attributes.put("iops", Long.toString(qos.iops()));
            attributes.put("iopsReserved", Long.toString(qos.reserved()));
            metrics.add(Metric.gauge("iops", "Requests per second that it can do.", qos.iops()));
            metrics.add(
                    Metric.gauge(
                            "iops_reserved", "Of these, how many are reserved.", qos.reserved()));
        }
        String shares =
                quotas.states().stream()
                        .map(state -> state.spec().label() + ": " + state.text())
                        .collect(Collectors.joining("; "));
        if (!shares.isEmpty()) {
            attributes.put(QUOTAS, shares);
        }
    }

    private void describe(PoolSpace space, Map<String, String> attributes, List<Metric> metrics) {
        long size = pool.diskBytes().orElse(space.capacityBytes());
        if (size != 0) {
            attributes.put(CAPACITY, Long.toString(size));
            metrics.add(Metric.gauge("capacity_bytes", "Size of what holds the pool.", size));
        }
        if (space.capacityBytes() != 0) {
            attributes.put(FREE, Long.toString(space.freeBytes()));
            metrics.add(
                    Metric.gauge(
                            "free_bytes", "Room that vDisks can still take.", space.freeBytes()));
        }
    }

    private static void describe(
            PoolRedundancy copies,
            Map<String, String> attributes,
            List<Metric> metrics,
            List<Condition> conditions) {
        attributes.put("copies", Integer.toString(copies.copies()));
        attributes.put("stallSeconds", Long.toString(copies.stallSeconds()));
        metrics.add(
                Metric.gauge(
                        "redundant",
                        "1 if all copies hold everything, else 0.",
                        copies.inSync() ? 1 : 0));
        metrics.add(
                Metric.gauge("resync_bytes", "What disks of mirrors lack.", copies.toCopyBytes()));
        metrics.add(
                Metric.gauge("resync_copied_bytes", "What of it is copied.", copies.copiedBytes()));
        String reason =
                copies.inSync() ? "InSync" : copies.toCopyBytes() > 0 ? "Resyncing" : "Degraded";
        conditions.add(
                new Condition(
                        Condition.REDUNDANT, copies.inSync(), reason, redundancyMessage(copies)));
    }

    private static void describe(
            PoolIntegrity integrity,
            Map<String, String> attributes,
            List<Metric> metrics,
            List<Condition> conditions) {
        if (!integrity.scrub().isEmpty()) {
            attributes.put(SCRUB, integrity.scrub());
        }
        metrics.add(
                Metric.counter(
                        "damaged_blocks_total",
                        "Blocks that were found damaged and have no right copy.",
                        integrity.damaged()));
        metrics.add(
                Metric.counter(
                        "repaired_blocks_total",
                        "Blocks that were written anew from another copy.",
                        integrity.repaired()));
        conditions.add(
                new Condition(
                        Condition.INTACT,
                        integrity.findings().isEmpty(),
                        integrity.findings().isEmpty() ? "NothingFound" : "DamageFound",
                        integrity.findings().isEmpty()
                                ? "No damage was found since the pool was opened."
                                : "%d blocks were found damaged and %d repaired since the pool was opened. The latest: %s."
                                        .formatted(
                                                integrity.damaged(),
                                                integrity.repaired(),
                                                String.join(". ", integrity.findings()))));
    }

    private static String redundancyMessage(PoolRedundancy copies) {
        if (copies.inSync()) {
            return "All %d copies hold everything.".formatted(copies.copies());
        }
        var sentences = new ArrayList<String>();
        if (!copies.message().isEmpty()) {
            sentences.add(
                    "Not everything is kept on %d disks: %s."
                            .formatted(copies.copies(), copies.message()));
        }
        if (copies.toCopyBytes() > 0) {
            sentences.add("What is missing is being copied: the job resync says how far it is.");
        }
        return sentences.isEmpty() ? "Disks are made equal." : String.join(" ", sentences);
    }

    private void describe(PoolUsage usage, Map<String, String> attributes, List<Metric> metrics) {
        attributes.put(ALLOCATED, Long.toString(usage.allocated()));
        attributes.put(LOGICAL, Long.toString(usage.logical()));
        attributes.put(SAVED, Long.toString(usage.saved()));
        metrics.add(
                Metric.gauge(
                        "allocated_bytes", "Bytes that data and maps take.", usage.allocated()));
        metrics.add(
                Metric.gauge(
                        "logical_bytes", "Capacities of all vDisks together.", usage.logical()));
        metrics.add(
                Metric.gauge(
                        "mapped_bytes",
                        "What vDisks and snapshots have written, as often as it is shared.",
                        usage.mapped()));
        if (pool.hasSnapshots()) {
            attributes.put(SNAPSHOTS, Integer.toString(usage.snapshots()));
            metrics.add(Metric.gauge("snapshots", "Number of snapshots.", usage.snapshots()));
        }
    }

    @Override
    public void close(Runnable onClosed) {
        closed = true;
        qos.close();
        // Writing maps takes its time, which the reconciler does not have.
        Thread.ofPlatform()
                .name("vireo-close-pool")
                .start(() -> {
                    try {
                        pool.close();
                    } finally {
                        onClosed.run();
                    }
                });
    }
}
