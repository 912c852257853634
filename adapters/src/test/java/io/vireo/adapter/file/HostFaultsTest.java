package io.vireo.adapter.file;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockOperation;
import io.vireo.block.BlockStatus;
import io.vireo.linux.Errno;
import io.vireo.linux.Fd;
import io.vireo.reactor.PollMode;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.ReactorConfig;
import io.vireo.testkit.BlockClient;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.ToLongFunction;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a channel makes of a host that fails: short counts, errors, no room, slow flushes. */
@SuppressWarnings("NullAway.Init") // open() runs before each test
class HostFaultsTest {
    /** The operation is carried out, and its result is the kernel's. */
    private static final long REAL = Long.MIN_VALUE;

    private static final int CAPACITY = 1 << 20;

    @TempDir Path directory;

    private Reactor reactor;
    private Fd folder;
    private ImageFile image;
    private ImageDevice device;
    private BlockClient client;
    private volatile ToLongFunction<HostOp> host = _ -> REAL;
    private final List<HostOp.Kind> kinds = new CopyOnWriteArrayList<>();

    @BeforeEach
    void open() throws Exception {
        try (var file = new RandomAccessFile(directory.resolve("image.raw").toFile(), "rw")) {
            file.setLength(CAPACITY);
        }
        reactor = Reactor.start(new ReactorConfig("faults", -1, PollMode.ADAPTIVE));
        folder = ImageFile.openDirectory(directory);
        image = ImageFile.open(folder, "image.raw", true, 512);
        device = new ImageDevice(image, r -> new FaultyIo(ThreadIo.acquire(r)), 512, 4096);
        client = new BlockClient(device, reactor);
    }

    @AfterEach
    void close() {
        client.close();
        image.close();
        folder.close();
        reactor.close();
    }

    /** Passes operations on, or gives them a result. */
    private final class FaultyIo implements HostIo {
        private final HostIo real;
        private final List<Runnable> ended = new ArrayList<>();

        FaultyIo(HostIo real) {
            this.real = real;
        }

        @Override
        public boolean start(HostOp op) {
            kinds.add(op.kind());
            long result = host.applyAsLong(op);
            if (result == REAL) {
                return real.start(op);
            }
            ended.add(() -> op.finished(result));
            return true;
        }

        @Override
        public int poll() {
            var now = List.copyOf(ended);
            ended.clear();
            now.forEach(Runnable::run);
            return now.size() + real.poll();
        }

        @Override
        public boolean arm() {
            return ended.isEmpty() && real.arm();
        }

        @Override
        public void cancel(HostOp op) {
            real.cancel(op);
        }

        @Override
        public BouncePool bounces() {
            return real.bounces();
        }

        @Override
        public void release() {
            real.release();
        }
    }

    private static byte[] bytes(int length) {
        byte[] data = new byte[length];
        new Random(length).nextBytes(data);
        return data;
    }

    @Test
    void shortCountsAreFinished() {
        host =
                op -> {
                    // Half of it, in whole blocks and then in odd bytes.
                    op.bytes = Math.max(512, (op.bytes / 2) & -512);
                    return REAL;
                };
        byte[] data = bytes(64 * 512);
        assertThat(client.write(512, data)).isEqualTo(BlockStatus.OK);
        assertThat(kinds).hasSizeGreaterThan(3);
        assertThat(client.read(512, data.length)).isEqualTo(data);
    }

    @Test
    void errorsHaveTheirStatus() {
        int[] errnos = {
            Errno.EIO, Errno.ENOSPC, Errno.EDQUOT, Errno.EFAULT, Errno.EROFS, Errno.ECANCELED
        };
        BlockStatus[] statuses = {
            BlockStatus.IO_ERROR,
            BlockStatus.NO_SPACE,
            BlockStatus.NO_SPACE,
            BlockStatus.MEMORY_FAULT,
            BlockStatus.READ_ONLY,
            BlockStatus.CANCELLED
        };
        var noSpace = new AtomicInteger();
        device.onNoSpace(noSpace::incrementAndGet);
        for (int i = 0; i < errnos.length; i++) {
            int errno = errnos[i];
            host = _ -> -errno;
            assertThat(client.write(0, bytes(512))).isEqualTo(statuses[i]);
        }
        host = _ -> REAL;
        assertThat(client.write(0, bytes(512))).isEqualTo(BlockStatus.OK);
        assertThat(device.counters().errors()).isEqualTo(5);
        assertThat(device.counters().noSpace()).isEqualTo(2);
        assertThat(noSpace).hasValue(2);
    }

    @Test
    void interruptedOperationsAreTriedAgainButNotForEver() {
        host = _ -> kinds.size() < 5 ? -Errno.EAGAIN : REAL;
        assertThat(client.write(0, bytes(512))).isEqualTo(BlockStatus.OK);
        assertThat(kinds).hasSize(5);
        host = _ -> -Errno.EINTR;
        assertThat(client.write(0, bytes(512))).isEqualTo(BlockStatus.IO_ERROR);
        assertThat(client.run(BlockOperation.DISCARD, 0, 512)).isEqualTo(BlockStatus.IO_ERROR);
        assertThat(kinds.size()).isLessThan(60);
    }

    @Test
    void nothingWrittenIsAnError() {
        host = op -> op.kind() == HostOp.Kind.WRITE ? 0 : REAL;
        assertThat(client.write(0, bytes(512))).isEqualTo(BlockStatus.IO_ERROR);
    }

    @Test
    void misalignmentThatTheHostDidNotTellOfIsCopied() {
        byte[] data = bytes(8 * 512);
        host = op -> op.bounce == null ? -Errno.EINVAL : REAL;
        assertThat(client.write(0, data)).isEqualTo(BlockStatus.OK);
        assertThat(client.read(0, data.length)).isEqualTo(data);
    }

    @Test
    void zeroesAreWrittenWhereTheHostCannotZero() {
        host =
                op ->
                        switch (op.kind()) {
                            case ZERO_RANGE, PUNCH_HOLE -> -Errno.EOPNOTSUPP;
                            default -> REAL;
                        };
        byte[] data = bytes(CAPACITY);
        assertThat(client.write(0, data)).isEqualTo(BlockStatus.OK);
        for (boolean unmap : new boolean[] {false, true}) {
            var ended =
                    client.start(
                            BlockOperation.WRITE_ZEROES, 0, CAPACITY - 512, r -> r.unmap(unmap));
            assertThat(BlockClient.await(ended)).isEqualTo(BlockStatus.OK);
        }
        assertThat(client.read(0, CAPACITY - 512)).containsOnly(0);
        assertThat(client.run(BlockOperation.DISCARD, 0, 512)).isEqualTo(BlockStatus.OK);
    }

    @Test
    void aDurableWriteIsSynced() {
        assertThat(client.write(0, bytes(512), true)).isEqualTo(BlockStatus.OK);
        assertThat(kinds).containsExactly(HostOp.Kind.WRITE, HostOp.Kind.SYNC);
    }

    @Test
    void aFailedFlushIsNeverForgotten() {
        assertThat(client.write(0, bytes(512))).isEqualTo(BlockStatus.OK);
        host = op -> op.kind() == HostOp.Kind.SYNC ? -Errno.EIO : REAL;
        assertThat(client.run(BlockOperation.FLUSH, 0, 0)).isEqualTo(BlockStatus.IO_ERROR);
        host = _ -> REAL;
        assertThat(client.run(BlockOperation.FLUSH, 0, 0)).isEqualTo(BlockStatus.IO_ERROR);
        assertThat(client.write(0, bytes(512))).isEqualTo(BlockStatus.IO_ERROR);
        try (var other = new BlockClient(device, reactor)) {
            assertThat(other.run(BlockOperation.FLUSH, 0, 0)).isEqualTo(BlockStatus.IO_ERROR);
        }
        assertThat(client.read(0, 512)).isEqualTo(bytes(512));
        assertThat(image.failed()).isTrue();
    }

    @Test
    void flushesThatComeTogetherShareOneAndNoneIsToldSuccessByAnothersFailure() {
        host = op -> op.kind() == HostOp.Kind.SYNC ? -Errno.EIO : REAL;
        var first = client.start(BlockOperation.FLUSH, 0, 0, _ -> {});
        var second = client.start(BlockOperation.FLUSH, 0, 0, _ -> {});
        var third = client.start(BlockOperation.FLUSH, 0, 0, _ -> {});
        for (var flush : List.of(first, second, third)) {
            assertThat(BlockClient.await(flush)).isEqualTo(BlockStatus.IO_ERROR);
        }
        assertThat(kinds.stream().filter(k -> k == HostOp.Kind.SYNC).count()).isLessThan(3);
    }
}
