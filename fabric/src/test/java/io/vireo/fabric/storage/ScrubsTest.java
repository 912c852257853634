package io.vireo.fabric.storage;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockChannel;
import io.vireo.block.BlockDevice;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.block.VolumeFormat;
import io.vireo.fabric.storage.pool.PoolConfig;
import io.vireo.fabric.storage.pool.PoolOptions;
import io.vireo.fabric.storage.pool.ScrubStatus;
import io.vireo.fabric.storage.pool.StoragePool;
import io.vireo.memory.OwnMemory;
import io.vireo.reactor.Poller;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.Registration;
import io.vireo.resource.Quantity;
import io.vireo.resource.spec.DisksSpec;
import io.vireo.testkit.MemoryBlockDevice;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A pool is scrubbed when somebody asks, and when the time has come. */
class ScrubsTest {
    private final Reactor home = Reactor.stepped("scrubs");
    private final MemoryBlockDevice disk = new MemoryBlockDevice(16 << 20, 512);
    private final StoragePool pool = open();
    private long now = 5;
    private final Scrubs scrubs = new Scrubs(pool, () -> now);

    private StoragePool open() {
        disk.logging(false);
        List<BlockDevice> disks = List.of(disk);
        StoragePool.create(new PoolConfig(64 << 10, 1 << 20, true, true), disks, home);
        return StoragePool.open(disks, home, PoolOptions.DEFAULT);
    }

    @AfterEach
    void close() {
        pool.close();
        disk.close();
        home.close();
    }

    private record Polled(BlockChannel channel) implements Poller {
        @Override
        public int poll() {
            return channel.poll();
        }

        @Override
        public String name() {
            return "front end";
        }
    }

    private void want(int days, String request) {
        scrubs.want(
                Optional.of(
                        new DisksSpec.Scrub(
                                days,
                                request.isEmpty() ? Optional.empty() : Optional.of(request),
                                Optional.empty())));
    }

    /** Has something that a scrub reads slowly. */
    private void written() {
        int bytes = 256 << 10;
        pool.createVolume("v", new VolumeFormat(1 << 20, 512, 4096));
        BlockDevice device = pool.device("v");
        var ended = new CompletableFuture<BlockStatus>();
        try (OwnMemory memory = OwnMemory.allocate(bytes)) {
            memory.fill(0, bytes, (byte) 1);
            home.execute(() -> {
                BlockChannel channel = device.open(home);
                Registration polled = home.add(new Polled(channel));
                channel.onReady(polled::wake);
                var request =
                        new BlockRequest(0, r -> channel.close(() -> ended.complete(r.status())));
                request.prepare(BlockOperation.WRITE, 0, bytes).data().add(memory.address(), bytes);
                channel.submit(request);
            });
            for (int i = 0; i < 100_000 && !ended.isDone(); i++) {
                home.step();
            }
        }
        assertThat(ended.join()).isEqualTo(BlockStatus.OK);
    }

    private ScrubStatus.State settled() {
        while (pool.scrubStatus().state() == ScrubStatus.State.RUNNING) {
            home.step();
        }
        return pool.scrubStatus().state();
    }

    @Test
    void beginsWhenAnotherWordIsSet() {
        want(0, "monday");
        // It was asked for before the pool was opened.
        assertThat(pool.scrubStatus().state()).isEqualTo(ScrubStatus.State.NONE);
        assertThat(Scrubs.text(pool.scrubStatus())).isEmpty();
        want(0, "tuesday");
        assertThat(settled()).isEqualTo(ScrubStatus.State.DONE);
        assertThat(Scrubs.text(pool.scrubStatus())).startsWith("done ").endsWith("nothing wrong");
        long finished = pool.scrubStatus().finished();
        want(7, "tuesday");
        assertThat(settled()).isEqualTo(ScrubStatus.State.DONE);
        assertThat(pool.scrubStatus().finished()).isEqualTo(finished);
    }

    @Test
    void isCancelledWhenTheWordIsTakenOut() {
        want(0, "");
        want(0, "now");
        want(0, "");
        assertThat(pool.scrubStatus().state())
                .isIn(ScrubStatus.State.CANCELLED, ScrubStatus.State.DONE);
    }

    @Test
    void oneThatBeganByItselfIsCancelledByAWordOrByTakingEverythingOut() {
        // What there is takes days at a byte per second.
        written();
        for (boolean byWord : new boolean[] {true, false}) {
            scrubs.want(
                    Optional.of(
                            new DisksSpec.Scrub(
                                    1, Optional.empty(), Optional.of(new Quantity(1)))));
            now += TimeUnit.DAYS.toNanos(1);
            scrubs.tend();
            assertThat(pool.scrubStatus().state()).isEqualTo(ScrubStatus.State.RUNNING);
            if (byWord) {
                want(1, "cancel");
            } else {
                scrubs.want(Optional.empty());
            }
            assertThat(pool.scrubStatus().state()).isEqualTo(ScrubStatus.State.CANCELLED);
        }
    }

    @Test
    void saysHowFarItIs() {
        assertThat(Scrubs.progress(pool.scrubStatus())).isEmpty();
        var running =
                new ScrubStatus(ScrubStatus.State.RUNNING, 1 << 20, 4 << 20, 1 << 20, 0, 2, 0, 0);
        assertThat(Scrubs.text(running))
                .isEqualTo(
                        "25% of 4Mi, 1Mi/s, 3s left; 0 damaged, 2 repaired, 0 with copies that differ");
        assertThat(Scrubs.progress(running).orElseThrow().job()).isEqualTo("scrub");
    }

    @Test
    void beginsByItselfWhenTheTimeHasCome() {
        want(2, "");
        scrubs.tend();
        now += TimeUnit.DAYS.toNanos(1);
        assertThat(scrubs.isDue()).isFalse();
        now += TimeUnit.DAYS.toNanos(1);
        assertThat(scrubs.isDue()).isTrue();
        scrubs.tend();
        assertThat(scrubs.isDue()).isFalse();
        assertThat(settled()).isEqualTo(ScrubStatus.State.DONE);
        now += TimeUnit.DAYS.toNanos(2);
        assertThat(scrubs.isDue()).isTrue();
    }

    @Test
    void neverBeginsByItselfUnlessItIsTold() {
        want(0, "");
        now += TimeUnit.DAYS.toNanos(1000);
        assertThat(scrubs.isDue()).isFalse();
    }
}
