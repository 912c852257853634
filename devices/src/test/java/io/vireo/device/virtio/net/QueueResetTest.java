package io.vireo.device.virtio.net;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.net.PortState;
import io.vireo.testkit.Frames;
import io.vireo.testkit.NetDriver;
import io.vireo.virtqueue.Virtqueue;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * One queue of a card is reset, as a driver does that is told to have rings of another size, and
 * the card's others go on (VIRTIO 1.3, 2.6.1).
 */
@ParameterizedClass
@ValueSource(longs = {0, Virtqueue.RING_PACKED, Virtqueue.RING_PACKED | Virtqueue.IN_ORDER})
class QueueResetTest extends TwoCards {
    private static final int LENGTH = 300;

    private final long features;

    QueueResetTest(long ring) {
        features = Virtqueue.VERSION_1 | Virtqueue.EVENT_IDX | NetDriver.MRG_RXBUF | ring;
    }

    @Test
    void receiveqIsResetWhileItsPeerSends() {
        try (var from = new NetDriver(a, 64, features);
                var to = new NetDriver(b, 64, features)) {
            for (int size : new int[] {16, 128, 64, 256, 32}) {
                to.post(4, 1600);
                deliver(from, to, 3);

                // Of four buffers one is left: the driver's again, and never written to.
                to.stop(true);
                assertThat(b.state()).isEqualTo(PortState.DOWN);
                from.send(Frames.frame(B, A, LENGTH));
                wire.carry(a, b);
                assertThat(from.completed()).isEqualTo(1);

                // The other direction does not mind.
                from.post(1, 1600);
                deliver(to, from, b, a, 1);

                to.restart(true, size);
                assertThat(b.state()).isEqualTo(PortState.UP);
                assertThat(to.received()).isEmpty();
            }
            to.post(16, 1600);
            deliver(from, to, 16);
        }
    }

    @Test
    void transmitqIsResetWithFramesInIt() {
        try (var from = new NetDriver(a, 64, features);
                var to = new NetDriver(b, 64, features)) {
            to.post(64, 1600);
            for (int size : new int[] {16, 256, 64}) {
                deliver(from, to, 2);
                // Sent, and not taken yet: it is gone with the reset, as on a wire.
                from.send(Frames.frame(B, A, LENGTH));
                from.stop(false);
                assertThat(wire.carry(a, b)).isZero();
                assertThat(to.received()).isEmpty();

                from.restart(false, size);
                assertThat(wire.carry(a, b)).isZero();
                deliver(from, to, 4);
            }
        }
    }

    private void deliver(NetDriver from, NetDriver to, int frames) {
        deliver(from, to, a, b, frames);
    }

    private void deliver(
            NetDriver from,
            NetDriver to,
            VirtioNetDevice source,
            VirtioNetDevice sink,
            int frames) {
        for (int i = 0; i < frames; i++) {
            var frame = Frames.frame(B, A, LENGTH + i);
            from.send(frame);
            assertThat(wire.carry(source, sink)).isEqualTo(1);
            assertThat(from.completed()).isEqualTo(1);
            var got = to.received();
            assertThat(got).hasSize(1);
            assertThat(got.getFirst().frame()).isEqualTo(frame);
        }
        assertThat(from.failures()).isEmpty();
        assertThat(to.failures()).isEmpty();
    }
}
