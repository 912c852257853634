package io.vireo.fabric.l2.packet;

import java.security.SecureRandom;

/**
 * Where addresses go in a hash table, such that nobody who chooses his addresses can choose it:
 * with a fixed rule a guest could send from thousands that all go to one place, and every look for
 * one of them, and for those of others near them, would go through all.
 *
 * <p>A product with a factor of this daemon, which nobody can foresee, folded and multiplied once
 * more: by itself it would have runs of addresses, as they are given to cards, lie in heaps with
 * some factors.
 */
public final class SecretHash {
    // A constant to the compiler.
    private static final long FACTOR = new SecureRandom().nextLong() | 1;

    // 2^64 divided by the golden ratio, odd.
    private static final long SPREAD = 0x9E37_79B9_7F4A_7C15L;

    private SecretHash() {}

    /** The hash of a number, of which the highest bits are to be used. */
    public static long of(long number) {
        long product = number * FACTOR;
        return (product ^ product >>> Integer.SIZE) * SPREAD;
    }
}
