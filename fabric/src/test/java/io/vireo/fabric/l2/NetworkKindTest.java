package io.vireo.fabric.l2;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.resource.IpPrefix;
import io.vireo.resource.Metadata;
import io.vireo.resource.Violation;
import io.vireo.resource.spec.MulticastQuerierSpec;
import io.vireo.resource.spec.MulticastSnoopingSpec;
import io.vireo.resource.spec.NetworkSpec;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** What a Network may say. */
class NetworkKindTest {
    private static NetworkSpec spec(
            Optional<MulticastSnoopingSpec> snooping, boolean linkFollowsUplink) {
        return new NetworkSpec(
                1500,
                Optional.empty(),
                300,
                1000,
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                snooping,
                Optional.empty(),
                linkFollowsUplink);
    }

    private static List<String> violations(
            int membership, String address, int interval, int response) {
        var querier =
                new MulticastQuerierSpec(
                        Optional.of(address).filter(text -> !text.isEmpty()).map(IpPrefix::parse),
                        interval,
                        response,
                        3);
        var spec =
                spec(
                        Optional.of(
                                new MulticastSnoopingSpec(
                                        membership, false, 256, true, Optional.of(querier))),
                        false);
        return new NetworkKind()
                .validate(Metadata.of("lan", "1"), spec).stream().map(Violation::message).toList();
    }

    @Test
    void linksFollowAnUplink() {
        var spec = spec(Optional.empty(), true);
        assertThat(new NetworkKind().validate(Metadata.of("lan", "1"), spec))
                .containsExactly(
                        new Violation(
                                "/spec/linkFollowsUplink",
                                "needs an uplink to follow: name one in uplink, or leave it out"));
    }

    @Test
    void membershipsLastLongerThanTwoQuestions() {
        assertThat(violations(260, "", 125, 10)).isEmpty();
        assertThat(violations(260, "", 126, 10))
                .containsExactly(
                        "must be at least 262: twice intervalSeconds of the querier, and its"
                                + " responseSeconds");
        assertThat(violations(260, "", 10, 10))
                .containsExactly("must be less than intervalSeconds");
    }

    @Test
    void aQuerierHasTheAddressOfAStation() {
        assertThat(violations(260, "192.0.2.1", 125, 10)).isEmpty();
        for (var bad : new String[] {"192.0.2.0/24", "2001:db8::1", "0.0.0.0", "224.0.0.1"}) {
            assertThat(violations(260, bad, 125, 10))
                    .as(bad)
                    .singleElement()
                    .asString()
                    .startsWith("must be one IPv4 address of a station");
        }
    }
}
