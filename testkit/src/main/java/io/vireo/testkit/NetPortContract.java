package io.vireo.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.linux.ForeignMemory;
import io.vireo.linux.Mapping;
import io.vireo.net.FrameBatch;
import io.vireo.net.NetPort;
import io.vireo.net.PortState;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What every {@link NetPort} does. A subclass makes a port that is up, attached, and whose other
 * side it plays. Ports may deliver traffic of their own; the suite looks at frames of {@link
 * Frames#EXPERIMENTAL} only.
 */
public abstract class NetPortContract {
    private static final long HERE = 0x0200_0000_0001L;
    private static final long THERE = 0x0200_0000_0002L;
    private static final int TYPE_AT = 12;
    private static final int PATIENCE = 2000;

    /** How often the port said that there is something to receive. */
    protected final AtomicInteger ready = new AtomicInteger();

    private final FrameBatch batch = new FrameBatch();
    private Mapping memory;
    private NetPort port;

    /** For subclasses. */
    @SuppressWarnings("NullAway.Init") // set by begin
    protected NetPortContract() {}

    /** A port that is up and attached; {@code wake} is what it runs. */
    protected abstract NetPort open(Runnable wake) throws Exception;

    /** Runs a task where the port may be used. */
    protected abstract void run(Runnable task) throws Exception;

    /** The other side sends a frame. */
    protected abstract void arrive(byte[] frame) throws Exception;

    /** What the other side got since the last call, perhaps not yet all. */
    protected abstract List<byte[]> departed() throws Exception;

    /** Whether the port is one that {@link NetPort#appends appends}. */
    protected boolean appends() {
        return false;
    }

    /** Ends the port. */
    protected abstract void shut() throws Exception;

    @BeforeEach
    void begin() throws Exception {
        memory = Mapping.anonymous(1 << 20);
        port = open(ready::incrementAndGet);
    }

    @AfterEach
    void end() throws Exception {
        shut();
        batch.close();
        memory.unmap();
    }

    @Test
    void isUpAndHasAName() {
        assertThat(port.state()).isEqualTo(PortState.UP);
        assertThat(port.name()).isNotEmpty();
        assertThat(port.mtu()).isBetween(68, 65535);
    }

    @ParameterizedTest
    @ValueSource(ints = {60, 63, 64, 65, 128, 1000, 1514})
    void receives(int length) throws Exception {
        var frame = Frames.frame(HERE, THERE, length);
        arrive(frame);
        assertThat(receive(1)).containsExactly(frame);
    }

    @Test
    void receivesInOrderAndMoreThanABatch() throws Exception {
        var frames = new ArrayList<byte[]>();
        for (int i = 0; i < 100; i++) {
            frames.add(Frames.frame(HERE, THERE, 60 + i * 3));
            arrive(frames.getLast());
        }
        assertThat(receive(100)).containsExactlyElementsOf(frames);
    }

    @Test
    void receivesNoMoreAtOnceThanItIsAskedFor() throws Exception {
        batch.limit = 3;
        var frames = new ArrayList<byte[]>();
        for (int i = 0; i < 10; i++) {
            frames.add(Frames.frame(HERE, THERE, 60 + i));
            arrive(frames.getLast());
        }
        assertThat(receive(10)).containsExactlyElementsOf(frames);
    }

    @Test
    void addsToTheFramesOfOthers() throws Exception {
        assertThat(port.appends()).isEqualTo(appends());
        if (!appends()) {
            return;
        }
        var frames = new ArrayList<byte[]>();
        for (int i = 0; i < 70; i++) {
            frames.add(Frames.frame(HERE, THERE, 60 + i * 20));
            arrive(frames.getLast());
        }
        try (var large = new Closing(new FrameBatch(3 * FrameBatch.CAPACITY))) {
            var others = Frames.frame(THERE, HERE, 300);
            run(() -> {
                Frames.append(large.batch, others, memory.address());
                large.batch.limit = 60;
                assertThat(port.receive(large.batch)).isEqualTo(60);
                assertThat(large.batch.count).isEqualTo(61);
                assertThat(Frames.of(large.batch, 0)).isEqualTo(others);
                for (int i = 0; i < 60; i++) {
                    assertThat(Frames.of(large.batch, 1 + i)).isEqualTo(frames.get(i));
                }
                port.release(large.batch);
            });
        }
        assertThat(receive(10)).containsExactlyElementsOf(frames.subList(60, 70));
    }

    @Test
    void transmitsFramesFromAnywhereInALargeBatch() throws Exception {
        var frame = Frames.frame(THERE, HERE, 700);
        var tagged = Frames.tagged(frame, 0x6005);
        try (var large = new Closing(new FrameBatch(3 * FrameBatch.CAPACITY))) {
            run(() -> {
                for (int i = 0; i < large.batch.capacity(); i++) {
                    Frames.append(large.batch, frame, memory.address() + i * 1024L);
                }
                int last = large.batch.capacity() - 1;
                large.batch.vlanAction[last] = FrameBatch.VLAN_PUSH;
                large.batch.vlanTci[last] = 0x6005;
                assertThat(port.transmit(large.batch, new int[] {last - 1, last}, 2)).isEqualTo(2);
                port.flush();
            });
        }
        assertThat(departed(2)).containsExactly(frame, tagged);
    }

    private record Closing(FrameBatch batch) implements AutoCloseable {
        @Override
        public void close() {
            batch.close();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {60, 63, 64, 65, 128, 1000, 1514})
    void transmits(int length) throws Exception {
        var frame = Frames.frame(THERE, HERE, length);
        assertThat(transmit(FrameBatch.VLAN_KEEP, frame)).isEqualTo(1);
        assertThat(departed(1)).containsExactly(frame);
        assertThat(batch.sentBytes).isEqualTo(length);
    }

    @Test
    void transmitsWhatTheIndexSaysInItsOrder() throws Exception {
        run(() -> {
            fill(
                    Frames.frame(THERE, HERE, 100),
                    Frames.frame(THERE, HERE, 101),
                    Frames.frame(THERE, HERE, 102));
            assertThat(port.transmit(batch, new int[] {2, 0}, 2)).isEqualTo(2);
            port.publish();
            port.flush();
        });
        assertThat(departed(2))
                .containsExactly(Frames.frame(THERE, HERE, 102), Frames.frame(THERE, HERE, 100));
    }

    @Test
    void transmitsFramesOfManyRanges() throws Exception {
        var frame = Frames.frame(THERE, HERE, 600);
        run(() -> {
            fill(frame);
            // Snapshot of 14 bytes, the rest in ranges of 1 to 40 bytes.
            batch.headerLength[0] = 14;
            batch.ranges = 0;
            int offset = 14;
            long at = memory.address();
            for (int size = 1; offset < frame.length; size = size % 40 + 1) {
                int piece = Math.min(size, frame.length - offset);
                ForeignMemory.copyFromArray(frame, offset, at, piece);
                batch.reserveRanges(1);
                batch.rangeAddress[batch.ranges] = at;
                batch.rangeLength[batch.ranges++] = piece;
                at += piece + 3;
                offset += piece;
            }
            batch.rangeCount[0] = batch.ranges;
            assertThat(port.transmit(batch, new int[] {0}, 1)).isEqualTo(1);
            port.flush();
        });
        assertThat(departed(1)).containsExactly(frame);
    }

    @Test
    void pushesAndPopsTags() throws Exception {
        var plain = Frames.frame(THERE, HERE, 200);
        var tagged = Frames.tagged(plain, 0x6005);
        assertThat(transmit(FrameBatch.VLAN_PUSH, plain)).isEqualTo(1);
        assertThat(batch.sentBytes).isEqualTo(204);
        assertThat(transmit(FrameBatch.VLAN_POP, tagged)).isEqualTo(1);
        assertThat(transmit(FrameBatch.VLAN_KEEP, tagged)).isEqualTo(1);
        assertThat(departed(3)).containsExactly(tagged, plain, tagged);
    }

    @Test
    void saysWhenThereIsSomething() throws Exception {
        boolean[] armed = new boolean[1];
        int before = 0;
        // The host may say something of its own in between, as what neighbors of IPv6 say.
        for (int i = 0; i < PATIENCE && !armed[0]; i++) {
            receive(0);
            before = ready.get();
            run(() -> armed[0] = port.arm());
        }
        assertThat(armed[0]).isTrue();
        arrive(Frames.frame(HERE, THERE, 60));
        for (int i = 0; i < PATIENCE && ready.get() == before; i++) {
            Thread.sleep(5);
            run(() -> {});
        }
        assertThat(ready.get()).isGreaterThan(before);
        run(() -> port.disarm());
        assertThat(receive(1)).hasSize(1);
    }

    @Test
    void releasingAndFlushingTwiceDoesNothing() throws Exception {
        arrive(Frames.frame(HERE, THERE, 60));
        assertThat(receive(1)).hasSize(1);
        run(() -> {
            port.release(batch);
            port.flush();
            port.flush();
        });
        var frame = Frames.frame(THERE, HERE, 60);
        assertThat(transmit(FrameBatch.VLAN_KEEP, frame)).isEqualTo(1);
        assertThat(departed(1)).containsExactly(frame);
    }

    private void fill(byte[]... frames) {
        batch.clear();
        batch.sentBytes = 0;
        for (int i = 0; i < frames.length; i++) {
            Frames.append(batch, frames[i], memory.address() + i * 4096L);
        }
    }

    private int transmit(byte action, byte[] frame) throws Exception {
        int[] sent = new int[1];
        run(() -> {
            fill(frame);
            batch.vlanAction[0] = action;
            batch.vlanTci[0] = 0x6005;
            sent[0] = port.transmit(batch, new int[] {0}, 1);
            batch.vlanAction[0] = FrameBatch.VLAN_KEEP;
            port.flush();
        });
        return sent[0];
    }

    /** Receives until there are {@code wanted} frames of ours; with 0, what there is. */
    private List<byte[]> receive(int wanted) throws Exception {
        var frames = new ArrayList<byte[]>();
        for (int i = 0; i < PATIENCE && (frames.size() < wanted || i == 0); i++) {
            run(() -> {
                batch.clear();
                while (port.receive(batch) > 0) {
                    assertThat(batch.count).isLessThanOrEqualTo(batch.limit);
                    for (int k = 0; k < batch.count; k++) {
                        var frame = Frames.of(batch, k);
                        assertThat(batch.headerLength[k]).isBetween(14, 128);
                        if (Frames.get(frame, TYPE_AT) == Frames.EXPERIMENTAL) {
                            frames.add(frame);
                        }
                    }
                    port.release(batch);
                    batch.clear();
                }
            });
            if (frames.size() < wanted) {
                Thread.sleep(5);
            }
        }
        return frames;
    }

    private List<byte[]> departed(int wanted) throws Exception {
        var frames = new ArrayList<byte[]>();
        for (int i = 0; i < PATIENCE && frames.size() < wanted; i++) {
            for (var frame : departed()) {
                int type = Frames.get(frame, TYPE_AT);
                if (type == Frames.EXPERIMENTAL
                        || (type == 0x8100 && Frames.get(frame, 16) == Frames.EXPERIMENTAL)) {
                    frames.add(frame);
                }
            }
            if (frames.size() < wanted) {
                Thread.sleep(5);
            }
        }
        return frames;
    }
}
