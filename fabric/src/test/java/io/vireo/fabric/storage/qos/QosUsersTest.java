package io.vireo.fabric.storage.qos;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vireo.block.BlockChannel;
import io.vireo.block.BlockDevice;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRates;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.fabric.storage.qos.DiskQosSettings.Rates;
import io.vireo.reactor.PollMode;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.ReactorConfig;
import io.vireo.testkit.BlockClient;
import io.vireo.testkit.MemoryBlockDevice;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The stage with a vDisk that two users share, on a reactor, with a clock that stands still unless
 * it is moved: one of them has something reserved.
 */
class QosUsersTest {
    private static final long STEP_NANOS = 20_000;
    private static final long SECOND = 1_000_000_000L;
    private static final int IOPS = 10_000;
    private static final int RESERVED = 4_000;

    private final AtomicLong clock = new AtomicLong(SECOND);
    private final MemoryBlockDevice memory = new MemoryBlockDevice(1 << 20, 512);
    private final MemoryBlockDevice elsewhere = new MemoryBlockDevice(1 << 20, 512);
    private final DiskQosPolicy gold = new DiskQosPolicy("gold", settings(100, RESERVED));
    private final PoolQos pool = pool("main");
    private final VdiskQos vdisk = pool.add("shared", Optional.empty());
    private final QosDevice device = pool.stage(vdisk, memory);
    private final Map<String, Integer> done = new HashMap<>();
    private final List<BlockChannel> channels = new ArrayList<>();
    private Reactor reactor;
    private BlockChannel channel;
    private BlockRates user;

    private PoolQos pool(String name) {
        return new PoolQos(name, IOPS, Optional.empty(), clock::get);
    }

    private static DiskQosSettings settings(int shares, long reservation) {
        return new DiskQosSettings(Rates.ANY, Rates.ANY, Rates.ANY, shares, reservation);
    }

    @BeforeEach
    void open() {
        reactor = Reactor.start(new ReactorConfig("users-test", -1, PollMode.ADAPTIVE));
        user = gold.open("vHBA db1", () -> {});
        device.addUser(user);
        channel = opened(device);
    }

    private BlockChannel opened(BlockDevice of) {
        BlockChannel opened = on(() -> of.open(reactor));
        channels.add(opened);
        return opened;
    }

    @AfterEach
    void close() {
        for (BlockChannel each : channels) {
            var closed = new CompletableFuture<Boolean>();
            on(() -> {
                each.close(() -> closed.complete(true));
                return each.poll();
            });
            for (int turn = 0; turn < 100 && !closed.isDone(); turn++) {
                on(each::poll);
            }
            assertThat(closed).isDone();
        }
        reactor.close();
        memory.close();
        elsewhere.close();
    }

    private <T> T on(Supplier<T> task) {
        return BlockClient.on(reactor, task);
    }

    /** Keeps as many requests waiting as there is room for, until so much time has passed. */
    private void run(long nanos, boolean committed, boolean others, @Nullable BlockChannel noise) {
        on(() -> {
            done.clear();
            for (long end = clock.get() + nanos; clock.get() < end; ) {
                while (others && channel.free() > 0) {
                    submit(channel, "other", null);
                }
                if (committed && channel.free(user) > 0) {
                    submit(channel, "user", user);
                }
                while (noise != null && noise.free() > 0) {
                    submit(noise, "noise", null);
                }
                clock.addAndGet(STEP_NANOS);
                channels.forEach(BlockChannel::poll);
            }
            return true;
        });
    }

    private void submit(BlockChannel to, String whose, @Nullable BlockRates of) {
        var request =
                new BlockRequest(
                        0,
                        ended -> {
                            assertThat(ended.status()).isEqualTo(BlockStatus.OK);
                            done.merge(whose, 1, Integer::sum);
                        });
        to.submit(request.prepare(BlockOperation.DISCARD, 0, 0).user(of));
    }

    private int done(String whose) {
        return done.getOrDefault(whose, 0);
    }

    private BlockChannel noise() {
        var busy = pool.add("noise", Optional.of(new DiskQosPolicy("busy", settings(10_000, 0))));
        return opened(pool.stage(busy, elsewhere));
    }

    @Test
    void whoHasSomethingReservedHasItOnAVdiskThatOthersKeepFull() {
        BlockChannel noise = noise();
        run(SECOND / 4, true, true, noise);
        run(2 * SECOND, true, true, noise);
        // It sends 50,000 a second, so that it is bounded by what it is given.
        assertThat(done("user") / (2.0 * RESERVED)).isBetween(0.97, 1.05);
        assertThat(done("other")).isLessThan(400);
        assertThat((done("user") + done("other") + done("noise")) / (2.0 * IOPS))
                .isBetween(0.97, 1.03);
    }

    @Test
    void whatItDoesNotUseOthersHave() {
        BlockChannel noise = noise();
        run(SECOND / 4, false, true, noise);
        run(SECOND, false, true, noise);
        assertThat((done("other") + done("noise")) / (double) IOPS).isBetween(0.97, 1.03);
    }

    @Test
    void whenNothingIsReservedAnyMoreItIsInLineWithTheOthers() {
        BlockChannel noise = noise();
        run(SECOND / 10, true, true, noise);
        gold.change(settings(100, 0));
        assertThat(pool.reserved()).isZero();
        on(channel::poll);
        assertThat(on(() -> channel.free(user))).isEqualTo(on(channel::free));
        run(SECOND, false, false, null);
        assertThat(on(channel::inFlight)).as("all that waited is done").isZero();
        gold.change(settings(100, RESERVED));
        run(SECOND / 10, true, true, noise);
        run(SECOND, true, true, noise);
        assertThat(done("user") / (double) RESERVED).isBetween(0.95, 1.05);
    }

    @Test
    void whatWaitsGoesAlongToAnotherPoolWhereAsMuchIsReserved() throws Exception {
        var there = pool("there");
        var target = there.add("shared", Optional.empty(), vdisk);
        assertThat(there.reserved()).isEqualTo(RESERVED);
        run(SECOND / 10, true, true, null);
        var over = device.change(elsewhere, target);
        while (!over.isDone()) {
            on(channel::poll);
        }
        assertThat(over.get(1, TimeUnit.MINUTES)).isTrue();
        vdisk.close();
        assertThat(pool.reserved()).isZero();
        BlockChannel noise = opened(there.stage(there.add("n", Optional.of(busy())), memory));
        run(SECOND / 4, true, true, noise);
        run(SECOND, true, true, noise);
        assertThat(done("user") / (double) RESERVED).isBetween(0.95, 1.05);
    }

    private static DiskQosPolicy busy() {
        return new DiskQosPolicy("busy", settings(10_000, 0));
    }

    @Test
    void aUserWhoStopsPassesAndWhatIsCancelledIsNotDone() {
        on(() -> {
            while (channel.free() > 0) {
                submit(channel, "other", null);
            }
            var waits = new BlockRequest(77, _ -> done.merge("cancelled", 1, Integer::sum));
            var hurried = new BlockRequest(78, _ -> done.merge("hurried", 1, Integer::sum));
            for (int i = 0; i < 60; i++) {
                submit(channel, "user", user);
            }
            channel.submit(waits.prepare(BlockOperation.DISCARD, 0, 0).user(user));
            channel.submit(hurried.prepare(BlockOperation.DISCARD, 0, 0).user(user));
            channel.cancel(77);
            channel.hurry(78);
            channel.poll();
            assertThat(waits.status()).isEqualTo(BlockStatus.CANCELLED);
            return true;
        });
        assertThat(done).containsEntry("cancelled", 1).containsEntry("hurried", 1);
        on(() -> {
            channel.drain();
            return channel.poll() + channel.poll() + channel.poll();
        });
        assertThat(done).containsEntry("user", 60);
    }

    /**
     * The disk has one place left, so that it does one request a poll: far less than its pool says.
     */
    private void slow() {
        memory.fate(_ -> MemoryBlockDevice.Fate.HELD);
        on(() -> {
            while (channel.free() > 1) {
                submit(channel, "held", null);
                clock.addAndGet(SECOND / 1000);
                channel.poll();
            }
            return true;
        });
        memory.fate(_ -> MemoryBlockDevice.Fate.DONE);
    }

    /** Keeps both users waiting while the disk is polled, every 5 ms, so many times. */
    private void poll(int times, @Nullable BlockRates other) {
        on(() -> {
            done.clear();
            for (int i = 0; i < times; i++) {
                while (channel.free(user) > 0) {
                    submit(channel, "user", user);
                }
                while ((other == null ? channel.free() : channel.free(other)) > 0) {
                    submit(channel, "other", other);
                }
                clock.addAndGet(SECOND / 200);
                channel.poll();
            }
            return true;
        });
    }

    @ParameterizedTest
    @CsvSource({"1, 200", "150, 300"})
    void whereTheDiskIsSlowerThanItsPoolSaysOthersHaveTheirPartOfIt(long reserved, int expected) {
        gold.change(settings(100, reserved));
        slow();
        poll(400, null);
        // 200 a second for 2 seconds: the larger of its reservation and of half of all.
        assertThat(done("user")).isBetween(expected - 10, expected + 10);
        assertThat(done("user") + done("other")).isEqualTo(400);
        memory.release();
    }

    @Test
    void whereTheDiskIsTooSlowForWhatIsReservedEachOfThoseHasAPartOfIt() {
        BlockRates second = gold.open("vHBA db2", () -> {});
        device.addUser(second);
        slow();
        poll(400, second);
        assertThat(done("user")).isBetween(180, 220);
        assertThat(done("other")).isBetween(180, 220);
        device.removeUser(second);
        second.close();
        memory.release();
    }

    @Test
    void aFlushForWhichThereIsNoPlaceHasTheNextOne() {
        slow();
        memory.fate(_ -> MemoryBlockDevice.Fate.HELD);
        on(() -> {
            submit(channel, "held", null);
            clock.addAndGet(SECOND / 1000);
            channel.poll();
            submit(channel, "user", user);
            submit(channel, "other", null);
            var flush = new BlockRequest(0, _ -> done.merge("flush", 1, Integer::sum));
            channel.submit(flush.prepare(BlockOperation.FLUSH, 0, 0));
            return true;
        });
        int before = memory.log().size();
        memory.fate(_ -> MemoryBlockDevice.Fate.DONE);
        memory.release();
        on(() -> {
            clock.addAndGet(SECOND / 1000);
            return channel.poll() + channel.poll() + channel.poll();
        });
        assertThat(
                        memory.log().stream()
                                .skip(before)
                                .filter(entry -> !entry.completion())
                                .map(MemoryBlockDevice.Entry::operation))
                .containsExactly(
                        BlockOperation.FLUSH, BlockOperation.DISCARD, BlockOperation.DISCARD);
        assertThat(done).containsEntry("flush", 1);
    }

    @Test
    void aDiskWithoutAStageReservesNothing() {
        assertThatThrownBy(() -> memory.addUser(user))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("nothing can be reserved of this disk");
    }
}
