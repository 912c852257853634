package io.vireo.adapter.tap;

import io.vireo.net.NetPort;
import io.vireo.net.PortState;
import io.vireo.resource.Column;
import io.vireo.resource.Condition;
import io.vireo.resource.Metadata;
import io.vireo.resource.Metric;
import io.vireo.resource.Realization;
import io.vireo.resource.RealizeContext;
import io.vireo.resource.ResourceKind;
import io.vireo.resource.RuntimeDirectory;
import io.vireo.resource.Status;
import io.vireo.resource.UpdateResult;
import io.vireo.resource.Violation;
import io.vireo.resource.spec.Kinds;
import io.vireo.resource.spec.UplinkSpec;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;

/** Makes a {@link TapUplink} of each Uplink resource. */
public final class UplinkKind implements ResourceKind<UplinkSpec> {
    private static final String NOTES = "uplinks";

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
        return "An interface of the host that a network leaves the host by.";
    }

    @Override
    public Class<UplinkSpec> specType() {
        return UplinkSpec.class;
    }

    /** An interface that was made here would be left behind. */
    @Override
    public List<Violation> validateUpdate(
            Metadata metadata, UplinkSpec oldSpec, UplinkSpec newSpec) {
        var violations = new ArrayList<Violation>();
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
                Column.of("INTERFACE", (spec, _) -> spec.interfaceName()),
                Column.of("NAMESPACE", (spec, _) -> spec.namespace().orElse("-")),
                Column.of("MTU", (spec, _) -> Integer.toString(spec.mtu())),
                Column.attribute("LINK", "link"));
    }

    @Override
    public Realization realize(Metadata metadata, UplinkSpec spec, RealizeContext context) {
        return new Running(spec, tap(metadata, spec, context).open());
    }

    @Override
    public UpdateResult update(
            Realization running,
            Metadata metadata,
            UplinkSpec oldSpec,
            UplinkSpec newSpec,
            RealizeContext context) {
        return new UpdateResult.Recreate("the interface or its properties have changed");
    }

    @Override
    public void destroy(Metadata metadata, UplinkSpec spec, RealizeContext context) {
        tap(metadata, spec, context).delete();
    }

    private static TapInterface tap(Metadata metadata, UplinkSpec spec, RealizeContext context) {
        var notes = context.service(RuntimeDirectory.class).root().resolve(NOTES);
        return new TapInterface(metadata.name(), metadata.uid(), spec, notes);
    }

    private record Running(UplinkSpec spec, TapUplink uplink) implements Realization {
        @Override
        public <T> Optional<T> contract(Class<T> type) {
            return type == NetPort.class ? Optional.of(type.cast(uplink)) : Optional.empty();
        }

        @Override
        public Status status() {
            boolean up = uplink.state() == PortState.UP;
            var attributes = new LinkedHashMap<String, String>();
            attributes.put("interface", uplink.interfaceName());
            spec.namespace().ifPresent(namespace -> attributes.put("namespace", namespace));
            attributes.put("mtu", Integer.toString(spec.mtu()));
            attributes.put("link", up ? "up" : "down");
            return new Status(List.of(link(up)), attributes, metrics());
        }

        private Condition link(boolean up) {
            return up
                    ? new Condition(Condition.CONNECTED, true, "Open", "The interface is open.")
                    : new Condition(
                            Condition.CONNECTED,
                            false,
                            "InterfaceGone",
                            "Interface "
                                    + uplink.interfaceName()
                                    + " was deleted: delete this uplink and apply it again.");
        }

        private List<Metric> metrics() {
            return List.of(
                    Metric.gauge(
                            "up",
                            "1 if the interface is there.",
                            uplink.state() == PortState.UP ? 1 : 0),
                    Metric.counter("read_errors_total", "Failed reads.", uplink.readErrors()),
                    Metric.counter(
                            "write_errors_total",
                            "Frames that the kernel refused.",
                            uplink.writeErrors()));
        }

        @Override
        public void close(Runnable onClosed) {
            uplink.close();
            onClosed.run();
        }
    }
}
