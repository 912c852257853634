package io.vireo.virtqueue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vireo.memory.GuestMemory;
import io.vireo.memory.GuestMemory.Region;
import io.vireo.testkit.DriverMemory;
import io.vireo.virtqueue.VirtqueueConfig.RingAddresses;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a front end says of a queue is checked before it runs. */
class ActivationTest {
    private static final int SIZE = 8;
    private static final long USER = DriverMemory.USER_BASE;

    private final Rig rig = new Rig(SIZE);

    @AfterEach
    void close() {
        rig.close();
    }

    private VirtqueueConfig config(int size, int base, RingAddresses addresses) {
        return new VirtqueueConfig(
                0,
                size,
                addresses,
                base,
                Rig.ALL,
                rig.memory.table(),
                () -> {},
                Optional.empty(),
                (queue, cause) -> {});
    }

    private static RingAddresses rings(long descriptors, long available, long used) {
        return new RingAddresses(USER + descriptors, USER + available, USER + used);
    }

    @ParameterizedTest
    @ValueSource(ints = {Integer.MIN_VALUE, -1, 0, 3, 255, 32767, 65535, 65536})
    void sizeIsAPowerOfTwoUpTo32768(int size) {
        assertThatThrownBy(() -> config(size, 0, rings(0, 0x100000, 0x200000)).activate())
                .isInstanceOf(VirtqueueException.class)
                .hasMessageContaining("queue size " + size);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 256, 32768})
    void legalSizes(int size) throws VirtqueueException {
        Virtqueue queue = config(size, 0, rings(0, 0x100000, 0x200000)).activate();
        assertThat(queue.size()).isEqualTo(size);
        assertThat(queue.index()).isZero();
        assertThat(queue.features()).isEqualTo(Rig.ALL);
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, 65536})
    void baseFitsSixteenBits(int base) {
        assertThatThrownBy(() -> config(SIZE, base, rings(0, 0x1000, 0x2000)).activate())
                .isInstanceOf(VirtqueueException.class);
    }

    @ParameterizedTest
    @CsvSource({
        "8, 4096, 8192, descriptor table",
        "0, 4097, 8192, available ring",
        "0, 4096, 8194, used ring"
    })
    void ringsAreAligned(long descriptors, long available, long used, String what) {
        assertThatThrownBy(() -> config(SIZE, 0, rings(descriptors, available, used)).activate())
                .isInstanceOf(VirtqueueException.class)
                .hasMessageContaining(what)
                .hasMessageContaining("aligned");
    }

    @ParameterizedTest
    @CsvSource({
        "0, 112, 8192",
        "0, 4096, 96",
        "0, 4096, 4108",
        "4096, 4080, 8192",
        "4096, 8192, 4064",
        "0, 4096, 4096"
    })
    void ringsDoNotOverlap(long descriptors, long available, long used) {
        assertThatThrownBy(() -> config(SIZE, 0, rings(descriptors, available, used)).activate())
                .isInstanceOf(VirtqueueException.class)
                .hasMessageContaining("overlaps");
    }

    @Test
    void ringsMayTouchEachOtherAndTheEndOfTheRegion() throws VirtqueueException {
        long end = Rig.MEMORY;
        long used = end - (6 + 8 * SIZE + 2);
        RingAddresses addresses = rings(0, 16 * SIZE, used);
        assertThat(config(SIZE, 0, addresses).activate().hasAvailable()).isFalse();
    }

    @ParameterizedTest
    @CsvSource({
        "16777088, 4096, 8192",
        "0, 16777200, 8192",
        "0, 4096, 16777148",
        "-16, 4096, 8192",
        "16777216, 4096, 8192"
    })
    void ringsAreInTheMemory(long descriptors, long available, long used) throws Exception {
        RingAddresses addresses = rings(descriptors, available, used);
        if (descriptors == 16777088) {
            // Exactly the last 128 bytes.
            config(SIZE, 0, addresses).activate().stop();
            return;
        }
        assertThatThrownBy(() -> config(SIZE, 0, addresses).activate())
                .isInstanceOf(VirtqueueException.class)
                .hasMessageContaining("not in the guest's memory");
    }

    @Test
    void inOrderIsAMatterOfEachQueue() throws VirtqueueException {
        for (long features : new long[] {Rig.ALL | Virtqueue.IN_ORDER, Rig.ALL}) {
            try (var own = new Rig(SIZE, features, 0)) {
                assertThat(own.queue.features()).isEqualTo(features);
                for (int i = 0; i < 3 * SIZE; i++) {
                    int first = own.driver.addReadable(own.buffer(8), 8);
                    int second = own.driver.addReadable(own.buffer(8), 8);
                    own.driver.publish();
                    assertThat(own.pop()).isEqualTo(2);
                    own.queue.push(own.batch.head, new int[2], 2);
                    own.queue.flush();
                    assertThat(own.driver.poll()).isTrue();
                    assertThat(own.driver.usedHead()).isEqualTo(first);
                    assertThat(own.driver.poll()).isTrue();
                    assertThat(own.driver.usedHead()).isEqualTo(second);
                }
                assertThat(own.failures).isEmpty();
            }
        }
    }

    @Test
    void newTableMovesTheQueueAndItsChains() throws VirtqueueException {
        long buffer = rig.buffer(64);
        int first = rig.driver.addReadable(buffer, 16);
        rig.driver.addReadable(buffer + 16, 16);
        rig.driver.publish();
        assertThat(rig.queue.pop(rig.batch, 1)).isEqualTo(1);
        long oldHost = rig.batch.rangeAddress[0];

        // The same file, mapped elsewhere: where the driver sees it.
        Region old = rig.memory.regions().getFirst();
        long moved = rig.memory.host(old.guestAddress());
        rig.queue.memory(
                GuestMemory.of(
                        List.of(
                                new Region(
                                        old.guestAddress(),
                                        old.size(),
                                        old.userAddress(),
                                        moved))));
        assertThat(rig.queue.staleInFlight()).isEqualTo(1);
        assertThat(rig.queue.pop(rig.batch, 64)).isEqualTo(1);
        assertThat(rig.batch.rangeAddress[0]).isEqualTo(oldHost);
        assertThat(rig.batch.rangeAddress[1] - 16 - moved).isEqualTo(oldHost - old.hostAddress());
        rig.queue.push(rig.batch.head[1], 0);
        assertThat(rig.queue.staleInFlight()).isEqualTo(1);
        rig.queue.push(first, 0);
        assertThat(rig.queue.staleInFlight()).isZero();
        rig.queue.flush();
        assertThat(rig.split().usedIndex()).isEqualTo(2);
    }

    @Test
    void newTableWithoutTheRingsIsRefusedAndTheQueueGoesOn() throws VirtqueueException {
        rig.driver.addReadable(rig.buffer(16), 16);
        rig.driver.publish();
        assertThatThrownBy(() -> rig.queue.memory(GuestMemory.of(List.of())))
                .isInstanceOf(VirtqueueException.class);
        assertThat(rig.pop()).isEqualTo(1);
        assertThat(rig.queue.staleInFlight()).isZero();
    }

    @Test
    void manyNewTablesDoNotForgetAnOldChain() throws VirtqueueException {
        int head = rig.driver.addReadable(rig.buffer(16), 16);
        rig.driver.publish();
        rig.pop();
        for (int i = 0; i < 1000; i++) {
            rig.queue.memory(rig.memory.table());
        }
        assertThat(rig.queue.staleInFlight()).isEqualTo(1);
        rig.queue.push(head, 0);
        assertThat(rig.queue.staleInFlight()).isZero();
    }

    @Test
    void aStoppedQueueTouchesNothingAndCountsWhatComesLate() {
        int head = rig.driver.addReadable(rig.buffer(16), 16);
        rig.driver.publish();
        rig.pop();
        rig.driver.addReadable(rig.buffer(16), 16);
        rig.driver.publish();
        assertThat(rig.queue.stop()).isEqualTo(1);
        rig.memory.truncate(0);
        assertThat(rig.pop()).isZero();
        assertThat(rig.queue.hasAvailable()).isFalse();
        assertThat(rig.queue.arm()).isTrue();
        rig.queue.disarm();
        assertThat(rig.queue.inFlight()).isEqualTo(1);
        rig.queue.push(head, 0);
        rig.queue.flush();
        assertThat(rig.queue.inFlight()).isZero();
        assertThat(rig.queue.stop()).isEqualTo(1);
        assertThat(rig.notifications).isZero();
    }
}
