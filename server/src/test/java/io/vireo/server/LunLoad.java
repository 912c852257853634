package io.vireo.server;

import io.vireo.device.scsi.ScsiUnits;
import io.vireo.linux.NativeBuffer;
import io.vireo.reactor.Reactor;
import io.vireo.scsi.NexusListener;
import io.vireo.scsi.ScsiInitiator;
import io.vireo.scsi.ScsiNexus;
import io.vireo.scsi.ScsiPort;
import io.vireo.scsi.ScsiStatus;
import io.vireo.scsi.ScsiTask;
import io.vireo.scsi.TaskAttribute;
import io.vireo.scsi.TaskManagement;
import io.vireo.testkit.BlockClient;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;

/** Reads one block of a LUN, with several commands outstanding, until it has done so many. */
final class LunLoad implements NexusListener {
    static final int BLOCK = 4096;

    final CompletableFuture<Boolean> done = new CompletableFuture<>();
    private final Reactor reactor;
    private final ScsiNexus nexus;
    private final int lun;
    private final NativeBuffer buffer = NativeBuffer.allocate(BLOCK, BLOCK);
    private final AtomicInteger left;
    private final AtomicInteger answered = new AtomicInteger();

    LunLoad(ScsiUnits.Hba hba, Reactor reactor, int initiator, int lun, int requests) {
        this(hba, new ScsiInitiator.FibreChannel(initiator), hba.port(), reactor, lun, 8, requests);
    }

    /**
     * Begins.
     *
     * @param depth commands outstanding
     * @param requests to be done; many: it is told to {@link #stop}
     */
    LunLoad(
            ScsiUnits.Hba hba,
            ScsiInitiator initiator,
            ScsiPort port,
            Reactor reactor,
            int lun,
            int depth,
            int requests) {
        this.reactor = reactor;
        this.lun = lun;
        left = new AtomicInteger(requests);
        nexus = BlockClient.on(reactor, () -> hba.target().open(initiator, port, reactor, this));
        for (int i = 0; i < depth; i++) {
            var task = new ScsiTask(i);
            reactor.execute(() -> next(task));
        }
    }

    /** Commands that ended well. */
    int answered() {
        return answered.get();
    }

    void hurry() {
        reactor.execute(() -> nexus.hurry(true));
    }

    /** Ends it at once. */
    void stop() {
        reactor.execute(() -> {
            if (left.getAndSet(-1) >= 0) {
                end();
            }
        });
    }

    private void end() {
        nexus.close(() -> {
            buffer.close();
            done.complete(true);
        });
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
        if (task.status() == ScsiStatus.GOOD) {
            answered.incrementAndGet();
        }
        if (answered.get() == left.get()) {
            left.set(-1);
            end();
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
