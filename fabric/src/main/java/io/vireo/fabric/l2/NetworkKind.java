package io.vireo.fabric.l2;

import io.vireo.net.NetPort;
import io.vireo.net.Network;
import io.vireo.net.PortCounters;
import io.vireo.net.PortPolicy;
import io.vireo.net.PortSpec;
import io.vireo.net.QosPolicy;
import io.vireo.net.Uplink;
import io.vireo.net.UplinkSpeed;
import io.vireo.reactor.ReactorGroup;
import io.vireo.resource.BitRate;
import io.vireo.resource.Column;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.IpPrefix;
import io.vireo.resource.MacAddress;
import io.vireo.resource.Metadata;
import io.vireo.resource.Metric;
import io.vireo.resource.Realization;
import io.vireo.resource.RealizeContext;
import io.vireo.resource.Reference;
import io.vireo.resource.ResourceException;
import io.vireo.resource.ResourceKind;
import io.vireo.resource.Status;
import io.vireo.resource.UpdateResult;
import io.vireo.resource.Violation;
import io.vireo.resource.VlanSet;
import io.vireo.resource.spec.Kinds;
import io.vireo.resource.spec.MulticastQuerierSpec;
import io.vireo.resource.spec.MulticastSnoopingSpec;
import io.vireo.resource.spec.NetworkSpec;
import io.vireo.resource.spec.PortPolicySpec;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** Makes an {@link L2Switch} of each Network resource, with its uplink plugged in. */
public final class NetworkKind implements ResourceKind<NetworkSpec> {
    private static final int PATIENCE_SECONDS = 10;

    @Override
    public String kind() {
        return Kinds.NETWORK;
    }

    @Override
    public String plural() {
        return "networks";
    }

    @Override
    public List<String> shortNames() {
        return List.of("net");
    }

    @Override
    public String description() {
        return "A layer 2 network inside the host: a learning, VLAN-aware switch that vNICs and an uplink are plugged"
                + " into.";
    }

    @Override
    public Class<NetworkSpec> specType() {
        return NetworkSpec.class;
    }

    @Override
    public List<Reference> references(NetworkSpec spec) {
        return Stream.of(
                        spec.uplink().map(NetworkKind::uplink).stream(),
                        spec.qosPolicy().map(NetworkKind::policy).stream(),
                        spec.vnicPolicy().stream().flatMap(policy -> policy.references().stream()),
                        spec.uplinkPolicy().stream()
                                .flatMap(policy -> policy.references().stream()))
                .flatMap(references -> references)
                .distinct()
                .toList();
    }

    @Override
    public List<Column<NetworkSpec>> columns() {
        return List.of(
                Column.of("MTU", (spec, _) -> Integer.toString(spec.mtu())),
                Column.of("UPLINK", (spec, _) -> spec.uplink().orElse("-")),
                Column.attribute("PORTS", "ports"),
                Column.attribute("STATIONS", "stations"),
                Column.wide("QOS", (spec, _) -> spec.qosPolicy().orElse("-")));
    }

    @Override
    public List<Violation> validate(Metadata metadata, NetworkSpec spec) {
        var violations = new ArrayList<Violation>();
        spec.vnicPolicy()
                .ifPresent(policy -> violations.addAll(policy.violations("/spec/vnicPolicy")));
        spec.uplinkPolicy().ifPresent(policy -> validateUplink(spec, policy, violations));
        if (spec.linkFollowsUplink() && spec.uplink().isEmpty()) {
            violations.add(
                    new Violation(
                            "/spec/linkFollowsUplink",
                            "needs an uplink to follow: name one in uplink, or leave it out"));
        }
        spec.multicastSnooping()
                .ifPresent(snooping ->
                        snooping.querier()
                                .ifPresent(
                                        querier -> validateQuerier(snooping, querier, violations)));
        return violations;
    }

    private static void validateQuerier(
            MulticastSnoopingSpec snooping,
            MulticastQuerierSpec querier,
            List<Violation> violations) {
        var at = "/spec/multicastSnooping/querier";
        if (querier.responseSeconds() >= querier.intervalSeconds()) {
            violations.add(
                    new Violation(at + "/responseSeconds", "must be less than intervalSeconds"));
        }
        if (snooping.membershipSeconds() < querier.membershipSeconds()) {
            violations.add(
                    new Violation(
                            "/spec/multicastSnooping/membershipSeconds",
                            "must be at least "
                                    + querier.membershipSeconds()
                                    + ": twice intervalSeconds of the querier, and its responseSeconds"));
        }
        if (querier.address().filter(NetworkKind::isNoStation).isPresent()) {
            violations.add(
                    new Violation(
                            at + "/address",
                            "must be one IPv4 address of a station, like 192.0.2.1; leave it out for"
                                    + " 0.0.0.0"));
        }
    }

    /** Not IPv4, a prefix, of the nets 0 and 127, a group, or reserved. */
    private static boolean isNoStation(IpPrefix address) {
        long first = address.low() >>> 24;
        return address.v6() || !address.isAddress() || first == 0 || first == 127 || first >= 224;
    }

    /** A MAC address of the network itself: local, and the same for as long as it exists. */
    private static MacAddress address(Metadata metadata) {
        var digest = UUID.nameUUIDFromBytes(metadata.uid().getBytes(StandardCharsets.UTF_8));
        return new MacAddress(
                digest.getLeastSignificantBits() & 0xFCFF_FFFF_FFFFL | 0x0200_0000_0000L);
    }

    private static void validateUplink(
            NetworkSpec spec, PortPolicySpec policy, List<Violation> violations) {
        var at = "/spec/uplinkPolicy";
        if (spec.uplink().isEmpty()) {
            violations.add(
                    new Violation(at, "is for the uplink; name one in uplink, or leave it out"));
        }
        if (policy.isolation().isPresent()) {
            violations.add(
                    new Violation(
                            at + "/isolation",
                            "is for vNICs; an uplink reaches every one of them"));
        }
        if (policy.antiSpoofing().isPresent()) {
            violations.add(
                    new Violation(
                            at + "/antiSpoofing",
                            "is for vNICs; behind an uplink there are many addresses"));
        }
        violations.addAll(policy.violations(at));
    }

    @Override
    public Realization realize(Metadata metadata, NetworkSpec spec, RealizeContext context) {
        var config =
                new L2Switch.Config(
                        metadata.name(),
                        spec.mtu(),
                        spec.allowedVlans().orElse(VlanSet.NONE),
                        spec.macAgingSeconds(),
                        spec.macLimit());
        var policy = policy(spec, context);
        var reactors = context.service(ReactorGroup.class);
        var network = new L2Switch(config, reactors.next());
        network.defaultQos(policy);
        var running = new Running(network, new UplinkFollower(network, reactors.control()));
        try {
            network.snoop(spec.multicastSnooping(), address(metadata));
            running.plug(spec, context);
            running.follow(spec, context);
        } catch (RuntimeException e) {
            network.close(() -> {});
            throw e;
        }
        return running;
    }

    @Override
    public UpdateResult update(
            Realization running,
            Metadata metadata,
            NetworkSpec oldSpec,
            NetworkSpec newSpec,
            RealizeContext context) {
        var changed = (Running) running;
        if (!oldSpec.allowedVlans().equals(newSpec.allowedVlans())) {
            allow(changed.network, metadata, newSpec);
        }
        try {
            if (oldSpec.uplink().equals(newSpec.uplink())) {
                change(changed, oldSpec, newSpec, context);
            } else {
                changed.replace(newSpec, context);
            }
        } catch (IllegalArgumentException e) {
            return new UpdateResult.Refused(e.getMessage() + ".");
        }
        if (oldSpec.linkFollowsUplink() != newSpec.linkFollowsUplink()
                || !oldSpec.uplink().equals(newSpec.uplink())) {
            changed.follow(newSpec, context);
        }
        if (!oldSpec.multicastSnooping().equals(newSpec.multicastSnooping())) {
            changed.network.snoop(newSpec.multicastSnooping(), address(metadata));
        }
        changed.network.limits(newSpec.mtu(), newSpec.macAgingSeconds(), newSpec.macLimit());
        return UpdateResult.IN_PLACE;
    }

    /** Changes the policies of vNICs and uplink, both or, if one cannot be, neither. */
    private static void change(
            Running running, NetworkSpec oldSpec, NetworkSpec newSpec, RealizeContext context) {
        running.network.defaultQos(policy(newSpec, context));
        if (oldSpec.uplinkPolicy().equals(newSpec.uplinkPolicy())) {
            return;
        }
        try {
            running.reconfigure(newSpec, context);
        } catch (IllegalArgumentException e) {
            running.network.defaultQos(policy(oldSpec, context));
            throw e;
        }
    }

    private static Optional<QosPolicy> policy(NetworkSpec spec, RealizeContext context) {
        return spec.qosPolicy().map(name -> context.require(policy(name), QosPolicy.class));
    }

    private static Reference policy(String name) {
        return new Reference(Kinds.QOS_POLICY, name);
    }

    /** A card that is to let go of a VLAN in the same change does so after its network: again. */
    private static void allow(L2Switch network, Metadata metadata, NetworkSpec spec) {
        try {
            network.allow(spec.allowedVlans().orElse(VlanSet.NONE));
        } catch (IllegalArgumentException e) {
            throw new ResourceException(
                    ErrorCode.UNAVAILABLE,
                    "network '%s' goes on with the VLANs that it had: %s"
                            .formatted(metadata.name(), e.getMessage()),
                    e);
        }
    }

    private static PortSpec port(NetworkSpec spec, RealizeContext context) {
        var policy = spec.uplinkPolicy().orElse(PortPolicySpec.NONE);
        return PortSpec.transparent(true).with(PortPolicy.of(Optional.empty(), policy, context));
    }

    private static Reference uplink(String name) {
        return new Reference(Kinds.UPLINK, name);
    }

    private static final class Running implements Realization {
        private final L2Switch network;
        private final UplinkFollower follower;
        private volatile Outside outside = new Outside(Optional.empty(), PortCounters.ZERO);

        /** The uplink, and what was counted at those before. */
        private record Outside(Optional<Network.Attachment> uplink, PortCounters before) {
            PortCounters counters() {
                return uplink.map(now -> before.plus(now.counters())).orElse(before);
            }
        }

        Running(L2Switch network, UplinkFollower follower) {
            this.network = network;
            this.follower = follower;
        }

        /** Has links follow the uplink, if the spec says so. */
        void follow(NetworkSpec spec, RealizeContext context) {
            follower.follow(
                    spec.uplink()
                            .filter(_ -> spec.linkFollowsUplink())
                            .map(name -> context.require(uplink(name), Uplink.class)));
        }

        void plug(NetworkSpec spec, RealizeContext context) {
            if (spec.uplink().isPresent()) {
                replace(spec.uplink().get(), spec, context);
            }
        }

        /** Has the network leave by another uplink, or by none. */
        void replace(NetworkSpec spec, RealizeContext context) {
            if (spec.uplink().isPresent()) {
                replace(spec.uplink().get(), spec, context);
                return;
            }
            var left = outside;
            left.uplink().ifPresent(Running::detach);
            outside = new Outside(Optional.empty(), left.counters());
            network.defaultQos(policy(spec, context));
        }

        /** Waits: the uplink may be closed next, and nobody must have its port then. */
        private static void detach(Network.Attachment attachment) {
            var detached = new CompletableFuture<Boolean>();
            attachment.detach(() -> detached.complete(true));
            detached.orTimeout(PATIENCE_SECONDS, TimeUnit.SECONDS).join();
        }

        private void replace(String name, NetworkSpec spec, RealizeContext context) {
            var port = context.require(uplink(name), NetPort.class);
            var speed = context.require(uplink(name), UplinkSpeed.class);
            var left = outside;
            try {
                var added =
                        network.replaceUplink(
                                left.uplink(),
                                port,
                                port(spec, context),
                                speed,
                                policy(spec, context));
                outside = new Outside(Optional.of(added), left.counters());
            } catch (IllegalStateException e) {
                throw new ResourceException(
                        // Whoever has it may be about to let go of it.
                        ErrorCode.UNAVAILABLE,
                        "uplink '" + name + "' cannot be plugged in: " + e.getMessage(),
                        e);
            }
        }

        void reconfigure(NetworkSpec spec, RealizeContext context) {
            outside.uplink().ifPresent(uplink -> uplink.reconfigure(port(spec, context)));
        }

        @Override
        public <T> Optional<T> contract(Class<T> type) {
            return type == Network.class || type == L2Switch.class
                    ? Optional.of(type.cast(network))
                    : Optional.empty();
        }

        @Override
        public Status status() {
            var stations = network.stations();
            var attributes = new LinkedHashMap<String, String>();
            attributes.put("mtu", Integer.toString(network.mtu()));
            attributes.put("reactor", network.reactor().name());
            attributes.put("ports", Integer.toString(network.portCount()));
            attributes.put("stations", Long.toString(stations.stations()));
            attributes.put("vnicLinks", network.linked() ? "up" : "down");
            var room = network.uplinkRoom();
            if (room.speed() > 0) {
                attributes.put("uplinkSpeed", new BitRate(room.speed()).text());
                attributes.put(
                        "uplinkReserved",
                        room.reserved() == 0 ? "0 bit/s" : new BitRate(room.reserved()).text());
            }
            return new Status(List.of(), attributes, metrics(stations));
        }

        private List<Metric> metrics(L2Switch.Stations stations) {
            var metrics = new ArrayList<Metric>();
            metrics.add(
                    Metric.gauge(
                            "ports",
                            "Ports plugged in, the uplink's included.",
                            network.portCount()));
            metrics.add(Metric.gauge("stations", "MAC addresses known.", stations.stations()));
            metrics.add(counter("stations_learned", "MAC addresses learned.", stations.learned()));
            metrics.add(
                    counter(
                            "station_moves",
                            "MAC addresses that changed their port.",
                            stations.moved()));
            metrics.add(
                    counter(
                            "stations_evicted",
                            "MAC addresses pushed out of the full table.",
                            stations.evicted()));
            metrics.add(
                    counter(
                            "stations_refused",
                            "MAC addresses not learned because the table was full.",
                            stations.refused()));
            network.snooping().ifPresent(snooping -> addMulticast(metrics, snooping));
            var left = outside;
            if (left.uplink().isPresent() || !left.before().equals(PortCounters.ZERO)) {
                addUplink(metrics, left.counters());
                addRoom(metrics, network.uplinkRoom());
            }
            return metrics;
        }

        private static void addMulticast(List<Metric> metrics, Snooping snooping) {
            metrics.add(
                    Metric.gauge(
                            "multicast_groups",
                            "Multicast groups that ports asked for.",
                            snooping.counted(Snooping.GROUPS)));
            metrics.add(
                    Metric.gauge(
                            "multicast_memberships",
                            "Ports that asked for a group, summed over groups.",
                            snooping.counted(Snooping.MEMBERSHIPS)));
            metrics.add(
                    Metric.gauge(
                            "multicast_router_ports",
                            "Ports that multicast routers were heard at, summed over VLANs and IP versions.",
                            snooping.counted(Snooping.QUERIERS)));
            metrics.add(
                    Metric.gauge(
                            "multicast_asking",
                            "VLANs in which Vireo is the querier, those of IPv4 and of IPv6 summed up.",
                            snooping.counted(Snooping.ASKING)));
            metrics.add(
                    counter(
                            "multicast_queries_sent",
                            "Queries of IGMP and MLD that Vireo sent itself.",
                            snooping.counted(Snooping.QUERIES_SENT)));
            metrics.add(
                    counter(
                            "multicast_reports",
                            "Reports of IGMP and MLD, leaving included.",
                            snooping.counted(Snooping.REPORTS)));
            metrics.add(
                    counter(
                            "multicast_queries",
                            "Queries of IGMP and MLD.",
                            snooping.counted(Snooping.QUERIES)));
            metrics.add(
                    counter(
                            "multicast_invalid",
                            "Messages of IGMP and MLD that were broken and not believed.",
                            snooping.counted(Snooping.INVALID)));
            metrics.add(
                    counter(
                            "multicast_refused",
                            "Groups that a port asked for beyond its limit.",
                            snooping.counted(Snooping.REFUSED)));
            metrics.add(
                    counter(
                            "multicast_records_passed_over",
                            "Records of reports of IGMP and MLD beyond those that are looked at.",
                            snooping.counted(Snooping.PASSED_OVER)));
        }

        /** Directions are the host's: received is what came in from outside. */
        private static void addUplink(List<Metric> metrics, PortCounters port) {
            metrics.add(
                    counter("uplink_rx_frames", "Frames from the uplink.", port.receivedFrames()));
            metrics.add(counter("uplink_rx_bytes", "Bytes from the uplink.", port.receivedBytes()));
            metrics.add(
                    counter("uplink_tx_frames", "Frames to the uplink.", port.transmittedFrames()));
            metrics.add(
                    counter("uplink_tx_bytes", "Bytes to the uplink.", port.transmittedBytes()));
            metrics.addAll(
                    port.receivedDropMetrics(
                            "uplink_rx_dropped_total",
                            "Frames from the uplink that were not forwarded."));
            metrics.addAll(
                    port.transmittedDropMetrics(
                            "uplink_tx_dropped_total",
                            "Frames to the uplink that did not leave by it."));
        }

        private static void addRoom(List<Metric> metrics, L2Switch.UplinkRoom room) {
            metrics.add(
                    Metric.gauge(
                            "uplink_speed_bits_per_second",
                            "What the uplink says that it carries; 0 if it does not.",
                            room.speed()));
            metrics.add(
                    Metric.gauge(
                            "uplink_reserved_bits_per_second",
                            "Reservations of the vNICs.",
                            room.reserved()));
        }

        private static Metric counter(String name, String help, long value) {
            return Metric.counter(name + "_total", help, value);
        }

        @Override
        public void close(Runnable onClosed) {
            follower.follow(Optional.empty());
            Runnable last = () -> network.close(onClosed);
            outside.uplink().ifPresentOrElse(uplink -> uplink.detach(last), last);
        }
    }
}
