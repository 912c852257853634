package io.vireo.resource;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A size in bytes, written as a whole number or with a suffix: {@code Ki Mi Gi Ti Pi Ei} are powers
 * of 1024 (IEC 80000-13), {@code k M G T P E} powers of 1000 (SI). A fraction is fine where it
 * comes to whole bytes: {@code 1.5Gi}.
 *
 * @param bytes zero or more
 */
public record Quantity(long bytes) implements Comparable<Quantity> {
    private static final Pattern FORM =
            Pattern.compile("([0-9]{1,19}(?:\\.[0-9]{1,9})?)([KMGTPE]i|[kMGTPE])?B?");
    private static final String LETTERS = "KMGTPE";

    public Quantity {
        if (bytes < 0) {
            throw new IllegalArgumentException("a size cannot be negative");
        }
    }

    /**
     * Reads a size.
     *
     * @throws IllegalArgumentException with a sentence that says what is wrong
     */
    public static Quantity parse(String text) {
        Matcher form = FORM.matcher(text);
        if (!form.matches()) {
            throw new IllegalArgumentException(
                    "'"
                            + text
                            + "' is not a size; write bytes or a number with Ki, Mi, Gi, Ti (1024) or k, M, G, T (1000)");
        }
        String suffix = form.group(2) == null ? "" : form.group(2);
        BigDecimal value = new BigDecimal(form.group(1)).multiply(unit(suffix));
        if (value.stripTrailingZeros().scale() > 0) {
            throw new IllegalArgumentException(
                    "'%s' is not a whole number of bytes; write %s"
                            .formatted(text, instead(value, suffix)));
        }
        if (value.compareTo(BigDecimal.valueOf(Long.MAX_VALUE)) > 0) {
            throw new IllegalArgumentException("'" + text + "' is larger than 2^63-1 bytes");
        }
        return new Quantity(value.longValueExact());
    }

    /** What may have been meant: not less, in the next smaller unit. */
    private static String instead(BigDecimal bytes, String suffix) {
        if (suffix.isEmpty()) {
            return "whole bytes, or a unit behind the number, like 2Gi";
        }
        boolean binary = suffix.endsWith("i");
        int smaller = LETTERS.indexOf(Character.toUpperCase(suffix.charAt(0)));
        BigDecimal unit = BigDecimal.valueOf(binary ? 1024 : 1000).pow(smaller);
        String letter = smaller == 0 ? "" : LETTERS.substring(smaller - 1, smaller);
        return bytes.divide(unit, 0, RoundingMode.CEILING).toPlainString()
                + (binary ? letter + (smaller == 0 ? "" : "i") : letter.replace('K', 'k'));
    }

    private static BigDecimal unit(String suffix) {
        if (suffix.isEmpty()) {
            return BigDecimal.ONE;
        }
        int power = LETTERS.indexOf(Character.toUpperCase(suffix.charAt(0))) + 1;
        return BigDecimal.valueOf(suffix.endsWith("i") ? 1024 : 1000).pow(power);
    }

    /**
     * The exact form with the fewest digits: {@code 10Gi}, {@code 10G}, {@code 512}; a power of
     * 1024 where both have as many. Reads back to the same size.
     */
    @Override
    public String toString() {
        String binary = exact(1024, LETTERS, "i");
        String decimal = exact(1000, "k" + LETTERS.substring(1), "");
        return digits(decimal) < digits(binary) ? decimal : binary;
    }

    private static long digits(String text) {
        return text.chars().filter(Character::isDigit).count();
    }

    private String exact(int base, String letters, String behind) {
        long number = bytes;
        int power = 0;
        while (number != 0 && number % base == 0 && power < letters.length()) {
            number /= base;
            power++;
        }
        return power == 0
                ? Long.toString(number)
                : number + letters.substring(power - 1, power) + behind;
    }

    @Override
    public int compareTo(Quantity other) {
        return Long.compare(bytes, other.bytes);
    }
}
