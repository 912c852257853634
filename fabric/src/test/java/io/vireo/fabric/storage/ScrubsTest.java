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
import io.vireo.fabric.storage.pool.ScrubPlace;
import io.vireo.fabric.storage.pool.ScrubStatus;
import io.vireo.fabric.storage.pool.StoragePool;
import io.vireo.memory.OwnMemory;
import io.vireo.reactor.Poller;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.Registration;
import io.vireo.resource.DurableState;
import io.vireo.resource.Quantity;
import io.vireo.resource.spec.DisksSpec;
import io.vireo.testkit.MemoryBlockDevice;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A pool is scrubbed when somebody asks, and when the time has come. */
class ScrubsTest {
    private final Reactor home = Reactor.stepped("scrubs");
    private final MemoryBlockDevice disk = new MemoryBlockDevice(16 << 20, 512);
    private final Kept kept = new Kept();
    private Instant now = Instant.parse("2026-11-01T00:00:00Z");
    private StoragePool pool = make();
    private Scrubs scrubs = scrubs();

    /** What the daemon keeps of its data plane, without a medium. */
    private static final class Kept implements DurableState {
        final Map<String, String> records = new HashMap<>();

        @Override
        public Optional<String> get(String key) {
            return Optional.ofNullable(records.get(key));
        }

        @Override
        public List<String> keys(String prefix) {
            return records.keySet().stream().filter(key -> key.startsWith(prefix)).toList();
        }

        @Override
        public void put(String key, Optional<String> value, Consumer<Boolean> done) {
            value.ifPresentOrElse(text -> records.put(key, text), () -> records.remove(key));
            done.accept(true);
        }
    }

    private Scrubs scrubs() {
        return new Scrubs(pool, new ScrubRecord(kept, "uid"), () -> now);
    }

    private StoragePool make() {
        disk.logging(false);
        StoragePool.create(new PoolConfig(64 << 10, 1 << 20, true, true), List.of(disk), home);
        return StoragePool.open(List.of(disk), home, PoolOptions.DEFAULT);
    }

    /** The daemon ends, and another one begins. */
    private void restart(boolean clean) {
        if (clean) {
            scrubs.look();
        }
        pool.close();
        pool = StoragePool.open(List.of(disk), home, PoolOptions.DEFAULT);
        scrubs = scrubs();
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

    /** After the first chunk it takes days. */
    private void wantSlowly(String request) {
        scrubs.want(
                Optional.of(
                        new DisksSpec.Scrub(
                                0, Optional.of(request), Optional.of(new Quantity(1)))));
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
            now = now.plus(1, ChronoUnit.DAYS);
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
                new ScrubStatus(
                        ScrubStatus.State.RUNNING,
                        1 << 20,
                        4 << 20,
                        1 << 20,
                        0,
                        2,
                        0,
                        0,
                        ScrubPlace.START);
        assertThat(Scrubs.text(running))
                .isEqualTo(
                        "25% of 4Mi, 1Mi/s, 3s left; 0 damaged, 2 repaired, 0 with copies that differ");
        assertThat(Scrubs.progress(running).orElseThrow().job()).isEqualTo("scrub");
    }

    @Test
    void beginsByItselfWhenTheTimeHasCome() {
        want(2, "");
        scrubs.tend();
        now = now.plus(1, ChronoUnit.DAYS);
        assertThat(scrubs.isDue()).isFalse();
        now = now.plus(1, ChronoUnit.DAYS);
        assertThat(scrubs.isDue()).isTrue();
        scrubs.tend();
        assertThat(scrubs.isDue()).isFalse();
        assertThat(settled()).isEqualTo(ScrubStatus.State.DONE);
        scrubs.look();
        now = now.plus(2, ChronoUnit.DAYS);
        assertThat(scrubs.isDue()).isTrue();
    }

    @Test
    void daysCountThroughRestarts() {
        want(2, "");
        for (int day = 0; day < 2; day++) {
            assertThat(scrubs.isDue()).isFalse();
            now = now.plus(1, ChronoUnit.DAYS);
            restart(day == 0);
            want(2, "");
        }
        assertThat(scrubs.isDue()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void oneThatIsUnderWayGoesOnWhereItWas(boolean clean) {
        written();
        want(0, "");
        wantSlowly("monday");
        while (pool.scrubStatus().readBytes() == 0) {
            home.step();
        }
        now = now.plus(1, ChronoUnit.MINUTES);
        assertThat(scrubs.isDue()).isTrue();
        scrubs.tend();
        assertThat(scrubs.isDue()).isFalse();
        restart(clean);
        wantSlowly("monday");
        home.step();
        assertThat(pool.scrubStatus().state()).isEqualTo(ScrubStatus.State.RUNNING);
        // The first chunk was read before, the second one is by now.
        assertThat(pool.scrubStatus().readBytes()).isEqualTo(128 << 10);
        assertThat(pool.scrubStatus().place().chunk()).isEqualTo(2);
        want(0, "monday");
        assertThat(settled()).isEqualTo(ScrubStatus.State.DONE);
        assertThat(pool.scrubStatus().readBytes()).isEqualTo(256 << 10);
        restart(clean);
        want(0, "monday");
        assertThat(pool.scrubStatus().state())
                .isEqualTo(clean ? ScrubStatus.State.NONE : ScrubStatus.State.RUNNING);
    }

    @Test
    void whatIsSaidWhileNoDaemonRunsCounts() {
        written();
        want(0, "");
        wantSlowly("monday");
        restart(true);
        want(0, "cancel");
        assertThat(pool.scrubStatus().state()).isEqualTo(ScrubStatus.State.NONE);
        restart(true);
        want(0, "tuesday");
        assertThat(settled()).isEqualTo(ScrubStatus.State.DONE);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "running", "running x 0 0 0 monday", "nonsense"})
    void aRecordThatCannotBeReadCountsAsNone(String text) {
        kept.records.put("pool/uid/scrub", text);
        want(0, "monday");
        assertThat(pool.scrubStatus().state()).isEqualTo(ScrubStatus.State.NONE);
        want(0, "tuesday");
        assertThat(settled()).isEqualTo(ScrubStatus.State.DONE);
    }

    @Test
    void neverBeginsByItselfUnlessItIsTold() {
        want(0, "");
        now = now.plus(1000, ChronoUnit.DAYS);
        assertThat(scrubs.isDue()).isFalse();
    }
}
