package io.vireo.control.identity;

import io.vireo.resource.MacAddress;
import java.util.Locale;
import java.util.function.LongFunction;

/**
 * A range of identities of one sort: a fixed prefix and a number behind it.
 *
 * @param sort {@code mac} or {@code serial}; also the place in the store
 * @param size how many numbers there are
 * @param format the identity for a number from 0 to {@code size - 1}
 */
record IdentityPool(
        String sort, long size, IdentityConfig.Order order, LongFunction<String> format) {
    static final String MAC = "mac";
    static final String SERIAL = "serial";

    static IdentityPool macs(IdentityConfig config) {
        String digits = config.macPrefix().replace(":", "");
        int freeBits = 48 - 4 * digits.length();
        long prefix = Long.parseLong(digits, 16) << freeBits;
        // Number 0 is left out, as 00:00:00:00:00:00 and other all-zero ends look like mistakes.
        return new IdentityPool(
                MAC,
                (1L << freeBits) - 1,
                config.macOrder(),
                n -> new MacAddress(prefix | (n + 1)).toString());
    }

    static IdentityPool serials(IdentityConfig config) {
        return new IdentityPool(
                SERIAL,
                1L << 32,
                IdentityConfig.Order.RANDOM,
                n -> config.serialPrefix() + String.format(Locale.ROOT, "%08x", n));
    }
}
