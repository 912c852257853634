package io.vireo.resource;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.util.regex.Pattern;

/**
 * An IPv4 or IPv6 address, or all that begin alike: {@code 10.0.0.5}, {@code 10.0.0.0/24}, {@code
 * fd00::/64}.
 *
 * @param v6 whether it is IPv6
 * @param high the first 64 bits of an IPv6 address, 0 for IPv4
 * @param low the last 64 bits of an IPv6 address, or the 32 of IPv4
 * @param length bits that count; the others are 0
 */
public record IpPrefix(boolean v6, long high, long low, int length) {
    /** Four numbers, or anything with a colon; the rest is checked where it is read. */
    private static final Pattern FORM =
            Pattern.compile("([0-9]{1,3}(\\.[0-9]{1,3}){3}|.*:.*)(/[0-9]{1,3})?");

    private static final int V4_BITS = 32;
    private static final int V6_BITS = 128;

    public IpPrefix {
        int bits = v6 ? V6_BITS : V4_BITS;
        if (length < 0 || length > bits) {
            throw new IllegalArgumentException(
                    "a prefix has 0 to " + bits + " bits, not " + length);
        }
        long highMask = v6 ? mask(Math.min(length, Long.SIZE)) : 0;
        long lowMask = v6 ? mask(Math.max(length - Long.SIZE, 0)) : mask(length) >>> V4_BITS;
        if ((high & ~highMask) != 0 || (low & ~lowMask) != 0) {
            throw new IllegalArgumentException(
                    "the address has bits set beyond its prefix of "
                            + length
                            + " bits; set them to 0, or leave the length out for one address");
        }
    }

    /** So many ones at the upper end. */
    private static long mask(int ones) {
        return ones == 0 ? 0 : -1L << (Long.SIZE - ones);
    }

    /**
     * Reads an address or a prefix.
     *
     * @throws IllegalArgumentException with a sentence that says what is wrong
     */
    public static IpPrefix parse(String text) {
        int slash = text.indexOf('/');
        try {
            if (!FORM.matcher(text).matches()) {
                throw new IllegalArgumentException("it has not that form");
            }
            var address = InetAddress.ofLiteral(slash < 0 ? text : text.substring(0, slash));
            var bytes = ByteBuffer.wrap(address.getAddress());
            boolean six = address instanceof Inet6Address inet6 && inet6.getScopeId() == 0;
            if (!six && bytes.remaining() != Integer.BYTES) {
                throw new IllegalArgumentException("an address here has no zone");
            }
            int bits = six ? V6_BITS : V4_BITS;
            int length = slash < 0 ? bits : Integer.parseInt(text.substring(slash + 1));
            return six
                    ? new IpPrefix(true, bytes.getLong(), bytes.getLong(), length)
                    : new IpPrefix(false, 0, Integer.toUnsignedLong(bytes.getInt()), length);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(
                    "'"
                            + text
                            + "' is not an address or prefix like 10.0.0.0/24 or fd00::1: "
                            + e.getMessage(),
                    e);
        }
    }

    /** Whether it is one address. */
    public boolean isAddress() {
        return length == (v6 ? V6_BITS : V4_BITS);
    }

    /** Bits of the first 64 that count, for IPv6. */
    public long highMask() {
        return v6 ? mask(Math.min(length, Long.SIZE)) : 0;
    }

    /** Bits of {@link #low} that count. */
    public long lowMask() {
        return v6 ? mask(Math.max(length - Long.SIZE, 0)) : mask(length) >>> V4_BITS;
    }

    @Override
    public String toString() {
        var bytes =
                v6
                        ? ByteBuffer.allocate(2 * Long.BYTES).putLong(high).putLong(low)
                        : ByteBuffer.allocate(Integer.BYTES).putInt((int) low);
        try {
            var address = InetAddress.getByAddress(bytes.array()).getHostAddress();
            return isAddress() ? address : address + "/" + length;
        } catch (UnknownHostException e) {
            throw new IllegalStateException(e);
        }
    }
}
