package io.vireo.fabric.l2;

import io.vireo.fabric.l2.packet.Headers;
import io.vireo.net.DropReason;
import io.vireo.net.PortPolicy;
import io.vireo.resource.spec.PortPolicySpec;
import io.vireo.resource.spec.PortPolicySpec.Permission;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Checks that a port uses its own IP addresses: as source of IPv4 and IPv6, as sender in ARP (RFC
 * 826) and in neighbor discovery (RFC 4861). Also keeps it from acting as a DHCP server or as a
 * router, if it must not. The source address of Ethernet frames is checked for all ports at once,
 * see {@link Stations}.
 *
 * <p>What a host sends before it has an address passes: DHCP requests and IGMP from 0.0.0.0,
 * duplicate address detection, router solicitations and MLD from ::. What cannot be looked into,
 * because it is cut short, nested in a second tag, or lies beyond the snapshot, does not; nor does
 * what an unfinished checksum would be written over.
 */
final class AddressGuard implements PortStage {
    private static final int ETHERNET_SOURCE = 6;

    // ARP for IPv4 over Ethernet (RFC 826): hardware and protocol types and lengths.
    private static final int ARP_LENGTH = 28;
    private static final long ARP_TYPES = 0x0001_0800_0604L;
    private static final int ARP_OPERATION = 6;
    private static final int ARP_SENDER_MAC = 8;
    private static final int ARP_SENDER_IP = 14;
    private static final int ARP_REQUEST = 1;
    private static final int TYPES_SHIFT = 16;

    private static final int BROADCAST = -1;
    private static final int DHCP4_SERVER = 67;
    private static final int DHCP4_CLIENT = 68;
    private static final int DHCP6_CLIENT = 546;
    private static final int PORTS = 4;

    private static final int IPV6_SOURCE = 8;
    private static final int MLD_QUERY = 130;
    private static final int MLD2_REPORT = 143;

    private final BridgePort port;
    private final @Nullable AddressList addresses;
    private final boolean denyDhcpServer;
    private final NeighborGuard neighbors;
    private final Headers headers;

    private AddressGuard(
            BridgePort port,
            @Nullable AddressList addresses,
            boolean denyDhcpServer,
            boolean denyRouter,
            Headers headers) {
        this.port = port;
        this.headers = headers;
        this.addresses = addresses;
        this.denyDhcpServer = denyDhcpServer;
        this.neighbors = new NeighborGuard(addresses, denyRouter);
    }

    /** The guard that a policy asks for, if it asks for any. */
    static Optional<AddressGuard> of(BridgePort port, PortPolicy policy, Headers headers) {
        var rules = policy.rules();
        var addresses = AddressList.of(policy);
        boolean denyDhcpServer = denies(rules.dhcpServer());
        boolean denyRouter = denies(rules.routerAdvertisements());
        if (addresses.isEmpty() && !denyDhcpServer && !denyRouter) {
            return Optional.empty();
        }
        return Optional.of(
                new AddressGuard(
                        port, addresses.orElse(null), denyDhcpServer, denyRouter, headers));
    }

    private static boolean denies(Optional<PortPolicySpec.Permission> permission) {
        return permission.filter(value -> value == Permission.DENY).isPresent();
    }

    @Override
    public Place place() {
        return Place.GUARD;
    }

    @Override
    public int apply(Pass pass, int[] index, int count) {
        int left = 0;
        for (int k = 0; k < count; k++) {
            int i = index[k];
            headers.read(i, pass.tagged[i]);
            var reason = refuses(headers);
            if (reason == null) {
                index[left++] = i;
            } else {
                port.dropReceived(reason, 1);
            }
        }
        return left;
    }

    private @Nullable DropReason refuses(Headers frame) {
        if (!frame.isChecksumInPlace()) {
            return DropReason.UNREADABLE;
        }
        return switch (frame.etherType()) {
            case Headers.IPV4 -> ipv4(frame);
            case Headers.IPV6 -> ipv6(frame);
            case Headers.ARP, Headers.RARP -> arp(frame);
            default -> frame.isWrapped() ? DropReason.UNREADABLE : null;
        };
    }

    private @Nullable DropReason arp(Headers frame) {
        var allowed = addresses;
        if (allowed == null) {
            return null;
        }
        int at = frame.network();
        if (!frame.has(at, ARP_LENGTH)) {
            return DropReason.UNREADABLE;
        }
        int operation = frame.u16(at + ARP_OPERATION);
        int sender = frame.u32(at + ARP_SENDER_IP);
        // A probe (RFC 5227) asks with no address of its own, and so does RARP.
        boolean nobody =
                sender == 0 && (operation == ARP_REQUEST || frame.etherType() == Headers.RARP);
        boolean right =
                frame.u64(at) >>> TYPES_SHIFT == ARP_TYPES
                        && frame.mac(at + ARP_SENDER_MAC) == frame.mac(ETHERNET_SOURCE)
                        && (nobody || allowed.allows4(sender));
        return right ? null : DropReason.SPOOFED_ARP;
    }

    private @Nullable DropReason ipv4(Headers frame) {
        if (frame.isBroken()) {
            return DropReason.UNREADABLE;
        }
        boolean udp = frame.protocol() == Headers.UDP && frame.transport() != Headers.NONE;
        if (udp && !frame.has(frame.transport(), PORTS)) {
            return DropReason.UNREADABLE;
        }
        var allowed = addresses;
        if (allowed != null && !allowed.allows4(frame.source4()) && !isNobody4(frame, udp)) {
            return DropReason.SPOOFED_IP;
        }
        return udp && denyDhcpServer && frame.u16(frame.transport() + 2) == DHCP4_CLIENT
                ? DropReason.DHCP_SERVER
                : null;
    }

    private static boolean isNobody4(Headers frame, boolean udp) {
        if (frame.source4() != 0 || frame.isFragment()) {
            return false;
        }
        return frame.protocol() == Headers.IGMP
                || (udp
                        && frame.destination4() == BROADCAST
                        && frame.u16(frame.transport()) == DHCP4_CLIENT
                        && frame.u16(frame.transport() + 2) == DHCP4_SERVER);
    }

    private @Nullable DropReason ipv6(Headers frame) {
        if (frame.isBroken()) {
            return DropReason.UNREADABLE;
        }
        boolean icmp = frame.protocol() == Headers.ICMPV6 && frame.transport() != Headers.NONE;
        boolean udp = frame.protocol() == Headers.UDP && frame.transport() != Headers.NONE;
        if ((icmp || udp) && !frame.has(frame.transport(), PORTS)) {
            return DropReason.UNREADABLE;
        }
        var allowed = addresses;
        int source = frame.network() + IPV6_SOURCE;
        if (allowed != null
                && !allowed.allows6(frame, source)
                && !(icmp && isNobody6(frame, source))) {
            return DropReason.SPOOFED_IP;
        }
        if (icmp) {
            return neighbors.refuses(frame);
        }
        return udp && denyDhcpServer && frame.u16(frame.transport() + 2) == DHCP6_CLIENT
                ? DropReason.DHCP_SERVER
                : null;
    }

    /** RFC 4861, 4.1 and 4.3, and RFC 3590: what may come from the unspecified address. */
    private static boolean isNobody6(Headers frame, int source) {
        if ((frame.u64(source) | frame.u64(source + Long.BYTES)) != 0) {
            return false;
        }
        int type = frame.u8(frame.transport());
        return type == NeighborGuard.ROUTER_SOLICITATION
                || type == NeighborGuard.NEIGHBOR_SOLICITATION
                || type == MLD2_REPORT
                || (type > MLD_QUERY && type < NeighborGuard.ROUTER_SOLICITATION);
    }
}
