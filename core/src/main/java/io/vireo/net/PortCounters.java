package io.vireo.net;

import io.vireo.resource.Metric;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * Counters of a port in a {@link Network}, from the network's point of view: received is what came
 * out of the port.
 *
 * @param receivedFrames that came out of the port, dropped ones included
 * @param receivedBytes of these frames, from destination address to payload
 * @param transmittedFrames that the port took
 * @param transmittedBytes of these frames
 * @param flooded came and went to all because the destination was not known or is a group
 * @param receivedDrops frames that came and were dropped, for each of {@link
 *     DropReason#ofReceived()}
 * @param transmittedDrops frames that should have left by the port, for each of {@link
 *     DropReason#ofTransmitted()}
 */
public record PortCounters(
        long receivedFrames,
        long receivedBytes,
        long transmittedFrames,
        long transmittedBytes,
        long flooded,
        Map<DropReason, Long> receivedDrops,
        Map<DropReason, Long> transmittedDrops) {
    public PortCounters {
        receivedDrops = Map.copyOf(receivedDrops);
        transmittedDrops = Map.copyOf(transmittedDrops);
    }

    /** Nothing counted yet. */
    public static final PortCounters ZERO = new PortCounters(0, 0, 0, 0, 0, Map.of(), Map.of());

    /** The sums of both. */
    public PortCounters plus(PortCounters other) {
        return new PortCounters(
                receivedFrames + other.receivedFrames,
                receivedBytes + other.receivedBytes,
                transmittedFrames + other.transmittedFrames,
                transmittedBytes + other.transmittedBytes,
                flooded + other.flooded,
                sums(receivedDrops, other.receivedDrops),
                sums(transmittedDrops, other.transmittedDrops));
    }

    private static Map<DropReason, Long> sums(
            Map<DropReason, Long> one, Map<DropReason, Long> other) {
        var sums = new EnumMap<DropReason, Long>(DropReason.class);
        sums.putAll(one);
        other.forEach((reason, frames) -> sums.merge(reason, frames, Long::sum));
        return sums;
    }

    /** Frames that came and were dropped for a reason. */
    public long receivedDropped(DropReason reason) {
        return receivedDrops.getOrDefault(reason, 0L);
    }

    /** Frames that should have left and were dropped for a reason. */
    public long transmittedDropped(DropReason reason) {
        return transmittedDrops.getOrDefault(reason, 0L);
    }

    /** {@link #receivedDrops} as one metric with a label {@code reason}. */
    public List<Metric> receivedDropMetrics(String name, String help) {
        return metrics(name, help, DropReason.ofReceived(), receivedDrops);
    }

    /** {@link #transmittedDrops} as one metric with a label {@code reason}. */
    public List<Metric> transmittedDropMetrics(String name, String help) {
        return metrics(name, help, DropReason.ofTransmitted(), transmittedDrops);
    }

    private static List<Metric> metrics(
            String name, String help, List<DropReason> reasons, Map<DropReason, Long> drops) {
        return reasons.stream()
                .map(reason ->
                        new Metric(
                                name,
                                help,
                                Metric.Type.COUNTER,
                                Map.of("reason", reason.text()),
                                drops.getOrDefault(reason, 0L)))
                .toList();
    }
}
