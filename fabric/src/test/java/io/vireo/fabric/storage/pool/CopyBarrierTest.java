package io.vireo.fabric.storage.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockStatus;
import io.vireo.block.VolumeFormat;
import io.vireo.reactor.Reactor;
import io.vireo.testkit.MemoryBlockDevice;
import io.vireo.testkit.MemoryBlockDevice.Fate;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A copy is of one moment, however long a disk takes: what was being written has ended before, and
 * what comes then waits.
 */
class CopyBarrierTest {
    private static final int CHUNK = 16 << 10;

    private final Reactor home = Reactor.stepped("copy-barrier");
    private final MemoryBlockDevice disk = new MemoryBlockDevice(16 << 20, 512);
    private final StoragePool pool = open();

    /** Whether the disk has a write that it does not carry out yet. */
    private final AtomicBoolean holds = new AtomicBoolean();

    private SteppedClient v;
    private SteppedClient w;

    private StoragePool open() {
        disk.logging(false);
        List<BlockDevice> disks = List.of(disk);
        StoragePool.create(new PoolConfig(CHUNK, 1 << 20, true, true), disks, home);
        return StoragePool.open(disks, home, PoolOptions.DEFAULT);
    }

    @BeforeEach
    void fill() {
        v = volume("v");
        w = volume("w");
        pool.checkpoint();
        step();
    }

    /** Two chunks of ones, which belong to nobody else. */
    private SteppedClient volume(String name) {
        pool.createVolume(name, new VolumeFormat(8 * CHUNK, 512, 4096));
        var client = new SteppedClient(pool.device(name), home);
        for (int chunk = 0; chunk < 2; chunk++) {
            assertThat(client.await(write(client, chunk, 1))).isEqualTo(BlockStatus.OK);
        }
        return client;
    }

    @AfterEach
    void close() {
        let();
        step();
        v.close();
        w.close();
        pool.close();
        disk.close();
        home.close();
    }

    private void step() {
        for (int i = 0; i < 1000; i++) {
            home.step();
        }
    }

    private static CompletableFuture<BlockStatus> write(
            SteppedClient client, int chunk, int value) {
        byte[] data = new byte[CHUNK];
        Arrays.fill(data, (byte) value);
        return client.write((long) chunk * CHUNK, data, false);
    }

    /** Begins to overwrite the first chunk of v by twos; the disk does not come to it. */
    private CompletableFuture<BlockStatus> held() {
        disk.fate(request ->
                request.operation() == BlockOperation.WRITE && holds.compareAndSet(false, true)
                        ? Fate.HELD
                        : Fate.DONE);
        CompletableFuture<BlockStatus> held = write(v, 0, 2);
        step();
        assertThat(holds).isTrue();
        return held;
    }

    private void let() {
        disk.fate(_ -> Fate.DONE);
        disk.release();
    }

    private CompletableFuture<Boolean> begin(Consumer<CompletableFuture<Boolean>> task) {
        var done = new CompletableFuture<Boolean>();
        home.execute(() -> task.accept(done));
        step();
        return done;
    }

    private byte[] read(String volume, int chunk) {
        var client = new SteppedClient(pool.device(volume), home);
        byte[] data = client.read((long) chunk * CHUNK, CHUNK);
        client.close();
        return data;
    }

    /**
     * A copy that was made before the disk had come to the write would become another one then: the
     * chunk is one of both by that time.
     */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aCopyIsMadeWhenWhatWasBeingWrittenHasEnded(boolean snapshot) {
        CompletableFuture<BlockStatus> before = held();
        CopyOf copy = snapshot ? CopyOf.snapshot("v", "s") : CopyOf.clone("v", "s");
        CompletableFuture<Boolean> made =
                begin(done -> new Control(pool.engine()).copy(List.of(copy), done));
        CompletableFuture<BlockStatus> after = write(v, 1, 3);
        step();
        assertThat(made).isNotDone();
        assertThat(after).isNotDone();
        let();
        assertThat(v.await(before)).isEqualTo(BlockStatus.OK);
        assertThat(v.await(made)).isTrue();
        assertThat(v.await(after)).isEqualTo(BlockStatus.OK);
        assertThat(read("s", 0)).containsOnly(2);
        assertThat(read("s", 1)).containsOnly(1);
        assertThat(read("v", 0)).containsOnly(2);
        assertThat(read("v", 1)).containsOnly(3);
    }

    /** Who writes to one volume what depends on the other one has it in the copies so. */
    @Test
    void copiesOfAGroupWaitForAllOfItsVolumesAndAllOfTheseWait() {
        CompletableFuture<BlockStatus> before = held();
        var copies = List.of(CopyOf.snapshot("w", "sw"), CopyOf.snapshot("v", "sv"));
        CompletableFuture<Boolean> made =
                begin(done -> new Control(pool.engine()).copy(copies, done));
        CompletableFuture<BlockStatus> after = write(w, 0, 3);
        CompletableFuture<BlockStatus> afterInV = write(v, 1, 3);
        step();
        assertThat(made).isNotDone();
        assertThat(after).isNotDone();
        let();
        assertThat(v.await(made)).isTrue();
        assertThat(v.await(before)).isEqualTo(BlockStatus.OK);
        assertThat(w.await(after)).isEqualTo(BlockStatus.OK);
        assertThat(v.await(afterInV)).isEqualTo(BlockStatus.OK);
        assertThat(read("sv", 1)).containsOnly(1);
        assertThat(read("sv", 0)).containsOnly(2);
        assertThat(read("sw", 0)).containsOnly(1);
        assertThat(read("w", 0)).containsOnly(3);
    }

    /** The chunk is nobody's afterwards, and another volume's soon. */
    @Test
    void aVolumeIsRolledBackWhenWhatWasBeingWrittenHasEnded() {
        pool.snapshot("v", "s");
        // A chunk of its own again.
        assertThat(v.await(write(v, 0, 4))).isEqualTo(BlockStatus.OK);
        pool.checkpoint();
        step();
        CompletableFuture<BlockStatus> before = held();
        CompletableFuture<Boolean> done =
                begin(each -> new Control(pool.engine()).rollback("v", "s", each));
        CompletableFuture<BlockStatus> after = write(v, 1, 3);
        step();
        assertThat(done).isNotDone();
        assertThat(after).isNotDone();
        let();
        assertThat(v.await(before)).isEqualTo(BlockStatus.OK);
        assertThat(v.await(done)).isTrue();
        assertThat(v.await(after)).isEqualTo(BlockStatus.OK);
        assertThat(read("v", 0)).containsOnly(1);
        assertThat(read("v", 1)).containsOnly(3);
        assertThat(read("s", 1)).containsOnly(1);
    }
}
