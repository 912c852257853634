package io.vireo.adapter.packet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vireo.adapter.link.HostInterface;
import io.vireo.linux.NetInterface;
import io.vireo.linux.NetworkNamespace;
import io.vireo.net.PortState;
import io.vireo.reactor.PollMode;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.ReactorConfig;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;
import io.vireo.testkit.Eventually;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** An interface in a named namespace: how it is opened, and what is seen of its link. */
class PacketUplinkProviderTest {
    private static final String NAMESPACE = "vireo-packet-" + ProcessHandle.current().pid();

    private final Reactor control =
            Reactor.start(new ReactorConfig("control", -1, PollMode.INTERRUPT));

    @BeforeEach
    void makeNamespace() throws Exception {
        ip("netns", "add", NAMESPACE);
        ip("-n", NAMESPACE, "link", "add", "up0", "type", "veth", "peer", "name", "peer0");
        ip("-n", NAMESPACE, "link", "set", "peer0", "up");
    }

    @AfterEach
    void removeNamespace() throws Exception {
        ip("netns", "del", NAMESPACE);
        control.close();
    }

    private static void ip(String... arguments) throws IOException, InterruptedException {
        var command = new ArrayList<>(List.of("ip"));
        command.addAll(List.of(arguments));
        var process = new ProcessBuilder(command).inheritIO().start();
        assertThat(process.waitFor()).as(command.toString()).isZero();
    }

    private static HostInterface host(String name) {
        return new HostInterface("uplink 'test'", name, Optional.of(NAMESPACE));
    }

    /** Waits for a state, and until everybody was told of it. */
    private void awaitState(PacketUplink uplink, PortState state) throws Exception {
        Eventually.until("the link is " + state, () -> uplink.state() == state);
        CompletableFuture.runAsync(() -> {}, control::execute).get();
    }

    @Test
    void followsTheLink() throws Exception {
        var uplink = PacketUplinkProvider.open("test", host("up0"), 9000, control);
        var changes = new AtomicInteger();
        uplink.link().onChange(changes::incrementAndGet);
        awaitState(uplink, PortState.UP);
        try (var inside = NetworkNamespace.enter(NAMESPACE)) {
            assertThat(NetInterface.of("up0").mtu()).isEqualTo(9000);
        }
        assertThat(uplink.link().trouble("up0")).isEmpty();
        int before = changes.get();
        ip("-n", NAMESPACE, "link", "set", "peer0", "down");
        awaitState(uplink, PortState.DOWN);
        assertThat(uplink.link().trouble("up0")).contains("no link");
        ip("-n", NAMESPACE, "link", "set", "peer0", "up");
        awaitState(uplink, PortState.UP);
        assertThat(changes.get()).isEqualTo(before + 2);
        assertThat(uplink.link().isPresent()).isTrue();
        ip("-n", NAMESPACE, "link", "set", "up0", "down");
        awaitState(uplink, PortState.DOWN);
        ip("-n", NAMESPACE, "link", "del", "up0");
        Eventually.until("everybody is told", () -> changes.get() >= before + 4);
        assertThat(uplink.link().isPresent()).isFalse();
        assertThat(uplink.link().trouble("up0")).contains("was deleted");
        uplink.close();
    }

    @Test
    void saysWhatToDo() {
        assertThatThrownBy(() -> PacketUplinkProvider.open("test", host("absent"), 1500, control))
                .isInstanceOfSatisfying(
                        ResourceException.class,
                        e -> assertThat(e.code()).isEqualTo(ErrorCode.UNAVAILABLE))
                .hasMessage(
                        "uplink 'test': there is no interface absent in namespace %s; 'ip -n %s link' shows those that there are"
                                .formatted(NAMESPACE, NAMESPACE));
        assertThatThrownBy(() -> PacketUplinkProvider.open("test", host("up0"), 70_000, control))
                .hasMessage(
                        "uplink 'test': interface up0 in namespace %s does not take an MTU of 70000; 'ip -d link show dev up0' says which it takes (maxmtu)"
                                .formatted(NAMESPACE));
        var here = new HostInterface("uplink 'test'", "absent", Optional.empty());
        assertThatThrownBy(() -> PacketUplinkProvider.open("test", here, 1500, control))
                .hasMessage(
                        "uplink 'test': there is no interface absent; 'ip link' shows those that"
                                + " there are");
    }
}
