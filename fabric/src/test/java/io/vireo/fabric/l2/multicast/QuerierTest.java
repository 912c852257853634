package io.vireo.fabric.l2.multicast;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.testkit.Frames;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The querier alone, under a clock of the test. */
class QuerierTest {
    private static final long MAC = 0x0252_5400_0007L;
    private static final int ADDRESS = 0xC000_0207;
    private static final long LINK_LOCAL = 0xFE80_0000_0000_0000L;
    private static final long INTERFACE = 0x0052_54FF_FE00_0007L;
    private static final int NONE = 0;

    private record Asked(int second, int vlan, boolean four) {}

    private final List<Asked> asked = new ArrayList<>();
    private final List<byte[]> frames = new ArrayList<>();
    private int now = -100;

    private static Querier.Settings settings(int address) {
        return new Querier.Settings(125, 10, 3, address, MAC);
    }

    private Querier querier(int address, int... vlans) {
        var querier = new Querier(settings(address), this::send);
        querier.vlans(bits(vlans), now);
        return querier;
    }

    private void send(int vlan, byte[] frame) {
        asked.add(new Asked(now + 100, vlan, Frames.get(frame, 12) == 0x0800));
        frames.add(frame);
    }

    private static long[] bits(int... vlans) {
        var bits = new long[64];
        for (int vlan : vlans) {
            bits[vlan >> 6] |= 1L << vlan;
        }
        return bits;
    }

    private void pass(Querier querier, int seconds) {
        for (int end = now + seconds; now < end; now++) {
            querier.run(now);
        }
    }

    private List<Integer> seconds(int vlan, boolean four) {
        return asked.stream()
                .filter(each -> each.vlan() == vlan && each.four() == four)
                .map(Asked::second)
                .toList();
    }

    @Test
    void queriesAreAsTheStandardsSay() {
        // Put together and summed up by another program.
        assertThat(hex(QueryFrames.igmp(settings(NONE))))
                .isEqualTo(
                        "01005e000001025254000007080046c00024000000000102441300000000e0000001"
                                + "940400001164ec1e00000000027d0000"
                                + "00000000000000000000");
        assertThat(hex(QueryFrames.igmp(new Querier.Settings(125, 10, 2, ADDRESS, MAC))))
                .isEqualTo(
                        "01005e000001025254000007080046c00020000000000102820fc0000207e0000001"
                                + "940400001164ee9b00000000"
                                + "0000000000000000000000000000");
        assertThat(hex(QueryFrames.mld(settings(NONE))))
                .isEqualTo(
                        "33330000000102525400000786dd6000000000240001"
                                + "fe80000000000000005254fffe000007"
                                + "ff020000000000000000000000000001"
                                + "3a00050200000100"
                                + "8200033e27100000"
                                + "00000000000000000000000000000000"
                                + "027d0000");
    }

    private static String hex(byte[] frame) {
        return HexFormat.of().formatHex(frame);
    }

    /** RFC 3376, 4.1.7: mantissa and exponent. */
    @Test
    void longIntervalsAreFloatingPointNumbers() {
        for (int value = 0; value <= 3600; value++) {
            int code = Byte.toUnsignedInt(QueryFrames.code(value));
            int means = code < 128 ? code : (code & 0xF | 0x10) << (code >> 4 & 7) + 3;
            assertThat(means).isLessThanOrEqualTo(value).isGreaterThan(value - value / 16 - 1);
        }
    }

    @Test
    void asksTwiceAtTheStartAndThenInItsInterval() {
        var querier = querier(NONE, 0, 5);
        pass(querier, 300);
        for (int vlan : new int[] {0, 5}) {
            assertThat(seconds(vlan, true)).containsExactly(0, 31, 156, 281);
            assertThat(seconds(vlan, false)).containsExactly(0, 31, 156, 281);
        }
        querier.vlans(bits(5, 9), now);
        pass(querier, 40);
        assertThat(seconds(0, true)).as("nobody is there any more").hasSize(4);
        assertThat(seconds(5, true)).as("goes on as before").hasSize(4);
        assertThat(seconds(9, true)).containsExactly(300, 331);
    }

    @Test
    void theLowerAddressWins() {
        var querier = querier(ADDRESS, 5);
        pass(querier, 40);
        querier.heard(5, true, 0, 0xC000_0208L, now);
        querier.heard(5, true, 0, 0xE000_0208L, now);
        querier.heard(5, true, 0, 0xC000_0207L, now);
        querier.heard(5, true, 0, 0, now);
        querier.heard(6, true, 0, 1, now);
        assertThat(querier.isAsking(5, true)).as("higher, own, and no address").isTrue();
        querier.heard(5, true, 0, 0xC000_0206L, now);
        assertThat(querier.isAsking(5, true)).isFalse();
        assertThat(querier.isAsking(5, false)).isTrue();
        asked.clear();
        pass(querier, 254);
        assertThat(seconds(5, true)).isEmpty();
        querier.heard(5, true, 0, 0x0A00_0001L, now);
        pass(querier, 255);
        assertThat(seconds(5, true)).isEmpty();
        pass(querier, 40);
        assertThat(seconds(5, true)).as("fell silent at 294").containsExactly(549, 580);
    }

    @Test
    void theLowerLinkLocalAddressWins() {
        var querier = querier(NONE, 5);
        querier.heard(5, false, LINK_LOCAL, INTERFACE + 1, now);
        querier.heard(5, false, LINK_LOCAL, -1, now);
        querier.heard(5, false, LINK_LOCAL, INTERFACE, now);
        assertThat(querier.isAsking(5, false)).isTrue();
        querier.heard(5, false, LINK_LOCAL, INTERFACE - 1, now);
        assertThat(querier.isAsking(5, false)).isFalse();
        assertThat(querier.asking()).isEqualTo(1);
    }

    @Test
    void withoutAnAddressEverybodyIsGivenWayTo() {
        var querier = querier(NONE, 5);
        querier.heard(5, true, 0, 0, now);
        assertThat(querier.isAsking(5, true)).isTrue();
        querier.heard(5, true, 0, 0xDFFF_FFFFL, now);
        assertThat(querier.isAsking(5, true)).isFalse();
    }

    @Test
    void isSettledWhenAllHadTheTimeToAnswer() {
        var querier = querier(NONE, 5);
        assertThat(querier.isSettled(5, true, now + 1000)).as("nobody was asked").isFalse();
        querier.run(now);
        assertThat(querier.isSettled(5, true, now + 10)).isFalse();
        assertThat(querier.isSettled(5, true, now + 11)).isTrue();
        assertThat(querier.isSettled(6, true, now + 11)).isFalse();
        querier.heard(5, true, 0, 1, now);
        assertThat(querier.isSettled(5, true, now + 11)).isFalse();
    }

    @Test
    void whoeverLeavesManyTimesDoesNotMakeItAskMoreOften() {
        var querier = querier(NONE, 5);
        pass(querier, 100);
        asked.clear();
        int start = now;
        assertThat(querier.askSoon(5, true, now)).isEqualTo(start + 21);
        for (int k = 0; k < 100; k++) {
            querier.askSoon(5, true, now);
            pass(querier, 1);
        }
        assertThat(seconds(5, true)).hasSizeBetween(9, 11);
        assertThat(querier.askSoon(7, true, now)).as("no VLAN of ours").isEqualTo(now);
    }

    @Test
    void manyVlansAreAskedByAndBy() {
        var all = new long[64];
        Arrays.fill(all, -1);
        var querier = new Querier(settings(NONE), this::send);
        querier.vlans(all, now);
        pass(querier, 1);
        assertThat(asked).hasSize(Querier.AT_ONCE);
        pass(querier, 31);
        assertThat(asked).hasSize(2 * 4096).doesNotHaveDuplicates();
        assertThat(asked.stream().map(each -> each.vlan() * 2 + (each.four() ? 0 : 1)))
                .doesNotHaveDuplicates();
    }

    @Test
    void otherSettingsBeginAnew() {
        var querier = querier(NONE, 5);
        pass(querier, 40);
        querier.heard(5, true, 0, 1, now);
        querier.change(new Querier.Settings(20, 5, 2, ADDRESS, MAC), now);
        asked.clear();
        frames.clear();
        pass(querier, 30);
        assertThat(seconds(5, true)).containsExactly(40, 45, 65);
        assertThat(frames.getFirst()).hasSizeGreaterThanOrEqualTo(60);
    }
}
