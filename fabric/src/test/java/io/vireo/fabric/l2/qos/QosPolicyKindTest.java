package io.vireo.fabric.l2.qos;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.fabric.NoContext;
import io.vireo.net.QosPolicy;
import io.vireo.net.QosSettings;
import io.vireo.resource.BitRate;
import io.vireo.resource.Metadata;
import io.vireo.resource.Quantity;
import io.vireo.resource.RealizeContext;
import io.vireo.resource.Status;
import io.vireo.resource.UpdateResult;
import io.vireo.resource.Violation;
import io.vireo.resource.spec.QosPolicySpec;
import io.vireo.resource.spec.QosPolicySpec.Exceed;
import io.vireo.resource.spec.QosPolicySpec.Rates;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class QosPolicyKindTest {
    private static final Metadata METADATA = Metadata.of("gold", "1");
    private static final RealizeContext NOTHING = new NoContext();

    private final QosPolicyKind kind = new QosPolicyKind();

    private static Optional<BitRate> rate(@Nullable String text) {
        return Optional.ofNullable(text).map(BitRate::parse);
    }

    private static Rates rates(
            @Nullable String cir,
            @Nullable String pir,
            @Nullable String burst,
            @Nullable Exceed exceed) {
        return new Rates(
                rate(cir),
                rate(pir),
                Optional.ofNullable(burst).map(Quantity::parse),
                Optional.ofNullable(exceed));
    }

    private static QosPolicySpec spec(
            @Nullable Rates transmit,
            @Nullable Rates receive,
            @Nullable String reservation,
            @Nullable String limit) {
        return new QosPolicySpec(
                Optional.ofNullable(transmit),
                Optional.ofNullable(receive),
                100,
                rate(reservation),
                rate(limit),
                Optional.empty());
    }

    private List<String> violations(QosPolicySpec spec) {
        return kind.validate(METADATA, spec).stream().map(Violation::pointer).toList();
    }

    @Test
    void checksRates() {
        var fine = rates("1G", "2G", "1Mi", Exceed.SHAPE);
        assertThat(violations(spec(fine, rates("1G", null, null, Exceed.DROP), "1G", "1G")))
                .isEmpty();
        assertThat(violations(spec(rates(null, null, null, null), null, null, null)))
                .containsExactly("/spec/transmit");
        assertThat(violations(spec(rates("2G", "1G", null, null), null, null, null)))
                .containsExactly("/spec/transmit/pir");
        assertThat(violations(spec(null, rates("1G", null, "127Ki", Exceed.SHAPE), null, null)))
                .containsExactly("/spec/receive/burst", "/spec/receive/exceed");
        assertThat(violations(spec(rates("1G", null, "257Mi", null), null, null, null)))
                .containsExactly("/spec/transmit/burst");
        assertThat(violations(spec(null, null, "2G", "1G"))).containsExactly("/spec/reservation");
        assertThat(violations(spec(rates("10", "100", null, null), null, "5", "50")))
                .containsExactly(
                        "/spec/transmit/cir",
                        "/spec/transmit/pir",
                        "/spec/reservation",
                        "/spec/limit");
    }

    @Test
    void fillsInWhatIsLeftOut() {
        var settings =
                QosPolicyKind.settings(
                        spec(
                                rates("1G", null, null, null),
                                rates(null, "10G", null, null),
                                "5M",
                                null));
        assertThat(settings.transmit())
                .contains(new QosSettings.Rates(1_000_000_000L, 1_000_000_000L, 625_000, true));
        assertThat(settings.receive())
                .contains(
                        new QosSettings.Rates(10_000_000_000L, 10_000_000_000L, 6_250_000, false));
        assertThat(settings.reservation()).isEqualTo(5_000_000);
        assertThat(settings.limit()).isZero();
        var slow =
                QosPolicyKind.settings(
                        spec(rates("1M", "2M", null, Exceed.DROP), null, null, null));
        assertThat(slow.transmit())
                .contains(new QosSettings.Rates(1_000_000, 2_000_000, 512 << 10, false));
    }

    @Test
    void marksSomething() {
        assertThat(violations(marking(OptionalInt.empty(), OptionalInt.empty())))
                .containsExactly("/spec/marking");
        var spec = marking(OptionalInt.of(5), OptionalInt.of(46));
        assertThat(violations(spec)).isEmpty();
        assertThat(QosPolicyKind.settings(spec).marking())
                .isEqualTo(new QosSettings.Marking(OptionalInt.of(5), OptionalInt.of(46)));
        assertThat(QosPolicyKind.settings(spec(null, null, null, null)).marking())
                .isEqualTo(QosSettings.Marking.NONE);
        var column = kind.columns().getLast();
        assertThat(column.value().apply(spec, Status.EMPTY)).isEqualTo("pcp 5, dscp 46");
    }

    private static QosPolicySpec marking(OptionalInt pcp, OptionalInt dscp) {
        return new QosPolicySpec(
                Optional.empty(),
                Optional.empty(),
                100,
                Optional.empty(),
                Optional.empty(),
                Optional.of(new QosPolicySpec.Marking(pcp, dscp)));
    }

    @Test
    void changesInPlaceUnlessAUserRefuses() {
        var before = spec(null, null, null, null);
        var after = spec(null, null, "5G", null);
        var running = kind.realize(METADATA, before, NOTHING);
        var policy = running.contract(QosPolicy.class).orElseThrow();
        var seen = new ArrayList<QosSettings>();
        policy.addUser(
                new QosPolicy.User() {
                    @Override
                    public void admit(QosPolicy changing, QosSettings proposed) {
                        if (proposed.reservation() > 5_000_000_000L) {
                            throw new IllegalArgumentException("more than there is");
                        }
                    }

                    @Override
                    public void changed(QosPolicy changed) {
                        seen.add(changed.settings());
                    }
                });
        assertThat(kind.update(running, METADATA, before, after, NOTHING))
                .isEqualTo(UpdateResult.IN_PLACE);
        assertThat(seen).containsExactly(QosPolicyKind.settings(after));
        assertThat(kind.update(running, METADATA, after, spec(null, null, "6G", null), NOTHING))
                .isEqualTo(new UpdateResult.Refused("more than there is."));
        assertThat(policy.settings()).isEqualTo(QosPolicyKind.settings(after));
    }
}
