package io.vireo.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.adapter.ram.RamPoolProvider;
import io.vireo.block.BlockPool;
import io.vireo.block.VolumeFormat;
import io.vireo.device.scsi.ScsiUnits;
import io.vireo.fabric.storage.qos.DiskQosPolicy;
import io.vireo.fabric.storage.qos.DiskQosSettings;
import io.vireo.fabric.storage.qos.PoolQos;
import io.vireo.fabric.storage.qos.VdiskQos;
import io.vireo.linux.NativeBuffer;
import io.vireo.reactor.PollMode;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.ReactorGroup;
import io.vireo.resource.DurableState;
import io.vireo.resource.spec.PoolSpec;
import io.vireo.scsi.NexusListener;
import io.vireo.scsi.ScsiInitiator;
import io.vireo.scsi.ScsiNexus;
import io.vireo.scsi.ScsiTask;
import io.vireo.scsi.TaskAttribute;
import io.vireo.scsi.TaskManagement;
import io.vireo.testkit.BlockClient;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** The rates of a vHBA whose units are on two reactors, with the policy that operators name. */
class VhbaRatesTest {
    private static final int BLOCK = 4096;
    private static final int REQUESTS = 100;
    private static final int IOPS = 400;

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
        public void put(String key, Optional<String> value, Consumer<Boolean> done) {
            done.accept(true);
        }
    }

    /** Reads a LUN, with several commands outstanding, until it has done so many. */
    private static final class Load implements NexusListener {
        final CompletableFuture<Boolean> done = new CompletableFuture<>();
        private final Reactor reactor;
        private final ScsiNexus nexus;
        private final int lun;
        private final NativeBuffer buffer = NativeBuffer.allocate(BLOCK, BLOCK);
        private final AtomicInteger left;
        private int answered;

        Load(ScsiUnits.Hba hba, Reactor reactor, int initiator, int lun, int requests) {
            this.reactor = reactor;
            this.lun = lun;
            left = new AtomicInteger(requests);
            nexus =
                    BlockClient.on(
                            reactor,
                            () ->
                                    hba.target()
                                            .open(
                                                    new ScsiInitiator.FibreChannel(initiator),
                                                    hba.port(),
                                                    reactor,
                                                    this));
            for (int i = 0; i < 8; i++) {
                var task = new ScsiTask(i);
                reactor.execute(() -> next(task));
            }
        }

        private void next(ScsiTask task) {
            if (left.get() < 0) {
                return;
            }
            task.prepare((long) lun << 48, task.index(), TaskAttribute.SIMPLE, 10);
            task.cdb()[0] = 0x28;
            task.cdb()[8] = 1;
            task.dataIn().add(buffer.address(), BLOCK);
            nexus.submit(task);
        }

        @Override
        public void completed(ScsiTask task) {
            answered += task.senseLength() == 0 ? 1 : 0;
            if (answered == left.get()) {
                nexus.close(() -> {
                    buffer.close();
                    done.complete(true);
                });
                left.set(-1);
            } else if (left.get() > 0) {
                reactor.execute(() -> next(task));
            }
        }

        @Override
        public void managed(TaskManagement function) {}

        @Override
        public void settled() {}

        @Override
        public void linkChanged(boolean up) {}

        @Override
        public void unitAdded(long lun) {}

        @Override
        public void unitRemoved(long lun) {}

        @Override
        public void unitChanged(long lun, int asc, int ascq) {}
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
            var loads = new ArrayList<Load>();
            loads.add(new Load(first, reactors.next(), 1, 0, REQUESTS));
            loads.add(new Load(first, reactors.next(), 2, 1, REQUESTS));
            loads.add(new Load(second, reactors.next(), 3, 0, REQUESTS));
            BlockClient.await(loads.getLast().done);
            assertThat(System.nanoTime() - begin).isGreaterThan(nanos(REQUESTS));
            loads.forEach(load -> BlockClient.await(load.done));
            assertThat(System.nanoTime() - begin).isGreaterThan(nanos(2 * REQUESTS));
            assertThat(first.waits().waits()).isGreaterThan(REQUESTS);
            // What waits goes on at once when the policy is changed: at 1 IOPS it would not end.
            policy.change(settings(1));
            var late = new Load(first, reactors.next(), 4, 1, 1000);
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
            var stays = new Load(hba, reactors.next(), 1, 0, 50);
            var stops = new Load(hba, reactors.next(), 2, 0, REQUESTS);
            stops.reactor.execute(() -> stops.nexus.hurry(true));
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
