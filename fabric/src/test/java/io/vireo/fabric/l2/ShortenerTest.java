package io.vireo.fabric.l2;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.linux.Mapping;
import io.vireo.net.FrameBatch;
import io.vireo.testkit.Frames;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.Arrays;

class ShortenerTest {
    private static final int LENGTH = 300;

    /** Filters of captures and hashes of cards do so. */
    @ParameterizedTest
    @ValueSource(ints = {40, 64, 65, 100, 128, 129, 299, 300})
    void aFrameIsWholeAgainThoughItsHeadersWereLookedAtMeanwhile(int limit) throws Exception {
        var memory = Mapping.anonymous(LENGTH);
        var batch = new FrameBatch();
        var shortener = new Shortener();
        var frame = new byte[LENGTH];
        for (int i = 0; i < LENGTH; i++) {
            frame[i] = (byte) i;
        }
        Frames.append(batch, frame, memory.address());
        int[] index = {0};
        shortener.shorten(batch, index, 1, limit);
        batch.extendHeader(0);
        assertThat(Frames.of(batch, 0)).isEqualTo(Arrays.copyOf(frame, limit));
        shortener.restore(batch, index, 1);
        assertThat(Frames.of(batch, 0)).isEqualTo(frame);
        batch.close();
        memory.unmap();
    }
}
