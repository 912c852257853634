package io.vireo.testkit.hostile;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * An initiator that writes and reads back all the time, on a thread of its own, while others attack
 * the devices beside its own. Nothing of it may fail: no command, no byte, and no unit attention
 * that it did not bring about.
 */
public final class Bystander implements AutoCloseable {
    private static final int BLOCKS = 64;
    private static final int PLACES = 64;
    private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(1);
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(30);

    private final ScsiClient client;
    private final Thread thread = new Thread(this::work, "bystander");
    private volatile long rounds;
    private volatile boolean closed;
    private volatile @Nullable Throwable failure;

    /**
     * Begins.
     *
     * @param socket of a virtio SCSI host device whose LUN 0 has 2 MiB at least
     */
    public Bystander(Path socket) {
        client = new ScsiClient(socket);
        client.listen();
        thread.start();
    }

    private void work() {
        try {
            var random = new Random(1);
            while (!closed) {
                round(random);
                rounds++;
                LockSupport.parkNanos(PAUSE_NANOS);
            }
        } catch (RuntimeException | AssertionError e) {
            failure = e;
        }
    }

    private void round(Random random) {
        int blocks = 1 + random.nextInt(BLOCKS);
        int place = BLOCKS * random.nextInt(PLACES);
        var data = new byte[ScsiDriver.BLOCK * blocks];
        random.nextBytes(data);
        ByteBuffer.wrap(data).putLong(0, rounds);
        client.run(ScsiDriver.write(place, blocks), data, 0);
        var read = client.run(ScsiDriver.read(place, blocks), new byte[0], data.length);
        if (!Arrays.equals(data, read)) {
            throw new AssertionError(
                    "block %d differs from its byte %d on, in round %d"
                            .formatted(place, Arrays.mismatch(data, read), rounds));
        }
    }

    /** A round that began after this was asked has ended well, as all have. */
    public void goesOn() {
        long until = rounds + 2;
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        while (rounds < until) {
            check();
            if (System.nanoTime() > deadline) {
                throw new AssertionError("the bystander is not served");
            }
            LockSupport.parkNanos(PAUSE_NANOS);
        }
    }

    private void check() {
        var cause = failure;
        if (cause != null) {
            throw new AssertionError("the bystander has noticed something", cause);
        }
    }

    @Override
    public void close() {
        closed = true;
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        client.close();
        check();
    }
}
