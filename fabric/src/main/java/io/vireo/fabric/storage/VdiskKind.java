package io.vireo.fabric.storage;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockPool;
import io.vireo.block.BlockVolume;
import io.vireo.block.DiskIdentity;
import io.vireo.block.DiskRecords;
import io.vireo.block.PoolEncryption;
import io.vireo.block.PooledVolume;
import io.vireo.block.VolumeFormat;
import io.vireo.fabric.storage.move.Relocation;
import io.vireo.fabric.storage.move.Site;
import io.vireo.fabric.storage.qos.DiskQosPolicy;
import io.vireo.fabric.storage.qos.PoolQos;
import io.vireo.fabric.storage.qos.QosDevice;
import io.vireo.fabric.storage.qos.VdiskQos;
import io.vireo.fabric.storage.transfer.DiskImport;
import io.vireo.fabric.storage.transfer.Transfer;
import io.vireo.reactor.ReactorGroup;
import io.vireo.resource.Column;
import io.vireo.resource.DurableState;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.Metadata;
import io.vireo.resource.Progress;
import io.vireo.resource.Quantity;
import io.vireo.resource.Rates;
import io.vireo.resource.Realization;
import io.vireo.resource.RealizeContext;
import io.vireo.resource.Reference;
import io.vireo.resource.ResourceException;
import io.vireo.resource.ResourceKind;
import io.vireo.resource.UpdateResult;
import io.vireo.resource.Violation;
import io.vireo.resource.spec.DiskSourceSpec;
import io.vireo.resource.spec.Kinds;
import io.vireo.resource.spec.Limits;
import io.vireo.resource.spec.MigrationSpec;
import io.vireo.resource.spec.VdiskSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** A virtual disk: a volume in a pool. */
public final class VdiskKind implements ResourceKind<VdiskSpec> {
    @Override
    public String kind() {
        return Kinds.VDISK;
    }

    @Override
    public String plural() {
        return "vdisks";
    }

    @Override
    public List<String> shortNames() {
        return List.of("disk");
    }

    @Override
    public String description() {
        return "A virtual disk in a Pool. It takes room as it is written, can grow while it is in use, and cannot shrink.";
    }

    @Override
    public Class<VdiskSpec> specType() {
        return VdiskSpec.class;
    }

    @Override
    public List<Reference> references(VdiskSpec spec) {
        return Stream.of(
                        Stream.of(pool(spec)),
                        snapshot(spec).stream(),
                        spec.qosPolicy().map(VdiskKind::policy).stream())
                .flatMap(each -> each)
                .toList();
    }

    @Override
    public List<Reference> alsoUses(Metadata metadata, VdiskSpec spec, DurableState state) {
        return VdiskPlace.alsoUses(metadata, spec, state);
    }

    private static Optional<Reference> snapshot(VdiskSpec spec) {
        return spec.snapshot().map(name -> new Reference(Kinds.SNAPSHOT, name));
    }

    private static Reference policy(String name) {
        return new Reference(Kinds.DISK_QOS_POLICY, name);
    }

    private static Optional<DiskQosPolicy> policy(VdiskSpec spec, RealizeContext context) {
        return spec.qosPolicy().map(name -> context.require(policy(name), DiskQosPolicy.class));
    }

    private static Reference pool(VdiskSpec spec) {
        return new Reference(Kinds.POOL, spec.pool());
    }

    @Override
    public List<Violation> validate(Metadata metadata, VdiskSpec spec) {
        var violations = new ArrayList<Violation>();
        boolean known = checkBlockSize(violations, "/spec/blockSize", spec.blockSize());
        checkBlockSize(violations, "/spec/physicalBlockSize", spec.physicalBlockSize());
        if (spec.physicalBlockSize() < spec.blockSize()) {
            violations.add(
                    new Violation(
                            "/spec/physicalBlockSize", "must not be smaller than the block size"));
        }
        checkSize(spec, known, violations);
        Rates.checkBytes(
                "/spec/migration/rate", spec.migration().flatMap(MigrationSpec::rate), violations);
        Rates.checkBytes(
                "/spec/source/rate", spec.source().flatMap(DiskSourceSpec::rate), violations);
        if (spec.zeroDetection() && spec.allocation() == VdiskSpec.Allocation.THICK) {
            violations.add(
                    new Violation(
                            "/spec/zeroDetection",
                            "must be false for a thick vDisk: all of its room is reserved, and zeroes save none"));
        }
        if (spec.snapshot().isPresent() && spec.source().isPresent()) {
            violations.add(
                    new Violation("/spec/source", "a vDisk begins as a snapshot or as an image"));
        }
        if (spec.snapshot().isPresent() && spec.allocation() == VdiskSpec.Allocation.THICK) {
            violations.add(
                    new Violation(
                            "/spec/allocation",
                            "must be thin for a vDisk that begins as a snapshot: they share room"));
        }
        return violations;
    }

    private static void checkSize(VdiskSpec spec, boolean knownBlocks, List<Violation> violations) {
        long size = spec.size().bytes();
        if (size > Limits.VDISK_MAX) {
            violations.add(
                    new Violation(
                            "/spec/size",
                            "is more than a vDisk can have; write %s at most"
                                    .formatted(new Quantity(Limits.VDISK_MAX))));
        } else if (size == 0 || (knownBlocks && size % spec.blockSize() != 0)) {
            violations.add(
                    new Violation(
                            "/spec/size",
                            "must be a multiple of the block size, "
                                    + spec.blockSize()
                                    + ", and not 0"
                                    + (knownBlocks ? nextSize(size, spec.blockSize()) : "")));
        }
    }

    private static boolean checkBlockSize(List<Violation> violations, String pointer, int size) {
        boolean known = size == 512 || size == 4096;
        if (!known) {
            violations.add(new Violation(pointer, "must be 512 or 4096"));
        }
        return known;
    }

    /** What to write instead. */
    private static String nextSize(long size, int blockSize) {
        String next = ": write " + new Quantity(size - size % blockSize + blockSize);
        return size < blockSize ? next + ", or a unit behind the number, like 10Gi" : next;
    }

    @Override
    public List<Violation> validateUpdate(Metadata metadata, VdiskSpec oldSpec, VdiskSpec newSpec) {
        var violations = new ArrayList<Violation>();
        if (!oldSpec.pool().equals(newSpec.pool()) && newSpec.snapshot().isPresent()) {
            violations.add(
                    new Violation(
                            "/spec/snapshot",
                            "must be taken out when the vDisk moves: in another pool it shares nothing with the snapshot"));
        }
        if (newSpec.size().compareTo(oldSpec.size()) < 0) {
            violations.add(
                    new Violation(
                            "/spec/size",
                            "cannot become smaller than "
                                    + oldSpec.size()
                                    + ": data would be cut off; make a smaller vDisk and copy the data"));
        }
        if (oldSpec.checksums() != newSpec.checksums()) {
            violations.add(
                    new Violation(
                            "/spec/checksums",
                            "cannot change: what is on the disk has them or has not; make another vDisk and copy the data"));
        }
        if (newSpec.snapshot().isPresent() && !newSpec.snapshot().equals(oldSpec.snapshot())) {
            violations.add(
                    new Violation(
                            "/spec/snapshot",
                            "cannot change: make another vDisk of that snapshot"));
        }
        if (!oldSpec.source().equals(newSpec.source())) {
            violations.add(
                    new Violation(
                            "/spec/source",
                            "cannot change: what is on the disk began with it; make another vDisk"));
        }
        if (oldSpec.blockSize() != newSpec.blockSize()) {
            violations.add(
                    new Violation(
                            "/spec/blockSize", "cannot change: what is on the disk depends on it"));
        }
        return violations;
    }

    @Override
    public List<Column<VdiskSpec>> columns() {
        List<Column<VdiskSpec>> columns = new ArrayList<>();
        columns.add(
                Column.of(
                        "POOL",
                        (spec, status) ->
                                status.attributes().getOrDefault(Vdisk.POOL, spec.pool())));
        columns.add(Column.of("SIZE", (spec, _) -> spec.size().toString()));
        columns.add(Capacity.column("ALLOCATED", Vdisk.ALLOCATED));
        columns.add(Column.attribute("PROTECTION", Vdisk.PROTECTION));
        columns.add(Column.attribute("USERS", Vdisk.USERS));
        columns.add(
                Column.wide(
                        "CACHE-MODE",
                        (spec, status) ->
                                status.attributes()
                                        .getOrDefault(
                                                Vdisk.CACHE_MODE,
                                                spec.cacheMode().name().toLowerCase(Locale.ROOT))));
        columns.add(Column.wideAttribute("STRIPED", Vdisk.STRIPED));
        columns.addAll(Progress.columns());
        return columns;
    }

    @Override
    public Realization realize(Metadata metadata, VdiskSpec spec, RealizeContext context) {
        VdiskPlace place = VdiskPlace.find(metadata, spec, each -> format(spec, each), context);
        var quotas = new VdiskQuotas(metadata);
        try {
            count(quotas, place.site(), spec, context, context.provisioned());
            return realize(metadata, spec, context, place, quotas);
        } catch (RuntimeException e) {
            quotas.close();
            throw e;
        }
    }

    private static void count(
            VdiskQuotas quotas, Site site, VdiskSpec spec, RealizeContext context, boolean there) {
        var pool = new Reference(Kinds.POOL, site.pool());
        quotas.add(
                site.pool(), context.require(pool, PoolQuotas.class), spec.size().bytes(), there);
    }

    private static Realization realize(
            Metadata metadata,
            VdiskSpec spec,
            RealizeContext context,
            VdiskPlace place,
            VdiskQuotas quotas) {
        BlockPool pool = VdiskPlace.pool(place.site(), context);
        checkZeroDetection(spec, context);
        checkStriped(spec, context);
        VolumeFormat format = format(spec, pool);
        boolean empty = make(pool, metadata.name(), format, place.site(), spec, context);
        place.made();
        PoolQos poolQos = qos(place.site(), context);
        VdiskQos qos = admit(poolQos, metadata.name(), policy(spec, context));
        try {
            BlockVolume volume = pool.open(metadata.name(), format);
            try {
                if (pool.striped().isPresent()) {
                    // Before an import writes anything.
                    volume.striped(spec.striped());
                }
                QosDevice device = poolQos.stage(qos, volume.device());
                var importing = importOf(pool, metadata.name(), device, empty, spec, context);
                var vdisk =
                        new Vdisk(
                                metadata.name(),
                                new DiskIdentity(metadata.uid()),
                                device,
                                importing,
                                new Vdisk.Protection(
                                        pool.hasChecksums(metadata.name()),
                                        pool.isEncrypted(metadata.name(), false)),
                                quotas,
                                new Relocation.Home(place.site(), pool, volume, qos),
                                place,
                                context.service(ReactorGroup.class),
                                context.statusChanged());
                count(quotas, Site.of(spec), spec, context, context.provisioned());
                vdisk.zeroDetection(spec.zeroDetection());
                vdisk.striped(spec.striped());
                vdisk.cacheMode(spec.cacheMode());
                vdisk.goTo(target(spec, context));
                // Last: nobody would stop it.
                importing.ifPresent(Transfer::start);
                return vdisk;
            } catch (RuntimeException e) {
                volume.close();
                throw e;
            }
        } catch (RuntimeException e) {
            qos.close();
            throw e;
        }
    }

    private static PoolQos qos(Site site, RealizeContext context) {
        return context.require(new Reference(Kinds.POOL, site.pool()), PoolQos.class);
    }

    private static Relocation.Target target(VdiskSpec spec, RealizeContext context) {
        Site site = Site.of(spec);
        return new Relocation.Target(
                site,
                VdiskPlace.pool(site, context),
                qos(site, context),
                policy(spec, context),
                spec.striped(),
                spec.migration().flatMap(MigrationSpec::rate).map(Quantity::bytes).orElse(0L));
    }

    private static Optional<Transfer> importOf(
            BlockPool pool,
            String name,
            BlockDevice device,
            boolean empty,
            VdiskSpec spec,
            RealizeContext context) {
        return spec.source()
                .flatMap(source -> DiskImport.of(pool, name, device, empty, source, context));
    }

    /** Makes the volume if that was not done before; returns whether it reads as zeroes. */
    private static boolean make(
            BlockPool pool,
            String name,
            VolumeFormat format,
            Site site,
            VdiskSpec spec,
            RealizeContext context) {
        if (spec.checksums() && !pool.hasChecksums()) {
            throw new ResourceException(
                    ErrorCode.UNSUPPORTED,
                    pool.location()
                            + " has no checksums: only pools of type disks have; make the vDisk there, or without");
        }
        if (!context.provisioned() && spec.snapshot().isEmpty()) {
            checkEncryption(spec, pool);
        }
        if (spec.source().isPresent()) {
            return DiskImport.prepare(pool, name, format, spec.source().get(), context);
        }
        if (!context.provisioned()) {
            create(name, site, spec, pool, format, context);
        }
        return true;
    }

    private static void checkZeroDetection(VdiskSpec spec, RealizeContext context) {
        if (spec.zeroDetection() && !VdiskPlace.pool(Site.of(spec), context).hasZeroDetection()) {
            throw new ResourceException(
                    ErrorCode.UNSUPPORTED,
                    "pool %s does not look for zeroes: only pools of type disks do; set zeroDetection to false"
                            .formatted(spec.pool()));
        }
    }

    private static void checkStriped(VdiskSpec spec, RealizeContext context) {
        if (spec.striped().isPresent()
                && VdiskPlace.pool(Site.of(spec), context).striped().isEmpty()) {
            throw new ResourceException(
                    ErrorCode.UNSUPPORTED,
                    "pool %s has no disks among which a vDisk's chunks could be divided: only pools of type disks have; leave striped out"
                            .formatted(spec.pool()));
        }
    }

    private static VdiskQos admit(PoolQos pool, String name, Optional<DiskQosPolicy> policy) {
        try {
            return pool.add(name, policy);
        } catch (IllegalArgumentException e) {
            throw new ResourceException(
                    ErrorCode.EXHAUSTED, "vDisk " + name + " cannot be used: " + e.getMessage(), e);
        }
    }

    private static void create(
            String name,
            Site site,
            VdiskSpec spec,
            BlockPool pool,
            VolumeFormat format,
            RealizeContext context) {
        Optional<Reference> snapshot = snapshot(spec);
        if (snapshot.isPresent()) {
            PooledVolume source = context.require(snapshot.get(), PooledVolume.class);
            if (source.pool() != pool) {
                throw new ResourceException(
                        ErrorCode.INVALID,
                        "snapshot %s is in another pool than the vDisk; make the vDisk in that pool"
                                .formatted(source.volumeName()));
            }
            checkEncryption(spec, pool, source.volumeName());
            pool.createFrom(source.volumeName(), name, format);
        } else if (site.allocation() == VdiskSpec.Allocation.THICK) {
            pool.createThick(name, format);
        } else {
            pool.create(name, format);
        }
    }

    private static VolumeFormat format(VdiskSpec spec, BlockPool pool) {
        boolean encrypted = spec.encrypted().orElse(pool.encryption() == PoolEncryption.BY_DEFAULT);
        return new VolumeFormat(
                spec.size().bytes(),
                spec.blockSize(),
                spec.physicalBlockSize(),
                encrypted,
                spec.checksums());
    }

    /** Refuses what the pool cannot encrypt. */
    private static void checkEncryption(VdiskSpec spec, BlockPool pool) {
        if (spec.encrypted().orElse(false) && pool.encryption() == PoolEncryption.NONE) {
            throw new ResourceException(
                    ErrorCode.UNSUPPORTED,
                    "pool %s encrypts nothing: set its spec.encryption.keySecret, which pools of type disks have, or the vDisk's encrypted to false"
                            .formatted(spec.pool()));
        }
    }

    /** What begins as a snapshot has that one's key. */
    private static void checkEncryption(VdiskSpec spec, BlockPool pool, String snapshot) {
        boolean source = pool.isEncrypted(snapshot, true);
        if (spec.encrypted().filter(wanted -> wanted != source).isPresent()) {
            throw new ResourceException(
                    ErrorCode.INVALID,
                    "snapshot %s is %sencrypted, and so is a vDisk that begins as it: set encrypted to %s, or copy the data to a new vDisk"
                            .formatted(snapshot, source ? "" : "not ", source));
        }
    }

    @Override
    public Optional<String> restarts(VdiskSpec oldSpec, VdiskSpec newSpec) {
        return oldSpec.physicalBlockSize() != newSpec.physicalBlockSize()
                ? Optional.of("guests are told the physical block size once")
                : Optional.empty();
    }

    @Override
    public UpdateResult update(
            Realization running,
            Metadata metadata,
            VdiskSpec oldSpec,
            VdiskSpec newSpec,
            RealizeContext context) {
        var vdisk = (Vdisk) running;
        if (newSpec.encrypted().filter(wanted -> wanted != vdisk.isEncrypted()).isPresent()) {
            return new UpdateResult.Refused(
                    "encrypted is fixed when a vDisk is made; make another vDisk and copy the data.");
        }
        try {
            checkZeroDetection(newSpec, context);
            checkStriped(newSpec, context);
            vdisk.qos().change(policy(newSpec, context));
            vdisk.quotas().grow(newSpec.size().bytes());
            vdisk.grow(newSpec.size().bytes());
            Relocation.Target target = target(newSpec, context);
            count(vdisk.quotas(), target.site(), newSpec, context, false);
            vdisk.goTo(target);
            vdisk.zeroDetection(newSpec.zeroDetection());
            vdisk.striped(newSpec.striped());
            vdisk.cacheMode(newSpec.cacheMode());
        } catch (IllegalArgumentException e) {
            return new UpdateResult.Refused(e.getMessage() + ".");
        }
        return UpdateResult.IN_PLACE;
    }

    @Override
    public void reclaim(List<Declared<VdiskSpec>> declared, RealizeContext context) {
        DiskRecords.retain(
                context.service(DurableState.class),
                declared.stream()
                        .map(each -> each.metadata().uid())
                        .collect(Collectors.toUnmodifiableSet()));
    }

    @Override
    public void destroy(Metadata metadata, VdiskSpec spec, RealizeContext context) {
        deleteVolume(metadata, spec, context);
        DiskRecords.forget(context.service(DurableState.class), metadata.uid());
    }

    private static void deleteVolume(Metadata metadata, VdiskSpec spec, RealizeContext context) {
        if (VdiskPlace.deleteElsewhere(metadata, spec, context)) {
            VdiskPlace.forget(metadata, context);
            return;
        }
        if (!context.provisioned()
                && !VdiskPlace.isNoted(metadata, context)
                && !isThere(pool(spec), context)) {
            // Nothing was made, and the pool that would have had it may never come up.
            return;
        }
        // What we did not make is not ours to delete: another's file of that name stays.
        BlockPool pool = context.require(pool(spec), BlockPool.class);
        if (spec.source().isEmpty()) {
            pool.delete(metadata.name(), context.provisioned());
            VdiskPlace.forget(metadata, context);
            return;
        }
        boolean ours = context.provisioned() || DiskImport.isMissing(pool, metadata.name());
        pool.delete(metadata.name(), ours);
        DiskImport.forget(pool, metadata.name());
        VdiskPlace.forget(metadata, context);
    }

    private static boolean isThere(Reference pool, RealizeContext context) {
        try {
            context.require(pool, BlockPool.class);
            return true;
        } catch (ResourceException e) {
            if (e.code() != ErrorCode.NOT_READY) {
                throw e;
            }
            return false;
        }
    }
}
