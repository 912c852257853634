package io.vireo.control.identity;

import io.vireo.resource.MacAddress;
import java.util.HexFormat;

/**
 * A range of identities of one sort: a fixed prefix and a number behind it.
 *
 * @param size how many numbers there are
 */
record IdentityPool(IdentitySort sort, long size, IdentityConfig.Order order, Format format) {
    private static final int WWN_DIGITS = 16;

    /** The identity for a number from 0 to {@code size - 1}. */
    @FunctionalInterface
    interface Format {
        /**
         * Writes it.
         *
         * @param owner who is to have it
         */
        String write(long number, String owner);
    }

    /** The pool of a sort. */
    static IdentityPool of(IdentitySort sort, IdentityConfig config) {
        return switch (sort) {
            case MAC -> macs(config);
            case SERIAL ->
                    random(
                            sort,
                            1L << 32,
                            (n, _) -> config.serialPrefix() + HexFormat.of().toHexDigits((int) n));
            case WWN -> wwns(config.wwnPrefix());
            case IQN ->
                    random(
                            sort,
                            1L << 32,
                            (n, owner) ->
                                    config.iqnPrefix()
                                            + ":"
                                            + owner
                                            + "-"
                                            + HexFormat.of().toHexDigits((int) n));
        };
    }

    private static IdentityPool random(IdentitySort sort, long size, Format format) {
        return new IdentityPool(sort, size, IdentityConfig.Order.RANDOM, format);
    }

    private static IdentityPool macs(IdentityConfig config) {
        String digits = config.macPrefix().replace(":", "");
        int freeBits = 48 - 4 * digits.length();
        long prefix = Long.parseLong(digits, 16) << freeBits;
        // Number 0 is left out, as 00:00:00:00:00:00 and other all-zero ends look like mistakes.
        return new IdentityPool(
                IdentitySort.MAC,
                (1L << freeBits) - 1,
                config.macOrder(),
                (n, _) -> new MacAddress(prefix | (n + 1)).toString());
    }

    private static IdentityPool wwns(String digits) {
        int freeBits = 4 * (WWN_DIGITS - digits.length());
        long prefix = HexFormat.fromHexDigitsToLong(digits) << freeBits;
        return random(
                IdentitySort.WWN, 1L << freeBits, (n, _) -> HexFormat.of().toHexDigits(prefix | n));
    }
}
