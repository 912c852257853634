package io.vireo.fabric.l2;

import io.vireo.fabric.l2.packet.Headers;
import io.vireo.net.DropReason;
import org.jspecify.annotations.Nullable;

/**
 * Checks ICMPv6 neighbor discovery of a port (RFC 4861): that it speaks of addresses of its own
 * only, IPv6 and MAC, and that it does not act as a router if it must not (RFC 6105). Neighbor
 * discovery in fragments is not let through: RFC 6980 forbids it, and it is how such checks are
 * evaded.
 */
final class NeighborGuard {
    static final int ROUTER_SOLICITATION = 133;
    static final int NEIGHBOR_SOLICITATION = 135;
    private static final int ROUTER_ADVERTISEMENT = 134;
    private static final int NEIGHBOR_ADVERTISEMENT = 136;
    private static final int REDIRECT = 137;

    private static final int IPV6_SOURCE = 8;
    private static final int ETHERNET_SOURCE = 6;

    private static final int SOLICITATION_HEADER = 8;
    private static final int ADVERTISEMENT_HEADER = 16;
    private static final int TARGET = 8;
    private static final int TARGET_HEADER = 24;

    private static final int SOURCE_LINK_LAYER = 1;
    private static final int TARGET_LINK_LAYER = 2;
    private static final int OPTION_UNIT = 8;

    private final @Nullable AddressList addresses;
    private final boolean denyRouter;

    /**
     * A guard.
     *
     * @param addresses those of the port; null: they are not checked
     * @param denyRouter whether it must not act as a router
     */
    NeighborGuard(@Nullable AddressList addresses, boolean denyRouter) {
        this.addresses = addresses;
        this.denyRouter = denyRouter;
    }

    /** Looks at a frame that holds an ICMPv6 header. */
    @Nullable DropReason refuses(Headers frame) {
        int type = frame.u8(frame.transport());
        if (type < ROUTER_SOLICITATION || type > REDIRECT) {
            return null;
        }
        if (frame.isFragment()) {
            return DropReason.UNREADABLE;
        }
        if (denyRouter && (type == ROUTER_ADVERTISEMENT || type == REDIRECT)) {
            return DropReason.ROUTER_ADVERTISEMENT;
        }
        var allowed = addresses;
        if (allowed == null) {
            return null;
        }
        return switch (type) {
            case ROUTER_SOLICITATION -> options(frame, SOLICITATION_HEADER, SOURCE_LINK_LAYER);
            case ROUTER_ADVERTISEMENT -> options(frame, ADVERTISEMENT_HEADER, SOURCE_LINK_LAYER);
            case NEIGHBOR_SOLICITATION -> solicitation(frame, allowed);
            case NEIGHBOR_ADVERTISEMENT -> advertisement(frame, allowed);
            default -> null;
        };
    }

    private static @Nullable DropReason solicitation(Headers frame, AddressList allowed) {
        if (!frame.has(frame.transport(), TARGET_HEADER)) {
            return DropReason.UNREADABLE;
        }
        int source = frame.network() + IPV6_SOURCE;
        boolean detectsDuplicates = (frame.u64(source) | frame.u64(source + Long.BYTES)) == 0;
        // Whoever asks whether an address is taken is about to take it.
        if (detectsDuplicates && !allowed.allows6(frame, frame.transport() + TARGET)) {
            return DropReason.SPOOFED_ND;
        }
        return options(frame, TARGET_HEADER, SOURCE_LINK_LAYER);
    }

    private static @Nullable DropReason advertisement(Headers frame, AddressList allowed) {
        if (!frame.has(frame.transport(), TARGET_HEADER)) {
            return DropReason.UNREADABLE;
        }
        if (!allowed.allows6(frame, frame.transport() + TARGET)) {
            return DropReason.SPOOFED_ND;
        }
        return options(frame, TARGET_HEADER, TARGET_LINK_LAYER);
    }

    /** Checks that link-layer options of a type hold the address that the frame came from. */
    private static @Nullable DropReason options(Headers frame, int header, int type) {
        int at = frame.transport() + header;
        while (at < frame.end()) {
            if (!frame.has(at, OPTION_UNIT)) {
                return DropReason.UNREADABLE;
            }
            int length = frame.u8(at + 1) * OPTION_UNIT;
            if (length == 0) {
                return DropReason.UNREADABLE;
            }
            if (frame.u8(at) == type && frame.mac(at + 2) != frame.mac(ETHERNET_SOURCE)) {
                return DropReason.SPOOFED_ND;
            }
            at += length;
        }
        return null;
    }
}
