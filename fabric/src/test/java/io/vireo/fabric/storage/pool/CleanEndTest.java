package io.vireo.fabric.storage.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockOperation;
import io.vireo.block.BlockStatus;
import io.vireo.block.VolumeFormat;
import io.vireo.reactor.Reactor;
import io.vireo.testkit.crash.CrashPoint;
import io.vireo.testkit.crash.DiskFault;
import io.vireo.testkit.crash.DiskImage;
import io.vireo.testkit.crash.DiskLog;
import io.vireo.testkit.crash.SimulatedDisk;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** After an end that was clean nothing is zeroed again, and nobody sees what another wrote. */
class CleanEndTest {
    private static final int CHUNK = 16 << 10;
    private static final int CHUNKS = 64;
    private static final byte MARKER = (byte) 0xAA;
    private static final byte OWN = 0x11;

    private final Reactor home = Reactor.stepped("clean-end");
    private final DiskLog log = new DiskLog();
    private final AtomicLong zeroed = new AtomicLong();
    private SimulatedDisk disk = new SimulatedDisk(0, new DiskImage(4 << 20), log, 1, true);
    private StoragePool pool;

    @BeforeEach
    void create() {
        disk.logging(false);
        disk.faults(request -> {
            boolean zeroes = request.operation() == BlockOperation.WRITE_ZEROES;
            zeroed.addAndGet(zeroes ? request.length() : 0);
            return DiskFault.NONE;
        });
        StoragePool.create(PoolStore.CONFIG, List.of(disk), home);
        pool = open(disk);
        fill("other", MARKER, CHUNK);
    }

    @AfterEach
    void close() {
        pool.abandon();
        home.close();
    }

    private StoragePool open(SimulatedDisk from) {
        return StoragePool.open(List.of(from), home, PoolStore.OPTIONS);
    }

    /** Writes so many bytes at the beginning of each chunk of a new volume. */
    private void fill(String name, byte value, int length) {
        pool.createVolume(name, new VolumeFormat((long) CHUNKS * CHUNK, 512, 4096));
        var client = new SteppedClient(pool.device(name), home);
        byte[] data = new byte[length];
        Arrays.fill(data, value);
        for (int i = 0; i < CHUNKS; i++) {
            assertThat(client.await(client.write((long) i * CHUNK, data, false)))
                    .isEqualTo(BlockStatus.OK);
        }
        assertThat(client.await(client.start(BlockOperation.FLUSH, 0, 0, _ -> {})))
                .isEqualTo(BlockStatus.OK);
        client.close();
    }

    private void run(int steps) {
        for (int i = 0; i < steps && home.step() > 0; i++) {}
    }

    /** A volume that is written to here and there shows nothing that was not written to it. */
    private void assertNoMarker() {
        String name = "new" + pool.volumes().size();
        fill(name, OWN, 512);
        var client = new SteppedClient(pool.device(name), home);
        for (int i = 0; i < CHUNKS; i++) {
            byte[] chunk = client.read((long) i * CHUNK, CHUNK);
            assertThat(Arrays.copyOf(chunk, 512)).containsOnly(OWN);
            assertThat(Arrays.copyOfRange(chunk, 512, CHUNK)).containsOnly(0);
        }
        client.close();
        pool.delete(name);
    }

    @Test
    void afterACleanEndNothingIsZeroedAgain() {
        pool.delete("other");
        pool.close();
        pool = open(disk);
        long before = zeroed.get();
        run(200);
        assertThat(zeroed.get()).isEqualTo(before);
        assertThat(pool.status().ready()).isGreaterThan(CHUNKS);
        assertNoMarker();
    }

    /** A timer that was left would keep the memory of the pool. */
    @Test
    void nothingIsLeftToBeDoneForAPoolThatIsClosed() {
        pool.createVolume("summed", new VolumeFormat(CHUNK, 512, 4096, false, true));
        var client = new SteppedClient(pool.device("summed"), home);
        assertThat(client.await(client.write(0, new byte[4096], false))).isEqualTo(BlockStatus.OK);
        client.close();
        pool.abandon();
        assertThat(home.step()).isZero();
        pool = open(disk);
    }

    @Test
    void afterAnEndThatWasNotCleanItIs() {
        pool.delete("other");
        run(200);
        pool.close();
        pool = open(disk);
        fill("left", MARKER, CHUNK);
        pool.delete("left");
        // What was said at the clean end does not count any more.
        pool.abandon();
        long before = zeroed.get();
        pool = open(disk);
        run(200);
        assertThat(zeroed.get() - before).isGreaterThanOrEqualTo((long) CHUNKS * CHUNK);
        assertNoMarker();
    }

    @Test
    void anEndThatCannotWaitForAllZeroesDoesNotSaySo() {
        pool.delete("other");
        disk.faults(request ->
                request.operation() == BlockOperation.WRITE_ZEROES
                        ? DiskFault.eio()
                        : DiskFault.NONE);
        pool.close();
        disk.faults(_ -> DiskFault.NONE);
        pool = open(disk);
        run(200);
        assertNoMarker();
    }

    @Test
    void wheneverThePowerGoesNobodySeesWhatAnotherWrote() {
        var random = new Random(CrashBed.seed());
        DiskImage start = disk.contents().fork();
        pool.abandon();
        disk = new SimulatedDisk(0, start.fork(), log, random.nextLong(), false);
        pool = open(disk);
        pool.delete("other");
        pool.close();
        pool = open(disk);
        fill("second", MARKER, CHUNK);
        pool.snapshot("second", "snapshot");
        pool.delete("second");
        pool.close();
        pool = open(disk);
        pool.delete("snapshot");
        pool.close();
        pool = open(disk);
        pool.abandon();
        var point = new CrashPoint(log, List.of(start));
        int tried = 0;
        while (!point.isAtEnd()) {
            if (point.isBeforeCompletion()
                    && (point.isBeforeBarrier() || random.nextInt(16) == 0)) {
                List<DiskImage> images =
                        random.nextBoolean() ? point.prefix() : point.image(point.drawn(random));
                pool = open(quiet(images.getFirst()));
                run(random.nextInt(60));
                assertNoMarker();
                pool.abandon();
                tried++;
            }
            point.advance();
        }
        System.out.printf("clean ends: %d crash images%n", tried);
        assertThat(tried).isGreaterThan(20);
        pool = open(disk);
    }

    private static SimulatedDisk quiet(DiskImage image) {
        var quiet = new SimulatedDisk(0, image.fork(), new DiskLog(), 1, true);
        quiet.logging(false);
        return quiet;
    }
}
