package io.vireo.adapter.xdp;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.adapter.link.HostInterface;
import io.vireo.adapter.link.HostPortContract;
import io.vireo.linux.NetInterface;
import io.vireo.net.NetPort;
import io.vireo.reactor.Reactor;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** AF_XDP on a veth interface whose other end is in a bridge. */
class XdpUplinkTest extends HostPortContract {
    private static final String OTHER_END = "veth0";

    private XdpUplink uplink;

    @SuppressWarnings("NullAway.Init") // set by make, before each test
    XdpUplinkTest() {}

    @Override
    protected String make(Reactor controlReactor) throws Exception {
        command("ip", "link", "add", INTERFACE, "type", "veth", "peer", "name", OTHER_END);
        var host = new HostInterface("test", INTERFACE, Optional.empty());
        host.configure(1500);
        // A pair of interfaces hands tags over beside the frame, as no cable does.
        assertThat(NetInterface.of(OTHER_END).turnOff(NetInterface.ETH_FLAG_TXVLAN)).isTrue();
        var sockets = XdpSockets.open(host.device().index(), host.device().receiveQueues());
        var tags = XdpUplinkProvider.tags(host.device());
        uplink = new XdpUplink("uplink", sockets, host.monitor(controlReactor), 1500, tags);
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
        return false;
    }

    @Test
    void thatTheOtherEndMayKeepTagsBackIsSaid() {
        assertThat(uplink.tags()).isEqualTo(ReceivedTags.UP_TO_OTHER_END);
        assertThat(uplink.tags().text()).startsWith("kept where the other end");
    }

    @Test
    void theDriverRunsTheProgram() {
        assertThat(uplink.isNative()).isTrue();
        assertThat(uplink.queues()).isPositive();
        assertThat(uplink.dropped()).isZero();
    }
}
