package io.vireo.fabric.storage.move;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.BitSet;
import java.util.Random;
import org.junit.jupiter.api.Test;

class GrainMapTest {
    @Test
    void agreesWithABitSet() {
        long seed = Long.getLong("vireo.seed", System.nanoTime());
        System.out.println("vireo.seed=" + seed);
        var random = new Random(seed);
        int grains = 1000;
        var expected = new BitSet();
        try (var map = new GrainMap(grains)) {
            for (int i = 0; i < 5_000; i++) {
                int from = random.nextInt(grains);
                int to = Math.min(grains, from + random.nextInt(i % 2 == 0 ? 3 : 300));
                if (random.nextBoolean()) {
                    map.set(from, to);
                    expected.set(from, to);
                } else {
                    map.clear(from, to);
                    expected.clear(from, to);
                }
                assertThat(map.count()).isEqualTo(expected.cardinality());
                int at = random.nextInt(grains);
                assertThat(map.get(at)).isEqualTo(expected.get(at));
                int next = expected.nextSetBit(at);
                assertThat(map.next(at)).isEqualTo(next >= 0 ? next : expected.nextSetBit(0));
            }
        }
    }
}
