package io.vireo.adapter.tap;

import io.vireo.adapter.link.HostInterface;
import io.vireo.adapter.link.HostPortContract;
import io.vireo.linux.Tap;
import io.vireo.net.NetPort;
import io.vireo.reactor.Reactor;
import java.util.List;
import java.util.Optional;

/** A TAP in a bridge. */
class TapUplinkTest extends HostPortContract {
    private TapUplink uplink;

    @SuppressWarnings("NullAway.Init") // set by make, before each test
    TapUplinkTest() {}

    @Override
    protected String make(Reactor controlReactor) throws Exception {
        var tap = Tap.open(INTERFACE, false, TapUplink.OFFLOADS);
        var host = new HostInterface("test", INTERFACE, Optional.empty());
        host.configure(1500);
        uplink = new TapUplink("uplink", List.of(tap), host.monitor(controlReactor), 1500, false);
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
