package io.vireo.device.virtio.scsi;

import io.vireo.block.LatencyWindow;
import io.vireo.device.scsi.RateWaits;
import io.vireo.device.scsi.UnitCounters;
import io.vireo.resource.Metric;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What was done at the LUNs of a vHBA, by all ways: the sum of them is the vHBA's. */
final class VhbaMetrics {
    private VhbaMetrics() {}

    /** Adds the metrics of a LUN. */
    static void add(int lun, UnitCounters counters, List<Metric> metrics) {
        Map<String, String> at = Map.of("lun", Integer.toString(lun));
        metrics.add(counter("commands", "SCSI commands that have ended.", at, counters.commands()));
        metrics.add(
                counter(
                        "read_bytes",
                        "Bytes that initiators got, those of parameters included.",
                        at,
                        counters.bytesRead()));
        metrics.add(
                counter(
                        "written_bytes",
                        "Bytes that initiators sent, those of parameters included.",
                        at,
                        counters.bytesWritten()));
        metrics.add(
                counter(
                        "refused_commands",
                        "SCSI commands that ended with a status without sense data.",
                        at,
                        counters.refused()));
        for (int key = 0; key < UnitCounters.keys(); key++) {
            if (counters.errors(key) > 0) {
                var labels = new HashMap<>(at);
                labels.put("sense", UnitCounters.keyName(key));
                metrics.add(
                        counter(
                                "errors",
                                "SCSI commands that ended with CHECK CONDITION, by sense key.",
                                labels,
                                counters.errors(key)));
            }
        }
    }

    /** Adds how long READs and WRITEs of a LUN took. */
    static void add(int lun, UnitCounters counters, LunLatency latency, List<Metric> metrics) {
        Map<String, String> at = Map.of("lun", Integer.toString(lun));
        LatencyWindow.addMetrics("read", counters.reads(), latency.reads(), at, metrics);
        LatencyWindow.addMetrics("write", counters.writes(), latency.writes(), at, metrics);
    }

    /** Adds the metrics of the rates. */
    static void add(RateWaits waits, List<Metric> metrics) {
        metrics.add(
                Metric.counter(
                        "qos_waits_total",
                        "Requests that had to wait for the rates.",
                        waits.waits()));
        metrics.add(
                Metric.counter(
                        "qos_waited_nanoseconds_total",
                        "How long they waited, in sum.",
                        waits.waitedNanos()));
        metrics.add(
                Metric.gauge(
                        "qos_waiting",
                        "Requests that wait for the rates now.",
                        (double) waits.waiting()));
    }

    private static Metric counter(
            String name, String help, Map<String, String> labels, long value) {
        return new Metric(name + "_total", help, Metric.Type.COUNTER, labels, value);
    }
}
