package io.vireo.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.device.virtio.net.VnicKind;
import io.vireo.fabric.l2.NetworkKind;
import io.vireo.fabric.l2.UplinkKind;
import io.vireo.reactor.PollMode;
import io.vireo.resource.MacAddress;
import io.vireo.resource.Metadata;
import io.vireo.resource.Realization;
import io.vireo.resource.UpdateResult;
import io.vireo.resource.spec.AdminState;
import io.vireo.resource.spec.UplinkSpec;
import io.vireo.resource.spec.UplinkSpec.Type;
import io.vireo.resource.spec.VnicSpec;
import io.vireo.testkit.DriverMemory;
import io.vireo.testkit.Eventually;
import io.vireo.testkit.HostShell;
import io.vireo.testkit.VhostUserSession;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A bridge of the kernel believes a card at another port and unlearns that although the card never
 * sends: when its link comes up, when its bond leaves by another link, and when its daemon is
 * another one.
 */
@Timeout(120)
class CardAnnouncedTest {
    private static final String OUTSIDE = "vireo-card-" + ProcessHandle.current().pid();
    private static final MacAddress MAC = MacAddress.parse("56:49:00:00:00:71");
    private static final Metadata CARD = Metadata.of("web1.eth0", "1");
    private static final Metadata LAN = Metadata.of("lan", "2");
    private static final int RING = 64;

    @TempDir private Path directory;

    private final DriverMemory memory = new DriverMemory(16 << 20);
    private final VnicKind vnics = new VnicKind();

    @BeforeEach
    void wire() throws Exception {
        HostShell.makeNamespace(OUTSIDE);
        inside("sysctl -qw net.ipv6.conf.default.disable_ipv6=1");
        inside("ip link add br0 type bridge");
        inside("ip link set br0 up");
        for (var end : List.of("a", "b", "x")) {
            inside("ip link add up-%s type veth peer name port-%s".formatted(end, end));
            inside("ip link set up-%s up".formatted(end));
            inside("ip link set port-%s master br0 up".formatted(end));
        }
    }

    @AfterEach
    void unwire() throws Exception {
        memory.close();
        HostShell.removeNamespace(OUTSIDE);
    }

    private static String inside(String command) {
        return HostShell.inside(OUTSIDE, command);
    }

    /** The bridge believes the card behind its third port, whatever it still hears of it. */
    private static void mislead() {
        Eventually.slowly(
                "the bridge is misled",
                () -> {
                    inside("bridge fdb replace " + MAC + " dev port-x master dynamic");
                    return isCardAt("port-x");
                });
    }

    private static void awaitCardAt(String port) {
        Eventually.slowly("the card is at " + port, () -> isCardAt(port));
    }

    private static boolean isCardAt(String port) {
        return inside("bridge fdb show br br0").contains(MAC + " dev " + port + " ");
    }

    /** What a daemon has: a bond of two uplinks, a network, the card. */
    private final class Daemon implements AutoCloseable {
        private final NetBed bed = new NetBed(directory, 1, PollMode.INTERRUPT);
        private final Realization vnic;

        /**
         * @param uplink that the network leaves by
         */
        Daemon(String uplink) {
            uplink("a", NetBed.uplink(Type.PACKET, "up-a", OUTSIDE, NetBed.MTU));
            uplink("b", NetBed.uplink(Type.PACKET, "up-b", OUTSIDE, NetBed.MTU));
            uplink("both", NetBed.bond(1, "a", "b"));
            bed.context.realize(new NetworkKind(), LAN, NetBed.lan(Optional.of(uplink), false));
            vnic = bed.context.realize(vnics, CARD, card(AdminState.UP));
        }

        private void uplink(String name, UplinkSpec spec) {
            bed.context.realize(new UplinkKind(), Metadata.of(name, "uid-" + name), spec);
        }

        private VnicSpec card(AdminState state) {
            return bed.card(MAC, "lan", Optional.empty(), state);
        }

        void adminState(AdminState from, AdminState to) {
            assertThat(vnics.update(vnic, CARD, card(from), card(to), bed.context))
                    .isEqualTo(UpdateResult.IN_PLACE);
        }

        @Override
        public void close() {
            bed.close();
        }
    }

    /** A driver that has room for frames and never sends any. */
    private VhostUserSession boot() throws Exception {
        var session = VhostUserSession.open(directory.resolve("eth0.sock"), memory, ~0L);
        new SequenceDriver(session, 0, RING, MAC.bits());
        return session;
    }

    @Test
    void aSilentCardIsLookedForWhereItIs() throws Exception {
        mislead();
        try (var daemon = new Daemon("both")) {
            try (var session = boot()) {
                awaitCardAt("port-a");
                mislead();
                daemon.adminState(AdminState.UP, AdminState.DOWN);
                daemon.adminState(AdminState.DOWN, AdminState.UP);
                awaitCardAt("port-a");
                mislead();
                inside("ip link set port-a down");
                awaitCardAt("port-b");
                mislead();
                inside("ip link set port-a up");
                awaitCardAt("port-a");
                // Both at once: nothing moves, but the bridge has forgotten what it knew.
                inside("ip link set port-b down");
                inside("ip link set port-a down");
                mislead();
                inside("ip link set port-a up");
                awaitCardAt("port-a");
            }
            mislead();
            try (var session = boot()) {
                awaitCardAt("port-a");
            }
        }
        mislead();
        try (var other = new Daemon("both");
                var session = boot()) {
            awaitCardAt("port-a");
        }
    }

    @Test
    void anUplinkWhoseLinkComesBackSaysWhereItIs() throws Exception {
        try (var daemon = new Daemon("a");
                var session = boot()) {
            awaitCardAt("port-a");
            inside("ip link set port-a down");
            mislead();
            inside("ip link set port-a up");
            awaitCardAt("port-a");
        }
    }
}
