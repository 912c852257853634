package io.vireo.testkit.crash;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.linux.ForeignMemory;
import io.vireo.linux.NativeBuffer;
import io.vireo.reactor.Reactor;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.zip.CRC32C;

/**
 * The simplest store that is right: chunks that are copied before they are written if they are
 * shared, one request at a time, all metadata written anew for each commit, to a place that the
 * superblock does not name. It can be broken in the ways that stores have been broken.
 */
final class SimpleStore implements StoreUnderTest {
    /** What is wrong with it. */
    enum Bug {
        NONE,
        FLUSH_IGNORED,
        FUA_IGNORED,
        SUPERBLOCK_BEFORE_METADATA,
        MAPPING_BEFORE_DATA,
        REUSE_BEFORE_FREE_IS_DURABLE,
        STALE_BYTES_IN_NEW_CHUNK,
        SNAPSHOT_SHARES_WRITABLE_CHUNKS,
        SNAPSHOT_NOT_COMMITTED,
        GROUP_ONE_BY_ONE,
        GROUP_OF_SEVERAL_MOMENTS,
        SHARED_UNTIL_FORGOTTEN,
        ROLLBACK_IN_TWO_STEPS,
        DELETE_IN_MEMORY_ONLY
    }

    private static final int BLOCK = 4096;
    private static final int CHUNK = 16 << 10;
    private static final int AREA = 8 * BLOCK;
    private static final int DATA = 20 * BLOCK;
    private static final int NONE = -1;

    private final Bug bug;

    SimpleStore(Bug bug) {
        this.bug = bug;
    }

    @Override
    public void create(List<BlockDevice> disks, Reactor reactor) {
        var open = new Open(disks.getFirst(), reactor);
        open.control(() -> {});
        open.abandon();
    }

    @Override
    public Store open(List<BlockDevice> disks, Reactor reactor) {
        var open = new Open(disks.getFirst(), reactor);
        open.load();
        return open;
    }

    private static int crc(byte[] bytes, int from, int length) {
        var crc = new CRC32C();
        crc.update(bytes, from, length);
        return (int) crc.getValue();
    }

    private static final class Volume {
        final boolean readOnly;
        long capacity;
        int[] map;

        Volume(boolean readOnly, long capacity, int[] map) {
            this.readOnly = readOnly;
            this.capacity = capacity;
            this.map = map;
        }
    }

    private final class Open implements Store {
        private final SimpleDisk disk;
        private final Reactor reactor;
        private final NativeBuffer chunk = NativeBuffer.allocate(CHUNK, BLOCK);
        private final NativeBuffer block = NativeBuffer.allocate(AREA, BLOCK);
        private final Map<String, Volume> volumes = new TreeMap<>();
        private final Map<String, int[]> durable = new TreeMap<>();
        private final BitSet freed = new BitSet();
        private final ArrayDeque<Integer> recycled = new ArrayDeque<>();
        private long generation;
        private boolean dirty;

        Open(BlockDevice device, Reactor reactor) {
            this.reactor = reactor;
            disk = new SimpleDisk(device, reactor);
        }

        // Metadata.

        private void commit(Runnable then) {
            Runnable metadata =
                    () -> {
                        byte[] bytes = encode();
                        int area = (int) (generation % 2);
                        ForeignMemory.copyFromArray(bytes, 0, block.address(), AREA);
                        disk.write(
                                bug != Bug.SUPERBLOCK_BEFORE_METADATA,
                                2 * BLOCK + (long) area * AREA,
                                block.address(),
                                AREA,
                                () -> superblock(bytes, then));
                    };
            generation++;
            if (bug == Bug.MAPPING_BEFORE_DATA) {
                metadata.run();
            } else {
                disk.flush(metadata);
            }
        }

        private void superblock(byte[] metadata, Runnable then) {
            var superblock = ByteBuffer.allocate(BLOCK);
            superblock.putInt(4, crc(metadata, 0, AREA)).putLong(8, generation);
            superblock.putInt(0, crc(superblock.array(), 4, 12));
            ForeignMemory.copyFromArray(superblock.array(), 0, chunk.address(), BLOCK);
            Runnable done =
                    () -> {
                        freed.clear();
                        remember();
                        dirty = false;
                        then.run();
                    };
            // The broken ones are right in the end, when all is quiet.
            disk.write(
                    true, generation % 2 * BLOCK, chunk.address(), BLOCK, () -> disk.flush(done));
        }

        private byte[] encode() {
            var bytes = ByteBuffer.allocate(AREA);
            bytes.putInt(volumes.size());
            volumes.forEach((name, volume) -> {
                bytes.put((byte) name.length()).put(name.getBytes(StandardCharsets.US_ASCII));
                bytes.put((byte) (volume.readOnly ? 1 : 0)).putLong(volume.capacity);
                bytes.putInt(volume.map.length);
                Arrays.stream(volume.map).forEach(bytes::putInt);
            });
            return bytes.array();
        }

        void load() {
            byte[] first = disk.bytes(0, BLOCK);
            byte[] second = disk.bytes(BLOCK, BLOCK);
            long one = generation(first);
            long two = generation(second);
            generation = Math.max(one, two);
            byte[] metadata = disk.bytes(2 * BLOCK + generation % 2 * AREA, AREA);
            int crc = ByteBuffer.wrap(one > two ? first : second).getInt(4);
            if (generation == 0 || crc != crc(metadata, 0, AREA)) {
                throw new IllegalStateException("the store's metadata is damaged");
            }
            var bytes = ByteBuffer.wrap(metadata);
            for (int left = bytes.getInt(); left > 0; left--) {
                byte[] name = new byte[bytes.get()];
                bytes.get(name);
                var volume = new Volume(bytes.get() == 1, bytes.getLong(), new int[bytes.getInt()]);
                Arrays.setAll(volume.map, _ -> bytes.getInt());
                volumes.put(new String(name, StandardCharsets.US_ASCII), volume);
            }
            remember();
        }

        private long generation(byte[] superblock) {
            var bytes = ByteBuffer.wrap(superblock);
            return bytes.getInt(0) == crc(superblock, 4, 12) ? bytes.getLong(8) : 0;
        }

        // Chunks.

        private int uses(int number) {
            return volumes.values().stream()
                    .mapToInt(v -> (int) Arrays.stream(v.map).filter(c -> c == number).count())
                    .sum();
        }

        /** What the disk says of the chunks. */
        private void remember() {
            durable.clear();
            volumes.forEach((name, volume) -> durable.put(name, volume.map.clone()));
        }

        /** Whether anybody else has a chunk, or would have it again after a crash. */
        private boolean isShared(int number, Volume volume, int index) {
            if (uses(number) > 1) {
                return true;
            }
            return durable.entrySet().stream()
                    .anyMatch(entry -> {
                        int[] map = entry.getValue();
                        boolean own = volumes.get(entry.getKey()) == volume;
                        for (int i = 0; i < map.length; i++) {
                            if (map[i] == number && !(own && i == index)) {
                                return true;
                            }
                        }
                        return false;
                    });
        }

        private int allocate() {
            Integer again = recycled.poll();
            if (again != null && uses(again) == 0) {
                return again;
            }
            int number = 0;
            while (uses(number) > 0 || freed.get(number)) {
                number++;
            }
            if (place(number) + CHUNK > disk.capacity()) {
                throw new IllegalStateException("the store is full");
            }
            return number;
        }

        private static long place(int number) {
            return DATA + (long) number * CHUNK;
        }

        private void unmap(Volume volume, int index) {
            int number = volume.map[index];
            if (number != NONE) {
                volume.map[index] = NONE;
                if (uses(number) == 0) {
                    if (bug == Bug.REUSE_BEFORE_FREE_IS_DURABLE) {
                        recycled.push(number);
                    } else {
                        freed.set(number);
                    }
                }
                dirty = true;
            }
        }

        // Requests.

        private void carryOut(Volume volume, BlockRequest request, Runnable then) {
            boolean durable = request.forceUnitAccess() && bug != Bug.FUA_IGNORED;
            Runnable done = durable ? () -> flush(then) : then;
            switch (request.operation()) {
                case READ, WRITE, WRITE_ZEROES -> piece(volume, request, 0, done);
                case FLUSH -> {
                    if (bug == Bug.FLUSH_IGNORED) {
                        then.run();
                    } else {
                        flush(then);
                    }
                }
                case DISCARD -> {
                    long first = (request.offset() + CHUNK - 1) / CHUNK;
                    for (long i = first;
                            (i + 1) * CHUNK <= request.offset() + request.length();
                            i++) {
                        unmap(volume, (int) i);
                    }
                    then.run();
                }
                case ALLOCATE -> throw new AssertionError("no volume offers it");
            }
        }

        private void flush(Runnable then) {
            if (dirty) {
                commit(then);
            } else {
                disk.flush(then);
            }
        }

        private void piece(Volume volume, BlockRequest request, int done, Runnable then) {
            if (done == request.length() || disk.isPoisoned()) {
                then.run();
                return;
            }
            long at = request.offset() + done;
            int index = (int) (at / CHUNK);
            int within = (int) (at % CHUNK);
            int length = (int) Math.min(CHUNK - within, request.length() - done);
            Runnable next = () -> piece(volume, request, done + length, then);
            int number = volume.map[index];
            if (request.operation() == BlockOperation.READ) {
                long address = request.data().address(0) + done;
                if (number == NONE) {
                    ForeignMemory.fill(address, length, (byte) 0);
                    next.run();
                } else {
                    disk.read(place(number) + within, address, length, next);
                }
                return;
            }
            boolean shared = number != NONE && isShared(number, volume, index);
            if (bug == Bug.SNAPSHOT_SHARES_WRITABLE_CHUNKS) {
                shared = false;
            } else if (bug == Bug.SHARED_UNTIL_FORGOTTEN) {
                shared = number != NONE && uses(number) > 1;
            }
            if (number != NONE && !shared) {
                overlay(request, done, 0, length);
                disk.write(place(number) + within, chunk.address(), length, next);
            } else if (number == NONE) {
                ForeignMemory.fill(chunk.address(), CHUNK, (byte) 0);
                fresh(volume, index, request, done, within, length, next);
            } else {
                disk.read(
                        place(number),
                        chunk.address(),
                        CHUNK,
                        () -> fresh(volume, index, request, done, within, length, next));
            }
        }

        private void fresh(
                Volume volume,
                int index,
                BlockRequest request,
                int done,
                int within,
                int length,
                Runnable next) {
            int number = allocate();
            overlay(request, done, within, length);
            boolean stale = bug == Bug.STALE_BYTES_IN_NEW_CHUNK && volume.map[index] == NONE;
            int old = volume.map[index];
            volume.map[index] = number;
            if (old != NONE && uses(old) == 0) {
                freed.set(old);
            }
            dirty = true;
            if (stale) {
                disk.write(place(number) + within, chunk.address() + within, length, next);
            } else {
                disk.write(place(number), chunk.address(), CHUNK, next);
            }
        }

        private void overlay(BlockRequest request, int done, int within, int length) {
            if (request.operation() == BlockOperation.WRITE) {
                ForeignMemory.copy(
                        request.data().address(0) + done, chunk.address() + within, length);
            } else {
                ForeignMemory.fill(chunk.address() + within, length, (byte) 0);
            }
        }

        // The operator.

        void control(Runnable change) {
            control(change, true);
        }

        private void control(Runnable change, boolean commits) {
            var done = new CompletableFuture<Boolean>();
            reactor.execute(() ->
                    disk.enqueue(() -> {
                        change.run();
                        Runnable then =
                                () -> {
                                    done.complete(true);
                                    disk.ended();
                                };
                        if (commits) {
                            commit(then);
                        } else {
                            then.run();
                        }
                    }));
            disk.await(done);
        }

        private Volume volume(String name) {
            return Objects.requireNonNull(volumes.get(name), name);
        }

        @Override
        public List<String> volumes() {
            return List.copyOf(volumes.keySet());
        }

        @Override
        public BlockDevice device(String name) {
            return new SimpleStoreVolume(
                    () -> volume(name).capacity,
                    disk.channel(),
                    (request, end) ->
                            disk.enqueue(() -> {
                                Volume volume = volume(name);
                                carryOut(
                                        volume,
                                        request,
                                        () -> {
                                            end.accept(
                                                    disk.isPoisoned()
                                                            ? BlockStatus.IO_ERROR
                                                            : BlockStatus.OK);
                                            disk.ended();
                                        });
                            }));
        }

        @Override
        public void create(String name, long capacity) {
            int[] map = new int[(int) ((capacity + CHUNK - 1) / CHUNK)];
            Arrays.fill(map, NONE);
            control(() -> volumes.put(name, new Volume(false, capacity, map)));
        }

        @Override
        public void snapshot(String source, String name) {
            control(() -> add(source, name), bug != Bug.SNAPSHOT_NOT_COMMITTED);
        }

        @Override
        public void snapshotGroup(Map<String, String> names) {
            if (bug == Bug.GROUP_ONE_BY_ONE) {
                names.forEach(this::snapshot);
                return;
            }
            if (bug == Bug.GROUP_OF_SEVERAL_MOMENTS) {
                names.forEach((source, name) -> {
                    control(() -> add(source, name), false);
                    for (int i = 0; i < 100; i++) {
                        reactor.step();
                    }
                });
            }
            control(() -> {
                if (bug != Bug.GROUP_OF_SEVERAL_MOMENTS) {
                    names.forEach(this::add);
                }
            });
        }

        private void add(String source, String name) {
            Volume from = volume(source);
            volumes.put(name, new Volume(true, from.capacity, from.map.clone()));
            dirty = true;
        }

        @Override
        public void cloneVolume(String source, String name) {
            control(() -> {
                Volume from = volume(source);
                volumes.put(name, new Volume(false, from.capacity, from.map.clone()));
            });
        }

        @Override
        public void delete(String name) {
            control(
                    () -> {
                        Volume volume = volume(name);
                        for (int i = 0; i < volume.map.length; i++) {
                            unmap(volume, i);
                        }
                        volumes.remove(name);
                    },
                    bug != Bug.DELETE_IN_MEMORY_ONLY);
        }

        @Override
        public void rollback(String name, String snapshot) {
            if (bug == Bug.ROLLBACK_IN_TWO_STEPS) {
                control(() -> restore(volume(name), volume(snapshot), 1));
            }
            control(() -> restore(volume(name), volume(snapshot), Integer.MAX_VALUE));
        }

        private void restore(Volume volume, Volume from, int most) {
            for (int i = 0; i < Math.min(volume.map.length, most); i++) {
                unmap(volume, i);
                volume.map[i] = i < from.map.length ? from.map[i] : NONE;
                if (volume.map[i] != NONE) {
                    freed.clear(volume.map[i]);
                }
            }
        }

        @Override
        public void grow(String name, long capacity) {
            control(() -> {
                Volume volume = volume(name);
                int old = volume.map.length;
                volume.map = Arrays.copyOf(volume.map, (int) ((capacity + CHUNK - 1) / CHUNK));
                Arrays.fill(volume.map, old, volume.map.length, NONE);
                volume.capacity = capacity;
            });
        }

        @Override
        public String check() {
            return "";
        }

        @Override
        public void abandon() {
            disk.abandon();
            chunk.close();
            block.close();
        }
    }
}
