package io.vireo.fabric.l2;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vireo.fabric.NoContext;
import io.vireo.fabric.l2.bond.Bond;
import io.vireo.net.Uplink;
import io.vireo.resource.BitRate;
import io.vireo.resource.IpPrefix;
import io.vireo.resource.Metadata;
import io.vireo.resource.Reference;
import io.vireo.resource.ResourceException;
import io.vireo.resource.Violation;
import io.vireo.resource.spec.LldpSpec;
import io.vireo.resource.spec.UplinkSpec;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** What an Uplink may say; what it does is tested with its types. */
class UplinkKindTest {
    private static final Metadata BOTH = Metadata.of("both", "1");

    private final UplinkKind kind = new UplinkKind();

    private static UplinkSpec spec(
            UplinkSpec.Type type, Optional<String> interfaceName, List<String> members) {
        return new UplinkSpec(
                type,
                interfaceName,
                Optional.empty(),
                1500,
                Optional.empty(),
                Optional.empty(),
                members,
                UplinkSpec.BondMode.LACP,
                5,
                UplinkSpec.LacpRate.FAST,
                UplinkSpec.HashPolicy.LAYER2_3,
                Optional.empty());
    }

    private static UplinkSpec bond(String... members) {
        return spec(UplinkSpec.Type.BOND, Optional.empty(), List.of(members));
    }

    private List<String> violations(UplinkSpec spec) {
        return kind.validate(BOTH, spec).stream().map(Violation::message).toList();
    }

    @Test
    void aBondHasMembersOfItsOwn() {
        assertThat(violations(bond("left", "right"))).isEmpty();
        assertThat(kind.references(bond("left", "right")))
                .containsExactly(new Reference("Uplink", "left"), new Reference("Uplink", "right"));
        assertThat(violations(bond()))
                .containsExactly("is needed: the Uplinks that the bond joins");
        assertThat(violations(bond("1", "2", "3", "4", "5", "6", "7", "8"))).isEmpty();
        assertThat(violations(bond("1", "2", "3", "4", "5", "6", "7", "8", "9")))
                .containsExactly("are more than 8: a bond has no more");
        assertThat(violations(bond("left", "left"))).containsExactly("names an Uplink twice");
        assertThat(violations(bond("both"))).containsExactly("names the bond itself");
        assertThat(violations(spec(UplinkSpec.Type.BOND, Optional.of("eth0"), List.of("left"))))
                .containsExactly("a bond has members, and neither interfaceName nor namespace");
    }

    @Test
    void whoWritesTenMeansAnotherUnitThanBitsPerSecond() {
        UplinkSpec spec = spec(UplinkSpec.Type.PACKET, Optional.of("eth0"), List.of());
        assertThat(violations(spec.withSpeed(Optional.of(BitRate.parse("1M"))))).isEmpty();
        assertThat(violations(spec.withSpeed(Optional.of(new BitRate(10)))))
                .containsExactly("is in bit/s, 1M at least: write 10G for 10 Gbit/s");
    }

    @Test
    void nothingElseHasMembers() {
        assertThat(violations(spec(UplinkSpec.Type.PACKET, Optional.of("eth0"), List.of("left"))))
                .containsExactly("are for type bond only: leave them out");
        assertThat(violations(spec(UplinkSpec.Type.PACKET, Optional.empty(), List.of())))
                .containsExactly("is needed: which interface is it?");
    }

    @Test
    void lldpIsSaidByMembersAndHasOneAddress() {
        var prefix =
                new LldpSpec(LldpSpec.Mode.BOTH, 30, Optional.of(IpPrefix.parse("192.0.2.0/24")));
        var one = new LldpSpec(LldpSpec.Mode.OFF, 30, Optional.of(IpPrefix.parse("2001:db8::1")));
        var port = spec(UplinkSpec.Type.PACKET, Optional.of("eth0"), List.of());
        assertThat(violations(port.withLldp(Optional.of(one)))).isEmpty();
        assertThat(violations(port.withLldp(Optional.of(prefix))))
                .containsExactly("is one address: leave the length of the prefix out");
        assertThat(violations(bond("left").withLldp(Optional.of(one))))
                .containsExactly("is said by each member of a bond: put it in these");
    }

    @Test
    void aBondIsNotMadeOfBonds() {
        var inner = new ReplaceableUplink("inner", new Bond("inner", bond(), List.of(), 2));
        var context =
                new NoContext() {
                    @Override
                    public <T> T require(Reference reference, Class<T> contract) {
                        assertThat(contract).isEqualTo(Uplink.class);
                        return contract.cast(inner);
                    }
                };
        assertThatThrownBy(() -> kind.realize(BOTH, bond("inner"), context))
                .isInstanceOf(ResourceException.class)
                .hasMessage("uplink 'inner' is a bond itself: name its members in 'both'");
        inner.close();
    }
}
