package io.vireo.fabric.l2;

import io.vireo.resource.Column;
import io.vireo.resource.Condition;
import io.vireo.resource.Metadata;
import io.vireo.resource.Metric;
import io.vireo.resource.Realization;
import io.vireo.resource.RealizeContext;
import io.vireo.resource.Reference;
import io.vireo.resource.ResourceKind;
import io.vireo.resource.Status;
import io.vireo.resource.UpdateResult;
import io.vireo.resource.Violation;
import io.vireo.resource.spec.Kinds;
import io.vireo.resource.spec.MirrorDestinationSpec;
import io.vireo.resource.spec.MirrorSourceSpec;
import io.vireo.resource.spec.MirrorSpec;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Makes a {@link Mirror} of each Mirror resource. */
public final class MirrorKind implements ResourceKind<MirrorSpec> {
    private static final String ONE_OF = "needs vnic or uplink, one of them";

    @Override
    public String kind() {
        return Kinds.MIRROR;
    }

    @Override
    public String plural() {
        return "mirrors";
    }

    @Override
    public String description() {
        return "Copies the frames of some ports of a network to another port of it (SPAN).";
    }

    @Override
    public Class<MirrorSpec> specType() {
        return MirrorSpec.class;
    }

    /** Ports may come and go under a mirror: it refers to their network only. */
    @Override
    public List<Reference> references(MirrorSpec spec) {
        return List.of(network(spec));
    }

    private static Reference network(MirrorSpec spec) {
        return new Reference(Kinds.NETWORK, spec.network());
    }

    @Override
    public List<Column<MirrorSpec>> columns() {
        return List.of(
                Column.of("NETWORK", (spec, _) -> spec.network()),
                Column.of("DESTINATION", (spec, _) -> name(spec.destination())),
                Column.attribute("SOURCES", "sources"));
    }

    private static String name(MirrorDestinationSpec port) {
        return port.vnic().or(port::uplink).orElse("-");
    }

    private static String name(MirrorSourceSpec port) {
        return port.vnic().or(port::uplink).orElse("-");
    }

    @Override
    public List<Violation> validate(Metadata metadata, MirrorSpec spec) {
        var violations = new ArrayList<Violation>();
        var destination = spec.destination();
        if (destination.vnic().isPresent() == destination.uplink().isPresent()) {
            violations.add(new Violation("/spec/destination", ONE_OF));
        }
        if (spec.sources().isEmpty()) {
            violations.add(new Violation("/spec/sources", "needs at least one vNIC or uplink"));
        }
        Set<String> seen = new HashSet<>();
        for (int i = 0; i < spec.sources().size(); i++) {
            var source = spec.sources().get(i);
            var at = "/spec/sources/" + i;
            if (source.vnic().isPresent() == source.uplink().isPresent()) {
                violations.add(new Violation(at, ONE_OF));
            } else if (source.vnic().equals(destination.vnic())
                    && source.uplink().equals(destination.uplink())) {
                violations.add(new Violation(at, "is the destination; name another port"));
            } else if (!seen.add(name(source))) {
                violations.add(
                        new Violation(
                                at, "is there already; name each port once, with a direction"));
            }
        }
        return violations;
    }

    @Override
    public Realization realize(Metadata metadata, MirrorSpec spec, RealizeContext context) {
        var network = context.require(network(spec), L2Switch.class);
        return new Running(network, network.mirror(spec, context.statusChanged()), spec);
    }

    @Override
    public Optional<String> restarts(MirrorSpec oldSpec, MirrorSpec newSpec) {
        return !oldSpec.network().equals(newSpec.network())
                ? Optional.of("the mirror is for another network")
                : Optional.empty();
    }

    @Override
    public UpdateResult update(
            Realization running,
            Metadata metadata,
            MirrorSpec oldSpec,
            MirrorSpec newSpec,
            RealizeContext context) {
        ((Running) running).change(newSpec);
        return UpdateResult.IN_PLACE;
    }

    private static final class Running implements Realization {
        private final L2Switch network;
        private final Mirror mirror;
        private volatile MirrorSpec spec;

        Running(L2Switch network, Mirror mirror, MirrorSpec spec) {
            this.network = network;
            this.mirror = mirror;
            this.spec = spec;
        }

        void change(MirrorSpec newSpec) {
            spec = newSpec;
            network.change(mirror, newSpec);
        }

        @Override
        public <T> Optional<T> contract(Class<T> type) {
            return Optional.empty();
        }

        @Override
        public Status status() {
            var state = mirror.state();
            var attributes = new LinkedHashMap<String, String>();
            attributes.put("destination", name(spec.destination()));
            attributes.put("sources", state.sources() + " of " + spec.sources().size());
            return new Status(List.of(connected(state)), attributes, metrics());
        }

        private Condition connected(Mirror.State state) {
            if (!state.destination()) {
                return new Condition(
                        Condition.CONNECTED,
                        false,
                        "NoDestination",
                        name(spec.destination())
                                + " is not plugged into network "
                                + spec.network()
                                + ": copies are lost until it is");
            }
            return state.sources() == 0
                    ? new Condition(
                            Condition.CONNECTED,
                            false,
                            "NoSource",
                            "none of the sources is plugged into network " + spec.network())
                    : new Condition(Condition.CONNECTED, true, "Mirroring", "Frames are copied.");
        }

        private List<Metric> metrics() {
            var metrics = new ArrayList<Metric>();
            metrics.add(
                    Metric.counter("frames_total", "Frames that were copied.", mirror.copies()));
            metrics.add(
                    Metric.counter(
                            "bytes_total", "Bytes of frames that were copied.", mirror.bytes()));
            for (var reason : Mirror.Loss.values()) {
                metrics.add(
                        new Metric(
                                "lost_total",
                                "Frames that were to be copied and were not.",
                                Metric.Type.COUNTER,
                                Map.of("reason", reason.text()),
                                mirror.lost(reason)));
            }
            return metrics;
        }

        @Override
        public void close(Runnable onClosed) {
            network.remove(mirror, onClosed);
        }
    }
}
