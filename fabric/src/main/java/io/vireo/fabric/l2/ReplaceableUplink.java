package io.vireo.fabric.l2;

import io.vireo.fabric.l2.bond.Bond;
import io.vireo.fabric.l2.lldp.LldpUplink;
import io.vireo.net.FrameBatch;
import io.vireo.net.NetPort;
import io.vireo.net.PortState;
import io.vireo.net.Uplink;
import io.vireo.reactor.Reactor;
import io.vireo.resource.MacAddress;
import io.vireo.resource.Metric;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * An uplink whose interface may be replaced while a network, or a bond, has it: they keep their
 * port. It is replaced between two passes on the reactor that owns the port; then the stations of
 * the network are announced by the new interface.
 */
final class ReplaceableUplink implements NetPort, Uplink {
    private final String name;
    private final List<Runnable> listeners = new CopyOnWriteArrayList<>();
    private final Runnable relay = () -> listeners.forEach(Runnable::run);
    private volatile Uplink current;

    /** The port of {@link #current}. */
    private volatile NetPort port;

    private volatile @Nullable Reactor owner;

    private volatile boolean reopening;

    // On the owner only.
    private Runnable ready = () -> {};
    private Runnable reroute = () -> {};
    private Runnable cameUp = () -> {};

    ReplaceableUplink(String name, Uplink first) {
        this.name = name;
        current = first;
        port = first.port();
        first.onChange(relay);
    }

    /** Whether it is a bond at the moment. */
    boolean isBond() {
        return current instanceof Bond;
    }

    /** Whether its interface is not open at the moment. */
    boolean isAbsent() {
        return current instanceof AbsentUplink;
    }

    /** Says that its interface is about to be closed and opened in another way, or has been. */
    void reopening(boolean begun) {
        reopening = begun;
        if (!begun) {
            relay.run();
        }
    }

    /** What speaks LLDP for it at the moment; a bond leaves that to its members. */
    Optional<LldpUplink> speaker() {
        return current instanceof LldpUplink speaking ? Optional.of(speaking) : Optional.empty();
    }

    /**
     * Replaces what it is made of.
     *
     * @return what it was made of before, which nobody uses any more
     * @throws IllegalStateException if the new one cannot be taken: the old one is in use again
     */
    Uplink replace(Uplink next) {
        var before = current;
        onOwner(() -> {
            var reactor = owner;
            if (reactor != null) {
                handOver(reactor, next.port());
            }
            current = next;
            port = next.port();
        });
        before.forget(relay);
        next.onChange(relay);
        onOwner(() -> {
            ready.run();
            reroute.run();
        });
        relay.run();
        return before;
    }

    private void handOver(Reactor reactor, NetPort next) {
        port.detached();
        try {
            next.attached(reactor, ready);
            next.onReroute(reroute);
            next.onUp(cameUp);
        } catch (RuntimeException e) {
            port.attached(reactor, ready);
            port.onReroute(reroute);
            port.onUp(cameUp);
            throw e;
        }
    }

    /** Runs a task on the reactor that owns the port, or here if there is none, and waits. */
    private void onOwner(Runnable task) {
        var reactor = owner;
        if (reactor == null) {
            task.run();
        } else {
            new ReactorCalls(reactor, "uplink " + name).run(task);
        }
    }

    // --- the port

    @Override
    public String name() {
        return name;
    }

    @Override
    public PortState state() {
        return port.state();
    }

    @Override
    public int mtu() {
        return port.mtu();
    }

    @Override
    public void attached(Reactor reactor, Runnable wake) {
        if (owner != null) {
            throw new IllegalStateException(
                    "another network or bond has it ('vireo get networks', 'vireo get uplinks'); take it out there, or give this one an uplink of its own");
        }
        port.attached(reactor, wake);
        ready = wake;
        owner = reactor;
    }

    @Override
    public void onReroute(Runnable listener) {
        reroute = listener;
        port.onReroute(listener);
    }

    @Override
    public void onUp(Runnable listener) {
        cameUp = listener;
        port.onUp(listener);
    }

    @Override
    public void onArrival(Consumer<MacAddress> listener) {
        port.onArrival(listener);
    }

    @Override
    public void detached() {
        owner = null;
        ready = () -> {};
        reroute = () -> {};
        cameUp = () -> {};
        port.detached();
    }

    @Override
    public int receive(FrameBatch batch) {
        return port.receive(batch);
    }

    @Override
    public int transmit(FrameBatch batch, int[] index, int count) {
        return port.transmit(batch, index, count);
    }

    @Override
    public void release(FrameBatch batch) {
        port.release(batch);
    }

    @Override
    public void publish() {
        port.publish();
    }

    @Override
    public void flush() {
        port.flush();
    }

    @Override
    public boolean arm() {
        return port.arm();
    }

    @Override
    public void disarm() {
        port.disarm();
    }

    // --- the uplink

    @Override
    public NetPort port() {
        return this;
    }

    @Override
    public Optional<MacAddress> address() {
        return current.address();
    }

    @Override
    public Map<String, String> attributes() {
        return current.attributes();
    }

    @Override
    public List<Metric> metrics() {
        return current.metrics();
    }

    @Override
    public boolean isPresent() {
        return current.isPresent();
    }

    @Override
    public boolean isReopening() {
        return reopening;
    }

    @Override
    public String trouble() {
        return current.trouble();
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
    public void close() {
        current.forget(relay);
        current.close();
    }
}
