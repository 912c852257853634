package io.vireo.fabric.storage.move;

import static io.vireo.fabric.storage.move.OnReactor.await;
import static io.vireo.fabric.storage.move.OnReactor.call;
import static io.vireo.fabric.storage.move.OnReactor.tell;
import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockChannel;
import io.vireo.block.BlockDevice;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.memory.NativeMemory;
import io.vireo.memory.OwnMemory;
import io.vireo.reactor.Poller;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.Registration;
import io.vireo.testkit.crash.DiskLog;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;

/**
 * Uses a small vDisk on a stepped reactor while it is moved, one request for a block at a time, and
 * knows what each block may hold after a loss of power at any time of the log.
 */
final class MoveClient implements Poller, AutoCloseable {
    static final int BLOCK = 4096;
    static final int BLOCKS = 96;
    static final long SIZE = (long) BLOCKS * BLOCK;
    static final int OUTSTANDING = 6;

    /** What became of a block: when it was asked for, and when it was done. */
    private static final class Version {
        final long number;
        final int submitted;
        final boolean durable;

        /** It may be there or not, whenever. */
        final boolean discard;

        int completed = DiskLog.NEVER;

        Version(long number, int submitted, boolean durable, boolean discard) {
            this.number = number;
            this.submitted = submitted;
            this.durable = durable;
            this.discard = discard;
        }
    }

    private record Flush(int submitted, int completed) {}

    private final Reactor reactor;
    private final DiskLog log;
    private final Random random;
    private final OwnMemory memory = OwnMemory.allocate((OUTSTANDING + 1) * BLOCK);
    private final List<List<Version>> history = new ArrayList<>();
    private final List<Flush> flushes = new ArrayList<>();
    private final boolean[] busy = new boolean[BLOCKS];
    private final List<Integer> slots = new ArrayList<>();
    private BlockChannel channel;
    private Registration registration;
    private boolean goesOn;
    private int outstanding;
    private long versions;

    /**
     * @param device what it uses, which reads as zeroes
     */
    MoveClient(BlockDevice device, Reactor reactor, DiskLog log, long seed) {
        this.reactor = reactor;
        this.log = log;
        random = new Random(seed);
        for (int i = 0; i < BLOCKS; i++) {
            history.add(new ArrayList<>(List.of(new Version(0, -1, true, false))));
        }
        for (int i = 0; i < OUTSTANDING; i++) {
            slots.add(i);
        }
        channel = call(reactor, () -> device.open(reactor));
        registration = register();
    }

    private Registration register() {
        return call(
                reactor,
                () -> {
                    Registration added = reactor.add(this);
                    channel.onReady(added::wake);
                    return added;
                });
    }

    /** Uses another device from now on, which is to be the same. */
    void goTo(BlockDevice device) {
        boolean went = goesOn;
        goesOn = false;
        leave();
        goesOn = went;
        channel = call(reactor, () -> device.open(reactor));
        registration = register();
    }

    @Override
    public int poll() {
        int work = channel.poll();
        if (goesOn && !isFull() && random.nextInt(8) == 0) {
            any();
            work++;
        }
        return work;
    }

    /** Whether it asks for more by itself, whenever it is polled. */
    void goesOn(boolean on) {
        goesOn = on;
    }

    @Override
    public String name() {
        return "client";
    }

    /** Whether the next request would wait for an earlier one. */
    boolean isFull() {
        return outstanding == OUTSTANDING;
    }

    /** So many requests more. */
    void operate(int times) {
        for (int i = 0; i < times; i++) {
            operate();
        }
    }

    private void operate() {
        while (isFull()) {
            reactor.step();
        }
        any();
        for (int i = random.nextInt(12); i > 0; i--) {
            reactor.step();
        }
    }

    private void any() {
        int kind = random.nextInt(20);
        if (kind == 0) {
            flush();
        } else {
            int block = random.nextInt(BLOCKS);
            if (!busy[block]) {
                change(block, kind);
            }
        }
    }

    /** Makes everything durable that has ended. */
    void flush() {
        int at = log.tick();
        start(
                new BlockRequest(
                                0,
                                ended -> {
                                    outstanding--;
                                    assertThat(ended.status()).isEqualTo(BlockStatus.OK);
                                    flushes.add(new Flush(at, log.tick()));
                                })
                        .prepare(BlockOperation.FLUSH, 0, 0));
    }

    private void change(int block, int kind) {
        boolean zero = kind == 1 || kind == 2;
        boolean durable = kind == 3 || kind == 1;
        busy[block] = true;
        int slot = slots.removeLast();
        var version = new Version(zero ? 0 : ++versions, log.tick(), durable, kind == 2);
        history.get(block).add(version);
        var request =
                new BlockRequest(
                                block,
                                ended -> {
                                    outstanding--;
                                    assertThat(ended.status()).isEqualTo(BlockStatus.OK);
                                    version.completed = log.tick();
                                    busy[block] = false;
                                    slots.add(slot);
                                })
                        .prepare(
                                kind == 1
                                        ? BlockOperation.WRITE_ZEROES
                                        : zero ? BlockOperation.DISCARD : BlockOperation.WRITE,
                                (long) block * BLOCK,
                                BLOCK)
                        .forceUnitAccess(durable);
        if (!zero) {
            fill(slot * BLOCK, block, version.number);
            request.data().add(memory.address() + (long) slot * BLOCK, BLOCK);
        }
        start(request);
    }

    private void start(BlockRequest request) {
        outstanding++;
        reactor.execute(() -> channel.submit(request));
    }

    private void fill(int at, long block, long number) {
        for (int i = 0; i < BLOCK; i += 16) {
            NativeMemory.putLong(memory.address() + at + i, block + 1);
            NativeMemory.putLong(memory.address() + at + i + 8, number);
        }
    }

    /** Waits until nothing is in flight. */
    void settle() {
        while (outstanding > 0) {
            reactor.step();
        }
    }

    /** Leaves the device. */
    void leave() {
        settle();
        leave(channel, registration);
    }

    private void leave(BlockChannel left, Registration registered) {
        var closed = new CompletableFuture<Boolean>();
        reactor.execute(() -> left.close(() -> closed.complete(true)));
        await(reactor, closed);
        tell(reactor, registered::close);
    }

    /** Reads a device, which is to be what this one was when the power went. */
    void compare(BlockDevice device, int crash, String where) {
        long[] found = versions(device, where);
        for (int block = 0; block < BLOCKS; block++) {
            check(block, found[block], crash, where);
        }
    }

    /** Reads a device: the version of each block, which has to be whole. */
    long[] versions(BlockDevice device, String where) {
        long[] found = new long[BLOCKS];
        BlockChannel reader = call(reactor, () -> device.open(reactor));
        Registration registered = call(reactor, () -> reactor.add(new Reader(reader)));
        int at = OUTSTANDING * BLOCK;
        for (int block = 0; block < BLOCKS; block++) {
            var ended = new CompletableFuture<BlockStatus>();
            var request =
                    new BlockRequest(0, r -> ended.complete(r.status()))
                            .prepare(BlockOperation.READ, (long) block * BLOCK, BLOCK);
            request.data().add(memory.address() + at, BLOCK);
            reactor.execute(() -> reader.submit(request));
            assertThat(await(reactor, ended)).isEqualTo(BlockStatus.OK);
            found[block] = version(block, at, where);
        }
        leave(reader, registered);
        return found;
    }

    private record Reader(BlockChannel channel) implements Poller {
        @Override
        public int poll() {
            return channel.poll();
        }

        @Override
        public String name() {
            return "reader";
        }
    }

    private long word(int at) {
        return NativeMemory.getLong(memory.address() + at);
    }

    private long version(int block, int at, String where) {
        long number = word(at + 8);
        String what = "%s, block %d".formatted(where, block);
        for (int i = 0; i < BLOCK; i += 16) {
            assertThat(word(at + i)).as(what).isEqualTo(number == 0 ? 0 : block + 1);
            assertThat(word(at + i + 8)).as(what).isEqualTo(number);
        }
        return number;
    }

    private void check(int block, long number, int crash, String where) {
        List<Version> all = history.get(block);
        int last = 0;
        for (int i = 0; i < all.size(); i++) {
            if (!all.get(i).discard && isDurable(all.get(i), crash)) {
                last = i;
            }
        }
        boolean allowed = false;
        for (int i = last; i < all.size(); i++) {
            allowed |= all.get(i).number == number && all.get(i).submitted < crash;
        }
        int oldest = last;
        assertThat(allowed)
                .as(() ->
                        "%s, block %d holds version %d, and version %d was durable"
                                .formatted(where, block, number, all.get(oldest).number))
                .isTrue();
    }

    private boolean isDurable(Version version, int crash) {
        if (version.submitted < 0) {
            return true;
        }
        return version.completed < crash && (version.durable || flushed(version, crash));
    }

    private boolean flushed(Version version, int crash) {
        return flushes.stream()
                .anyMatch(flush ->
                        version.completed < flush.submitted() && flush.completed() < crash);
    }

    @Override
    public void close() {
        memory.close();
    }
}
