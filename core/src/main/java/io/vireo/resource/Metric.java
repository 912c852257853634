package io.vireo.resource;

import java.util.Map;

/**
 * One measured value.
 *
 * @param name in Prometheus' form: lower case with underscores, unit last, counters end in {@code
 *     _total}, for example {@code rx_frames_total}. For the metrics of a resource the control plane
 *     puts {@code vireo_<kind>_} before it.
 * @param help one line for people
 * @param type whether the value only grows
 * @param labels what tells this value from others of the same name ({@code queue="0"}); the control
 *     plane adds the resource's name
 * @param value the value
 */
public record Metric(
        String name, String help, Type type, Map<String, String> labels, double value) {
    /** How a value behaves. */
    public enum Type {
        /** Only grows while the process lives. */
        COUNTER,
        /** Goes up and down. */
        GAUGE
    }

    public Metric {
        labels = Map.copyOf(labels);
    }

    /** A counter without labels. */
    public static Metric counter(String name, String help, long value) {
        return new Metric(name, help, Type.COUNTER, Map.of(), value);
    }

    /** A gauge without labels. */
    public static Metric gauge(String name, String help, double value) {
        return new Metric(name, help, Type.GAUGE, Map.of(), value);
    }
}
