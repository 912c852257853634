package io.vireo.resource;

import java.util.regex.Pattern;

/**
 * Ports of TCP, UDP or SCTP that follow each other, written as {@code 80} or {@code 1024-65535}.
 *
 * @param first the smallest
 * @param last the largest
 */
public record PortRange(int first, int last) {
    private static final int MAX = 0xFFFF;
    private static final Pattern FORM = Pattern.compile("([0-9]{1,5})(?:-([0-9]{1,5}))?");

    public PortRange {
        if (first < 0 || last > MAX || first > last) {
            throw new IllegalArgumentException(
                    "ports are 0 to " + MAX + ", the smaller first, not " + first + "-" + last);
        }
    }

    /**
     * Reads a port or a range.
     *
     * @throws IllegalArgumentException with a sentence that says what is wrong
     */
    public static PortRange parse(String text) {
        var matcher = FORM.matcher(text);
        if (!matcher.matches()) {
            throw new IllegalArgumentException(
                    "'" + text + "' is not a port or a range of ports like 1024-65535");
        }
        int first = Integer.parseInt(matcher.group(1));
        var last = matcher.group(2);
        return new PortRange(first, last == null ? first : Integer.parseInt(last));
    }

    @Override
    public String toString() {
        return first == last ? Integer.toString(first) : first + "-" + last;
    }
}
