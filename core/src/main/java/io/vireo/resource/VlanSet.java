package io.vireo.resource;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.IntConsumer;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Some VLAN identifiers (IEEE 802.1Q, table 9-2: 1 to 4094), written as {@code 10-20,30}.
 *
 * @param ranges in ascending order; they neither overlap nor touch
 */
public record VlanSet(List<Range> ranges) {
    /** No VLAN. */
    public static final VlanSet NONE = new VlanSet(List.of());

    /** Smallest identifier. */
    public static final int MIN = 1;

    /** Largest identifier. */
    public static final int MAX = 4094;

    private static final Pattern RANGE = Pattern.compile("([0-9]{1,4})(?:-([0-9]{1,4}))?");

    /**
     * VLANs that follow each other.
     *
     * @param first the smallest
     * @param last the largest
     */
    public record Range(int first, int last) {
        public Range {
            if (first < MIN || last > MAX) {
                throw new IllegalArgumentException(
                        "VLAN identifiers are "
                                + MIN
                                + " to "
                                + MAX
                                + ", not "
                                + text(first, last));
            }
            if (first > last) {
                throw new IllegalArgumentException(
                        "the range " + text(first, last) + " must begin with its smaller end");
            }
        }

        private static String text(int first, int last) {
            return first == last ? Integer.toString(first) : first + "-" + last;
        }

        @Override
        public String toString() {
            return text(first, last);
        }
    }

    public VlanSet {
        ranges = joined(ranges);
    }

    private static List<Range> joined(List<Range> ranges) {
        var joined = new ArrayList<Range>();
        ranges.stream()
                .sorted(Comparator.comparingInt(Range::first))
                .forEach(range -> {
                    if (!joined.isEmpty() && range.first() <= joined.getLast().last() + 1) {
                        var before = joined.removeLast();
                        joined.add(
                                new Range(before.first(), Math.max(before.last(), range.last())));
                    } else {
                        joined.add(range);
                    }
                });
        return List.copyOf(joined);
    }

    /** The VLANs of a list. */
    public static VlanSet of(List<Integer> vlans) {
        return new VlanSet(vlans.stream().map(vlan -> new Range(vlan, vlan)).toList());
    }

    /**
     * Reads {@code 10-20,30}.
     *
     * @throws IllegalArgumentException with a sentence that says what is wrong
     */
    public static VlanSet parse(String text) {
        var ranges = new ArrayList<Range>();
        for (var part : text.split(",", -1)) {
            var matcher = RANGE.matcher(part.strip());
            if (!matcher.matches()) {
                throw new IllegalArgumentException(
                        "'" + text + "' is not a list of VLANs like 10-20,30");
            }
            int first = Integer.parseInt(matcher.group(1));
            var last = matcher.group(2);
            ranges.add(new Range(first, last == null ? first : Integer.parseInt(last)));
        }
        return new VlanSet(ranges);
    }

    /** The VLANs of both sets. */
    public VlanSet plus(VlanSet other) {
        var all = new ArrayList<>(ranges);
        all.addAll(other.ranges);
        return new VlanSet(all);
    }

    /** Whether there is none. */
    public boolean isEmpty() {
        return ranges.isEmpty();
    }

    /** Whether a VLAN is one of them. */
    public boolean contains(int vlan) {
        return ranges.stream().anyMatch(range -> range.first() <= vlan && vlan <= range.last());
    }

    /** Calls {@code action} for each. */
    public void forEach(IntConsumer action) {
        ranges.forEach(range -> IntStream.rangeClosed(range.first(), range.last()).forEach(action));
    }

    @Override
    public String toString() {
        return ranges.stream().map(Range::toString).collect(Collectors.joining(","));
    }
}
