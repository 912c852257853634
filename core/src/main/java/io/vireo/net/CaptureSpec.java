package io.vireo.net;

import io.vireo.resource.ErrorCode;
import io.vireo.resource.Parameter;
import io.vireo.resource.ResourceException;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What is captured of a port.
 *
 * @param direction which frames
 * @param snapLength bytes of a frame that are kept
 * @param count frames after which the capture ends
 * @param filter an expression, see {@link #PARAMETERS}; empty: all
 */
public record CaptureSpec(Direction direction, int snapLength, long count, String filter) {
    /** Which frames are meant, from the point of view of the station at the port. */
    public enum Direction {
        /** Those that it gets. */
        IN,
        /** Those that it sends. */
        OUT,
        /** All of them. */
        BOTH
    }

    /** More bytes than any frame has; what tcpdump keeps. */
    public static final int SNAP_LENGTH_MAX = 262_144;

    private static final String DIRECTION = "direction";
    private static final String SNAP_LENGTH = "snaplen";
    private static final String COUNT = "count";
    private static final String FILTER = "filter";
    private static final int FILTER_MAX = 1024;

    /** All there is to see, without end. */
    public static final CaptureSpec ALL =
            new CaptureSpec(Direction.BOTH, SNAP_LENGTH_MAX, Long.MAX_VALUE, "");

    /** The parameters that {@link #of} takes. */
    public static final List<Parameter> PARAMETERS =
            List.of(
                    new Parameter(
                            DIRECTION, "'in': what the guest gets, 'out': what it sends, 'both'"),
                    new Parameter(
                            SNAP_LENGTH,
                            "bytes of each frame that are kept, from "
                                    + FrameBatch.SNAPSHOT
                                    + "; all of them if absent"),
                    new Parameter(COUNT, "end after so many frames"),
                    new Parameter(
                            FILTER,
                            "only frames that meet all terms, joined by 'and': mac ADDRESS, vlan NUMBER,"
                                    + " ethertype ipv4|ipv6|arp|0xHHHH, host ADDRESS or PREFIX, proto"
                                    + " tcp|udp|sctp|icmp|icmpv6|igmp|NUMBER, port NUMBER"));

    /**
     * Reads parameters.
     *
     * @throws ResourceException if a value is not among those that are taken
     */
    public static CaptureSpec of(Map<String, String> parameters) {
        var filter = parameters.getOrDefault(FILTER, "");
        if (filter.length() > FILTER_MAX) {
            throw invalid(FILTER, "has " + FILTER_MAX + " characters at most");
        }
        return new CaptureSpec(
                direction(parameters.getOrDefault(DIRECTION, "both")),
                (int)
                        number(
                                parameters,
                                SNAP_LENGTH,
                                FrameBatch.SNAPSHOT,
                                SNAP_LENGTH_MAX,
                                SNAP_LENGTH_MAX),
                number(parameters, COUNT, 1, Long.MAX_VALUE, Long.MAX_VALUE),
                filter);
    }

    private static Direction direction(String text) {
        try {
            return Direction.valueOf(text.toUpperCase(Locale.ROOT));
        } catch (IllegalArgumentException _) {
            throw invalid(DIRECTION, "must be in, out or both");
        }
    }

    private static long number(
            Map<String, String> parameters, String name, long min, long max, long absent) {
        var text = parameters.get(name);
        if (text == null) {
            return absent;
        }
        try {
            long value = Long.parseLong(text);
            if (value >= min && value <= max) {
                return value;
            }
        } catch (NumberFormatException _) {
            // Told below.
        }
        var bounds = max == Long.MAX_VALUE ? "from " + min : "from " + min + " to " + max;
        throw invalid(name, "must be a whole number " + bounds);
    }

    private static ResourceException invalid(String name, String message) {
        return new ResourceException(ErrorCode.INVALID, "the parameter " + name + " " + message);
    }
}
