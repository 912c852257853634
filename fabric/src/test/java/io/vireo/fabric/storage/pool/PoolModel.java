package io.vireo.fabric.storage.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockStatus;
import io.vireo.block.VolumeFormat;
import io.vireo.reactor.Reactor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * A pool, and arrays that hold what its volumes have to hold: both are done to what is drawn, from
 * writes to openings, and compared.
 */
final class PoolModel {
    /**
     * What the pool and its volumes are like.
     *
     * @param chunks of a new volume, which has five blocks more
     */
    record Shape(PoolConfig config, int chunks, boolean checksums, boolean zeroDetection) {
        int capacity() {
            return chunks * config.chunkBytes() + 5 * BLOCK;
        }
    }

    static final int BLOCK = 512;
    private static final int MAX_VOLUMES = 10;

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
    private final Shape shape;
    private final List<BlockDevice> disks;
    private final Reactor home;
    private final Random random;
    private final PoolOptions options;
    private Optional<Runnable> enlarge = Optional.empty();
    private @Nullable StoragePool pool;
    private int names;

    /** Makes the pool on {@code disks} and opens it. */
    PoolModel(Shape shape, List<BlockDevice> disks, Reactor home, long seed) {
        this(shape, disks, home, seed, PoolOptions.DEFAULT);
    }

    /** The same; if operations outlive the process, it is killed where it does not end cleanly. */
    PoolModel(Shape shape, List<BlockDevice> disks, Reactor home, long seed, PoolOptions options) {
        this.shape = shape;
        this.options = options;
        this.disks = disks;
        this.home = home;
        random = new Random(seed);
        StoragePool.create(shape.config(), disks, home);
        open();
    }

    /**
     * There is not room for all: writes may fail for want of it, and some are taken back.
     *
     * @param larger makes the disks larger, if they can be
     */
    PoolModel crowded(Runnable larger) {
        enlarge = Optional.of(larger);
        return this;
    }

    /** Opens the pool after its end. */
    void open() {
        pool = StoragePool.open(disks, home, options);
        assertThat(pool().trouble()).isEmpty();
    }

    StoragePool pool() {
        return Objects.requireNonNull(pool);
    }

    /** What each volume and snapshot has to hold, by name. */
    Map<String, byte[]> contents() {
        var contents = new LinkedHashMap<String, byte[]>();
        model.forEach((name, copy) -> contents.put(name, copy.data));
        return contents;
    }

    /** Whether it is a snapshot. */
    boolean isReadOnly(String name) {
        return copyOf(name).readOnly;
    }

    /** Ends the pool, and leaves the disks as they are then. */
    void end(boolean cleanly) {
        if (!cleanly && options.surviving().isEmpty()) {
            flush();
        }
        letGo();
        if (!cleanly && random.nextBoolean()) {
            beginToCommit();
        }
        if (cleanly) {
            pool().close();
        } else {
            pool().abandon();
        }
    }

    private void flush() {
        SteppedClient client = client(any(true));
        var flush = client.start(BlockOperation.FLUSH, 0, 0, _ -> {});
        assertThat(client.await(flush)).isEqualTo(BlockStatus.OK);
    }

    /** What was done so far may be durable by the end of the process, without its having heard. */
    private void beginToCommit() {
        home.execute(() -> pool().engine().committer().commit());
        for (int i = random.nextInt(8); i > 0; i--) {
            home.step();
        }
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
                    pool().device(n).zeroDetection(shape.zeroDetection());
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

    /** Makes an empty volume. */
    void create() {
        String name = "v" + names++;
        boolean summed = shape.checksums();
        pool().createVolume(name, new VolumeFormat(shape.capacity(), BLOCK, 4096, false, summed));
        model.put(name, new Copy(new byte[shape.capacity()], false));
    }

    /** Does something that is drawn. */
    void step() {
        if (any(true).isEmpty()) {
            create();
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
            case 10 -> enlarge();
            default -> requests();
        }
    }

    private void enlarge() {
        if (enlarge.isPresent() && random.nextInt(4) == 0) {
            enlarge.get().run();
            pool().growMembers(random.nextBoolean());
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
        if (copy.data.length < 2 * shape.capacity()) {
            int larger = copy.data.length + (1 + random.nextInt(40)) * BLOCK;
            pool().grow(name, larger);
            copy.data = Arrays.copyOf(copy.data, larger);
        }
    }

    /** Ends the pool and opens it again. */
    void reopen(boolean cleanly) {
        StoragePool before = pool();
        end(cleanly);
        if (random.nextInt(4) == 0) {
            assertThat(PoolCheck.run(disks, home).findings()).isEmpty();
        }
        open();
        if (cleanly) {
            assertThat(freeMetadata(pool())).isEqualTo(freeMetadata(before));
        }
    }

    /** Blocks of metadata chunks that nothing is in, with how many there are together. */
    static Map<Long, Integer> freeMetadata(StoragePool pool) {
        var runs = new TreeMap<Long, Integer>();
        pool.engine().meta().free(runs::put);
        return runs;
    }

    /** A range that a request changes, with what was there before. */
    private record Changed(
            String name, int at, byte[] before, CompletableFuture<BlockStatus> end) {}

    /** Several requests to different blocks at once. */
    void requests() {
        var all = new ArrayList<Changed>();
        int count = 1 + random.nextInt(6);
        for (int i = 0; i < count; i++) {
            String name = any(true);
            Copy copy = copyOf(name);
            int share = copy.data.length / BLOCK / count;
            int blocks = 1 + random.nextInt(random.nextBoolean() ? share : Math.min(share, 8));
            int first = i * share + random.nextInt(share - blocks + 1);
            int at = first * BLOCK;
            byte[] before = Arrays.copyOfRange(copy.data, at, at + blocks * BLOCK);
            var end = request(client(name), copy, at, blocks * BLOCK);
            all.add(new Changed(name, at, before, end));
        }
        if (enlarge.isPresent() && random.nextInt(3) == 0) {
            takeOneBack(all.get(random.nextInt(count)).name());
        }
        for (Changed each : all) {
            BlockStatus status = HomeIo.await(home, each.end());
            boolean inVain = status == BlockStatus.NO_SPACE || status == BlockStatus.CANCELLED;
            assertThat(status == BlockStatus.OK || enlarge.isPresent() && inVain)
                    .as("%s", status)
                    .isTrue();
        }
        all.stream().filter(each -> each.end().join() != BlockStatus.OK).forEach(this::adopt);
    }

    private void takeOneBack(String name) {
        SteppedClient client = client(name);
        for (int i = random.nextInt(30); i > 0; i--) {
            home.step();
        }
        int started = client.started();
        if (started > 0) {
            client.cancel(started - 1);
        }
    }

    /** Of a write that failed each block is old or new. */
    private void adopt(Changed change) {
        byte[] data = copyOf(change.name()).data;
        byte[] found = client(change.name()).read(change.at(), change.before().length);
        for (int i = 0; i < found.length; i += BLOCK) {
            int at = change.at() + i;
            boolean isNew = Arrays.equals(found, i, i + BLOCK, data, at, at + BLOCK);
            boolean isOld = Arrays.equals(found, i, i + BLOCK, change.before(), i, i + BLOCK);
            assertThat(isNew || isOld).as("%s at %d", change.name(), at).isTrue();
            System.arraycopy(found, i, data, at, BLOCK);
        }
    }

    private CompletableFuture<BlockStatus> request(
            SteppedClient client, Copy copy, int at, int length) {
        int kind = random.nextInt(10);
        boolean durable = random.nextInt(6) == 0;
        if (kind < 6) {
            byte[] data = new byte[length];
            random.nextBytes(data);
            if (shape.zeroDetection()) {
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
    private void discard(byte[] data, int from, int end) {
        int chunk = shape.config().chunkBytes();
        for (int at = from / chunk * chunk; at < end; at += chunk) {
            int stop = Math.min(at + chunk, data.length);
            if (at >= from && stop <= end) {
                Arrays.fill(data, at, stop, (byte) 0);
            }
        }
    }

    /** Reads everything. */
    void verify() {
        for (var entry : model.entrySet()) {
            byte[] data = entry.getValue().data;
            assertThat(Arrays.equals(client(entry.getKey()).read(0, data.length), data))
                    .as(entry.getKey())
                    .isTrue();
        }
        assertThat(pool().trouble()).isEmpty();
    }
}
