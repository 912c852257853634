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
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Members that somebody else used before: nobody reads what is on them, whatever is new of them.
 */
class OldBytesTest {
    private static final int CHUNK = 16 << 10;
    private static final int SECTOR = 512;
    private static final long SIZE = 4 << 20;
    private static final long CAPACITY = 32 << 20;
    private static final byte OLD = (byte) 0xA5;
    private static final byte NEW = 0x11;

    private final Reactor home = Reactor.stepped("old-bytes");
    private final MemoryBlockDevice first = used(2 * SIZE);
    private final MemoryBlockDevice second = used(SIZE);
    private StoragePool pool;
    private SteppedClient client;
    private List<BlockDevice> members;
    private int written;

    /** A disk that is full of old bytes. */
    private MemoryBlockDevice used(long capacity) {
        var disk = new MemoryBlockDevice(capacity, SECTOR);
        disk.logging(false);
        byte[] bytes = new byte[1 << 20];
        Arrays.fill(bytes, OLD);
        var writer = new SteppedClient(disk, home);
        for (long at = 0; at < capacity; at += bytes.length) {
            assertThat(writer.await(writer.write(at, bytes, false))).isEqualTo(BlockStatus.OK);
        }
        writer.close();
        return disk;
    }

    @BeforeEach
    void create() {
        first.pretendToGrow(SIZE);
        members = new ArrayList<>(List.of(first));
        StoragePool.create(new PoolConfig(CHUNK, 64 << 10, true, false), members, home);
        pool = StoragePool.open(members, home, PoolOptions.DEFAULT);
        pool.createVolume("v", new VolumeFormat(CAPACITY, SECTOR, 4096));
        client = new SteppedClient(pool.device("v"), home);
    }

    @AfterEach
    void close() {
        client.close();
        pool.close();
        assertThat(PoolCheck.run(members, home).findings()).isEmpty();
        home.close();
        first.close();
        second.close();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void nobodyReadsThem(boolean dies) {
        writeASectorOfEach(100);
        again(dies);
        pool.addMember(second, false);
        members.add(second);
        writeASectorOfEach(200);
        again(dies);
        first.pretendToGrow(2 * SIZE);
        pool.growMembers(false);
        writeASectorOfEach(200);
        again(dies);
        run(BlockOperation.DISCARD, (long) written * CHUNK);
        written = 0;
        writeASectorOfEach(400);
        again(dies);
    }

    /** The rest of each of these chunks was never written. */
    private void writeASectorOfEach(int chunks) {
        byte[] bytes = new byte[SECTOR];
        Arrays.fill(bytes, NEW);
        for (int i = 0; i < chunks; i++, written++) {
            long at = (long) written * CHUNK + position(written);
            assertThat(client.await(client.write(at, bytes, false))).isEqualTo(BlockStatus.OK);
        }
        run(BlockOperation.FLUSH, 0);
        look();
    }

    private void run(BlockOperation operation, long length) {
        assertThat(client.await(client.start(operation, 0, length, _ -> {})))
                .isEqualTo(BlockStatus.OK);
    }

    private static int position(int chunk) {
        return chunk % (CHUNK / SECTOR) * SECTOR;
    }

    private void look() {
        for (int i = 0; i < written + 8; i++) {
            byte[] expected = new byte[CHUNK];
            if (i < written) {
                Arrays.fill(expected, position(i), position(i) + SECTOR, NEW);
            }
            assertThat(client.read((long) i * CHUNK, CHUNK)).as("chunk %d", i).isEqualTo(expected);
        }
    }

    /** The daemon is started anew, after it was stopped or has died. */
    private void again(boolean dies) {
        client.close();
        if (dies) {
            pool.abandon();
        } else {
            pool.close();
        }
        pool = StoragePool.open(members, home, PoolOptions.DEFAULT);
        client = new SteppedClient(pool.device("v"), home);
        look();
    }
}
