package io.vireo.fabric.l2;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.net.Announcement;
import io.vireo.net.DropReason;
import io.vireo.net.Network;
import io.vireo.net.PortPolicy;
import io.vireo.net.PortSpec;
import io.vireo.net.PortState;
import io.vireo.reactor.Reactor;
import io.vireo.resource.MacAddress;
import io.vireo.resource.VlanSet;
import io.vireo.resource.spec.PortPolicySpec;
import io.vireo.testkit.FramePort;
import io.vireo.testkit.Frames;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What is outside learns of a card that has a link before it sends; by a clock of its own. */
class CardAnnouncementTest {
    private static final long A = 0x0200_0000_00A1L;
    private static final long OUTSIDE = 0x0200_0000_00AAL;
    private static final int VLAN = 7;
    private static final int RARP = 0x8035;
    private static final int AGE_SECONDS = 300;

    private final Reactor reactor = Reactor.stepped("announcing");
    private final L2Switch network =
            new L2Switch(
                    new L2Switch.Config("lan", 1500, VlanSet.NONE, AGE_SECONDS, 1000), reactor);
    private final FramePort card = new FramePort("card", 1500);
    private final FramePort other = new FramePort("other", 1500);
    private final FramePort uplink = new FramePort("uplink", 1500);

    @AfterEach
    void close() throws Exception {
        var closed = new CompletableFuture<Boolean>();
        network.close(() -> closed.complete(true));
        reactor.await(closed);
        reactor.close();
    }

    private Network.Attachment plug(FramePort port, PortSpec spec) throws Exception {
        var plugged = new CompletableFuture<Network.Attachment>();
        reactor.execute(() -> plugged.complete(network.attach(port, spec)));
        return reactor.await(plugged);
    }

    private static PortSpec own(PortSpec spec) {
        return spec.with(new PortPolicy(Optional.of(new MacAddress(A)), PortPolicySpec.NONE));
    }

    private void plugAll() throws Exception {
        plug(uplink, PortSpec.transparent(true));
        plug(other, PortSpec.access(VLAN));
        card.state(PortState.DOWN);
        plug(card, own(PortSpec.access(VLAN)));
        pass(10_000);
        assertThat(uplink.sent()).as("it has no link").isEmpty();
    }

    /** Lets time pass. */
    private void pass(long milliseconds) throws ExecutionException, InterruptedException {
        var over = new CompletableFuture<Boolean>();
        reactor.execute(() ->
                reactor.schedule(
                        TimeUnit.MILLISECONDS.toNanos(milliseconds), () -> over.complete(true)));
        reactor.await(over);
    }

    private void isReverseArp(byte[] frame) {
        assertThat(frame).hasSize(64);
        assertThat(Frames.get(frame, 12)).isEqualTo(0x8100);
        assertThat(Frames.get(frame, 14)).isEqualTo(VLAN);
        assertThat(Frames.get(frame, 16)).isEqualTo(RARP);
        assertThat(Frames.get(frame, 10)).as("the end of its source").isEqualTo((int) A & 0xFFFF);
    }

    @Test
    void isAnnouncedToTheUplinkWhenItsLinkComesUp() throws Exception {
        plugAll();
        card.state(PortState.UP);
        pass(500);
        assertThat(uplink.sent()).hasSize(1).allSatisfy(this::isReverseArp);
        pass(1000);
        assertThat(uplink.sent()).hasSize(1).allSatisfy(this::isReverseArp);
        pass(60_000);
        assertThat(uplink.sent()).hasSize(Announcement.ROUNDS - 2).allSatisfy(this::isReverseArp);
        assertThat(other.sent()).as("who is here sees it without").isEmpty();
        uplink.arrive(Frames.tagged(Frames.frame(A, OUTSIDE, 100), VLAN));
        pass(1);
        assertThat(card.sent()).hasSize(1);
        assertThat(other.sent()).as("it is known where that is").isEmpty();
    }

    @Test
    void isAnnouncedWhenItIsPluggedInWithALink() throws Exception {
        plug(uplink, PortSpec.transparent(true));
        plug(card, own(PortSpec.access(VLAN)));
        pass(500);
        assertThat(uplink.sent()).hasSize(1).allSatisfy(this::isReverseArp);
    }

    @Test
    void aLinkThatFlapsIsAnnouncedOnceASecond() throws Exception {
        plugAll();
        int seconds = 20;
        for (int i = 0; i < 50 * seconds; i++) {
            card.state(PortState.UP);
            pass(10);
            card.state(PortState.DOWN);
            pass(10);
        }
        assertThat(uplink.sent()).hasSizeBetween(seconds / 2, seconds + 1);
        pass(60_000);
        assertThat(uplink.sent()).as("the link is down").isEmpty();
    }

    @Test
    void aWayOutThatComesBackLearnsOfSilentCardsToo() throws Exception {
        plugAll();
        card.state(PortState.UP);
        pass(TimeUnit.SECONDS.toMillis(3 * AGE_SECONDS));
        uplink.state(PortState.DOWN);
        pass(5000);
        uplink.sent();
        uplink.state(PortState.UP);
        pass(500);
        assertThat(uplink.sent()).hasSize(1).allSatisfy(this::isReverseArp);
        pass(60_000);
        assertThat(uplink.sent()).hasSize(Announcement.ROUNDS - 1);
        card.state(PortState.DOWN);
        uplink.state(PortState.DOWN);
        uplink.state(PortState.UP);
        // What was known of it by its announcement has aged.
        pass(60_000);
        assertThat(uplink.sent()).as("it is not there").isEmpty();
    }

    @Test
    void whoSentFromElsewhereIsNotCalledBack() throws Exception {
        plugAll();
        card.state(PortState.UP);
        pass(60_000);
        uplink.sent();
        uplink.arrive(Frames.tagged(Frames.frame(Frames.BROADCAST, A, 100), VLAN));
        pass(1);
        uplink.state(PortState.DOWN);
        uplink.state(PortState.UP);
        pass(60_000);
        assertThat(uplink.sent()).isEmpty();
    }

    @Test
    void nobodyKnowsWhereACardIsThatTagsAllItsFrames() throws Exception {
        plug(uplink, PortSpec.transparent(true));
        var attachment = plug(card, own(PortSpec.trunk(List.of(VLAN), OptionalInt.empty())));
        pass(60_000);
        assertThat(uplink.sent()).isEmpty();
        assertThat(attachment.counters().receivedDropped(DropReason.VLAN)).isZero();
    }

    @Test
    void anAddressThatIsBoundToAnotherPortIsNotAnnounced() throws Exception {
        plug(uplink, PortSpec.transparent(true));
        var bound =
                new PortPolicySpec(
                        Optional.empty(),
                        Optional.empty(),
                        OptionalInt.empty(),
                        new ArrayList<>(List.of(new MacAddress(A))),
                        Optional.empty(),
                        Optional.empty(),
                        Optional.empty(),
                        Optional.empty(),
                        List.of(),
                        List.of());
        other.state(PortState.DOWN);
        plug(other, PortSpec.access(VLAN).with(new PortPolicy(Optional.empty(), bound)));
        plug(card, own(PortSpec.access(VLAN)));
        pass(60_000);
        assertThat(uplink.sent()).isEmpty();
    }
}
