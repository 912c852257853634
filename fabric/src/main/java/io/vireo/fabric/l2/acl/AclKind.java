package io.vireo.fabric.l2.acl;

import io.vireo.fabric.l2.packet.Headers;
import io.vireo.net.AccessList;
import io.vireo.resource.Column;
import io.vireo.resource.Metadata;
import io.vireo.resource.Metric;
import io.vireo.resource.Realization;
import io.vireo.resource.RealizeContext;
import io.vireo.resource.ResourceKind;
import io.vireo.resource.Status;
import io.vireo.resource.UpdateResult;
import io.vireo.resource.Violation;
import io.vireo.resource.spec.AclRuleSpec;
import io.vireo.resource.spec.AclSpec;
import io.vireo.resource.spec.Kinds;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Makes a {@link RuleList} of each Acl resource. */
public final class AclKind implements ResourceKind<AclSpec> {
    private static final Set<Integer> WITH_PORTS = Set.of(Headers.TCP, Headers.UDP, Headers.SCTP);
    private static final Set<Integer> WITH_TYPES = Set.of(Headers.ICMP, Headers.ICMPV6);
    private static final int PROTOCOL_MAX = 255;

    @Override
    public String kind() {
        return Kinds.ACL;
    }

    @Override
    public String plural() {
        return "acls";
    }

    @Override
    public String description() {
        return "A list of stateless rules by which ports permit or deny frames; the first rule that matches decides.";
    }

    @Override
    public Class<AclSpec> specType() {
        return AclSpec.class;
    }

    @Override
    public List<Column<AclSpec>> columns() {
        return List.of(
                Column.of("RULES", (spec, _) -> Integer.toString(spec.rules().size())),
                Column.of(
                        "DEFAULT",
                        (spec, _) -> spec.defaultAction().name().toLowerCase(Locale.ROOT)));
    }

    @Override
    public List<Violation> validate(Metadata metadata, AclSpec spec) {
        var violations = new ArrayList<Violation>();
        for (int i = 0; i < spec.rules().size(); i++) {
            validate(spec.rules().get(i), "/spec/rules/" + i, violations);
        }
        return violations;
    }

    private static void validate(AclRuleSpec rule, String at, List<Violation> violations) {
        var protocol = CompiledRules.protocol(rule);
        if (protocol.isPresent() && protocol.get() > PROTOCOL_MAX) {
            violations.add(new Violation(at + "/protocol", "must be from 0 to " + PROTOCOL_MAX));
        }
        boolean ports = rule.sourcePorts().isPresent() || rule.destinationPorts().isPresent();
        if (ports && protocol.filter(WITH_PORTS::contains).isEmpty()) {
            violations.add(
                    new Violation(
                            at + "/protocol", "must be tcp, udp or sctp in a rule with ports"));
        }
        boolean types = rule.icmpType().isPresent() || rule.icmpCode().isPresent();
        if (types && protocol.filter(WITH_TYPES::contains).isEmpty()) {
            violations.add(
                    new Violation(
                            at + "/protocol", "must be icmp or icmpv6 in a rule with icmpType"));
        }
        if (rule.icmpCode().isPresent() && rule.icmpType().isEmpty()) {
            violations.add(new Violation(at + "/icmpCode", "needs icmpType; add it"));
        }
        if (rule.tcpFlags().isPresent() && protocol.filter(p -> p == Headers.TCP).isEmpty()) {
            violations.add(new Violation(at + "/protocol", "must be tcp in a rule with tcpFlags"));
        }
        if (rule.laterFragments() && rule.needsTransport()) {
            violations.add(
                    new Violation(
                            at + "/laterFragments",
                            "cannot be given together with ports, types or flags: such fragments have none"));
        }
        validateFamily(rule, protocol, at, violations);
    }

    private static void validateFamily(
            AclRuleSpec rule, Optional<Integer> protocol, String at, List<Violation> violations) {
        boolean mixed =
                rule.source().isPresent()
                        && rule.destination().isPresent()
                        && rule.source().get().v6() != rule.destination().get().v6();
        if (mixed) {
            violations.add(
                    new Violation(at + "/destination", "must be of the same IP version as source"));
        }
        var type = CompiledRules.etherType(rule);
        boolean six = rule.source().or(rule::destination).filter(prefix -> prefix.v6()).isPresent();
        boolean addresses = rule.source().isPresent() || rule.destination().isPresent();
        boolean ip = addresses || protocol.isPresent();
        if (ip && type.isPresent() && type.get() != Headers.IPV4 && type.get() != Headers.IPV6) {
            violations.add(
                    new Violation(
                            at + "/etherType",
                            "must be ipv4 or ipv6 in a rule with IP conditions"));
        } else if (addresses && type.isPresent() && (type.get() == Headers.IPV6) != six) {
            violations.add(
                    new Violation(at + "/etherType", "is not that of the addresses; leave it out"));
        }
    }

    @Override
    public Realization realize(Metadata metadata, AclSpec spec, RealizeContext context) {
        return new Running(new RuleList(spec));
    }

    @Override
    public UpdateResult update(
            Realization running,
            Metadata metadata,
            AclSpec oldSpec,
            AclSpec newSpec,
            RealizeContext context) {
        ((Running) running).list.change(newSpec);
        return UpdateResult.IN_PLACE;
    }

    private static final class Running implements Realization {
        private final RuleList list;

        Running(RuleList list) {
            this.list = list;
        }

        @Override
        public <T> Optional<T> contract(Class<T> type) {
            return type == AccessList.class ? Optional.of(type.cast(list)) : Optional.empty();
        }

        @Override
        public Status status() {
            long[] matches = list.matches();
            var metrics = new ArrayList<Metric>();
            for (int rule = 0; rule < matches.length; rule++) {
                boolean last = rule == matches.length - 1;
                metrics.add(
                        new Metric(
                                "matches_total",
                                "Frames that a rule decided about since it was put into force.",
                                Metric.Type.COUNTER,
                                Map.of("rule", last ? "default" : Integer.toString(rule)),
                                matches[rule]));
            }
            return new Status(List.of(), Map.of(), metrics);
        }

        @Override
        public void close(Runnable onClosed) {
            onClosed.run();
        }
    }
}
