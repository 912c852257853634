package io.vireo.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockStatus;
import io.vireo.fabric.storage.PoolKind;
import io.vireo.fabric.storage.SnapshotKind;
import io.vireo.fabric.storage.VdiskKind;
import io.vireo.net.HostIdentity;
import io.vireo.reactor.PollMode;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.ReactorGroup;
import io.vireo.resource.DurableState;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.Metadata;
import io.vireo.resource.Quantity;
import io.vireo.resource.Realization;
import io.vireo.resource.RealizeContext;
import io.vireo.resource.Reference;
import io.vireo.resource.ResourceException;
import io.vireo.resource.ResourceKind;
import io.vireo.resource.RuntimeDirectory;
import io.vireo.resource.Secrets;
import io.vireo.resource.Spec;
import io.vireo.resource.UpdateResult;
import io.vireo.resource.spec.DisksSpec;
import io.vireo.resource.spec.Kinds;
import io.vireo.resource.spec.MigrationSpec;
import io.vireo.resource.spec.PoolSpec;
import io.vireo.resource.spec.QuotaSpec;
import io.vireo.resource.spec.SnapshotSpec;
import io.vireo.resource.spec.VdiskSpec;
import io.vireo.testkit.BlockClient;
import io.vireo.testkit.MemoryState;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** A host on which resources of pools are realized by their kinds, in any order that tests want. */
final class PoolBed implements AutoCloseable {
    static final long DISK = 64 << 20;
    static final long SIZE = 32 << 20;
    private static final int STALL_SECONDS = 10;
    private static final long CHUNK = 64 << 10;

    private final Path directory;
    private final ReactorGroup reactors = ReactorGroup.start(List.of(-1, -1), PollMode.INTERRUPT);
    final MemoryState state = new MemoryState();
    private final Map<Reference, Realization> running = new HashMap<>();
    private final AtomicInteger statusChanges = new AtomicInteger();
    final PoolKind pools = new PoolKind();
    final VdiskKind vdisks = new VdiskKind();
    final SnapshotKind snapshots = new SnapshotKind();

    PoolBed(Path directory) {
        this.directory = directory;
    }

    /**
     * @param provisioned whether what is realized ran before
     */
    RealizeContext context(boolean provisioned) {
        return new RealizeContext() {
            @Override
            public <T> T require(Reference reference, Class<T> contract) {
                return Optional.ofNullable(running.get(reference))
                        .flatMap(made -> made.contract(contract))
                        .orElseThrow(() ->
                                new ResourceException(
                                        ErrorCode.NOT_READY, "it waits for " + reference));
            }

            @Override
            public <T> T service(Class<T> type) {
                if (type == Secrets.class) {
                    return type.cast(new SecretFiles(directory.resolve("secrets")));
                }
                if (type == DurableState.class) {
                    return type.cast(state);
                }
                if (type == HostIdentity.class) {
                    return type.cast(ThisHost.identity());
                }
                return type == RuntimeDirectory.class
                        ? type.cast(new RuntimeDirectory(directory))
                        : type.cast(reactors);
            }

            @Override
            public boolean provisioned() {
                return provisioned;
            }

            @Override
            public Runnable statusChanged() {
                return statusChanges::incrementAndGet;
            }
        };
    }

    /** How often something told that its status has changed. */
    int statusChanges() {
        return statusChanges.get();
    }

    static DisksSpec.Member member(Path path, long size) {
        return new DisksSpec.Member(path.toString(), Optional.of(new Quantity(size)), false, false);
    }

    /** A disk that was changed for another one. */
    static DisksSpec.Member replaced(Path path, long size) {
        return new DisksSpec.Member(path.toString(), Optional.of(new Quantity(size)), false, true);
    }

    static DisksSpec.Member drained(Path path, long size) {
        return new DisksSpec.Member(path.toString(), Optional.of(new Quantity(size)), true, false);
    }

    static PoolSpec spec(boolean adopt, DisksSpec.Member... members) {
        return spec(disksSpec(adopt, 1, false, members));
    }

    private static PoolSpec spec(DisksSpec disks) {
        return new PoolSpec(
                PoolSpec.Type.DISKS,
                Optional.empty(),
                PoolSpec.Backend.AUTO,
                true,
                OptionalInt.empty(),
                Optional.empty(),
                Optional.of(disks),
                80);
    }

    /** The same with these quotas. */
    static PoolSpec withQuotas(PoolSpec spec, QuotaSpec... quotas) {
        return new PoolSpec(
                spec.type(),
                spec.path(),
                spec.backend(),
                spec.directIo(),
                spec.iops(),
                spec.qosPolicy(),
                spec.disks(),
                spec.warnPercent(),
                spec.encryption(),
                List.of(quotas));
    }

    /** A pool of images in a directory. */
    static PoolSpec images(Path directory) {
        return new PoolSpec(
                PoolSpec.Type.DIRECTORY,
                Optional.of(directory.toString()),
                PoolSpec.Backend.AUTO,
                true,
                OptionalInt.empty(),
                Optional.empty(),
                Optional.empty(),
                80);
    }

    static DisksSpec disksSpec(
            boolean adopt, int copies, boolean openDegraded, DisksSpec.Member... members) {
        return disksSpec(adopt, copies, openDegraded, STALL_SECONDS, members);
    }

    private static DisksSpec disksSpec(
            boolean adopt,
            int copies,
            boolean openDegraded,
            int stallSeconds,
            DisksSpec.Member... members) {
        return disksSpec(CHUNK, adopt, copies, openDegraded, stallSeconds, members);
    }

    private static DisksSpec disksSpec(
            long chunk,
            boolean adopt,
            int copies,
            boolean openDegraded,
            int stallSeconds,
            DisksSpec.Member... members) {
        return new DisksSpec(
                List.of(members),
                new Quantity(chunk),
                true,
                1,
                adopt,
                copies,
                openDegraded,
                Optional.empty(),
                stallSeconds,
                Optional.empty());
    }

    /** A new pool whose unit of allocation has so many bytes. */
    static PoolSpec withChunks(long bytes, DisksSpec.Member... members) {
        return spec(disksSpec(bytes, false, 1, false, STALL_SECONDS, members));
    }

    /** A pool of mirrors of two disks. */
    PoolSpec mirrored(boolean openDegraded, String... disks) {
        return mirrors(
                openDegraded,
                Arrays.stream(disks)
                        .map(disk -> member(directory.resolve(disk), DISK))
                        .toArray(DisksSpec.Member[]::new));
    }

    static PoolSpec mirrors(boolean openDegraded, DisksSpec.Member... members) {
        return mirrors(openDegraded, STALL_SECONDS, members);
    }

    static PoolSpec mirrors(boolean openDegraded, int stallSeconds, DisksSpec.Member... members) {
        return spec(disksSpec(false, 2, openDegraded, stallSeconds, members));
    }

    PoolSpec spec(String... disks) {
        return spec(
                false,
                Arrays.stream(disks)
                        .map(disk -> member(directory.resolve(disk), DISK))
                        .toArray(DisksSpec.Member[]::new));
    }

    static VdiskSpec vdisk(long size) {
        return vdisk("main", size, VdiskSpec.Allocation.THIN, Optional.empty());
    }

    static VdiskSpec vdisk(
            String pool,
            long size,
            VdiskSpec.Allocation allocation,
            Optional<MigrationSpec> migration) {
        return vdisk(pool, size, allocation, migration, Optional.empty());
    }

    static VdiskSpec vdisk(
            String pool,
            long size,
            VdiskSpec.Allocation allocation,
            Optional<MigrationSpec> migration,
            Optional<Boolean> striped) {
        return new VdiskSpec(
                pool,
                new Quantity(size),
                512,
                4096,
                allocation,
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                migration,
                false,
                false,
                striped,
                VdiskSpec.CacheMode.WRITEBACK);
    }

    <S extends Spec> Realization open(
            ResourceKind<S> kind, String name, S spec, boolean provisioned) {
        return open(kind, Metadata.of(name, name), spec, provisioned);
    }

    <S extends Spec> Realization open(
            ResourceKind<S> kind, Metadata metadata, S spec, boolean provisioned) {
        var made = kind.realize(metadata, spec, context(provisioned));
        running.put(new Reference(kind.kind(), metadata.name()), made);
        return made;
    }

    /** Brings what is running to another spec that its kind allows. */
    <S extends Spec> UpdateResult update(
            ResourceKind<S> kind, Metadata metadata, S before, S after) {
        assertThat(kind.validateUpdate(metadata, before, after)).isEmpty();
        return kind.update(
                running(kind.kind(), metadata.name()), metadata, before, after, context(true));
    }

    /** The same, while it is in use. */
    <S extends Spec> void change(ResourceKind<S> kind, Metadata metadata, S before, S after) {
        assertThat(update(kind, metadata, before, after)).isEqualTo(UpdateResult.IN_PLACE);
    }

    UpdateResult updatePool(PoolSpec before, PoolSpec after) {
        return update(pools, Metadata.of("main", "main"), before, after);
    }

    void changePool(PoolSpec before, PoolSpec after) {
        change(pools, Metadata.of("main", "main"), before, after);
    }

    Realization openPool(PoolSpec spec, boolean provisioned) {
        return open(pools, "main", spec, provisioned);
    }

    BlockDevice openVdisk(String name, boolean provisioned) {
        return open(vdisks, name, vdisk(SIZE), provisioned)
                .contract(BlockDevice.class)
                .orElseThrow();
    }

    void openSnapshot(String name, String of, Optional<String> from) {
        open(snapshots, name, new SnapshotSpec(of, from), false);
    }

    void destroyVdisk(String name, boolean provisioned) {
        vdisks.destroy(Metadata.of(name, name), vdisk(SIZE), context(provisioned));
    }

    /** Deletes one that was declared and never came up. */
    void destroySnapshot(String name, String of) {
        var spec = new SnapshotSpec(of, Optional.empty());
        snapshots.destroy(Metadata.of(name, name), spec, context(false));
    }

    Realization running(String kind, String name) {
        return Objects.requireNonNull(running.get(new Reference(kind, name)));
    }

    void close(String kind, String name) throws InterruptedException {
        var closed = new CountDownLatch(1);
        Objects.requireNonNull(running.remove(new Reference(kind, name))).close(closed::countDown);
        assertThat(closed.await(60, TimeUnit.SECONDS)).isTrue();
    }

    /** Closes everything, what refers to others first. */
    void closeAll() throws InterruptedException {
        var kinds =
                List.of(
                        Kinds.SNAPSHOT_SCHEDULE,
                        Kinds.SNAPSHOT_GROUP,
                        Kinds.SNAPSHOT,
                        Kinds.VDISK,
                        Kinds.POOL);
        for (String kind : kinds) {
            for (Reference each : List.copyOf(running.keySet())) {
                if (each.kind().equals(kind)) {
                    close(kind, each.name());
                }
            }
        }
    }

    static void write(BlockDevice device, long offset, String text) {
        write(device, device.home().orElseThrow(), offset, text);
    }

    private static void write(BlockDevice device, Reactor reactor, long offset, String text) {
        try (var client = new BlockClient(device, reactor)) {
            byte[] block = Arrays.copyOf(text.getBytes(StandardCharsets.US_ASCII), 4096);
            assertThat(client.write(offset, block)).isEqualTo(BlockStatus.OK);
            assertThat(client.run(BlockOperation.FLUSH, 0, 0)).isEqualTo(BlockStatus.OK);
        }
    }

    static String read(BlockDevice device, long offset) {
        return read(device, device.home().orElseThrow(), offset);
    }

    private static String read(BlockDevice device, Reactor reactor, long offset) {
        try (var client = new BlockClient(device, reactor)) {
            return new String(client.read(offset, 4096), StandardCharsets.US_ASCII)
                    .replace("\0", "");
        }
    }

    /** One of the reactors of front ends. */
    Reactor reactor() {
        return reactors.next();
    }

    /** As {@link #write}, to a device of any pool. */
    void writeAnywhere(BlockDevice device, long offset, String text) {
        write(device, device.home().orElseGet(reactors::next), offset, text);
    }

    /** As {@link #read}, from a device of any pool. */
    String readAnywhere(BlockDevice device, long offset) {
        return read(device, device.home().orElseGet(reactors::next), offset);
    }

    static void assertFails(ErrorCode code, String hint, Runnable task) {
        assertThatExceptionOfType(ResourceException.class)
                .isThrownBy(task::run)
                .withMessageContaining(hint)
                .satisfies(e -> assertThat(e.code()).isEqualTo(code));
    }

    @Override
    public void close() {
        reactors.close();
    }
}
