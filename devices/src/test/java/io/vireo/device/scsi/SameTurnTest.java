package io.vireo.device.scsi;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.device.virtio.FakePool;
import io.vireo.memory.OwnMemory;
import io.vireo.reactor.Poller;
import io.vireo.reactor.Reactor;
import io.vireo.scsi.NexusListener;
import io.vireo.scsi.ScsiInitiator;
import io.vireo.scsi.ScsiNexus;
import io.vireo.scsi.ScsiStatus;
import io.vireo.scsi.ScsiTask;
import io.vireo.scsi.TaskAttribute;
import io.vireo.scsi.TaskManagement;
import io.vireo.testkit.crash.DiskImage;
import io.vireo.testkit.crash.DiskLog;
import io.vireo.testkit.crash.SimulatedDisk;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** A task ends in the turn of the reactor in which it begins, if its disk is that fast. */
class SameTurnTest {
    private static final int BLOCK = 512;
    private static final String READY = "000000000000";
    private static final String READ = "28000000000000000100";

    private final Reactor reactor = Reactor.stepped("turns");
    private final UnitTarget target =
            new UnitTarget(
                    "hba1", 0x2000_0000_0000_0001L, 0x2100_0000_0000_0001L, new PortNumbers());
    private final Transport transport = new Transport();

    /** Hands one task on when it is polled. */
    private final class Transport implements Poller, NexusListener {
        private @Nullable ScsiNexus nexus;
        private @Nullable ScsiTask next;
        private @Nullable ScsiTask ended;

        void open() {
            var initiator = new ScsiInitiator.FibreChannel(0x1000_0000_0000_0001L);
            nexus = target.open(initiator, target.fibreChannelPort(), reactor, this);
        }

        ScsiNexus nexus() {
            return Objects.requireNonNull(nexus);
        }

        @Override
        public int poll() {
            ScsiTask task = next;
            if (task == null) {
                return 0;
            }
            next = null;
            nexus().submit(task);
            return 1;
        }

        @Override
        public String name() {
            return "transport";
        }

        @Override
        public boolean arm() {
            return false;
        }

        @Override
        public void disarm() {
            // It is always polled.
        }

        @Override
        public void completed(ScsiTask task) {
            ended = task;
        }

        @Override
        public void managed(TaskManagement function) {
            // None was asked for.
        }

        @Override
        public void settled() {
            // Nothing is sent.
        }

        @Override
        public void linkChanged(boolean up) {
            // It is up.
        }

        @Override
        public void unitAdded(long lun) {
            // It was there before.
        }

        @Override
        public void unitRemoved(long lun) {
            // It stays.
        }

        @Override
        public void unitChanged(long lun, int asc, int ascq) {
            // The next command is told.
        }
    }

    @Test
    void whoeverIsPolledFirst() {
        // Those that were added last are polled first.
        var before = reactor.add(transport);
        LogicalUnit unit = unit();
        reactor.execute(transport::open);
        reactor.step();
        try (OwnMemory memory = OwnMemory.allocate(BLOCK)) {
            run(READY, memory);
            assertThat(run(READ, memory)).isEqualTo(ScsiStatus.GOOD);
            before.close();
            before = reactor.add(transport);
            assertThat(run(READ, memory)).isEqualTo(ScsiStatus.GOOD);
        }
        before.close();
        transport.nexus().close(() -> unit.close(() -> {}));
        while (reactor.step() > 0) {
            // Until all is given back.
        }
        reactor.close();
    }

    @Test
    void aUnitThatIsClosedInItIsNotLookedAtAnyMore() {
        LogicalUnit unit = unit();
        reactor.execute(transport::open);
        reactor.step();
        ScsiTask task = task(READY);
        reactor.execute(() -> transport.nexus().submit(task));
        reactor.execute(() -> transport.nexus().close(() -> unit.close(() -> {})));
        while (reactor.step() > 0) {
            // Until all is given back.
        }
        assertThat(transport.ended).isSameAs(task);
        assertThat(reactor.metrics().failures()).isZero();
        reactor.close();
    }

    private LogicalUnit unit() {
        var disk = new SimulatedDisk(0, new DiskImage(1 << 20), new DiskLog(), 1, true);
        var unit =
                new LogicalUnit(
                        UnitIdentity.of("disk1", "uid of disk1"),
                        1,
                        disk,
                        reactor,
                        new ScsiBed.MemoryStore(),
                        new ScsiBed.MemoryStore(),
                        new SharedRoom(new FakePool()));
        target.map(List.of(new UnitTarget.Mapping(0, unit, false)), () -> {});
        reactor.step();
        return unit;
    }

    /** Its status, after a single turn. */
    private ScsiStatus run(String cdb, OwnMemory memory) {
        ScsiTask task = task(cdb);
        task.dataIn().add(memory.address(), BLOCK);
        transport.ended = null;
        transport.next = task;
        reactor.step();
        assertThat(transport.ended).isSameAs(task);
        return task.status();
    }

    private static ScsiTask task(String cdb) {
        byte[] bytes = ScsiClient.bytes(cdb);
        var task = new ScsiTask(1);
        task.prepare(Luns.encode(0), 1, TaskAttribute.SIMPLE, bytes.length);
        System.arraycopy(bytes, 0, task.cdb(), 0, bytes.length);
        return task;
    }
}
