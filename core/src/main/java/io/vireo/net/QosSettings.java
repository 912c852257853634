package io.vireo.net;

import java.util.Optional;
import java.util.OptionalInt;

/**
 * What a {@link QosPolicy} asks for. Rates are in bit/s and count frames as IEEE 802.3 does, from
 * the destination address to the frame check sequence, 64 bytes at least; a frame that is to be
 * segmented counts as the frames that it becomes.
 *
 * @param transmit rates of what a server sends; absent: any
 * @param receive rates of what a server gets; absent: any
 * @param shares of the uplink that a port gets when the uplink is congested, relative to the other
 *     ports', 1 to {@link #SHARES_MAX}
 * @param reservation of the uplink that a port has whatever others do; 0: none
 * @param limit of the uplink that a port never exceeds; 0: none
 * @param marking of what a server sends
 */
public record QosSettings(
        Optional<Rates> transmit,
        Optional<Rates> receive,
        int shares,
        long reservation,
        long limit,
        Marking marking) {
    /** Shares of a port that has no policy. */
    public static final int SHARES = 100;

    public static final int SHARES_MAX = 10_000;

    /** No policy. */
    public static final QosSettings NONE =
            new QosSettings(Optional.empty(), Optional.empty(), SHARES, 0, 0, Marking.NONE);

    /**
     * What frames are marked with, whatever their sender wrote.
     *
     * @param pcp priority in 802.1Q tags, 0 to 7; absent: the sender's
     * @param dscp of IPv4 and IPv6 packets (RFC 2474), 0 to 63; absent: the sender's
     */
    public record Marking(OptionalInt pcp, OptionalInt dscp) {
        /** All as their sender wrote it. */
        public static final Marking NONE = new Marking(OptionalInt.empty(), OptionalInt.empty());
    }

    /**
     * Two rates of one direction (RFC 2698).
     *
     * @param committed bit/s up to which frames conform
     * @param peak bit/s that are never exceeded, at least {@code committed}
     * @param burst bytes that may pass at once after a pause, for both rates
     * @param shape whether what exceeds the peak waits; else it is dropped
     */
    public record Rates(long committed, long peak, long burst, boolean shape) {}
}
