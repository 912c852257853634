package io.vireo.resource;

import java.math.BigDecimal;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A rate in bits per second, written as a whole number or with a suffix, {@code k M G T}, which are
 * powers of 1000 (SI), and perhaps a unit: {@code 100M}, {@code 2.5G}, {@code 10Gbit/s}.
 *
 * @param bitsPerSecond 1 to 10^12
 */
public record BitRate(long bitsPerSecond) implements Comparable<BitRate> {
    /** The fastest: 1 Tbit/s. */
    public static final long MAX = 1_000_000_000_000L;

    private static final Pattern FORM =
            Pattern.compile("([0-9]{1,13}(?:\\.[0-9]{1,9})?)([kMGT])?(?:bit/s|bps)?");
    private static final String LETTERS = "kMGT";

    public BitRate {
        if (bitsPerSecond < 1 || bitsPerSecond > MAX) {
            throw new IllegalArgumentException("a rate is 1 bit/s to 1 Tbit/s");
        }
    }

    /**
     * Reads a rate.
     *
     * @throws IllegalArgumentException with a sentence that says what is wrong
     */
    public static BitRate parse(String text) {
        Matcher form = FORM.matcher(text);
        if (!form.matches()) {
            throw new IllegalArgumentException(
                    "'"
                            + text
                            + "' is not a rate; write bits per second, or a number with k, M, G or T (1000), like 100M");
        }
        int power = form.group(2) == null ? 0 : LETTERS.indexOf(form.group(2)) + 1;
        var value = new BigDecimal(form.group(1)).multiply(BigDecimal.valueOf(1000).pow(power));
        if (value.stripTrailingZeros().scale() > 0) {
            throw new IllegalArgumentException(
                    "'"
                            + text
                            + "' is not a whole number of bits per second; write one, or a unit behind the number, like 100M");
        }
        if (value.compareTo(BigDecimal.valueOf(MAX)) > 0) {
            throw new IllegalArgumentException("'" + text + "' is more than 1 Tbit/s");
        }
        return new BitRate(value.longValueExact());
    }

    /** The rate for people, rounded: {@code 2.5 Gbit/s}. */
    public String text() {
        int power = 0;
        double value = bitsPerSecond;
        for (; value >= 1000 && power < LETTERS.length(); power++) {
            value /= 1000;
        }
        var number = BigDecimal.valueOf(Math.round(value * 1000), 3).stripTrailingZeros();
        String unit = power == 0 ? "" : LETTERS.substring(power - 1, power);
        return String.format(Locale.ROOT, "%s %sbit/s", number.toPlainString(), unit);
    }

    /** The shortest exact form: {@code 10G}, {@code 1500}. Reads back to the same rate. */
    @Override
    public String toString() {
        int power = 0;
        long value = bitsPerSecond;
        for (; value % 1000 == 0 && power < LETTERS.length(); power++) {
            value /= 1000;
        }
        return value + (power == 0 ? "" : LETTERS.substring(power - 1, power));
    }

    @Override
    public int compareTo(BitRate other) {
        return Long.compare(bitsPerSecond, other.bitsPerSecond);
    }
}
