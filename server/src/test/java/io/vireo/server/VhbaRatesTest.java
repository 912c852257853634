package io.vireo.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vireo.adapter.ram.RamPoolProvider;
import io.vireo.block.BlockPool;
import io.vireo.block.BlockRatePolicy;
import io.vireo.block.VolumeFormat;
import io.vireo.device.scsi.ScsiUnits;
import io.vireo.fabric.storage.qos.DiskQosPolicy;
import io.vireo.fabric.storage.qos.DiskQosSettings;
import io.vireo.fabric.storage.qos.PoolQos;
import io.vireo.fabric.storage.qos.VdiskQos;
import io.vireo.reactor.PollMode;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.ReactorGroup;
import io.vireo.resource.DurableState;
import io.vireo.resource.spec.PoolSpec;
import io.vireo.scsi.ScsiInitiator;
import io.vireo.scsi.ScsiPort;
import io.vireo.testkit.BlockClient;
import io.vireo.testkit.Eventually;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** The rates of a vHBA whose units are on two reactors, with the policy that operators name. */
class VhbaRatesTest {
    /**
     * Has what is reserved be wanted all the time: as many commands as it grants in 40 ms, for
     * which a busy machine may well keep the reactor from running.
     */
    private static final int DEPTH = 320;

    private static final int BLOCK = LunLoad.BLOCK;
    private static final int REQUESTS = 100;
    private static final int IOPS = 400;

    /** Commands that a window is long: 600 ms, of which those that nobody ran are a small part. */
    private static final int WINDOW = 12_000;

    private static final PoolSpec RAM =
            new PoolSpec(
                    PoolSpec.Type.RAM,
                    Optional.empty(),
                    PoolSpec.Backend.AUTO,
                    false,
                    OptionalInt.empty(),
                    Optional.empty(),
                    Optional.empty(),
                    80);

    private static final class NoState implements DurableState {
        @Override
        public Optional<String> get(String key) {
            return Optional.empty();
        }

        @Override
        public List<String> keys(String prefix) {
            return List.of();
        }

        @Override
        public void put(String key, Optional<String> value, Consumer<Boolean> done) {
            done.accept(true);
        }
    }

    private static DiskQosSettings settings(long iops) {
        return new DiskQosSettings(
                DiskQosSettings.Rates.ANY,
                DiskQosSettings.Rates.ANY,
                new DiskQosSettings.Rates(iops, 1, 0, 0),
                100,
                0);
    }

    private static ScsiUnits.Disk disk(BlockPool pool, String name) {
        var format = new VolumeFormat(1 << 20, BLOCK, BLOCK);
        pool.create(name, format);
        return new ScsiUnits.Disk(
                name, name, pool.open(name, format).device(), (_, _) -> () -> {}, pool);
    }

    @Test
    void lunsOnTwoReactorsShareTheRatesAndAnotherVhbaHasThemForItself() {
        var policy = new DiskQosPolicy("gold", settings(IOPS));
        var reactors = ReactorGroup.start(List.of(-1, -1), PollMode.ADAPTIVE);
        BlockPool pool = new RamPoolProvider().open(RAM, true);
        try {
            var units = new ScsiUnits(reactors, new NoState());
            ScsiUnits.Hba first = units.open("db1", 1, 2);
            ScsiUnits.Hba second = units.open("db2", 3, 4);
            ScsiUnits.Disk shared = disk(pool, "one");
            first.map(
                    List.of(
                            new ScsiUnits.Lun(0, shared, false),
                            new ScsiUnits.Lun(1, disk(pool, "two"), false)));
            second.map(List.of(new ScsiUnits.Lun(0, shared, false)));
            first.rates(Optional.of(policy));
            second.rates(Optional.of(policy));
            long begin = System.nanoTime();
            var loads = new ArrayList<LunLoad>();
            loads.add(new LunLoad(first, reactors.next(), 1, 0, REQUESTS));
            loads.add(new LunLoad(first, reactors.next(), 2, 1, REQUESTS));
            loads.add(new LunLoad(second, reactors.next(), 3, 0, REQUESTS));
            BlockClient.await(loads.getLast().done);
            assertThat(System.nanoTime() - begin).isGreaterThan(nanos(REQUESTS));
            loads.forEach(load -> BlockClient.await(load.done));
            assertThat(System.nanoTime() - begin).isGreaterThan(nanos(2 * REQUESTS));
            assertThat(first.waits().waits()).isGreaterThan(REQUESTS);
            // What waits goes on at once when the policy is changed: at 1 IOPS it would not end.
            policy.change(settings(1));
            var late = new LunLoad(first, reactors.next(), 4, 1, 1000);
            policy.change(DiskQosSettings.NONE);
            BlockClient.await(late.done);
            assertThat(first.waits().waiting()).isZero();
            close(first);
            close(second);
        } finally {
            pool.close();
            reactors.close();
        }
    }

    @Test
    void anInitiatorThatStopsDoesNotWaitForThePolicyOfADiskAndOthersDo() {
        var policy = new DiskQosPolicy("slow", settings(1));
        var reactors = ReactorGroup.start(List.of(-1, -1), PollMode.ADAPTIVE);
        BlockPool pool = new RamPoolProvider().open(RAM, true);
        try {
            var units = new ScsiUnits(reactors, new NoState());
            ScsiUnits.Hba hba = units.open("db1", 1, 2);
            ScsiUnits.Disk plain = disk(pool, "one");
            var qos = new PoolQos("pool", 0, Optional.empty(), System::nanoTime);
            VdiskQos vdisk = qos.add("one", Optional.of(policy));
            var disk =
                    new ScsiUnits.Disk(
                            "one", "one", qos.stage(vdisk, plain.block()), plain.use(), pool);
            hba.map(List.of(new ScsiUnits.Lun(0, disk, false)));
            var stays = new LunLoad(hba, reactors.next(), 1, 0, 50);
            var stops = new LunLoad(hba, reactors.next(), 2, 0, REQUESTS);
            stops.hurry();
            // At 1 IOPS it would not end.
            BlockClient.await(stops.done);
            assertThat(stays.done).isNotDone();
            policy.change(DiskQosSettings.NONE);
            BlockClient.await(stays.done);
            close(hba);
        } finally {
            pool.close();
            reactors.close();
        }
    }

    /**
     * What is done in a window, as a part of the whole: the pool is busy, and everything runs on
     * one reactor, so that it does not depend on how fast this machine is.
     */
    private static double part(List<LunLoad> of, List<LunLoad> all) {
        int begin = sum(of);
        int allBegin = sum(all);
        Eventually.until("enough was done", () -> sum(all) - allBegin >= WINDOW);
        return (double) (sum(of) - begin) / (sum(all) - allBegin);
    }

    private static int sum(List<LunLoad> loads) {
        return loads.stream().mapToInt(LunLoad::answered).sum();
    }

    @Test
    void whatIsReservedForAVhbaItHasByAnyWayOnVdisksThatOthersKeepBusy() {
        var gold = new DiskQosPolicy("gold", reserving(100, 8_000));
        var reactors = ReactorGroup.start(List.of(-1), PollMode.ADAPTIVE);
        Reactor reactor = reactors.next();
        BlockPool pool = new RamPoolProvider().open(RAM, true);
        try {
            var units = new ScsiUnits(reactors, new NoState());
            var qos = new PoolQos("main", 20_000, Optional.empty(), System::nanoTime);
            ScsiUnits.Disk shared = staged(qos, "one", Optional.empty(), pool);
            ScsiUnits.Disk own = staged(qos, "two", Optional.empty(), pool);
            var busy = new DiskQosPolicy("busy", reserving(5_000, 0));
            ScsiUnits.Disk noisy = staged(qos, "noise", Optional.of(busy), pool);
            ScsiUnits.Hba db1 = units.open("db1", 1, 2);
            ScsiUnits.Hba web1 = units.open("web1", 3, 4);
            db1.rates(Optional.of(gold));
            db1.map(List.of(new ScsiUnits.Lun(0, shared, false), new ScsiUnits.Lun(1, own, false)));
            web1.map(
                    List.of(
                            new ScsiUnits.Lun(0, shared, false),
                            new ScsiUnits.Lun(1, noisy, false)));
            assertThat(db1.reservation()).isEqualTo(8_000);
            assertThat(qos.reserved()).isEqualTo(8_000);
            var ring = load(db1, new ScsiInitiator.FibreChannel(1), db1.port(), reactor, 0, DEPTH);
            var session =
                    load(
                            db1,
                            new ScsiInitiator.Iscsi("iqn.2026-11.test:db1", 1),
                            db1.target().iscsiPort("iqn.2026-11.test:hba", 1),
                            reactor,
                            1,
                            DEPTH);
            // More than the stage and the disk hold: what is reserved is not behind it.
            var crowd = load(web1, new ScsiInitiator.FibreChannel(2), web1.port(), reactor, 0, 680);
            var noise = load(web1, new ScsiInitiator.FibreChannel(3), web1.port(), reactor, 1, 64);
            var all = List.of(ring, session, crowd, noise);
            part(all, all);
            // 8,000 of 20,000, whichever of its LUNs they go to.
            assertThat(part(List.of(ring, session), all)).isBetween(0.37, 0.45);
            session.stop();
            BlockClient.await(session.done);
            var rest = List.of(ring, crowd, noise);
            part(rest, rest);
            assertThat(part(List.of(ring), rest)).isBetween(0.37, 0.45);
            gold.change(reserving(100, 0));
            part(rest, rest);
            assertThat(part(List.of(ring), rest)).as("by its shares").isLessThan(0.1);
            assertThat(qos.reserved()).isZero();
            rest.forEach(LunLoad::stop);
            rest.forEach(each -> BlockClient.await(each.done));
            close(db1);
            close(web1);
        } finally {
            pool.close();
            reactors.close();
        }
    }

    private static LunLoad load(
            ScsiUnits.Hba hba,
            ScsiInitiator initiator,
            ScsiPort port,
            Reactor reactor,
            int lun,
            int depth) {
        return new LunLoad(hba, initiator, port, reactor, lun, depth, Integer.MAX_VALUE);
    }

    private static ScsiUnits.Disk staged(
            PoolQos qos, String name, Optional<DiskQosPolicy> policy, BlockPool pool) {
        ScsiUnits.Disk plain = disk(pool, name);
        return new ScsiUnits.Disk(
                name, name, qos.stage(qos.add(name, policy), plain.block()), plain.use(), pool);
    }

    private static DiskQosSettings reserving(int shares, long reservation) {
        return new DiskQosSettings(
                DiskQosSettings.Rates.ANY,
                DiskQosSettings.Rates.ANY,
                DiskQosSettings.Rates.ANY,
                shares,
                reservation);
    }

    private static Optional<BlockRatePolicy> policy(String name, long reservation) {
        return Optional.of(new DiskQosPolicy(name, reserving(100, reservation)));
    }

    @Test
    void whatAPoolHasNoRoomForIsRefusedAndNothingHasChanged() {
        var reactors = ReactorGroup.start(List.of(-1), PollMode.ADAPTIVE);
        BlockPool pool = new RamPoolProvider().open(RAM, true);
        try {
            var units = new ScsiUnits(reactors, new NoState());
            var main = new PoolQos("main", 10_000, Optional.empty(), System::nanoTime);
            var other = new PoolQos("other", 5_000, Optional.empty(), System::nanoTime);
            ScsiUnits.Disk one = staged(main, "one", Optional.empty(), pool);
            ScsiUnits.Disk two = staged(main, "two", Optional.empty(), pool);
            ScsiUnits.Disk far = staged(other, "far", Optional.empty(), pool);
            ScsiUnits.Hba db1 = units.open("db1", 1, 2);
            var both = List.of(new ScsiUnits.Lun(0, one, false), new ScsiUnits.Lun(1, two, false));
            var gold = policy("gold", 6_000);
            db1.map(both);
            db1.rates(gold);
            assertThat(main.reserved()).isEqualTo(6_000);
            var withFar =
                    List.of(new ScsiUnits.Lun(0, one, false), new ScsiUnits.Lun(2, far, false));
            assertThatThrownBy(() -> db1.map(withFar))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("the 5000 of pool other: vHBA db1 6000");
            assertThat(db1.counters()).containsOnlyKeys(0, 1);
            var silver = policy("silver", 4_000);
            db1.rates(silver);
            db1.map(withFar);
            assertThat(other.reserved()).isEqualTo(4_000);
            // Promised once, whatever is mapped again.
            db1.map(both);
            db1.map(both);
            ScsiUnits.Hba db2 = units.open("db2", 3, 4);
            db2.map(both);
            assertThatThrownBy(() -> db2.rates(policy("p", 6_001)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("10001 IOPS");
            assertThat(db2.reservation()).isZero();
            assertThat(main.reserved()).isEqualTo(4_000);
            db1.rates(Optional.empty());
            assertThat(main.reserved()).isZero();
            db1.rates(silver);
            close(db1);
            close(db2);
            assertThat(main.reserved()).isZero();
            assertThat(other.reserved()).isZero();
        } finally {
            pool.close();
            reactors.close();
        }
    }

    /** How long so many requests take at least, with a burst of as many as come in 10 ms. */
    private static long nanos(int requests) {
        return (requests - 5) * 1_000_000_000L / IOPS;
    }

    private static void close(ScsiUnits.Hba hba) {
        var closed = new CompletableFuture<Boolean>();
        hba.close(() -> closed.complete(true));
        BlockClient.await(closed);
    }
}
