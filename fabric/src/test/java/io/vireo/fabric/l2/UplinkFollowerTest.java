package io.vireo.fabric.l2;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.fabric.l2.bond.FakeUplink;
import io.vireo.net.PortState;
import io.vireo.net.Uplink;
import io.vireo.reactor.Reactor;
import io.vireo.resource.VlanSet;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** When the links of cards follow that of their uplink, by a clock of its own. */
class UplinkFollowerTest {
    private static final int MTU = 1500;
    private static final long LONG = 10_000;

    private final Reactor reactor = Reactor.stepped("following");
    private final L2Switch network =
            new L2Switch(new L2Switch.Config("lan", MTU, VlanSet.NONE, 300, 1000), reactor);
    private final ReplaceableUplink uplink = new ReplaceableUplink("up", wire());
    private final AtomicInteger changes = new AtomicInteger();

    @BeforeEach
    void follow() throws Exception {
        network.onLinked(changes::incrementAndGet);
        new UplinkFollower(network, reactor).follow(Optional.of(uplink));
        pass(LONG);
    }

    @AfterEach
    void close() throws Exception {
        var closed = new CompletableFuture<Boolean>();
        network.close(() -> closed.complete(true));
        reactor.await(closed);
        reactor.close();
    }

    /** Lets milliseconds pass. */
    private void pass(long milliseconds) throws Exception {
        var over = new CompletableFuture<Boolean>();
        reactor.execute(() ->
                reactor.schedule(
                        TimeUnit.MILLISECONDS.toNanos(milliseconds), () -> over.complete(true)));
        reactor.await(over);
    }

    /** An interface that is open. */
    private static Uplink wire() {
        var wire = new FakeUplink("wire");
        wire.state(PortState.UP);
        return wire;
    }

    private static Uplink absent() {
        return new AbsentUplink("up", MTU, "It is gone.");
    }

    @Test
    void anInterfaceThatIsOpenedOtherwiseWasNeverGoneHoweverLongItTakes() throws Exception {
        uplink.reopening(true);
        uplink.replace(absent());
        pass(LONG);
        uplink.replace(wire());
        uplink.reopening(false);
        pass(LONG);
        assertThat(changes).hasValue(0);
        assertThat(network.linked()).isTrue();
    }

    @Test
    void oneThatCannotBeOpenedIsGoneThen() throws Exception {
        uplink.reopening(true);
        uplink.replace(absent());
        pass(LONG);
        uplink.reopening(false);
        pass(LONG);
        assertThat(network.linked()).isFalse();
        uplink.replace(wire());
        pass(1);
        assertThat(network.linked()).isTrue();
    }

    /** The moment that a link may be away has begun before. */
    @Test
    void norIsOneGoneThatWasWithoutALinkWhenThatBegan() throws Exception {
        uplink.replace(absent());
        pass(50);
        uplink.reopening(true);
        pass(LONG);
        uplink.replace(wire());
        uplink.reopening(false);
        pass(LONG);
        assertThat(changes).hasValue(0);
    }

    @Test
    void oneThatIsBackWithinAMomentWasNeverGone() throws Exception {
        uplink.replace(absent());
        pass(99);
        uplink.replace(wire());
        pass(LONG);
        assertThat(changes).hasValue(0);
        uplink.replace(absent());
        pass(101);
        assertThat(network.linked()).isFalse();
    }
}
