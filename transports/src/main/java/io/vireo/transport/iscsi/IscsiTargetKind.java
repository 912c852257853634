package io.vireo.transport.iscsi;

import io.vireo.resource.Column;
import io.vireo.resource.Condition;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.Metadata;
import io.vireo.resource.Metric;
import io.vireo.resource.Operation;
import io.vireo.resource.Realization;
import io.vireo.resource.RealizeContext;
import io.vireo.resource.Reference;
import io.vireo.resource.ResourceException;
import io.vireo.resource.ResourceKind;
import io.vireo.resource.Secrets;
import io.vireo.resource.Status;
import io.vireo.resource.UpdateResult;
import io.vireo.resource.Violation;
import io.vireo.resource.spec.IscsiTargetSpec;
import io.vireo.resource.spec.Kinds;
import io.vireo.scsi.IscsiName;
import io.vireo.scsi.ScsiTarget;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.stream.Collectors;

/** Makes a {@link TargetNode} of each IscsiTarget resource. */
public final class IscsiTargetKind implements ResourceKind<IscsiTargetSpec> {
    /** Attribute: iSCSI name of the target. */
    private static final String TARGET = "target";

    @Override
    public String kind() {
        return Kinds.ISCSI_TARGET;
    }

    @Override
    public String plural() {
        return "iscsitargets";
    }

    @Override
    public String description() {
        return "The logical units of a virtual HBA as an iSCSI target.";
    }

    @Override
    public Class<IscsiTargetSpec> specType() {
        return IscsiTargetSpec.class;
    }

    @Override
    public List<Reference> references(IscsiTargetSpec spec) {
        var references = new ArrayList<Reference>();
        references.add(vhba(spec));
        spec.portals().forEach(name -> references.add(portal(name)));
        return references;
    }

    private static Reference vhba(IscsiTargetSpec spec) {
        return new Reference(Kinds.VHBA, spec.vhba());
    }

    private static Reference portal(String name) {
        return new Reference(Kinds.ISCSI_PORTAL, name);
    }

    @Override
    public List<Column<IscsiTargetSpec>> columns() {
        return List.of(
                Column.of("VHBA", (spec, _) -> spec.vhba()),
                Column.attribute("TARGET", TARGET),
                Column.attribute("SESSIONS", "sessions"),
                Column.wide("PORTALS", (spec, _) -> String.join(",", spec.portals())));
    }

    @Override
    public List<Violation> validate(Metadata metadata, IscsiTargetSpec spec) {
        var violations = new ArrayList<>(Chaps.validate(spec.chap(), "/spec/chap"));
        if (spec.portals().isEmpty()) {
            violations.add(
                    new Violation(
                            "/spec/portals", "needs at least one IscsiPortal to be reached by"));
        }
        if (new HashSet<>(spec.portals()).size() < spec.portals().size()) {
            violations.add(new Violation("/spec/portals", "names a portal twice"));
        }
        if (spec.initiators().isEmpty()) {
            violations.add(
                    new Violation(
                            "/spec/initiators",
                            "needs the iSCSI name of at least one initiator; \"*\" admits any"));
        }
        spec.redirect()
                .flatMap(RedirectAddress::mistake)
                .ifPresent(mistake -> violations.add(new Violation("/spec/redirect", mistake)));
        return violations;
    }

    @Override
    public Realization realize(Metadata metadata, IscsiTargetSpec spec, RealizeContext context) {
        ScsiTarget device = context.require(vhba(spec), ScsiTarget.class);
        List<Portal> portals = portals(spec, context);
        String name =
                spec.targetName()
                        .orElseGet(() -> context.require(vhba(spec), IscsiName.class).name());
        portals.forEach(portal -> requireFree(portal, name));
        requireElsewhere(spec, portals);
        var node =
                new TargetNode(
                        context.service(IscsiTransport.class),
                        name,
                        device,
                        portals,
                        policy(spec, context),
                        context.statusChanged());
        portals.forEach(portal -> portal.add(node));
        return new Running(node);
    }

    private static List<Portal> portals(IscsiTargetSpec spec, RealizeContext context) {
        return spec.portals().stream()
                .map(name -> context.require(portal(name), Portal.class))
                .toList();
    }

    private static void requireFree(Portal portal, String name) {
        if (portal.target(name).isPresent()) {
            throw new ResourceException(
                    ErrorCode.CONFLICT,
                    "another target at portal "
                            + portal.name()
                            + " has the name "
                            + name
                            + ": choose another one");
        }
    }

    /** Who is sent to where it is already would be sent there for ever. */
    private static void requireElsewhere(IscsiTargetSpec spec, List<Portal> portals) {
        for (Portal portal : portals) {
            spec.redirect()
                    .filter(address -> RedirectAddress.isAt(address, portal.address()))
                    .ifPresent(address -> {
                        throw new ResourceException(
                                ErrorCode.CONFLICT,
                                "redirect is "
                                        + address
                                        + ", the address of its own portal "
                                        + portal.name()
                                        + ": initiators would be sent there again and again; name"
                                        + " another address, or take the portal out");
                    });
        }
    }

    private static TargetNode.Policy policy(IscsiTargetSpec spec, RealizeContext context) {
        return new TargetNode.Policy(
                spec.initiators().stream()
                        .map(name -> name.toLowerCase(Locale.ROOT))
                        .collect(Collectors.toUnmodifiableSet()),
                Chaps.authentication(spec.chap(), context.service(Secrets.class)),
                spec.redirect());
    }

    @Override
    public Optional<String> restarts(IscsiTargetSpec oldSpec, IscsiTargetSpec newSpec) {
        return !oldSpec.vhba().equals(newSpec.vhba())
                        || !oldSpec.targetName().equals(newSpec.targetName())
                ? Optional.of("a target keeps its name and its virtual HBA")
                : Optional.empty();
    }

    @Override
    public UpdateResult update(
            Realization running,
            Metadata metadata,
            IscsiTargetSpec oldSpec,
            IscsiTargetSpec newSpec,
            RealizeContext context) {
        TargetNode node = ((Running) running).node;
        List<Portal> portals = portals(newSpec, context);
        requireElsewhere(newSpec, portals);
        if (!oldSpec.portals().equals(newSpec.portals())) {
            portals.stream()
                    .filter(portal -> !oldSpec.portals().contains(portal.name()))
                    .forEach(portal -> requireFree(portal, node.name()));
            node.portals(portals);
        }
        node.policy(policy(newSpec, context));
        return UpdateResult.IN_PLACE;
    }

    @Override
    public List<Operation> operations() {
        return List.of(LogoutRequest.OPERATION);
    }

    private record Running(TargetNode node) implements Realization {
        @Override
        public <T> Optional<T> contract(Class<T> type) {
            return Optional.empty();
        }

        @Override
        public List<String> operate(Operation operation, Map<String, String> parameters) {
            LogoutRequest request = LogoutRequest.parse(parameters);
            List<Integer> asked = node.requestLogout(request::concerns, request.seconds());
            if (asked.isEmpty()) {
                throw new ResourceException(
                        ErrorCode.NOT_FOUND,
                        node.name() + " has no session" + request.described() + "; see its status");
            }
            return asked.stream().map(Running::attribute).toList();
        }

        private static String attribute(int tsih) {
            return "session" + tsih;
        }

        @Override
        public Status status() {
            SortedMap<Integer, String> sessions = node.sessions();
            var attributes = new LinkedHashMap<String, String>();
            attributes.put(TARGET, node.name());
            attributes.put("sessions", Integer.toString(sessions.size()));
            sessions.forEach((tsih, text) -> attributes.put(attribute(tsih), text));
            boolean connected = !sessions.isEmpty();
            var condition =
                    new Condition(
                            Condition.CONNECTED,
                            connected,
                            connected ? "Connected" : "Waiting",
                            connected ? "" : "No initiator has logged in.");
            return new Status(List.of(condition), attributes, metrics());
        }

        private List<Metric> metrics() {
            var metrics = new ArrayList<Metric>();
            metrics.add(
                    Metric.counter(
                            "sessions_total",
                            "Sessions that there have been.",
                            node.totals().sessions()));
            for (int i = 0; i < SessionTotals.COUNTS.size(); i++) {
                SessionTotals.Count count = SessionTotals.COUNTS.get(i);
                metrics.add(Metric.counter(count.name(), count.help(), node.totals().total(i)));
            }
            return metrics;
        }

        @Override
        public void close(Runnable onClosed) {
            node.close(onClosed);
        }
    }
}
