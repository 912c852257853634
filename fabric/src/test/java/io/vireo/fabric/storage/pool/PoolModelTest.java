package io.vireo.fabric.storage.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockStatus;
import io.vireo.block.VolumeFormat;
import io.vireo.reactor.Reactor;
import io.vireo.testkit.MemoryBlockDevice;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Random writes, zeroes, snapshots, clones, rollbacks, deletions and openings do what they do to
 * arrays. Replays with {@code -Dvireo.seed=N}.
 */
@Tag("endurance")
class PoolModelTest {
    private static final int CHUNK = 16 << 10;
    private static final int BLOCK = 512;
    private static final int CAPACITY = 24 * CHUNK + 5 * BLOCK;
    private static final int MAX_VOLUMES = 10;
    private static final int STEPS = 1500;

    private static final class Copy {
        byte[] data;
        boolean readOnly;

        Copy(byte[] data, boolean readOnly) {
            this.data = data;
            this.readOnly = readOnly;
        }
    }

    private final Map<String, Copy> model = new LinkedHashMap<>();
    private final Map<String, SteppedClient> clients = new LinkedHashMap<>();
    private final Reactor home = Reactor.stepped("model");
    private final List<BlockDevice> disks = new ArrayList<>();
    private final long seed = Long.getLong("vireo.seed", System.nanoTime());
    private final Random random = new Random(seed);
    private @Nullable StoragePool pool;
    private int names;
    private boolean checksums;
    private boolean zeroDetection;

    @ParameterizedTest
    @ValueSource(ints = {1, 3})
    void agreesWithArrays(int members) {
        agree(members);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3})
    void agreesWithArraysIfThereAreChecksums(int members) {
        checksums = true;
        agree(members);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void agreesWithArraysIfZeroesAreLookedFor(boolean summed) {
        checksums = summed;
        zeroDetection = true;
        agree(2);
    }

    private void agree(int members) {
        System.out.println("vireo.seed=" + seed);
        for (int i = 0; i < members; i++) {
            var disk = new MemoryBlockDevice((i == 0 ? 8 : 4) << 20, BLOCK);
            disk.logging(false);
            disks.add(disk);
        }
        StoragePool.create(new PoolConfig(CHUNK, 64 << 10, true, members == 1), disks, home);
        open();
        for (int i = 0; i < STEPS; i++) {
            step();
        }
        verify();
        reopen(true);
        verify();
        letGo();
        pool().close();
        assertThat(PoolCheck.run(disks, home).findings()).isEmpty();
        disks.forEach(d -> ((MemoryBlockDevice) d).close());
        home.close();
    }

    private void open() {
        pool = StoragePool.open(disks, home, PoolOptions.DEFAULT);
        assertThat(pool().trouble()).isEmpty();
    }

    private StoragePool pool() {
        return Objects.requireNonNull(pool);
    }

    private Copy copyOf(String name) {
        return Objects.requireNonNull(model.get(name));
    }

    private void letGo() {
        clients.values().forEach(SteppedClient::close);
        clients.clear();
    }

    private SteppedClient client(String name) {
        return clients.computeIfAbsent(
                name,
                n -> {
                    pool().device(n).zeroDetection(zeroDetection);
                    return new SteppedClient(pool().device(n), home);
                });
    }

    private String any(boolean writable) {
        List<String> names =
                model.entrySet().stream()
                        .filter(e -> !writable || !e.getValue().readOnly)
                        .map(Map.Entry::getKey)
                        .toList();
        return names.isEmpty() ? "" : names.get(random.nextInt(names.size()));
    }

    private void step() {
        if (any(true).isEmpty()) {
            String name = "v" + names++;
            pool().createVolume(name, new VolumeFormat(CAPACITY, BLOCK, 4096, false, checksums));
            model.put(name, new Copy(new byte[CAPACITY], false));
            return;
        }
        switch (random.nextInt(24)) {
            case 0, 1 -> copy(true);
            case 2 -> copy(false);
            case 3, 4 -> delete();
            case 5 -> rollback();
            case 6 -> reopen(random.nextBoolean());
            case 7 -> pool().checkpoint();
            case 8 -> grow();
            case 9 -> verify();
            default -> requests();
        }
    }

    private void copy(boolean readOnly) {
        if (model.size() >= MAX_VOLUMES) {
            return;
        }
        String source = any(false);
        String name = (readOnly ? "s" : "c") + names++;
        pool().copy(List.of(new CopyOf(source, name, readOnly)));
        model.put(name, new Copy(copyOf(source).data.clone(), readOnly));
    }

    private void delete() {
        if (model.size() < 4) {
            return;
        }
        String name = any(false);
        SteppedClient client = clients.remove(name);
        if (client != null) {
            client.close();
        }
        pool().delete(name);
        model.remove(name);
    }

    private void rollback() {
        String volume = any(true);
        String source = any(false);
        byte[] from = copyOf(source).data;
        byte[] to = copyOf(volume).data;
        if (from.length <= to.length && !source.equals(volume)) {
            pool().rollback(volume, source);
            copyOf(volume).data = Arrays.copyOf(from, to.length);
        }
    }

    private void grow() {
        String name = any(true);
        Copy copy = copyOf(name);
        if (copy.data.length < 2 * CAPACITY) {
            int larger = copy.data.length + (1 + random.nextInt(40)) * BLOCK;
            pool().grow(name, larger);
            copy.data = Arrays.copyOf(copy.data, larger);
        }
    }

    private void reopen(boolean cleanly) {
        if (!cleanly) {
            SteppedClient client = client(any(true));
            var flush = client.start(BlockOperation.FLUSH, 0, 0, _ -> {});
            assertThat(client.await(flush)).isEqualTo(BlockStatus.OK);
        }
        letGo();
        if (cleanly) {
            pool().close();
        } else {
            pool().abandon();
        }
        if (random.nextInt(4) == 0) {
            assertThat(PoolCheck.run(disks, home).findings()).isEmpty();
        }
        open();
    }

    /** Several requests to different blocks at once. */
    private void requests() {
        var ends = new ArrayList<CompletableFuture<BlockStatus>>();
        int count = 1 + random.nextInt(6);
        for (int i = 0; i < count; i++) {
            String name = any(true);
            Copy copy = copyOf(name);
            int share = copy.data.length / BLOCK / count;
            int blocks = 1 + random.nextInt(random.nextBoolean() ? share : Math.min(share, 8));
            int first = i * share + random.nextInt(share - blocks + 1);
            ends.add(request(client(name), copy, first * BLOCK, blocks * BLOCK));
        }
        for (CompletableFuture<BlockStatus> end : ends) {
            assertThat(HomeIo.await(home, end)).isEqualTo(BlockStatus.OK);
        }
    }

    private CompletableFuture<BlockStatus> request(
            SteppedClient client, Copy copy, int at, int length) {
        int kind = random.nextInt(10);
        boolean durable = random.nextInt(6) == 0;
        if (kind < 6) {
            byte[] data = new byte[length];
            random.nextBytes(data);
            if (zeroDetection) {
                int from = random.nextInt(length);
                Arrays.fill(data, from, from + random.nextInt(length - from + 1), (byte) 0);
                if (random.nextInt(3) == 0) {
                    Arrays.fill(data, (byte) 0);
                }
            }
            System.arraycopy(data, 0, copy.data, at, length);
            return client.write(at, data, durable);
        }
        if (kind < 8) {
            boolean unmap = random.nextBoolean();
            Arrays.fill(copy.data, at, at + length, (byte) 0);
            return client.start(
                    BlockOperation.WRITE_ZEROES,
                    at,
                    length,
                    r -> r.unmap(unmap).forceUnitAccess(durable));
        }
        if (kind == 8) {
            discard(copy.data, at, at + length);
            return client.start(BlockOperation.DISCARD, at, length, _ -> {});
        }
        return client.start(BlockOperation.FLUSH, 0, 0, _ -> {});
    }

    /** Chunks that are discarded whole read as zeroes, others keep what they have. */
    private static void discard(byte[] data, int from, int end) {
        for (int at = from / CHUNK * CHUNK; at < end; at += CHUNK) {
            int stop = Math.min(at + CHUNK, data.length);
            if (at >= from && stop <= end) {
                Arrays.fill(data, at, stop, (byte) 0);
            }
        }
    }

    private void verify() {
        for (var entry : model.entrySet()) {
            byte[] data = entry.getValue().data;
            assertThat(Arrays.equals(client(entry.getKey()).read(0, data.length), data))
                    .as(entry.getKey())
                    .isTrue();
        }
        assertThat(pool().trouble()).isEmpty();
    }
}
