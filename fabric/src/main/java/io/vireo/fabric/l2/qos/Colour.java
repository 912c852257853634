package io.vireo.fabric.l2.qos;

/** What a {@link Meter} makes of a frame (RFC 2698). */
public enum Colour {
    /** Within the committed rate. */
    GREEN,
    /** Beyond the committed rate, within the peak rate. */
    YELLOW,
    /** Beyond the peak rate. */
    RED
}
