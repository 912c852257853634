package io.vireo.net;

import io.vireo.resource.Metric;
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
