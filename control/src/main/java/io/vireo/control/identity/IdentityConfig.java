package io.vireo.control.identity;

import java.util.Locale;
import java.util.regex.Pattern;

/**
 * Where identities are drawn from.
 *
 * @param macPrefix first octets of drawn MAC addresses, 1 to 5 of them, like {@code 56:49}. The
 *     default is locally administered (IEEE 802 section 8.4) and leaves 32 bits to draw, so that
 *     hosts that do not know of each other collide rarely.
 * @param macOrder how the rest of an address is drawn
 * @param serialPrefix first characters of drawn disk serials, at most 12
 * @param wwnPrefix first 1 to 14 hexadecimal digits of drawn World Wide Names, the first one the
 *     format (FC-FS, Name_Identifier: NAA 1h, 2h, 3h or 5h). The default is NAA 3h, locally
 *     assigned: nobody's organizationally unique identifier is in it.
 * @param iqnPrefix what drawn iSCSI names begin with (RFC 7143, 4.2.7.1), like {@code
 *     iqn.2026-11.com.example:rack7}; the owner and digits follow
 */
public record IdentityConfig(
        String macPrefix, Order macOrder, String serialPrefix, String wwnPrefix, String iqnPrefix) {
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
    private static final Pattern WWN_PREFIX = Pattern.compile("[1235][0-9a-fA-F]{0,13}");
    private static final Pattern IQN_PREFIX =
            Pattern.compile(
                    "iqn\\.[0-9]{4}-[0-9]{2}\\.[-a-z0-9.]*[a-z0-9](:[-a-z0-9.:]*[a-z0-9])?");
    private static final int IQN_PREFIX_MAX = 120;

    /** The shipped configuration. */
    public static final IdentityConfig DEFAULT =
            new IdentityConfig("56:49", Order.RANDOM, "vireo-", "3", "iqn.2026-11.internal.vireo");

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
        if (!WWN_PREFIX.matcher(wwnPrefix).matches()) {
            throw new IllegalArgumentException(
                    "'"
                            + wwnPrefix
                            + "' is no prefix of World Wide Names; write 1 to 14 hexadecimal digits like 3a07,"
                            + " the first one 1, 2, 3 or 5");
        }
        wwnPrefix = wwnPrefix.toLowerCase(Locale.ROOT);
        if (iqnPrefix.length() > IQN_PREFIX_MAX || !IQN_PREFIX.matcher(iqnPrefix).matches()) {
            throw new IllegalArgumentException(
                    "'"
                            + iqnPrefix
                            + "' is no prefix of iSCSI names; write at most 120 lower-case characters like"
                            + " iqn.2026-11.com.example:rack7");
        }
    }
}
