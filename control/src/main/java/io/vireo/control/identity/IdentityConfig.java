package io.vireo.control.identity;

import java.util.regex.Pattern;

/**
 * Where identities are drawn from.
 *
 * @param macPrefix first octets of drawn MAC addresses, 1 to 5 of them, like {@code 56:49}. The
 *     default is locally administered (IEEE 802 section 8.4) and leaves 32 bits to draw, so that
 *     hosts that do not know of each other collide rarely.
 * @param macOrder how the rest of an address is drawn
 * @param serialPrefix first characters of drawn disk serials, at most 12
 */
public record IdentityConfig(String macPrefix, Order macOrder, String serialPrefix) {
    /** How identities are drawn. */
    public enum Order {
        /** By chance. */
        RANDOM,
        /** One after the other, starting over at the end. */
        SEQUENTIAL
    }

    private static final Pattern MAC_PREFIX =
            Pattern.compile("[0-9a-fA-F][02468aceACE](:[0-9a-fA-F]{2}){0,4}");
    private static final Pattern SERIAL_PREFIX = Pattern.compile("[A-Za-z0-9._-]{0,12}");

    /** The shipped configuration. */
    public static final IdentityConfig DEFAULT =
            new IdentityConfig("56:49", Order.RANDOM, "vireo-");

    public IdentityConfig {
        if (!MAC_PREFIX.matcher(macPrefix).matches()) {
            throw new IllegalArgumentException(
                    "'"
                            + macPrefix
                            + "' is no prefix of unicast MAC addresses; write 1 to 5 octets like 56:49,"
                            + " the first one even");
        }
        if (!SERIAL_PREFIX.matcher(serialPrefix).matches()) {
            throw new IllegalArgumentException(
                    "'"
                            + serialPrefix
                            + "' is no prefix of disk serials; use at most 12 letters, digits, '.', '_', '-'");
        }
    }
}
