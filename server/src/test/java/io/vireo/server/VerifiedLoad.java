package io.vireo.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockStatus;
import io.vireo.testkit.BlockClient;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/**
 * Random writes, zeroes, discards, flushes and reads that are compared, in the upper half of a
 * disk, until it is ended. Replays with {@code -Dvireo.seed=N}.
 */
final class VerifiedLoad implements AutoCloseable {
    private static final int BLOCK = 4096;
    private static final int DISCARDED = -1;

    private final BlockClient client;
    private final long start;
    private final int[] blocks;
    private final Random random;
    private final AtomicInteger done = new AtomicInteger();
    private final CompletableFuture<Boolean> ended = new CompletableFuture<>();
    private volatile boolean running = true;

    VerifiedLoad(BlockDevice device) {
        long seed = Long.getLong("vireo.seed", System.nanoTime());
        System.out.println("vireo.seed=" + seed);
        random = new Random(seed);
        start = device.geometry().capacity() / 2;
        blocks = new int[(int) (start / BLOCK)];
        client = new BlockClient(device, device.home().orElseThrow());
        Thread.ofPlatform().name("load").start(this::run);
    }

    private void run() {
        try {
            while (running) {
                operate();
                done.incrementAndGet();
            }
            for (int i = 0; i < blocks.length; i++) {
                if (blocks[i] != 0) {
                    check(i, 1);
                }
            }
            ended.complete(true);
        } catch (Throwable e) {
            ended.completeExceptionally(e);
        }
    }

    private void operate() {
        int count = 1 + random.nextInt(16);
        int block = random.nextInt(blocks.length - count);
        switch (random.nextInt(12)) {
            case 0 -> ok(client.run(BlockOperation.FLUSH, 0, 0));
            case 1 -> {
                ok(client.run(BlockOperation.WRITE_ZEROES, at(block), (long) count * BLOCK));
                Arrays.fill(blocks, block, block + count, 0);
            }
            case 2 -> {
                ok(client.run(BlockOperation.DISCARD, at(block), (long) count * BLOCK));
                Arrays.fill(blocks, block, block + count, DISCARDED);
            }
            case 3, 4, 5, 6 -> check(block, count);
            default -> write(block, count);
        }
    }

    private void write(int block, int count) {
        byte[] data = new byte[count * BLOCK];
        for (int i = 0; i < count; i++) {
            int value = 1 + random.nextInt(200);
            Arrays.fill(data, i * BLOCK, (i + 1) * BLOCK, (byte) value);
            blocks[block + i] = value;
        }
        ok(client.write(at(block), data, random.nextInt(4) == 0));
    }

    private void check(int block, int count) {
        byte[] data = client.read(at(block), count * BLOCK);
        for (int i = 0; i < count; i++) {
            int expected = blocks[block + i];
            for (int j = i * BLOCK; expected != DISCARDED && j < (i + 1) * BLOCK; j++) {
                if (data[j] != (byte) expected) {
                    throw new AssertionError(
                            "block %d has %d and should have %d"
                                    .formatted(block + i, data[j], expected));
                }
            }
        }
    }

    private long at(int block) {
        return start + (long) block * BLOCK;
    }

    private static void ok(BlockStatus status) {
        assertThat(status).isEqualTo(BlockStatus.OK);
    }

    /** Waits until so many more requests have ended. */
    void awaitMore(int requests) {
        int until = done.get() + requests;
        while (done.get() < until && !ended.isDone()) {
            LockSupport.parkNanos(1_000_000);
        }
        assertThat(ended).isNotDone();
    }

    /** Ends it, and checks all. */
    void end() {
        running = false;
        BlockClient.await(ended);
    }

    @Override
    public void close() {
        running = false;
        client.close();
    }
}
