package io.vireo.fabric.l2;

import io.vireo.linux.ForeignMemory;
import io.vireo.net.FrameBatch;
import io.vireo.net.NetPort;
import io.vireo.net.PortState;
import io.vireo.reactor.Reactor;

/**
 * Gives the same frame again and again and forgets what it gets.
 *
 * @param frame the first bytes of it
 * @param length bytes that it is said to have
 */
record EndlessPort(String name, byte[] frame, int length) implements NetPort {
    /** All of a frame. */
    static EndlessPort of(String name, byte[] frame) {
        return new EndlessPort(name, frame, frame.length);
    }

    @Override
    public PortState state() {
        return PortState.UP;
    }

    @Override
    public int mtu() {
        return Math.max(1500, length);
    }

    @Override
    public void attached(Reactor reactor, Runnable ready) {}

    @Override
    public void detached() {}

    @Override
    public int receive(FrameBatch batch) {
        for (int i = 0; i < batch.limit; i++) {
            ForeignMemory.copyFromArray(frame, 0, batch.header(i), frame.length);
            batch.length[i] = length;
            batch.headerLength[i] = frame.length;
            batch.offload[i] = 0;
            batch.rangeCount[i] = 0;
        }
        batch.count = batch.limit;
        return batch.count;
    }

    @Override
    public int transmit(FrameBatch batch, int[] index, int count) {
        return count;
    }

    @Override
    public void release(FrameBatch batch) {}

    @Override
    public void flush() {}

    @Override
    public boolean arm() {
        return false;
    }

    @Override
    public void disarm() {}
}
