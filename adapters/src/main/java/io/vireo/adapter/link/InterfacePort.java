package io.vireo.adapter.link;

import io.vireo.net.NetPort;
import io.vireo.net.PortState;
import io.vireo.reactor.Reactor;
import org.jspecify.annotations.Nullable;

/** An interface of the host as a port of a network: what is the same however frames get there. */
public abstract class InterfacePort implements NetPort {
    private final String name;
    private final LinkMonitor link;
    private final int mtu;
    private final Runnable linkListener = this::linkChanged;
    private Runnable ready = () -> {};
    private Runnable cameUp = () -> {};
    private volatile @Nullable Reactor owner;

    /**
     * A port.
     *
     * @param name for logs and metrics
     * @param link closed by {@link #close}
     * @param mtu of the interface in bytes
     */
    protected InterfacePort(String name, LinkMonitor link, int mtu) {
        this.name = name;
        this.link = link;
        this.mtu = mtu;
    }

    /**
     * Has {@link #frames} called when there may be something to receive that was not there before.
     */
    protected abstract void watch(Reactor reactor);

    /** Takes {@link #watch} back. */
    protected abstract void unwatch();

    /** There may be something to receive. */
    protected final void frames() {
        ready.run();
    }

    /** The interface. */
    public final LinkMonitor link() {
        return link;
    }

    /** Gives everything back; no network has the port. */
    public void close() {
        link.close();
    }

    @Override
    public final String name() {
        return name;
    }

    @Override
    public final PortState state() {
        return link.state();
    }

    @Override
    public final int mtu() {
        return mtu;
    }

    @Override
    public final void attached(Reactor reactor, Runnable wake) {
        if (owner != null) {
            throw new IllegalStateException("it is plugged into another network");
        }
        watch(reactor);
        ready = wake;
        owner = reactor;
        link.onChange(linkListener);
    }

    @Override
    public final void onUp(Runnable listener) {
        cameUp = listener;
    }

    /** On the control reactor. */
    private void linkChanged() {
        var reactor = owner;
        if (reactor != null && link.state() == PortState.UP) {
            reactor.execute(() -> cameUp.run());
        }
    }

    @Override
    public final void detached() {
        link.forget(linkListener);
        ready = () -> {};
        cameUp = () -> {};
        owner = null;
        unwatch();
    }
}
