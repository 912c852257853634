package io.vireo.device.virtio.net;

import io.vireo.net.CaptureSpec;
import io.vireo.net.HostPortProvider;
import io.vireo.net.HostPortProvider.HostPort;
import io.vireo.net.NetPort;
import io.vireo.net.Network;
import io.vireo.net.PortPolicy;
import io.vireo.net.PortSpec;
import io.vireo.net.QosPolicy;
import io.vireo.resource.Column;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.LiveStream;
import io.vireo.resource.Metadata;
import io.vireo.resource.Realization;
import io.vireo.resource.RealizeContext;
import io.vireo.resource.Reference;
import io.vireo.resource.ResourceException;
import io.vireo.resource.ResourceKind;
import io.vireo.resource.RuntimeDirectory;
import io.vireo.resource.Status;
import io.vireo.resource.UpdateResult;
import io.vireo.resource.spec.AdminState;
import io.vireo.resource.spec.Kinds;
import io.vireo.resource.spec.Presentation;
import io.vireo.resource.spec.SocketMode;
import io.vireo.resource.spec.VnicSpec;
import io.vireo.transport.EndpointSpec;
import io.vireo.transport.Monitor;
import io.vireo.transport.VirtioTransport;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.stream.Stream;

/** Makes a virtio network card of each Vnic resource, plugs it into its network and presents it. */
public final class VnicKind implements ResourceKind<VnicSpec> {
    @Override
    public String kind() {
        return Kinds.VNIC;
    }

    @Override
    public String plural() {
        return "vnics";
    }

    @Override
    public String description() {
        return "A virtual network card of a server profile, plugged into a network: a virtio network device at a vhost-user"
                + " socket, or a TAP interface of the host.";
    }

    @Override
    public Class<VnicSpec> specType() {
        return VnicSpec.class;
    }

    @Override
    public boolean derived() {
        return true;
    }

    @Override
    public List<Reference> references(VnicSpec spec) {
        return Stream.of(
                        Stream.of(network(spec)),
                        spec.policy().references().stream(),
                        spec.qosPolicy().map(VnicKind::policy).stream())
                .flatMap(references -> references)
                .toList();
    }

    @Override
    public List<Column<VnicSpec>> columns() {
        return List.of(
                Column.of("NETWORK", (spec, _) -> spec.network()),
                Column.of("MAC", (spec, _) -> spec.mac().toString()),
                Column.attribute("GUEST", VnicRealization.ENDPOINT),
                Column.attribute("LINK", VnicRealization.LINK),
                Column.wide("MTU", (spec, _) -> Integer.toString(spec.mtu())),
                Column.wide("QOS", (spec, _) -> spec.qosPolicy().orElse("-")),
                Column.wideAttribute("SOCKET", Status.SOCKET));
    }

    @Override
    public List<LiveStream.Offer> streams() {
        return List.of(
                new LiveStream.Offer(
                        "capture",
                        "Capture what the card gets and sends, as pcapng, until the client goes.",
                        "application/x-pcapng",
                        CaptureSpec.PARAMETERS));
    }

    @Override
    public Realization realize(Metadata metadata, VnicSpec spec, RealizeContext context) {
        var network = context.require(network(spec), Network.class);
        if (spec.mtu() > network.mtu()) {
            throw new ResourceException(ErrorCode.INVALID, tooLong(metadata, spec, network));
        }
        return spec.presentation() == Presentation.TAP
                ? presentToHost(metadata, spec, network, context)
                : presentToHypervisor(metadata, spec, network, context);
    }

    private static Realization presentToHost(
            Metadata metadata, VnicSpec spec, Network network, RealizeContext context) {
        var port = hostPort(metadata, spec);
        var card = hostPorts().open(port, context);
        try {
            card.link(false);
            return new HostVnicRealization(
                    port,
                    () -> hostPorts().open(port, context),
                    card,
                    plug(network, card.port(), spec, context),
                    spec,
                    context.statusChanged());
        } catch (RuntimeException e) {
            card.close();
            if (card.made()) {
                // Nobody has used it yet, and nobody may come to take it away.
                hostPorts().destroy(port, context);
            }
            throw e;
        }
    }

    private static HostPort hostPort(Metadata metadata, VnicSpec spec) {
        return new HostPort(
                metadata.name(),
                metadata.uid(),
                spec.interfaceName().orElse(spec.device()),
                spec.namespace(),
                spec.mac(),
                spec.mtu(),
                spec.queuePairs());
    }

    private static HostPortProvider hostPorts() {
        return ServiceLoader.load(HostPortProvider.class)
                .findFirst()
                .orElseThrow(() ->
                        new ResourceException(
                                ErrorCode.UNSUPPORTED, "nothing here gives cards to the host"));
    }

    @Override
    public void reclaim(List<Declared<VnicSpec>> declared, RealizeContext context) {
        var ports =
                declared.stream()
                        .filter(vnic -> vnic.spec().presentation() == Presentation.TAP)
                        .map(vnic -> hostPort(vnic.metadata(), vnic.spec()))
                        .toList();
        for (var provider : ServiceLoader.load(HostPortProvider.class)) {
            provider.reclaim(ports, context);
        }
    }

    @Override
    public void destroy(Metadata metadata, VnicSpec spec, RealizeContext context) {
        if (spec.presentation() == Presentation.TAP) {
            hostPorts().destroy(hostPort(metadata, spec), context);
        }
    }

    private static Realization presentToHypervisor(
            Metadata metadata, VnicSpec spec, Network network, RealizeContext context) {
        var device =
                new VirtioNetDevice(
                        new VirtioNetConfig(
                                metadata.name(),
                                spec.mac(),
                                spec.mtu(),
                                spec.queuePairs(),
                                network.reactor(),
                                spec.speed()));
        device.link(spec.adminState() == AdminState.UP && network.linked());
        var plug = plug(network, device, spec, context);
        try {
            var socket = socket(spec, context.service(RuntimeDirectory.class));
            boolean listen = spec.socketMode() == SocketMode.SERVER;
            var endpoint =
                    context.service(VirtioTransport.class)
                            .present(device, new EndpointSpec(metadata.name(), socket, listen));
            var running =
                    new VnicRealization(
                            device, plug, endpoint, guestLink(spec, context), socket, spec);
            endpoint.onChange(() -> {
                running.frontEndChanged();
                context.statusChanged().run();
            });
            running.frontEndChanged();
            plug.onLinked(() -> {
                running.applyLink();
                context.statusChanged().run();
            });
            running.applyLink();
            return running;
        } catch (RuntimeException e) {
            plug.detach(() -> {});
            throw e;
        }
    }

    @Override
    public Optional<String> restarts(VnicSpec oldSpec, VnicSpec newSpec) {
        return !with(oldSpec, newSpec).equals(oldSpec)
                ? Optional.of("the card or its socket has changed")
                : Optional.empty();
    }

    @Override
    public UpdateResult update(
            Realization running,
            Metadata metadata,
            VnicSpec oldSpec,
            VnicSpec newSpec,
            RealizeContext context) {
        var card = (PluggedVnic) running;
        var network = context.require(network(newSpec), Network.class);
        if (newSpec.mtu() > network.mtu()) {
            return new UpdateResult.Refused(tooLong(metadata, newSpec, network) + ".");
        }
        try {
            card.plug(network, port(newSpec, context));
            if (card instanceof VnicRealization guests && !newSpec.qmp().equals(oldSpec.qmp())) {
                guests.tellBy(guestLink(newSpec, context));
            }
            card.follow(newSpec);
            return UpdateResult.IN_PLACE;
        } catch (IllegalArgumentException e) {
            return new UpdateResult.Refused(e.getMessage() + ".");
        }
    }

    /** How a guest learns of its link beside the transport of its card. */
    private static Optional<Monitor.Link> guestLink(VnicSpec spec, RealizeContext context) {
        // What vireo attach calls the back end of the card.
        var device = "vireo-" + spec.device() + "-net";
        return spec.qmp()
                .map(path ->
                        context.service(Monitor.class)
                                .link(Path.of(path), device, context.statusChanged()));
    }

    private static String tooLong(Metadata metadata, VnicSpec spec, Network network) {
        return "vNIC '%s' has MTU %d, its network '%s' carries %d at most"
                .formatted(metadata.name(), spec.mtu(), spec.network(), network.mtu());
    }

    private static NetworkPlug plug(
            Network network, NetPort port, VnicSpec spec, RealizeContext context) {
        try {
            return new NetworkPlug(port, spec.mac(), network, port(spec, context));
        } catch (IllegalArgumentException e) {
            throw new ResourceException(
                    ErrorCode.INVALID,
                    "vNIC '" + port.name() + "' cannot be plugged in: " + e.getMessage(),
                    e);
        }
    }

    /**
     * How a card sits in its network: without VLAN or trunk it has the frames without VLAN, and no
     * other.
     */
    private static PortSpec port(VnicSpec spec, RealizeContext context) {
        var port =
                spec.trunk()
                        .map(vlans -> PortSpec.trunk(vlans, spec.nativeVlan()))
                        .orElseGet(() -> PortSpec.access(spec.vlan().orElse(0)));
        return port.with(PortPolicy.of(Optional.of(spec.mac()), spec.policy(), context))
                .withQos(
                        spec.qosPolicy()
                                .map(name -> context.require(policy(name), QosPolicy.class)));
    }

    private static Reference policy(String name) {
        return new Reference(Kinds.QOS_POLICY, name);
    }

    /** A card with all of another that changes while it runs. */
    private static VnicSpec with(VnicSpec port, VnicSpec rest) {
        return new VnicSpec(
                rest.profile(),
                rest.device(),
                port.network(),
                rest.mac(),
                rest.mtu(),
                port.vlan(),
                port.trunk(),
                port.nativeVlan(),
                rest.queuePairs(),
                rest.socketMode(),
                rest.socketPath(),
                port.policy(),
                port.qosPolicy(),
                port.adminState(),
                port.speed(),
                port.qmp(),
                rest.presentation(),
                rest.interfaceName(),
                rest.namespace());
    }

    private static Path socket(VnicSpec spec, RuntimeDirectory directory) {
        return spec.socketPath()
                .map(Path::of)
                .orElseGet(() -> directory.socket(spec.profile(), spec.device()));
    }

    private static Reference network(VnicSpec spec) {
        return new Reference(Kinds.NETWORK, spec.network());
    }
}
