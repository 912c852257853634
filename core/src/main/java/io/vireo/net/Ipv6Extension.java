package io.vireo.net;

/**
 * Extension headers that stand between the header of an IPv6 packet and what it carries (RFC 8200,
 * section 4; RFC 4302 for authentication), by the numbers that announce them.
 */
public final class Ipv6Extension {
    public static final int HOP_BY_HOP = 0;
    public static final int ROUTING = 43;
    public static final int FRAGMENT = 44;
    public static final int AUTHENTICATION = 51;
    public static final int DESTINATION_OPTIONS = 60;

    /** Bytes that each has at least. */
    public static final int LEAST = 8;

    private Ipv6Extension() {}

    /** Whether a number announces one of them. */
    public static boolean is(int header) {
        return switch (header) {
            case HOP_BY_HOP, ROUTING, FRAGMENT, AUTHENTICATION, DESTINATION_OPTIONS -> true;
            default -> false;
        };
    }

    /**
     * Bytes that one takes up.
     *
     * @param header the number that announces it
     * @param second its second byte, unsigned
     */
    public static int length(int header, int second) {
        return switch (header) {
            case FRAGMENT -> LEAST;
            case AUTHENTICATION -> (second + 2) * Integer.BYTES;
            default -> (second + 1) * Long.BYTES;
        };
    }
}
