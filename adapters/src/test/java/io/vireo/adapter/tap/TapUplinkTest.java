package io.vireo.adapter.tap;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.adapter.link.CallBatch;
import io.vireo.linux.Mapping;
import io.vireo.net.FrameBatch;
import io.vireo.reactor.Reactor;
import io.vireo.testkit.DriverMemory;
import io.vireo.testkit.Eventually;
import io.vireo.testkit.Frames;
import java.util.ArrayList;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Several frames by one system call. */
class TapUplinkTest extends TapPortContract {
    private static final long THERE = 0x0200_0000_0022L;
    private static final long HERE = 0x0200_0000_0021L;
    private static final int PAGE = 4096;
    private static final int TYPE_AT = 12;

    @Override
    protected Optional<CallBatch> batch(Reactor reactor) {
        return CallBatch.acquire(reactor);
    }

    @Test
    void ofABatchOnlyTheFrameIsLostWhoseMemoryIsGone() throws Exception {
        var before = Frames.frame(THERE, HERE, 200);
        var lost = Frames.frame(THERE, HERE, 201);
        var after = Frames.frame(THERE, HERE, 202);
        var batch = new FrameBatch();
        var gone = new DriverMemory(PAGE);
        try (var memory = Mapping.anonymous(2 * PAGE)) {
            Frames.append(batch, before, memory.address());
            Frames.append(batch, lost, gone.host(DriverMemory.GUEST_BASE));
            Frames.append(batch, after, memory.address() + PAGE);
            // Nothing else can have these addresses meanwhile, as if they were unmapped.
            gone.truncate(0);
            run(() -> {
                assertThat(uplink.transmit(batch, new int[] {0, 1, 2}, 3)).isEqualTo(2);
                uplink.flush();
            });
            assertThat(batch.sentBytes).isEqualTo(402);
            assertThat(uplink.writeErrors()).isEqualTo(1);
        } finally {
            batch.close();
            gone.close();
        }
        var arrived = new ArrayList<byte[]>();
        Eventually.until(() -> {
            // The bridge says something of its own, as to what groups it belongs.
            departed().stream().filter(TapUplinkTest::isOurs).forEach(arrived::add);
            return arrived.size() >= 2;
        });
        assertThat(arrived).containsExactly(before, after);
    }

    private static boolean isOurs(byte[] frame) {
        return Frames.get(frame, TYPE_AT) == Frames.EXPERIMENTAL;
    }
}
