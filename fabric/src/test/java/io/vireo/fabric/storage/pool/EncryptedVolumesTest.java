package io.vireo.fabric.storage.pool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockStatus;
import io.vireo.block.VolumeFormat;
import io.vireo.fabric.storage.crypto.WrappedKey;
import io.vireo.fabric.storage.format.PoolFormat;
import io.vireo.memory.OwnMemory;
import io.vireo.reactor.PollMode;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.ReactorConfig;
import io.vireo.resource.ResourceException;
import io.vireo.testkit.BlockClient;
import io.vireo.testkit.Eventually;
import io.vireo.testkit.MemoryBlockDevice;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What is on the disks of encrypted volumes, and who can read it. */
class EncryptedVolumesTest {
    private static final int CHUNK = 16 << 10;
    private static final int DISK = 16 << 20;
    private static final PoolConfig CONFIG = new PoolConfig(CHUNK, 64 << 10, true, true);
    private static final VolumeFormat FORMAT = new VolumeFormat(4 << 20, 512, 4096, true);
    private static final byte[] MARKER = "a marker of the tenant ".getBytes(StandardCharsets.UTF_8);

    private final MemoryBlockDevice disk = new MemoryBlockDevice(DISK, 512);
    private Reactor home;
    private StoragePool pool;

    @BeforeEach
    void create() {
        home = Reactor.start(new ReactorConfig("encrypted-test", -1, PollMode.ADAPTIVE));
        disk.logging(false);
        StoragePool.create(CONFIG, List.of(disk), home);
        open(new TestKeys(1));
    }

    @AfterEach
    void close() {
        pool.abandon();
        home.close();
        disk.close();
    }

    private void open(TestKeys keys) {
        pool = StoragePool.open(List.of(disk), home, PoolOptions.DEFAULT);
        pool.keys(keys);
    }

    private static byte[] marked(int length) {
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++) {
            bytes[i] = MARKER[i % MARKER.length];
        }
        return bytes;
    }

    private byte[] read(String volume, long at, int length) {
        pool.unlock(volume);
        try (var client = new BlockClient(pool.device(volume), home)) {
            return client.read(at, length);
        } finally {
            pool.lock(volume);
        }
    }

    private void write(String volume, long at, byte[] data) {
        run(volume, client -> client.write(at, data));
    }

    private void run(String volume, java.util.function.Function<BlockClient, BlockStatus> request) {
        pool.unlock(volume);
        try (var client = new BlockClient(pool.device(volume), home)) {
            assertThat(request.apply(client)).isEqualTo(BlockStatus.OK);
            assertThat(client.run(BlockOperation.FLUSH, 0, 0)).isEqualTo(BlockStatus.OK);
        } finally {
            pool.lock(volume);
        }
    }

    private boolean isOnDisk(byte[] wanted) {
        return indexOf(disk.contents(0, DISK), wanted) >= 0;
    }

    private static int indexOf(byte[] all, byte[] wanted) {
        for (int i = 0; i <= all.length - wanted.length; i++) {
            if (all[i] == wanted[0]
                    && Arrays.equals(all, i, i + wanted.length, wanted, 0, wanted.length)) {
                return i;
            }
        }
        return -1;
    }

    /** The wrapped key of a volume as it is on disk. */
    private byte[] wrapped(String volume) {
        WrappedKey key =
                HomeIo.on(
                        home,
                        () ->
                                pool.engine().volumes().all().stream()
                                        .filter(each -> each.name.equals(volume))
                                        .findFirst()
                                        .orElseThrow()
                                        .key
                                        .orElseThrow());
        try (var memory = OwnMemory.allocate(WrappedKey.BYTES)) {
            key.encode(memory.address());
            return memory.bytes(8, WrappedKey.WRAPPED_BYTES);
        }
    }

    @Test
    void theDisksHoldNoneOfIt() {
        pool.createVolume("a", FORMAT);
        write("a", 512, marked(5 * CHUNK));
        write("a", 3 * CHUNK + 1024, marked(512));
        assertThat(read("a", 512, 5 * CHUNK)).startsWith(marked(CHUNK));
        pool.close();
        open(new TestKeys(1));
        byte[] expected = new byte[7 * CHUNK];
        System.arraycopy(marked(5 * CHUNK), 0, expected, 512, 5 * CHUNK);
        System.arraycopy(marked(512), 0, expected, 3 * CHUNK + 1024, 512);
        assertThat(read("a", 0, expected.length)).isEqualTo(expected);
        assertThat(isOnDisk(MARKER)).as("what is encrypted").isFalse();
        pool.createVolume("plain", new VolumeFormat(4 << 20, 512, 4096));
        write("plain", 0, marked(4096));
        assertThat(isOnDisk(MARKER)).as("what is not encrypted").isTrue();
    }

    @Test
    void snapshotsAndClonesShareTheKeyAndEachReadsItsOwn() {
        pool.createVolume("a", FORMAT);
        write("a", 0, marked(3 * CHUNK));
        pool.snapshot("a", "s");
        pool.cloneVolume("s", "c");
        assertThat(wrapped("c")).isEqualTo(wrapped("a"));
        byte[] other = new byte[512];
        Arrays.fill(other, (byte) 9);
        write("a", CHUNK + 512, other);
        write("c", 2 * CHUNK, other);
        byte[] ofA = marked(3 * CHUNK);
        System.arraycopy(other, 0, ofA, CHUNK + 512, 512);
        byte[] ofC = marked(3 * CHUNK);
        System.arraycopy(other, 0, ofC, 2 * CHUNK, 512);
        assertThat(read("s", 0, 3 * CHUNK)).isEqualTo(marked(3 * CHUNK));
        assertThat(read("a", 0, 3 * CHUNK)).isEqualTo(ofA);
        assertThat(read("c", 0, 3 * CHUNK)).isEqualTo(ofC);
        pool.rollback("a", "s");
        assertThat(read("a", 0, 3 * CHUNK)).isEqualTo(marked(3 * CHUNK));
        pool.createVolume("b", FORMAT);
        assertThat(wrapped("b")).isNotEqualTo(wrapped("a"));
        assertThatThrownBy(() -> pool.rollback("b", "s"))
                .isInstanceOf(ResourceException.class)
                .hasMessageContaining("not encrypted with the same key");
    }

    @Test
    void zeroesAndHolesReadAsZeroes() {
        pool.createVolume("a", FORMAT);
        write("a", 0, marked(4 * CHUNK));
        run("a", client -> client.run(BlockOperation.WRITE_ZEROES, 512, 1024));
        run("a", client -> client.run(BlockOperation.WRITE_ZEROES, CHUNK, CHUNK));
        run("a", client -> client.run(BlockOperation.DISCARD, 2 * CHUNK, CHUNK));
        byte[] expected = marked(5 * CHUNK);
        Arrays.fill(expected, 512, 1536, (byte) 0);
        Arrays.fill(expected, CHUNK, 3 * CHUNK, (byte) 0);
        Arrays.fill(expected, 4 * CHUNK, 5 * CHUNK, (byte) 0);
        assertThat(read("a", 0, 5 * CHUNK)).isEqualTo(expected);
    }

    @Test
    void withoutTheKeyOnlyTheOthersCanBeRead() {
        pool.createVolume("a", FORMAT);
        pool.createVolume("plain", new VolumeFormat(4 << 20, 512, 4096));
        write("a", 0, marked(4096));
        write("plain", 0, marked(4096));
        pool.close();
        pool = StoragePool.open(List.of(disk), home, PoolOptions.DEFAULT);
        assertThat(read("plain", 0, 4096)).isEqualTo(marked(4096));
        assertThatThrownBy(() -> pool.unlock("a"))
                .isInstanceOf(ResourceException.class)
                .hasMessageContaining("keySecret");
        assertThatThrownBy(() -> pool.createVolume("b", FORMAT))
                .isInstanceOf(ResourceException.class)
                .hasMessageContaining("keySecret");
        var locked = pool.device("a");
        assertThatThrownBy(() -> new BlockClient(locked, home))
                .hasRootCauseInstanceOf(java.io.IOException.class)
                .hasStackTraceContaining(UncheckedIOException.class.getName());
        pool.keys(new TestKeys(2));
        assertThatThrownBy(() -> pool.unlock("a"))
                .isInstanceOf(ResourceException.class)
                .hasMessageContaining("another master key");
        assertThat(pool.keyStatus()).isEqualTo(new KeyStatus(0, 0, 1));
        // A snapshot needs no key, and reads when there is one.
        pool.snapshot("a", "s");
        pool.keys(new TestKeys(1));
        assertThat(read("s", 0, 4096)).isEqualTo(marked(4096));
    }

    @Test
    void theMasterKeyIsReplaced() {
        pool.createVolume("a", FORMAT);
        pool.createVolume("b", FORMAT);
        write("a", 0, marked(4096));
        byte[] old = wrapped("a");
        assertThat(isOnDisk(old)).isTrue();
        pool.keys(new TestKeys(2, Optional.of(1)));
        assertThat(pool.keyStatus()).isEqualTo(new KeyStatus(0, 2, 0));
        assertThat(read("a", 0, 4096)).as("meanwhile").isEqualTo(marked(4096));
        assertThat(pool.rewrapKeys()).isEqualTo(new KeyStatus(2, 0, 0));
        assertThat(isOnDisk(old)).as("the key as the old master key wrapped it").isFalse();
        pool.abandon();
        open(new TestKeys(2));
        assertThat(read("a", 0, 4096)).isEqualTo(marked(4096));
    }

    @Test
    void aNewKeyGoesThroughTheJournalToo() {
        pool.createVolume("a", FORMAT);
        write("a", 0, marked(4096));
        pool.keys(new TestKeys(2, Optional.of(1)));
        // Cut off behind the commit, before the checkpoint.
        var found = pool.volumeKeys().toRewrap();
        var control = new Control(pool.engine());
        HomeIo.await(
                home,
                HomeIo.on(
                        home,
                        () -> {
                            var done = new java.util.concurrent.CompletableFuture<Boolean>();
                            control.rewrap(found, done);
                            return done;
                        }));
        pool.abandon();
        open(new TestKeys(2));
        assertThat(read("a", 0, 4096)).isEqualTo(marked(4096));
    }

    @Test
    void aKeyThatIsNotNeededIsOnNoDisk() {
        pool.createVolume("other", FORMAT);
        pool.createVolume("a", FORMAT);
        write("a", 0, marked(2 * CHUNK));
        for (int i = 0; i < 20; i++) {
            // Catalogs of old, here and there.
            pool.snapshot("a", "s" + i);
            write("a", 0, marked(512));
            pool.checkpoint();
        }
        byte[] key = wrapped("a");
        for (int i = 0; i < 20; i++) {
            pool.delete("s" + i);
        }
        assertThat(isOnDisk(key)).as("while it is needed").isTrue();
        pool.delete("a");
        assertThat(isOnDisk(key)).as("after the deletion").isFalse();
        assertThat(isOnDisk(wrapped("other"))).isTrue();
        pool.close();
        assertThat(PoolCheck.run(List.of(disk), home).findings()).isEmpty();
        open(new TestKeys(1));
    }

    @Test
    void aDeletionThatWasCutOffIsFinishedAtTheNextOpening() {
        pool.createVolume("a", FORMAT);
        write("a", 0, marked(2 * CHUNK));
        pool.checkpoint();
        byte[] key = wrapped("a");
        var control = new Control(pool.engine());
        HomeIo.await(
                home,
                HomeIo.on(
                        home,
                        () -> {
                            var done = new java.util.concurrent.CompletableFuture<Boolean>();
                            control.delete("a", done);
                            return done;
                        }));
        pool.abandon();
        assertThat(isOnDisk(key)).isTrue();
        open(new TestKeys(1));
        Eventually.until(
                "old keys are overwritten",
                () -> !HomeIo.on(home, () -> pool.engine().erasure().isPending()));
        assertThat(pool.volumes()).isEmpty();
        assertThat(isOnDisk(key)).isFalse();
    }

    @Test
    void theJournalLeavesNoKeyWhereItWas() {
        pool.abandon();
        try (var first = new MemoryBlockDevice(DISK, 512);
                var second = new MemoryBlockDevice(DISK, 512)) {
            List<BlockDevice> both = List.of(first, second);
            first.logging(false);
            second.logging(false);
            StoragePool.create(CONFIG, both, home);
            pool = StoragePool.open(both, home, PoolOptions.DEFAULT);
            pool.keys(new TestKeys(1));
            pool.createVolume("other", FORMAT);
            write("other", 0, marked(2 << 20));
            pool.checkpoint();
            pool.createVolume("a", FORMAT);
            byte[] key = wrapped("a");
            assertThat(indexOf(firstRing(first), key)).as("the journal's").isNotNegative();
            pool.drain(first, CHUNK);
            Eventually.until(
                    "the journal has moved",
                    () -> HomeIo.on(home, () -> pool.engine().journal().place().isInChunks()));
            pool.cancelDrain();
            assertThat(pool.drainStatus().state()).isEqualTo(DrainStatus.State.CANCELLED);
            Eventually.until(
                    "old keys are overwritten",
                    () -> !HomeIo.on(home, () -> pool.engine().erasure().isPending()));
            assertThat(firstRing(first)).containsOnly(0);
            pool.delete("a");
            for (MemoryBlockDevice each : List.of(first, second)) {
                assertThat(indexOf(each.contents(0, DISK), key)).isNegative();
            }
            pool.close();
            assertThat(PoolCheck.run(both, home).findings()).isEmpty();
        }
        open(new TestKeys(1));
    }

    private static byte[] firstRing(MemoryBlockDevice first) {
        return first.contents(PoolFormat.HEADER_BYTES, (int) CONFIG.journalBytes());
    }
}
