package io.vireo.fabric.storage.pool;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.vireo.block.BlockChannel;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.block.VolumeFormat;
import io.vireo.memory.OwnMemory;
import io.vireo.reactor.Poller;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.Registration;
import io.vireo.testkit.MemoryBlockDevice;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What requests to encrypted volumes do with memory. */
class EncryptedRequestsTest {
    private static final int CHUNK = 16 << 10;

    private final Reactor home = Reactor.stepped("encrypted-requests");
    private final MemoryBlockDevice disk = new MemoryBlockDevice(16 << 20, 512);
    private StoragePool pool;

    @BeforeEach
    void create() {
        disk.logging(false);
        StoragePool.create(new PoolConfig(CHUNK, 64 << 10, true, true), List.of(disk), home);
        pool = StoragePool.open(List.of(disk), home, PoolOptions.DEFAULT);
        pool.keys(new TestKeys(1));
        pool.createVolume("a", new VolumeFormat(1 << 20, 512, 4096, true));
        pool.unlock("a");
    }

    @AfterEach
    void close() {
        pool.abandon();
        disk.close();
        home.close();
    }

    @Test
    void aWriteIsWhatWasEncipheredWhateverTheClientDoesMeanwhile() {
        var client = new SteppedClient(pool.device("a"), home);
        disk.fate(request ->
                request.operation() == BlockOperation.WRITE
                        ? MemoryBlockDevice.Fate.HELD
                        : MemoryBlockDevice.Fate.DONE);
        try (var memory = OwnMemory.allocate(CHUNK)) {
            memory.fill(0, CHUNK, (byte) 7);
            var write =
                    client.start(
                            BlockOperation.WRITE,
                            0,
                            CHUNK,
                            request -> request.data().add(memory.address(), CHUNK));
            for (int i = 0; i < 20; i++) {
                home.step();
            }
            assertThat(write).isNotDone();
            memory.fill(0, CHUNK / 2, (byte) 9);
            disk.fate(_ -> MemoryBlockDevice.Fate.DONE);
            disk.release();
            assertThat(client.await(write)).isEqualTo(BlockStatus.OK);
        }
        byte[] expected = new byte[CHUNK];
        Arrays.fill(expected, (byte) 7);
        assertThat(client.read(0, CHUNK)).isEqualTo(expected);
        client.close();
    }

    @Test
    void aReadThatFailsLeavesTheClientsMemoryAlone() {
        var client = new SteppedClient(pool.device("a"), home);
        byte[] data = new byte[CHUNK];
        Arrays.fill(data, (byte) 3);
        assertThat(client.await(client.write(0, data, true))).isEqualTo(BlockStatus.OK);
        disk.fate(request ->
                request.operation() == BlockOperation.READ
                        ? new MemoryBlockDevice.Fate.Ends(BlockStatus.IO_ERROR)
                        : MemoryBlockDevice.Fate.DONE);
        try (var memory = OwnMemory.allocate(CHUNK)) {
            memory.fill(0, CHUNK, (byte) 1);
            var read =
                    client.start(
                            BlockOperation.READ,
                            0,
                            CHUNK,
                            request -> request.data().add(memory.address(), CHUNK));
            assertThat(client.await(read)).isEqualTo(BlockStatus.IO_ERROR);
            assertThat(memory.bytes(0, CHUNK)).containsOnly(1);
        }
        disk.fate(_ -> MemoryBlockDevice.Fate.DONE);
        assertThat(client.read(0, CHUNK)).isEqualTo(data);
        client.close();
    }

    /** Keeps some requests under way. */
    private final class Load implements Poller {
        private final BlockChannel channel;
        private final OwnMemory memory = OwnMemory.allocate(8 << 12);
        private final Registration registration;
        private long ended;
        private boolean closing;

        Load() {
            channel = pool.device("a").open(home);
            registration = home.add(this);
            for (int i = 0; i < 8; i++) {
                again(new BlockRequest(i, this::again));
            }
        }

        private void again(BlockRequest request) {
            ended++;
            if (closing) {
                return;
            }
            int tag = request.tag();
            request.prepare(
                            tag % 2 == 0 ? BlockOperation.WRITE : BlockOperation.READ,
                            (long) tag << 12,
                            4096)
                    .data()
                    .add(memory.address() + ((long) tag << 12), 4096);
            channel.submit(request);
        }

        /** Waits for what is under way: its memory is in use until then. */
        void close() {
            closing = true;
            var closed = new CompletableFuture<Boolean>();
            channel.close(() -> closed.complete(true));
            HomeIo.await(home, closed);
            registration.close();
            memory.close();
        }

        @Override
        public int poll() {
            return channel.poll();
        }

        @Override
        public String name() {
            return "load";
        }
    }

    @Test
    void allocateNothing() {
        var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long self = Thread.currentThread().threadId();
        var load = new Load();
        // A compiler that lags behind still allocates: the first round without counts.
        long least = Long.MAX_VALUE;
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (least >= 2_000 && System.nanoTime() - deadline < 0) {
            long until = load.ended + 20_000;
            long before = threads.getThreadAllocatedBytes(self);
            while (load.ended < until) {
                home.step();
            }
            least = Math.min(least, threads.getThreadAllocatedBytes(self) - before);
        }
        load.close();
        assertThat(least).as("bytes for 20,000 requests").isLessThan(2_000);
    }
}
