package io.vireo.adapter.tap;

import io.vireo.adapter.link.HostInterface;
import io.vireo.adapter.link.HostPortContract;
import io.vireo.adapter.uring.CallBatch;
import io.vireo.linux.Tap;
import io.vireo.net.NetPort;
import io.vireo.reactor.Reactor;
import java.util.ArrayList;
import java.util.Optional;

/** A TAP of several queues in a bridge. */
class TapQueuesTest extends HostPortContract {
    private static final int QUEUES = 3;

    private TapUplink uplink;

    @SuppressWarnings("NullAway.Init") // set by make, before each test
    TapQueuesTest() {}

    @Override
    protected String make(Reactor controlReactor) throws Exception {
        var taps = new ArrayList<Tap>();
        for (int i = 0; i < QUEUES; i++) {
            taps.add(Tap.open(INTERFACE, true, TapUplink.OFFLOADS));
        }
        var host = new HostInterface("test", INTERFACE, Optional.empty());
        host.configure(1500);
        var link = host.monitor(controlReactor);
        uplink = new TapUplink("uplink", taps, link, 1500, false, CallBatch::acquire);
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
