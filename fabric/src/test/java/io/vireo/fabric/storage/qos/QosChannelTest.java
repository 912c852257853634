package io.vireo.fabric.storage.qos;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockChannel;
import io.vireo.block.BlockDevice;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.fabric.storage.qos.DiskQosSettings.Rates;
import io.vireo.reactor.PollMode;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.ReactorConfig;
import io.vireo.testkit.BlockClient;
import io.vireo.testkit.MemoryBlockDevice;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The stage on a reactor, with a clock that stands still unless it is moved. */
class QosChannelTest {
    private static final long MILLI = 1_000_000;
    private static final long BLOCK = 512;

    private final AtomicLong clock = new AtomicLong(1_000_000_000);
    private final MemoryBlockDevice memory = new MemoryBlockDevice(1 << 20, 512);
    private final DiskQosPolicy policy = new DiskQosPolicy("p", iops(100));
    private final PoolQos pool = new PoolQos("main", 0, Optional.empty(), clock::get);
    private final VdiskQos vdisk = pool.add("disk", Optional.of(policy));
    private final BlockDevice device = pool.stage(vdisk, memory);
    private final List<String> ended = new ArrayList<>();
    private Reactor reactor;
    private BlockChannel channel;

    @BeforeEach
    void open() {
        reactor = Reactor.start(new ReactorConfig("qos-test", -1, PollMode.ADAPTIVE));
        channel = on(() -> device.open(reactor));
    }

    @AfterEach
    void close() {
        on(() -> {
            channel.close(() -> ended.add("closed"));
            return channel.poll();
        });
        assertThat(ended).endsWith("closed");
        reactor.close();
        memory.close();
    }

    private static DiskQosSettings iops(long iops) {
        return new DiskQosSettings(Rates.ANY, Rates.ANY, new Rates(iops, 1, 0, 0), 100, 0);
    }

    private <T> T on(java.util.function.Supplier<T> task) {
        return BlockClient.on(reactor, task);
    }

    private void submit(BlockOperation operation, int tag) {
        on(() -> {
            var request = new BlockRequest(tag, r -> ended.add(tag + " " + r.status()));
            channel.submit(request.prepare(operation, 0, 0));
            return true;
        });
    }

    private void discards(int count) {
        for (int i = 0; i < count; i++) {
            submit(BlockOperation.DISCARD, i);
        }
    }

    private List<String> pollAt(long millis) {
        clock.set(1_000_000_000 + millis * MILLI);
        on(() -> channel.poll());
        return List.copyOf(ended);
    }

    @Test
    void requestsWaitInOrderAndNoneFails() {
        discards(4);
        assertThat(pollAt(0)).containsExactly("0 OK");
        assertThat(pollAt(9)).hasSize(1);
        assertThat(pollAt(11)).containsExactly("0 OK", "1 OK");
        assertThat(pollAt(21)).hasSize(3);
        assertThat(pollAt(32)).containsExactly("0 OK", "1 OK", "2 OK", "3 OK");
        assertThat(vdisk.counts().waits()).isEqualTo(3);
        assertThat(vdisk.counts().waitedNanos()).isEqualTo((11 + 21 + 32) * MILLI);
        assertThat(device.counters().discards()).isEqualTo(4);
    }

    @Test
    void takesNoMoreThanTheDeviceWould() {
        int depth = on(() -> channel.free());
        discards(depth);
        assertThat(on(() -> channel.free())).isZero();
        assertThat(on(channel::inFlight)).isEqualTo(depth);
        assertThat(vdisk.counts().waiting()).isEqualTo(depth - 1);
        pollAt(0);
        assertThat(on(() -> channel.free())).isEqualTo(1);
    }

    @Test
    void aFlushWaitsForNobody() {
        discards(10);
        submit(BlockOperation.FLUSH, 77);
        assertThat(pollAt(0)).containsExactly("0 OK", "77 OK");
        // It counts all the same.
        assertThat(pollAt(11)).hasSize(2);
        assertThat(pollAt(21)).hasSize(3);
    }

    @Test
    void whatWaitsCanBeCancelled() {
        discards(4);
        on(() -> {
            channel.cancel(2);
            channel.cancel(99);
            return true;
        });
        assertThat(ended).containsExactly("2 CANCELLED");
        assertThat(pollAt(0)).containsExactly("2 CANCELLED", "0 OK");
        assertThat(pollAt(11)).endsWith("1 OK");
        assertThat(pollAt(22)).endsWith("3 OK");
        assertThat(device.counters().errors()).isZero();
        assertThat(device.counters().discards()).isEqualTo(4);
    }

    @Test
    void cancellingAllEndsTheWaiting() {
        discards(3);
        on(() -> {
            channel.cancel(1);
            channel.cancel(2);
            return true;
        });
        assertThat(on(channel::inFlight)).isEqualTo(1);
        assertThat(pollAt(0)).hasSize(3);
        assertThat(on(channel::inFlight)).isZero();
        assertThat(on(channel::arm)).isTrue();
    }

    @Test
    void closingWhileThrottledEndsEachOnce() {
        discards(20);
        on(() -> {
            channel.close(() -> ended.add("closed"));
            return channel.poll();
        });
        assertThat(ended).hasSize(21).endsWith("closed").contains("19 OK");
        assertThat(vdisk.counts().waiting()).isZero();
        // What was forced is paid by whoever comes next.
        channel = on(() -> device.open(reactor));
        submit(BlockOperation.DISCARD, 50);
        assertThat(pollAt(150)).hasSize(21);
        assertThat(pollAt(250)).endsWith("50 OK");
    }

    @Test
    void aFrontEndThatStopsWaitsForNoRate() {
        discards(20);
        on(() -> {
            channel.drain();
            return true;
        });
        assertThat(pollAt(0)).hasSize(20);
        submit(BlockOperation.DISCARD, 30);
        assertThat(pollAt(0)).endsWith("30 OK");
    }

    @Test
    void aRequestThatIsWaitedForPassesTheOthers() {
        discards(5);
        assertThat(pollAt(0)).containsExactly("0 OK");
        assertThat(hurry(3)).containsExactly("0 OK", "3 OK");
        assertThat(vdisk.counts().waiting()).isEqualTo(3);
        // It is done, or was never here.
        assertThat(hurry(3)).hasSize(2);
        assertThat(hurry(77)).hasSize(2);
        // Those that it passed pay for it.
        assertThat(pollAt(11)).hasSize(2);
        assertThat(pollAt(21)).containsExactly("0 OK", "3 OK", "1 OK");
        assertThat(pollAt(42)).endsWith("2 OK", "4 OK");
    }

    private List<String> hurry(int tag) {
        on(() -> {
            channel.hurry(tag);
            return channel.poll();
        });
        return List.copyOf(ended);
    }

    @Test
    void aPolicyChangesUnderLoad() {
        discards(10);
        assertThat(pollAt(0)).hasSize(1);
        policy.change(iops(1000));
        assertThat(pollAt(3)).hasSizeBetween(3, 5);
        policy.change(DiskQosSettings.NONE);
        assertThat(pollAt(3)).hasSize(10);
        policy.change(iops(1));
        discards(2);
        assertThat(pollAt(3)).hasSize(11);
        vdisk.change(Optional.empty());
        assertThat(pollAt(3)).hasSize(12);
    }

    @Test
    void readsAndWritesHaveRatesOfTheirOwn() {
        policy.change(
                new DiskQosSettings(
                        new Rates(0, 0, 100 * BLOCK, 1),
                        new Rates(10, 1, 0, 0),
                        Rates.ANY,
                        100,
                        0));
        // Of no bytes: they cost no bandwidth.
        submit(BlockOperation.READ, 1);
        submit(BlockOperation.READ, 2);
        submit(BlockOperation.WRITE_ZEROES, 3);
        submit(BlockOperation.DISCARD, 4);
        submit(BlockOperation.READ, 5);
        assertThat(pollAt(0)).containsExactly("1 OK", "2 OK", "3 OK");
        // Requests of a channel keep their order.
        assertThat(pollAt(99)).hasSize(3);
        assertThat(pollAt(101)).endsWith("4 OK", "5 OK");
    }
}
