package io.vireo.server;

import io.vireo.fabric.l2.L2Switch;
import io.vireo.net.HostIdentity;
import io.vireo.net.Network;
import io.vireo.reactor.PollMode;
import io.vireo.reactor.ReactorGroup;
import io.vireo.resource.MacAddress;
import io.vireo.resource.Realization;
import io.vireo.resource.Reference;
import io.vireo.resource.RuntimeDirectory;
import io.vireo.resource.VlanSet;
import io.vireo.resource.spec.AdminState;
import io.vireo.resource.spec.Kinds;
import io.vireo.resource.spec.NetworkSpec;
import io.vireo.resource.spec.PortPolicySpec;
import io.vireo.resource.spec.Presentation;
import io.vireo.resource.spec.SocketMode;
import io.vireo.resource.spec.UplinkSpec;
import io.vireo.resource.spec.VnicSpec;
import io.vireo.testkit.FakeContext;
import io.vireo.transport.VirtioTransport;
import io.vireo.transport.vhostuser.VhostUserTransport;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * A host on which networks, their uplinks and their cards are realized by their kinds, and the
 * specs that most tests want of these.
 */
final class NetBed implements AutoCloseable {
    static final int MTU = 1500;

    final ReactorGroup reactors;
    final FakeContext context;

    private final Path directory;

    /**
     * @param directory where sockets come into
     * @param reactorCount data reactors, not bound to processors
     */
    NetBed(Path directory, int reactorCount, PollMode mode) {
        this.directory = directory;
        this.reactors = ReactorGroup.start(Collections.nCopies(reactorCount, -1), mode);
        var transport =
                new VhostUserTransport(reactors, VhostUserTransport.Configuration.defaults());
        this.context =
                new FakeContext()
                        .with(ReactorGroup.class, reactors)
                        .with(RuntimeDirectory.class, new RuntimeDirectory(directory))
                        .with(HostIdentity.class, ThisHost.identity())
                        .with(VirtioTransport.class, transport);
    }

    /** A network without a kind, on one of the reactors, which cards can be plugged into. */
    L2Switch network(String name, int reactor, VlanSet allowed) {
        var network =
                new L2Switch(
                        new L2Switch.Config(name, MTU, allowed, 300, 1024),
                        reactors.data().get(reactor));
        context.with(new Reference(Kinds.NETWORK, name), Network.class, network);
        return network;
    }

    /** An uplink that is an interface of a namespace. */
    static UplinkSpec uplink(UplinkSpec.Type type, String device, String namespace, int mtu) {
        return uplink(type, Optional.of(device), Optional.of(namespace), mtu, 5, List.of());
    }

    /** A bond with one active member. */
    static UplinkSpec bond(int failBackSeconds, String... members) {
        return uplink(
                UplinkSpec.Type.BOND,
                Optional.empty(),
                Optional.empty(),
                MTU,
                failBackSeconds,
                List.of(members));
    }

    private static UplinkSpec uplink(
            UplinkSpec.Type type,
            Optional<String> device,
            Optional<String> namespace,
            int mtu,
            int failBackSeconds,
            List<String> members) {
        return new UplinkSpec(
                type,
                device,
                namespace,
                mtu,
                Optional.empty(),
                Optional.empty(),
                members,
                UplinkSpec.BondMode.ACTIVE_BACKUP,
                failBackSeconds,
                UplinkSpec.LacpRate.FAST,
                UplinkSpec.HashPolicy.LAYER2_3,
                Optional.empty());
    }

    /** A network that leaves by an uplink, or by none. */
    static NetworkSpec lan(Optional<String> uplink, boolean linkFollowsUplink) {
        return new NetworkSpec(
                MTU,
                Optional.empty(),
                300,
                1024,
                uplink,
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                linkFollowsUplink);
    }

    /** The card {@code eth0} of a guest, whose socket is {@link #socket}. */
    VnicSpec card(MacAddress mac, String network, Optional<String> policy, AdminState state) {
        return card(mac, network, OptionalInt.empty(), 1, policy, state);
    }

    /** The same with an access VLAN, and several pairs of queues. */
    VnicSpec card(
            MacAddress mac,
            String network,
            OptionalInt vlan,
            int queuePairs,
            Optional<String> policy,
            AdminState state) {
        return new VnicSpec(
                "web1",
                "eth0",
                network,
                mac,
                MTU,
                vlan,
                Optional.empty(),
                OptionalInt.empty(),
                queuePairs,
                SocketMode.SERVER,
                Optional.of(socket().toString()),
                PortPolicySpec.NONE,
                policy,
                state,
                OptionalInt.empty(),
                Optional.empty(),
                Presentation.VHOST_USER,
                Optional.empty(),
                Optional.empty());
    }

    /** Where the card of a guest is connected to. */
    Path socket() {
        return directory.resolve("eth0.sock");
    }

    /** The sum of a card's metrics of a name. */
    static long metric(Realization card, String name) {
        return card.status().metrics().stream()
                .filter(metric -> metric.name().equals(name))
                .mapToLong(metric -> (long) metric.value())
                .sum();
    }

    /** Closes what is still running, and the reactors. */
    @Override
    public void close() {
        context.closeAll();
        reactors.close();
    }
}
