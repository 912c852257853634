package io.vireo.fabric.l2;

import io.vireo.net.FrameBatch;
import io.vireo.net.NetPort;
import io.vireo.net.PortState;
import io.vireo.net.Uplink;
import io.vireo.reactor.Reactor;
import io.vireo.resource.Metric;
import java.util.List;
import java.util.Map;

/**
 * Stands for an interface that is not open, since it is about to be opened otherwise or is gone: a
 * cable that is not plugged in.
 *
 * @param name as the uplink's
 * @param mtu in bytes
 * @param trouble why, and what to do
 */
record AbsentUplink(String name, int mtu, String trouble) implements NetPort, Uplink {
    @Override
    public PortState state() {
        return PortState.DOWN;
    }

    @Override
    public void attached(Reactor reactor, Runnable ready) {}

    @Override
    public void detached() {}

    @Override
    public int receive(FrameBatch batch) {
        return 0;
    }

    @Override
    public int transmit(FrameBatch batch, int[] index, int count) {
        return 0;
    }

    @Override
    public void release(FrameBatch batch) {}

    @Override
    public void flush() {}

    @Override
    public boolean arm() {
        return true;
    }

    @Override
    public void disarm() {}

    @Override
    public NetPort port() {
        return this;
    }

    @Override
    public Map<String, String> attributes() {
        return Map.of();
    }

    @Override
    public List<Metric> metrics() {
        return List.of();
    }

    @Override
    public boolean isPresent() {
        return false;
    }

    @Override
    public void onChange(Runnable listener) {}

    @Override
    public void forget(Runnable listener) {}

    @Override
    public void close() {}
}
