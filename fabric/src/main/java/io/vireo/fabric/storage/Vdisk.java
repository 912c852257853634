package io.vireo.fabric.storage;

import io.vireo.block.BlockCounters;
import io.vireo.block.BlockDevice;
import io.vireo.block.BlockGeometry;
import io.vireo.block.BlockPool;
import io.vireo.block.DiskIdentity;
import io.vireo.block.ExclusiveUse;
import io.vireo.block.PooledVolume;
import io.vireo.fabric.storage.move.Relocation;
import io.vireo.fabric.storage.move.Site;
import io.vireo.fabric.storage.qos.QosDevice;
import io.vireo.fabric.storage.qos.VdiskQos;
import io.vireo.fabric.storage.transfer.Transfer;
import io.vireo.reactor.ReactorGroup;
import io.vireo.resource.Condition;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.Metric;
import io.vireo.resource.Progress;
import io.vireo.resource.Realization;
import io.vireo.resource.Reference;
import io.vireo.resource.ResourceException;
import io.vireo.resource.Status;
import io.vireo.resource.spec.Kinds;
import io.vireo.resource.spec.VdiskSpec;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** A volume that is open, and who uses it. */
final class Vdisk implements Realization, ExclusiveUse, PooledVolume {
    static final String USERS = "attachedTo";

    /** Bytes that it has mapped, those that it shares included. */
    static final String ALLOCATED = "allocatedBytes";

    /** Where it is now, which is not where it is to be while it moves. */
    static final String POOL = "pool";

    /** When writes end, see {@link VdiskSpec.CacheMode}. */
    static final String CACHE_MODE = "cacheMode";

    /** Whether its next chunks lie on its pool's disks in turn, where that can be chosen. */
    static final String STRIPED = "striped";

    /** How what is on its pool's disks is protected: {@code checksums}, {@code encrypted}. */
    static final String PROTECTION = "protection";

    /** Bytes of aligned writes that a loss of power leaves whole or not there at all. */
    static final String ATOMIC = "atomicWriteBytes";

    /**
     * How what it has on its pool's disks is protected.
     *
     * @param checksums whether each 4 KiB have one
     * @param encrypted whether it is encrypted
     */
    record Protection(boolean checksums, boolean encrypted) {
        /** For people; empty: not at all. */
        String text() {
            return String.join(
                    ",",
                    Stream.of(checksums ? "checksums" : "", encrypted ? "encrypted" : "")
                            .filter(each -> !each.isEmpty())
                            .toList());
        }
    }

    private final String name;
    private final DiskIdentity identity;
    private final QosDevice device;
    private final Relocation relocation;
    private final Optional<Transfer> importing;
    private final Protection protection;
    private final VdiskQuotas quotas;
    private final Runnable statusChanged;
    private final CacheMode cacheMode;

    private volatile boolean zeroDetection;
    private volatile Optional<Boolean> striped = Optional.empty();

    /** Guarded by itself. */
    private final List<Use> uses = new ArrayList<>();

    Vdisk(
            String name,
            DiskIdentity identity,
            QosDevice device,
            Optional<Transfer> importing,
            Protection protection,
            VdiskQuotas quotas,
            Relocation.Home home,
            VdiskPlace place,
            ReactorGroup reactors,
            Runnable statusChanged) {
        this.name = name;
        this.identity = identity;
        this.device = device;
        this.importing = importing;
        this.protection = protection;
        this.quotas = quotas;
        this.statusChanged = statusChanged;
        cacheMode = new CacheMode(device, reactors::next, statusChanged);
        device.addGeometryListener(statusChanged);
        relocation =
                new Relocation(
                        name,
                        place.whereabouts(),
                        device,
                        reactors,
                        home,
                        place.remains(),
                        () -> isImporting() ? "it is being imported, and is moved then" : "",
                        this::moved);
    }

    private void moved() {
        settleZeroDetection();
        settleQuotas();
        statusChanged.run();
    }

    /** Whether chunks that are written with nothing but zeroes take no room. */
    void zeroDetection(boolean on) {
        zeroDetection = on;
        settleZeroDetection();
    }

    /**
     * Whether its next chunks lie on the pool's members in turn; empty: as the pool says. While it
     * moves that is said to its copy by {@link #goTo}.
     */
    void striped(Optional<Boolean> inTurn) {
        striped = inTurn;
        Relocation.Home home = relocation.home();
        if (home.pool().striped().isPresent()) {
            home.volume().striped(inTurn);
        }
    }

    /** When its writes end: those of servers, not those of an import, which flushes at its end. */
    void cacheMode(VdiskSpec.CacheMode mode) {
        cacheMode.want(mode);
        if (!isImporting()) {
            cacheMode.begin();
        }
    }

    /** Wherever it is by now. */
    private void settleZeroDetection() {
        Relocation.Home home = relocation.home();
        home.volume().zeroDetection(zeroDetection && home.pool().hasZeroDetection());
    }

    private boolean isImporting() {
        return importing.filter(transfer -> !transfer.progress().done()).isPresent();
    }

    /** Wants it there, where it counts already. */
    void goTo(Relocation.Target target) {
        relocation.goTo(target);
        quotas.begun();
        settleQuotas();
        statusChanged.run();
    }

    private void settleQuotas() {
        long seen = quotas.events();
        boolean underWay = relocation.isUnderWay();
        Relocation.Home home = relocation.home();
        quotas.settle(seen, home.site().pool(), home.volume(), underWay);
    }

    @Override
    public List<Reference> uses() {
        return relocation.pools().stream()
                .distinct()
                .map(pool -> new Reference(Kinds.POOL, pool))
                .toList();
    }

    @Override
    public <T> Optional<T> contract(Class<T> type) {
        importing
                .map(Transfer::progress)
                .filter(progress -> !progress.done())
                .ifPresent(progress -> {
                    throw new ResourceException(
                            ErrorCode.NOT_READY,
                            "vDisk " + name + " is being imported (" + progress.percent() + ")");
                });
        if (type == BlockDevice.class) {
            cacheMode.begin();
            return Optional.of(type.cast(device));
        }
        if (type == DiskIdentity.class) {
            return Optional.of(type.cast(identity));
        }
        if (type == PooledVolume.class) {
            refuseWhileMoved("it can be copied or taken back then");
        }
        return type == ExclusiveUse.class || type == PooledVolume.class
                ? Optional.of(type.cast(this))
                : Optional.empty();
    }

    private void refuseWhileMoved(String then) {
        if (relocation.isUnderWay()) {
            throw new ResourceException(
                    ErrorCode.NOT_READY,
                    "vDisk %s is being moved to pool %s: %s"
                            .formatted(name, relocation.wanted().pool(), then));
        }
    }

    @Override
    public BlockPool pool() {
        return relocation.home().pool();
    }

    @Override
    public String volumeName() {
        return name;
    }

    @Override
    public void atRest(Runnable task) {
        while (!relocation.atRest(task)) {
            refuseWhileMoved("its snapshots are made and deleted then");
        }
    }

    @Override
    public Claim claim(String user, boolean readOnly) {
        var use = new Use(user, readOnly);
        synchronized (uses) {
            for (Use other : uses) {
                if (!readOnly || !other.readOnly) {
                    throw new ResourceException(
                            // Others let go of it, an export when it is done.
                            ErrorCode.NOT_READY,
                            "vDisk "
                                    + name
                                    + " is attached to "
                                    + other.user
                                    + "; detach it there, or make every attachment read-only");
                }
            }
            uses.add(use);
        }
        statusChanged.run();
        return use;
    }

    VdiskQuotas quotas() {
        return quotas;
    }

    boolean isEncrypted() {
        return protection.encrypted();
    }

    VdiskQos qos() {
        return relocation.home().qos();
    }

    void grow(long capacity) {
        if (capacity > device.geometry().capacity()) {
            refuseWhileMoved("it grows then");
            relocation.home().volume().grow(capacity);
        }
    }

    @Override
    public Status status() {
        var attributes = new LinkedHashMap<String, String>();
        BlockGeometry geometry = device.geometry();
        attributes.put("capacityBytes", Long.toString(geometry.capacity()));
        attributes.put(ATOMIC, Integer.toString(geometry.atomicWriteSize()));
        synchronized (uses) {
            if (!uses.isEmpty()) {
                attributes.put(USERS, String.join(", ", uses.stream().map(u -> u.user).toList()));
            }
        }
        importing.ifPresent(transfer -> describe(transfer.progress(), attributes));
        List<Condition> conditions = new ArrayList<>(conditions());
        if (!geometry.keepsBlocksWhole()) {
            conditions.add(torn(geometry));
        }
        settleQuotas();
        Relocation.Home home = relocation.home();
        describe(home, attributes);
        return new Status(conditions, attributes, metrics(device.counters(), home.qos().counts()));
    }

    private static void describe(Transfer.Progress progress, Map<String, String> attributes) {
        attributes.put("import", progress.percent());
        if (!progress.done()) {
            Progress.describe(List.of(progress.of("import")), attributes);
        }
        if (!progress.notes().isEmpty()) {
            attributes.put("importNotes", String.join(" ", progress.notes()));
        }
    }

    /** Where it is, and what it is there. */
    private void describe(Relocation.Home home, Map<String, String> attributes) {
        attributes.put(POOL, home.site().pool());
        attributes.put(CACHE_MODE, cacheMode.inForce());
        attributes.put("allocation", home.site().allocation().name().toLowerCase(Locale.ROOT));
        home.pool()
                .striped()
                .map(striped::orElse)
                .ifPresent(inTurn -> attributes.put(STRIPED, inTurn.toString()));
        if (!protection.text().isEmpty()) {
            attributes.put(PROTECTION, protection.text());
        }
        if (protection.encrypted()) {
            attributes.put("encryption", "AES-256-XTS");
        }
        boolean moves = relocation.isUnderWay() && !home.site().equals(relocation.wanted());
        if (moves && !isImporting()) {
            Progress moving =
                    relocation
                            .progress()
                            .map(progress -> progress.of("move"))
                            .orElseGet(() -> new Progress("move", 0, 0, 0));
            Progress.describe(List.of(moving), attributes);
        }
        home.qos().policyName().ifPresent(policy -> attributes.put("qosPolicy", policy));
        home.pool()
                .allocated(name)
                .ifPresent(bytes -> attributes.put(ALLOCATED, Long.toString(bytes)));
    }

    private List<Condition> conditions() {
        String trouble = relocation.home().volume().trouble();
        if (!trouble.isEmpty()) {
            return List.of(new Condition(Condition.READY, false, "FlushFailed", trouble));
        }
        if (relocation.isUnderWay() && !isImporting()) {
            return List.of(moving());
        }
        return importing
                .map(transfer ->
                        transfer.progress()
                                .conditions("Importing", "It is being filled from its image."))
                .filter(filling -> !filling.isEmpty())
                .orElseGet(cacheMode::conditions);
    }

    private Condition torn(BlockGeometry geometry) {
        return new Condition(
                Condition.WHOLE_BLOCKS,
                false,
                "BlocksMayTear",
                "The disks of pool %s are known to keep %d bytes whole when the power goes, and a block of this vDisk has %d: part of one may be written. Move it to a pool whose disks have physical blocks of %d bytes, or copy it to a vDisk with a blockSize of 512, if what is on it relies on whole blocks."
                        .formatted(
                                relocation.home().site().pool(),
                                geometry.atomicWriteSize(),
                                geometry.logicalBlockSize(),
                                geometry.logicalBlockSize()));
    }

    private Condition moving() {
        Site here = relocation.home().site();
        Site there = relocation.wanted();
        if (!relocation.problem().isEmpty()) {
            return new Condition(
                    Condition.READY,
                    false,
                    "MigrationFailed",
                    "It cannot be moved to pool %s: %s. It stays in use in pool %s, and it is tried again every 10 seconds (a pool that it has filled, when more is free there); set spec.pool to %s, and spec.allocation to %s, to give it up."
                            .formatted(
                                    there.pool(),
                                    relocation.problem(),
                                    here.pool(),
                                    here.pool(),
                                    here.allocation().name().toLowerCase(Locale.ROOT)));
        }
        return new Condition(
                Condition.READY,
                false,
                "Migrating",
                here.equals(there)
                        ? "What a move has left elsewhere is being deleted; servers go on using it."
                        : "It is being moved from pool %s to pool %s; servers go on using it."
                                .formatted(here.pool(), there.pool()));
    }

    private static List<Metric> metrics(BlockCounters counters, VdiskQos.Counts waits) {
        return List.of(
                Metric.counter("read_ops_total", "Read requests.", counters.reads()),
                Metric.counter("read_bytes_total", "Bytes read.", counters.readBytes()),
                Metric.counter("write_ops_total", "Write requests.", counters.writes()),
                Metric.counter("write_bytes_total", "Bytes written.", counters.writtenBytes()),
                Metric.counter("flush_ops_total", "Flush requests.", counters.flushes()),
                Metric.counter("discard_ops_total", "Discard requests.", counters.discards()),
                Metric.counter(
                        "write_zeroes_ops_total", "Write-zeroes requests.", counters.writeZeroes()),
                Metric.counter("errors_total", "Requests that failed.", counters.errors()),
                Metric.counter(
                        "no_space_total",
                        "Requests that failed because the pool was full.",
                        counters.noSpace()),
                Metric.counter(
                        "qos_waits_total",
                        "Requests that waited for a rate or for their turn.",
                        waits.waits()),
                Metric.counter(
                        "qos_waited_nanoseconds_total",
                        "How long they waited, in sum.",
                        waits.waitedNanos()),
                Metric.gauge("qos_waiting", "Requests that wait now.", waits.waiting()));
    }

    @Override
    public void close(Runnable onClosed) {
        importing.ifPresentOrElse(
                transfer -> transfer.stop(() -> closeVolume(onClosed)),
                () -> closeVolume(onClosed));
    }

    private void closeVolume(Runnable onClosed) {
        relocation.stop(() ->
                cacheMode.close(() -> {
                    device.removeGeometryListener(statusChanged);
                    quotas.close();
                    relocation.home().volume().close();
                    relocation.home().qos().close();
                    onClosed.run();
                }));
    }

    private final class Use implements Claim {
        /** Guarded by {@link #uses}. */
        String user;

        final boolean readOnly;

        Use(String user, boolean readOnly) {
            this.user = user;
            this.readOnly = readOnly;
        }

        @Override
        public void heldBy(String others) {
            synchronized (uses) {
                user = others;
            }
            statusChanged.run();
        }

        @Override
        public void release() {
            synchronized (uses) {
                uses.remove(this);
            }
            statusChanged.run();
        }
    }
}
