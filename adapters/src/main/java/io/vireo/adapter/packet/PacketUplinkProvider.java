package io.vireo.adapter.packet;

import io.vireo.adapter.link.HostInterface;
import io.vireo.adapter.link.InterfaceUplink;
import io.vireo.linux.Errno;
import io.vireo.linux.ErrnoException;
import io.vireo.linux.PacketSocket;
import io.vireo.net.Uplink;
import io.vireo.net.UplinkProvider;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.ReactorGroup;
import io.vireo.resource.MacAddress;
import io.vireo.resource.Metadata;
import io.vireo.resource.Metric;
import io.vireo.resource.RealizeContext;
import io.vireo.resource.spec.UplinkSpec;
import java.util.List;
import java.util.Optional;

/** Uplinks of type packet. */
public final class PacketUplinkProvider implements UplinkProvider {
    /** Ethernet header and two tags. */
    private static final int HEADERS = 14 + 8;

    @Override
    public UplinkSpec.Type type() {
        return UplinkSpec.Type.PACKET;
    }

    @Override
    public Uplink open(Metadata metadata, UplinkSpec spec, RealizeContext context) {
        var host = HostInterface.of(metadata, spec);
        var control = context.service(ReactorGroup.class).control();
        return new Open(host, open(metadata.name(), host, spec.mtu(), control));
    }

    /** Opens the port of an interface, up and with its MTU. */
    static PacketUplink open(String name, HostInterface host, int mtu, Reactor control) {
        return host.inside(
                () -> {
                    host.configure(mtu);
                    var socket = PacketSocket.open(host.device().index(), mtu + HEADERS);
                    try {
                        return new PacketUplink(name, socket, host.monitor(control), mtu);
                    } catch (ErrnoException e) {
                        socket.close();
                        throw e;
                    }
                },
                errno -> advice(host, errno));
    }

    private static String advice(HostInterface host, int errno) {
        return switch (errno) {
            case Errno.EPERM, Errno.EACCES ->
                    "the daemon may not use %s; run it with CAP_NET_RAW and CAP_NET_ADMIN"
                            .formatted(host.name());
            case Errno.ENODEV -> host.absence();
            case Errno.ENOBUFS, Errno.ENOMEM ->
                    "the kernel has no memory for the ring of %s; free some, or set a smaller mtu"
                            .formatted(host.name());
            default -> "";
        };
    }

    private static final class Open extends InterfaceUplink<PacketUplink> {
        Open(HostInterface host, PacketUplink uplink) {
            super(host.name(), uplink);
        }

        @Override
        public Optional<MacAddress> address() {
            return uplink().link().address();
        }

        @Override
        public List<Metric> metrics() {
            return List.of(
                    Metric.counter(
                            "rx_dropped_total",
                            "Frames that arrived and had no room in the ring.",
                            uplink().dropped()),
                    Metric.counter(
                            "rx_truncated_total",
                            "Large packets that arrived and had no room in the socket.",
                            uplink().truncated()),
                    Metric.counter(
                            "write_errors_total",
                            "Frames that the kernel refused.",
                            uplink().writeErrors()));
        }
    }
}
