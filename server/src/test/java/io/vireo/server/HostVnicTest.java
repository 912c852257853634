package io.vireo.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vireo.device.virtio.net.VnicKind;
import io.vireo.fabric.l2.L2Switch;
import io.vireo.linux.NetInterface;
import io.vireo.linux.NetworkNamespace;
import io.vireo.linux.Tap;
import io.vireo.reactor.PollMode;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.MacAddress;
import io.vireo.resource.Metadata;
import io.vireo.resource.Metric;
import io.vireo.resource.Realization;
import io.vireo.resource.ResourceException;
import io.vireo.resource.UpdateResult;
import io.vireo.resource.VlanSet;
import io.vireo.resource.spec.AdminState;
import io.vireo.resource.spec.PortPolicySpec;
import io.vireo.resource.spec.Presentation;
import io.vireo.resource.spec.SocketMode;
import io.vireo.resource.spec.VnicSpec;
import io.vireo.testkit.Eventually;
import io.vireo.testkit.FakeContext;
import io.vireo.testkit.HostShell;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Cards of profiles that network namespaces get, joined by switches. */
@Timeout(120)
class HostVnicTest {
    private static final String ONE = "vireo-one-" + ProcessHandle.current().pid();
    private static final String TWO = "vireo-two-" + ProcessHandle.current().pid();
    private static final String CARD = "data0";
    private static final int PORT = 5001;
    private static final int QUEUES = 4;
    private static final int FLOWS = 16;

    private final VnicKind kind = new VnicKind();
    private final NetBed bed;
    private final FakeContext context;
    private final L2Switch left;

    HostVnicTest(@TempDir Path runtime) {
        bed = new NetBed(runtime, 2, PollMode.INTERRUPT);
        context = bed.context;
        left = bed.network("left", 0, VlanSet.NONE);
        bed.network("right", 1, VlanSet.NONE);
        bed.network("narrow", 0, VlanSet.of(List.of(8)));
    }

    @BeforeEach
    void makeNamespaces() throws Exception {
        ip("netns", "add", ONE);
        ip("netns", "add", TWO);
    }

    @AfterEach
    void removeNamespaces() throws Exception {
        bed.close();
        ip("netns", "del", ONE);
        ip("netns", "del", TWO);
    }

    private static String ip(String... arguments) throws IOException, InterruptedException {
        var command = new ArrayList<>(List.of("ip"));
        command.addAll(List.of(arguments));
        return run(command);
    }

    private static String run(List<String> command) throws IOException, InterruptedException {
        var process = new ProcessBuilder(command).redirectErrorStream(true).start();
        var output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(command + ": " + output).isZero();
        return output;
    }

    private static void ping(String from, String to) throws IOException, InterruptedException {
        run(
                List.of(
                        "ip", "netns", "exec", from, "ping", "-q", "-c", "3", "-i", "0.2", "-W",
                        "5", to));
    }

    private static boolean exists() throws IOException {
        try (var inside = NetworkNamespace.enter(ONE)) {
            return NetInterface.of(CARD).exists();
        }
    }

    /** Waits for what the kernel says of the card: of links it tells up to a second later. */
    private static void awaitCard(String says) {
        Eventually.slowly(
                "the card is " + says,
                () -> HostShell.run("ip -n " + ONE + " link show " + CARD).contains(says));
    }

    private static Metadata metadata(String namespace) {
        return Metadata.of(namespace + ".data0", "uid-" + namespace);
    }

    private static MacAddress mac(String namespace) {
        return MacAddress.parse(namespace.equals(ONE) ? "56:49:00:00:00:21" : "56:49:00:00:00:22");
    }

    private static VnicSpec spec(String namespace, String network, int mtu, AdminState state) {
        return spec(namespace, network, mtu, state, 1);
    }

    private static VnicSpec spec(
            String namespace, String network, int mtu, AdminState state, int queuePairs) {
        return new VnicSpec(
                "metal1",
                CARD,
                network,
                mac(namespace),
                mtu,
                OptionalInt.of(7),
                Optional.empty(),
                OptionalInt.empty(),
                queuePairs,
                SocketMode.SERVER,
                Optional.empty(),
                PortPolicySpec.NONE,
                Optional.empty(),
                state,
                OptionalInt.empty(),
                Optional.empty(),
                Presentation.TAP,
                Optional.empty(),
                Optional.of(namespace));
    }

    private Realization realize(String namespace, int mtu) {
        return context.realize(
                kind, metadata(namespace), spec(namespace, "left", mtu, AdminState.UP));
    }

    private void destroy(String namespace) {
        kind.destroy(metadata(namespace), spec(namespace, "left", 1500, AdminState.UP), context);
    }

    @Test
    void hasTheCardOfTheProfile() throws Exception {
        var running = realize(ONE, 1400);
        try (var inside = NetworkNamespace.enter(ONE)) {
            var card = NetInterface.of(CARD);
            assertThat(card.mac()).isEqualTo(mac(ONE).octets());
            assertThat(card.mtu()).isEqualTo(1400);
            assertThat(card.isUp()).isTrue();
        }
        assertThat(ip("-n", ONE, "-d", "link", "show", CARD))
                .contains("link/ether " + mac(ONE))
                .contains("vnet_hdr on persist on");
        assertThat(running.status().attributes())
                .containsEntry("interface", CARD)
                .containsEntry("namespace", ONE)
                .containsEntry("mac", mac(ONE).toString());
        assertThat(left.portCount()).isEqualTo(1);
        context.close(running);
        assertThat(left.portCount()).isZero();
        assertThat(exists()).as("after the daemon has stopped").isTrue();
        context.close(realize(ONE, 1500));
        destroy(ONE);
        assertThat(exists()).as("after the card was taken out").isFalse();
    }

    @Test
    void whatItDoesNotGetItLeavesAlone() throws Exception {
        assertThatThrownBy(() -> realize(ONE, 9000)).isInstanceOf(ResourceException.class);
        assertThat(exists()).isFalse();
        var elsewhere = spec(ONE, "narrow", 1500, AdminState.UP);
        assertThatThrownBy(() -> kind.realize(metadata(ONE), elsewhere, context))
                .isInstanceOf(ResourceException.class)
                .hasMessageContaining("VLAN 7");
        assertThat(exists()).as("made for nothing").isFalse();
        try (var inside = NetworkNamespace.enter(ONE);
                var other = Tap.open(CARD, false, 0)) {
            other.setPersistent(true);
        }
        assertThatThrownBy(() -> realize(ONE, 1500))
                .isInstanceOfSatisfying(
                        ResourceException.class,
                        e -> assertThat(e.code()).isEqualTo(ErrorCode.IN_USE))
                .hasMessageContaining("another interfaceName");
        destroy(ONE);
        assertThat(exists()).as("it was there before").isTrue();
        var nowhere = spec("vireo-nowhere", "left", 1500, AdminState.UP);
        assertThatThrownBy(() -> kind.realize(metadata("vireo-nowhere"), nowhere, context))
                .isInstanceOf(ResourceException.class)
                .hasMessageContaining("/run/netns");
    }

    @Test
    void hostsReachEachOtherThroughTheSwitch() throws Exception {
        var one = realize(ONE, 1500);
        var two = realize(TWO, 1500);
        ip("-n", ONE, "address", "add", "192.0.2.1/24", "dev", CARD);
        ip("-n", TWO, "address", "add", "192.0.2.2/24", "dev", CARD);
        ping(ONE, "192.0.2.2");
        transfer(PORT);

        // A cable that is pulled, and the address stays.
        var up = spec(ONE, "left", 1500, AdminState.UP);
        var down = spec(ONE, "left", 1500, AdminState.DOWN);
        assertThat(kind.update(one, metadata(ONE), up, down, context))
                .isEqualTo(UpdateResult.IN_PLACE);
        Eventually.until(() -> shows(one, "down"));
        awaitCard("NO-CARRIER");
        kind.update(one, metadata(ONE), down, up, context);
        Eventually.until(() -> shows(one, "up"));
        ping(ONE, "192.0.2.2");

        // Both move to another network, one after the other.
        var moved = spec(ONE, "right", 1500, AdminState.UP);
        assertThat(kind.update(one, metadata(ONE), up, moved, context))
                .isEqualTo(UpdateResult.IN_PLACE);
        assertThat(left.portCount()).isEqualTo(1);
        var other = spec(TWO, "left", 1500, AdminState.UP);
        kind.update(two, metadata(TWO), other, spec(TWO, "right", 1500, AdminState.UP), context);
        ping(TWO, "192.0.2.1");
        context.close(one);
        context.close(two);
    }

    /** A container that is started anew gets the card as the one before had it. */
    @Test
    void theNamespaceThatHasTheNameNowGetsTheCard() throws Exception {
        var one = realize(ONE, 1500);
        var two = realize(TWO, 1500);
        ip("-n", ONE, "address", "add", "192.0.2.1/24", "dev", CARD);
        ip("-n", TWO, "address", "add", "192.0.2.2/24", "dev", CARD);
        ping(ONE, "192.0.2.2");
        assertThat(one.mend()).as("nothing is missing").isTrue();
        try (var old = Inside.of(ONE)) {
            ip("netns", "del", ONE);
            ip("netns", "add", ONE);
            Eventually.until(() -> shows(one, "down"));
            assertThat(one.status().conditions().getFirst().message())
                    .contains("that another one has taken the place of");
            assertThat(old.has(CARD)).isTrue();
            assertThat(one.mend()).isTrue();
            assertThat(old.has(CARD)).as("left behind").isFalse();
        }
        Eventually.until(() -> shows(one, "up"));
        assertThat(ip("-n", ONE, "link", "show", CARD)).contains("link/ether " + mac(ONE));
        double before = frames(one);
        assertThat(before).as("counted in the one before").isGreaterThanOrEqualTo(3);
        ip("-n", ONE, "address", "add", "192.0.2.1/24", "dev", CARD);
        ping(TWO, "192.0.2.1");
        assertThat(frames(one)).isGreaterThanOrEqualTo(before + 3);
        assertThat(left.portCount()).isEqualTo(2);
        context.close(one);
        context.close(two);
        destroy(ONE);
        assertThat(exists()).isFalse();
    }

    @Test
    void anInterfaceThatIsDeletedIsMadeAgain() throws Exception {
        var down = spec(ONE, "left", 1500, AdminState.DOWN);
        var one = kind.realize(metadata(ONE), down, context);
        ip("-n", ONE, "link", "del", CARD);
        try (var inside = NetworkNamespace.enter(ONE);
                var other = Tap.open(CARD, false, 0)) {
            Eventually.until(() -> !one.mend());
            assertThat(other.name()).isEqualTo(CARD);
            assertThat(one.status().conditions().getFirst().message())
                    .isEqualTo("The link is down as adminState says.");
            var up = spec(ONE, "left", 1500, AdminState.UP);
            assertThatThrownBy(() -> kind.update(one, metadata(ONE), down, up, context))
                    .isInstanceOf(ResourceException.class);
        }
        Eventually.until(one::mend);
        assertThat(ip("-n", ONE, "link", "show", CARD)).contains("link/ether " + mac(ONE));
        awaitCard("NO-CARRIER");
        var up = spec(ONE, "left", 1500, AdminState.UP);
        kind.update(one, metadata(ONE), down, up, context);
        Eventually.until(() -> shows(one, "up"));
        assertThat(left.portCount()).isEqualTo(1);
        context.close(one);
        destroy(ONE);
    }

    private static double frames(Realization card) {
        return card.status().metrics().stream()
                .filter(metric -> metric.name().equals("tx_frames_total"))
                .mapToDouble(Metric::value)
                .sum();
    }

    /** Flows are spread over the queues that a host's card has, in both directions. */
    @Test
    void hostsUseTheQueuesThatTheyAreGiven() throws Exception {
        context.close(realize(ONE, 1500));
        var one =
                kind.realize(
                        metadata(ONE), spec(ONE, "left", 1500, AdminState.UP, QUEUES), context);
        var two =
                kind.realize(
                        metadata(TWO), spec(TWO, "left", 1500, AdminState.UP, QUEUES), context);
        assertThat(run(List.of("ip", "netns", "exec", ONE, "ls", "/sys/class/net/data0/queues")))
                .contains("rx-" + (QUEUES - 1), "tx-" + (QUEUES - 1))
                .doesNotContain("tx-" + QUEUES);
        assertThat(one.status().attributes()).containsEntry("queues", Integer.toString(QUEUES));
        ip("-n", ONE, "address", "add", "192.0.2.1/24", "dev", CARD);
        ip("-n", TWO, "address", "add", "192.0.2.2/24", "dev", CARD);
        ping(ONE, "192.0.2.2");
        for (int port = PORT; port < PORT + FLOWS; port++) {
            transfer(port);
        }
        // A flow that they all went by would be the same queue with a chance of 1 in 4^15.
        assertThat(framesByQueue(one)).hasSize(QUEUES);
        assertThat(framesByQueue(one).stream().filter(frames -> frames > 50).count())
                .isGreaterThan(1);
        assertThat(framesByQueue(two).stream().filter(frames -> frames > 50).count())
                .isGreaterThan(1);
        context.close(one);
        context.close(two);
        // Fewer again, by the interface that there is.
        one = realize(ONE, 1500);
        assertThat(ip("-n", ONE, "address", "show", CARD)).contains("192.0.2.1");
        context.close(one);
        destroy(ONE);
        assertThat(exists()).isFalse();
    }

    private static List<Double> framesByQueue(Realization card) {
        return card.status().metrics().stream()
                .filter(metric -> metric.name().equals("queue_frames_total"))
                .map(Metric::value)
                .toList();
    }

    /** Large packets, whose checksums and segments nobody has made when they reach the switch. */
    private static void transfer(int port) throws Exception {
        var data = new byte[8 << 20];
        new Random(port).nextBytes(data);
        var listening = new CountDownLatch(1);
        var received =
                inside(
                        TWO,
                        () -> {
                            try (var listener = new ServerSocket(port)) {
                                listening.countDown();
                                try (var connection = listener.accept()) {
                                    return connection.getInputStream().readAllBytes();
                                }
                            }
                        });
        assertThat(listening.await(20, TimeUnit.SECONDS)).isTrue();
        inside(
                        ONE,
                        () -> {
                            try (var socket = new Socket()) {
                                socket.connect(new InetSocketAddress("192.0.2.2", port), 10_000);
                                socket.getOutputStream().write(data);
                            }
                            return data;
                        })
                .get(60, TimeUnit.SECONDS);
        assertThat(Arrays.equals(received.get(60, TimeUnit.SECONDS), data)).isTrue();
    }

    private static FutureTask<byte[]> inside(String namespace, Callable<byte[]> task) {
        var future =
                new FutureTask<>(() -> {
                    try (var entered = NetworkNamespace.enter(namespace)) {
                        return task.call();
                    }
                });
        Thread.ofPlatform().daemon().start(future);
        return future;
    }

    private static boolean shows(Realization running, String link) {
        return link.equals(running.status().attributes().get("link"));
    }
}
