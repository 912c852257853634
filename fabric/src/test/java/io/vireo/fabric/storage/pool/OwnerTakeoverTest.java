package io.vireo.fabric.storage.pool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.block.VolumeFormat;
import io.vireo.fabric.storage.format.ClaimBlock;
import io.vireo.fabric.storage.format.FormatException;
import io.vireo.fabric.storage.format.PoolFormat;
import io.vireo.fabric.storage.format.PoolOwner;
import io.vireo.fabric.storage.format.Superblock;
import io.vireo.memory.OwnMemory;
import io.vireo.reactor.Reactor;
import io.vireo.resource.Progress;
import io.vireo.resource.ResourceException;
import io.vireo.resource.Wait;
import io.vireo.testkit.crash.CrashPoint;
import io.vireo.testkit.crash.DiskFault;
import io.vireo.testkit.crash.DiskImage;
import io.vireo.testkit.crash.DiskLog;
import io.vireo.testkit.crash.SimulatedDisk;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Two hosts that reach one disk, with no lock between them. */
class OwnerTakeoverTest {
    private static final int CHUNK = 16 << 10;
    private static final long SECOND = TimeUnit.SECONDS.toNanos(1);
    private static final PoolOwner ALPHA = new PoolOwner(UUID.randomUUID(), "alpha");
    private static final PoolOwner BETA = new PoolOwner(UUID.randomUUID(), "beta");
    private static final PoolOwner GAMMA = new PoolOwner(UUID.randomUUID(), "gamma");

    /** A change of the disk by one of the hosts. */
    private record Change(long nanoTime, BlockOperation operation, long offset, long length) {
        boolean isClaim() {
            return operation == BlockOperation.WRITE
                    && offset == ClaimBlock.CLAIM
                    && length == PoolFormat.BLOCK;
        }
    }

    private final Reactor home = Reactor.stepped("two-hosts");
    private final DiskImage image = new DiskImage(8 << 20);
    private final DiskLog log = new DiskLog();
    private final SimulatedDisk alphas = disk();
    private final SimulatedDisk betas = disk();
    private final List<Change> byAlpha = watched(alphas);
    private final List<Change> byBeta = watched(betas);
    private final List<String> troubles = new ArrayList<>();
    private StoragePool pool;
    private SteppedClient client;

    /** Whether the pool was abandoned, and nobody has it. */
    private boolean dead;

    private SimulatedDisk disk() {
        var disk = new SimulatedDisk(0, image, log, 1, true);
        disk.logging(false);
        return disk;
    }

    private List<Change> watched(SimulatedDisk disk) {
        var changes = new ArrayList<Change>();
        disk.faults(request -> {
            note(changes, request);
            return DiskFault.NONE;
        });
        return changes;
    }

    private void note(List<Change> changes, BlockRequest request) {
        BlockOperation operation = request.operation();
        if (operation != BlockOperation.READ && operation != BlockOperation.FLUSH) {
            changes.add(new Change(home.nanoTime(), operation, request.offset(), request.length()));
        }
    }

    @BeforeEach
    void create() {
        StoragePool.create(PoolStore.CONFIG, List.of(alphas), home);
        var events =
                new PoolEvents() {
                    @Override
                    public void trouble(String sentence) {
                        troubles.add(sentence);
                    }
                };
        pool =
                StoragePool.open(
                        List.of(alphas),
                        home,
                        new PoolOptions(Duration.ofSeconds(5), Duration.ofSeconds(1), events)
                                .by(ALPHA));
        pool.createVolume("v", new VolumeFormat(1 << 20, 512, 4096));
        client = new SteppedClient(pool.device("v"), home);
        assertThat(write(0, 1)).isEqualTo(BlockStatus.OK);
        assertThat(flush()).isEqualTo(BlockStatus.OK);
    }

    @AfterEach
    void close() {
        // A pool that looks once a second would wait for its disk without end.
        alphas.release();
        alphas.comeBack();
        if (!dead) {
            die();
        }
        home.close();
    }

    private CompletableFuture<BlockStatus> begin(int chunk, int value, boolean durable) {
        byte[] data = new byte[CHUNK];
        Arrays.fill(data, (byte) value);
        return client.write((long) chunk * CHUNK, data, durable);
    }

    private BlockStatus write(int chunk, int value) {
        return client.await(begin(chunk, value, false));
    }

    private BlockStatus flush() {
        return client.await(client.start(BlockOperation.FLUSH, 0, 0, _ -> {}));
    }

    private StoragePool open(PoolOwner owner) {
        return StoragePool.open(List.of(betas), home, PoolStore.OPTIONS.by(owner));
    }

    private void run(long nanos) {
        long end = home.nanoTime() + nanos;
        while (home.nanoTime() < end && home.step() > 0) {}
    }

    /** The owner ends without closing the pool, as by the death of its host. */
    private void die() {
        client.close();
        pool.abandon();
        dead = true;
    }

    /** The pool is alpha's once more, for who cleans up, and holds what was written. */
    private void continueWith(StoragePool opened) {
        pool = opened;
        dead = false;
        client = new SteppedClient(pool.device("v"), home);
        assertThat(client.read(0, CHUNK)).containsOnly(1);
    }

    @Test
    void whoLostThePoolNoticesItWithinASecondAndWritesNothingMore() {
        StoragePool other = StoragePool.open(List.of(betas), home, PoolOptions.DEFAULT);
        run(SECOND + SECOND / 10);
        assertThat(pool.trouble()).contains("another process", "another host", "restart Vireo");
        assertThat(troubles).containsExactly(pool.trouble());
        byAlpha.clear();
        assertThat(write(0, 2)).isEqualTo(BlockStatus.IO_ERROR);
        assertThat(flush()).isEqualTo(BlockStatus.IO_ERROR);
        assertThat(client.await(begin(1, 2, true))).isEqualTo(BlockStatus.IO_ERROR);
        assertThat(client.readable(0, CHUNK)).isEmpty();
        assertThatThrownBy(() -> pool.createVolume("w", new VolumeFormat(CHUNK, 512, 4096)))
                .isInstanceOf(ResourceException.class)
                .hasMessageContaining("another process");
        run(10 * SECOND);
        assertThat(byAlpha).isEmpty();
        client.close();
        pool.close();
        assertThat(byAlpha).isEmpty();
        assertThat(other.trouble()).isEmpty();
        continueWith(other);
    }

    /** What was on its way to a fresh chunk, and then to the journal, does not get there. */
    @Test
    void whatIsUnderWayWhenThePoolIsLostEndsInErrors() {
        StoragePool other = StoragePool.open(List.of(betas), home, PoolOptions.DEFAULT);
        alphas.faults(request -> {
            note(byAlpha, request);
            return request.operation() == BlockOperation.WRITE
                    ? new DiskFault.Delays(2 * SECOND)
                    : DiskFault.NONE;
        });
        byAlpha.clear();
        CompletableFuture<BlockStatus> durable = begin(1, 2, true);
        assertThat(client.await(durable)).isEqualTo(BlockStatus.IO_ERROR);
        assertThat(byAlpha).allMatch(change -> change.length() == CHUNK);
        assertThat(flush()).isEqualTo(BlockStatus.IO_ERROR);
        die();
        continueWith(other);
    }

    @Test
    void anOwnerThatLivesKeepsThePoolAndIsNamed() {
        byBeta.clear();
        assertThatThrownBy(() -> open(BETA))
                .isInstanceOf(ResourceException.class)
                .hasMessageContaining("is open at host alpha")
                .hasMessageContaining("stop Vireo there");
        assertThat(byBeta).isNotEmpty().allMatch(Change::isClaim);
        assertThat(pool.trouble()).isEmpty();
        assertThat(write(0, 1)).isEqualTo(BlockStatus.OK);
        assertThat(flush()).isEqualTo(BlockStatus.OK);
        // The next one is answered too.
        assertThatThrownBy(() -> open(BETA)).hasMessageContaining("is open at host alpha");
        assertThat(pool.trouble()).isEmpty();
    }

    @Test
    void anOwnerThatCannotAnswerIsSeenToLiveByItsSuperblocks() {
        alphas.faults(request ->
                request.offset() == ClaimBlock.ANSWER ? DiskFault.eio() : DiskFault.NONE);
        var checkpoint = new CompletableFuture<Boolean>();
        home.execute(() ->
                home.schedule(3 * SECOND, () -> new Control(pool.engine()).checkpoint(checkpoint)));
        assertThatThrownBy(() -> open(BETA)).hasMessageContaining("is open at host alpha");
        assertThat(checkpoint).isDone();
        assertThat(pool.trouble()).isEmpty();
    }

    @Test
    void whatADeadOwnerHadIsTakenOverWhenItWasSilentForSomeSeconds() {
        die();
        byBeta.clear();
        long begin = home.nanoTime();
        StoragePool other = open(BETA);
        List<Change> ofPool = byBeta.stream().filter(change -> !change.isClaim()).toList();
        assertThat(byBeta.getFirst().isClaim()).isTrue();
        // A superblock that takes it from the silent owner, some seconds, then our own.
        assertThat(ofPool.getFirst().nanoTime() - begin).isGreaterThanOrEqualTo(8 * SECOND);
        assertThat(ofPool.get(1).nanoTime() - ofPool.getFirst().nanoTime())
                .isGreaterThan(Fence.GOOD_NANOS);
        assertThat(other.trouble()).isEmpty();
        run(3 * SECOND);
        assertThat(other.trouble()).isEmpty();
        continueWith(other);
        assertThat(write(0, 1)).isEqualTo(BlockStatus.OK);
        assertThat(flush()).isEqualTo(BlockStatus.OK);
    }

    @Test
    void whoWaitsForASilentOwnerSaysForWhomAndHowLongYet() {
        die();
        // Names of hosts come from disks: what a terminal would obey is not shown.
        var odd = new PoolOwner(UUID.randomUUID(), "al\u001bpha");
        open(odd).abandon();
        List<Progress> told = new ArrayList<>();
        List<Long> until = new ArrayList<>();
        StoragePool other =
                StoragePool.open(
                        List.of(betas),
                        home,
                        PoolStore.OPTIONS.by(BETA),
                        now -> {
                            told.add(now);
                            now.waiting()
                                    .ifPresent(each ->
                                            until.add(home.nanoTime() + each.left().toNanos()));
                        });
        List<Wait> waits = told.stream().flatMap(each -> each.waiting().stream()).toList();
        assertThat(told.getFirst().timeLeft()).isEqualTo("14s");
        assertThat(told.getFirst().job()).isEqualTo("open");
        assertThat(waits)
                .hasSize(28)
                .allSatisfy(each -> {
                    assertThat(each.reason()).isEqualTo("WaitsForOwner");
                    assertThat(each.message())
                            .contains("host al?pha")
                            .doesNotContain("This host has that name");
                });
        assertThat(waits.getFirst().message()).contains("waits for an answer", "if none comes");
        assertThat(waits.getLast().message()).contains("did not answer", "opened then");
        assertThat(waits.stream().map(Wait::message).distinct()).hasSize(2);
        // What is said to be left is: it ends when that is over.
        assertThat(until)
                .allSatisfy(each ->
                        assertThat(each).isBetween(home.nanoTime() - SECOND, home.nanoTime()));
        continueWith(other);
    }

    @Test
    void aHostThatWasBootedSaysThatItMayWaitForItself() {
        die();
        var booted = new PoolOwner(UUID.randomUUID(), ALPHA.host());
        var told = new ArrayList<Progress>();
        continueWith(
                StoragePool.open(List.of(betas), home, PoolStore.OPTIONS.by(booted), told::add));
        assertThat(told.stream().flatMap(each -> each.waiting().stream()))
                .isNotEmpty()
                .allMatch(each -> each.message().contains("its Vireo before the last boot"));
    }

    /** Who was before may not have noticed yet that it lost the pool. */
    @Test
    void whoIsCutOffWhileItTakesThePoolBeginsAnew() {
        die();
        var calls = new AtomicInteger();
        assertThatThrownBy(() ->
                        StoragePool.open(
                                List.of(betas),
                                home,
                                PoolStore.OPTIONS.by(BETA),
                                _ -> {
                                    if (superblock().ownerEpoch() == 2) {
                                        calls.incrementAndGet();
                                        throw new IllegalStateException("cut off");
                                    }
                                }))
                .hasMessage("cut off");
        assertThat(calls).hasValue(1);
        long begin = home.nanoTime();
        continueWith(open(BETA));
        assertThat(home.nanoTime() - begin).isGreaterThanOrEqualTo(14 * SECOND);
    }

    @Test
    void thePoolThatWasClosedMovesAtOnce() {
        client.close();
        pool.close();
        long begin = home.nanoTime();
        continueWith(open(BETA));
        assertThat(home.nanoTime() - begin).isLessThan(SECOND / 2);
        client.close();
        pool.close();
        continueWith(open(ALPHA));
        assertThat(home.nanoTime() - begin).isLessThan(SECOND / 2);
    }

    @Test
    void whoDiedAndComesBackDoesNotWait() {
        die();
        long begin = home.nanoTime();
        byBeta.clear();
        continueWith(open(ALPHA));
        assertThat(home.nanoTime() - begin).isLessThan(SECOND / 2);
        assertThat(byBeta).noneMatch(Change::isClaim);
    }

    /** Nobody waits there: the one whose superblock was overwritten gives up. */
    @Test
    void ofTwoThatOpenAPoolThatWasClosedAtTheSameMomentOneGivesUp() {
        client.close();
        pool.close();
        Superblock closed = superblock();
        pool = open(BETA);
        client = new SteppedClient(pool.device("v"), home);
        Superblock gammas = closed.taken(GAMMA, superblock().members());
        assertThat(gammas.ownerEpoch()).isEqualTo(superblock().ownerEpoch());
        assertThat(gammas.generation()).isEqualTo(superblock().generation());
        long place = isAt(PoolFormat.SUPERBLOCKS[0], superblock()) ? 0 : PoolFormat.SUPERBLOCKS[1];
        put(place, gammas);
        run(SECOND + SECOND / 10);
        assertThat(pool.trouble()).contains("host gamma");
        assertThat(write(0, 2)).isEqualTo(BlockStatus.IO_ERROR);
    }

    private boolean isAt(long place, Superblock superblock) {
        try (OwnMemory block = OwnMemory.allocate(PoolFormat.BLOCK)) {
            block.put(0, image.read(place, PoolFormat.BLOCK));
            return Superblock.generation(block) == superblock.generation();
        }
    }

    private void put(long place, Superblock superblock) {
        try (OwnMemory block = OwnMemory.allocate(PoolFormat.BLOCK)) {
            superblock.encode(block);
            image.write(place, block.bytes(0, PoolFormat.BLOCK), 0, PoolFormat.BLOCK);
        }
    }

    /** As a host that stood still: it cannot look, and others may take it for dead. */
    @Test
    void whoCannotLookWritesNothingUntilItCan() {
        alphas.faults(this::stallLooks);
        run(Fence.GOOD_NANOS + SECOND);
        byAlpha.clear();
        CompletableFuture<BlockStatus> held = begin(0, 1, false);
        run(2 * SECOND);
        assertThat(held).isNotDone();
        assertThat(byAlpha).isEmpty();
        alphas.release();
        run(2 * SECOND);
        assertThat(held).isCompletedWithValue(BlockStatus.OK);
        assertThat(byAlpha).isNotEmpty();
        assertThat(pool.trouble()).isEmpty();
    }

    @Test
    void whoCouldNotLookWhileThePoolWasTakenWritesNothingAfterwards() {
        alphas.faults(this::stallLooks);
        StoragePool other = open(BETA);
        byAlpha.clear();
        CompletableFuture<BlockStatus> held = begin(0, 2, false);
        run(2 * SECOND);
        assertThat(held).isNotDone();
        alphas.release();
        run(2 * SECOND);
        assertThat(held).isCompletedWithValue(BlockStatus.IO_ERROR);
        assertThat(pool.trouble()).contains("host beta");
        assertThat(byAlpha).isEmpty();
        assertThat(other.trouble()).isEmpty();
        die();
        continueWith(other);
    }

    /** It is not held up: whether the pool is ours will not be known by waiting. */
    @Test
    void whatIsWrittenToADiskThatIsGoneFails() {
        alphas.vanish();
        run(Fence.GOOD_NANOS + 2 * SECOND);
        CompletableFuture<BlockStatus> written = begin(0, 2, true);
        run(2 * SECOND);
        assertThat(written).isCompletedWithValue(BlockStatus.IO_ERROR);
        alphas.comeBack();
        die();
        continueWith(open(ALPHA));
    }

    private DiskFault stallLooks(BlockRequest request) {
        note(byAlpha, request);
        boolean look =
                request.operation() == BlockOperation.READ
                        && request.offset() < PoolFormat.HEADER_BYTES;
        return look ? new DiskFault.Stalls() : DiskFault.NONE;
    }

    @Test
    void ofTwoThatWantItOneGivesUp() {
        die();
        UUID id = superblock().pool();
        long epoch = superblock().ownerEpoch();
        betas.faults(request -> {
            if (request.offset() == ClaimBlock.ANSWER) {
                claim(new ClaimBlock(false, id, UUID.randomUUID(), epoch, GAMMA));
            }
            note(byBeta, request);
            return DiskFault.NONE;
        });
        byBeta.clear();
        assertThatThrownBy(() -> open(BETA)).hasMessageContaining("host gamma");
        assertThat(byBeta).allMatch(Change::isClaim);
        betas.faults(_ -> DiskFault.NONE);
        continueWith(open(ALPHA));
    }

    private void claim(ClaimBlock claim) {
        try (OwnMemory block = OwnMemory.allocate(PoolFormat.BLOCK)) {
            claim.encode(block);
            image.write(ClaimBlock.CLAIM, block.bytes(0, PoolFormat.BLOCK), 0, PoolFormat.BLOCK);
        }
    }

    private Superblock superblock() {
        Superblock newest = null;
        for (long place : PoolFormat.SUPERBLOCKS) {
            try (OwnMemory block = OwnMemory.allocate(PoolFormat.BLOCK)) {
                block.put(0, image.read(place, PoolFormat.BLOCK));
                Superblock found = Superblock.decode(block);
                newest =
                        newest == null || found.generation() > newest.generation() ? found : newest;
            } catch (FormatException e) {
                throw new AssertionError(e);
            }
        }
        return Objects.requireNonNull(newest);
    }

    /** Whoever takes a pool over may die in it, and the power may go. */
    @Test
    void wheneverATakeoverIsCutOffTheNextOneHasAllThatWasThere() {
        var random = new Random(CrashBed.seed());
        die();
        DiskImage start = image.fork();
        betas.logging(true);
        open(BETA).abandon();
        betas.logging(false);
        var point = new CrashPoint(log, List.of(start));
        int tried = 0;
        while (!point.isAtEnd()) {
            for (DiskImage crashed :
                    List.of(
                            point.prefix().getFirst(),
                            point.image(point.drawn(random)).getFirst())) {
                var disk = new SimulatedDisk(0, crashed.fork(), new DiskLog(), 1, true);
                disk.logging(false);
                assertThat(PoolCheck.run(List.of(disk), home).findings()).isEmpty();
                continueWith(StoragePool.open(List.of(disk), home, PoolStore.OPTIONS.by(GAMMA)));
                die();
                tried++;
            }
            point.advance();
        }
        System.out.printf("takeovers: %d crash images%n", tried);
        assertThat(tried).isGreaterThan(10);
        continueWith(open(GAMMA));
    }
}
