package io.vireo.transport.iscsi;

import io.vireo.linux.Errno;
import io.vireo.linux.ErrnoException;
import io.vireo.resource.Column;
import io.vireo.resource.Condition;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.Metadata;
import io.vireo.resource.Metric;
import io.vireo.resource.Realization;
import io.vireo.resource.RealizeContext;
import io.vireo.resource.ResourceException;
import io.vireo.resource.ResourceKind;
import io.vireo.resource.Secrets;
import io.vireo.resource.Status;
import io.vireo.resource.UpdateResult;
import io.vireo.resource.Violation;
import io.vireo.resource.spec.IscsiPortalSpec;
import io.vireo.resource.spec.Kinds;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;

/** Makes a {@link Portal} of each IscsiPortal resource. */
public final class IscsiPortalKind implements ResourceKind<IscsiPortalSpec> {
    private static final String ADDRESS = "address";

    @Override
    public String kind() {
        return Kinds.ISCSI_PORTAL;
    }

    @Override
    public String plural() {
        return "iscsiportals";
    }

    @Override
    public List<String> shortNames() {
        return List.of("portal");
    }

    @Override
    public String description() {
        return "An address at which iSCSI initiators find targets.";
    }

    @Override
    public Class<IscsiPortalSpec> specType() {
        return IscsiPortalSpec.class;
    }

    @Override
    public List<Column<IscsiPortalSpec>> columns() {
        return List.of(
                Column.attribute("ADDRESS", ADDRESS),
                Column.of("GROUP", (spec, _) -> Integer.toString(spec.group())),
                Column.attribute("TARGETS", "targets"));
    }

    @Override
    public List<Violation> validate(Metadata metadata, IscsiPortalSpec spec) {
        var violations =
                new ArrayList<>(Chaps.validate(spec.discoveryChap(), "/spec/discoveryChap"));
        try {
            InetAddress.ofLiteral(spec.address());
        } catch (IllegalArgumentException e) {
            violations.add(
                    new Violation(
                            "/spec/address",
                            "is no IPv4 or IPv6 address; names are not looked up here"));
        }
        return violations;
    }

    @Override
    public Realization realize(Metadata metadata, IscsiPortalSpec spec, RealizeContext context) {
        var address = new InetSocketAddress(InetAddress.ofLiteral(spec.address()), spec.port());
        Authentication discovery =
                Chaps.authentication(spec.discoveryChap(), context.service(Secrets.class));
        try {
            return new Running(
                    new Portal(
                            context.service(IscsiTransport.class),
                            metadata.name(),
                            address,
                            spec.group(),
                            discovery,
                            context.statusChanged()));
        } catch (UncheckedIOException e) {
            throw new ResourceException(
                    ErrorCode.UNAVAILABLE,
                    "cannot listen at " + Portal.format(address) + ": " + why(e),
                    e);
        }
    }

    private static String why(UncheckedIOException e) {
        int errno = e.getCause() instanceof ErrnoException refused ? refused.errno() : 0;
        return switch (errno) {
            case Errno.EADDRINUSE ->
                    "somebody listens there already ('ss -ltnp' shows who); choose another port, or"
                            + " stop that one";
            case Errno.EADDRNOTAVAIL ->
                    "it is no address of this host ('ip address' shows those that are); choose one"
                            + " of them";
            case Errno.EACCES, Errno.EPERM ->
                    "the daemon may not; choose a port from 1024 on, or run it with"
                            + " CAP_NET_BIND_SERVICE";
            default ->
                    "the host refuses it (%s); choose an address of this host, and a port that nobody uses"
                            .formatted(Errno.name(errno));
        };
    }

    @Override
    public Optional<String> restarts(IscsiPortalSpec oldSpec, IscsiPortalSpec newSpec) {
        return !oldSpec.address().equals(newSpec.address())
                        || oldSpec.port() != newSpec.port()
                        || oldSpec.group() != newSpec.group()
                ? Optional.of("a portal keeps its address and its group")
                : Optional.empty();
    }

    @Override
    public UpdateResult update(
            Realization running,
            Metadata metadata,
            IscsiPortalSpec oldSpec,
            IscsiPortalSpec newSpec,
            RealizeContext context) {
        ((Running) running)
                .portal.discovery(
                        Chaps.authentication(
                                newSpec.discoveryChap(), context.service(Secrets.class)));
        return UpdateResult.IN_PLACE;
    }

    private record Running(Portal portal) implements Realization {
        @Override
        public <T> Optional<T> contract(Class<T> type) {
            return type == Portal.class ? Optional.of(type.cast(portal)) : Optional.empty();
        }

        @Override
        public Status status() {
            var attributes = new LinkedHashMap<String, String>();
            attributes.put(ADDRESS, Portal.format(portal.address()));
            attributes.put("targets", Integer.toString(portal.targets()));
            String trouble = portal.trouble();
            if (!trouble.isEmpty()) {
                attributes.put("lastRefusal", trouble);
            }
            return new Status(List.<Condition>of(), attributes, metrics());
        }

        private List<Metric> metrics() {
            return List.of(
                    Metric.counter("connections_total", "Connections accepted.", portal.accepts()),
                    Metric.counter(
                            "refusals_total", "Logins that were refused.", portal.refusals()));
        }

        @Override
        public void close(Runnable onClosed) {
            portal.close(onClosed);
        }
    }
}
