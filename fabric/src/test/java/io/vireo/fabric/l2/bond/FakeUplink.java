package io.vireo.fabric.l2.bond;

import io.vireo.net.FrameBatch;
import io.vireo.net.NetPort;
import io.vireo.net.PortState;
import io.vireo.net.Uplink;
import io.vireo.reactor.Reactor;
import io.vireo.resource.Metric;
import io.vireo.testkit.FramePort;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** An uplink whose other side is a test. */
public final class FakeUplink implements Uplink, NetPort {
    public final FramePort frames;
    private final List<Runnable> listeners = new ArrayList<>();
    private Runnable ready = () -> {};
    private boolean attached;

    public FakeUplink(String name) {
        frames = new FramePort(name, 1500);
    }

    public void arrive(byte[] frame) {
        frames.arrive(frame);
        ready.run();
    }

    public void state(PortState state) {
        frames.state(state);
        List.copyOf(listeners).forEach(Runnable::run);
    }

    public int listeners() {
        return listeners.size();
    }

    public boolean isAttached() {
        return attached;
    }

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
    public String trouble() {
        return "";
    }

    @Override
    public void onChange(Runnable listener) {
        listeners.add(listener);
    }

    @Override
    public void forget(Runnable listener) {
        listeners.remove(listener);
    }

    @Override
    public void close() {}

    @Override
    public String name() {
        return frames.name();
    }

    @Override
    public PortState state() {
        return frames.state();
    }

    @Override
    public int mtu() {
        return frames.mtu();
    }

    @Override
    public void attached(Reactor reactor, Runnable wake) {
        if (attached) {
            throw new IllegalStateException("it is plugged into another network");
        }
        attached = true;
        ready = wake;
    }

    @Override
    public void detached() {
        attached = false;
    }

    @Override
    public int receive(FrameBatch batch) {
        return frames.receive(batch);
    }

    @Override
    public int transmit(FrameBatch batch, int[] index, int count) {
        return frames.transmit(batch, index, count);
    }

    @Override
    public void release(FrameBatch batch) {
        frames.release(batch);
    }

    @Override
    public void flush() {
        frames.flush();
    }

    @Override
    public boolean arm() {
        return frames.arm();
    }

    @Override
    public void disarm() {
        frames.disarm();
    }
}
