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
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.UUID;
import java.util.function.Function;

/** Makes an {@link Uplink} of each Uplink resource, by the provider of its type. */
public final class UplinkKind implements ResourceKind<UplinkSpec> {
    private static final Logger LOG = System.getLogger(UplinkKind.class.getName());

    /** Bits per second; less is meant to be Gbit/s or Mbit/s, and lacks its unit. */
    private static final long SPEED_MIN = 1_000_000;

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
        if (spec.speed().filter(speed -> speed.bitsPerSecond() < SPEED_MIN).isPresent()) {
            violations.add(
                    new Violation(
                            "/spec/speed", "is in bit/s, 1M at least: write 10G for 10 Gbit/s"));
        }
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

    @Override
    public List<Violation> validateUpdate(
            Metadata metadata, UplinkSpec oldSpec, UplinkSpec newSpec) {
        boolean fromTap =
                oldSpec.type() == UplinkSpec.Type.TAP && newSpec.type() != UplinkSpec.Type.TAP;
        return fromTap && isSameInterface(oldSpec, newSpec)
                ? List.of(
                        new Violation(
                                "/spec/interfaceName",
                                "is a TAP interface, which leads nowhere when Vireo lets go of it: name"
                                        + " the interface that frames are to leave by"))
                : List.of();
    }

    private static boolean isSameInterface(UplinkSpec one, UplinkSpec other) {
        return one.interfaceName().isPresent()
                && one.interfaceName().equals(other.interfaceName())
                && one.namespace().equals(other.namespace());
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
        var uplink = new ReplaceableUplink(metadata.name(), open(metadata, spec, context));
        uplink.onChange(context.statusChanged());
        return new Running(spec, uplink, opened -> open(metadata, opened, context));
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

    private static Uplink open(Metadata metadata, UplinkSpec spec, RealizeContext context) {
        return spec.type() == UplinkSpec.Type.BOND
                ? bond(metadata, spec, context)
                : speaking(metadata, spec, context);
    }

    private static Uplink bond(Metadata metadata, UplinkSpec spec, RealizeContext context) {
        var members = new ArrayList<Uplink>();
        for (var name : spec.members()) {
            var member = context.require(reference(name), Uplink.class);
            if (member instanceof ReplaceableUplink some && some.isBond()) {
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
        var changed = (Running) running;
        long speed = speed(newSpec);
        try {
            changed.speed.admit(speed);
        } catch (IllegalArgumentException e) {
            return new UpdateResult.Refused(e.getMessage() + ".");
        }
        UplinkSpec before = oldSpec.withSpeed(newSpec.speed());
        if (before.withLldp(newSpec.lldp()).equals(newSpec)) {
            changed.uplink.speaker().ifPresent(speaker -> speaker.change(lldp(newSpec)));
        } else {
            try {
                replace(changed.uplink, metadata, oldSpec, newSpec, context);
            } catch (NothingLeftException e) {
                LOG.log(Level.WARNING, "uplink '" + metadata.name() + "' is lost", e);
                return new UpdateResult.Recreate("its interface cannot be opened any more");
            }
        }
        changed.speed.change(speed);
        changed.spec = newSpec;
        return UpdateResult.IN_PLACE;
    }

    private static long speed(UplinkSpec spec) {
        return spec.speed().map(BitRate::bitsPerSecond).orElse(0L);
    }

    /** Neither the new interface nor the old one can be opened. */
    private static final class NothingLeftException extends Exception {
        private static final long serialVersionUID = 1;

        NothingLeftException(Throwable cause) {
            super(cause);
        }
    }

    /** Replaces the interface under the network that has it; if that fails all is as it was. */
    private static void replace(
            ReplaceableUplink uplink,
            Metadata metadata,
            UplinkSpec oldSpec,
            UplinkSpec newSpec,
            RealizeContext context)
            throws NothingLeftException {
        if (isSameInterface(oldSpec, newSpec)) {
            reopen(uplink, metadata, oldSpec, newSpec, context);
        } else {
            exchange(uplink, metadata, newSpec, context);
            try {
                removeMade(metadata, oldSpec, context);
            } catch (RuntimeException e) {
                // The change is made; the next start of the daemon removes it.
                LOG.log(
                        Level.WARNING,
                        "uplink '" + metadata.name() + "' leaves an interface behind",
                        e);
            }
        }
    }

    private static void removeMade(Metadata metadata, UplinkSpec spec, RealizeContext context) {
        if (spec.type() != UplinkSpec.Type.BOND) {
            provider(spec).destroy(metadata, spec, context);
        }
    }

    /** The new interface is there before the old one is let go of. */
    private static void exchange(
            ReplaceableUplink uplink,
            Metadata metadata,
            UplinkSpec newSpec,
            RealizeContext context) {
        var next = open(metadata, newSpec, context);
        try {
            uplink.replace(next).close();
        } catch (RuntimeException e) {
            next.close();
            removeMade(metadata, newSpec, context);
            throw new ResourceException(
                    ErrorCode.UNAVAILABLE,
                    "uplink '%s' stays as it was: %s".formatted(metadata.name(), e.getMessage()),
                    e);
        }
    }

    /** An interface is open once: it is closed, and opened otherwise. */
    private static void reopen(
            ReplaceableUplink uplink,
            Metadata metadata,
            UplinkSpec oldSpec,
            UplinkSpec newSpec,
            RealizeContext context)
            throws NothingLeftException {
        var absent =
                new AbsentUplink(
                        metadata.name(), oldSpec.mtu(), "Its interface is being opened otherwise.");
        uplink.reopening(true);
        try {
            uplink.replace(absent).close();
            openAnew(uplink, metadata, oldSpec, newSpec, context);
        } finally {
            uplink.reopening(false);
        }
    }

    private static void openAnew(
            ReplaceableUplink uplink,
            Metadata metadata,
            UplinkSpec oldSpec,
            UplinkSpec newSpec,
            RealizeContext context)
            throws NothingLeftException {
        try {
            uplink.replace(open(metadata, newSpec, context));
        } catch (RuntimeException e) {
            try {
                uplink.replace(open(metadata, oldSpec, context));
            } catch (RuntimeException again) {
                e.addSuppressed(again);
                throw new NothingLeftException(e);
            }
            throw e;
        }
    }

    @Override
    public void destroy(Metadata metadata, UplinkSpec spec, RealizeContext context) {
        removeMade(metadata, spec, context);
    }

    @Override
    public void reclaim(List<Declared<UplinkSpec>> declared, RealizeContext context) {
        for (var provider : ServiceLoader.load(UplinkProvider.class)) {
            provider.reclaim(declared, context);
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

    private static final class Running implements Realization {
        private final ReplaceableUplink uplink;
        private final UplinkSpeed speed;
        private final Function<UplinkSpec, Uplink> opener;
        private volatile UplinkSpec spec;

        Running(UplinkSpec spec, ReplaceableUplink uplink, Function<UplinkSpec, Uplink> opener) {
            this.spec = spec;
            this.uplink = uplink;
            this.opener = opener;
            speed = new UplinkSpeed(speed(spec));
        }

        @Override
        public <T> Optional<T> contract(Class<T> type) {
            if (type == NetPort.class) {
                return Optional.of(type.cast(uplink.port()));
            }
            if (type == UplinkSpeed.class) {
                return Optional.of(type.cast(speed));
            }
            return type == Uplink.class ? Optional.of(type.cast(uplink)) : Optional.empty();
        }

        @Override
        public Status status() {
            boolean up = isUp();
            var attributes = new LinkedHashMap<String, String>();
            var now = spec;
            attributes.put("interface", interfaces(now));
            now.namespace().ifPresent(namespace -> attributes.put("namespace", namespace));
            attributes.put("mtu", Integer.toString(uplink.port().mtu()));
            attributes.put("link", up ? "up" : "down");
            attributes.putAll(uplink.attributes());
            return new Status(List.of(link(up)), attributes, metrics(up));
        }

        /** Opens its interface anew, if that is gone: somebody may have made it again. */
        @Override
        public boolean mend() {
            if (uplink.isPresent()) {
                return true;
            }
            if (!uplink.isAbsent()) {
                // Before another one is opened: an interface is open once.
                uplink.replace(absent(uplink.trouble())).close();
            }
            try {
                take(opener.apply(spec));
                LOG.log(Level.INFO, "uplink '" + uplink.name() + "' has its interface again");
                return true;
            } catch (ResourceException | IllegalStateException e) {
                String trouble = e.getMessage() + ". It is used as soon as it is there.";
                if (!trouble.equals(uplink.trouble())) {
                    uplink.replace(absent(trouble)).close();
                }
                return false;
            }
        }

        private void take(Uplink next) {
            try {
                uplink.replace(next).close();
            } catch (RuntimeException e) {
                next.close();
                throw e;
            }
        }

        private AbsentUplink absent(String trouble) {
            return new AbsentUplink(uplink.name(), spec.mtu(), trouble);
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
