package io.vireo.resource;

import java.util.List;
import java.util.Optional;

/**
 * Least rates that can be asked for. A number that is far below what anybody wants lacks its unit:
 * {@code 10} is meant to be 10 Mbit/s, and would be 10 bit/s.
 */
public final class Rates {
    /** Bits per second. */
    public static final long LEAST_BITS = 64_000;

    /** Bytes per second. */
    public static final long LEAST_BYTES = 4096;

    private static final long MEGA = 1_000_000;
    private static final int MEBI_SHIFT = 20;

    private Rates() {}

    /** Adds what is wrong with a rate in bit/s; nothing if there is none. */
    public static void check(String pointer, Optional<BitRate> rate, List<Violation> violations) {
        rate.filter(given -> given.bitsPerSecond() < LEAST_BITS)
                .map(given -> new Violation(pointer, tooSlow(given)))
                .ifPresent(violations::add);
    }

    private static String tooSlow(BitRate rate) {
        var meant = new BitRate(rate.bitsPerSecond() * MEGA);
        return "is %d bit/s, less than the %s that a rate has at least; write %s for %s"
                .formatted(rate.bitsPerSecond(), new BitRate(LEAST_BITS), meant, meant.text());
    }

    /** Adds what is wrong with a bound in bytes per second; nothing if there is none. */
    public static void checkBytes(
            String pointer, Optional<Quantity> rate, List<Violation> violations) {
        checkBytes(pointer, rate, LEAST_BYTES, violations);
    }

    /**
     * As {@link #checkBytes(String, Optional, List)}.
     *
     * @param least bytes per second
     */
    public static void checkBytes(
            String pointer, Optional<Quantity> rate, long least, List<Violation> violations) {
        rate.filter(given -> given.bytes() < least)
                .map(given -> new Violation(pointer, tooSlow(given, least)))
                .ifPresent(violations::add);
    }

    private static String tooSlow(Quantity rate, long least) {
        return rate.bytes() == 0
                ? "must not be 0; leave it out for no bound"
                : "is %d bytes per second, less than the %s that a rate has at least; write a unit behind the number, like %s"
                        .formatted(
                                rate.bytes(),
                                new Quantity(least),
                                new Quantity(rate.bytes() << MEBI_SHIFT));
    }
}
