package io.vireo.transport.iscsi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vireo.resource.ErrorCode;
import io.vireo.resource.Metadata;
import io.vireo.resource.Realization;
import io.vireo.resource.RealizeContext;
import io.vireo.resource.Reference;
import io.vireo.resource.ResourceException;
import io.vireo.resource.Secrets;
import io.vireo.resource.UpdateResult;
import io.vireo.resource.spec.ChapSpec;
import io.vireo.resource.spec.IscsiTargetSpec;
import io.vireo.resource.spec.Kinds;
import io.vireo.scsi.IscsiName;
import io.vireo.scsi.ScsiTarget;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What can be declared of a target, beside one that is at the same portal. */
class IscsiTargetKindTest {
    private static final Metadata METADATA = Metadata.of("db1", "1");
    private static final String OTHER = "iqn.2026-11.io.vireo:other";

    private final IscsiTargetKind kind = new IscsiTargetKind();
    private final Bed bed = new Bed();

    /** Everything that is asked for is the bed's. */
    private final RealizeContext context =
            new RealizeContext() {
                @Override
                public <T> T require(Reference reference, Class<T> contract) {
                    Object found =
                            switch (reference.kind()) {
                                case Kinds.ISCSI_PORTAL -> bed.portal;
                                default ->
                                        contract == IscsiName.class
                                                ? new IscsiName(OTHER)
                                                : (ScsiTarget) bed.device;
                            };
                    return contract.cast(found);
                }

                @Override
                public <T> T service(Class<T> type) {
                    Secrets secrets =
                            name -> (name + " is its secret").getBytes(StandardCharsets.UTF_8);
                    return type.cast(type == Secrets.class ? secrets : bed.transport);
                }

                @Override
                public boolean provisioned() {
                    return true;
                }

                @Override
                public Runnable statusChanged() {
                    return () -> {};
                }
            };

    @AfterEach
    void close() throws Exception {
        bed.close();
    }

    private static IscsiTargetSpec spec(Optional<String> name, Optional<String> redirect) {
        return new IscsiTargetSpec(
                "db1", name, List.of("portal"), List.of(Bed.INITIATOR), Optional.empty(), redirect);
    }

    private static void close(Realization realization) throws Exception {
        var closed = new CompletableFuture<Void>();
        realization.close(() -> closed.complete(null));
        closed.get();
    }

    private List<String> violations(IscsiTargetSpec spec) {
        return kind.validate(METADATA, spec).stream()
                .map(violation -> violation.pointer() + ": " + violation.message())
                .toList();
    }

    @Test
    void aTargetHasTheNameOfItsVhbaUnlessItIsGivenAnother() throws Exception {
        Realization target =
                kind.realize(METADATA, spec(Optional.empty(), Optional.empty()), context);
        assertThat(bed.portal.target(OTHER)).isPresent();
        assertThat(target.status().attributes()).containsEntry("target", OTHER);
        close(target);
        assertThat(bed.portal.target(OTHER)).isEmpty();
    }

    @Test
    void aNameIsThereOnceAtAPortal() {
        IscsiTargetSpec taken = spec(Optional.of(Bed.TARGET), Optional.empty());
        assertThatThrownBy(() -> kind.realize(METADATA, taken, context))
                .isInstanceOf(ResourceException.class)
                .hasMessageContaining("another target at portal portal has the name " + Bed.TARGET);
        assertThat(bed.portal.targets()).isEqualTo(1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"192.0.2.1:3260", "[fd00::1]:1", "san-b.example:65535", "[::]:3260"})
    void initiatorsCanBeSentToAddressesAndNames(String address) {
        assertThat(violations(spec(Optional.empty(), Optional.of(address)))).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "192.0.2.1:0, has a port from 1 to 65535 behind the last colon",
        "192.0.2.1:99999, has a port from 1 to 65535 behind the last colon",
        "192.0.2.300:3260, '192.0.2.300 is no IPv4 address; write one, or a name'",
        "192.0.2:3260, '192.0.2 is no IPv4 address; write one, or a name'",
        "[:::]:3260, '::: is no IPv6 address; write one, or a name'",
        "[192.0.2.1]:3260, '192.0.2.1 is no IPv6 address; write one, or a name'",
    })
    void anAddressThatIsNoneIsToldToTheOperator(String address, String why) {
        assertThat(violations(spec(Optional.empty(), Optional.of(address))))
                .containsExactly("/spec/redirect: " + why);
    }

    @Test
    void nobodyIsSentToWhereItIs() throws Exception {
        Optional<String> here = Optional.of(Portal.format(bed.portal.address()));
        IscsiTargetSpec looping = spec(Optional.empty(), here);
        assertThatThrownBy(() -> kind.realize(METADATA, looping, context))
                .isInstanceOfSatisfying(
                        ResourceException.class,
                        e -> assertThat(e.code()).isEqualTo(ErrorCode.CONFLICT))
                .hasMessageContaining("the address of its own portal portal");
        IscsiTargetSpec plain = spec(Optional.empty(), Optional.empty());
        Realization target = kind.realize(METADATA, plain, context);
        assertThatThrownBy(() -> kind.update(target, METADATA, plain, looping, context))
                .hasMessageContaining("initiators would be sent there again and again");
        IscsiTargetSpec moved = spec(Optional.empty(), Optional.of("192.0.2.1:3260"));
        assertThat(kind.update(target, METADATA, plain, moved, context))
                .isEqualTo(UpdateResult.IN_PLACE);
        assertThat(bed.portal.target(OTHER).orElseThrow().movedTo()).contains("192.0.2.1:3260");
        close(target);
    }

    @Test
    void whatCannotWorkIsRefused() {
        var nothing =
                new IscsiTargetSpec(
                        "db1",
                        Optional.empty(),
                        List.of(),
                        List.of(),
                        Optional.of(
                                new ChapSpec("user", "one", Optional.of("us"), Optional.of("one"))),
                        Optional.empty());
        assertThat(violations(nothing))
                .containsExactly(
                        "/spec/chap/targetSecret: is the secret of the initiators, too: give each direction its own",
                        "/spec/portals: needs at least one IscsiPortal to be reached by",
                        "/spec/initiators: needs the iSCSI name of at least one initiator; \"*\" admits any");
        var twice =
                new IscsiTargetSpec(
                        "db1",
                        Optional.empty(),
                        List.of("portal", "portal"),
                        List.of("*"),
                        Optional.of(
                                new ChapSpec("user", "one", Optional.of("us"), Optional.empty())),
                        Optional.empty());
        assertThat(violations(twice))
                .containsExactly(
                        "/spec/chap/targetUser: goes with targetSecret: give both or none",
                        "/spec/portals: names a portal twice");
    }
}
