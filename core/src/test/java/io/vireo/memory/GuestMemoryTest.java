package io.vireo.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vireo.memory.GuestMemory.Region;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Tag("endurance")
class GuestMemoryTest {
    private static final Region LOW = new Region(0, 0x1000, 0x7000_0000L, 0x10_0000L);
    private static final Region NEXT = new Region(0x1000, 0x2000, 0x6000_0000L, 0x50_0000L);
    private static final Region HIGH = new Region(0x1_0000, 0x1000, 0x7100_0000L, 0x20_0000L);

    private final GuestMemory memory = GuestMemory.of(List.of(HIGH, LOW, NEXT));

    @ParameterizedTest
    @CsvSource({
        "0, 4096, 0x100000",
        "4095, 1, 0x100fff",
        "4096, 8192, 0x500000",
        "8192, 0, 0x501000",
        "65536, 4096, 0x200000",
        "0, 4097, -1",
        "4095, 2, -1",
        "12288, 1, -1",
        "65535, 1, -1",
        "69631, 2, -1",
        "69632, 0, -1",
        "-1, 1, -1",
        "0, -1, -1",
        "0, 0x7fffffffffffffff, -1"
    })
    void translatesWhatIsInOneRegion(String address, String length, String expected) {
        assertThat(memory.translate(Long.decode(address), Long.decode(length)))
                .isEqualTo(Long.decode(expected));
    }

    @ParameterizedTest
    @CsvSource({
        "0x70000000, 4096, 0x100000",
        "0x60001fff, 1, 0x501fff",
        "0x60001fff, 2, -1",
        "0x70001000, 1, -1",
        "0, 1, -1",
        "-1, 1, -1",
        "0x70000000, -1, -1"
    })
    void translatesUserAddresses(String address, String length, String expected) {
        assertThat(memory.userToHost(Long.decode(address), Long.decode(length)))
                .isEqualTo(Long.decode(expected));
    }

    @Test
    void splitsOverAdjacentRegions() {
        long[] addresses = new long[3];
        int[] lengths = new int[3];
        assertThat(memory.split(0xFF0, 0x2010, addresses, lengths, 1)).isEqualTo(3);
        assertThat(addresses).containsExactly(0, 0x10_0FF0L, 0x50_0000L);
        assertThat(lengths).containsExactly(0, 0x10, 0x2000);
        assertThat(memory.split(0xFF0, 0x11, addresses, lengths, 2)).isEqualTo(GuestMemory.NO_ROOM);
        assertThat(memory.split(0xFF0, 0x2011, addresses, lengths, 0))
                .isEqualTo(GuestMemory.UNMAPPED);
        assertThat(memory.split(-1, 0, addresses, lengths, 2)).isEqualTo(2);
        ScatterGatherList list = new ScatterGatherList(1);
        assertThat(memory.append(list, 0xFF0, 0x2011)).isFalse();
        assertThat(list.count()).isZero();
        assertThat(memory.append(list, 0xFF0, 0x2010)).isTrue();
        assertThat(list.count()).isEqualTo(2);
        assertThat(list.total()).isEqualTo(0x2010);
        assertThat(list.address(1)).isEqualTo(0x50_0000L);
    }

    @Test
    void splitsWhatIsLongerThanAnIntHolds() {
        GuestMemory large = GuestMemory.of(List.of(new Region(0, 1L << 40, 0, 4096)));
        long[] addresses = new long[8];
        int[] lengths = new int[8];
        assertThat(large.split(5, 0xFFFF_FFFFL, addresses, lengths, 0)).isEqualTo(4);
        assertThat(lengths).startsWith(1 << 30, 1 << 30, 1 << 30, (1 << 30) - 1);
        assertThat(addresses[3]).isEqualTo(4096 + 5 + 3L * (1 << 30));
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0, 0, 0",
        "0, -1, 0, 0",
        "-1, 1, 0, 0",
        "0x7fffffffffffffff, 1, 0, 0",
        "0, 1, -4096, 0",
        "0, 0x7fffffffffffffff, 1, 0",
        "0, 4096, 0, 0x7ffffffffffff001"
    })
    void regionsThatLeaveTheAddressSpaceAreRefused(
            String guest, String size, String user, String host) {
        assertThatThrownBy(() ->
                        new Region(
                                Long.decode(guest),
                                Long.decode(size),
                                Long.decode(user),
                                Long.decode(host)))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void overlapsAreRefused() {
        Region guest = new Region(0xFFF, 1, 0x100, 0x9000);
        Region user = new Region(0x9000, 0x1000, 0x7000_0FFFL, 0x9000);
        for (Region overlapping : List.of(guest, user, LOW)) {
            List<Region> regions = new ArrayList<>(List.of(LOW, HIGH, overlapping));
            assertThatThrownBy(() -> GuestMemory.of(regions))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("overlap");
            Collections.reverse(regions);
            assertThatThrownBy(() -> GuestMemory.of(regions))
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void anEmptyTableTranslatesNothing() {
        GuestMemory empty = GuestMemory.of(List.of());
        assertThat(empty.translate(0, 0)).isEqualTo(GuestMemory.INVALID);
        assertThat(empty.userToHost(0, 1)).isEqualTo(GuestMemory.INVALID);
        assertThat(empty.regions()).isEmpty();
    }

    @Test
    void manyRegionsAreFoundAsByTheEye() {
        long seed = Long.getLong("vireo.seed", System.nanoTime());
        System.out.println("GuestMemoryTest -Dvireo.seed=" + seed);
        Random random = new Random(seed);
        List<Region> regions = new ArrayList<>();
        long at = 0;
        for (int i = 0; i < 509; i++) {
            at += random.nextInt(3) * 0x1000L;
            long size = (1 + random.nextInt(4)) * 0x1000L;
            regions.add(new Region(at, size, at + 0x1000_0000L, 0x7000_0000_0000L + 2 * at));
            at += size;
        }
        Collections.shuffle(regions, random);
        GuestMemory many = GuestMemory.of(regions);
        for (int i = 0; i < 20_000; i++) {
            long address = random.nextLong(at + 0x2000) - 0x1000;
            long length = random.nextInt(0x3000);
            long expected = GuestMemory.INVALID;
            for (Region region : regions) {
                long offset = address - region.guestAddress();
                if (offset >= 0 && offset < region.size() && length <= region.size() - offset) {
                    expected = region.hostAddress() + offset;
                }
            }
            assertThat(many.translate(address, length)).isEqualTo(expected);
        }
    }
}
