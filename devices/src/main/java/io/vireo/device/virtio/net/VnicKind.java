package io.vireo.device.virtio.net;

import io.vireo.net.CaptureSpec;
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
import io.vireo.resource.spec.Kinds;
import io.vireo.resource.spec.SocketMode;
import io.vireo.resource.spec.VnicSpec;
import io.vireo.transport.EndpointSpec;
import io.vireo.transport.VirtioTransport;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
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
        return "A virtual network card of a server profile: a virtio network device at a vhost-user socket, plugged into a"
                + " network.";
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
                Column.wide("MTU", (spec, _) -> Integer.toString(spec.mtu())),
                Column.wide("QOS", (spec, _) -> spec.qosPolicy().orElse("-")),
                Column.attribute("SOCKET", Status.SOCKET));
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
            throw new ResourceException(
                    ErrorCode.INVALID,
                    "vNIC '%s' has MTU %d, its network '%s' carries %d at most"
                            .formatted(metadata.name(), spec.mtu(), spec.network(), network.mtu()));
        }
        var device =
                new VirtioNetDevice(
                        new VirtioNetConfig(
                                metadata.name(),
                                spec.mac(),
                                spec.mtu(),
                                spec.queuePairs(),
                                network.reactor()));
        var attachment = plug(network, device, spec, context);
        try {
            var socket = socket(spec, context.service(RuntimeDirectory.class));
            boolean listen = spec.socketMode() == SocketMode.SERVER;
            var endpoint =
                    context.service(VirtioTransport.class)
                            .present(device, new EndpointSpec(metadata.name(), socket, listen));
            endpoint.onChange(context.statusChanged());
            return new VnicRealization(device, attachment, endpoint, socket, spec);
        } catch (UncheckedIOException e) {
            attachment.detach(() -> {});
            throw new ResourceException(
                    ErrorCode.UNAVAILABLE,
                    "vNIC '" + metadata.name() + "' cannot be presented: " + e.getMessage(),
                    e);
        } catch (RuntimeException e) {
            attachment.detach(() -> {});
            throw e;
        }
    }

    @Override
    public UpdateResult update(
            Realization running,
            Metadata metadata,
            VnicSpec oldSpec,
            VnicSpec newSpec,
            RealizeContext context) {
        if (!withPortOf(oldSpec, newSpec).equals(oldSpec)) {
            return new UpdateResult.Recreate("the card or its socket has changed");
        }
        try {
            ((VnicRealization) running).reconfigure(port(newSpec, context));
            return UpdateResult.IN_PLACE;
        } catch (IllegalArgumentException e) {
            return new UpdateResult.Refused(e.getMessage() + ".");
        }
    }

    private static Network.Attachment plug(
            Network network, VirtioNetDevice device, VnicSpec spec, RealizeContext context) {
        try {
            return network.attach(device, port(spec, context));
        } catch (IllegalArgumentException e) {
            throw new ResourceException(
                    ErrorCode.INVALID,
                    "vNIC '" + device.name() + "' cannot be plugged in: " + e.getMessage(),
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

    private static VnicSpec withPortOf(VnicSpec port, VnicSpec rest) {
        return new VnicSpec(
                rest.profile(),
                rest.device(),
                rest.network(),
                rest.mac(),
                rest.mtu(),
                port.vlan(),
                port.trunk(),
                port.nativeVlan(),
                rest.queuePairs(),
                rest.socketMode(),
                rest.socketPath(),
                port.policy(),
                port.qosPolicy());
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
