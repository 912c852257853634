package io.vireo.fabric.storage.qos;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockOperation;
import io.vireo.block.BlockStatus;
import io.vireo.reactor.PollMode;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.ReactorConfig;
import io.vireo.testkit.BlockClient;
import io.vireo.testkit.Eventually;
import io.vireo.testkit.MemoryBlockDevice;
import io.vireo.testkit.MemoryBlockDevice.Entry;
import io.vireo.testkit.MemoryBlockDevice.Fate;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** When a device begins to write through, and ends. */
class WriteThroughTest {
    private static final int BLOCK = 512;

    private final MemoryBlockDevice memory = new MemoryBlockDevice(1 << 20, BLOCK);
    private final PoolQos pool = new PoolQos("main", 0, Optional.empty(), System::nanoTime);
    private final VdiskQos rates = pool.add("disk", Optional.empty());
    private final QosDevice device = pool.stage(rates, memory);
    private final List<String> told = new CopyOnWriteArrayList<>();
    private Reactor reactor;
    private BlockClient client;

    @BeforeEach
    void open() {
        reactor = Reactor.start(new ReactorConfig("through-test", -1, PollMode.ADAPTIVE));
        client = new BlockClient(device, reactor);
        device.addCacheModeListener(taken -> {
            told.add(device.writeThrough() + "/" + device.durable());
            taken.run();
        });
    }

    @AfterEach
    void close() {
        client.close();
        reactor.close();
        memory.close();
    }

    private List<Entry> submitted(BlockOperation operation) {
        return memory.log().stream()
                .filter(entry -> !entry.completion() && entry.operation() == operation)
                .toList();
    }

    private List<Boolean> durable(BlockOperation operation) {
        return submitted(operation).stream().map(Entry::durable).toList();
    }

    private boolean change(boolean on) {
        return BlockClient.await(device.writeThrough(on, reactor));
    }

    @Test
    void everyWriteEndsOnlyWhenItIsDurable() {
        client.write(0, new byte[BLOCK]);
        assertThat(change(true)).isTrue();
        assertThat(device.writeThrough()).isTrue();
        client.write(0, new byte[BLOCK]);
        client.run(BlockOperation.WRITE_ZEROES, 0, BLOCK);
        client.run(BlockOperation.DISCARD, 0, BLOCK);
        assertThat(change(false)).isTrue();
        client.write(0, new byte[BLOCK]);
        client.write(0, new byte[BLOCK], true);
        assertThat(durable(BlockOperation.WRITE)).containsExactly(false, true, false, true);
        assertThat(durable(BlockOperation.WRITE_ZEROES)).containsExactly(true);
        assertThat(durable(BlockOperation.DISCARD)).containsExactly(false);
        // Who is told does not rely on it any more when it ends.
        assertThat(told).containsExactly("true/true", "false/true");
    }

    @Test
    void tellsWhenAnotherDeviceKeepsLessWhole() {
        var told = new CopyOnWriteArrayList<Integer>();
        device.addGeometryListener(() -> told.add(device.geometry().atomicWriteSize()));
        try (var alike = new MemoryBlockDevice(1 << 20, BLOCK);
                var lesser = new MemoryBlockDevice(1 << 20, BLOCK)) {
            lesser.atomicWriteSize(512);
            BlockClient.await(device.change(alike, rates));
            assertThat(told).isEmpty();
            BlockClient.await(device.change(lesser, rates));
            assertThat(told).containsExactly(512);
            BlockClient.await(device.change(memory, rates));
            assertThat(told).containsExactly(512, 4096);
        }
    }

    @Test
    void writesStayDurableUntilAllHaveTakenThatTheyAreNot() {
        List<Runnable> takes = new CopyOnWriteArrayList<>();
        device.addCacheModeListener(takes::add);
        assertThat(change(true)).isTrue();
        takes.clear();
        CompletableFuture<Boolean> changed = device.writeThrough(false, reactor);
        assertThat(device.writeThrough()).isFalse();
        assertThat(changed).isNotDone();
        client.write(0, new byte[BLOCK]);
        takes.getFirst().run();
        assertThat(BlockClient.await(changed)).isTrue();
        client.write(0, new byte[BLOCK]);
        assertThat(durable(BlockOperation.WRITE)).containsExactly(true, false);
    }

    @Test
    void whatWasUnderWayHasEndedAndIsFlushedBefore() {
        memory.fate(_ -> Fate.HELD);
        CompletableFuture<BlockStatus> before =
                client.start(BlockOperation.WRITE_ZEROES, 0, BLOCK, _ -> {});
        Eventually.until(
                "zeroes are written", () -> !submitted(BlockOperation.WRITE_ZEROES).isEmpty());
        CompletableFuture<Boolean> changed = device.writeThrough(true, reactor);
        CompletableFuture<BlockStatus> meanwhile =
                client.start(BlockOperation.WRITE_ZEROES, BLOCK, BLOCK, _ -> {});
        client.inFlight();
        assertThat(device.writeThrough()).isFalse();
        assertThat(durable(BlockOperation.WRITE_ZEROES)).containsExactly(false);
        memory.fate(_ -> Fate.DONE);
        memory.release();
        assertThat(BlockClient.await(changed)).isTrue();
        assertThat(BlockClient.await(before)).isEqualTo(BlockStatus.OK);
        assertThat(BlockClient.await(meanwhile)).isEqualTo(BlockStatus.OK);
        assertThat(durable(BlockOperation.WRITE_ZEROES)).containsExactly(false, true);
        List<Entry> log = memory.log();
        int ended = indexOf(log, BlockOperation.WRITE_ZEROES, true);
        assertThat(indexOf(log, BlockOperation.FLUSH, false)).isGreaterThan(ended);
    }

    private static int indexOf(List<Entry> log, BlockOperation operation, boolean completion) {
        for (int i = 0; i < log.size(); i++) {
            if (log.get(i).operation() == operation && log.get(i).completion() == completion) {
                return i;
            }
        }
        throw new AssertionError("no " + operation + " in " + log);
    }

    @Test
    void whatCannotBeFlushedIsNotCalledDurable() {
        memory.fate(request ->
                request.operation() == BlockOperation.FLUSH
                        ? new Fate.Ends(BlockStatus.IO_ERROR)
                        : Fate.DONE);
        assertThat(change(true)).isFalse();
        assertThat(device.writeThrough()).isFalse();
        assertThat(told).isEmpty();
        client.write(0, new byte[BLOCK]);
        assertThat(durable(BlockOperation.WRITE)).containsExactly(true);
        memory.fate(_ -> Fate.DONE);
        assertThat(change(true)).isTrue();
        assertThat(told).containsExactly("true/true");
    }

    @Test
    void aChangeOfTheDeviceWaitsForThatOfTheCacheMode() {
        try (var other = new MemoryBlockDevice(1 << 20, BLOCK)) {
            CompletableFuture<Boolean> through = device.writeThrough(true, reactor);
            CompletableFuture<Boolean> moved = device.change(other, rates);
            assertThat(BlockClient.await(through)).isTrue();
            assertThat(BlockClient.await(moved)).isTrue();
            client.write(0, new byte[BLOCK]);
            assertThat(other.log().getFirst().durable()).isTrue();
            assertThat(memory.openChannels()).isZero();
            assertThat(BlockClient.await(device.change(memory, rates))).isTrue();
        }
    }
}
