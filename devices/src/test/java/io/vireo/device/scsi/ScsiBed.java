package io.vireo.device.scsi;

import io.vireo.block.BlockDevice;
import io.vireo.device.virtio.FakePool;
import io.vireo.reactor.PollMode;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.ReactorConfig;
import io.vireo.scsi.ScsiInitiator;
import io.vireo.testkit.MemoryBlockDevice;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;

/** A target with a unit at LUN 0 and initiators, on two reactors: the unit is on the first. */
final class ScsiBed implements AutoCloseable {
    static final int BLOCK = 512;
    static final long CAPACITY = 8 << 20;

    /** A store in memory that may fail. */
    static final class MemoryStore implements UnitRecord {
        volatile Optional<String> kept = Optional.empty();
        volatile boolean fails;
        volatile int saves;

        /** What is saved waits for it. */
        volatile CountDownLatch gate = new CountDownLatch(0);

        @Override
        public Optional<String> load() {
            return kept;
        }

        @Override
        public void save(Optional<String> value, Consumer<Boolean> done) {
            Thread.ofVirtual()
                    .start(() -> {
                        saves++;
                        passGate();
                        if (!fails) {
                            kept = value;
                        }
                        done.accept(!fails);
                    });
        }

        private void passGate() {
            try {
                gate.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    final Reactor owner = Reactor.start(new ReactorConfig("owner", -1, PollMode.ADAPTIVE));
    final Reactor other = Reactor.start(new ReactorConfig("other", -1, PollMode.ADAPTIVE));
    final MemoryBlockDevice disk;
    final MemoryStore store = new MemoryStore();
    final MemoryStore wipes = new MemoryStore();
    final FakePool pool = new FakePool();
    final PortNumbers numbers = new PortNumbers();
    final PortNumbers groups = new PortNumbers();
    final UnitTarget target =
            new UnitTarget("hba1", 0x2000_0000_0000_0001L, 0x2100_0000_0000_0001L, numbers);
    LogicalUnit unit;
    private final List<ScsiClient> clients = new ArrayList<>();

    ScsiBed() {
        this(new MemoryBlockDevice(CAPACITY, BLOCK));
    }

    ScsiBed(MemoryBlockDevice disk) {
        this.disk = disk;
        unit = unit("disk1", disk, store);
        map(target, new UnitTarget.Mapping(0, unit, false));
    }

    LogicalUnit unit(String name, BlockDevice block, UnitRecord kept) {
        return new LogicalUnit(
                UnitIdentity.of(name, "uid of " + name),
                groups.take(name),
                block,
                owner,
                kept,
                wipes,
                new SharedRoom(pool));
    }

    static void map(UnitTarget target, UnitTarget.Mapping... mappings) {
        var done = new CompletableFuture<Boolean>();
        target.map(List.of(mappings), () -> done.complete(true));
        io.vireo.testkit.BlockClient.await(done);
    }

    /** An initiator, on the unit's reactor; its unit attentions are cleared. */
    ScsiClient client(int number) {
        return client(number, owner);
    }

    ScsiClient client(int number, Reactor reactor) {
        return raw(number, reactor).ready(0);
    }

    ScsiClient raw(int number, Reactor reactor) {
        var client =
                new ScsiClient(
                        target,
                        new ScsiInitiator.FibreChannel(0x1000_0000_0000_0000L + number),
                        target.fibreChannelPort(),
                        reactor);
        clients.add(client);
        return client;
    }

    ScsiClient iscsi(String name, long isid, int portalGroup) {
        var client =
                new ScsiClient(
                        target,
                        new ScsiInitiator.Iscsi(name, isid),
                        target.iscsiPort("iqn.2026-11.test:hba1", portalGroup),
                        other);
        clients.add(client);
        return client.ready(0);
    }

    @Override
    public void close() {
        disk.release();
        clients.forEach(ScsiClient::close);
        var closed = new CompletableFuture<Boolean>();
        unit.close(() -> closed.complete(true));
        io.vireo.testkit.BlockClient.await(closed);
        owner.close();
        other.close();
        disk.close();
    }
}
