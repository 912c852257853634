package io.vireo.adapter.tap;

import io.vireo.adapter.link.HostInterface;
import io.vireo.adapter.link.InterfaceUplink;
import io.vireo.net.Uplink;
import io.vireo.net.UplinkProvider;
import io.vireo.reactor.ReactorGroup;
import io.vireo.resource.Metadata;
import io.vireo.resource.Metric;
import io.vireo.resource.RealizeContext;
import io.vireo.resource.ResourceKind.Declared;
import io.vireo.resource.RuntimeDirectory;
import io.vireo.resource.spec.UplinkSpec;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/** Uplinks of type tap. */
public final class TapUplinkProvider implements UplinkProvider {
    private static final String NOTES = "uplinks";

    @Override
    public UplinkSpec.Type type() {
        return UplinkSpec.Type.TAP;
    }

    @Override
    public Uplink open(Metadata metadata, UplinkSpec spec, RealizeContext context) {
        var control = context.service(ReactorGroup.class).control();
        return new Open(tap(metadata, spec, context).open(control));
    }

    @Override
    public void reclaim(Collection<Declared<UplinkSpec>> declared, RealizeContext context) {
        TapInterface.reclaim(
                "an uplink that is gone",
                notes(context),
                declared.stream()
                        .filter(uplink -> uplink.spec().type() == UplinkSpec.Type.TAP)
                        .map(uplink -> subject(uplink.metadata(), uplink.spec()))
                        .collect(Collectors.toSet()));
    }

    private static TapNote.Subject subject(Metadata metadata, UplinkSpec spec) {
        return new TapNote.Subject(
                metadata.uid(), spec.namespace(), spec.interfaceName().orElseThrow());
    }

    private static Path notes(RealizeContext context) {
        return context.service(RuntimeDirectory.class).root().resolve(NOTES);
    }

    @Override
    public void destroy(Metadata metadata, UplinkSpec spec, RealizeContext context) {
        tap(metadata, spec, context).delete();
    }

    private static TapInterface tap(Metadata metadata, UplinkSpec spec, RealizeContext context) {
        var host = HostInterface.of(metadata, spec);
        return new TapInterface(
                metadata.name(),
                host,
                new TapInterface.Settings(spec.mtu(), Optional.empty(), spec.owner(), 1),
                TapNote.of(notes(context), subject(metadata, spec)));
    }

    /** A TAP that is open. */
    static final class Open extends InterfaceUplink<TapUplink> {
        Open(TapUplink uplink) {
            super(uplink.interfaceName(), uplink);
        }

        @Override
        public List<Metric> metrics() {
            return List.of(
                    Metric.counter("read_errors_total", "Failed reads.", uplink().readErrors()),
                    Metric.counter(
                            "write_errors_total",
                            "Frames that the kernel refused.",
                            uplink().writeErrors()));
        }
    }
}
