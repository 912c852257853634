package io.vireo.fabric.storage.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockStatus;
import io.vireo.block.VolumeFormat;
import io.vireo.memory.OwnMemory;
import io.vireo.reactor.Reactor;
import io.vireo.testkit.MemoryBlockDevice;
import io.vireo.testkit.MemoryBlockDevice.Fate;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Volumes that look for zeroes and are kept on two disks: both hold the same. */
class MirroredZeroesTest {
    private static final int CHUNK = 16 << 10;
    private static final int CAPACITY = 32 * CHUNK;

    private final Reactor home = Reactor.stepped("mirrored-zeroes");
    private final MemoryBlockDevice one = new MemoryBlockDevice(8 << 20, 512);
    private final MemoryBlockDevice two = new MemoryBlockDevice(8 << 20, 512);

    @AfterEach
    void close() {
        home.close();
        one.close();
        two.close();
    }

    private StoragePool create(boolean checksums) {
        one.logging(false);
        two.logging(false);
        List<BlockDevice> disks = List.of(one, two);
        StoragePool.create(new PoolConfig(CHUNK, 64 << 10, true, true).withCopies(2), disks, home);
        // The clock of the reactor jumps to the next timer where nothing else is left to do.
        var patient = new MirrorOptions(false, 0, Duration.ofDays(1));
        StoragePool pool = StoragePool.open(disks, home, PoolOptions.DEFAULT.with(patient));
        pool.createVolume("a", new VolumeFormat(CAPACITY, 512, 4096, false, checksums));
        pool.device("a").zeroDetection(true);
        return pool;
    }

    private static long chunks(StoragePool pool) {
        return pool.volumes().getFirst().mappedBytes() / CHUNK;
    }

    /** What one disk alone holds; the other is not needed any more. */
    private byte[] alone(MemoryBlockDevice disk) {
        PoolOptions options = PoolOptions.DEFAULT.with(new MirrorOptions(true, 0));
        StoragePool pool = StoragePool.open(List.of(disk), home, options);
        var client = new SteppedClient(pool.device("a"), home);
        byte[] all = client.read(0, CAPACITY);
        client.close();
        pool.abandon();
        return all;
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void takeNoRoomOnEitherDisk(boolean checksums) {
        StoragePool pool = create(checksums);
        var client = new SteppedClient(pool.device("a"), home);
        byte[] data = new byte[CAPACITY];
        data[5 * CHUNK + 4711] = 1;
        data[12 * CHUNK] = 2;
        assertThat(client.await(client.write(0, data, false))).isEqualTo(BlockStatus.OK);
        assertThat(chunks(pool)).isEqualTo(2);
        // One comes back as a whole, of the other a part is overwritten.
        data[5 * CHUNK + 4711] = 0;
        assertThat(client.await(client.write(5 * CHUNK, new byte[CHUNK], true)))
                .isEqualTo(BlockStatus.OK);
        data[12 * CHUNK] = 0;
        data[13 * CHUNK - 1] = 3;
        byte[] part = new byte[CHUNK / 2];
        part[part.length - 1] = 3;
        assertThat(client.await(client.write(12 * CHUNK + CHUNK / 2, part, false)))
                .isEqualTo(BlockStatus.OK);
        assertThat(client.await(client.write(12 * CHUNK, new byte[CHUNK / 2], true)))
                .isEqualTo(BlockStatus.OK);
        assertThat(chunks(pool)).isEqualTo(1);
        assertThat(client.read(0, CAPACITY)).isEqualTo(data);
        client.close();
        pool.close();
        assertThat(PoolCheck.run(List.of(one, two), home).findings()).isEmpty();
        assertThat(alone(one)).isEqualTo(data);
        assertThat(alone(two)).isEqualTo(data);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void areTheSameOnBothWhateverTheClientDoesMeanwhile(boolean checksums) {
        StoragePool pool = create(checksums);
        var client = new SteppedClient(pool.device("a"), home);
        for (var disk : List.of(one, two)) {
            disk.fate(
                    request -> request.operation() == BlockOperation.WRITE ? Fate.HELD : Fate.DONE);
        }
        try (var memory = OwnMemory.allocate(2 * CHUNK)) {
            memory.fill(CHUNK, CHUNK, (byte) 1);
            var write =
                    client.start(
                            BlockOperation.WRITE,
                            0,
                            2 * CHUNK,
                            request -> request.data().add(memory.address(), 2 * CHUNK));
            for (int i = 0; i < 20; i++) {
                home.step();
            }
            assertThat(write).isNotDone();
            one.fate(_ -> Fate.DONE);
            one.release();
            for (int i = 0; i < 20; i++) {
                home.step();
            }
            // One disk may have it by now, the other has not.
            memory.fill(0, 2 * CHUNK, (byte) 9);
            two.fate(_ -> Fate.DONE);
            two.release();
            assertThat(client.await(write)).isEqualTo(BlockStatus.OK);
        }
        assertThat(chunks(pool)).isEqualTo(1);
        assertThat(client.read(0, CHUNK)).containsOnly(0);
        byte[] all = client.read(0, CAPACITY);
        client.close();
        pool.close();
        assertThat(alone(one)).isEqualTo(all);
        assertThat(alone(two)).isEqualTo(all);
    }
}
