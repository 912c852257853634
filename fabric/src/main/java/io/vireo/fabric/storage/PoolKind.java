package io.vireo.fabric.storage;

import io.vireo.block.BlockPool;
import io.vireo.block.BlockPoolProvider;
import io.vireo.fabric.storage.qos.DiskQosPolicy;
import io.vireo.fabric.storage.qos.PoolQos;
import io.vireo.net.HostIdentity;
import io.vireo.reactor.ReactorGroup;
import io.vireo.resource.Column;
import io.vireo.resource.Condition;
import io.vireo.resource.DurableState;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.LiveStream;
import io.vireo.resource.Metadata;
import io.vireo.resource.Progress;
import io.vireo.resource.Realization;
import io.vireo.resource.RealizeContext;
import io.vireo.resource.Reference;
import io.vireo.resource.ResourceException;
import io.vireo.resource.ResourceKind;
import io.vireo.resource.RuntimeDirectory;
import io.vireo.resource.Secrets;
import io.vireo.resource.Status;
import io.vireo.resource.UpdateResult;
import io.vireo.resource.Violation;
import io.vireo.resource.spec.EncryptionSpec;
import io.vireo.resource.spec.Kinds;
import io.vireo.resource.spec.PoolSpec;
import io.vireo.resource.spec.QuotaSpec;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.ServiceLoader;

/** A place that holds vDisks. */
public final class PoolKind implements ResourceKind<PoolSpec> {
    @Override
    public String kind() {
        return Kinds.POOL;
    }

    @Override
    public String plural() {
        return "pools";
    }

    @Override
    public String description() {
        return "A place that holds virtual disks, for example a directory of the host.";
    }

    @Override
    public Class<PoolSpec> specType() {
        return PoolSpec.class;
    }

    @Override
    public List<Violation> validate(Metadata metadata, PoolSpec spec) {
        var violations = new ArrayList<Violation>();
        boolean atPath =
                spec.type() == PoolSpec.Type.DIRECTORY || spec.type() == PoolSpec.Type.IMAGE;
        if (atPath && spec.path().isEmpty()) {
            violations.add(
                    new Violation(
                            "/spec/path",
                            spec.type() == PoolSpec.Type.IMAGE
                                    ? "a pool of type image needs the disk or file that it is"
                                    : "a pool of type directory needs a directory"));
        }
        if (!atPath && spec.path().isPresent()) {
            violations.add(
                    new Violation(
                            "/spec/path", "only pools of type directory and image have a path"));
        }
        boolean disks = spec.type() == PoolSpec.Type.DISKS;
        if (disks != spec.disks().isPresent()) {
            violations.add(
                    new Violation(
                            "/spec/disks",
                            disks
                                    ? "a pool of type disks needs disks"
                                    : "only a pool of type disks has disks"));
        }
        spec.disks().map(DisksPoolOpener::validate).ifPresent(violations::addAll);
        violations.addAll(validate(spec.quotas(), disks));
        spec.encryption().map(each -> validate(each, disks)).ifPresent(violations::addAll);
        if (spec.path().isPresent() && !isPlain(spec.path().get())) {
            violations.add(
                    new Violation(
                            "/spec/path",
                            "must be an absolute path without '.' and '..', and not the root directory"));
        }
        return violations;
    }

    private static List<Violation> validate(List<QuotaSpec> quotas, boolean disks) {
        var violations = new ArrayList<Violation>();
        var labels = new HashSet<String>();
        for (int i = 0; i < quotas.size(); i++) {
            QuotaSpec quota = quotas.get(i);
            String at = "/spec/quotas/" + i;
            if (!labels.add(quota.label())) {
                violations.add(new Violation(at + "/label", "is there already; name it once"));
            }
            if (quota.allocated().isPresent() && !disks) {
                violations.add(
                        new Violation(
                                at + "/allocated",
                                "is for pools of type disks, which know what a vDisk allocates"));
            }
        }
        return violations;
    }

    private static List<Violation> validate(EncryptionSpec encryption, boolean disks) {
        var violations = new ArrayList<Violation>();
        if (!disks) {
            violations.add(
                    new Violation("/spec/encryption", "only a pool of type disks can encrypt"));
        }
        if (encryption.previousKeySecret().filter(encryption.keySecret()::equals).isPresent()) {
            violations.add(
                    new Violation(
                            "/spec/encryption/previousKeySecret",
                            "is the current one: put the new master key into another secret"));
        }
        return violations;
    }

    /** What the old master key has wrapped has to be unwrapped by it once more. */
    private static List<Violation> validateUpdate(EncryptionSpec before, EncryptionSpec after) {
        boolean same = before.keySecret().equals(after.keySecret());
        return same || after.previousKeySecret().filter(before.keySecret()::equals).isPresent()
                ? List.of()
                : List.of(
                        new Violation(
                                "/spec/encryption/previousKeySecret",
                                "must be %s, so that what is wrapped by that is wrapped by %s"
                                        .formatted(before.keySecret(), after.keySecret())));
    }

    static boolean isPlain(String path) {
        Path parsed = Path.of(path);
        return parsed.isAbsolute()
                && parsed.getNameCount() > 0
                && parsed.normalize().equals(parsed);
    }

    @Override
    public List<Violation> validateUpdate(Metadata metadata, PoolSpec oldSpec, PoolSpec newSpec) {
        var violations = new ArrayList<Violation>();
        if (oldSpec.type() != newSpec.type()) {
            violations.add(new Violation("/spec/type", "cannot change: make another pool instead"));
        }
        if (!oldSpec.path().equals(newSpec.path())) {
            violations.add(
                    new Violation(
                            "/spec/path",
                            "cannot change while the pool exists: data would be lost"));
        }
        if (oldSpec.disks().isPresent() && newSpec.disks().isPresent()) {
            violations.addAll(
                    DisksPoolOpener.validateUpdate(oldSpec.disks().get(), newSpec.disks().get()));
        }
        if (oldSpec.encryption().isPresent() && newSpec.encryption().isPresent()) {
            violations.addAll(
                    validateUpdate(oldSpec.encryption().get(), newSpec.encryption().get()));
        }
        return violations;
    }

    @Override
    public List<LiveStream.Offer> streams() {
        return List.of(
                new LiveStream.Offer(
                        "contents",
                        "What is in the pool, as the resources that would take it over.",
                        "application/json",
                        List.of()));
    }

    @Override
    public List<Column<PoolSpec>> columns() {
        List<Column<PoolSpec>> columns = new ArrayList<>();
        columns.add(Column.of("TYPE", (spec, _) -> spec.type().name().toLowerCase(Locale.ROOT)));
        columns.add(Capacity.column("PHYSICAL", Pool.CAPACITY));
        columns.add(Capacity.column("ALLOCATED", Pool.ALLOCATED));
        columns.add(Capacity.column("LOGICAL", Pool.LOGICAL));
        columns.add(Capacity.column("FREE", Pool.FREE));
        columns.addAll(Progress.columns());
        columns.addAll(wideColumns());
        return columns;
    }

    private static List<Column<PoolSpec>> wideColumns() {
        return List.of(
                Capacity.wideColumn("SAVED", Pool.SAVED),
                Column.wide("COPIES", (_, status) -> attribute(status, "copies")),
                Column.wide("SCRUB", (_, status) -> attribute(status, Pool.SCRUB)),
                Column.wide("SNAPSHOTS", (_, status) -> attribute(status, Pool.SNAPSHOTS)),
                Column.wide("QUOTAS", (_, status) -> attribute(status, Pool.QUOTAS)),
                Column.wide("PATH", (_, status) -> attribute(status, Pool.LOCATION)));
    }

    private static String attribute(Status status, String name) {
        return status.attributes().getOrDefault(name, "-");
    }

    /** Maps are read as a whole when a pool on disks is opened. */
    @Override
    public Optional<Condition> realizedBeside(PoolSpec spec) {
        return spec.type() == PoolSpec.Type.DISKS
                ? Optional.of(
                        new Condition(
                                Condition.READY,
                                false,
                                "Opening",
                                "It is being opened: its maps are read from its disks."))
                : Optional.empty();
    }

    @Override
    public Realization realize(Metadata metadata, PoolSpec spec, RealizeContext context) {
        var qos =
                new PoolQos(
                        metadata.name(),
                        spec.iops().orElse(0),
                        policy(spec, context),
                        System::nanoTime);
        try {
            BlockPool pool = opened(metadata, spec, context);
            var running =
                    new Pool(
                            metadata.name(),
                            pool,
                            qos,
                            spec,
                            context.statusChanged(),
                            System::nanoTime);
            running.watch(context.service(ReactorGroup.class).control());
            return running;
        } catch (RuntimeException e) {
            qos.close();
            throw e;
        }
    }

    private static BlockPool opened(Metadata metadata, PoolSpec spec, RealizeContext context) {
        boolean create = !context.provisioned();
        if (spec.type() != PoolSpec.Type.DISKS) {
            return open(spec, create);
        }
        DisksPool pool =
                DisksPoolOpener.open(
                        spec,
                        create,
                        context.service(ReactorGroup.class).next(),
                        context.service(RuntimeDirectory.class).root(),
                        context.service(HostIdentity.class).name(),
                        scrubs(metadata, context),
                        context::progress);
        pool.keys().use(keys(spec, context));
        return pool;
    }

    private static ScrubRecord scrubs(Metadata metadata, RealizeContext context) {
        return new ScrubRecord(context.service(DurableState.class), metadata.uid());
    }

    @Override
    public void destroy(Metadata metadata, PoolSpec spec, RealizeContext context) {
        scrubs(metadata, context).forget();
    }

    private static Optional<SecretMasterKeys> keys(PoolSpec spec, RealizeContext context) {
        return spec.encryption()
                .map(each -> new SecretMasterKeys(each, context.service(Secrets.class)));
    }

    @Override
    public List<Reference> references(PoolSpec spec) {
        return spec.qosPolicy().map(PoolKind::policy).stream().toList();
    }

    private static Reference policy(String name) {
        return new Reference(Kinds.DISK_QOS_POLICY, name);
    }

    private static Optional<DiskQosPolicy> policy(PoolSpec spec, RealizeContext context) {
        return spec.qosPolicy().map(name -> context.require(policy(name), DiskQosPolicy.class));
    }

    private static BlockPool open(PoolSpec spec, boolean create) {
        for (var provider : ServiceLoader.load(BlockPoolProvider.class)) {
            if (provider.type() == spec.type()) {
                return provider.open(spec, create);
            }
        }
        throw new ResourceException(
                ErrorCode.UNSUPPORTED, "nothing here opens pools of type " + spec.type());
    }

    @Override
    public Optional<String> restarts(PoolSpec oldSpec, PoolSpec newSpec) {
        return oldSpec.backend() != newSpec.backend() || oldSpec.directIo() != newSpec.directIo()
                ? Optional.of("its vDisks are opened in another way")
                : Optional.empty();
    }

    @Override
    public UpdateResult update(
            Realization running,
            Metadata metadata,
            PoolSpec oldSpec,
            PoolSpec newSpec,
            RealizeContext context) {
        try {
            var pool = (Pool) running;
            if (!newSpec.encryption().equals(oldSpec.encryption())) {
                pool.encrypt(keys(newSpec, context));
            }
            pool.qos().change(newSpec.iops().orElse(0), policy(newSpec, context));
            pool.change(newSpec);
            return UpdateResult.IN_PLACE;
        } catch (IllegalArgumentException e) {
            return new UpdateResult.Refused(e.getMessage() + ".");
        }
    }
}
