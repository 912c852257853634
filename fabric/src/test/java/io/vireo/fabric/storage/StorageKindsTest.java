package io.vireo.fabric.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockPool;
import io.vireo.block.BlockVolume;
import io.vireo.block.DiskImageReader;
import io.vireo.block.DiskImageWriter;
import io.vireo.block.DiskImages;
import io.vireo.block.ExclusiveUse;
import io.vireo.block.PoolSpace;
import io.vireo.block.VolumeFormat;
import io.vireo.fabric.storage.qos.PoolQos;
import io.vireo.reactor.PollMode;
import io.vireo.reactor.ReactorGroup;
import io.vireo.resource.Condition;
import io.vireo.resource.DurableState;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.Metadata;
import io.vireo.resource.Quantity;
import io.vireo.resource.Realization;
import io.vireo.resource.RealizeContext;
import io.vireo.resource.Reference;
import io.vireo.resource.ResourceException;
import io.vireo.resource.ResourceKind;
import io.vireo.resource.UpdateResult;
import io.vireo.resource.Violation;
import io.vireo.resource.spec.DiskImageFormat;
import io.vireo.resource.spec.DiskSourceSpec;
import io.vireo.resource.spec.PoolSpec;
import io.vireo.resource.spec.VdiskSpec;
import io.vireo.testkit.BlockClient;
import io.vireo.testkit.MemoryBlockDevice;
import io.vireo.testkit.MemoryState;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

class StorageKindsTest {
    private static final PoolQos NO_QOS = new PoolQos("main", 0, Optional.empty(), () -> 0);

    private static final ReactorGroup REACTORS =
            ReactorGroup.start(List.of(-1), PollMode.INTERRUPT);

    private final MemoryState state = new MemoryState();
    private final List<String> calls = new ArrayList<>();
    private final AtomicInteger statusChanges = new AtomicInteger();
    private final List<MemoryBlockDevice> memories = new ArrayList<>();
    private final PoolKind pools = new PoolKind();
    private final VdiskKind vdisks = new VdiskKind();
    private final Metadata metadata = Metadata.of("disk", "1");

    /** What pools say of the protection of a volume; false: they fail. */
    private boolean unprotected = true;

    @AfterAll
    static void closeReactors() {
        REACTORS.close();
    }

    private static VdiskSpec vdisk(long size, int block, int physical) {
        return new VdiskSpec(
                "main",
                new Quantity(size),
                block,
                physical,
                VdiskSpec.Allocation.THIN,
                Optional.empty(),
                Optional.empty(),
                Optional.empty());
    }

    private static PoolSpec pool(PoolSpec.Type type, @Nullable String path) {
        return new PoolSpec(
                type,
                Optional.ofNullable(path),
                PoolSpec.Backend.AUTO,
                true,
                OptionalInt.empty(),
                Optional.empty(),
                Optional.empty(),
                80);
    }

    private static List<String> pointers(List<Violation> violations) {
        return violations.stream().map(Violation::pointer).toList();
    }

    private final class FakePool implements BlockPool {
        private Runnable full = () -> {};
        private long free = 40;
        private long capacity = 1L << 40;
        private OptionalLong size = OptionalLong.empty();

        @Override
        public String location() {
            return "here";
        }

        @Override
        public void create(String volume, VolumeFormat format) {
            calls.add("create " + volume + " " + format.capacity());
        }

        @Override
        public BlockVolume open(String volume, VolumeFormat format) {
            calls.add("open " + volume);
            return new FakeVolume(
                    new MemoryBlockDevice(format.capacity(), format.logicalBlockSize()));
        }

        @Override
        public void delete(String volume, boolean evenIfWritten) {
            calls.add("delete " + volume + " " + evenIfWritten);
        }

        @Override
        public boolean exists(String volume) {
            return volume.endsWith(".import");
        }

        @Override
        public boolean isEncrypted(String volume, boolean snapshot) {
            if (!unprotected) {
                throw new ResourceException(ErrorCode.UNAVAILABLE, "the pool does not say");
            }
            return false;
        }

        @Override
        public PoolSpace space() {
            return new PoolSpace(capacity, free);
        }

        @Override
        public OptionalLong diskBytes() {
            return size;
        }

        @Override
        public void onFull(Runnable listener) {
            full = listener;
        }

        @Override
        public void close() {
            calls.add("close pool");
        }
    }

    /** Images that cannot be read now: what wants one tries again and again. */
    private static final class NoImages implements DiskImages {
        @Override
        public DiskImageReader open(String file, DiskImageFormat format) {
            throw new ResourceException(ErrorCode.UNAVAILABLE, file + " cannot be read now");
        }

        @Override
        public DiskImageWriter create(String file, DiskImageFormat format, long capacity) {
            throw new ResourceException(ErrorCode.UNAVAILABLE, file + " cannot be written now");
        }

        @Override
        public boolean exists(String file) {
            return false;
        }

        @Override
        public String location(String file) {
            return file;
        }
    }

    private final class FakeVolume implements BlockVolume {
        private final MemoryBlockDevice memory;

        FakeVolume(MemoryBlockDevice memory) {
            this.memory = memory;
            memories.add(memory);
        }

        @Override
        public BlockDevice device() {
            return memory;
        }

        @Override
        public void grow(long capacity) {
            calls.add("grow " + capacity);
            memory.pretendToGrow(capacity);
        }

        @Override
        public String trouble() {
            return "";
        }

        @Override
        public void close() {
            calls.add("close volume");
        }
    }

    private RealizeContext context(boolean provisioned) {
        return new RealizeContext() {
            @Override
            public <T> T require(Reference reference, Class<T> contract) {
                assertThat(reference).isEqualTo(new Reference("Pool", "main"));
                if (contract == PoolQuotas.class) {
                    return contract.cast(new PoolQuotas("main", new FakePool()));
                }
                return contract == PoolQos.class
                        ? contract.cast(NO_QOS)
                        : contract.cast(new FakePool());
            }

            @Override
            public <T> T service(Class<T> type) {
                if (type == DurableState.class) {
                    return type.cast(state);
                }
                if (type == ReactorGroup.class) {
                    return type.cast(REACTORS);
                }
                if (type == DiskImages.class) {
                    return type.cast(new NoImages());
                }
                throw new AssertionError(type);
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

    @Test
    void aVdiskIsMadeOnceAndThenOnlyOpened() {
        VdiskSpec spec = vdisk(1 << 20, 512, 4096);
        vdisks.realize(metadata, spec, context(false)).close(() -> calls.add("closed"));
        vdisks.realize(metadata, spec, context(true));
        vdisks.destroy(metadata, spec, context(true));
        vdisks.destroy(metadata, spec, context(false));
        assertThat(calls)
                .containsExactly(
                        "create disk 1048576",
                        "open disk",
                        "close volume",
                        "closed",
                        "open disk",
                        "delete disk true",
                        "delete disk false");
    }

    /** As the state database of an earlier version of the daemon has them. */
    private void record(String... keys) {
        for (String key : keys) {
            state.put(key, Optional.of("something"), _ -> {});
        }
    }

    @Test
    void whatIsKeptOfADiskGoesWithIt() {
        record("scsi/reservations/1", "scsi/wipe/1", "scsi/reservations/11", "scsi/wipe/2");
        vdisks.destroy(metadata, vdisk(1 << 20, 512, 4096), context(true));
        assertThat(state.keys("scsi/")).containsExactly("scsi/reservations/11", "scsi/wipe/2");
    }

    @Test
    void whatIsKeptOfADiskThatIsGoneIsRemovedAtTheNextStart() {
        VdiskSpec spec = vdisk(1 << 20, 512, 4096);
        record("scsi/reservations/1", "scsi/wipe/1", "scsi/reservations/gone", "scsi/wipe/old");
        record("vdisk/gone/place", "other/1");
        vdisks.reclaim(List.of(new ResourceKind.Declared<>(metadata, spec)), context(true));
        assertThat(state.keys(""))
                .containsExactly(
                        "other/1", "scsi/reservations/1", "scsi/wipe/1", "vdisk/gone/place");
    }

    @Test
    void aVdiskThatDoesNotComeUpLeavesNoImportBehind() {
        var source = new DiskSourceSpec("a.img", DiskImageFormat.RAW, Optional.empty());
        var spec =
                new VdiskSpec(
                        "main",
                        new Quantity(1 << 20),
                        512,
                        4096,
                        VdiskSpec.Allocation.THIN,
                        Optional.empty(),
                        Optional.empty(),
                        Optional.of(source));
        unprotected = false;
        assertThatExceptionOfType(ResourceException.class)
                .isThrownBy(() -> vdisks.realize(metadata, spec, context(true)));
        assertThat(calls).containsExactly("open disk", "close volume");
        assertThat(imports()).isZero();
        unprotected = true;
        var vdisk = vdisks.realize(metadata, spec, context(true));
        assertThat(imports()).isEqualTo(1);
        var closed = new CompletableFuture<Boolean>();
        vdisk.close(() -> closed.complete(true));
        BlockClient.await(closed);
    }

    private static long imports() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().equals("import-disk"))
                .count();
    }

    @Test
    void growsInPlace() {
        VdiskSpec small = vdisk(1 << 20, 512, 4096);
        VdiskSpec large = vdisk(2 << 20, 512, 4096);
        Realization running = vdisks.realize(metadata, small, context(true));
        UpdateResult result = vdisks.update(running, metadata, small, large, context(true));
        assertThat(result).isEqualTo(UpdateResult.IN_PLACE);
        assertThat(vdisks.update(running, metadata, large, large, context(true)))
                .isEqualTo(UpdateResult.IN_PLACE);
        assertThat(calls).containsExactly("open disk", "grow 2097152");
        assertThat(running.status().attributes()).containsEntry("capacityBytes", "2097152");
        assertThat(vdisks.validateUpdate(metadata, small, large)).isEmpty();
        assertThat(pointers(vdisks.validateUpdate(metadata, large, small)))
                .containsExactly("/spec/size");
    }

    @Test
    void saysWhereALossOfPowerMayTearABlock() {
        VdiskSpec spec = vdisk(1 << 20, 4096, 4096);
        Realization running = vdisks.realize(metadata, spec, context(true));
        assertThat(running.status().attributes()).containsEntry("atomicWriteBytes", "4096");
        assertThat(running.status().conditions()).isEmpty();
        int before = statusChanges.get();
        memories.getLast().atomicWriteSize(512);
        assertThat(statusChanges.get()).isGreaterThan(before);
        assertThat(running.status().attributes()).containsEntry("atomicWriteBytes", "512");
        assertThat(running.status().conditions())
                .singleElement()
                .satisfies(condition -> {
                    assertThat(condition.type()).isEqualTo(Condition.WHOLE_BLOCKS);
                    assertThat(condition.met()).isFalse();
                    assertThat(condition.reason()).isEqualTo("BlocksMayTear");
                    assertThat(condition.message())
                            .contains("keep 512 bytes whole")
                            .contains("blockSize of 512");
                });
        running.close(() -> {});
        assertThat(memories.getLast().geometryListeners()).isZero();
    }

    @Test
    void hasOneWriterOrManyReaders() {
        Realization running = vdisks.realize(metadata, vdisk(1 << 20, 512, 512), context(true));
        ExclusiveUse use = running.contract(ExclusiveUse.class).orElseThrow();
        ExclusiveUse.Claim writer = use.claim("web1.disk0", false);
        for (boolean readOnly : new boolean[] {false, true}) {
            assertThatExceptionOfType(ResourceException.class)
                    .isThrownBy(() -> use.claim("web2.disk0", readOnly))
                    .withMessageContaining("web1.disk0")
                    .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.NOT_READY));
        }
        assertThat(ErrorCode.NOT_READY.retryable()).as("others let go of it").isTrue();
        writer.heldBy("vHBA db1, vHBA db2");
        assertThat(running.status().attributes()).containsEntry("attachedTo", "vHBA db1, vHBA db2");
        assertThatExceptionOfType(ResourceException.class)
                .isThrownBy(() -> use.claim("web2.disk0", false))
                .withMessageContaining("is attached to vHBA db1, vHBA db2; detach it there");
        writer.release();
        use.claim("a", true);
        use.claim("b", true);
        assertThatExceptionOfType(ResourceException.class).isThrownBy(() -> use.claim("c", false));
        assertThat(running.status().attributes()).containsEntry("attachedTo", "a, b");
        assertThat(running.contract(BlockDevice.class)).isPresent();
        assertThat(running.contract(String.class)).isEmpty();
    }

    @Test
    void aPoolSaysOnceThatItIsFullAndThenThatItIsNot() {
        var fake = new FakePool();
        long[] now = {0};
        var pool =
                new Pool(
                        "pool",
                        fake,
                        NO_QOS,
                        pool(PoolSpec.Type.DIRECTORY, "/pool"),
                        () -> calls.add("changed"),
                        () -> now[0]);
        assertThat(room(pool).met()).isTrue();
        fake.full.run();
        fake.full.run();
        assertThat(calls).containsExactly("changed");
        assertThat(room(pool).met()).isFalse();
        assertThat(room(pool).message()).contains("here");

        // A quota leaves room on the disk: only a while without failures says that all is well.
        fake.free = 1L << 30;
        assertThat(room(pool).met()).isFalse();
        now[0] += 11_000_000_000L;
        fake.full.run();
        assertThat(room(pool).met()).isFalse();
        now[0] += 11_000_000_000L;
        fake.free = 0;
        assertThat(room(pool).met()).isFalse();
        fake.free = 1L << 30;
        assertThat(room(pool).met()).isTrue();
        assertThat(calls).containsExactly("changed", "changed");
    }

    private static Condition room(Pool pool) {
        return pool.status().conditions().getFirst();
    }

    @Test
    void checksVdisks() {
        assertThat(vdisks.validate(metadata, vdisk(1 << 20, 512, 4096))).isEmpty();
        assertThat(pointers(vdisks.validate(metadata, vdisk(0, 512, 512))))
                .containsExactly("/spec/size");
        assertThat(vdisks.validate(metadata, vdisk(513, 4096, 4096)))
                .extracting(Violation::message)
                .containsExactly(
                        "must be a multiple of the block size, 4096, and not 0: write 4Ki, or a"
                                + " unit behind the number, like 10Gi");
        assertThat(vdisks.validate(metadata, vdisk(5000, 512, 4096)))
                .extracting(Violation::message)
                .containsExactly("must be a multiple of the block size, 512, and not 0: write 5Ki");
        assertThat(vdisks.validate(metadata, vdisk(1L << 53, 512, 4096))).isEmpty();
        for (long size : new long[] {(1L << 53) + 512, Long.MAX_VALUE}) {
            assertThat(vdisks.validate(metadata, vdisk(size, 512, 4096)))
                    .extracting(Violation::message)
                    .containsExactly("is more than a vDisk can have; write 8Pi at most");
        }
        assertThat(pointers(vdisks.validate(metadata, vdisk(512, 4096, 4096))))
                .containsExactly("/spec/size");
        assertThat(pointers(vdisks.validate(metadata, vdisk(4096, 4096, 512))))
                .containsExactly("/spec/physicalBlockSize");
        assertThat(pointers(vdisks.validate(metadata, vdisk(4096, 1024, 2048))))
                .containsExactly("/spec/blockSize", "/spec/physicalBlockSize");
    }

    @Test
    void checksPools() {
        assertThat(pools.validate(metadata, pool(PoolSpec.Type.DIRECTORY, "/var/x"))).isEmpty();
        assertThat(pools.validate(metadata, pool(PoolSpec.Type.NULLIO, null))).isEmpty();
        for (String path : new String[] {"/", "/a/../b", "/a/./b"}) {
            assertThat(pointers(pools.validate(metadata, pool(PoolSpec.Type.DIRECTORY, path))))
                    .as(path)
                    .containsExactly("/spec/path");
        }
        assertThat(pools.validate(metadata, pool(PoolSpec.Type.DIRECTORY, null))).hasSize(1);
        assertThat(pools.validate(metadata, pool(PoolSpec.Type.NULLIO, "/a"))).hasSize(1);
        assertThat(
                        pools.validateUpdate(
                                metadata,
                                pool(PoolSpec.Type.DIRECTORY, "/a"),
                                pool(PoolSpec.Type.NULLIO, null)))
                .hasSize(2);
    }

    @Test
    void aPoolThatIsADiskTellsItsSizeAndNoRoom() {
        var fake = new FakePool();
        fake.capacity = 0;
        fake.size = OptionalLong.of(5L << 30);
        PoolSpec spec = pool(PoolSpec.Type.IMAGE, "/dev/sdz");
        var running = new Pool("pool", fake, NO_QOS, spec, () -> {}, () -> 0);
        assertThat(running.status().attributes())
                .containsEntry("capacityBytes", Long.toString(5L << 30))
                .doesNotContainKey("freeBytes");
        assertThat(running.status().conditions()).isEmpty();
        assertThat(pools.columns())
                .filteredOn(column -> column.name().equals("PHYSICAL"))
                .extracting(column -> column.value().apply(spec, running.status()))
                .containsExactly("5Gi");
    }

    @Test
    void aPoolTellsItsRoom() throws InterruptedException {
        var running =
                new Pool(
                        "pool",
                        new FakePool(),
                        NO_QOS,
                        pool(PoolSpec.Type.DIRECTORY, "/pool"),
                        () -> {},
                        () -> 0);
        assertThat(running.status().attributes())
                .containsEntry("capacityBytes", Long.toString(1L << 40))
                .containsEntry("freeBytes", "40");
        assertThat(running.contract(BlockPool.class)).isPresent();
        var closed = new CountDownLatch(1);
        running.close(() -> {
            calls.add("closed");
            closed.countDown();
        });
        assertThat(closed.await(20, TimeUnit.SECONDS)).isTrue();
        assertThat(calls).containsExactly("close pool", "closed");
    }
}
