package io.vireo.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vireo.fabric.l2.NetworkKind;
import io.vireo.fabric.l2.UplinkKind;
import io.vireo.net.Network;
import io.vireo.reactor.PollMode;
import io.vireo.resource.Condition;
import io.vireo.resource.Metadata;
import io.vireo.resource.Realization;
import io.vireo.resource.UpdateResult;
import io.vireo.resource.spec.NetworkSpec;
import io.vireo.resource.spec.UplinkSpec;
import io.vireo.resource.spec.UplinkSpec.Type;
import io.vireo.testkit.Eventually;
import io.vireo.testkit.FakeContext;
import io.vireo.testkit.HostShell;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The interface of a network's uplink, or its namespace, is deleted under it and made again. */
@Timeout(120)
class UplinkReturnsTest {
    private static final String OUTSIDE = "vireo-back-" + ProcessHandle.current().pid();
    private static final Metadata UP = Metadata.of("up", "1");
    private static final Metadata LAN = Metadata.of("lan", "2");

    private final NetBed bed;
    private final FakeContext context;

    UplinkReturnsTest(@TempDir Path directory) {
        bed = new NetBed(directory, 1, PollMode.ADAPTIVE);
        context = bed.context;
    }

    @BeforeEach
    void wire() throws Exception {
        HostShell.makeNamespace(OUTSIDE);
    }

    @AfterEach
    void unwire() throws Exception {
        bed.close();
        HostShell.removeNamespace(OUTSIDE);
    }

    private static String ip(String arguments) {
        return HostShell.run("ip " + arguments);
    }

    private static void makeCable() throws Exception {
        ip("-n " + OUTSIDE + " link add up0 type veth peer name far0");
        ip("-n " + OUTSIDE + " link set far0 up");
        ip("-n " + OUTSIDE + " link set up0 up");
    }

    private static UplinkSpec spec(Type type) {
        return spec(type, NetBed.MTU);
    }

    private static UplinkSpec spec(Type type, int mtu) {
        return NetBed.uplink(type, "up0", OUTSIDE, mtu);
    }

    private Realization uplink(Type type) {
        return context.realize(new UplinkKind(), UP, spec(type));
    }

    private Realization network() {
        return context.realize(new NetworkKind(), LAN, lan(Optional.of("up"), false));
    }

    private static NetworkSpec lan(Optional<String> uplink, boolean linkFollowsUplink) {
        return NetBed.lan(uplink, linkFollowsUplink);
    }

    private static Condition link(Realization uplink) {
        return uplink.status().conditions().getFirst();
    }

    @ParameterizedTest
    @EnumSource(
            value = Type.class,
            names = {"PACKET", "XDP"})
    void anInterfaceIsUsedAgainWhenItIsThereAgain(Type type) throws Exception {
        makeCable();
        var uplink = uplink(type);
        var network = network();
        Eventually.until(() -> link(uplink).met());
        assertThat(uplink.mend()).as("nothing is missing").isTrue();
        assertThatThrownBy(this::network)
                .hasMessage(
                        "uplink 'up' cannot be plugged in: another network or bond has it ('vireo get networks',"
                                + " 'vireo get uplinks'); take it out there, or give this one an uplink of its own");

        ip("-n " + OUTSIDE + " link del up0");
        Eventually.until(() -> link(uplink).message().contains("was deleted"));
        assertThat(uplink.mend()).isFalse();
        assertThat(uplink.mend()).isFalse();
        assertThat(link(uplink).message())
                .startsWith("uplink 'up': there is no interface up0 in namespace " + OUTSIDE + "; ")
                .endsWith(". It is used as soon as it is there.");

        makeCable();
        assertThat(uplink.mend()).isTrue();
        Eventually.until(() -> link(uplink).met());
        assertThat(network.status().attributes()).containsEntry("ports", "1");
        context.close(network);
        context.close(uplink);
    }

    /** The old namespace lives on in the uplink, which must notice that it has lost its name. */
    @ParameterizedTest
    @EnumSource(
            value = Type.class,
            names = {"PACKET", "XDP"})
    void theNamespaceThatHasTheNameNowIsUsed(Type type) throws Exception {
        makeCable();
        var uplink = uplink(type);
        var network = network();
        Eventually.until(() -> link(uplink).met());
        HostShell.removeNamespace(OUTSIDE);
        assertThat(uplink.mend()).as("it has an interface still").isTrue();
        assertThat(link(uplink).met()).isTrue();

        HostShell.makeNamespace(OUTSIDE);
        Eventually.until(() -> !link(uplink).met());
        assertThat(link(uplink).message())
                .isEqualTo(
                        "Interface up0 is in a namespace %s that another one has taken the place of: the interface of this name in the new one is used when it is there."
                                .formatted(OUTSIDE));
        assertThat(uplink.mend()).as("there is no interface in it").isFalse();
        makeCable();
        assertThat(uplink.mend()).isTrue();
        Eventually.until(() -> link(uplink).met());
        assertThat(ip("-n " + OUTSIDE + " -d link show up0"))
                .contains(type == Type.XDP ? "prog/xdp" : "promiscuity 1");
        assertThat(uplink.mend()).isTrue();
        assertThat(network.status().attributes()).containsEntry("ports", "1");
        context.close(network);
        context.close(uplink);
    }

    @Test
    void aTapIsMadeInTheNamespaceThatHasTheNameNow() throws Exception {
        var uplink = uplink(Type.TAP);
        var network = network();
        Eventually.until(() -> link(uplink).met());
        try (var old = Inside.of(OUTSIDE)) {
            HostShell.removeNamespace(OUTSIDE);
            HostShell.makeNamespace(OUTSIDE);
            Eventually.until(() -> link(uplink).message().contains("has taken the place of"));
            assertThat(old.has("up0")).isTrue();
            assertThat(uplink.mend()).isTrue();
            Eventually.until(() -> link(uplink).met());
            ip("-n " + OUTSIDE + " link show up0");
            assertThat(old.has("up0")).as("left behind where nobody looks for it").isFalse();
        }
        context.close(network);
        context.close(uplink);
        new UplinkKind().destroy(UP, spec(Type.TAP), context);
        assertThatThrownBy(() -> ip("-n " + OUTSIDE + " link show up0"))
                .hasMessageContaining("does not exist");
    }

    /** A server with two cards uses the other one when it sees that this one's way out is gone. */
    @Test
    void linksOfCardsFollowTheUplinkIfTheyAreTo() throws Exception {
        makeCable();
        var uplink = uplink(Type.PACKET);
        var network = network();
        ip("-n " + OUTSIDE + " link set far0 down");
        Eventually.until(() -> !link(uplink).met());
        assertThat(network.status().attributes()).containsEntry("vnicLinks", "up");
        follow(network, lan(Optional.of("up"), false), lan(Optional.of("up"), true));
        Eventually.until(() -> hasLinks(network, "down"));

        var changes = new AtomicInteger();
        network.contract(Network.class).orElseThrow().onLinked(changes::incrementAndGet);
        ip("-n " + OUTSIDE + " link set far0 up");
        Eventually.until(() -> hasLinks(network, "up"));
        reopen(uplink);
        ip("-n " + OUTSIDE + " link del up0");
        Eventually.until(() -> hasLinks(network, "down"));
        makeCable();
        Eventually.until(uplink::mend);
        Eventually.until(() -> hasLinks(network, "up"));
        ip("-n " + OUTSIDE + " link set far0 down");
        Eventually.until(() -> hasLinks(network, "down"));
        // Cards are told after that.
        Eventually.until("the fourth change is told", () -> changes.get() >= 4);
        assertThat(changes).as("not where the interface was opened anew").hasValue(4);

        follow(network, lan(Optional.of("up"), true), lan(Optional.empty(), false));
        Eventually.until(() -> hasLinks(network, "up"));
        context.close(network);
        context.close(uplink);
    }

    private void follow(Realization network, NetworkSpec from, NetworkSpec to) {
        assertThat(new NetworkKind().update(network, LAN, from, to, context))
                .isEqualTo(UpdateResult.IN_PLACE);
    }

    /** Closes the interface for a moment. */
    private void reopen(Realization uplink) {
        var narrow = spec(Type.PACKET, 1400);
        var kind = new UplinkKind();
        kind.update(uplink, UP, spec(Type.PACKET), narrow, context);
        kind.update(uplink, UP, narrow, spec(Type.PACKET), context);
        Eventually.until(() -> link(uplink).met());
    }

    private static boolean hasLinks(Realization network, String links) {
        return links.equals(network.status().attributes().get("vnicLinks"));
    }

    @Test
    void aTapIsMadeAgain() throws Exception {
        var uplink = uplink(Type.TAP);
        var network = network();
        Eventually.until(() -> link(uplink).met());
        ip("-n " + OUTSIDE + " link del up0");
        Eventually.until(() -> link(uplink).message().contains("was deleted"));
        assertThat(uplink.mend()).isTrue();
        Eventually.until(() -> link(uplink).met());
        ip("-n " + OUTSIDE + " link show up0");
        context.close(network);
        context.close(uplink);
        new UplinkKind().destroy(UP, spec(Type.TAP), context);
    }
}
