package io.vireo.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.device.virtio.net.VnicKind;
import io.vireo.fabric.l2.L2Switch;
import io.vireo.fabric.l2.UplinkKind;
import io.vireo.net.NetPort;
import io.vireo.net.PortSpec;
import io.vireo.net.UplinkSpeed;
import io.vireo.reactor.PollMode;
import io.vireo.resource.MacAddress;
import io.vireo.resource.Metadata;
import io.vireo.resource.Realization;
import io.vireo.resource.UpdateResult;
import io.vireo.resource.VlanSet;
import io.vireo.resource.spec.AdminState;
import io.vireo.resource.spec.PortPolicySpec;
import io.vireo.resource.spec.Presentation;
import io.vireo.resource.spec.SocketMode;
import io.vireo.resource.spec.UplinkSpec;
import io.vireo.resource.spec.VnicSpec;
import io.vireo.testkit.Eventually;
import io.vireo.testkit.FakeContext;
import io.vireo.testkit.HostShell;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * What a Linux host and its bridge make of a card that moves: the networks of this test leave by
 * two ports of one bridge of the kernel, which has addresses itself.
 */
@Timeout(120)
class MoveAnnouncedTest {
    private static final String OUTSIDE = "vireo-out-" + ProcessHandle.current().pid();
    private static final String SERVER = "vireo-srv-" + ProcessHandle.current().pid();
    private static final MacAddress MAC = MacAddress.parse("56:49:00:00:00:51");
    private static final String WRONG = "56:49:00:00:00:99";
    private static final String FOUR = "192.0.2.7";
    private static final String SIX = "2001:db8::7";
    private static final Metadata METADATA = Metadata.of("metal1.data0", "uid-metal1");

    private final VnicKind kind = new VnicKind();
    private final UplinkKind uplinks = new UplinkKind();
    private final NetBed bed;
    private final FakeContext context;
    private final L2Switch left;
    private final L2Switch right;

    MoveAnnouncedTest(@TempDir Path runtime) {
        bed = new NetBed(runtime, 2, PollMode.INTERRUPT);
        context = bed.context;
        left = bed.network("left", 0, VlanSet.NONE);
        right = bed.network("right", 1, VlanSet.NONE);
    }

    @BeforeEach
    void wire() throws Exception {
        HostShell.makeNamespace(OUTSIDE);
        HostShell.makeNamespace(SERVER);
        HostShell.run("ip netns exec " + SERVER + " sysctl -qw net.ipv6.conf.default.accept_dad=0");
        HostShell.run(
                "ip netns exec " + OUTSIDE + " sysctl -qw net.ipv6.conf.default.accept_dad=0");
        plugIn(left, "up0");
        plugIn(right, "up1");
        HostShell.run("ip -n " + OUTSIDE + " link add br0 type bridge");
        for (var port : List.of("up0", "up1")) {
            HostShell.run("ip -n " + OUTSIDE + " link set " + port + " master br0");
        }
        HostShell.run("ip -n " + OUTSIDE + " link set br0 up");
        HostShell.run("ip -n " + OUTSIDE + " address add 192.0.2.1/24 dev br0");
        HostShell.run("ip -n " + OUTSIDE + " address add 2001:db8::1/64 dev br0");
    }

    @AfterEach
    void unwire() throws Exception {
        bed.close();
        HostShell.removeNamespace(OUTSIDE);
        HostShell.removeNamespace(SERVER);
    }

    private void plugIn(L2Switch network, String name) {
        var spec = NetBed.uplink(UplinkSpec.Type.TAP, name, OUTSIDE, NetBed.MTU);
        var uplink = context.realize(uplinks, Metadata.of(name, "uid-" + name), spec);
        network.attachUplink(
                uplink.contract(NetPort.class).orElseThrow(),
                PortSpec.transparent(true),
                uplink.contract(UplinkSpeed.class).orElseThrow());
    }

    private static VnicSpec in(String network) {
        return in(network, AdminState.UP);
    }

    private static VnicSpec in(String network, AdminState state) {
        return new VnicSpec(
                "metal1",
                "data0",
                network,
                MAC,
                1500,
                OptionalInt.empty(),
                Optional.empty(),
                OptionalInt.empty(),
                1,
                SocketMode.SERVER,
                Optional.empty(),
                PortPolicySpec.NONE,
                Optional.empty(),
                state,
                OptionalInt.empty(),
                Optional.empty(),
                Presentation.TAP,
                Optional.empty(),
                Optional.of(SERVER));
    }

    private static void awaitOutput(String command, String wanted) {
        Eventually.slowly(wanted, () -> HostShell.run(command).contains(wanted));
    }

    private static void ping(String to) throws Exception {
        HostShell.run("ip netns exec " + SERVER + " ping -q -c 2 -i 0.2 -W 5 " + to);
    }

    private static void awaitStation(String port) {
        Eventually.slowly("the station is at " + port, () -> isStationAt(port));
    }

    private static boolean isStationAt(String port) {
        return HostShell.run("bridge -n " + OUTSIDE + " fdb show br br0")
                .contains(MAC + " dev " + port);
    }

    private static void forgetNeighbors() throws Exception {
        for (var address : List.of(FOUR, SIX)) {
            HostShell.run(
                    "ip -n %s neigh replace %s lladdr %s dev br0 nud stale"
                            .formatted(OUTSIDE, address, WRONG));
        }
    }

    private static void awaitNeighbors() throws Exception {
        for (var address : List.of(FOUR, SIX)) {
            awaitOutput("ip -n " + OUTSIDE + " neigh show " + address, "lladdr " + MAC);
        }
    }

    @Test
    void hostsAndSwitchesLearnWhereItIs() throws Exception {
        var card = context.realize(kind, METADATA, in("left"));
        HostShell.run("ip -n " + SERVER + " address add " + FOUR + "/24 dev data0");
        HostShell.run("ip -n " + SERVER + " address add " + SIX + "/64 dev data0");
        ping("192.0.2.1");
        ping("2001:db8::1");
        awaitStation("up0");
        // The server itself says nothing from here on.
        HostShell.run("ip -n " + SERVER + " link set data0 arp off");
        forgetNeighbors();
        move(card, "left", "right");
        awaitStation("up1");
        awaitNeighbors();
        assertThat(HostShell.run("ip -n " + OUTSIDE + " neigh show " + FOUR)).doesNotContain(WRONG);

        // Nobody has said anything in the new place, and yet it is known there.
        forgetNeighbors();
        move(card, "right", "left");
        awaitStation("up0");
        awaitNeighbors();
        context.close(card);
    }

    @Test
    void aSilentCardIsAnnouncedWhenItsLinkComesUp() throws Exception {
        HostShell.run(
                "ip netns exec " + SERVER + " sysctl -qw net.ipv6.conf.default.disable_ipv6=1");
        mislead();
        var card = context.realize(kind, METADATA, in("left"));
        awaitStation("up0");
        mislead();
        var down = in("left", AdminState.DOWN);
        assertThat(kind.update(card, METADATA, in("left"), down, context))
                .isEqualTo(UpdateResult.IN_PLACE);
        assertThat(kind.update(card, METADATA, down, in("left"), context))
                .isEqualTo(UpdateResult.IN_PLACE);
        awaitStation("up0");
        context.close(card);
    }

    /** The bridge believes the card at the other port, whatever it still hears of it. */
    private static void mislead() {
        var replace = "bridge -n " + OUTSIDE + " fdb replace " + MAC + " dev up1 master dynamic";
        Eventually.slowly(
                "the bridge is misled",
                () -> {
                    HostShell.run(replace);
                    return isStationAt("up1");
                });
    }

    private void move(Realization card, String from, String to) {
        assertThat(kind.update(card, METADATA, in(from), in(to), context))
                .isEqualTo(UpdateResult.IN_PLACE);
    }
}
