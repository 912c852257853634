package io.vireo.fabric.l2.bond;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.linux.NativeBuffer;
import io.vireo.net.FrameBatch;
import io.vireo.resource.spec.UplinkSpec.HashPolicy;
import io.vireo.testkit.Frames;
import java.util.function.IntFunction;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class FlowHashTest {
    private static final int FLOWS = 4000;
    private static final int MEMBERS = 3;

    private final FrameBatch batch = new FrameBatch();
    private final NativeBuffer memory = NativeBuffer.allocate(4096, 8);

    @AfterEach
    void close() {
        batch.close();
        memory.close();
    }

    private int member(byte[] frame, HashPolicy policy) {
        batch.clear();
        Frames.append(batch, frame, memory.address());
        return FlowHash.member(FlowHash.of(batch, 0, policy), MEMBERS);
    }

    /** Flows are spread evenly, or all go one way. */
    private void assertSpread(HashPolicy policy, boolean even, IntFunction<byte[]> flow) {
        int[] counts = new int[MEMBERS];
        for (int i = 0; i < FLOWS; i++) {
            counts[member(flow.apply(i), policy)]++;
        }
        for (int count : counts) {
            if (even) {
                assertThat(count).isBetween(FLOWS / MEMBERS * 8 / 10, FLOWS / MEMBERS * 12 / 10);
            } else {
                assertThat(count).isIn(0, FLOWS);
            }
        }
    }

    private static byte[] station(int i) {
        return Frames.tcp4(0x0200_0000_0001L, 0x0200_0000_0000L + i, 0, 10);
    }

    private static byte[] address(int i) {
        var frame = station(1);
        Frames.put(frame, 28, i);
        return frame;
    }

    private static byte[] port(int i) {
        var frame = station(1);
        Frames.put(frame, 34, i);
        return frame;
    }

    private static byte[] port6(int i) {
        var frame = Frames.tcp6(1L << 40, 2, 0, 10);
        Frames.put(frame, 56, i);
        return frame;
    }

    private static byte[] fragment(int i) {
        var frame = port(i);
        Frames.put(frame, 20, 0x2000);
        return frame;
    }

    @Test
    void everyLayerCounts() {
        assertSpread(HashPolicy.LAYER2, true, FlowHashTest::station);
        assertSpread(HashPolicy.LAYER2, false, FlowHashTest::address);
        assertSpread(HashPolicy.LAYER2_3, true, FlowHashTest::station);
        assertSpread(HashPolicy.LAYER2_3, true, FlowHashTest::address);
        assertSpread(HashPolicy.LAYER2_3, false, FlowHashTest::port);
        assertSpread(HashPolicy.LAYER3_4, true, FlowHashTest::address);
        assertSpread(HashPolicy.LAYER3_4, true, FlowHashTest::port);
        assertSpread(HashPolicy.LAYER3_4, true, FlowHashTest::port6);
        assertSpread(HashPolicy.LAYER3_4, false, FlowHashTest::station);
        assertSpread(HashPolicy.LAYER3_4, true, i -> Frames.tagged(port(i), 5));
        assertSpread(
                HashPolicy.LAYER3_4, true, i -> Frames.frame(0x0200_0000_0001L, i * 7919L, 60));
    }

    @Test
    void fragmentsOfAPacketStayTogether() {
        assertSpread(HashPolicy.LAYER3_4, false, FlowHashTest::fragment);
    }

    @ParameterizedTest
    @EnumSource
    void shortFramesAreNoMatter(HashPolicy policy) {
        for (int length = 14; length < 70; length++) {
            var frame = java.util.Arrays.copyOf(station(3), length);
            assertThat(member(frame, policy)).isBetween(0, MEMBERS - 1);
        }
    }
}
