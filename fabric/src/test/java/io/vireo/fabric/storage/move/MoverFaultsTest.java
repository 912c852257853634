package io.vireo.fabric.storage.move;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.reactor.PollMode;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.ReactorConfig;
import io.vireo.testkit.BlockClient;
import io.vireo.testkit.MemoryBlockDevice;
import io.vireo.testkit.MemoryBlockDevice.Fate;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What fails at either end of a move, and what servers see of it: nothing. */
@Timeout(120)
class MoverFaultsTest {
    private static final int SIZE = 2 << 20;

    private final MemoryBlockDevice source = new MemoryBlockDevice(SIZE, 512);
    private final MemoryBlockDevice target = new MemoryBlockDevice(SIZE, 512);
    private final Watched watched = new Watched();
    private Reactor reactor;
    private MoveDevice move;
    private BlockClient client;

    @BeforeEach
    void open() {
        reactor = Reactor.start(new ReactorConfig("move", -1, PollMode.ADAPTIVE));
        move = BlockClient.on(reactor, () -> new MoveDevice(source, target, reactor, watched));
        client = new BlockClient(move, reactor);
    }

    @AfterEach
    void close() {
        client.close();
        var closed = new CompletableFuture<Boolean>();
        reactor.execute(() -> move.mover().close(() -> closed.complete(true)));
        BlockClient.await(closed);
        reactor.close();
        source.close();
        target.close();
    }

    private void tell(Runnable task) {
        BlockClient.on(
                reactor,
                () -> {
                    task.run();
                    return true;
                });
    }

    private static byte[] block(int value) {
        byte[] data = new byte[4096];
        Arrays.fill(data, (byte) value);
        return data;
    }

    private void write(int block, int value) {
        assertThat(client.write(block * 4096L, block(value))).isEqualTo(BlockStatus.OK);
    }

    private void assertServes(int value) {
        write(7, value);
        assertThat(client.read(7 * 4096L, 4096)).isEqualTo(block(value));
        assertThat(client.run(BlockOperation.FLUSH, 0, 0)).isEqualTo(BlockStatus.OK);
    }

    private static Fate ends(BlockRequest request, Predicate<BlockRequest> which, BlockStatus how) {
        return which.test(request) ? new Fate.Ends(how) : Fate.DONE;
    }

    @Test
    void aTargetThatFailsLeavesTheSourceInUse() {
        target.fate(request ->
                ends(request, r -> r.operation() == BlockOperation.WRITE, BlockStatus.IO_ERROR));
        write(3, 1);
        tell(() -> move.mover().begin(0));
        assertThat(BlockClient.await(watched.failed)).contains("moved to", "IO_ERROR");
        assertServes(5);
        assertThat(watched.held).isNotDone();
    }

    @Test
    void aTargetThatIsFullSaysSo() {
        target.fate(request ->
                ends(request, r -> r.operation() == BlockOperation.WRITE, BlockStatus.NO_SPACE));
        write(3, 1);
        tell(() -> move.mover().begin(0));
        assertThat(BlockClient.await(watched.failed)).contains("full", "make room");
        assertServes(6);
    }

    @Test
    void aFlushThatFailsIsNoSwitch() {
        target.fate(request ->
                ends(request, r -> r.operation() == BlockOperation.FLUSH, BlockStatus.IO_ERROR));
        write(3, 1);
        tell(() -> move.mover().begin(0));
        tell(() -> move.mover().mayHold());
        assertThat(BlockClient.await(watched.failed)).contains("IO_ERROR");
        assertServes(8);
        assertThat(watched.held).isNotDone();
    }

    @Test
    void aSourceThatCannotBeReadIsNotLeft() {
        write(3, 1);
        source.fate(request ->
                ends(
                        request,
                        r -> r.operation() == BlockOperation.READ && r.length() > 4096,
                        BlockStatus.IO_ERROR));
        tell(() -> move.mover().begin(0));
        assertThat(BlockClient.await(watched.failed)).contains("moved from");
        assertServes(9);
    }

    /** Whatever the target does, servers are served; and when it does something, it is moved. */
    @Test
    void aTargetThatStallsDelaysNobody() {
        var stalls = new AtomicBoolean(true);
        target.fate(_ -> stalls.get() ? Fate.HELD : Fate.DONE);
        for (int i = 0; i < 64; i++) {
            write(i, 1);
        }
        tell(() -> move.mover().begin(0));
        for (int i = 0; i < 64; i++) {
            write(i, 2);
        }
        assertServes(10);
        stalls.set(false);
        tell(() -> move.mover().mayHold());
        while (!watched.held.isDone()) {
            target.release();
            LockSupport.parkNanos(1_000_000);
        }
        assertTargetHas(10);
    }

    private void assertTargetHas(int value) {
        tell(() -> move.mover().switched());
        assertThat(client.read(7 * 4096L, 4096)).isEqualTo(block(value));
        assertThat(client.read(8 * 4096L, 4096)).isEqualTo(block(2));
        assertThat(client.read(100 * 4096L, 4096)).isEqualTo(block(0));
        write(7, 77);
        tell(() -> source.fate(_ -> new Fate.Ends(BlockStatus.IO_ERROR)));
        assertThat(client.read(7 * 4096L, 4096)).isEqualTo(block(77));
    }

    /** Requests that came while all are held go to the target, every one. */
    @Test
    void whatIsHeldIsCarriedOutAfterwards() {
        for (int i = 0; i < 16; i++) {
            write(i, 2);
        }
        tell(() -> move.mover().begin(0));
        tell(() -> move.mover().mayHold());
        BlockClient.await(watched.held);
        var flush = client.start(BlockOperation.FLUSH, 0, 0, _ -> {});
        var zero = client.start(BlockOperation.WRITE_ZEROES, 4096, 4096, _ -> {});
        while (client.inFlight() < 2) {
            LockSupport.parkNanos(1_000_000);
        }
        assertThat(flush).isNotDone();
        tell(() -> move.mover().switched());
        assertThat(BlockClient.await(flush)).isEqualTo(BlockStatus.OK);
        assertThat(BlockClient.await(zero)).isEqualTo(BlockStatus.OK);
        assertThat(client.read(4096, 4096)).isEqualTo(block(0));
        assertThat(client.read(8192, 4096)).isEqualTo(block(2));
    }

    /** Taken back while requests are held, they go to the source. */
    @Test
    void whatIsHeldGoesToTheSourceIfTheMoveIsTakenBack() {
        write(1, 2);
        tell(() -> move.mover().begin(0));
        tell(() -> move.mover().mayHold());
        BlockClient.await(watched.held);
        var zero = client.start(BlockOperation.WRITE_ZEROES, 4096, 4096, _ -> {});
        tell(() -> move.mover().stop());
        assertThat(BlockClient.await(zero)).isEqualTo(BlockStatus.OK);
        tell(() -> target.fate(_ -> new Fate.Ends(BlockStatus.IO_ERROR)));
        assertThat(client.read(4096, 4096)).isEqualTo(block(0));
    }
}
