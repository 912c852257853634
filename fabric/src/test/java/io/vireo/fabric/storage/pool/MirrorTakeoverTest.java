package io.vireo.fabric.storage.pool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockStatus;
import io.vireo.block.VolumeFormat;
import io.vireo.fabric.storage.format.ClaimBlock;
import io.vireo.fabric.storage.format.MirrorHeader;
import io.vireo.fabric.storage.format.PoolOwner;
import io.vireo.reactor.Reactor;
import io.vireo.testkit.crash.DiskFault;
import io.vireo.testkit.crash.DiskImage;
import io.vireo.testkit.crash.DiskLog;
import io.vireo.testkit.crash.SimulatedDisk;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Two hosts that reach the disks of a mirror, with no lock between them. */
class MirrorTakeoverTest {
    private static final int CHUNK = 16 << 10;
    private static final long SECOND = TimeUnit.SECONDS.toNanos(1);
    private static final PoolOwner ALPHA = new PoolOwner(UUID.randomUUID(), "alpha");
    private static final PoolOwner BETA = new PoolOwner(UUID.randomUUID(), "beta");

    private final Reactor home = Reactor.stepped("two-hosts-mirror");
    private final List<DiskImage> images = List.of(new DiskImage(8 << 20), new DiskImage(8 << 20));
    private final List<Long> byAlpha = new ArrayList<>();
    private final List<Long> byBeta = new ArrayList<>();
    private final List<BlockDevice> alphas = disks(byAlpha);
    private final List<BlockDevice> betas = disks(byBeta);
    private StoragePool pool;
    private SteppedClient client;

    /** A host's view of the disks; where it changes them is noted. */
    private List<BlockDevice> disks(List<Long> changes) {
        var disks = new ArrayList<BlockDevice>();
        for (int i = 0; i < images.size(); i++) {
            var disk = new SimulatedDisk(i, images.get(i), new DiskLog(), 1, true);
            disk.logging(false);
            disk.faults(request -> {
                if (request.operation() != BlockOperation.READ
                        && request.operation() != BlockOperation.FLUSH) {
                    changes.add(request.offset());
                }
                return DiskFault.NONE;
            });
            disks.add(disk);
        }
        return disks;
    }

    @BeforeEach
    void create() {
        StoragePool.create(PoolStore.CONFIG.withCopies(2), alphas, home);
        pool = StoragePool.open(alphas, home, PoolStore.OPTIONS.by(ALPHA));
        pool.createVolume("v", new VolumeFormat(1 << 20, 512, 4096));
        client = new SteppedClient(pool.device("v"), home);
        assertThat(write(1)).isEqualTo(BlockStatus.OK);
    }

    @AfterEach
    void close() {
        client.close();
        pool.abandon();
        home.close();
    }

    private BlockStatus write(int value) {
        byte[] data = new byte[CHUNK];
        Arrays.fill(data, (byte) value);
        return client.await(client.write(0, data, true));
    }

    private void run(long nanos) {
        long end = home.nanoTime() + nanos;
        while (home.nanoTime() < end && home.step() > 0) {}
    }

    @Test
    void anOwnerThatLivesKeepsThePoolAndTheMirrorIsLeftAlone() {
        byBeta.clear();
        assertThatThrownBy(() -> StoragePool.open(betas, home, PoolStore.OPTIONS.by(BETA)))
                .hasMessageContaining("is open at host alpha");
        assertThat(byBeta).isNotEmpty().containsOnly(MirrorHeader.DATA + ClaimBlock.CLAIM);
        assertThat(write(1)).isEqualTo(BlockStatus.OK);
        assertThat(pool.trouble()).isEmpty();
        assertThat(pool.mirrors().getFirst().isRedundant()).isTrue();
    }

    @Test
    void whatADeadOwnerHadIsTakenOver() {
        client.close();
        pool.abandon();
        pool = StoragePool.open(betas, home, PoolStore.OPTIONS.by(BETA));
        client = new SteppedClient(pool.device("v"), home);
        assertThat(client.read(0, CHUNK)).containsOnly(1);
        assertThat(write(1)).isEqualTo(BlockStatus.OK);
        run(20 * SECOND);
        assertThat(pool.trouble()).isEmpty();
        assertThat(pool.mirrors().getFirst().isRedundant()).isTrue();
    }

    /** Its headers and its write-intent bitmap neither, when it is idle and when it ends. */
    @Test
    void whoLostThePoolWritesNothingOfTheMirror() {
        StoragePool other = StoragePool.open(betas, home, PoolOptions.DEFAULT);
        run(SECOND + SECOND / 10);
        assertThat(pool.trouble()).contains("another process");
        byAlpha.clear();
        assertThat(write(2)).isEqualTo(BlockStatus.IO_ERROR);
        run(20 * SECOND);
        client.close();
        pool.close();
        assertThat(byAlpha).isEmpty();
        pool = other;
        client = new SteppedClient(pool.device("v"), home);
        assertThat(client.read(0, CHUNK)).containsOnly(1);
        assertThat(write(1)).isEqualTo(BlockStatus.OK);
        assertThat(pool.trouble()).isEmpty();
    }
}
