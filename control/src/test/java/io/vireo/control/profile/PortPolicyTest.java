package io.vireo.control.profile;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.resource.spec.AntiSpoofingSpec;
import io.vireo.resource.spec.AntiSpoofingSpec.LinkLocal;
import io.vireo.resource.spec.PortPolicySpec;
import io.vireo.resource.spec.PortPolicySpec.Isolation;
import io.vireo.resource.spec.PortPolicySpec.Permission;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

class PortPolicyTest {
    private static PortPolicySpec policy(
            Optional<Isolation> isolation, Optional<String> community, OptionalInt limit) {
        return new PortPolicySpec(
                isolation,
                community,
                limit,
                List.of(),
                Optional.empty(),
                Optional.of(Permission.DENY),
                Optional.empty(),
                Optional.empty(),
                List.of(),
                List.of());
    }

    @Test
    void aCardTakesWhatItDoesNotSayFromItsNetwork() {
        var network =
                policy(Optional.of(Isolation.COMMUNITY), Optional.of("red"), OptionalInt.of(7));
        var spoofing = new AntiSpoofingSpec(List.of(), List.of(), LinkLocal.ANY);
        var card =
                new PortPolicySpec(
                        Optional.of(Isolation.ISOLATED),
                        Optional.empty(),
                        OptionalInt.empty(),
                        List.of(),
                        Optional.of(spoofing),
                        Optional.empty(),
                        Optional.empty(),
                        Optional.empty(),
                        List.of(),
                        List.of());

        var both = card.orElse(network);

        assertThat(both.isolation()).contains(Isolation.ISOLATED);
        assertThat(both.community()).as("belongs to the isolation").isEmpty();
        assertThat(both.macLimit()).hasValue(7);
        assertThat(both.antiSpoofing()).contains(spoofing);
        assertThat(both.dhcpServer()).contains(Permission.DENY);
        assertThat(PortPolicySpec.NONE.orElse(network)).isEqualTo(network);
        assertThat(card.orElse(PortPolicySpec.NONE)).isEqualTo(card);
    }

    @Test
    void aCommunityHasAName() {
        var nameless =
                policy(Optional.of(Isolation.COMMUNITY), Optional.empty(), OptionalInt.empty());
        var idle = policy(Optional.empty(), Optional.of("red"), OptionalInt.empty());
        assertThat(nameless.violations("/spec"))
                .singleElement()
                .hasFieldOrPropertyWithValue("pointer", "/spec/community");
        assertThat(idle.violations("/spec")).hasSize(1);
        assertThat(
                        policy(
                                        Optional.of(Isolation.COMMUNITY),
                                        Optional.of("a"),
                                        OptionalInt.empty())
                                .violations("/spec"))
                .isEmpty();
    }
}
