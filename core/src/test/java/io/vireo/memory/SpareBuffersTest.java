package io.vireo.memory;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.linux.NativeBuffer;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** Which buffers are kept for the next. */
class SpareBuffersTest {
    private static final int LARGE = 1 << 20;
    private static final int SMALL = 12 << 10;
    private static final int ROOM = 32;

    private static void give(int count, int length) {
        for (int i = 0; i < count; i++) {
            SpareBuffers.give(NativeBuffer.allocate(length, 4096));
        }
    }

    /** Takes all of a length; returns how many there were. */
    private static int takeAll(int length) {
        int count = 0;
        for (var buffer = SpareBuffers.take(length);
                buffer != null;
                buffer = SpareBuffers.take(length)) {
            assertThat(buffer.length()).isEqualTo(length);
            buffer.close();
            count++;
        }
        return count;
    }

    @Test
    void lengthsThatNobodyAsksForMakeRoom() {
        give(ROOM + 3, LARGE);
        give(5, SMALL);
        assertThat(takeAll(SMALL)).isEqualTo(5);
        assertThat(takeAll(LARGE)).as("one made room").isEqualTo(ROOM - 1);
    }

    @Test
    void whatWasUsedLastStays() {
        give(ROOM / 2, LARGE);
        give(ROOM, LARGE / 2);
        SpareBuffers.give(Objects.requireNonNull(SpareBuffers.take(LARGE)));
        give(4, SMALL);
        assertThat(takeAll(LARGE)).isEqualTo(ROOM / 2);
        assertThat(takeAll(SMALL)).isEqualTo(4);
        assertThat(takeAll(LARGE / 2)).isEqualTo(ROOM - 1);
    }

    @Test
    void longOnesAreNotKept() {
        give(1, LARGE + 4096);
        assertThat(SpareBuffers.take(LARGE + 4096)).isNull();
    }
}
