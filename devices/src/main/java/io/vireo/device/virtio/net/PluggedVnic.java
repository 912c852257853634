package io.vireo.device.virtio.net;

import io.vireo.net.Network;
import io.vireo.net.PortCounters;
import io.vireo.net.PortSpec;
import io.vireo.resource.Metric;
import io.vireo.resource.Realization;
import io.vireo.resource.spec.VnicSpec;
import java.util.ArrayList;
import java.util.List;

/** A card that runs, however it is presented. */
interface PluggedVnic extends Realization {
    /**
     * Has the card sit otherwise in its network, or in another one: there its stations are
     * announced.
     *
     * @throws IllegalArgumentException if the network refuses; the card stays where it was
     */
    void plug(Network network, PortSpec port);

    /** Changes what does not concern the network. */
    void follow(VnicSpec spec);

    /** What the network counts, and whether frames pass; directions are the guest's. */
    static List<Metric> portMetrics(PortCounters port, boolean up) {
        var metrics = new ArrayList<Metric>();
        metrics.add(
                Metric.counter(
                        "rx_frames_total", "Frames that the guest got.", port.transmittedFrames()));
        metrics.add(
                Metric.counter(
                        "rx_bytes_total",
                        "Bytes of frames that the guest got.",
                        port.transmittedBytes()));
        metrics.add(
                Metric.counter(
                        "tx_frames_total", "Frames that the guest sent.", port.receivedFrames()));
        metrics.add(
                Metric.counter(
                        "tx_bytes_total",
                        "Bytes of frames that the guest sent.",
                        port.receivedBytes()));
        metrics.addAll(
                port.transmittedDropMetrics(
                        "rx_dropped_total", "Frames to the guest that it did not get."));
        metrics.addAll(
                port.receivedDropMetrics(
                        "tx_dropped_total", "Frames of the guest that were not forwarded."));
        metrics.add(
                Metric.counter(
                        "tx_flooded_total",
                        "Frames of the guest that went to all.",
                        port.flooded()));
        metrics.add(
                Metric.gauge(
                        "link_up",
                        "1 if frames pass between the guest and its network.",
                        up ? 1 : 0));
        return metrics;
    }
}
