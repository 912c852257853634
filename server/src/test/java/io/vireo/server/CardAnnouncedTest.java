package io.vireo.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.device.virtio.net.VnicKind;
import io.vireo.fabric.l2.NetworkKind;
import io.vireo.fabric.l2.UplinkKind;
import io.vireo.net.HostIdentity;
import io.vireo.reactor.PollMode;
import io.vireo.reactor.ReactorGroup;
import io.vireo.resource.MacAddress;
import io.vireo.resource.Metadata;
import io.vireo.resource.Realization;
import io.vireo.resource.RealizeContext;
import io.vireo.resource.Reference;
import io.vireo.resource.RuntimeDirectory;
import io.vireo.resource.UpdateResult;
import io.vireo.resource.spec.AdminState;
import io.vireo.resource.spec.NetworkSpec;
import io.vireo.resource.spec.PortPolicySpec;
import io.vireo.resource.spec.Presentation;
import io.vireo.resource.spec.SocketMode;
import io.vireo.resource.spec.UplinkSpec;
import io.vireo.resource.spec.UplinkSpec.Type;
import io.vireo.resource.spec.VnicSpec;
import io.vireo.testkit.DriverMemory;
import io.vireo.testkit.VhostUserSession;
import io.vireo.transport.VirtioTransport;
import io.vireo.transport.vhostuser.VhostUserTransport;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SequencedMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
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
        run("ip netns add " + OUTSIDE);
        run("ip netns exec " + OUTSIDE + " sysctl -qw net.ipv6.conf.default.disable_ipv6=1");
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
        run("ip netns del " + OUTSIDE);
    }

    private static String inside(String command) throws IOException, InterruptedException {
        return run("ip netns exec " + OUTSIDE + " " + command);
    }

    private static String run(String command) throws IOException, InterruptedException {
        var process = new ProcessBuilder(command.split(" ")).redirectErrorStream(true).start();
        var output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(command + ": " + output).isZero();
        return output;
    }

    /** The bridge believes the card behind its third port. */
    private static void mislead() throws Exception {
        inside("bridge fdb replace " + MAC + " dev port-x master dynamic");
        awaitCardAt("port-x");
    }

    private static void awaitCardAt(String port) throws Exception {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        var place = MAC + " dev " + port + " ";
        while (!inside("bridge fdb show br br0").contains(place)) {
            assertThat(System.nanoTime()).as(place).isLessThan(deadline);
            LockSupport.parkNanos(20_000_000);
        }
    }

    private VnicSpec card(AdminState state) {
        return new VnicSpec(
                "web1",
                "eth0",
                "lan",
                MAC,
                1500,
                OptionalInt.empty(),
                Optional.empty(),
                OptionalInt.empty(),
                1,
                SocketMode.SERVER,
                Optional.of(directory.resolve("eth0.sock").toString()),
                PortPolicySpec.NONE,
                Optional.empty(),
                state,
                OptionalInt.empty(),
                Optional.empty(),
                Presentation.VHOST_USER,
                Optional.empty(),
                Optional.empty());
    }

    /** What a daemon has: a bond of two uplinks, a network, the card. */
    private final class Daemon implements RealizeContext, AutoCloseable {
        private final ReactorGroup reactors = ReactorGroup.start(List.of(-1), PollMode.INTERRUPT);
        private final SequencedMap<Reference, Realization> running = new LinkedHashMap<>();
        private final VhostUserTransport transport =
                new VhostUserTransport(reactors, VhostUserTransport.Configuration.defaults());
        private final Realization vnic;

        /**
         * @param uplink that the network leaves by
         */
        Daemon(String uplink) {
            uplink("a", Type.PACKET, Optional.of("up-a"), List.of());
            uplink("b", Type.PACKET, Optional.of("up-b"), List.of());
            uplink("both", Type.BOND, Optional.empty(), List.of("a", "b"));
            var lan =
                    new NetworkSpec(
                            1500,
                            Optional.empty(),
                            300,
                            1024,
                            Optional.of(uplink),
                            Optional.empty(),
                            Optional.empty(),
                            Optional.empty(),
                            Optional.empty(),
                            false);
            running.put(new Reference("Network", "lan"), new NetworkKind().realize(LAN, lan, this));
            vnic = vnics.realize(CARD, card(AdminState.UP), this);
        }

        private void uplink(String name, Type type, Optional<String> device, List<String> members) {
            var spec =
                    new UplinkSpec(
                            type,
                            device,
                            device.map(_ -> OUTSIDE),
                            1500,
                            Optional.empty(),
                            Optional.empty(),
                            members,
                            UplinkSpec.BondMode.ACTIVE_BACKUP,
                            1,
                            UplinkSpec.LacpRate.FAST,
                            UplinkSpec.HashPolicy.LAYER2_3,
                            Optional.empty());
            running.put(
                    new Reference("Uplink", name),
                    new UplinkKind().realize(Metadata.of(name, "uid-" + name), spec, this));
        }

        void adminState(AdminState from, AdminState to) {
            assertThat(vnics.update(vnic, CARD, card(from), card(to), this))
                    .isEqualTo(UpdateResult.IN_PLACE);
        }

        @Override
        public <T> T require(Reference reference, Class<T> contract) {
            return Objects.requireNonNull(running.get(reference)).contract(contract).orElseThrow();
        }

        @Override
        public <T> T service(Class<T> type) {
            if (type == HostIdentity.class) {
                return type.cast(ThisHost.identity());
            }
            if (type == VirtioTransport.class) {
                return type.cast(transport);
            }
            return type.cast(
                    type == ReactorGroup.class ? reactors : new RuntimeDirectory(directory));
        }

        @Override
        public boolean provisioned() {
            return true;
        }

        @Override
        public Runnable statusChanged() {
            return () -> {};
        }

        @Override
        public void close() throws InterruptedException {
            close(vnic);
            for (var realization : running.reversed().values()) {
                close(realization);
            }
            reactors.close();
        }

        private static void close(Realization realization) throws InterruptedException {
            var closed = new CountDownLatch(1);
            realization.close(closed::countDown);
            assertThat(closed.await(20, TimeUnit.SECONDS)).isTrue();
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
