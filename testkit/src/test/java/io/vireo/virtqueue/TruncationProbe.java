package io.vireo.virtqueue;

import io.vireo.testkit.DriverQueue;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;

/**
 * A guest that truncates its memory while its queue is served. Runs in a virtual machine of its
 * own, which a mistake would kill; prints "alive" at the end.
 */
final class TruncationProbe {
    private static final int SIZE = 256;

    private TruncationProbe() {}

    public static void main(String[] arguments) throws InterruptedException {
        int rounds = Integer.parseInt(arguments[0]);
        int errors = 0;
        for (int round = 0; round < rounds; round++) {
            errors += round(round) ? 1 : 0;
        }
        System.out.println("errors " + errors);
        System.out.println(errors > 0 ? "alive" : "never hit");
    }

    /** Serves a queue until its memory is gone; true if that was an InternalError. */
    private static boolean round(int round) throws InterruptedException {
        AtomicBoolean serving = new AtomicBoolean();
        boolean packed = round % 2 == 1;
        long features = packed ? Rig.PACKED : Rig.ALL;
        try (Rig rig = new Rig(SIZE, features, 0)) {
            long region =
                    rig.memory.host(rig.memory.allocate(InflightRegion.size(1, SIZE, packed), 64));
            Virtqueue queue =
                    Rig.activate(
                            rig.config(
                                    SIZE,
                                    features,
                                    DriverQueue.base(SIZE, features, 0),
                                    Optional.of(InflightRegion.of(region, 0, SIZE, packed))));
            Thread vandal =
                    new Thread(() -> {
                        while (!serving.get()) {
                            Thread.onSpinWait();
                        }
                        LockSupport.parkNanos(1000L * (round % 50));
                        rig.memory.truncate(0);
                    });
            vandal.start();
            boolean hit = serve(rig, queue, serving);
            vandal.join();
            // What the transport does then: nothing of this may touch the memory.
            queue.stop();
            for (int head = 0; head < SIZE; head++) {
                if (queue.inFlight(head)) {
                    queue.push(head, 0);
                }
            }
            queue.flush();
            if (queue.inFlight() != 0) {
                throw new AssertionError(queue.inFlight() + " in flight");
            }
            return hit;
        }
    }

    private static boolean serve(Rig rig, Virtqueue queue, AtomicBoolean serving) {
        long[] addresses = {rig.buffer(64), rig.buffer(64), rig.buffer(64)};
        int[] lengths = {64, 64, 64};
        long table = rig.buffer(64);
        Reader reader = new Reader();
        Writer writer = new Writer();
        byte[] bytes = new byte[64];
        try {
            for (int turn = 0; turn < 1_000_000 && !queue.broken(); turn++) {
                rig.driver.add(addresses, lengths, 3, 1);
                rig.driver.addIndirect(table, addresses, lengths, 3, 1);
                rig.driver.publish();
                rig.batch.clear();
                queue.pop(rig.batch, 64);
                serving.set(true);
                for (int i = 0; i < rig.batch.count; i++) {
                    reader.reset(rig.batch, i).copyTo(bytes, 0, 64);
                    writer.reset(rig.batch, i).copyFrom(bytes, 0, 64);
                    queue.push(rig.batch.head[i], 64);
                }
                queue.flush();
                queue.arm();
                while (rig.driver.poll()) {
                    Thread.onSpinWait();
                }
            }
        } catch (InternalError expected) {
            return true;
        } catch (IllegalStateException driverGotLost) {
            // The driver reads zeros, or nothing comes back.
            return false;
        }
        return false;
    }
}
