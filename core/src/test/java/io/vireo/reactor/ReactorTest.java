package io.vireo.reactor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vireo.linux.Epoll;
import io.vireo.linux.Eventfd;
import io.vireo.linux.OpenFiles;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ReactorTest {
    private final Reactor reactor = Reactor.start(new ReactorConfig("test", -1, PollMode.ADAPTIVE));

    @AfterEach
    void stop() {
        reactor.close();
    }

    @Test
    void tasksOfOneThreadRunInOrderAndNoneIsLostAcrossSleeps() throws Exception {
        int threads = 4;
        int each = 20_000;
        var seen = new ArrayList<List<Integer>>();
        var done = new CountDownLatch(threads * each);
        var senders = new ArrayList<Thread>();
        for (int t = 0; t < threads; t++) {
            var mine = Collections.synchronizedList(new ArrayList<Integer>());
            seen.add(mine);
            senders.add(
                    Thread.ofPlatform()
                            .start(() -> {
                                for (int i = 0; i < each; i++) {
                                    int number = i;
                                    reactor.execute(() -> {
                                        mine.add(number);
                                        done.countDown();
                                    });
                                    if (i % 1000 == 0) {
                                        Thread.yield();
                                    }
                                }
                            }));
        }
        for (var sender : senders) {
            sender.join();
        }
        assertThat(done.await(60, TimeUnit.SECONDS)).isTrue();
        for (var mine : seen) {
            assertThat(mine).hasSize(each).isSorted();
        }
    }

    @Test
    void oneTaskAtATimeAlwaysWakesASleepingReactor() throws Exception {
        for (int i = 0; i < 2_000; i++) {
            var done = new CountDownLatch(1);
            reactor.execute(done::countDown);
            assertThat(done.await(60, TimeUnit.SECONDS)).as("task %d", i).isTrue();
        }
    }

    @Test
    void anIdlePollerIsParkedAndComesBackWhenWoken() throws Exception {
        var poller = new Source("parked");
        var registration = add(poller);
        poller.armed.await();
        assertThat(settled(() -> reactor.metrics().parkedPollers() == 1)).isTrue();
        for (int i = 0; i < 1_000; i++) {
            poller.produced.incrementAndGet();
            reactor.execute(registration::wake);
            long wanted = poller.produced.get();
            assertThat(settled(() -> poller.consumed.get() == wanted)).isTrue();
        }
        assertThat(poller.failed).hasValue(0);
    }

    @Test
    void aPollerWhoseSourceHasWorkWhenItArmsIsNotParked() throws Exception {
        var calls = new AtomicInteger();
        var enough = new CountDownLatch(1);
        add(
                new Poller() {
                    @Override
                    public int poll() {
                        return 0;
                    }

                    @Override
                    public String name() {
                        return "never quiet";
                    }

                    @Override
                    public boolean arm() {
                        if (calls.incrementAndGet() == 10) {
                            enough.countDown();
                        }
                        return false;
                    }
                });
        assertThat(enough.await(60, TimeUnit.SECONDS)).isTrue();
        assertThat(reactor.metrics().parkedPollers()).isZero();
    }

    @Test
    void onlyTurnsWithWorkAreBusyTime() throws Exception {
        var worked = new CountDownLatch(1);
        var idle = new AtomicLong();
        var before = reactor.metrics().busyNanos();
        add(
                new Poller() {
                    @Override
                    public int poll() {
                        if (worked.getCount() > 0) {
                            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
                            worked.countDown();
                            return 1;
                        }
                        idle.incrementAndGet();
                        return 0;
                    }

                    @Override
                    public String name() {
                        return "works once";
                    }

                    @Override
                    public boolean arm() {
                        return false;
                    }
                });
        assertThat(settled(() -> idle.get() > 10)).isTrue();
        long afterWork = reactor.metrics().busyNanos();
        assertThat(afterWork - before).isGreaterThan(0);
        long turns = idle.get();
        assertThat(settled(() -> idle.get() > turns + 1000)).isTrue();
        assertThat(reactor.metrics().busyNanos()).isEqualTo(afterWork);
    }

    @Test
    void aFailingPollerIsRemovedAndTheOthersGoOn() throws Exception {
        var healthy = new AtomicLong();
        add(
                new Poller() {
                    @Override
                    public int poll() {
                        throw new IllegalStateException("a bug, made on purpose");
                    }

                    @Override
                    public String name() {
                        return "failing";
                    }
                });
        add(counting(healthy));
        assertThat(settled(() -> healthy.get() > 1000)).isTrue();
        assertThat(reactor.metrics().failures()).isEqualTo(1);
        assertThat(reactor.metrics().activePollers()).isEqualTo(1);
    }

    @Test
    void aMemoryFaultKeepsThePollerAndTellsTheListeners() throws Exception {
        var polls = new AtomicInteger();
        var told = new CountDownLatch(1);
        reactor.execute(() ->
                reactor.onMemoryFault(() -> {
                    told.countDown();
                    return true;
                }));
        add(
                new Poller() {
                    @Override
                    public int poll() {
                        if (polls.incrementAndGet() == 5) {
                            throw new InternalError("a fault, made on purpose");
                        }
                        return 1;
                    }

                    @Override
                    public String name() {
                        return "faulting once";
                    }
                });
        assertThat(told.await(60, TimeUnit.SECONDS)).isTrue();
        assertThat(settled(() -> polls.get() > 1000)).isTrue();
        assertThat(reactor.metrics().memoryFaults()).isEqualTo(1);
        assertThat(reactor.metrics().failures()).isZero();
    }

    @Test
    void whoWakesAPollerDoesNotTouchItsMemory() throws Exception {
        var asked = new CountDownLatch(2);
        var registration =
                add(
                        new Poller() {
                            @Override
                            public int poll() {
                                return 0;
                            }

                            @Override
                            public String name() {
                                return "without memory";
                            }

                            @Override
                            public boolean arm() {
                                asked.countDown();
                                return true;
                            }

                            @Override
                            public void disarm() {
                                throw new InternalError("a fault, made on purpose");
                            }
                        });
        assertThat(settled(() -> reactor.metrics().parkedPollers() == 1)).isTrue();
        var wentOn = new CountDownLatch(1);
        reactor.execute(() -> {
            registration.wake();
            wentOn.countDown();
        });
        assertThat(wentOn.await(60, TimeUnit.SECONDS)).isTrue();
        // The fault was its own, and it is polled all the same.
        assertThat(asked.await(60, TimeUnit.SECONDS)).isTrue();
        assertThat(reactor.metrics().memoryFaults()).isEqualTo(1);
    }

    @Test
    void timersRunInTheOrderOfTheirDeadlinesAndCancelledOnesDoNot() throws Exception {
        var order = Collections.synchronizedList(new ArrayList<String>());
        // A reactor that is kept from running while it starts them has other deadlines.
        while (startTimers(order) >= 9_000_000) {
            order.clear();
        }
        assertThat(order).containsExactly("first", "second", "third");
    }

    /** Waits for all of them; returns how many nanoseconds passed while they were started. */
    private long startTimers(List<String> order) throws Exception {
        var took = new AtomicLong();
        var done = new CountDownLatch(1);
        reactor.execute(() -> {
            long begin = System.nanoTime();
            reactor.schedule(30_000_000, () -> order.add("third"));
            reactor.schedule(1_000_000, () -> order.add("first"));
            reactor.schedule(10_000_000, () -> order.add("second"));
            reactor.schedule(5_000_000, () -> order.add("cancelled")).cancel();
            reactor.schedule(40_000_000, done::countDown);
            took.set(System.nanoTime() - begin);
        });
        assertThat(done.await(60, TimeUnit.SECONDS)).isTrue();
        return took.get();
    }

    @Test
    void aWatchSeesItsDescriptorWhileThereIsWorkAndWhileAsleep() throws Exception {
        try (var eventfd = Eventfd.create()) {
            var ready = new AtomicInteger();
            var closed = new CountDownLatch(1);
            var watch = new FdWatch[1];
            reactor.execute(() ->
                    watch[0] =
                            reactor.watch(
                                    eventfd.fd().number(),
                                    Epoll.EPOLLIN,
                                    _ -> {
                                        eventfd.drain();
                                        ready.incrementAndGet();
                                    }));
            eventfd.signal();
            assertThat(settled(() -> ready.get() == 1)).isTrue();
            add(counting(new AtomicLong()));
            eventfd.signal();
            assertThat(settled(() -> ready.get() == 2)).isTrue();
            reactor.execute(() -> {
                watch[0].close();
                watch[0].close();
                closed.countDown();
            });
            assertThat(closed.await(60, TimeUnit.SECONDS)).isTrue();
            eventfd.signal();
            var later = new CountDownLatch(1);
            reactor.execute(() -> reactor.schedule(5_000_000, later::countDown));
            assertThat(later.await(60, TimeUnit.SECONDS)).isTrue();
            assertThat(ready).hasValue(2);
        }
    }

    @Test
    void aClosedReactorGivesItsDescriptorsBack() throws Exception {
        long before = OpenFiles.count();
        for (int i = 0; i < 10; i++) {
            var shortLived = Reactor.start(new ReactorConfig("short-lived", -1, PollMode.BUSY));
            var turns = new AtomicLong();
            shortLived.execute(() -> shortLived.add(counting(turns)));
            assertThat(settled(() -> turns.get() > 100_000)).isTrue();
            shortLived.close();
        }
        assertThat(settled(() -> OpenFiles.count() <= before)).isTrue();
    }

    @Test
    void waitsLessWhileOthersWorkForItUnlessItNeverSleeps() {
        assertThat(PollMode.ADAPTIVE.parkWhileOthersWorkNanos())
                .isPositive()
                .isLessThan(PollMode.ADAPTIVE.parkAfterNanos());
        assertThat(PollMode.BUSY.parkWhileOthersWorkNanos()).isEqualTo(Long.MAX_VALUE);
        assertThat(PollMode.INTERRUPT.parkWhileOthersWorkNanos()).isZero();
    }

    @Test
    void theGroupDealsOutItsReactorsInTurn() {
        var group = ReactorGroup.start(List.of(-1, -1), PollMode.INTERRUPT);
        try {
            assertThat(List.of(group.next(), group.next(), group.next()))
                    .containsExactly(group.data().get(0), group.data().get(1), group.data().get(0));
        } finally {
            group.close();
        }
    }

    private Registration add(Poller poller) throws InterruptedException {
        var registration = new Registration[1];
        var added = new CountDownLatch(1);
        reactor.execute(() -> {
            registration[0] = reactor.add(poller);
            added.countDown();
        });
        added.await();
        return registration[0];
    }

    private static Poller counting(AtomicLong turns) {
        return new Poller() {
            @Override
            public int poll() {
                turns.incrementAndGet();
                return 1;
            }

            @Override
            public String name() {
                return "counting";
            }
        };
    }

    private static boolean settled(java.util.function.BooleanSupplier condition)
            throws InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() - deadline > 0) {
                return false;
            }
            Thread.sleep(1);
        }
        return true;
    }

    /** Work that another thread produces. */
    private static final class Source implements Poller {
        final AtomicLong produced = new AtomicLong();
        final AtomicLong consumed = new AtomicLong();
        final AtomicInteger failed = new AtomicInteger();
        final CountDownLatch armed = new CountDownLatch(1);
        private final String name;
        private boolean isArmed;

        Source(String name) {
            this.name = name;
        }

        @Override
        public int poll() {
            if (isArmed) {
                failed.incrementAndGet();
            }
            long available = produced.get() - consumed.get();
            consumed.addAndGet(available);
            return (int) available;
        }

        @Override
        public String name() {
            return name;
        }

        @Override
        public boolean arm() {
            isArmed = produced.get() == consumed.get();
            if (isArmed) {
                armed.countDown();
            }
            return isArmed;
        }

        @Override
        public void disarm() {
            isArmed = false;
        }
    }

    @Test
    void aSteppedReactorDoesNothingByItselfAndItsClockMovesOnlyToTimers() throws Exception {
        Reactor stepped = Reactor.stepped("stepped");
        var seen = new ArrayList<String>();
        var done = new CompletableFuture<Boolean>();
        stepped.execute(() -> {
            seen.add("message on thread " + stepped.onThread());
            stepped.schedule(500, () -> seen.add("second at " + stepped.nanoTime()));
            stepped.schedule(300, () -> seen.add("first at " + stepped.nanoTime()));
            stepped.schedule(700, () -> done.complete(true));
        });
        assertThat(seen).isEmpty();
        assertThat(stepped.await(done)).isTrue();
        assertThat(seen).containsExactly("message on thread true", "first at 300", "second at 500");
        assertThat(stepped.nanoTime()).isEqualTo(700);
        assertThat(stepped.onThread()).isFalse();
        assertThat(stepped.step()).isZero();
        assertThatThrownBy(() -> stepped.await(new CompletableFuture<>()))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("nothing left to do");
        stepped.close();
    }

    @Test
    void whatAPollerPutsOffIsDoneOnceAfterAllPollersOfTheTurn() throws Exception {
        var stepped = Reactor.stepped("stepped");
        var order = new ArrayList<String>();
        boolean[] failing = new boolean[1];
        for (int i = 0; i < 6; i++) {
            int number = i;
            stepped.add(
                    new Poller() {
                        @Override
                        public int poll() {
                            order.add("poll");
                            stepped.atEndOfTurn(() -> order.add("end" + number));
                            if (failing[0] && number == 3) {
                                throw new InternalError("a fault");
                            }
                            return 1;
                        }

                        @Override
                        public String name() {
                            return "poller" + number;
                        }

                        @Override
                        public boolean arm() {
                            return false;
                        }

                        @Override
                        public void disarm() {}
                    });
        }
        for (int turn = 0; turn < 3; turn++) {
            failing[0] = turn == 1;
            stepped.execute(() -> order.add("task"));
            stepped.step();
            assertThat(order.removeFirst()).isEqualTo("task");
            assertThat(order.subList(0, 6)).containsOnly("poll");
            assertThat(order.subList(6, order.size()))
                    .containsExactlyInAnyOrder("end0", "end1", "end2", "end3", "end4", "end5");
            order.clear();
        }
        stepped.close();
    }

    @Test
    void waitingForAReactorBlocksUntilItHasDoneIt() throws Exception {
        var done = new CompletableFuture<Boolean>();
        reactor.execute(() -> reactor.schedule(1_000_000, () -> done.complete(reactor.onThread())));
        assertThat(reactor.await(done)).isTrue();
        assertThatThrownBy(reactor::step).isInstanceOf(IllegalStateException.class);
    }
}
