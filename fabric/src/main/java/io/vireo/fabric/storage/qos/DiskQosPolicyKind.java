package io.vireo.fabric.storage.qos;

import io.vireo.resource.Column;
import io.vireo.resource.Metadata;
import io.vireo.resource.Passive;
import io.vireo.resource.Quantity;
import io.vireo.resource.Rates;
import io.vireo.resource.Realization;
import io.vireo.resource.RealizeContext;
import io.vireo.resource.ResourceKind;
import io.vireo.resource.UpdateResult;
import io.vireo.resource.Violation;
import io.vireo.resource.spec.DiskQosPolicySpec;
import io.vireo.resource.spec.Kinds;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/** Rates and shares of vDisks with a name; vDisks, pools and vHBAs refer to it. */
public final class DiskQosPolicyKind implements ResourceKind<DiskQosPolicySpec> {
    /** The default burst is what a rate brings in this part of a second. */
    private static final int DEFAULT_BURSTS_PER_SECOND = 10;

    private static final long BANDWIDTH_MAX = 1L << 40;

    @Override
    public String kind() {
        return Kinds.DISK_QOS_POLICY;
    }

    @Override
    public String plural() {
        return "diskqospolicies";
    }

    @Override
    public List<String> shortNames() {
        return List.of("diskqos");
    }

    @Override
    public String description() {
        return "Rates, shares and reservation of the vDisks that refer to it, or to whose Pool it belongs; rates and reservation of vHBAs.";
    }

    @Override
    public Class<DiskQosPolicySpec> specType() {
        return DiskQosPolicySpec.class;
    }

    @Override
    public List<Violation> validate(Metadata metadata, DiskQosPolicySpec spec) {
        var violations = new ArrayList<Violation>();
        spec.read().ifPresent(rates -> check("/spec/read", rates, violations));
        spec.write().ifPresent(rates -> check("/spec/write", rates, violations));
        spec.total().ifPresent(rates -> check("/spec/total", rates, violations));
        OptionalInt most =
                spec.total().map(DiskQosPolicySpec.Rates::iops).orElse(OptionalInt.empty());
        if (most.isPresent() && spec.reservation().orElse(0) > most.getAsInt()) {
            violations.add(new Violation("/spec/reservation", "must not be above total.iops"));
        }
        spec.reservedBandwidth().ifPresent(reserved -> check(reserved, spec, violations));
        return violations;
    }

    private static void check(
            Quantity reserved, DiskQosPolicySpec spec, List<Violation> violations) {
        String pointer = "/spec/reservedBandwidth";
        Rates.checkBytes(pointer, Optional.of(reserved), 1 << Flow.UNIT_BYTES_SHIFT, violations);
        if (reserved.bytes() > BANDWIDTH_MAX) {
            violations.add(new Violation(pointer, "must be 1Ti bytes per second at most"));
        }
        Optional<Quantity> most = spec.total().flatMap(DiskQosPolicySpec.Rates::bandwidth);
        if (most.isPresent() && reserved.compareTo(most.get()) > 0) {
            violations.add(new Violation(pointer, "must not be above total.bandwidth"));
        }
    }

    private static void check(
            String pointer, DiskQosPolicySpec.Rates rates, List<Violation> violations) {
        if (rates.iops().isEmpty() && rates.bandwidth().isEmpty()) {
            violations.add(new Violation(pointer, "needs iops, bandwidth or both"));
        }
        if (rates.iopsBurst().isPresent() && rates.iops().isEmpty()) {
            violations.add(new Violation(pointer + "/iopsBurst", "needs iops"));
        }
        if (rates.bandwidthBurst().isPresent() && rates.bandwidth().isEmpty()) {
            violations.add(new Violation(pointer + "/bandwidthBurst", "needs bandwidth"));
        }
        Rates.checkBytes(pointer + "/bandwidth", rates.bandwidth(), violations);
        if (rates.bandwidth().map(Quantity::bytes).orElse(0L) > BANDWIDTH_MAX) {
            violations.add(
                    new Violation(pointer + "/bandwidth", "must be 1Ti bytes per second at most"));
        }
        if (rates.bandwidthBurst().map(Quantity::bytes).orElse(0L) > BANDWIDTH_MAX) {
            violations.add(new Violation(pointer + "/bandwidthBurst", "must be 1Ti at most"));
        }
    }

    @Override
    public List<Column<DiskQosPolicySpec>> columns() {
        return List.of(
                Column.of("READ", (spec, _) -> text(spec.read())),
                Column.of("WRITE", (spec, _) -> text(spec.write())),
                Column.of("TOTAL", (spec, _) -> text(spec.total())),
                Column.of("SHARES", (spec, _) -> Integer.toString(spec.shares())),
                Column.of("RESERVATION", (spec, _) -> reserved(spec)));
    }

    private static String reserved(DiskQosPolicySpec spec) {
        long units = reservation(spec);
        return units == 0 ? "-" : Long.toString(units);
    }

    /** Units per second that are reserved; 0: none. */
    private static long reservation(DiskQosPolicySpec spec) {
        long bytes = spec.reservedBandwidth().map(Quantity::bytes).orElse(0L);
        long unit = 1 << Flow.UNIT_BYTES_SHIFT;
        return Math.max(spec.reservation().orElse(0), (bytes + unit - 1) / unit);
    }

    private static String text(OptionalInt number) {
        return number.isPresent() ? Integer.toString(number.getAsInt()) : "-";
    }

    private static String text(Optional<DiskQosPolicySpec.Rates> given) {
        return given.map(rates ->
                        (rates.iops().isPresent() ? text(rates.iops()) + " IOPS" : "")
                                + (rates.iops().isPresent() && rates.bandwidth().isPresent()
                                        ? ", "
                                        : "")
                                + rates.bandwidth().map(size -> size + "/s").orElse(""))
                .orElse("-");
    }

    @Override
    public Realization realize(Metadata metadata, DiskQosPolicySpec spec, RealizeContext context) {
        return Passive.of(new DiskQosPolicy(metadata.name(), settings(spec)));
    }

    @Override
    public UpdateResult update(
            Realization running,
            Metadata metadata,
            DiskQosPolicySpec oldSpec,
            DiskQosPolicySpec newSpec,
            RealizeContext context) {
        try {
            running.contract(DiskQosPolicy.class).orElseThrow().change(settings(newSpec));
            return UpdateResult.IN_PLACE;
        } catch (IllegalArgumentException e) {
            return new UpdateResult.Refused(e.getMessage() + ".");
        }
    }

    /** What a spec means. */
    static DiskQosSettings settings(DiskQosPolicySpec spec) {
        return new DiskQosSettings(
                rates(spec.read()),
                rates(spec.write()),
                rates(spec.total()),
                spec.shares(),
                reservation(spec));
    }

    private static DiskQosSettings.Rates rates(Optional<DiskQosPolicySpec.Rates> given) {
        return given.map(
                        rates -> {
                            long iops = rates.iops().orElse(0);
                            long bandwidth = rates.bandwidth().map(Quantity::bytes).orElse(0L);
                            return new DiskQosSettings.Rates(
                                    iops,
                                    rates.iopsBurst()
                                            .orElse(
                                                    (int)
                                                            Math.max(
                                                                    1,
                                                                    iops
                                                                            / DEFAULT_BURSTS_PER_SECOND)),
                                    bandwidth,
                                    rates.bandwidthBurst()
                                            .map(Quantity::bytes)
                                            .orElse(bandwidth / DEFAULT_BURSTS_PER_SECOND));
                        })
                .orElse(DiskQosSettings.Rates.ANY);
    }
}
