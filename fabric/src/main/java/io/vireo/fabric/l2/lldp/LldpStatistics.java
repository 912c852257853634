package io.vireo.fabric.l2.lldp;

import io.vireo.resource.Metric;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/** What an agent has counted (IEEE 802.1AB-2016, 9.2.6); any thread may read. */
final class LldpStatistics {
    /** statsFramesOutTotal. */
    final AtomicLong framesOut = new AtomicLong();

    /** statsFramesInTotal. */
    final AtomicLong framesIn = new AtomicLong();

    /** statsFramesDiscardedTotal. */
    final AtomicLong framesDiscarded = new AtomicLong();

    /** statsFramesInErrorsTotal. */
    final AtomicLong framesInErrors = new AtomicLong();

    /** statsTLVsDiscardedTotal. */
    final AtomicLong tlvsDiscarded = new AtomicLong();

    /** statsTLVsUnrecognizedTotal. */
    final AtomicLong tlvsUnrecognized = new AtomicLong();

    /** statsAgeoutsTotal. */
    final AtomicLong ageouts = new AtomicLong();

    /** Frames of neighbors that there was no room for (9.2.7.7.5). */
    final AtomicLong neighborsRefused = new AtomicLong();

    List<Metric> metrics(int neighbors) {
        return List.of(
                Metric.gauge("lldp_neighbors", "Neighbors that LLDP was heard from.", neighbors),
                counter("lldp_tx_frames", "LLDP frames sent.", framesOut),
                counter("lldp_rx_frames", "LLDP frames that arrived.", framesIn),
                counter("lldp_rx_discarded", "LLDP frames not believed.", framesDiscarded),
                counter("lldp_rx_errors", "LLDP frames with an error in them.", framesInErrors),
                counter(
                        "lldp_rx_tlvs_discarded",
                        "Parts of LLDP frames that had an error and were left out.",
                        tlvsDiscarded),
                counter(
                        "lldp_rx_tlvs_unrecognized",
                        "Parts of LLDP frames that Vireo makes no use of.",
                        tlvsUnrecognized),
                counter("lldp_ageouts", "Neighbors forgotten because they fell silent.", ageouts),
                counter(
                        "lldp_neighbors_refused",
                        "LLDP frames of neighbors that there was no room for.",
                        neighborsRefused));
    }

    private static Metric counter(String name, String help, AtomicLong value) {
        return Metric.counter(name + "_total", help, value.get());
    }
}
