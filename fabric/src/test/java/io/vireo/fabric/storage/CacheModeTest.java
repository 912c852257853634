package io.vireo.fabric.storage;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockOperation;
import io.vireo.block.BlockStatus;
import io.vireo.fabric.storage.qos.PoolQos;
import io.vireo.fabric.storage.qos.QosDevice;
import io.vireo.reactor.Reactor;
import io.vireo.resource.Condition;
import io.vireo.resource.spec.VdiskSpec;
import io.vireo.testkit.MemoryBlockDevice;
import io.vireo.testkit.MemoryBlockDevice.Fate;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a vDisk says while its cache mode is not what is wanted. */
class CacheModeTest {
    private static final Fate FAILS = new Fate.Ends(BlockStatus.IO_ERROR);

    private final Reactor reactor = Reactor.stepped("cache-mode");
    private final MemoryBlockDevice disk = new MemoryBlockDevice(1 << 20, 512);
    private final PoolQos pool = new PoolQos("main", 0, Optional.empty(), System::nanoTime);
    private final QosDevice device = pool.stage(pool.add("disk", Optional.empty()), disk);
    private final AtomicInteger changes = new AtomicInteger();
    private final CacheMode mode = new CacheMode(device, () -> reactor, changes::incrementAndGet);

    @AfterEach
    void close() {
        var closed = new CompletableFuture<Boolean>();
        mode.close(() -> closed.complete(true));
        assertThat(closed).isDone();
        reactor.close();
        disk.close();
    }

    private List<String> reasons() {
        return mode.conditions().stream().map(Condition::reason).toList();
    }

    private void untilChanged(int times) {
        while (changes.get() < times) {
            assertThat(reactor.step()).as("something is left to do").isPositive();
        }
    }

    private void failFlushes(boolean fail) {
        disk.fate(
                request -> fail && request.operation() == BlockOperation.FLUSH ? FAILS : Fate.DONE);
    }

    @Test
    void whatCannotBeFlushedIsTriedAgain() {
        mode.begin();
        assertThat(reasons()).isEmpty();
        failFlushes(true);
        long began = reactor.nanoTime();
        mode.want(VdiskSpec.CacheMode.WRITETHROUGH);
        assertThat(reasons()).containsExactly("CacheModeChanging");
        untilChanged(1);
        assertThat(reasons()).containsExactly("CacheModeFailed");
        assertThat(mode.inForce()).isEqualTo("writeback");
        failFlushes(false);
        untilChanged(2);
        assertThat(reactor.nanoTime() - began)
                .isBetween(Duration.ofSeconds(10).toNanos(), Duration.ofSeconds(11).toNanos());
        assertThat(reasons()).isEmpty();
        assertThat(mode.inForce()).isEqualTo("writethrough");
    }

    @Test
    void whatIsNotWantedAnyMoreIsNotTriedAgain() {
        mode.begin();
        failFlushes(true);
        mode.want(VdiskSpec.CacheMode.WRITETHROUGH);
        untilChanged(1);
        mode.want(VdiskSpec.CacheMode.WRITEBACK);
        untilChanged(2);
        assertThat(reasons()).isEmpty();
        assertThat(mode.inForce()).isEqualTo("writeback");
        while (reactor.step() > 0) {
            assertThat(changes).hasValue(2);
        }
        assertThat(changes).hasValue(2);
    }
}
