package io.vireo.device.virtio.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.vireo.device.virtio.FakeTransport;
import io.vireo.net.CaptureSpec;
import io.vireo.net.NetPort;
import io.vireo.net.Network;
import io.vireo.net.PortCounters;
import io.vireo.net.PortPolicy;
import io.vireo.net.PortSpec;
import io.vireo.net.QosCounters;
import io.vireo.net.QosPolicy;
import io.vireo.net.QosSettings;
import io.vireo.net.Station;
import io.vireo.reactor.PollMode;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.ReactorConfig;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.LiveStream;
import io.vireo.resource.MacAddress;
import io.vireo.resource.Metadata;
import io.vireo.resource.Reference;
import io.vireo.resource.ResourceException;
import io.vireo.resource.RuntimeDirectory;
import io.vireo.resource.UpdateResult;
import io.vireo.resource.VlanSet;
import io.vireo.resource.spec.AdminState;
import io.vireo.resource.spec.Kinds;
import io.vireo.resource.spec.PortPolicySpec;
import io.vireo.resource.spec.Presentation;
import io.vireo.resource.spec.SocketMode;
import io.vireo.resource.spec.VnicSpec;
import io.vireo.testkit.FakeContext;
import io.vireo.transport.Endpoint;
import io.vireo.transport.EndpointSpec;
import io.vireo.transport.Monitor;
import io.vireo.transport.VirtioTransport;
import java.io.ByteArrayOutputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class VnicKindTest {
    private static final Metadata METADATA = Metadata.of("web1.eth0", "1");

    private final VnicKind kind = new VnicKind();
    private final Reactor reactor = Reactor.start(new ReactorConfig("net", -1, PollMode.ADAPTIVE));
    private final FakeNetwork network = new FakeNetwork();
    private final FakeTransport transport = new FakeTransport();
    private final FakeMonitor monitor = new FakeMonitor();
    private final FakeContext context =
            new FakeContext()
                    .with(Network.class, network)
                    .with(RuntimeDirectory.class, new RuntimeDirectory(Path.of("/run/vireo")))
                    .with(VirtioTransport.class, transport)
                    .with(Monitor.class, monitor);

    /** Takes ports and writes down how. */
    private final class FakeNetwork implements Network {
        final List<PortSpec> specs = new ArrayList<>();
        final List<CaptureSpec> captures = new ArrayList<>();
        final List<Station> announced = new ArrayList<>();
        final List<Runnable> listeners = new ArrayList<>();
        boolean linked = true;
        int ports;

        @Override
        public String name() {
            return "lan";
        }

        @Override
        public Reactor reactor() {
            return reactor;
        }

        @Override
        public int mtu() {
            return 1500;
        }

        @Override
        public boolean linked() {
            return linked;
        }

        @Override
        public void onLinked(Runnable listener) {
            listeners.add(listener);
        }

        @Override
        public void forget(Runnable listener) {
            listeners.remove(listener);
        }

        void link(boolean up) {
            linked = up;
            listeners.forEach(Runnable::run);
        }

        @Override
        public Attachment attach(NetPort port, PortSpec spec) {
            check(spec);
            ports++;
            specs.add(spec);
            return new Attachment() {
                @Override
                public void reconfigure(PortSpec changed) {
                    check(changed);
                    specs.add(changed);
                }

                @Override
                public List<Station> stations() {
                    return List.of();
                }

                @Override
                public void announce(List<Station> stations) {
                    announced.addAll(stations);
                }

                @Override
                public PortCounters counters() {
                    return new PortCounters(0, 0, 0, 0, 0, Map.of(), Map.of());
                }

                @Override
                public LiveStream capture(CaptureSpec wanted) {
                    captures.add(wanted);
                    return out -> out.write(1);
                }

                @Override
                public Optional<QosPolicy> qos() {
                    return specs.getLast().qos();
                }

                @Override
                public QosCounters qosCounters() {
                    return QosCounters.ZERO;
                }

                @Override
                public void suspendCaptures() {}

                @Override
                public void resumeCaptures(Attachment former) {}

                @Override
                public void detach(Runnable onDetached) {
                    ports--;
                    onDetached.run();
                }
            };
        }

        private void check(PortSpec spec) {
            if (spec.accessVlan().orElse(0) == 666) {
                throw new IllegalArgumentException("network lan does not carry VLAN 666");
            }
            if (spec.qos().stream().anyMatch(policy -> policy.settings().reservation() > 1000)) {
                throw new IllegalArgumentException("the uplink has not got that much");
            }
        }
    }

    private static final MacAddress MAC = MacAddress.parse("56:49:00:00:00:01");
    private static final PortPolicy POLICY = new PortPolicy(Optional.of(MAC), PortPolicySpec.NONE);

    private static VnicSpec spec(
            int mtu, OptionalInt vlan, List<Integer> trunk, OptionalInt nativeVlan) {
        return new VnicSpec(
                "web1",
                "eth0",
                "lan",
                MAC,
                mtu,
                vlan,
                trunk.isEmpty() ? Optional.empty() : Optional.of(VlanSet.of(trunk)),
                nativeVlan,
                2,
                SocketMode.SERVER,
                Optional.empty(),
                PortPolicySpec.NONE,
                Optional.empty(),
                AdminState.UP,
                OptionalInt.empty(),
                Optional.empty(),
                Presentation.VHOST_USER,
                Optional.empty(),
                Optional.empty());
    }

    private static VnicSpec access(int vlan) {
        return spec(1500, OptionalInt.of(vlan), List.of(), OptionalInt.empty());
    }

    private static VnicSpec plain(int mtu) {
        return spec(mtu, OptionalInt.empty(), List.of(), OptionalInt.empty());
    }

    @AfterEach
    void close() {
        reactor.close();
    }

    @Test
    void plugsTheCardInAndPresentsIt() {
        var running = kind.realize(METADATA, plain(1500), context);
        assertThat(network.specs).containsExactly(PortSpec.access(0).with(POLICY));
        assertThat(transport.presented)
                .containsExactly(
                        new EndpointSpec("web1.eth0", Path.of("/run/vireo/web1/eth0.sock"), true));
        running.close(() -> {});
        assertThat(transport.closed).isEqualTo(1);
    }

    @Test
    void vlansBecomeAnAccessPortOrATrunk() {
        kind.realize(METADATA, access(7), context);
        kind.realize(
                METADATA,
                spec(1500, OptionalInt.empty(), List.of(7, 8), OptionalInt.of(9)),
                context);
        assertThat(network.specs)
                .containsExactly(
                        PortSpec.access(7).with(POLICY),
                        PortSpec.trunk(List.of(7, 8), OptionalInt.of(9)).with(POLICY));
    }

    @Test
    void anMtuThatTheNetworkDoesNotCarryIsRefused() {
        assertThatExceptionOfType(ResourceException.class)
                .isThrownBy(() -> kind.realize(METADATA, plain(1501), context))
                .withMessageContaining("MTU 1501")
                .withMessageContaining("1500 at most")
                .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID));
        assertThat(network.ports).isZero();
    }

    @Test
    void aVlanThatTheNetworkDoesNotCarryIsRefused() {
        assertThatExceptionOfType(ResourceException.class)
                .isThrownBy(() -> kind.realize(METADATA, access(666), context))
                .withMessageContaining("web1.eth0")
                .withMessageContaining("VLAN 666")
                .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID));
    }

    @Test
    void whatCannotBePresentedIsUnplugged() {
        transport.failures.add(new ResourceException(ErrorCode.UNAVAILABLE, "no such directory"));
        assertThatExceptionOfType(ResourceException.class)
                .isThrownBy(() -> kind.realize(METADATA, plain(1500), context))
                .withMessageContaining("no such directory")
                .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.UNAVAILABLE));
        transport.failures.set(0, new IllegalStateException("a bug"));
        assertThatExceptionOfType(IllegalStateException.class)
                .isThrownBy(() -> kind.realize(METADATA, plain(1500), context));
        assertThat(network.ports).isZero();
    }

    private static VnicSpec withLink(AdminState state, Optional<String> qmp) {
        var plain = plain(1500);
        return new VnicSpec(
                plain.profile(),
                plain.device(),
                plain.network(),
                plain.mac(),
                plain.mtu(),
                plain.vlan(),
                plain.trunk(),
                plain.nativeVlan(),
                plain.queuePairs(),
                plain.socketMode(),
                plain.socketPath(),
                plain.policy(),
                plain.qosPolicy(),
                state,
                OptionalInt.of(10_000),
                qmp,
                Presentation.VHOST_USER,
                Optional.empty(),
                Optional.empty());
    }

    private int linkStatus() {
        var status = new byte[2];
        transport.devices.getLast().readConfig(6, status, 2);
        return status[0];
    }

    @Test
    void theLinkFollowsTheOperatorWithoutANewCard() {
        var up = withLink(AdminState.UP, Optional.empty());
        var down = withLink(AdminState.DOWN, Optional.empty());
        var running = kind.realize(METADATA, down, context);
        assertThat(linkStatus()).isZero();
        assertThat(running.status().attributes())
                .containsEntry("adminState", "down")
                .containsEntry("link", "down");
        assertThat(kind.update(running, METADATA, down, up, context))
                .isEqualTo(UpdateResult.IN_PLACE);
        assertThat(linkStatus()).isEqualTo(NetConfigSpace.LINK_UP);
        assertThat(running.status().attributes()).containsEntry("adminState", "up");
        assertThat(kind.update(running, METADATA, up, down, context))
                .isEqualTo(UpdateResult.IN_PLACE);
        assertThat(linkStatus()).isZero();
        assertThat(transport.presented).hasSize(1);
    }

    /** The network has none for its cards, as while its uplink is down. */
    @Test
    void theLinkFollowsTheNetworkToo() {
        network.linked = false;
        var up = withLink(AdminState.UP, Optional.of("/run/web1.qmp"));
        var down = withLink(AdminState.DOWN, Optional.of("/run/web1.qmp"));
        var running = kind.realize(METADATA, up, context);
        assertThat(linkStatus()).isZero();
        assertThat(running.status().attributes())
                .containsEntry("adminState", "up")
                .containsEntry("link", "down");
        assertThat(running.status().conditions().getLast().message())
                .isEqualTo(
                        "Its link is down since the uplink of network 'lan' has no link, which it follows (linkFollowsUplink).");
        transport.become(Endpoint.State.CONNECTED);
        monitor.said.clear();
        int changes = context.statusChanges();
        network.link(true);
        assertThat(linkStatus()).isEqualTo(NetConfigSpace.LINK_UP);
        assertThat(context.statusChanges()).as("events are made of it").isGreaterThan(changes);
        kind.update(running, METADATA, up, down, context);
        network.link(false);
        network.link(true);
        assertThat(linkStatus()).as("the operator says otherwise").isZero();
        kind.update(running, METADATA, down, up, context);
        network.link(false);
        assertThat(linkStatus()).isZero();
        assertThat(monitor.said).containsExactly("up", "down", "down", "down", "up", "down");
        running.close(() -> {});
        assertThat(network.listeners).isEmpty();
    }

    @Test
    void theGuestIsToldWheneverItsHypervisorMayHaveForgotten() {
        var down = withLink(AdminState.DOWN, Optional.of("/run/web1.qmp"));
        var running = kind.realize(METADATA, down, context);
        assertThat(monitor.said).as("while nobody is there").containsOnly("idle");
        monitor.said.clear();
        transport.become(Endpoint.State.CONNECTED);
        transport.become(Endpoint.State.RUNNING);
        transport.become(Endpoint.State.CONNECTED);
        assertThat(monitor.said).containsExactly("down", "down");
        monitor.said.clear();
        var up = withLink(AdminState.UP, Optional.of("/run/web1.qmp"));
        kind.update(running, METADATA, down, up, context);
        assertThat(monitor.said).containsExactly("up");
        monitor.trouble = "the monitor at /run/web1.qmp is not there";
        assertThat(running.status().conditions().getLast().message()).contains(monitor.trouble);
        transport.become(Endpoint.State.WAITING);
        var other = withLink(AdminState.UP, Optional.of("/run/other.qmp"));
        kind.update(running, METADATA, up, other, context);
        running.close(() -> {});
        assertThat(monitor.said).containsExactly("up", "idle", "close", "close");
        assertThat(monitor.sockets)
                .containsExactly(Path.of("/run/web1.qmp"), Path.of("/run/other.qmp"));
        assertThat(monitor.devices).containsOnly("vireo-eth0-net");
    }

    /** Writes down what a hypervisor would be told. */
    private static final class FakeMonitor implements Monitor {
        final List<Path> sockets = new ArrayList<>();
        final List<String> devices = new ArrayList<>();
        final List<String> said = new ArrayList<>();
        String trouble = "";

        @Override
        public Link link(Path socket, String device, Runnable changed) {
            sockets.add(socket);
            devices.add(device);
            return new Link() {
                @Override
                public void set(boolean up) {
                    said.add(up ? "up" : "down");
                }

                @Override
                public void idle() {
                    said.add("idle");
                }

                @Override
                public String trouble() {
                    return trouble;
                }

                @Override
                public void close() {
                    said.add("close");
                }
            };
        }
    }

    @Test
    void aPolicyComesAndGoesInPlace() {
        var policy = new QosPolicy("gold", QosSettings.NONE);
        context.with(QosPolicy.class, policy);
        assertThat(kind.references(plain(1500).withQosPolicy(Optional.of("gold"))))
                .contains(new Reference(Kinds.QOS_POLICY, "gold"));
        var running =
                kind.realize(METADATA, plain(1500).withQosPolicy(Optional.of("gold")), context);
        assertThat(network.specs.getLast().qos()).contains(policy);
        assertThat(
                        kind.update(
                                running,
                                METADATA,
                                plain(1500).withQosPolicy(Optional.of("gold")),
                                plain(1500),
                                context))
                .isEqualTo(UpdateResult.IN_PLACE);
        assertThat(network.specs.getLast().qos()).isEmpty();
        policy.change(
                new QosSettings(
                        Optional.empty(), Optional.empty(), 1, 5000, 0, QosSettings.Marking.NONE));
        assertThat(
                        kind.update(
                                running,
                                METADATA,
                                plain(1500),
                                plain(1500).withQosPolicy(Optional.of("gold")),
                                context))
                .isInstanceOfSatisfying(
                        UpdateResult.Refused.class,
                        refused -> assertThat(refused.reason()).contains("not got that much"));
        assertThatExceptionOfType(ResourceException.class)
                .isThrownBy(() ->
                        kind.realize(
                                METADATA, plain(1500).withQosPolicy(Optional.of("gold")), context))
                .withMessageContaining("web1.eth0")
                .withMessageContaining("not got that much");
        assertThat(network.ports).isEqualTo(1);
    }

    @Test
    void vlansChangeInPlaceAndTheCardDoesNot() {
        var running = kind.realize(METADATA, access(7), context);
        assertThat(kind.update(running, METADATA, access(7), access(8), context))
                .isEqualTo(UpdateResult.IN_PLACE);
        assertThat(network.specs)
                .containsExactly(PortSpec.access(7).with(POLICY), PortSpec.access(8).with(POLICY));
        assertThat(network.announced).containsExactly(new Station(MAC, 0));
        assertThat(kind.update(running, METADATA, access(8), access(666), context))
                .isInstanceOfSatisfying(
                        UpdateResult.Refused.class,
                        refused -> assertThat(refused.reason()).contains("VLAN 666"));
        assertThat(kind.restarts(access(7), access(8))).isEmpty();
        assertThat(kind.restarts(plain(1500), plain(1400)))
                .hasValue("the card or its socket has changed");
    }

    @Test
    void aCaptureIsWhatWasAskedFor() throws Exception {
        var running = kind.realize(METADATA, plain(1500), context);
        var offer = kind.streams().getFirst();
        var out = new ByteArrayOutputStream();
        running.stream(offer, Map.of()).writeTo(out);
        assertThat(out.size()).isEqualTo(1);
        running.stream(
                offer,
                Map.of("direction", "in", "snaplen", "64", "count", "7", "filter", "vlan 3"));
        assertThat(network.captures)
                .containsExactly(
                        CaptureSpec.ALL,
                        new CaptureSpec(CaptureSpec.Direction.IN, 64, 7, "vlan 3"));
        for (var wrong :
                List.of(
                        Map.of("direction", "up"),
                        Map.of("snaplen", "63"),
                        Map.of("snaplen", "many"),
                        Map.of("count", "0"))) {
            assertThatExceptionOfType(ResourceException.class)
                    .isThrownBy(() -> running.stream(offer, wrong))
                    .withMessageContaining(wrong.keySet().iterator().next())
                    .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID));
        }
    }
}
