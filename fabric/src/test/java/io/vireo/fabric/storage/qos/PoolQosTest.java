package io.vireo.fabric.storage.qos;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.vireo.fabric.NoContext;
import io.vireo.fabric.storage.qos.DiskQosSettings.Rates;
import io.vireo.resource.Metadata;
import io.vireo.resource.Quantity;
import io.vireo.resource.RealizeContext;
import io.vireo.resource.UpdateResult;
import io.vireo.resource.Violation;
import io.vireo.resource.spec.DiskQosPolicySpec;
import io.vireo.testkit.Eventually;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class PoolQosTest {
    private static final Metadata METADATA = Metadata.of("gold", "1");
    private static final RealizeContext NOTHING = new NoContext();

    private final DiskQosPolicyKind kind = new DiskQosPolicyKind();

    private static DiskQosSettings reserving(long reservation) {
        return new DiskQosSettings(Rates.ANY, Rates.ANY, Rates.ANY, 100, reservation);
    }

    private static DiskQosPolicy policy(String name, long reservation) {
        return new DiskQosPolicy(name, reserving(reservation));
    }

    private static PoolQos pool(long iops) {
        return new PoolQos("main", iops, Optional.empty(), () -> 0);
    }

    @Test
    void refusesWhatThePoolCannotHoldWithTheSum() {
        var pool = pool(10_000);
        var first = pool.add("a", Optional.of(policy("p", 6_000)));
        assertThatExceptionOfType(IllegalArgumentException.class)
                .isThrownBy(() -> pool.add("b", Optional.of(policy("q", 5_000))))
                .withMessage(
                        "reservations of 11000 IOPS are more than the 10000 of pool main: a 6000, b 5000");
        assertThat(pool.reserved()).isEqualTo(6_000);
        first.close();
        pool.add("b", Optional.of(policy("q", 5_000)));
        assertThat(pool.reserved()).isEqualTo(5_000);
    }

    @Test
    void aPoolThatSaysNothingHoldsNoReservation() {
        assertThatExceptionOfType(IllegalArgumentException.class)
                .isThrownBy(() -> pool(0).add("a", Optional.of(policy("p", 1))))
                .withMessageContaining("set the iops of the Pool");
    }

    @Test
    void aPolicyDoesNotBecomeMoreThanItsPoolsHold() {
        var pool = pool(10_000);
        var policy = policy("p", 3_000);
        var vdisk = pool.add("a", Optional.of(policy));
        pool.add("b", Optional.of(policy));
        assertThatExceptionOfType(IllegalArgumentException.class)
                .isThrownBy(() -> policy.change(reserving(6_000)))
                .withMessageContaining("12000");
        assertThat(vdisk.settings().reservation()).isEqualTo(3_000);
        policy.change(reserving(5_000));
        assertThat(vdisk.settings().reservation()).isEqualTo(5_000);
        assertThat(pool.reserved()).isEqualTo(10_000);
        pool.close();
        policy.change(reserving(50_000));
    }

    @Test
    void itsOwnPolicyWinsWhole() {
        var pool = pool(10_000);
        pool.change(10_000, Optional.of(policy("default", 100)));
        var vdisk = pool.add("a", Optional.empty());
        assertThat(vdisk.policyName()).contains("default");
        assertThat(vdisk.settings().reservation()).isEqualTo(100);
        vdisk.change(Optional.of(new DiskQosPolicy("own", DiskQosSettings.NONE)));
        assertThat(vdisk.policyName()).contains("own");
        assertThat(vdisk.settings()).isEqualTo(DiskQosSettings.NONE);
        vdisk.change(Optional.empty());
        assertThat(vdisk.settings().reservation()).isEqualTo(100);
    }

    @Test
    void aPoolIsNotLoweredBelowWhatIsReserved() {
        var pool = pool(10_000);
        var vdisk = pool.add("a", Optional.of(policy("p", 6_000)));
        assertThatExceptionOfType(IllegalArgumentException.class)
                .isThrownBy(() -> pool.change(5_000, Optional.empty()))
                .withMessageContaining("6000 IOPS");
        assertThat(pool.iops()).isEqualTo(10_000);
        assertThatExceptionOfType(IllegalArgumentException.class)
                .isThrownBy(() -> vdisk.change(Optional.of(policy("q", 11_000))));
        assertThat(vdisk.policyName()).contains("p");
    }

    private static UserRates user(String name, DiskQosPolicy policy) {
        return new UserRates(name, policy, () -> {}, () -> 0);
    }

    @Test
    void whatIsReservedForAUserIsPromisedOnceInEachOfItsPools() {
        var pool = pool(10_000);
        var one = pool.add("a", Optional.of(policy("p", 6_000)));
        var two = pool.add("b", Optional.empty());
        var gold = policy("gold", 3_000);
        var db1 = user("vHBA db1", gold);
        one.users().add(db1);
        two.users().add(db1);
        assertThat(pool.reserved()).isEqualTo(9_000);
        assertThatExceptionOfType(IllegalArgumentException.class)
                .isThrownBy(() -> two.users().add(user("vHBA db2", gold)))
                .withMessage(
                        "reservations of 12000 IOPS are more than the 10000 of pool main: a 6000, vHBA db1 3000,"
                                + " vHBA db2 3000");
        assertThatExceptionOfType(IllegalArgumentException.class)
                .isThrownBy(() -> gold.change(reserving(4_001)))
                .withMessageContaining("10001 IOPS");
        gold.change(reserving(4_000));
        assertThat(pool.reserved()).isEqualTo(10_000);
        assertThatExceptionOfType(IllegalArgumentException.class)
                .isThrownBy(() -> pool.change(9_999, Optional.empty()));
        assertThatExceptionOfType(IllegalArgumentException.class)
                .isThrownBy(() -> pool(0).add("c", Optional.empty()).users().add(db1))
                .withMessageContaining("set the iops of the Pool");
        one.users().remove(db1);
        assertThat(pool.reserved()).isEqualTo(10_000);
        two.users().remove(db1);
        assertThat(pool.reserved()).isEqualTo(6_000);
        assertThat(pool.commitment(db1)).isNull();
        gold.change(reserving(50_000));
    }

    @Test
    void aVdiskThatMovesTakesItsUsersAlong() {
        var from = pool(10_000);
        var to = pool(5_000);
        var gold = policy("gold", 3_000);
        var here = from.add("a", Optional.empty());
        var db1 = user("vHBA db1", gold);
        here.users().add(db1);
        to.add("other", Optional.of(policy("p", 2_001)));
        assertThatExceptionOfType(IllegalArgumentException.class)
                .isThrownBy(() -> to.add("a", Optional.empty(), here))
                .withMessageContaining("other 2001, vHBA db1 3000");
        assertThat(to.reserved()).isEqualTo(2_001);
        gold.change(reserving(2_000));
        var there = to.add("a", Optional.empty(), here);
        assertThat(to.reserved()).isEqualTo(4_001);
        // One that comes meanwhile has to find room in both.
        var db2 = user("vHBA db2", policy("silver", 1_000));
        assertThatExceptionOfType(IllegalArgumentException.class)
                .isThrownBy(() -> there.users().add(db2));
        assertThat(from.reserved()).isEqualTo(2_000);
        here.close();
        assertThat(from.reserved()).isZero();
        there.users().remove(db1);
        assertThat(to.reserved()).isEqualTo(2_001);
    }

    /** Runs while a policy is asked whether it can change, when the pools before have said yes. */
    private static void whileItChanges(DiskQosPolicy policy, Runnable what) {
        policy.addUser(
                new DiskQosPolicy.User() {
                    @Override
                    public void admit(DiskQosPolicy changing, DiskQosSettings proposed) {
                        what.run();
                    }

                    @Override
                    public void changed() {}
                });
    }

    @Test
    void nobodyComesToAPoolWhileAPolicyChanges() throws Exception {
        var pool = pool(10_000);
        var gold = policy("gold", 3_000);
        var here = pool.add("a", Optional.empty());
        here.users().add(user("vHBA db1", gold));
        var refused = new CompletableFuture<Throwable>();
        var comes = new Thread(() -> pool.add("b", Optional.of(policy("p", 7_000))));
        comes.setUncaughtExceptionHandler((_, e) -> refused.complete(e));
        whileItChanges(
                gold,
                () -> {
                    comes.start();
                    Eventually.until(
                            "it waits or has ended",
                            () -> comes.getState() == Thread.State.BLOCKED || !comes.isAlive());
                });
        gold.change(reserving(4_000));
        comes.join();
        assertThat(refused).isDone();
        assertThat(refused.get())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("reservations of 11000 IOPS");
        assertThat(pool.reserved()).isEqualTo(4_000);
    }

    @Test
    void whoLeavesIsNotAskedWhetherThereIsRoom() {
        var pool = pool(10_000);
        var gold = policy("gold", 3_000);
        var here = pool.add("a", Optional.empty());
        var db1 = user("vHBA db1", gold);
        var db2 = user("vHBA db2", policy("silver", 2_000));
        here.users().add(db1);
        here.users().add(db2);
        // Only whoever holds the monitor of admission can come now.
        whileItChanges(gold, () -> pool.add("b", Optional.of(policy("p", 5_000))));
        gold.change(reserving(8_000));
        assertThat(pool.reserved()).isEqualTo(15_000);
        here.users().remove(db2);
        assertThat(pool.reserved()).isEqualTo(13_000);
        here.users().remove(db1);
        assertThat(pool.reserved()).isEqualTo(5_000);
        assertThat(pool.commitment(db1)).isNull();
    }

    private static Optional<DiskQosPolicySpec.Rates> rates(
            int iops, @Nullable String bandwidth, int burst) {
        return Optional.of(
                new DiskQosPolicySpec.Rates(
                        iops == 0 ? OptionalInt.empty() : OptionalInt.of(iops),
                        burst == 0 ? OptionalInt.empty() : OptionalInt.of(burst),
                        Optional.ofNullable(bandwidth).map(Quantity::parse),
                        Optional.empty()));
    }

    private static DiskQosPolicySpec spec(
            Optional<DiskQosPolicySpec.Rates> total, OptionalInt reservation) {
        return new DiskQosPolicySpec(
                Optional.empty(), Optional.empty(), total, 200, reservation, Optional.empty());
    }

    private static DiskQosPolicySpec reserving(int reservation, String bandwidth) {
        return new DiskQosPolicySpec(
                Optional.empty(),
                Optional.empty(),
                rates(0, "64Mi", 0),
                100,
                OptionalInt.of(reservation),
                Optional.of(Quantity.parse(bandwidth)));
    }

    @Test
    void aRateThatIsReservedInBytesIsOneOfRequestsOf16KiB() {
        assertThat(DiskQosPolicyKind.settings(reserving(100, "16Mi")).reservation())
                .isEqualTo(1024);
        assertThat(DiskQosPolicyKind.settings(reserving(2000, "16Mi")).reservation())
                .isEqualTo(2000);
        assertThat(DiskQosPolicyKind.settings(reserving(1, "16385")).reservation()).isEqualTo(2);
        assertThat(violations(reserving(1, "64Mi"))).isEmpty();
        assertThat(violations(reserving(1, "65Mi"))).containsExactly("/spec/reservedBandwidth");
        assertThat(violations(reserving(1, "4Ki"))).containsExactly("/spec/reservedBandwidth");
    }

    private List<String> violations(DiskQosPolicySpec spec) {
        return kind.validate(METADATA, spec).stream().map(Violation::pointer).toList();
    }

    @Test
    void checksSpecs() {
        assertThat(violations(spec(rates(100, "1Mi", 10), OptionalInt.of(100)))).isEmpty();
        assertThat(violations(spec(rates(100, null, 0), OptionalInt.of(101))))
                .containsExactly("/spec/reservation");
        assertThat(violations(spec(rates(0, null, 0), OptionalInt.empty())))
                .containsExactly("/spec/total");
        assertThat(violations(spec(rates(0, "1Ki", 7), OptionalInt.empty())))
                .containsExactly("/spec/total/iopsBurst", "/spec/total/bandwidth");
        assertThat(violations(spec(rates(0, "1025Gi", 0), OptionalInt.empty())))
                .containsExactly("/spec/total/bandwidth");
    }

    @Test
    void fillsInWhatIsLeftOutAndChangesInPlace() {
        var before = spec(rates(1000, "10M", 0), OptionalInt.empty());
        assertThat(DiskQosPolicyKind.settings(before))
                .isEqualTo(
                        new DiskQosSettings(
                                Rates.ANY,
                                Rates.ANY,
                                new Rates(1000, 100, 10_000_000, 1_000_000),
                                200,
                                0));
        var running = kind.realize(METADATA, before, NOTHING);
        var policy = running.contract(DiskQosPolicy.class).orElseThrow();
        var pool = pool(100);
        var vdisk = pool.add("a", Optional.of(policy));
        var after = spec(rates(5, null, 0), OptionalInt.of(5));
        assertThat(kind.update(running, METADATA, before, after, NOTHING))
                .isEqualTo(UpdateResult.IN_PLACE);
        assertThat(vdisk.settings().total().iops()).isEqualTo(5);
        var tooMuch = spec(Optional.empty(), OptionalInt.of(101));
        assertThat(kind.update(running, METADATA, after, tooMuch, NOTHING))
                .isInstanceOf(UpdateResult.Refused.class);
        assertThat(vdisk.settings().reservation()).isEqualTo(5);
    }
}
