package io.vireo.device.virtio.scsi;

import io.vireo.block.BlockRatePolicy;
import io.vireo.block.LatencyWindow;
import io.vireo.device.scsi.ScsiUnits;
import io.vireo.device.scsi.UnitCounters;
import io.vireo.resource.Metric;
import io.vireo.resource.Realization;
import io.vireo.resource.Status;
import io.vireo.resource.spec.AdminState;
import io.vireo.resource.spec.VhbaSpec;
import io.vireo.scsi.IscsiName;
import io.vireo.scsi.ScsiTarget;
import io.vireo.transport.Endpoint;
import io.vireo.transport.FrontEndStatus;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.stream.Collectors;

/** A presented {@link VirtioScsiDevice} and the target behind it. */
final class Vhba implements Realization {
    /** Attribute: how good it is as a way to its units. */
    static final String ACCESS = "access";

    /** Attribute: whether its link is up. */
    static final String ADMIN_STATE = "adminState";

    /** Attributes: how long READs and WRITEs took lately, at all LUNs together. */
    static final String READ_LATENCY = "readLatency";

    static final String WRITE_LATENCY = "writeLatency";
    static final String WWPN = "wwpn";
    static final String IQN = "iqn";

    private static final String NOBODY = "none: neither a guest nor an initiator is connected";

    private final VhbaIdentity identity;
    private final IscsiName name;
    private final Path socket;
    private final ScsiUnits.Hba hba;
    private final VirtioScsiDevice device;
    private final Endpoint endpoint;
    private volatile VhbaSpec spec;

    Vhba(
            VhbaSpec spec,
            VhbaIdentity identity,
            Path socket,
            ScsiUnits.Hba hba,
            VirtioScsiDevice device,
            Endpoint endpoint) {
        this.spec = spec;
        this.identity = identity;
        this.name = new IscsiName(identity.iqn());
        this.socket = socket;
        this.hba = hba;
        this.device = device;
        this.endpoint = endpoint;
    }

    /**
     * Puts another spec into force.
     *
     * @throws IllegalArgumentException if its policy cannot be had: nothing has changed
     */
    void change(VhbaSpec newSpec, List<ScsiUnits.Lun> luns, Optional<BlockRatePolicy> policy) {
        Optional<BlockRatePolicy> before = hba.rates(policy);
        try {
            hba.map(luns);
        } catch (RuntimeException e) {
            hba.rates(before);
            throw e;
        }
        hba.access(newSpec.access());
        hba.queueDepth(newSpec.queueDepth());
        device.link().timeout(newSpec.linkDownTimeout());
        hba.link(newSpec.adminState() == AdminState.UP);
        spec = newSpec;
    }

    @Override
    public <T> Optional<T> contract(Class<T> type) {
        if (type == IscsiName.class) {
            return Optional.of(type.cast(name));
        }
        return type == ScsiTarget.class ? Optional.of(type.cast(hba.target())) : Optional.empty();
    }

    @Override
    public Status status() {
        FrontEndStatus frontEnd = FrontEndStatus.of(endpoint);
        VhbaSpec now = spec;
        var attributes = new LinkedHashMap<String, String>();
        attributes.put(FrontEndStatus.STATE, frontEnd.text());
        FrontEndStatus.addSocket(socket, now.socketMode(), now.queues(), attributes);
        attributes.put(WWPN, HexFormat.of().toHexDigits(identity.wwpn()));
        attributes.put("wwnn", HexFormat.of().toHexDigits(identity.wwnn()));
        attributes.put(IQN, identity.iqn());
        attributes.put(ACCESS, text(now.access()));
        attributes.put(ADMIN_STATE, now.adminState() == AdminState.UP ? "up" : "down");
        attributes.put("linkDownTimeout", Integer.toString(now.linkDownTimeout()));
        attributes.put("queueDepth", Integer.toString(now.queueDepth()));
        now.qosPolicy().ifPresent(name -> attributes.put("qosPolicy", name));
        long reserved = hba.reservation();
        if (reserved != 0) {
            attributes.put("iopsReserved", Long.toString(reserved));
        }
        attributes.put("luns", describe(now.luns()));
        List<String> paths = hba.paths();
        attributes.put("paths", paths.isEmpty() ? NOBODY : String.join("; ", paths));
        SortedMap<Integer, UnitCounters> counters = hba.counters();
        Map<Integer, LunLatency> latencies = latencies(counters);
        Optional<LunLatency> all = latencies.values().stream().reduce(LunLatency::plus);
        attributes.put(
                READ_LATENCY, all.map(LunLatency::reads).map(LatencyWindow::describe).orElse("-"));
        attributes.put(
                WRITE_LATENCY,
                all.map(LunLatency::writes).map(LatencyWindow::describe).orElse("-"));
        return new Status(
                List.of(frontEnd.connected()), attributes, metrics(frontEnd, counters, latencies));
    }

    private static Map<Integer, LunLatency> latencies(SortedMap<Integer, UnitCounters> counters) {
        long now = System.nanoTime();
        var latencies = new HashMap<Integer, LunLatency>();
        counters.forEach((lun, of) -> latencies.put(lun, LunLatency.of(of, now)));
        return latencies;
    }

    private String describe(List<VhbaSpec.Lun> luns) {
        Set<Integer> ejected = hba.ejected();
        Map<Integer, VhbaSpec.Access> set = hba.setByInitiators();
        return luns.stream()
                .map(lun ->
                        lun.lun()
                                + "="
                                + lun.vdisk()
                                + (lun.readOnly() ? " (read-only)" : "")
                                + (lun.boot() ? " (boot)" : "")
                                + (ejected.contains(lun.lun()) ? " (ejected)" : "")
                                + Optional.ofNullable(set.get(lun.lun()))
                                        .map(state -> " (" + text(state) + " by an initiator)")
                                        .orElse(""))
                .collect(Collectors.joining(", "));
    }

    private static String text(VhbaSpec.Access access) {
        return access.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    private List<Metric> metrics(
            FrontEndStatus frontEnd,
            SortedMap<Integer, UnitCounters> counters,
            Map<Integer, LunLatency> latencies) {
        var metrics = new ArrayList<Metric>();
        metrics.add(
                Metric.gauge(
                        "requests_in_flight",
                        "Requests of the guest that are being carried out.",
                        device.requestsInFlight()));
        metrics.add(
                Metric.gauge(
                        "nexuses", "Initiators that are logged in, by any way.", hba.nexuses()));
        VhbaMetrics.add(hba.waits(), metrics);
        metrics.add(
                Metric.gauge(
                        "iops_reserved",
                        "Requests per second that are reserved for it in each pool of its disks.",
                        (double) hba.reservation()));
        counters.forEach((lun, of) -> {
            VhbaMetrics.add(lun, of, metrics);
            VhbaMetrics.add(lun, of, Objects.requireNonNull(latencies.get(lun)), metrics);
        });
        metrics.addAll(frontEnd.metrics());
        return metrics;
    }

    @Override
    public void close(Runnable onClosed) {
        endpoint.close(() -> device.reset(() -> hba.close(onClosed)));
    }
}
