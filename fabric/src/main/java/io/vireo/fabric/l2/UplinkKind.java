package io.vireo.fabric.l2;

import io.vireo.fabric.l2.bond.Bond;
import io.vireo.fabric.l2.lldp.LldpUplink;
import io.vireo.net.HostIdentity;
import io.vireo.net.NetPort;
import io.vireo.net.PortState;
import io.vireo.net.Uplink;
import io.vireo.net.UplinkProvider;
import io.vireo.net.UplinkSpeed;
import io.vireo.resource.BitRate;
import io.vireo.resource.Column;
import io.vireo.resource.Condition;
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
import io.vireo.resource.spec.Kinds;
import io.vireo.resource.spec.LldpSpec;
import io.vireo.resource.spec.UplinkSpec;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.UUID;

/** Makes an {@link Uplink} of each Uplink resource, by the provider of its type. */
public final class UplinkKind implements ResourceKind<UplinkSpec> {
    /** A page has to hold the frame, room in front of it, and what drivers keep behind it. */
    private static final int XDP_MTU_MAX = 3498;

    @Override
    public String kind() {
        return Kinds.UPLINK;
    }

    @Override
    public String plural() {
        return "uplinks";
    }

    @Override
    public String description() {
        return "An interface of the host that a network leaves the host by, or several of them bonded.";
    }

    @Override
    public Class<UplinkSpec> specType() {
        return UplinkSpec.class;
    }

    @Override
    public List<Reference> references(UplinkSpec spec) {
        return spec.members().stream().map(UplinkKind::reference).toList();
    }

    private static Reference reference(String name) {
        return new Reference(Kinds.UPLINK, name);
    }

    @Override
    public List<Violation> validate(Metadata metadata, UplinkSpec spec) {
        var violations = new ArrayList<Violation>();
        if (spec.type() == UplinkSpec.Type.BOND) {
            validateBond(metadata, spec, violations);
        } else {
            if (spec.interfaceName().isEmpty()) {
                violations.add(
                        new Violation("/spec/interfaceName", "is needed: which interface is it?"));
            }
            if (!spec.members().isEmpty()) {
                violations.add(
                        new Violation("/spec/members", "are for type bond only: leave them out"));
            }
        }
        if (spec.type() != UplinkSpec.Type.TAP && spec.owner().isPresent()) {
            violations.add(
                    new Violation("/spec/owner", "is for TAP interfaces only: leave it out"));
        }
        validateLldp(spec, violations);
        if (spec.type() == UplinkSpec.Type.XDP && spec.mtu() > XDP_MTU_MAX) {
            violations.add(
                    new Violation(
                            "/spec/mtu",
                            "is at most "
                                    + XDP_MTU_MAX
                                    + " with type xdp: use type packet for jumbo frames"));
        }
        return violations;
    }

    private static void validateLldp(UplinkSpec spec, List<Violation> violations) {
        if (spec.lldp().isEmpty()) {
            return;
        }
        if (spec.type() == UplinkSpec.Type.BOND) {
            violations.add(
                    new Violation(
                            "/spec/lldp", "is said by each member of a bond: put it in these"));
        }
        if (!spec.lldp().get().managementAddress().map(IpPrefix::isAddress).orElse(true)) {
            violations.add(
                    new Violation(
                            "/spec/lldp/managementAddress",
                            "is one address: leave the length of the prefix out"));
        }
    }

    private static void validateBond(
            Metadata metadata, UplinkSpec spec, List<Violation> violations) {
        if (spec.interfaceName().isPresent() || spec.namespace().isPresent()) {
            violations.add(
                    new Violation(
                            "/spec",
                            "a bond has members, and neither interfaceName nor namespace"));
        }
        if (spec.members().isEmpty()) {
            violations.add(
                    new Violation("/spec/members", "is needed: the Uplinks that the bond joins"));
        }
        if (spec.members().size() > UplinkSpec.MEMBERS_MAX) {
            violations.add(
                    new Violation(
                            "/spec/members",
                            "are more than " + UplinkSpec.MEMBERS_MAX + ": a bond has no more"));
        }
        if (new HashSet<>(spec.members()).size() < spec.members().size()) {
            violations.add(new Violation("/spec/members", "names an Uplink twice"));
        }
        if (spec.members().contains(metadata.name())) {
            violations.add(new Violation("/spec/members", "names the bond itself"));
        }
    }

    /** An interface that was made here would be left behind. */
    @Override
    public List<Violation> validateUpdate(
            Metadata metadata, UplinkSpec oldSpec, UplinkSpec newSpec) {
        var violations = new ArrayList<Violation>();
        if (oldSpec.type() != newSpec.type()) {
            violations.add(new Violation("/spec/type", "cannot change: make another Uplink"));
        }
        if (!oldSpec.interfaceName().equals(newSpec.interfaceName())) {
            violations.add(
                    new Violation("/spec/interfaceName", "cannot change: make another Uplink"));
        }
        if (!oldSpec.namespace().equals(newSpec.namespace())) {
            violations.add(new Violation("/spec/namespace", "cannot change: make another Uplink"));
        }
        return violations;
    }

    @Override
    public List<Column<UplinkSpec>> columns() {
        return List.of(
                Column.of("TYPE", (spec, _) -> spec.type().name().toLowerCase(Locale.ROOT)),
                Column.of("INTERFACE", (spec, _) -> interfaces(spec)),
                Column.of("NAMESPACE", (spec, _) -> spec.namespace().orElse("-")),
                Column.of("MTU", (spec, _) -> Integer.toString(spec.mtu())),
                Column.wide("SPEED", (spec, _) -> spec.speed().map(BitRate::toString).orElse("-")),
                Column.attribute("LINK", "link"),
                Column.attribute("NEIGHBOR", Uplink.NEIGHBOR));
    }

    @Override
    public Realization realize(Metadata metadata, UplinkSpec spec, RealizeContext context) {
        var uplink =
                spec.type() == UplinkSpec.Type.BOND
                        ? bond(metadata, spec, context)
                        : speaking(metadata, spec, context);
        uplink.onChange(context.statusChanged());
        return new Running(spec, uplink);
    }

    private static Uplink speaking(Metadata metadata, UplinkSpec spec, RealizeContext context) {
        var host = context.service(HostIdentity.class);
        return new LldpUplink(
                provider(spec).open(metadata, spec, context),
                lldp(spec),
                host,
                metadata.name(),
                interfaces(spec),
                address(metadata.uid()));
    }

    private static LldpSpec lldp(UplinkSpec spec) {
        return spec.lldp().orElse(LldpSpec.DEFAULT);
    }

    private static Uplink bond(Metadata metadata, UplinkSpec spec, RealizeContext context) {
        var members = new ArrayList<Uplink>();
        for (var name : spec.members()) {
            var member = context.require(reference(name), Uplink.class);
            if (member instanceof Bond) {
                throw new ResourceException(
                        ErrorCode.INVALID,
                        "uplink '%s' is a bond itself: name its members in '%s'"
                                .formatted(name, metadata.name()));
            }
            members.add(member);
        }
        return new Bond(metadata.name(), spec, members, system(metadata.uid()));
    }

    /** A MAC address for LACP: local, and the same for as long as the resource exists. */
    private static long system(String uid) {
        var digest = UUID.nameUUIDFromBytes(uid.getBytes(StandardCharsets.UTF_8));
        return digest.getLeastSignificantBits() & 0xFFFF_FFFF_FF00L | 0x02;
    }

    /** The same, in the order of transmission. */
    private static MacAddress address(String uid) {
        return new MacAddress(Long.reverseBytes(system(uid)) >>> Short.SIZE);
    }

    private static String interfaces(UplinkSpec spec) {
        return spec.interfaceName().orElseGet(() -> String.join(",", spec.members()));
    }

    @Override
    public UpdateResult update(
            Realization running,
            Metadata metadata,
            UplinkSpec oldSpec,
            UplinkSpec newSpec,
            RealizeContext context) {
        if (running instanceof Running uplink
                && uplink.uplink() instanceof LldpUplink speaking
                && oldSpec.withLldp(newSpec.lldp()).equals(newSpec)) {
            speaking.change(lldp(newSpec));
            return UpdateResult.IN_PLACE;
        }
        return new UpdateResult.Recreate("the interface or its properties have changed");
    }

    @Override
    public void destroy(Metadata metadata, UplinkSpec spec, RealizeContext context) {
        if (spec.type() != UplinkSpec.Type.BOND) {
            provider(spec).destroy(metadata, spec, context);
        }
    }

    private static UplinkProvider provider(UplinkSpec spec) {
        for (var provider : ServiceLoader.load(UplinkProvider.class)) {
            if (provider.type() == spec.type()) {
                return provider;
            }
        }
        throw new ResourceException(
                ErrorCode.UNSUPPORTED, "nothing here opens uplinks of type " + spec.type());
    }

    private record Running(UplinkSpec spec, Uplink uplink) implements Realization {
        @Override
        public <T> Optional<T> contract(Class<T> type) {
            if (type == NetPort.class) {
                return Optional.of(type.cast(uplink.port()));
            }
            if (type == UplinkSpeed.class) {
                var speed = spec.speed().map(BitRate::bitsPerSecond).orElse(0L);
                return Optional.of(type.cast(new UplinkSpeed(speed)));
            }
            return type == Uplink.class ? Optional.of(type.cast(uplink)) : Optional.empty();
        }

        @Override
        public Status status() {
            boolean up = isUp();
            var attributes = new LinkedHashMap<String, String>();
            attributes.put("interface", interfaces(spec));
            spec.namespace().ifPresent(namespace -> attributes.put("namespace", namespace));
            attributes.put("mtu", Integer.toString(uplink.port().mtu()));
            attributes.put("link", up ? "up" : "down");
            attributes.putAll(uplink.attributes());
            return new Status(List.of(link(up)), attributes, metrics(up));
        }

        private boolean isUp() {
            return uplink.port().state() == PortState.UP;
        }

        private Condition link(boolean up) {
            return up
                    ? new Condition(Condition.CONNECTED, true, "LinkUp", "Frames can pass.")
                    : new Condition(Condition.CONNECTED, false, "LinkDown", uplink.trouble());
        }

        private List<Metric> metrics(boolean up) {
            var metrics = new ArrayList<Metric>();
            metrics.add(Metric.gauge("up", "1 if frames can pass.", up ? 1 : 0));
            metrics.addAll(uplink.metrics());
            return metrics;
        }

        @Override
        public void close(Runnable onClosed) {
            uplink.close();
            onClosed.run();
        }
    }
}
