package io.vireo.fabric.storage;

import io.vireo.block.BlockCounters;
import io.vireo.block.BlockDevice;
import io.vireo.block.BlockPool;
import io.vireo.block.BlockVolume;
import io.vireo.block.DiskIdentity;
import io.vireo.block.ExclusiveUse;
import io.vireo.block.PooledVolume;
import io.vireo.fabric.storage.qos.VdiskQos;
import io.vireo.fabric.storage.transfer.Transfer;
import io.vireo.resource.Condition;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.Metric;
import io.vireo.resource.Realization;
import io.vireo.resource.ResourceException;
import io.vireo.resource.Status;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;

/** A volume that is open, and who uses it. */
final class Vdisk implements Realization, ExclusiveUse, PooledVolume {
    static final String USERS = "attachedTo";

    /** Bytes that it has mapped, those that it shares included. */
    static final String ALLOCATED = "allocatedBytes";

    private final String name;
    private final DiskIdentity identity;
    private final BlockPool pool;
    private final BlockVolume volume;
    private final VdiskQos qos;
    private final BlockDevice device;
    private final Optional<Transfer> importing;
    private final boolean encrypted;
    private final Runnable statusChanged;

    /** Guarded by itself. */
    private final List<Use> uses = new ArrayList<>();

    Vdisk(
            String name,
            DiskIdentity identity,
            BlockPool pool,
            BlockVolume volume,
            VdiskQos qos,
            BlockDevice device,
            Optional<Transfer> importing,
            boolean encrypted,
            Runnable statusChanged) {
        this.name = name;
        this.identity = identity;
        this.pool = pool;
        this.volume = volume;
        this.qos = qos;
        this.device = device;
        this.importing = importing;
        this.encrypted = encrypted;
        this.statusChanged = statusChanged;
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
            return Optional.of(type.cast(device));
        }
        if (type == DiskIdentity.class) {
            return Optional.of(type.cast(identity));
        }
        return type == ExclusiveUse.class || type == PooledVolume.class
                ? Optional.of(type.cast(this))
                : Optional.empty();
    }

    @Override
    public BlockPool pool() {
        return pool;
    }

    @Override
    public String volumeName() {
        return name;
    }

    @Override
    public Claim claim(String user, boolean readOnly) {
        var use = new Use(user, readOnly);
        synchronized (uses) {
            for (Use other : uses) {
                if (!readOnly || !other.readOnly) {
                    throw new ResourceException(
                            ErrorCode.IN_USE,
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

    boolean isEncrypted() {
        return encrypted;
    }

    VdiskQos qos() {
        return qos;
    }

    void grow(long capacity) {
        if (capacity > volume.device().geometry().capacity()) {
            volume.grow(capacity);
        }
    }

    @Override
    public Status status() {
        var attributes = new LinkedHashMap<String, String>();
        attributes.put("capacityBytes", Long.toString(volume.device().geometry().capacity()));
        synchronized (uses) {
            if (!uses.isEmpty()) {
                attributes.put(USERS, String.join(", ", uses.stream().map(u -> u.user).toList()));
            }
        }
        importing.ifPresent(transfer -> {
            Transfer.Progress progress = transfer.progress();
            attributes.put("import", progress.percent());
            progress.rate().ifPresent(rate -> attributes.put("importRate", rate));
            progress.timeLeft().ifPresent(left -> attributes.put("importTimeLeft", left));
            if (!progress.notes().isEmpty()) {
                attributes.put("importNotes", String.join(" ", progress.notes()));
            }
        });
        if (encrypted) {
            attributes.put("encryption", "AES-256-XTS");
        }
        qos.policyName().ifPresent(policy -> attributes.put("qosPolicy", policy));
        pool.mapped(name, false)
                .ifPresent(bytes -> attributes.put(ALLOCATED, Long.toString(bytes)));
        return new Status(conditions(), attributes, metrics(device.counters(), qos.counts()));
    }

    private List<Condition> conditions() {
        String trouble = volume.trouble();
        if (!trouble.isEmpty()) {
            return List.of(new Condition(Condition.READY, false, "FlushFailed", trouble));
        }
        return importing
                .map(transfer ->
                        transfer.progress()
                                .conditions("Importing", "It is being filled from its image."))
                .orElse(List.of());
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
        volume.close();
        qos.close();
        onClosed.run();
    }

    private final class Use implements Claim {
        final String user;
        final boolean readOnly;

        Use(String user, boolean readOnly) {
            this.user = user;
            this.readOnly = readOnly;
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
