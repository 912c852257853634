package io.vireo.fabric.l2.bond;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.linux.ErrnoException;
import io.vireo.linux.Mapping;
import io.vireo.net.FrameBatch;
import io.vireo.net.PortState;
import io.vireo.reactor.Reactor;
import io.vireo.resource.spec.UplinkSpec;
import io.vireo.testkit.Frames;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A numbered frame leaves a bond each millisecond of a clock of its own while links are cut: no
 * more is lost than what was sent before the host knew.
 */
class BondStreamTest {
    private static final long HERE = 0x0200_0000_0001L;
    private static final long THERE = 0x0200_0000_0002L;
    private static final int FAIL_BACK_SECONDS = 1;
    private static final int FRAMES = 4000;
    private static final int SEQUENCE = 20;

    private final Reactor reactor = Reactor.stepped("bond-stream");
    private final FakeUplink first = new FakeUplink("first");
    private final FakeUplink second = new FakeUplink("second");
    private final Bond bond = new Bond("bond", spec(), List.of(first, second), 2);
    private final FrameBatch batch = new FrameBatch();
    private final Mapping memory = Mapping.anonymous(4096);
    private final List<Integer> arrived = new ArrayList<>();
    private final CompletableFuture<Boolean> over = new CompletableFuture<>();
    private boolean firstIsCut;
    private boolean secondIsCut;

    BondStreamTest() throws ErrnoException {}

    private static UplinkSpec spec() {
        return new UplinkSpec(
                UplinkSpec.Type.BOND,
                Optional.empty(),
                Optional.empty(),
                1500,
                Optional.empty(),
                Optional.empty(),
                List.of("first", "second"),
                UplinkSpec.BondMode.ACTIVE_BACKUP,
                FAIL_BACK_SECONDS,
                UplinkSpec.LacpRate.FAST,
                UplinkSpec.HashPolicy.LAYER2_3,
                Optional.empty());
    }

    @AfterEach
    void close() {
        bond.close();
        batch.close();
        memory.close();
        reactor.close();
    }

    private void at(int millisecond, Runnable task) {
        reactor.schedule(TimeUnit.MILLISECONDS.toNanos(millisecond), task);
    }

    private void send(int number) {
        if (number == FRAMES) {
            over.complete(true);
            return;
        }
        var frame = Frames.frame(THERE, HERE, 100);
        Frames.put(frame, SEQUENCE, number);
        batch.clear();
        Frames.append(batch, frame, memory.address());
        bond.transmit(batch, new int[] {0}, 1);
        bond.flush();
        collect(first, firstIsCut);
        collect(second, secondIsCut);
        at(1, () -> send(number + 1));
    }

    private void collect(FakeUplink member, boolean isCut) {
        for (var frame : member.frames.sent()) {
            if (!isCut) {
                arrived.add(Frames.get(frame, SEQUENCE));
            }
        }
    }

    private void stream(Runnable script) throws Exception {
        reactor.execute(() -> {
            bond.attached(reactor, () -> {});
            script.run();
            send(0);
        });
        reactor.await(over);
    }

    /** The goal for a failover is 200 ms: an interface tells of its link sooner than that. */
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 20, 150})
    void losesWhatIsSentBeforeTheLinkIsKnownToBeDown(int delay) throws Exception {
        stream(() -> {
            at(500, () -> firstIsCut = true);
            at(500 + delay, () -> first.state(PortState.DOWN));
            at(
                    1500,
                    () -> {
                        firstIsCut = false;
                        first.state(PortState.UP);
                    });
            // Long after the fail-back.
            at(
                    3500,
                    () -> {
                        secondIsCut = true;
                        second.state(PortState.DOWN);
                    });
        });
        assertThat(arrived).isSorted().doesNotHaveDuplicates();
        assertThat(FRAMES - arrived.size()).isLessThanOrEqualTo(delay + 1);
        assertThat(bond.attributes())
                .containsEntry("member.first", "active")
                .containsEntry("member.second", "down");
    }

    @Test
    void aLinkThatFlapsIsLeftUntilItStays() throws Exception {
        stream(() -> {
            for (int at = 500; at < 2500; at += 100) {
                at(
                        at,
                        () -> {
                            firstIsCut = true;
                            first.state(PortState.DOWN);
                        });
                at(
                        at + 50,
                        () -> {
                            firstIsCut = false;
                            first.state(PortState.UP);
                        });
            }
        });
        assertThat(arrived).isSorted().doesNotHaveDuplicates();
        assertThat(FRAMES - arrived.size()).isLessThanOrEqualTo(1);
        assertThat(bond.attributes()).containsEntry("member.first", "active");
    }
}
