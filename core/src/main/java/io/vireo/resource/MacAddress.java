package io.vireo.resource;

import java.util.Locale;
import java.util.regex.Pattern;

/**
 * A unicast IEEE 802 MAC address.
 *
 * @param bits the six octets, the first one highest
 */
public record MacAddress(long bits) implements Comparable<MacAddress> {
    /** The form {@code 52:54:00:12:34:56}. */
    public static final String PATTERN = "[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}";

    private static final Pattern FORM = Pattern.compile(PATTERN);
    private static final long GROUP_BIT = 1L << 40;

    public MacAddress {
        if (bits <= 0 || bits >= 1L << 48 || (bits & GROUP_BIT) != 0) {
            throw new IllegalArgumentException(
                    "a card needs a unicast MAC address other than 00:00:00:00:00:00: the first octet must be even");
        }
    }

    /**
     * Reads an address.
     *
     * @throws IllegalArgumentException with a sentence that says what is wrong
     */
    public static MacAddress parse(String text) {
        if (!FORM.matcher(text).matches()) {
            throw new IllegalArgumentException(
                    "'" + text + "' is not a MAC address like 52:54:00:12:34:56");
        }
        return new MacAddress(Long.parseLong(text.replace(":", ""), 16));
    }

    /** The six octets in the order of transmission. */
    public byte[] octets() {
        byte[] octets = new byte[6];
        for (int i = 0; i < octets.length; i++) {
            octets[i] = (byte) (bits >> (40 - 8 * i));
        }
        return octets;
    }

    @Override
    public String toString() {
        String hex = String.format(Locale.ROOT, "%012x", bits);
        return String.join(":", hex.split("(?<=\\G..)"));
    }

    @Override
    public int compareTo(MacAddress other) {
        return Long.compare(bits, other.bits);
    }
}
