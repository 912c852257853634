package io.vireo.fabric.storage;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockDevice;
import io.vireo.fabric.storage.pool.PoolConfig;
import io.vireo.fabric.storage.pool.PoolOptions;
import io.vireo.fabric.storage.pool.ScrubStatus;
import io.vireo.fabric.storage.pool.StoragePool;
import io.vireo.reactor.Reactor;
import io.vireo.resource.spec.DisksSpec;
import io.vireo.testkit.MemoryBlockDevice;
import java.util.List;
import java.util.Optional;
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

    private void want(int days, String request) {
        scrubs.want(
                Optional.of(
                        new DisksSpec.Scrub(
                                days,
                                request.isEmpty() ? Optional.empty() : Optional.of(request),
                                Optional.empty())));
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
