package io.vireo.bench;

import io.vireo.bench.BlkDriver.Load;
import io.vireo.linux.ForeignMemory;
import io.vireo.testkit.DriverQueue;
import io.vireo.testkit.VhostUserSession;
import java.nio.file.Path;

/**
 * A virtio-scsi driver of one request queue and LUN 0, VIRTIO 1.3 section 5.6: READ(10) and
 * WRITE(10), framed as Linux does.
 */
final class VirtioScsiDriver extends DiskDriver {
    private static final int RING_SIZE = 128;
    private static final int BLOCK = 512;

    /** The control queue and the event queue come before it. */
    private static final int REQUEST_QUEUE = 2;

    private static final int REQUEST = 51;
    private static final int RESPONSE = 108;
    private static final int RESPONSE_AT = 64;
    private static final int TABLE_AT = 256;
    private static final int STATUS_AT = RESPONSE_AT + 10;
    private static final int RESPONSE_CODE_AT = RESPONSE_AT + 11;
    private static final int CDB_AT = 19;
    private static final int READ_10 = 0x28;
    private static final int WRITE_10 = 0x2A;
    private static final int CHECK_CONDITION = 2;

    private final long capacity;
    private boolean ready;

    /**
     * Connects.
     *
     * @param sleeps whether it waits for interrupts while there is nothing to do
     * @param capacity bytes of LUN 0
     */
    VirtioScsiDriver(String name, Path socket, boolean sleeps, long capacity) {
        super(name, socket, sleeps, 0, REQUEST_QUEUE, RING_SIZE);
        this.capacity = capacity;
        if ((session.features() & VhostUserSession.INDIRECT_DESC) == 0) {
            throw new BenchException(name + " does not offer indirect descriptors.");
        }
    }

    @Override
    long capacity() {
        return capacity;
    }

    @Override
    void prepare(Load load) {
        for (var slot = 0; slot < load.depth(); slot++) {
            var at = slots.request(slot);
            var buffer = slots.data(slot);
            var table = at + TABLE_AT;
            queue.entry(table, 0, at, REQUEST, DriverQueue.NEXT, 1);
            if (load.writes()) {
                queue.entry(table, 1, buffer, load.size(), DriverQueue.NEXT, 2);
                queue.entry(table, 2, at + RESPONSE_AT, RESPONSE, DriverQueue.WRITE, 0);
            } else {
                var flags = DriverQueue.NEXT | DriverQueue.WRITE;
                queue.entry(table, 1, at + RESPONSE_AT, RESPONSE, flags, 2);
                queue.entry(table, 2, buffer, load.size(), DriverQueue.WRITE, 0);
            }
            queue.descriptor(slot, table, 48, DriverQueue.INDIRECT, 0);
            ForeignMemory.fill(slots.memory().host(buffer), load.size(), (byte) (slot + 1));
            ForeignMemory.fill(slots.host(slot), TABLE_AT, (byte) 0);
            // The single level form of LUN 0 of target 0.
            ForeignMemory.putByte(slots.host(slot), (byte) 1);
            ForeignMemory.putByte(slots.host(slot) + 2, (byte) 0x40);
        }
    }

    @Override
    void submit(Load load, int slot) {
        var header = slots.host(slot);
        var cdb = header + CDB_AT;
        ForeignMemory.putLong(header + 8, slot);
        ForeignMemory.putByte(cdb, (byte) (load.writes() ? WRITE_10 : READ_10));
        ForeignMemory.putInt(cdb + 2, Integer.reverseBytes((int) (offset(load) / BLOCK)));
        ForeignMemory.putShort(cdb + 7, Short.reverseBytes((short) (load.size() / BLOCK)));
        ForeignMemory.putByte(header + RESPONSE_CODE_AT, (byte) 0xff);
        queue.stage(slot);
    }

    @Override
    int complete(Load load) {
        if (!queue.collect()) {
            return -1;
        }
        var slot = queue.usedHead();
        var header = slots.host(slot);
        var status = ForeignMemory.getByte(header + STATUS_AT);
        // The first command may be told of the power on.
        var told = status == CHECK_CONDITION && !ready;
        ready = true;
        if (ForeignMemory.getByte(header + RESPONSE_CODE_AT) != 0 || (status != 0 && !told)) {
            throw new BenchException(name() + " completed a request with status " + status + ".");
        }
        return slot;
    }
}
