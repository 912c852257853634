package io.vireo.fabric.storage.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockStatus;
import io.vireo.block.VolumeFormat;
import io.vireo.reactor.Reactor;
import io.vireo.resource.ResourceException;
import io.vireo.testkit.crash.DiskImage;
import io.vireo.testkit.crash.DiskLog;
import io.vireo.testkit.crash.SimulatedDisk;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * One bit is wrong, in any block of the disk of a pool that was closed: the pool is refused, or all
 * volumes are what they were, or one bit of the data is wrong that the block held; of a volume with
 * checksums that block cannot be read. Nothing else ever happens. Replays with {@code
 * -Dvireo.seed=N}.
 */
@Tag("endurance")
class FlippedBitsTest {
    private static final int BLOCK = 4096;
    private static final int SIZE = 24 * (16 << 10);
    private static final int BITS_OF_BLOCK = 2;

    private enum Outcome {
        REFUSED,
        NOTHING,
        DATA
    }

    private final Reactor home = Reactor.stepped("flips");

    @AfterEach
    void close() {
        home.close();
    }

    private static SimulatedDisk disk(DiskImage image) {
        var disk = new SimulatedDisk(0, image, new DiskLog(), 1, true);
        disk.logging(false);
        return disk;
    }

    private StoragePool open(DiskImage image) {
        return StoragePool.open(List.<BlockDevice>of(disk(image)), home, PoolStore.OPTIONS);
    }

    /** Two volumes, a snapshot and a clone, with room that was given back. */
    private DiskImage filled(boolean checksums, Random random) {
        var image = new DiskImage(CrashBed.DISK);
        StoragePool.create(PoolStore.CONFIG, List.of(disk(image)), home);
        StoragePool pool = open(image);
        var format = new VolumeFormat(SIZE, 512, 4096, false, checksums);
        pool.createVolume("v", format);
        pool.createVolume("gone", format);
        fill(pool, "v", 40, random);
        fill(pool, "gone", 20, random);
        pool.snapshot("v", "s");
        fill(pool, "v", 20, random);
        pool.cloneVolume("s", "c");
        fill(pool, "c", 10, random);
        pool.delete("gone");
        pool.close();
        return image;
    }

    private void fill(StoragePool pool, String name, int writes, Random random) {
        var client = new SteppedClient(pool.device(name), home);
        for (int i = 0; i < writes; i++) {
            byte[] data = new byte[BLOCK];
            random.nextBytes(data);
            long at = (long) random.nextInt(SIZE / BLOCK) * BLOCK;
            assertThat(client.await(client.write(at, data, false))).isEqualTo(BlockStatus.OK);
        }
        var flush = client.start(BlockOperation.FLUSH, 0, 0, _ -> {});
        assertThat(client.await(flush)).isEqualTo(BlockStatus.OK);
        client.close();
    }

    /** Everything, block by block; a block that cannot be read is empty. */
    private Map<String, List<Optional<byte[]>>> contents(StoragePool pool) {
        var contents = new LinkedHashMap<String, List<Optional<byte[]>>>();
        for (VolumeInfo volume : pool.volumes()) {
            var client = new SteppedClient(pool.device(volume.name()), home);
            var blocks = new ArrayList<Optional<byte[]>>();
            for (long at = 0; at < volume.capacity(); at += BLOCK) {
                blocks.add(client.readable(at, BLOCK));
            }
            contents.put(volume.name(), blocks);
            client.close();
        }
        return contents;
    }

    private Outcome outcome(
            DiskImage image, Map<String, List<Optional<byte[]>>> before, boolean checksums) {
        StoragePool pool;
        try {
            pool = open(image);
        } catch (ResourceException e) {
            return Outcome.REFUSED;
        }
        try {
            assertThat(pool.trouble()).isEmpty();
            var after = contents(pool);
            assertThat(after.keySet()).isEqualTo(before.keySet());
            int wrong = 0;
            for (var each : after.entrySet()) {
                int ofVolume =
                        wrongBits(
                                Objects.requireNonNull(before.get(each.getKey())),
                                each.getValue(),
                                checksums);
                assertThat(ofVolume).as(each.getKey()).isLessThanOrEqualTo(1);
                wrong += ofVolume;
            }
            return wrong == 0 ? Outcome.NOTHING : Outcome.DATA;
        } finally {
            pool.abandon();
        }
    }

    private static int wrongBits(
            List<Optional<byte[]>> before, List<Optional<byte[]>> after, boolean checksums) {
        assertThat(after).hasSameSizeAs(before);
        int wrong = 0;
        for (int i = 0; i < before.size(); i++) {
            byte[] then = before.get(i).orElseThrow();
            Optional<byte[]> now = after.get(i);
            if (checksums) {
                // It is right, or it cannot be read.
                now.ifPresent(bytes -> assertThat(bytes).isEqualTo(then));
                wrong += now.isPresent() ? 0 : 1;
            } else {
                byte[] bytes = now.orElseThrow();
                for (int at = 0; at < BLOCK; at++) {
                    wrong += Integer.bitCount((then[at] ^ bytes[at]) & 0xFF);
                }
            }
        }
        return wrong;
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aBitIsNoticedOrIsOneOfData(boolean checksums) {
        long seed = CrashBed.seed();
        var random = new Random(seed);
        DiskImage image = filled(checksums, random);
        StoragePool pool = open(image.fork());
        var before = contents(pool);
        pool.abandon();
        var outcomes = new EnumMap<Outcome, Integer>(Outcome.class);
        for (long at = 0; at < CrashBed.DISK; at += BLOCK) {
            boolean isUsed = false;
            for (byte each : image.read(at, BLOCK)) {
                isUsed |= each != 0;
            }
            for (int i = 0; i < (isUsed ? BITS_OF_BLOCK : 0); i++) {
                DiskImage wrong = image.fork();
                // Headers are short: half of the bits are of the first bytes.
                int of = i % 2 == 0 ? BLOCK : 64;
                wrong.flip(at + random.nextInt(of), random.nextInt(8));
                outcomes.merge(outcome(wrong, before, checksums), 1, Integer::sum);
            }
        }
        System.out.println("a bit flipped, checksums " + checksums + ": " + outcomes);
        assertThat(outcomes).containsOnlyKeys(Outcome.values());
    }
}
