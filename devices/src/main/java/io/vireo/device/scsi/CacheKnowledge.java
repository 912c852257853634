package io.vireo.device.scsi;

import io.vireo.scsi.ScsiInitiator;
import java.util.HashSet;
import java.util.Set;

/**
 * Which initiator ports were told that a unit has no write cache, and count on that although their
 * nexus has ended: an iSCSI session that is reinstated (RFC 7143, 6.3.5), and a link that was down,
 * come with an initiator that asks nothing again. Of the unit's reactor.
 */
final class CacheKnowledge {
    /** Nexuses that are remembered; beyond them nobody is believed to know of a cache. */
    static final int REMEMBERED_AT_MOST = 256;

    /** An I_T nexus, whichever session it is (SAM-5, 4.7). */
    private record Known(ScsiInitiator initiator, String targetPort) {
        static Known of(UnitNexus nexus) {
            return new Known(nexus.initiator(), nexus.portName);
        }
    }

    private final Set<Known> uncached = new HashSet<>();
    private boolean lostCount;

    /** A nexus ends whose initiator was told that there is no cache. */
    void remember(UnitNexus nexus) {
        if (uncached.size() < REMEMBERED_AT_MOST) {
            uncached.add(Known.of(nexus));
        } else {
            lostCount |= !uncached.contains(Known.of(nexus));
        }
    }

    /** A nexus has been told that there is one. */
    void forget(UnitNexus nexus) {
        uncached.remove(Known.of(nexus));
    }

    /**
     * Whether the initiator port of a nexus that begins may count on that there is none, by
     * whichever target port it was told: one that is sent elsewhere takes its knowledge along.
     */
    boolean countsOnNone(UnitNexus nexus) {
        return lostCount
                || uncached.stream().anyMatch(known -> known.initiator.equals(nexus.initiator()));
    }
}
