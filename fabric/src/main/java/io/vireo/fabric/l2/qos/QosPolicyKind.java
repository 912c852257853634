package io.vireo.fabric.l2.qos;

import io.vireo.net.QosPolicy;
import io.vireo.net.QosSettings;
import io.vireo.resource.BitRate;
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
import io.vireo.resource.spec.Kinds;
import io.vireo.resource.spec.QosPolicySpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Rates, shares and marks with a name; vNICs and networks refer to it. */
public final class QosPolicyKind implements ResourceKind<QosPolicySpec> {
    /** A frame of 64 KiB that is to be segmented has to fit, with the headers of its segments. */
    private static final long BURST_MIN = 128 << 10;

    private static final long DEFAULT_BURST_MIN = 512 << 10;
    private static final long DEFAULT_BURSTS_PER_SECOND = 200;

    @Override
    public String kind() {
        return Kinds.QOS_POLICY;
    }

    @Override
    public String plural() {
        return "qospolicies";
    }

    @Override
    public List<String> shortNames() {
        return List.of("qos");
    }

    @Override
    public String description() {
        return "Rates, shares, reservation, limit and marks of the vNICs that refer to it, or to whose network it belongs.";
    }

    @Override
    public Class<QosPolicySpec> specType() {
        return QosPolicySpec.class;
    }

    @Override
    public List<Violation> validate(Metadata metadata, QosPolicySpec spec) {
        var violations = new ArrayList<Violation>();
        spec.transmit().ifPresent(rates -> check("/spec/transmit", rates, violations));
        spec.receive().ifPresent(rates -> check("/spec/receive", rates, violations));
        if (spec.receive().flatMap(QosPolicySpec.Rates::exceed).orElse(QosPolicySpec.Exceed.DROP)
                == QosPolicySpec.Exceed.SHAPE) {
            violations.add(
                    new Violation(
                            "/spec/receive/exceed",
                            "frames to one server cannot wait without holding up their sender's others; use drop"));
        }
        Rates.check("/spec/reservation", spec.reservation(), violations);
        Rates.check("/spec/limit", spec.limit(), violations);
        if (bits(spec.limit()) != 0 && bits(spec.reservation()) > bits(spec.limit())) {
            violations.add(new Violation("/spec/reservation", "must not be above the limit"));
        }
        if (spec.marking().filter(QosPolicyKind::marksNothing).isPresent()) {
            violations.add(new Violation("/spec/marking", "needs pcp, dscp or both"));
        }
        return violations;
    }

    private static boolean marksNothing(QosPolicySpec.Marking marking) {
        return marking.pcp().isEmpty() && marking.dscp().isEmpty();
    }

    private static void check(
            String pointer, QosPolicySpec.Rates rates, List<Violation> violations) {
        if (rates.cir().isEmpty() && rates.pir().isEmpty()) {
            violations.add(new Violation(pointer, "needs cir, pir or both"));
        }
        Rates.check(pointer + "/cir", rates.cir(), violations);
        Rates.check(pointer + "/pir", rates.pir(), violations);
        if (rates.pir().isPresent() && bits(rates.cir()) > bits(rates.pir())) {
            violations.add(new Violation(pointer + "/pir", "must not be below cir"));
        }
        long burst = rates.burst().map(Quantity::bytes).orElse(BURST_MIN);
        if (burst < BURST_MIN || burst > TokenBucket.BURST_MAX) {
            violations.add(
                    new Violation(
                            pointer + "/burst",
                            "must be 128Ki to 256Mi: the longest frame of a guest, with the headers that it gets,"
                                    + " has to fit"));
        }
    }

    @Override
    public List<Column<QosPolicySpec>> columns() {
        return List.of(
                Column.of("TRANSMIT", (spec, _) -> peak(spec.transmit())),
                Column.of("RECEIVE", (spec, _) -> peak(spec.receive())),
                Column.of("SHARES", (spec, _) -> Integer.toString(spec.shares())),
                Column.of("RESERVATION", (spec, _) -> rate(spec.reservation())),
                Column.of("LIMIT", (spec, _) -> rate(spec.limit())),
                Column.wide(
                        "MARKING",
                        (spec, _) -> spec.marking().map(QosPolicyKind::text).orElse("-")));
    }

    private static String peak(Optional<QosPolicySpec.Rates> rates) {
        return rate(rates.flatMap(given -> given.pir().or(given::cir)));
    }

    private static String text(QosPolicySpec.Marking marking) {
        var marks = new ArrayList<String>();
        marking.pcp().ifPresent(pcp -> marks.add("pcp " + pcp));
        marking.dscp().ifPresent(dscp -> marks.add("dscp " + dscp));
        return String.join(", ", marks);
    }

    private static String rate(Optional<BitRate> rate) {
        return rate.map(BitRate::toString).orElse("-");
    }

    @Override
    public Realization realize(Metadata metadata, QosPolicySpec spec, RealizeContext context) {
        return Passive.of(new QosPolicy(metadata.name(), settings(spec)));
    }

    @Override
    public UpdateResult update(
            Realization running,
            Metadata metadata,
            QosPolicySpec oldSpec,
            QosPolicySpec newSpec,
            RealizeContext context) {
        try {
            running.contract(QosPolicy.class).orElseThrow().change(settings(newSpec));
            return UpdateResult.IN_PLACE;
        } catch (IllegalArgumentException e) {
            return new UpdateResult.Refused(e.getMessage() + ".");
        }
    }

    /** What a spec means to a switch. */
    static QosSettings settings(QosPolicySpec spec) {
        return new QosSettings(
                spec.transmit().map(rates -> rates(rates, QosPolicySpec.Exceed.SHAPE)),
                spec.receive().map(rates -> rates(rates, QosPolicySpec.Exceed.DROP)),
                spec.shares(),
                bits(spec.reservation()),
                bits(spec.limit()),
                spec.marking()
                        .map(marking -> new QosSettings.Marking(marking.pcp(), marking.dscp()))
                        .orElse(QosSettings.Marking.NONE));
    }

    private static QosSettings.Rates rates(QosPolicySpec.Rates rates, QosPolicySpec.Exceed exceed) {
        long peak = bits(rates.pir().or(rates::cir));
        long burst =
                rates.burst()
                        .map(Quantity::bytes)
                        .orElse(
                                Math.clamp(
                                        peak / 8 / DEFAULT_BURSTS_PER_SECOND,
                                        DEFAULT_BURST_MIN,
                                        TokenBucket.BURST_MAX));
        return new QosSettings.Rates(
                bits(rates.cir().or(rates::pir)),
                peak,
                burst,
                rates.exceed().orElse(exceed) == QosPolicySpec.Exceed.SHAPE);
    }

    private static long bits(Optional<BitRate> rate) {
        return rate.map(BitRate::bitsPerSecond).orElse(0L);
    }
}
