package io.vireo.device.scsi;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.device.virtio.FakePool;
import io.vireo.reactor.Reactor;
import io.vireo.scsi.ScsiInitiator;
import io.vireo.testkit.crash.DiskImage;
import io.vireo.testkit.crash.DiskLog;
import io.vireo.testkit.crash.SimulatedDisk;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** How long tokens are good, and remembered, by the reactor's own clock. */
class TokensTest {
    private static final long SECOND = TimeUnit.SECONDS.toNanos(1);
    private static final ScsiInitiator MAKER = new ScsiInitiator.FibreChannel(1);

    private final Reactor reactor = Reactor.stepped("tokens");
    private final LogicalUnit unit =
            new LogicalUnit(
                    UnitIdentity.of("disk1", "uid of disk1"),
                    1,
                    new SimulatedDisk(0, new DiskImage(1 << 20), new DiskLog(), 1, true),
                    reactor,
                    new ScsiBed.MemoryStore(),
                    new ScsiBed.MemoryStore(),
                    new SharedRoom(new FakePool()));
    private final List<Optional<RodToken>> found = new ArrayList<>();

    @AfterEach
    void close() {
        reactor.close();
    }

    private void make(long goodFor) {
        reactor.execute(() ->
                found.add(Optional.of(unit.tokens().make(MAKER, new long[] {0, 512}, goodFor))));
    }

    private void useAt(long seconds, int which) {
        reactor.execute(() ->
                reactor.schedule(
                        seconds * SECOND,
                        () ->
                                found.add(
                                        Optional.ofNullable(
                                                unit.tokens().use(token(which).bytes())))));
    }

    private RodToken token(int which) {
        return found.get(which).orElseThrow();
    }

    private void runOut() {
        while (reactor.step() > 0) {
            // Until nothing will ever happen by itself.
        }
    }

    @Test
    void whatIsNotUsedLeavesByItself() {
        make(60);
        make(10);
        useAt(59, 0);
        useAt(15, 1);
        useAt(21, 1);
        long begin = reactor.nanoTime();
        runOut();
        assertThat(unit.tokens().isEmpty()).isTrue();
        assertThat(token(2)).as("15 s").isSameAs(token(1));
        assertThat(token(1).problem()).isEqualTo(Sense.TOKEN_EXPIRED);
        assertThat(found.get(3)).as("21 s").isEmpty();
        assertThat(token(4)).as("59 s").isSameAs(token(0));
        assertThat(token(0).problem()).isEqualTo(Sense.NONE);
        assertThat(reactor.nanoTime() - begin)
                .isBetween((59 + 2 * 60) * SECOND, (60 + 2 * 60) * SECOND);
    }

    @Test
    void nothingIsLeftToDoForAUnitThatIsClosed() {
        make(60);
        reactor.step();
        unit.tokens().close();
        long begin = reactor.nanoTime();
        runOut();
        assertThat(unit.tokens().isEmpty()).isTrue();
        assertThat(reactor.nanoTime()).isEqualTo(begin);
    }
}
