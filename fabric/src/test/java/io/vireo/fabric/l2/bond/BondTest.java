package io.vireo.fabric.l2.bond;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vireo.linux.Mapping;
import io.vireo.net.FrameBatch;
import io.vireo.net.NetPort;
import io.vireo.net.PortState;
import io.vireo.net.Uplink;
import io.vireo.reactor.PollMode;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.ReactorConfig;
import io.vireo.resource.spec.UplinkSpec;
import io.vireo.testkit.Frames;
import io.vireo.testkit.NetPortContract;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** A bond of two uplinks, one of them active. */
class BondTest extends NetPortContract {
    private static final long HERE = 0x0200_0000_0001L;
    private static final long THERE = 0x0200_0000_0002L;

    private final Reactor reactor =
            Reactor.start(new ReactorConfig("bond-test", -1, PollMode.INTERRUPT));
    private final FakeUplink first = new FakeUplink("first");
    private final FakeUplink second = new FakeUplink("second");
    private final FrameBatch batch = new FrameBatch();
    private final AtomicInteger rerouted = new AtomicInteger();
    private final Bond bond = new Bond("bond", spec(3600), List.of(first, second), 2);

    private static UplinkSpec spec(int failBackSeconds) {
        return new UplinkSpec(
                UplinkSpec.Type.BOND,
                Optional.empty(),
                Optional.empty(),
                9000,
                Optional.empty(),
                Optional.empty(),
                List.of("first", "second"),
                UplinkSpec.BondMode.ACTIVE_BACKUP,
                failBackSeconds,
                UplinkSpec.LacpRate.FAST,
                UplinkSpec.HashPolicy.LAYER2_3,
                Optional.empty());
    }

    @Override
    protected NetPort open(Runnable wake) throws Exception {
        run(() -> {
            bond.attached(reactor, wake);
            bond.onReroute(rerouted::incrementAndGet);
        });
        return bond;
    }

    @Override
    protected void run(Runnable task) throws Exception {
        var done = new CompletableFuture<Boolean>();
        reactor.execute(() -> {
            try {
                task.run();
                done.complete(true);
            } catch (Throwable e) {
                done.completeExceptionally(e);
            }
        });
        try {
            done.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RuntimeException cause) {
                throw cause;
            }
            throw e;
        }
    }

    @Override
    protected void arrive(byte[] frame) throws Exception {
        run(() -> first.arrive(frame));
    }

    @Override
    protected List<byte[]> departed() throws Exception {
        var frames = new java.util.ArrayList<byte[]>();
        run(() -> frames.addAll(first.frames.sent()));
        return frames;
    }

    @Override
    protected void shut() throws Exception {
        run(() -> bond.detached());
        bond.close();
        assertThat(first.isAttached() || second.isAttached()).isFalse();
        assertThat(first.listeners() + second.listeners()).isZero();
        reactor.close();
        batch.close();
    }

    private void send(byte[] frame) throws Exception {
        try (var memory = Mapping.anonymous(4096)) {
            run(() -> {
                batch.clear();
                Frames.append(batch, frame, memory.address());
                bond.transmit(batch, new int[] {0}, 1);
                bond.flush();
            });
        }
    }

    @Test
    void hasTheLeastMtu() {
        assertThat(bond.mtu()).isEqualTo(1500);
    }

    @Test
    void leavesALinkThatIsDownAtOnceAndSaysSo() throws Exception {
        var frame = Frames.frame(THERE, HERE, 100);
        // No event: the frame itself finds out.
        run(() -> first.frames.state(PortState.DOWN));
        send(frame);
        assertThat(second.frames.sent()).containsExactly(frame);
        assertThat(bond.state()).isEqualTo(PortState.UP);
        assertThat(rerouted).hasValue(1);
        assertThat(bond.attributes())
                .containsEntry("member.first", "down")
                .containsEntry("member.second", "active");
        run(() -> first.state(PortState.UP));
        send(frame);
        assertThat(second.frames.sent()).as("before the fail-back").containsExactly(frame);
        assertThat(bond.attributes()).containsEntry("member.first", "backup");
        run(() -> second.state(PortState.DOWN));
        send(frame);
        assertThat(first.frames.sent()).containsExactly(frame);
        run(() -> {});
        assertThat(rerouted).hasValue(2);
    }

    @Test
    void isDownWhenAllAre() throws Exception {
        var changes = new AtomicInteger();
        var cameUp = new AtomicInteger();
        bond.onChange(changes::incrementAndGet);
        run(() -> bond.onUp(cameUp::incrementAndGet));
        run(() -> first.state(PortState.DOWN));
        run(() -> second.state(PortState.DOWN));
        run(() -> {});
        assertThat(bond.state()).isEqualTo(PortState.DOWN);
        assertThat(bond.trouble()).contains("No member has a link");
        assertThat(changes).hasPositiveValue();
        int before = rerouted.get();
        run(() -> second.state(PortState.UP));
        run(() -> {});
        assertThat(bond.state()).isEqualTo(PortState.UP);
        assertThat(cameUp).as("by the member that it was left by").hasValue(1);
        assertThat(rerouted).hasValue(before);
    }

    @Test
    void whatABackupReceivesIsDropped() throws Exception {
        run(() -> {
            second.arrive(Frames.frame(HERE, THERE, 100));
            batch.clear();
            assertThat(bond.receive(batch)).isZero();
            assertThat(batch.count).isZero();
            assertThat(second.frames.borrowed()).isZero();
        });
    }

    @Test
    void goesBackToThePreferredMemberAfterItsTime() throws Exception {
        NetPort[] ports = {first, second};
        var policy = new ActiveBackup(ports, 5);
        policy.evaluate(0);
        assertThat(policy.senders()).containsExactly(0);
        first.frames.state(PortState.DOWN);
        policy.evaluate(1);
        assertThat(policy.senders()).containsExactly(1);
        first.frames.state(PortState.UP);
        policy.evaluate(2);
        assertThat(policy.senders()).containsExactly(1);
        assertThat(policy.nextWakeup()).isEqualTo(7);
        first.frames.state(PortState.DOWN);
        policy.evaluate(4);
        first.frames.state(PortState.UP);
        policy.evaluate(5);
        policy.evaluate(9);
        assertThat(policy.senders()).as("the time starts anew").containsExactly(1);
        policy.evaluate(10);
        assertThat(policy.senders()).containsExactly(0);
        assertThat(policy.moves()).isEqualTo(2);
        assertThat(policy.nextWakeup()).isEqualTo(Long.MAX_VALUE);
    }

    @Test
    void membersBelongToOneNetwork() throws Exception {
        var third = new FakeUplink("third");
        Uplink taken = second;
        var other = new Bond("other", spec(0), List.of(third, taken), 2);
        assertThatThrownBy(() -> run(() -> other.attached(reactor, () -> {})))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("its member 'second'");
        assertThat(third.isAttached()).isFalse();
        other.close();
    }
}
