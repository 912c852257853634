package io.vireo.control.profile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.vireo.control.Resource;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.Metadata;
import io.vireo.resource.ResourceException;
import io.vireo.resource.Violation;
import io.vireo.resource.spec.AdminState;
import io.vireo.resource.spec.Kinds;
import io.vireo.resource.spec.Presentation;
import io.vireo.resource.spec.ServerProfileSpec;
import io.vireo.resource.spec.ServerProfileSpec.Nic;
import io.vireo.resource.spec.SocketMode;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

/** What goes with each way to get a card. */
class PresentationTest {
    private static final Metadata METADATA = Metadata.of("metal1", "1");

    private final ServerProfileKind kind = new ServerProfileKind();

    private static ServerProfileSpec card(
            Presentation presentation,
            Optional<String> path,
            int queuePairs,
            Optional<String> interfaceName,
            Optional<String> namespace) {
        return new ServerProfileSpec(
                List.of(
                        new Nic(
                                "data0",
                                "lan",
                                Optional.empty(),
                                OptionalInt.empty(),
                                OptionalInt.empty(),
                                Optional.empty(),
                                OptionalInt.empty(),
                                queuePairs,
                                SocketMode.SERVER,
                                path,
                                Optional.empty(),
                                Optional.empty(),
                                AdminState.UP,
                                OptionalInt.empty(),
                                path,
                                presentation,
                                interfaceName,
                                namespace,
                                OptionalInt.empty())),
                List.of(),
                List.of());
    }

    private static ServerProfileSpec tap(String namespace) {
        return card(
                Presentation.TAP, Optional.empty(), 1, Optional.empty(), Optional.of(namespace));
    }

    private List<String> pointers(ServerProfileSpec spec) {
        return kind.validate(METADATA, spec).stream().map(Violation::pointer).toList();
    }

    @Test
    void whatIsForTheOtherIsRefused() {
        assertThat(pointers(tap("tenant1"))).isEmpty();
        assertThat(
                        pointers(
                                card(
                                        Presentation.TAP,
                                        Optional.of("/run/a.sock"),
                                        2,
                                        Optional.empty(),
                                        Optional.empty())))
                .containsExactly("/spec/vnics/0/socketPath", "/spec/vnics/0/qmp");
        assertThat(
                        pointers(
                                card(
                                        Presentation.VHOST_USER,
                                        Optional.of("/run/a.sock"),
                                        2,
                                        Optional.of("eth7"),
                                        Optional.empty())))
                .containsExactly("/spec/vnics/0/presentation");
    }

    @Test
    void aCardStaysWhereItIs() {
        assertThat(kind.validateUpdate(METADATA, tap("tenant1"), tap("tenant1"))).isEmpty();
        assertThat(kind.validateUpdate(METADATA, tap("tenant1"), tap("tenant2")))
                .singleElement()
                .satisfies(violation ->
                        assertThat(violation.pointer()).isEqualTo("/spec/vnics/0/presentation"));
    }

    private static Resource profile(String name, ServerProfileSpec spec) {
        return new Resource(Kinds.SERVER_PROFILE, Metadata.of(name, name), spec);
    }

    @Test
    void anInterfaceBelongsToOneCard() {
        assertThatCode(() ->
                        ProfileRules.check(
                                List.of(profile("a", tap("one")), profile("b", tap("two")))))
                .doesNotThrowAnyException();
        assertThatExceptionOfType(ResourceException.class)
                .isThrownBy(() ->
                        ProfileRules.check(
                                List.of(profile("a", tap("one")), profile("b", tap("one")))))
                .withMessageContaining("data0")
                .withMessageContaining("a.data0")
                .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.CONFLICT));
    }
}
