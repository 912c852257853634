package io.vireo.adapter.tap;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.adapter.uring.CallBatch;
import io.vireo.linux.Mapping;
import io.vireo.net.FrameBatch;
import io.vireo.reactor.Reactor;
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
        try (var memory = Mapping.anonymous(2 * PAGE)) {
            var gone = Mapping.anonymous(PAGE);
            Frames.append(batch, before, memory.address());
            Frames.append(batch, lost, gone.address());
            Frames.append(batch, after, memory.address() + PAGE);
            gone.unmap();
            run(() -> {
                assertThat(uplink.transmit(batch, new int[] {0, 1, 2}, 3)).isEqualTo(2);
                uplink.flush();
            });
            assertThat(batch.sentBytes).isEqualTo(402);
            assertThat(uplink.writeErrors()).isEqualTo(1);
        } finally {
            batch.close();
        }
        var arrived = new ArrayList<byte[]>();
        Eventually.until(() -> {
            arrived.addAll(departed());
            return arrived.size() >= 2;
        });
        assertThat(arrived).containsExactly(before, after);
    }
}
