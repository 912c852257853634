package io.vireo.adapter.tap;

import io.vireo.adapter.link.HostInterface;
import io.vireo.linux.ErrnoException;
import io.vireo.net.HostPortProvider;
import io.vireo.net.NetPort;
import io.vireo.net.Uplink;
import io.vireo.reactor.ReactorGroup;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.Metric;
import io.vireo.resource.RealizeContext;
import io.vireo.resource.ResourceException;
import io.vireo.resource.RuntimeDirectory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** TAP interfaces that are cards of the host. */
public final class TapHostPortProvider implements HostPortProvider {
    private static final String NOTES = "cards";

    @Override
    public HostCard open(HostPort port, RealizeContext context) {
        var control = context.service(ReactorGroup.class).control();
        var host = tap(port, context);
        var tap = host.open(control);
        return new Card(tap, new TapUplinkProvider.Open(tap), host.made());
    }

    @Override
    public void reclaim(Collection<HostPort> declared, RealizeContext context) {
        TapInterface.reclaim(
                "a vNIC that is gone",
                notes(context),
                declared.stream().map(TapHostPortProvider::subject).collect(Collectors.toSet()));
    }

    private static Path notes(RealizeContext context) {
        return context.service(RuntimeDirectory.class).root().resolve(NOTES);
    }

    @Override
    public void destroy(HostPort port, RealizeContext context) {
        tap(port, context).delete();
    }

    private static TapNote.Subject subject(HostPort port) {
        return new TapNote.Subject(port.uid(), port.namespace(), port.interfaceName());
    }

    private static TapInterface tap(HostPort port, RealizeContext context) {
        var host =
                new HostInterface(
                        "vNIC '" + port.owner() + "'", port.interfaceName(), port.namespace());
        return new TapInterface(
                port.owner(),
                host,
                new TapInterface.Settings(
                        port.mtu(), Optional.of(port.mac()), Optional.empty(), port.queues()),
                TapNote.of(notes(context), subject(port)));
    }

    /** As an uplink, with a cable that can be pulled. */
    private record Card(TapUplink tap, Uplink uplink, boolean made) implements HostCard {
        @Override
        public void link(boolean plugged) {
            try {
                tap.carrier(plugged);
            } catch (ErrnoException e) {
                throw new ResourceException(
                        ErrorCode.UNAVAILABLE,
                        "the link of %s cannot be changed (%s); see 'ip link' whether it is there"
                                .formatted(tap.interfaceName(), e.errnoName()),
                        e);
            }
        }

        @Override
        public NetPort port() {
            return uplink.port();
        }

        @Override
        public Map<String, String> attributes() {
            return uplink.attributes();
        }

        @Override
        public List<Metric> metrics() {
            var metrics = new ArrayList<>(uplink.metrics());
            long[] frames = tap.framesByQueue();
            for (int queue = 0; queue < frames.length; queue++) {
                metrics.add(
                        new Metric(
                                "queue_frames_total",
                                "Frames that the host sent by each queue of the interface.",
                                Metric.Type.COUNTER,
                                Map.of("queue", Integer.toString(queue)),
                                frames[queue]));
            }
            return metrics;
        }

        @Override
        public boolean isPresent() {
            return uplink.isPresent();
        }

        @Override
        public String trouble() {
            return uplink.trouble();
        }

        @Override
        public void onChange(Runnable listener) {
            uplink.onChange(listener);
        }

        @Override
        public void forget(Runnable listener) {
            uplink.forget(listener);
        }

        @Override
        public void close() {
            uplink.close();
        }
    }
}
