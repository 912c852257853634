package io.vireo.adapter.tap;

import io.vireo.adapter.link.CallBatch;
import io.vireo.adapter.link.HostInterface;
import io.vireo.adapter.link.HostPortContract;
import io.vireo.linux.Tap;
import io.vireo.net.NetPort;
import io.vireo.reactor.Reactor;
import java.util.List;
import java.util.Optional;

/** A TAP in a bridge, whichever way its frames go. */
abstract class TapPortContract extends HostPortContract {
    protected TapUplink uplink;

    @SuppressWarnings("NullAway.Init") // set by make, before each test
    TapPortContract() {}

    /** How several frames go by one system call; empty: one by one. */
    protected abstract Optional<CallBatch> batch(Reactor reactor);

    /** Queues of the interface {@link #INTERFACE}. */
    protected List<Tap> taps() throws Exception {
        return List.of(Tap.open(INTERFACE, false, TapUplink.OFFLOADS));
    }

    @Override
    protected String make(Reactor controlReactor) throws Exception {
        var taps = taps();
        var host = new HostInterface("test", INTERFACE, Optional.empty());
        host.configure(1500);
        var link = host.monitor(controlReactor);
        uplink = new TapUplink("uplink", taps, link, 1500, false, this::batch);
        return INTERFACE;
    }

    @Override
    protected NetPort port() {
        return uplink;
    }

    @Override
    protected void close() {
        uplink.close();
    }

    @Override
    protected boolean hasOffloads() {
        return true;
    }
}
