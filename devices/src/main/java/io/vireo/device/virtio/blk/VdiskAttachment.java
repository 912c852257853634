package io.vireo.device.virtio.blk;

import io.vireo.block.ExclusiveUse;
import io.vireo.block.LatencyWindow;
import io.vireo.resource.Condition;
import io.vireo.resource.Metric;
import io.vireo.resource.Realization;
import io.vireo.resource.Status;
import io.vireo.resource.spec.SocketMode;
import io.vireo.resource.spec.VdiskAttachmentSpec;
import io.vireo.transport.Endpoint;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** A presented {@link VirtioBlkDevice}. */
final class VdiskAttachment implements Realization {
    /** Attribute: what the front end is doing. */
    static final String STATE = "state";

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

    static String attribute(Status status, String name) {
        return status.attributes().getOrDefault(name, "-");
    }

    static String socketOf(Status status) {
        return attribute(status, Status.SOCKET);
    }

    @Override
    public <T> Optional<T> contract(Class<T> type) {
        return Optional.empty();
    }

    @Override
    public Status status() {
        Endpoint.State state = endpoint.state();
        var attributes = new LinkedHashMap<String, String>();
        attributes.put(STATE, state.name().toLowerCase(Locale.ROOT));
        attributes.put(Status.SOCKET, socket.toString());
        attributes.put(
                Status.SOCKET_MODE, spec.socketMode() == SocketMode.SERVER ? "server" : "client");
        attributes.put(Status.QUEUES, Integer.toString(spec.queues()));
        attributes.put("serial", spec.serial());
        attributes.put(WRITE_CACHE, device.turnedOff() ? "off, by the server" : "on");
        long now = System.nanoTime();
        LatencyWindow reads = device.reads().window(now);
        LatencyWindow writes = device.writes().window(now);
        attributes.put(READ_LATENCY, reads.describe());
        attributes.put(WRITE_LATENCY, writes.describe());
        List<Metric> metrics = metrics();
        LatencyWindow.addMetrics("read", device.reads(), reads, Map.of(), metrics);
        LatencyWindow.addMetrics("write", device.writes(), writes, Map.of(), metrics);
        return new Status(List.of(connected(state)), attributes, metrics);
    }

    private Condition connected(Endpoint.State state) {
        boolean met = state == Endpoint.State.CONNECTED || state == Endpoint.State.RUNNING;
        String error = endpoint.lastError();
        String message = error.isEmpty() ? "" : "Last error: " + error;
        return new Condition(Condition.CONNECTED, met, met ? "Connected" : "Waiting", message);
    }

    private List<Metric> metrics() {
        var metrics = new ArrayList<Metric>();
        metrics.add(
                Metric.gauge(
                        "requests_in_flight",
                        "Requests of the guest that are being carried out.",
                        device.requestsInFlight()));
        for (Map.Entry<String, Long> counter : endpoint.counters().entrySet()) {
            metrics.add(
                    new Metric(
                            "vhost_" + counter.getKey() + "_total",
                            "Counter of the vhost-user endpoint.",
                            Metric.Type.COUNTER,
                            Map.of(),
                            counter.getValue()));
        }
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
