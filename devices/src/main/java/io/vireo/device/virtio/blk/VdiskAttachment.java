package io.vireo.device.virtio.blk;

import io.vireo.block.ExclusiveUse;
import io.vireo.block.LatencyWindow;
import io.vireo.resource.Metric;
import io.vireo.resource.Realization;
import io.vireo.resource.Status;
import io.vireo.resource.spec.VdiskAttachmentSpec;
import io.vireo.transport.Endpoint;
import io.vireo.transport.FrontEndStatus;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A presented {@link VirtioBlkDevice}. */
final class VdiskAttachment implements Realization {
    /** Attributes: how long reads and writes took lately. */
    static final String READ_LATENCY = "readLatency";

    static final String WRITE_LATENCY = "writeLatency";

    /** Attribute: whether writes may end before they are durable. */
    static final String WRITE_CACHE = "writeCache";

    private final VdiskAttachmentSpec spec;
    private final Path socket;
    private final VirtioBlkDevice device;
    private final Endpoint endpoint;
    private final ExclusiveUse.Claim claim;

    VdiskAttachment(
            VdiskAttachmentSpec spec,
            Path socket,
            VirtioBlkDevice device,
            Endpoint endpoint,
            ExclusiveUse.Claim claim) {
        this.spec = spec;
        this.socket = socket;
        this.device = device;
        this.endpoint = endpoint;
        this.claim = claim;
    }

    @Override
    public <T> Optional<T> contract(Class<T> type) {
        return Optional.empty();
    }

    @Override
    public Status status() {
        FrontEndStatus frontEnd = FrontEndStatus.of(endpoint);
        var attributes = new LinkedHashMap<String, String>();
        attributes.put(FrontEndStatus.STATE, frontEnd.text());
        FrontEndStatus.addSocket(socket, spec.socketMode(), spec.queues(), attributes);
        attributes.put("serial", spec.serial());
        attributes.put(WRITE_CACHE, device.turnedOff() ? "off, by the server" : "on");
        long now = System.nanoTime();
        LatencyWindow reads = device.reads().window(now);
        LatencyWindow writes = device.writes().window(now);
        attributes.put(READ_LATENCY, reads.describe());
        attributes.put(WRITE_LATENCY, writes.describe());
        List<Metric> metrics = metrics(frontEnd);
        LatencyWindow.addMetrics("read", device.reads(), reads, Map.of(), metrics);
        LatencyWindow.addMetrics("write", device.writes(), writes, Map.of(), metrics);
        return new Status(List.of(frontEnd.connected()), attributes, metrics);
    }

    private List<Metric> metrics(FrontEndStatus frontEnd) {
        var metrics = new ArrayList<Metric>();
        metrics.add(
                Metric.gauge(
                        "requests_in_flight",
                        "Requests of the guest that are being carried out.",
                        device.requestsInFlight()));
        metrics.addAll(frontEnd.metrics());
        return metrics;
    }

    @Override
    public void close(Runnable onClosed) {
        endpoint.close(() -> {
            device.close();
            claim.release();
            onClosed.run();
        });
    }
}
