package io.vireo.device.virtio.net;

import io.vireo.net.FrameBatch;
import io.vireo.net.NetPort;

/** Two ports joined without a switch; on the calling thread. */
final class Wire implements AutoCloseable {
    private final FrameBatch batch = new FrameBatch();
    private final int[] index = new int[FrameBatch.CAPACITY];

    Wire() {
        for (int i = 0; i < index.length; i++) {
            index[i] = i;
        }
    }

    /** Carries a batch; returns how many frames arrived. */
    int carry(NetPort from, NetPort to) {
        return carry(from, to, FrameBatch.VLAN_KEEP, 0);
    }

    /** Carries a batch with a VLAN action. */
    int carry(NetPort from, NetPort to, byte action, int tci) {
        batch.clear();
        int count = from.receive(batch);
        if (count == 0) {
            return 0;
        }
        for (int i = 0; i < count; i++) {
            batch.vlanAction[i] = action;
            batch.vlanTci[i] = (short) tci;
        }
        int sent = to.transmit(batch, index, count);
        to.publish();
        to.flush();
        from.release(batch);
        return sent;
    }

    FrameBatch batch() {
        return batch;
    }

    @Override
    public void close() {
        batch.close();
    }
}
