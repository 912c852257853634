package io.vireo.device.scsi;

import io.vireo.scsi.ScsiInitiator;
import java.util.BitSet;
import java.util.HashSet;
import java.util.Set;

/**
 * Which initiator ports were told that a unit has no write cache, and count on that although their
 * nexus has ended: an iSCSI session that is reinstated (RFC 7143, 6.3.5), and a link that was down,
 * come with an initiator that asks nothing again. Of the unit's reactor.
 */
final class CacheKnowledge {
    /** Nexuses that are remembered; of those beyond them no more than that they may be some. */
    static final int REMEMBERED_AT_MOST = 256;

    private static final int HASH_BITS = 16;

    /** Spreads what differs in the last bits only (Knuth, volume 3, 6.4). */
    private static final int GOLDEN_RATIO = 0x9E3779B9;

    /** An I_T nexus, whichever session it is (SAM-5, 4.7). */
    private record Known(ScsiInitiator initiator, String targetPort) {
        static Known of(UnitNexus nexus) {
            return new Known(nexus.initiator(), nexus.portName);
        }
    }

    private final Set<Known> uncached = new HashSet<>();

    /**
     * Initiator ports beyond them, by a hash of {@link #HASH_BITS}. None is ever taken out: another
     * one may be there, and would lose what it believes to be on the disk. Whoever is taken for one
     * has durable writes until it has asked.
     */
    private final BitSet others = new BitSet();

    /** A nexus ends whose initiator was told that there is no cache. */
    void remember(UnitNexus nexus) {
        Known known = Known.of(nexus);
        if (uncached.size() < REMEMBERED_AT_MOST || uncached.contains(known)) {
            uncached.add(known);
        } else {
            others.set(hash(nexus.initiator()));
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
        return others.get(hash(nexus.initiator()))
                || uncached.stream().anyMatch(known -> known.initiator.equals(nexus.initiator()));
    }

    private static int hash(ScsiInitiator initiator) {
        return (initiator.hashCode() * GOLDEN_RATIO) >>> (Integer.SIZE - HASH_BITS);
    }
}
