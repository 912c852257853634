package io.vireo.adapter.packet;

import io.vireo.adapter.link.HostInterface;
import io.vireo.adapter.link.HostPortContract;
import io.vireo.linux.PacketSocket;
import io.vireo.net.NetPort;
import io.vireo.reactor.Reactor;
import java.util.Optional;

/** A packet socket of a veth interface whose other end is in a bridge. */
class PacketUplinkTest extends HostPortContract {
    private static final String OTHER_END = "veth0";

    private PacketUplink uplink;

    @SuppressWarnings("NullAway.Init") // set by make, before each test
    PacketUplinkTest() {}

    @Override
    protected String make(Reactor controlReactor) throws Exception {
        command("ip", "link", "add", INTERFACE, "type", "veth", "peer", "name", OTHER_END);
        var host = new HostInterface("test", INTERFACE, Optional.empty());
        host.configure(1500);
        uplink =
                new PacketUplink(
                        "uplink",
                        PacketSocket.open(host.device().index(), 1522),
                        host.monitor(controlReactor),
                        1500);
        return OTHER_END;
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
