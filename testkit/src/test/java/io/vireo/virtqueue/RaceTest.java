package io.vireo.virtqueue;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.testkit.DriverMemory;
import io.vireo.testkit.DriverQueue;
import io.vireo.testkit.PackedDriverQueue;
import io.vireo.testkit.SplitDriverQueue;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Driver and device on two threads. */
class RaceTest {
    private static final int EXCHANGED = 10_000_000;
    private static final int ROUND_TRIPS = 200_000;

    /** Runs both at once; an error of either is an error of the test. */
    private static void race(Runnable driver, Runnable device) throws InterruptedException {
        ExecutorService threads = Executors.newFixedThreadPool(2);
        try {
            List<Future<?>> both = new ArrayList<>();
            both.add(threads.submit(driver));
            both.add(threads.submit(device));
            for (Future<?> one : both) {
                one.get();
            }
        } catch (ExecutionException e) {
            throw new AssertionError(e.getCause());
        } finally {
            threads.shutdownNow();
        }
    }

    /** The two sides of a queue that sleep when there is nothing to do. */
    private static final class Exchange {
        final Semaphore kicks = new Semaphore(0);
        final Semaphore calls = new Semaphore(0);
        final int chains;
        final int depth;
        final DriverMemory memory = new DriverMemory(1 << 22);
        final DriverQueue driver;
        final Virtqueue queue;
        final ChainBatch batch;

        Exchange(int size, long features, int base, int chains, int depth) {
            this.chains = chains;
            this.depth = depth;
            driver = DriverQueue.of(memory, size, features, base);
            batch = new ChainBatch(size);
            queue =
                    Rig.activate(
                            new VirtqueueConfig(
                                    0,
                                    size,
                                    driver.addresses(),
                                    DriverQueue.base(size, features, base),
                                    features,
                                    memory.table(),
                                    calls::release,
                                    Optional.empty(),
                                    (broken, cause) -> {
                                        throw new AssertionError(cause);
                                    }));
        }

        void drive() {
            long buffer = memory.allocate(64, 64);
            int added = 0;
            int done = 0;
            int outstanding = 0;
            while (done < chains) {
                boolean idle = true;
                while (outstanding < depth && added < chains) {
                    driver.addReadable(buffer, 1 + (added & 63));
                    added++;
                    outstanding++;
                    idle = false;
                }
                if (driver.publish()) {
                    kicks.release();
                }
                while (driver.poll()) {
                    // The length told back is the one sent: nothing is mixed up.
                    done++;
                    outstanding--;
                    idle = false;
                }
                if (idle && driver.arm()) {
                    calls.acquireUninterruptibly();
                    driver.disarm();
                }
            }
        }

        void serve() {
            int served = 0;
            while (served < chains) {
                batch.clear();
                int popped = queue.pop(batch, 64);
                for (int i = 0; i < popped; i++) {
                    assertThat(batch.readableBytes[i] == 1 + ((served + i) & 63)).isTrue();
                    queue.push(batch.head[i], 0);
                }
                queue.flush();
                served += popped;
                if (popped == 0 && queue.arm()) {
                    kicks.acquireUninterruptibly();
                    queue.disarm();
                }
            }
        }
    }

    /**
     * Both sides go to sleep whenever they see nothing. A notification that is lost, or a store
     * seen out of order, stops this test for ever or mixes chains up.
     */
    @ParameterizedTest
    @ValueSource(
            longs = {
                Virtqueue.VERSION_1,
                Rig.ALL,
                Virtqueue.VERSION_1 | Virtqueue.RING_PACKED,
                Rig.PACKED,
                Rig.PACKED | Virtqueue.IN_ORDER
            })
    void millionsOfChainsAndNoNotificationIsLost(long features) throws InterruptedException {
        Exchange exchange = new Exchange(256, features, 65000, EXCHANGED, 256);
        race(exchange::drive, exchange::serve);
        assertThat(exchange.queue.inFlight()).isZero();
        assertThat(exchange.driver.free()).isEqualTo(256);
        exchange.memory.close();
    }

    /** One chain at a time: the two sides fall asleep and wake at every single one. */
    @ParameterizedTest
    @ValueSource(
            longs = {
                Virtqueue.VERSION_1,
                Rig.ALL,
                Virtqueue.VERSION_1 | Virtqueue.RING_PACKED,
                Rig.PACKED,
                Rig.PACKED | Virtqueue.IN_ORDER
            })
    void roundTripsOfOneChainAndNoNotificationIsLost(long features) throws InterruptedException {
        Exchange exchange = new Exchange(2, features, 0, ROUND_TRIPS, 1);
        race(exchange::drive, exchange::serve);
        assertThat(exchange.queue.inFlight()).isZero();
        exchange.memory.close();
    }

    /** Another processor of the guest rewrites descriptors and tables while they are validated. */
    @ParameterizedTest
    @ValueSource(longs = {Rig.ALL, Rig.PACKED})
    void descriptorsThatChangeBetweenReadsNeverLeadOutOfTheMemory(long features)
            throws InterruptedException {
        AtomicBoolean done = new AtomicBoolean();
        int size = 16;
        try (Rig rig = new Rig(size, features, 0)) {
            long table = rig.buffer(16 * size);
            long buffer = rig.buffer(256);
            race(
                    () -> vandalize(rig.driver, table, buffer, done),
                    () -> {
                        try {
                            validate(rig, size, features);
                        } finally {
                            done.set(true);
                        }
                    });
        }
    }

    private static void vandalize(DriverQueue driver, long table, long buffer, AtomicBoolean done) {
        Random random = new Random(1);
        long end = DriverMemory.GUEST_BASE + Rig.MEMORY;
        long[] addresses = {buffer, end - 1, end, table, 0, -1, Long.MIN_VALUE};
        int[] lengths = {1, 16, 32, 256, 16 * 17, 0, -1, Integer.MIN_VALUE};
        while (!done.get()) {
            int index = random.nextInt(16);
            long address = addresses[random.nextInt(3) > 0 ? 0 : random.nextInt(addresses.length)];
            int length = lengths[random.nextInt(3) > 0 ? 1 : random.nextInt(lengths.length)];
            int next = random.nextInt(8) > 0 ? (index + 1) & 15 : random.nextInt(65536);
            switch (driver) {
                case SplitDriverQueue split -> {
                    if (random.nextBoolean()) {
                        split.entry(table, index, address, length, random.nextInt(4), next);
                    } else if (random.nextBoolean()) {
                        split.descriptor(index, table, length, DriverQueue.INDIRECT, next);
                    } else {
                        split.descriptor(index, address, length, random.nextInt(8), next);
                    }
                }
                case PackedDriverQueue packed -> {
                    int flags = random.nextInt(8) > 0 ? PackedDriverQueue.AVAIL : 0;
                    if (random.nextBoolean()) {
                        packed.entry(table, index, address, length, next, random.nextInt(4));
                    } else if (random.nextBoolean()) {
                        packed.descriptor(
                                index, table, length, index, flags | DriverQueue.INDIRECT);
                    } else {
                        int id = random.nextInt(8) > 0 ? index : next;
                        packed.descriptor(index, address, length, id, flags | random.nextInt(8));
                    }
                }
            }
        }
    }

    private static void validate(Rig rig, int size, long features) {
        long from = rig.memory.regions().getFirst().hostAddress();
        long until = from + Rig.MEMORY;
        int broken = 0;
        int whole = 0;
        for (int round = 0; round < 300_000; round++) {
            // A fresh queue each time, for most of them break.
            int base = 0;
            if (features == Rig.PACKED) {
                base = round % size | 1 << 15;
            } else {
                rig.split().available(0, round % size);
                rig.split().availableIndex(1);
            }
            Virtqueue queue = Rig.activate(rig.config(size, features, base, Optional.empty()));
            rig.batch.clear();
            if (queue.pop(rig.batch, 1) == 0) {
                // A packed ring has nothing available where the flags say so at this moment.
                assertThat(queue.broken() || features == Rig.PACKED).isTrue();
                broken += queue.broken() ? 1 : 0;
                continue;
            }
            whole++;
            long bytes = 0;
            for (int i = 0; i < rig.batch.ranges; i++) {
                long address = rig.batch.rangeAddress[i];
                int length = rig.batch.rangeLength[i];
                if (address < from || length <= 0 || address + length > until) {
                    throw new AssertionError("range outside the memory");
                }
                bytes += length;
            }
            if (bytes != rig.batch.readableBytes[0] + rig.batch.writableBytes[0]
                    || rig.batch.ranges
                            != rig.batch.readableRanges[0] + rig.batch.writableRanges[0]) {
                throw new AssertionError("sums that do not fit the ranges");
            }
        }
        assertThat(broken).isPositive();
        assertThat(whole).isPositive();
    }
}
