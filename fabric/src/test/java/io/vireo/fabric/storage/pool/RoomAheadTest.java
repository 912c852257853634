package io.vireo.fabric.storage.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockOperation;
import io.vireo.block.BlockStatus;
import io.vireo.block.VolumeFormat;
import io.vireo.reactor.Reactor;
import io.vireo.testkit.crash.DiskFault;
import io.vireo.testkit.crash.DiskImage;
import io.vireo.testkit.crash.DiskLog;
import io.vireo.testkit.crash.SimulatedDisk;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A member is asked for room before chunks are written for the first time, and once for each. */
class RoomAheadTest {
    private static final int CHUNK = 16 << 10;
    private static final int CHUNKS = 64;

    private final Reactor home = Reactor.stepped("room-ahead");
    private SimulatedDisk disk = disk(4 << 20);
    private final List<Long> writes = new ArrayList<>();

    /** Bytes of the member for which room was asked for: the first, and the one after the last. */
    private long from = -1;

    private long to;

    private int asked;

    private static SimulatedDisk disk(long bytes) {
        return new SimulatedDisk(0, new DiskImage(bytes), new DiskLog(), 1, true);
    }

    @AfterEach
    void close() {
        home.close();
    }

    private StoragePool open(DiskFault fault) {
        disk.logging(false);
        StoragePool.create(PoolStore.CONFIG, List.of(disk), home);
        disk.faults(request -> {
            if (request.operation() == BlockOperation.ALLOCATE) {
                assertThat(request.offset()).isGreaterThanOrEqualTo(to);
                from = from < 0 ? request.offset() : from;
                to = request.offset() + request.length();
                asked++;
                return fault;
            }
            if (request.operation() == BlockOperation.WRITE && request.length() == CHUNK) {
                assertThat(request.offset()).isBetween(from, to - CHUNK);
                writes.add(request.offset());
            }
            return DiskFault.NONE;
        });
        StoragePool pool = StoragePool.open(List.of(disk), home, PoolStore.OPTIONS);
        pool.createVolume("disk", new VolumeFormat((long) CHUNKS * CHUNK, 512, 4096));
        return pool;
    }

    private void fill(StoragePool pool) {
        var client = new SteppedClient(pool.device("disk"), home);
        for (int i = 0; i < CHUNKS; i++) {
            assertThat(client.await(client.write((long) i * CHUNK, new byte[CHUNK], false)))
                    .isEqualTo(BlockStatus.OK);
        }
        client.close();
    }

    @Test
    void roomIsThereBeforeTheFirstWrite() {
        StoragePool pool = open(DiskFault.NONE);
        fill(pool);
        assertThat(writes).doesNotHaveDuplicates().hasSize(CHUNKS);
        int first = asked;
        assertThat(first).isGreaterThan(1);
        fill(pool);
        assertThat(asked).as("nothing is written for the first time").isEqualTo(first);
        pool.abandon();
    }

    /** The mark is nearly two ahead. */
    @Test
    void thereIsOnePieceAheadUntilLessIsLeft() {
        disk = disk(8L << 30);
        StoragePool pool = open(DiskFault.NONE);
        steps();
        assertThat(to - from).isEqualTo(RoomAhead.PIECE_BYTES);
        fill(pool);
        steps();
        assertThat(to - from).isGreaterThan(RoomAhead.PIECE_BYTES);
        pool.abandon();
    }

    private void steps() {
        for (int i = 0; i < 1000; i++) {
            home.step();
        }
    }

    @Test
    void nothingDependsOnIt() {
        StoragePool pool = open(DiskFault.eio());
        fill(pool);
        assertThat(writes).hasSize(CHUNKS);
        pool.abandon();
    }
}
