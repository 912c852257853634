package io.vireo.virtqueue;

import java.util.Arrays;

/**
 * Prints what pop, push and flush cost per chain, in nanoseconds: batches of 32, driver and device
 * on one thread, the driver's part not counted. No test; run its main.
 */
final class VirtqueueSpeed {
    private static final int BATCH = 32;
    private static final int TURNS = Integer.getInteger("turns", 400_000);
    private static final int WINDOWS = 9;

    private static long polled;

    private VirtqueueSpeed() {}

    private interface Adder {
        void add(Rig rig);
    }

    public static void main(String[] arguments) {
        long[] addresses = new long[3];
        int[] lengths = {16, 4096, 1};
        long[] table = {0};
        for (long features : new long[] {Rig.ALL, Rig.PACKED, Rig.ALL, Rig.PACKED}) {
            System.out.println(features == Rig.PACKED ? "packed" : "split");
            report(
                    "1 readable",
                    features,
                    rig -> rig.driver.addReadable(addresses[0], 64),
                    addresses,
                    table);
            report(
                    "1 writable",
                    features,
                    rig -> rig.driver.addWritable(addresses[0], 64),
                    addresses,
                    table);
            report(
                    "3 direct",
                    features,
                    rig -> rig.driver.add(addresses, lengths, 3, 1),
                    addresses,
                    table);
            report(
                    "3 indirect",
                    features,
                    rig -> rig.driver.addIndirect(table[0], addresses, lengths, 3, 1),
                    addresses,
                    table);
        }
    }

    private static void report(
            String what, long features, Adder adder, long[] addresses, long[] table) {
        try (Rig rig = new Rig(256, features, 0)) {
            addresses[0] = rig.buffer(64);
            addresses[1] = rig.buffer(4096);
            addresses[2] = rig.buffer(1);
            table[0] = rig.buffer(64);
            // The median turn of each window: a turn is too short to be interrupted often.
            double[] pops = new double[WINDOWS];
            double[] pushes = new double[WINDOWS];
            long[] popTurns = new long[TURNS];
            long[] pushTurns = new long[TURNS];
            for (int window = 0; window < WINDOWS; window++) {
                for (int turn = 0; turn < TURNS; turn++) {
                    for (int i = 0; i < BATCH; i++) {
                        adder.add(rig);
                    }
                    rig.driver.publish();
                    rig.batch.clear();
                    long start = System.nanoTime();
                    int count = rig.queue.pop(rig.batch, 64);
                    long middle = System.nanoTime();
                    for (int i = 0; i < count; i++) {
                        rig.queue.push(rig.batch.head[i], 0);
                    }
                    rig.queue.flush();
                    long end = System.nanoTime();
                    popTurns[turn] = middle - start;
                    pushTurns[turn] = end - middle;
                    while (rig.driver.poll()) {
                        polled++;
                    }
                }
                Arrays.sort(popTurns);
                Arrays.sort(pushTurns);
                pops[window] = (double) popTurns[TURNS / 2] / BATCH;
                pushes[window] = (double) pushTurns[TURNS / 2] / BATCH;
            }
            if (polled != (long) WINDOWS * TURNS * BATCH) {
                throw new AssertionError(polled + " chains came back");
            }
            polled = 0;
            Arrays.sort(pops);
            Arrays.sort(pushes);
            System.out.printf(
                    "%-12s pop %.2f  push+flush %.2f  (min %.2f %.2f)%n",
                    what, pops[WINDOWS / 2], pushes[WINDOWS / 2], pops[0], pushes[0]);
        }
    }
}
