package io.vireo.adapter.xdp;

import io.vireo.adapter.link.HostInterface;
import io.vireo.adapter.link.InterfaceUplink;
import io.vireo.linux.Errno;
import io.vireo.linux.ErrnoException;
import io.vireo.linux.NetInterface;
import io.vireo.net.Uplink;
import io.vireo.net.UplinkProvider;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.ReactorGroup;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.MacAddress;
import io.vireo.resource.Metadata;
import io.vireo.resource.Metric;
import io.vireo.resource.RealizeContext;
import io.vireo.resource.ResourceException;
import io.vireo.resource.spec.UplinkSpec;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Uplinks of type xdp. */
public final class XdpUplinkProvider implements UplinkProvider {
    /** Queues for which there is memory: 12 MiB each. */
    private static final int QUEUES_MAX = 16;

    private static final String VETH = "veth";

    @Override
    public UplinkSpec.Type type() {
        return UplinkSpec.Type.XDP;
    }

    @Override
    public Uplink open(Metadata metadata, UplinkSpec spec, RealizeContext context) {
        var host = HostInterface.of(metadata, spec);
        var control = context.service(ReactorGroup.class).control();
        return new Open(host, open(metadata.name(), host, spec.mtu(), control));
    }

    /** Opens the port of an interface, up and with its MTU. */
    static XdpUplink open(String name, HostInterface host, int mtu, Reactor control) {
        return host.inside(
                () -> {
                    host.configure(mtu);
                    var tags = tags(host.device());
                    int index = host.device().index();
                    var sockets = XdpSockets.open(index, queues(host));
                    try {
                        return new XdpUplink(name, sockets, host.monitor(control), mtu, tags);
                    } catch (ErrnoException e) {
                        sockets.close();
                        throw e;
                    }
                },
                errno -> advice(host, errno));
    }

    /** XDP sees the frame only, not what the hardware took out of it, nor what is beside it. */
    static ReceivedTags tags(NetInterface device) throws ErrnoException {
        boolean off = device.turnOff(NetInterface.ETH_FLAG_RXVLAN);
        if (device.driver().equals(VETH)) {
            return ReceivedTags.UP_TO_OTHER_END;
        }
        return off ? ReceivedTags.KEPT : ReceivedTags.LOST;
    }

    private static int queues(HostInterface host) throws ErrnoException {
        int queues = host.device().receiveQueues();
        if (queues > QUEUES_MAX) {
            throw new ResourceException(
                    ErrorCode.UNSUPPORTED,
                    host.owner()
                            + ": "
                            + host.name()
                            + " has "
                            + queues
                            + " receive queues and a network runs on one core: set fewer with 'ethtool -L "
                            + host.name()
                            + " combined 1'");
        }
        return queues;
    }

    private static String advice(HostInterface host, int errno) {
        return switch (errno) {
            case Errno.EPERM, Errno.EACCES ->
                    "the daemon may not use XDP; run it with CAP_BPF, CAP_NET_RAW and"
                            + " CAP_NET_ADMIN, or as root";
            case Errno.ENODEV -> host.absence();
            case Errno.EBUSY ->
                    "%s has another XDP program or AF_XDP socket already; see 'ip link', and take it off with 'ip link set dev %s xdp off'"
                            .formatted(host.name(), host.name());
            case Errno.ENOBUFS, Errno.ENOMEM ->
                    "the daemon may lock no more memory; raise RLIMIT_MEMLOCK (LimitMEMLOCK of"
                            + " systemd)";
            case Errno.EAFNOSUPPORT, Errno.EINVAL, Errno.ENOSYS, Errno.EOPNOTSUPP ->
                    "the kernel, or the driver of %s, has no XDP as it is needed; use type packet. 'vireo doctor' says more"
                            .formatted(host.name());
            default -> "";
        };
    }

    private static final class Open extends InterfaceUplink<XdpUplink> {
        Open(HostInterface host, XdpUplink uplink) {
            super(host.name(), uplink);
        }

        @Override
        public Optional<MacAddress> address() {
            return uplink().link().address();
        }

        @Override
        public Map<String, String> attributes() {
            var attributes = new LinkedHashMap<String, String>();
            attributes.put("attached", uplink().isNative() ? "native" : "generic");
            attributes.put("mode", uplink().isZeroCopy() ? "zero-copy" : "copy");
            attributes.put("queues", Integer.toString(uplink().queues()));
            attributes.put("vlanTags", uplink().tags().text());
            return attributes;
        }

        @Override
        public List<Metric> metrics() {
            return List.of(
                    Metric.counter(
                            "rx_dropped_total",
                            "Frames that arrived and had no room in the rings.",
                            uplink().dropped()),
                    Metric.counter(
                            "tx_not_sent_total",
                            "Frames that had no room, were too long, or could not be finished.",
                            uplink().notSent()));
        }
    }
}
