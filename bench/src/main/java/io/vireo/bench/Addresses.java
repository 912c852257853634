package io.vireo.bench;

import java.util.stream.LongStream;

/**
 * The addresses of a card, low byte first on the wire.
 *
 * @param sources used in turn
 * @param destinations used in turn; a card without any sends nothing
 */
record Addresses(long[] sources, long[] destinations) {
    /** All that is not one of ours. */
    static final long BROADCAST = 0xffff_ffff_ffffL;

    /** One address that sends to another. */
    static Addresses of(int source, int destination) {
        return new Addresses(range(source, 1), range(destination, 1));
    }

    /** One address that sends nothing. */
    static Addresses silent(int source) {
        return new Addresses(range(source, 1), new long[0]);
    }

    /** The addresses with {@code count} numbers in a row. */
    static long[] range(int first, int count) {
        return LongStream.range(first, first + count).map(n -> mac((int) n)).toArray();
    }

    /** 02:00:00 and the number: locally administered, so that no card has it. */
    static long mac(int number) {
        return 0x02
                | (long) (number >>> 16 & 0xff) << 24
                | (long) (number >>> 8 & 0xff) << 32
                | (long) (number & 0xff) << 40;
    }

    /** {@link #mac} as it is written. */
    static String text(int number) {
        return "02:00:00:%02x:%02x:%02x"
                .formatted(number >>> 16 & 0xff, number >>> 8 & 0xff, number & 0xff);
    }
}
