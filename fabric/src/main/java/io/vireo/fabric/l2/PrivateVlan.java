package io.vireo.fabric.l2;

import io.vireo.resource.spec.PortPolicySpec;
import io.vireo.resource.spec.PortPolicySpec.Isolation;
import java.util.HashMap;
import java.util.Map;

/**
 * Who may talk to whom in a network: private VLANs (RFC 5517), and uplinks, which do not talk to
 * each other. Each port has a segment, a number such that two ports whose numbers have no bit in
 * common may talk.
 */
final class PrivateVlan {
    /** Segment of a port that may talk to all. */
    static final int PROMISCUOUS = 0;

    /** Segment of uplinks. */
    static final int UPLINK = 1 << 30;

    private static final int PRIVATE = 1 << 31;

    private final Map<String, Integer> communities = new HashMap<>();

    /** The segment of a port. */
    int segment(boolean uplink, PortPolicySpec policy) {
        if (uplink) {
            return UPLINK;
        }
        return switch (policy.isolation().orElse(Isolation.NONE)) {
            case NONE -> PROMISCUOUS;
            case ISOLATED -> PRIVATE;
            case COMMUNITY ->
                    PRIVATE
                            | communities.computeIfAbsent(
                                    policy.community().orElse(""), _ -> communities.size() + 1);
        };
    }

    /** Whether ports of two segments must not talk. */
    static boolean separates(int one, int other) {
        return (one & other) != 0 && !(one == other && isCommunity(one));
    }

    private static boolean isCommunity(int segment) {
        return segment < 0 && segment != PRIVATE;
    }

    /** Whether a segment is that of a private port. */
    static boolean isPrivate(int segment) {
        return segment < 0;
    }
}
