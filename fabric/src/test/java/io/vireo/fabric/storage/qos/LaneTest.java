package io.vireo.fabric.storage.qos;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.fabric.storage.qos.DiskQosSettings.Rates;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.function.LongPredicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LaneTest {
    private static final long SECOND = 1_000_000_000L;
    private static final long SEED = Long.getLong("vireo.seed", System.nanoTime());
    private static final LongPredicate ALWAYS = _ -> true;

    private final Random random = new Random(SEED);
    private final List<Guest> guests = new ArrayList<>();
    private long now;

    private PoolQos pool(long iops) {
        return new PoolQos("main", iops, Optional.empty(), () -> now);
    }

    private static DiskQosSettings settings(int shares, long reservation, Rates total) {
        return new DiskQosSettings(Rates.ANY, Rates.ANY, total, shares, reservation);
    }

    private static Rates iops(long iops) {
        return new Rates(iops, Math.max(1, iops / 10), 0, 0);
    }

    private static DiskQosSettings shares(int shares) {
        return settings(shares, 0, Rates.ANY);
    }

    /** A server that keeps so many requests of one size waiting whenever it is busy. */
    private final class Guest {
        final Lane lane;
        final Flow flow;
        final int bytes;
        final int depth;
        final LongPredicate busy;
        long done;

        Guest(VdiskQos vdisk, Lane lane, int bytes, int depth, LongPredicate busy) {
            this(vdisk, null, lane, bytes, depth, busy);
        }

        Guest(
                VdiskQos vdisk,
                @Nullable Commitment commitment,
                Lane lane,
                int bytes,
                int depth,
                LongPredicate busy) {
            this.lane = lane;
            this.bytes = bytes;
            this.depth = depth;
            this.busy = busy;
            flow = lane.open(vdisk, commitment, () -> {});
            guests.add(this);
        }

        void fill() {
            while (busy.test(now) && flow.count() < depth) {
                var request = new BlockRequest(0, _ -> {});
                flow.add(request.prepare(BlockOperation.READ, 0, bytes), now);
                lane.join(flow);
            }
        }

        void take() {
            while (flow.granted() > 0) {
                flow.take();
                done++;
            }
        }
    }

    private Guest guest(PoolQos pool, Lane lane, DiskQosSettings settings) {
        return guest(pool, lane, settings, 4096, 32, ALWAYS);
    }

    private Guest guest(
            PoolQos pool,
            Lane lane,
            DiskQosSettings settings,
            int bytes,
            int depth,
            LongPredicate busy) {
        var policy = new DiskQosPolicy("p" + guests.size(), settings);
        var vdisk = pool.add("d" + guests.size(), Optional.of(policy));
        return new Guest(vdisk, lane, bytes, depth, busy);
    }

    private void run(long until) {
        guests.forEach(guest -> guest.done = 0);
        while (now < until) {
            for (var guest : guests) {
                guest.fill();
                guest.lane.dispatch(now);
                guest.take();
            }
            now +=
                    random.nextInt(1000) == 0
                            ? random.nextInt(1_000_000)
                            : 5_000 + random.nextInt(20_000);
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {500, 20_000, 500_000})
    void sharesOfABusyPool(long iops) {
        var pool = pool(iops);
        var lane = pool.newLane();
        var one = guest(pool, lane, shares(100));
        var two = guest(pool, lane, shares(200), 4096, 4, ALWAYS);
        var four = guest(pool, lane, shares(400), 4096, 128, ALWAYS);
        if (iops == 500_000) {
            // A depth of 4 is not enough for so much within a poll.
            guests.remove(two);
        }
        run(SECOND / 4);
        run(SECOND / 4 + 4 * SECOND);
        assertThat((double) four.done / one.done).as("seed %d", SEED).isCloseTo(4, within(0.2));
        double sum = one.done + four.done;
        if (iops != 500_000) {
            assertThat((double) two.done / one.done).as("seed %d", SEED).isCloseTo(2, within(0.1));
            sum += two.done;
            assertThat(sum / (4.0 * iops)).as("seed %d", SEED).isCloseTo(1, within(0.02));
        }
    }

    @Test
    void longRequestsCountAsMany() {
        var pool = pool(10_000);
        var lane = pool.newLane();
        var small = guest(pool, lane, shares(100), 4096, 32, ALWAYS);
        var large = guest(pool, lane, shares(100), 160 << 10, 32, ALWAYS);
        run(SECOND / 4);
        run(SECOND / 4 + 4 * SECOND);
        assertThat((double) small.done / large.done).as("seed %d", SEED).isCloseTo(10, within(0.5));
        assertThat((small.done + 10.0 * large.done) / 40_000).isCloseTo(1, within(0.02));
    }

    @Test
    void aReservationHoldsUnderLoad() {
        var pool = pool(10_000);
        var lane = pool.newLane();
        var reserved = guest(pool, lane, settings(1, 4_000, Rates.ANY));
        for (int i = 0; i < 8; i++) {
            guest(pool, lane, shares(1000));
        }
        run(SECOND / 4);
        run(SECOND / 4 + 4 * SECOND);
        assertThat(reserved.done / 16_000.0).as("seed %d", SEED).isBetween(0.98, 1.03);
        long sum = guests.stream().mapToLong(guest -> guest.done).sum();
        assertThat(sum / 40_000.0).as("seed %d", SEED).isCloseTo(1, within(0.02));
    }

    @Test
    void aReservationIsALeastAndNotAMost() {
        var pool = pool(10_000);
        var lane = pool.newLane();
        var reserved = guest(pool, lane, settings(300, 1_000, Rates.ANY));
        var other = guest(pool, lane, shares(100));
        run(SECOND / 4);
        run(SECOND / 4 + 4 * SECOND);
        assertThat((double) reserved.done / other.done)
                .as("seed %d", SEED)
                .isCloseTo(3, within(0.15));
    }

    @Test
    void aLimitBindsAndTheOthersGetTheRest() {
        var pool = pool(10_000);
        var lane = pool.newLane();
        var limited = guest(pool, lane, settings(1000, 0, iops(500)));
        var other = guest(pool, lane, shares(100));
        run(SECOND / 4);
        run(SECOND / 4 + 4 * SECOND);
        assertThat(limited.done / 2_000.0).as("seed %d", SEED).isCloseTo(1, within(0.02));
        assertThat(other.done / 38_000.0).as("seed %d", SEED).isCloseTo(1, within(0.02));
    }

    @Test
    void whatOneDoesNotUseTheOthersHave() {
        var pool = pool(10_000);
        var lane = pool.newLane();
        // Is busy in the even seconds only, and is owed nothing for the odd ones.
        var sometimes =
                guest(
                        pool,
                        lane,
                        settings(400, 3_000, Rates.ANY),
                        4096,
                        32,
                        at -> at / SECOND % 2 == 0);
        var always = guest(pool, lane, shares(100));
        run(SECOND);
        run(SECOND + SECOND / 20);
        run(2 * SECOND);
        assertThat(always.done / 9_500.0).as("seed %d", SEED).isCloseTo(1, within(0.02));
        run(3 * SECOND);
        assertThat((double) sometimes.done / always.done)
                .as("seed %d", SEED)
                .isCloseTo(4, within(0.2));
        run(3 * SECOND + SECOND / 20);
        run(4 * SECOND);
        assertThat(always.done / 9_500.0).as("seed %d", SEED).isCloseTo(1, within(0.02));
    }

    /** Two reactors: the division follows a few milliseconds later, so that it is less exact. */
    @Test
    void severalLanesDivideThePool() {
        var pool = pool(20_000);
        var first = pool.newLane();
        var second = pool.newLane();
        var one = guest(pool, first, shares(100));
        var three = guest(pool, second, shares(300));
        run(SECOND);
        run(5 * SECOND);
        assertThat((double) three.done / one.done).as("seed %d", SEED).isCloseTo(3, within(0.3));
        assertThat((one.done + three.done) / 80_000.0)
                .as("seed %d", SEED)
                .isCloseTo(1, within(0.05));
    }

    @Test
    void aLaneThatNeedsLittleLeavesTheRestToOthers() {
        var pool = pool(20_000);
        var first = pool.newLane();
        var second = pool.newLane();
        var limited = guest(pool, first, settings(1000, 0, iops(1_000)));
        var other = guest(pool, second, shares(100));
        run(SECOND);
        run(5 * SECOND);
        assertThat(limited.done / 4_000.0).as("seed %d", SEED).isCloseTo(1, within(0.02));
        assertThat(other.done / 76_000.0).as("seed %d", SEED).isCloseTo(1, within(0.05));
    }

    @Test
    void aReservationHoldsOnAnotherLane() {
        var pool = pool(20_000);
        var first = pool.newLane();
        var second = pool.newLane();
        var reserved = guest(pool, first, settings(1, 5_000, Rates.ANY));
        guest(pool, second, shares(1000));
        run(SECOND);
        run(5 * SECOND);
        assertThat(reserved.done / 20_000.0).as("seed %d", SEED).isCloseTo(1, within(0.05));
    }

    @Test
    void aVdiskOnTwoLanesHasItsSharesOnce() {
        var pool = pool(20_000);
        var first = pool.newLane();
        var second = pool.newLane();
        var policy = Optional.of(new DiskQosPolicy("both", shares(100)));
        var both = pool.add("both", policy);
        var a = new Guest(both, first, 4096, 32, ALWAYS);
        var b = new Guest(both, second, 4096, 32, ALWAYS);
        var other = guest(pool, second, shares(100));
        run(SECOND);
        run(5 * SECOND);
        assertThat((double) (a.done + b.done) / other.done)
                .as("seed %d", SEED)
                .isCloseTo(1, within(0.15));
    }

    private static long done(Guest... guests) {
        return Stream.of(guests).mapToLong(guest -> guest.done).sum();
    }

    /** What is promised to somebody who uses vDisks. */
    private Commitment commitment(PoolQos pool, long reservation, VdiskQos... vdisks) {
        var policy = new DiskQosPolicy("committed", settings(100, reservation, Rates.ANY));
        var user = new UserRates("vHBA db1", policy, () -> {}, () -> now);
        for (VdiskQos vdisk : vdisks) {
            vdisk.users().add(user);
        }
        return Objects.requireNonNull(pool.commitment(user));
    }

    private VdiskQos vdisk(PoolQos pool, String name, DiskQosSettings settings) {
        return pool.add(name, Optional.of(new DiskQosPolicy(name, settings)));
    }

    @Test
    void aUserHasWhatIsReservedForItAtAllItsVdisksTogether() {
        var pool = pool(10_000);
        var lane = pool.newLane();
        var shared = vdisk(pool, "shared", shares(100));
        var own = vdisk(pool, "own", shares(100));
        var commitment = commitment(pool, 4_000, shared, own);
        // It comes to the one vDisk in the first of two seconds, and to both in the second.
        var there = new Guest(shared, commitment, lane, 4096, 32, ALWAYS);
        var here = new Guest(own, commitment, lane, 4096, 4, at -> at / SECOND % 2 == 1);
        var neighbour = new Guest(shared, lane, 4096, 256, ALWAYS);
        for (int i = 0; i < 8; i++) {
            guest(pool, lane, shares(1000), 64 << 10, 32, ALWAYS);
        }
        run(SECOND / 4);
        run(SECOND);
        assertThat(done(there) / 3_000.0).as("seed %d", SEED).isBetween(0.98, 1.04);
        assertThat(here.done).isZero();
        run(SECOND + SECOND / 4);
        run(2 * SECOND);
        assertThat(done(there, here) / 3_000.0).as("seed %d", SEED).isBetween(0.98, 1.04);
        assertThat(here.done).as("seed %d", SEED).isGreaterThan(500);
        assertThat(neighbour.done).as("by its shares, seed %d", SEED).isBetween(10L, 150L);
        run(6 * SECOND);
        assertThat(done(there, here) / 16_000.0).as("seed %d", SEED).isBetween(0.98, 1.04);
    }

    @Test
    void whatIsReservedForAUserAndForAVdiskAreBothHad() {
        var pool = pool(10_000);
        var lane = pool.newLane();
        var shared = vdisk(pool, "shared", settings(1, 2_000, Rates.ANY));
        var commitment = commitment(pool, 3_000, shared);
        var user = new Guest(shared, commitment, lane, 4096, 32, ALWAYS);
        var neighbour = new Guest(shared, lane, 4096, 32, ALWAYS);
        for (int i = 0; i < 8; i++) {
            guest(pool, lane, shares(1000));
        }
        run(SECOND / 4);
        run(SECOND / 4 + 4 * SECOND);
        // Of what the vDisk has each of the two lines has its half.
        assertThat(user.done / 16_000.0).as("seed %d", SEED).isBetween(0.97, 1.04);
        assertThat(neighbour.done / 4_000.0).as("seed %d", SEED).isBetween(0.97, 1.05);
    }

    @Test
    void longRequestsUseMoreOfWhatIsReserved() {
        var pool = pool(10_000);
        var lane = pool.newLane();
        var own = vdisk(pool, "own", shares(1));
        var commitment = commitment(pool, 4_000, own);
        var user = new Guest(own, commitment, lane, 128 << 10, 32, ALWAYS);
        for (int i = 0; i < 8; i++) {
            guest(pool, lane, shares(1000));
        }
        run(SECOND / 4);
        run(SECOND / 4 + 4 * SECOND);
        // 4,000 units of 16 KiB a second are 62.5 MiB.
        assertThat(user.done / 2_000.0).as("seed %d", SEED).isBetween(0.97, 1.04);
    }

    @Test
    void whatIsReservedForAUserIsALeastAndTheRatesOfItsVdiskHold() {
        var pool = pool(10_000);
        var lane = pool.newLane();
        var bounded = vdisk(pool, "bounded", settings(100, 0, iops(1_000)));
        var commitment = commitment(pool, 4_000, bounded);
        var user = new Guest(bounded, commitment, lane, 4096, 32, ALWAYS);
        var neighbour = new Guest(bounded, lane, 4096, 32, ALWAYS);
        var other = guest(pool, lane, shares(100));
        run(SECOND / 4);
        run(SECOND / 4 + 4 * SECOND);
        assertThat(done(user, neighbour) / 4_000.0).as("seed %d", SEED).isBetween(0.98, 1.02);
        assertThat(user.done / 4_000.0).as("first at its vDisk").isGreaterThan(0.95);
        assertThat(other.done / 36_000.0).as("seed %d", SEED).isCloseTo(1, within(0.02));
        guests.remove(other);
        guests.remove(neighbour);
        assertThat(commitment.backloggedFlows()).isEqualTo(1);
    }

    @Test
    void whatIsReservedForAUserIsOnAllLanesTogether() {
        var pool = pool(20_000);
        var first = pool.newLane();
        var second = pool.newLane();
        var one = vdisk(pool, "one", shares(1));
        var two = vdisk(pool, "two", shares(1));
        var commitment = commitment(pool, 6_000, one, two);
        var here = new Guest(one, commitment, first, 4096, 32, ALWAYS);
        var there = new Guest(two, commitment, second, 4096, 32, ALWAYS);
        guest(pool, first, shares(1000));
        guest(pool, second, shares(1000));
        run(SECOND);
        run(5 * SECOND);
        assertThat(done(here, there) / 24_000.0).as("seed %d", SEED).isBetween(0.95, 1.05);
    }

    @Test
    void whatNobodyBoundsPassesAtOnce() {
        var pool = pool(0);
        var lane = pool.newLane();
        var free = guest(pool, lane, shares(1), 4096, 100, ALWAYS);
        free.fill();
        lane.dispatch(now);
        assertThat(free.flow.granted()).isEqualTo(100);
        assertThat(free.flow.waits()).isFalse();
        lane.close(free.flow);
    }

    @Test
    void dividesByWeightsAndFloors() {
        assertThat(Division.first(100, new double[] {1, 3}, new double[] {0, 0}, 2)).isEqualTo(25);
        assertThat(Division.first(100, new double[] {1, 3}, new double[] {40, 0}, 2)).isEqualTo(40);
        assertThat(Division.first(100, new double[] {3, 1}, new double[] {0, 40}, 2)).isEqualTo(60);
        assertThat(Division.first(100, new double[] {1, 1, 2}, new double[] {0, 60, 0}, 3))
                .isCloseTo(40 / 3.0, within(0.01));
        assertThat(Division.first(100, new double[] {1}, new double[] {0}, 1)).isEqualTo(100);
        assertThat(Division.first(50, new double[] {1, 0}, new double[] {0, 80}, 2)).isZero();
    }
}
