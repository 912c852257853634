package io.vireo.resource;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A snapshot of what a realization is doing.
 *
 * @param conditions facts; one type at most once
 * @param attributes what a user wants to know, in the order to show it: {@code socket}, {@code
 *     capacityBytes} ... ({@link #SOCKET} and the other constants name those that programs rely on)
 * @param metrics counters and gauges, with names that stay the same from release to release
 */
public record Status(
        List<Condition> conditions, Map<String, String> attributes, List<Metric> metrics) {
    /** Attribute: absolute path of the Unix socket at which a hypervisor finds the device. */
    public static final String SOCKET = "socket";

    /**
     * Attribute: {@code server} where Vireo listens on {@link #SOCKET}, {@code client} where it
     * connects.
     */
    public static final String SOCKET_MODE = "socketMode";

    /** Attribute: number of request queues (disks) or queue pairs (NICs). */
    public static final String QUEUES = "queues";

    /** Nothing to tell. */
    public static final Status EMPTY = new Status(List.of(), Map.of(), List.of());

    public Status {
        conditions = List.copyOf(conditions);
        attributes = Collections.unmodifiableMap(new LinkedHashMap<>(attributes));
        metrics = List.copyOf(metrics);
    }
}
