package io.vireo.virtqueue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vireo.testkit.DriverMemory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The queue stays usable where its own rings are still there. */
class MemoryFaultTest {
    @ParameterizedTest
    @ValueSource(longs = {Rig.ALL, Rig.PACKED})
    void aQueueGoesOnAfterATableThatWasGone(long features) {
        try (Rig rig = new Rig(8, features, 0)) {
            long buffer = rig.buffer(64);
            long table = DriverMemory.GUEST_BASE + Rig.MEMORY - 64;
            rig.driver.addReadable(buffer, 1);
            rig.driver.addIndirect(table, new long[] {buffer}, new int[] {2}, 1, 1);
            rig.driver.publish();
            rig.memory.truncate(Rig.MEMORY / 2);
            assertThatThrownBy(() -> rig.queue.pop(rig.batch, 64))
                    .isInstanceOf(InternalError.class);
            assertConsistent(rig);

            rig.memory.truncate(Rig.MEMORY);
            rig.driver.fillTable(table, new long[] {buffer}, new int[] {2}, 1, 1);
            rig.queue.rewind(rig.queue.inFlight());
            assertThat(rig.pop()).isEqualTo(2);
            assertThat(rig.batch.head).startsWith(0, 1);
            assertThat(rig.batch.readableBytes).startsWith(1, 2);
            assertThat(rig.failures).isEmpty();
            assertConsistent(rig);
        }
    }

    private static void assertConsistent(Rig rig) {
        int marked = 0;
        for (int head = 0; head < rig.queue.size(); head++) {
            marked += rig.queue.inFlight(head) ? 1 : 0;
        }
        assertThat(marked).isEqualTo(rig.queue.inFlight());
    }
}
