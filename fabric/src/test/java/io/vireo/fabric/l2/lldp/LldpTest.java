package io.vireo.fabric.l2.lldp;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.net.HostIdentity;
import io.vireo.resource.IpPrefix;
import io.vireo.resource.MacAddress;
import io.vireo.resource.spec.LldpSpec;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The protocol without ports, under a clock of the test. */
class LldpTest {
    private static final long SECOND = 1_000_000_000L;
    private static final int INTERVAL = 30;
    private static final String HEADER = "0180c200000e" + "02000000000a" + "88cc";
    private static final String CHASSIS = "0207" + "04" + "5254000000aa";
    private static final String PORT = "0405" + "05" + hex("eth1");
    private static final String TTL = "0602" + "0079";
    private static final String END = "0000";

    private long now = -17;

    /** A system with its clock and what it sends. */
    private final class Side {
        final Deque<byte[]> sent = new ArrayDeque<>();
        final LldpAgent agent;
        long wait;

        Side(long chassis, LldpSpec.Mode mode) {
            agent =
                    new LldpAgent(
                            new LldpSpec(mode, INTERVAL, Optional.empty()),
                            local(chassis, 1500),
                            sent::add);
        }

        void evaluate(boolean up) {
            wait = agent.evaluate(up, now);
        }

        void take(byte[] frame) {
            agent.received(frame, frame.length, now);
        }

        long counted(String name) {
            return (long)
                    agent.statistics().metrics(0).stream()
                            .filter(metric -> metric.name().equals("lldp_" + name + "_total"))
                            .findFirst()
                            .orElseThrow()
                            .value();
        }
    }

    private final Side ours = new Side(0x5254_0000_00AAL, LldpSpec.Mode.BOTH);
    private final Side theirs = new Side(0x5254_0000_00BBL, LldpSpec.Mode.BOTH);

    private static LocalSystem local(long chassis, int mtu) {
        return new LocalSystem(
                new HostIdentity(new MacAddress(chassis), "host1", "Vireo"),
                new MacAddress(0x0200_0000_000AL),
                "eth1",
                "Vireo uplink rack",
                mtu,
                Optional.empty());
    }

    private static String hex(String text) {
        return HexFormat.of().formatHex(text.getBytes(StandardCharsets.UTF_8));
    }

    /** A frame of parts in hexadecimal. */
    private static byte[] frame(String... parts) {
        return HexFormat.of().parseHex(HEADER + String.join("", parts));
    }

    private static String tlv(int type, int length, String value) {
        return "%04x".formatted(type << 9 | length) + value;
    }

    private static String tlv(int type, String value) {
        return tlv(type, value.length() / 2, value);
    }

    private List<Neighbor> heard(byte[] frame) {
        ours.agent.forget();
        ours.take(frame);
        return ours.agent.neighbors();
    }

    @Test
    void aFrameIsAsTheStandardSays() {
        var local = local(0x5254_0000_00AAL, 1500).with(Optional.of(IpPrefix.parse("192.0.2.1")));
        assertThat(HexFormat.of().formatHex(LldpduWriter.announcement(local, 121)))
                .isEqualTo(
                        HEADER
                                + CHASSIS
                                + PORT
                                + TTL
                                + "0811"
                                + hex("Vireo uplink rack")
                                + "0a05"
                                + hex("host1")
                                + "0c05"
                                + hex("Vireo")
                                // bridge, enabled
                                + "0e04"
                                + "0004"
                                + "0004"
                                // address of 5 bytes with its family, no interface, no object
                                + "100c"
                                + "05"
                                + "01"
                                + "c0000201"
                                + "01"
                                + "00000000"
                                + "00"
                                // IEEE 802.3, maximum frame size 1522
                                + "fe06"
                                + "00120f"
                                + "04"
                                + "05f2"
                                + END);
        assertThat(HexFormat.of().formatHex(LldpduWriter.shutdown(local)))
                .startsWith(HEADER + CHASSIS + PORT + "0602" + "0000" + END)
                .hasSize(120);
    }

    @Test
    void whatHasNoRoomIsLeftOut() {
        var small = local(0x5254_0000_00AAL, 68);
        var frame = LldpduWriter.announcement(small, 121);
        assertThat(frame.length).isLessThanOrEqualTo(14 + 68);
        var read = LldpduReader.read(frame, frame.length, new LldpStatistics()).orElseThrow();
        assertThat(read.port()).isEqualTo("eth1");
        var long255 = "ä".repeat(200);
        var large =
                new LocalSystem(
                        new HostIdentity(new MacAddress(1), long255, long255),
                        new MacAddress(2),
                        long255,
                        long255,
                        1500,
                        Optional.of(IpPrefix.parse("2001:db8::1")));
        frame = LldpduWriter.announcement(large, 121);
        read = LldpduReader.read(frame, frame.length, new LldpStatistics()).orElseThrow();
        assertThat(read.systemName()).isEqualTo("ä".repeat(127));
        assertThat(read.managementAddresses()).containsExactly("2001:db8:0:0:0:0:0:1");
        assertThat(read.maximumFrame()).hasValue(1522);
    }

    @Test
    void sendsAtOnceAndThenInItsInterval() {
        ours.evaluate(false);
        assertThat(ours.sent).isEmpty();
        assertThat(ours.wait).isEqualTo(Long.MAX_VALUE);
        ours.evaluate(true);
        assertThat(ours.sent).hasSize(1);
        assertThat(ours.wait).isEqualTo(INTERVAL * SECOND);
        now += INTERVAL * SECOND - 1;
        ours.evaluate(true);
        assertThat(ours.sent).hasSize(1);
        now += 1;
        ours.evaluate(true);
        assertThat(ours.sent).hasSize(2);
        ours.evaluate(false);
        ours.evaluate(true);
        assertThat(ours.sent).as("a link that has come up again").hasSize(3);
    }

    @Test
    void aNewNeighborIsToldFast() {
        ours.evaluate(true);
        ours.sent.clear();
        now += 10 * SECOND;
        theirs.evaluate(true);
        ours.take(theirs.sent.remove());
        var times = new ArrayList<Long>();
        long start = now;
        for (int i = 0; i < 5; i++) {
            ours.evaluate(true);
            assertThat(ours.sent).hasSize(1);
            ours.sent.clear();
            times.add((now - start) / SECOND);
            now += ours.wait;
        }
        assertThat(times).containsExactly(0L, 1L, 2L, 3L, 33L);
    }

    @Test
    void manyNewNeighborsAreNotAnsweredMoreOftenThanCreditAllows() {
        ours.evaluate(true);
        for (int i = 0; i < LldpAgent.NEIGHBORS_MAX; i++) {
            ours.take(LldpduWriter.announcement(local(0x5254_0000_0100L + i, 1500), 121));
            ours.evaluate(true);
        }
        assertThat(ours.sent).hasSize(5);
        assertThat(ours.wait).isEqualTo(SECOND);
        now += SECOND;
        ours.evaluate(true);
        assertThat(ours.sent).hasSize(6);
    }

    @Test
    void twoSystemsKnowEachOtherUntilOneIsSilentOrLeaves() {
        ours.evaluate(true);
        theirs.evaluate(true);
        ours.take(theirs.sent.remove());
        theirs.take(ours.sent.remove());
        var neighbor = ours.agent.neighbors().getFirst();
        assertThat(neighbor.summary()).isEqualTo("host1 eth1");
        assertThat(neighbor.chassis()).isEqualTo("52:54:00:00:00:bb");
        assertThat(neighbor.ttl()).isEqualTo(121);
        assertThat(neighbor.capabilities()).containsExactly("bridge");
        now += 121 * SECOND - 1;
        ours.evaluate(true);
        assertThat(ours.agent.neighbors()).hasSize(1);
        now += 1;
        ours.evaluate(true);
        assertThat(ours.agent.neighbors()).isEmpty();
        assertThat(ours.counted("ageouts")).isEqualTo(1);

        theirs.evaluate(true);
        ours.take(theirs.sent.getLast());
        assertThat(ours.agent.neighbors()).hasSize(1);
        theirs.agent.shutdown(now);
        ours.take(theirs.sent.getLast());
        assertThat(ours.agent.neighbors()).isEmpty();
        assertThat(ours.counted("ageouts")).as("it took its leave").isEqualTo(1);
    }

    @Test
    void afterAShutdownItIsSilentForAWhile() {
        ours.evaluate(true);
        ours.agent.shutdown(now);
        assertThat(ours.sent).hasSize(2);
        ours.evaluate(true);
        assertThat(ours.sent).hasSize(2);
        assertThat(ours.wait).isEqualTo(2 * SECOND);
        now += 2 * SECOND;
        ours.evaluate(true);
        assertThat(ours.sent).hasSize(3);
        ours.evaluate(false);
        ours.agent.shutdown(now);
        assertThat(ours.sent).as("nobody was told since").hasSize(3);
    }

    @Test
    void modesAreDirections() {
        var deaf = new Side(1, LldpSpec.Mode.TRANSMIT);
        deaf.evaluate(true);
        assertThat(deaf.sent).hasSize(1);
        var mute = new Side(2, LldpSpec.Mode.RECEIVE);
        mute.evaluate(true);
        mute.take(deaf.sent.getFirst());
        assertThat(mute.sent).isEmpty();
        assertThat(mute.agent.neighbors()).hasSize(1);
        mute.agent.change(new LldpSpec(LldpSpec.Mode.OFF, 30, Optional.empty()), now);
        assertThat(mute.agent.neighbors()).isEmpty();
        deaf.agent.change(new LldpSpec(LldpSpec.Mode.OFF, 30, Optional.empty()), now);
        assertThat(deaf.sent).as("what was told is taken back").hasSize(2);
        deaf.evaluate(true);
        assertThat(deaf.wait).isEqualTo(Long.MAX_VALUE);
    }

    @Test
    void aChangeIsToldAtOnce() {
        ours.evaluate(true);
        now += SECOND;
        ours.agent.change(
                new LldpSpec(LldpSpec.Mode.BOTH, 5, Optional.of(IpPrefix.parse("192.0.2.7"))), now);
        ours.evaluate(true);
        var frame = ours.sent.getLast();
        var told = LldpduReader.read(frame, frame.length, new LldpStatistics()).orElseThrow();
        assertThat(told.managementAddresses()).containsExactly("192.0.2.7");
        assertThat(told.ttl()).isEqualTo(21);
        assertThat(ours.wait).isEqualTo(5 * SECOND);
    }

    @Test
    void readsWhatOthersSay() {
        var neighbor =
                heard(
                                frame(
                                        tlv(1, "05" + "01c0000209"),
                                        tlv(2, "03" + "0200000000cc"),
                                        TTL,
                                        tlv(4, hex("uplink\u001b[31m")),
                                        tlv(5, hex("sw1") + "00"),
                                        tlv(6, hex("a switch")),
                                        tlv(7, "0014" + "0014"),
                                        tlv(8, "05" + "01" + "c0000201" + "02" + "00000007" + "00"),
                                        tlv(127, "0080c2" + "01" + "0064"),
                                        tlv(127, "00120f" + "04" + "2412"),
                                        tlv(127, "00120f" + "01" + "036c110010"),
                                        tlv(9, "00"),
                                        END))
                        .getFirst();
        var attributes = new LinkedHashMap<String, String>();
        neighbor.describe("neighbor.1.", attributes);
        assertThat(attributes)
                .containsEntry("neighbor.1.chassis", "192.0.2.9")
                .containsEntry("neighbor.1.port", "02:00:00:00:00:cc")
                .containsEntry("neighbor.1.portDescription", "uplink?[31m")
                .containsEntry("neighbor.1.systemName", "sw1")
                .containsEntry("neighbor.1.systemDescription", "a switch")
                .containsEntry("neighbor.1.capabilities", "bridge, router")
                .containsEntry("neighbor.1.managementAddresses", "192.0.2.1")
                .containsEntry("neighbor.1.portVlan", "100")
                .containsEntry("neighbor.1.maximumFrame", "9234")
                .containsEntry("neighbor.1.ttl", "121");
        assertThat(ours.counted("rx_tlvs_unrecognized")).isEqualTo(2);
        assertThat(ours.counted("rx_errors")).isZero();
    }

    /** IEEE 802.1AB-2016, 9.2.7.7.1. */
    @Test
    void whatDoesNotBeginAsItMustIsDiscarded() {
        var id256 = tlv(1, "07" + "61".repeat(256));
        var bad =
                List.of(
                        frame(),
                        frame("02"),
                        frame(CHASSIS),
                        frame(PORT, CHASSIS, TTL, END),
                        frame(CHASSIS, TTL, PORT, END),
                        frame(CHASSIS, PORT, END),
                        frame(CHASSIS, PORT, tlv(3, "00"), END),
                        frame(tlv(1, "04"), PORT, TTL, END),
                        frame(id256, PORT, TTL, END),
                        frame(CHASSIS, tlv(2, ""), TTL, END),
                        frame(CHASSIS, tlv(2, 200, "0561"), TTL, END),
                        frame(CHASSIS, PORT, TTL, CHASSIS, END),
                        frame(CHASSIS, PORT, TTL, PORT, END),
                        frame(CHASSIS, PORT, TTL, TTL, END));
        for (var frame : bad) {
            assertThat(heard(frame)).as(HexFormat.of().formatHex(frame)).isEmpty();
        }
        assertThat(ours.counted("rx_frames")).isEqualTo(bad.size());
        assertThat(ours.counted("rx_discarded")).isEqualTo(bad.size());
        assertThat(ours.counted("rx_errors")).isEqualTo(bad.size());
    }

    @Test
    void ofTheRestOnlyWhatIsWrongIsLeftOut() {
        var name = tlv(5, hex("sw1"));
        var parts =
                List.of(
                        // beyond the end of the frame
                        name + tlv(6, 100, "61"),
                        name + "0c",
                        // longer than a text is
                        tlv(4, "61".repeat(256)) + name + END,
                        // twice
                        name + tlv(5, hex("sw2")) + END,
                        tlv(7, "0004") + name + END,
                        tlv(8, "05" + "01" + "c0000201" + "02") + name + END,
                        tlv(8, "21" + "01" + "c0000201" + "02" + "00000007" + "00") + name + END,
                        tlv(8, "05" + "01" + "c0000201" + "02" + "00000007" + "05") + name + END,
                        tlv(127, "0080c2") + name + END,
                        tlv(127, "0080c2" + "01" + "00") + name + END,
                        name + tlv(0, "00"));
        for (var part : parts) {
            assertThat(heard(frame(CHASSIS, PORT, TTL, part)))
                    .as(part)
                    .extracting(Neighbor::systemName)
                    .containsExactly("sw1");
        }
        assertThat(ours.counted("rx_discarded")).isZero();
        assertThat(ours.counted("rx_errors")).isEqualTo(parts.size());
        assertThat(ours.counted("rx_tlvs_discarded")).isEqualTo(parts.size());
    }

    @Test
    void anEndIsNotNeededWhereTheFrameEnds() {
        assertThat(heard(frame(CHASSIS, PORT, TTL))).hasSize(1);
        assertThat(ours.counted("rx_errors")).isZero();
    }

    @Test
    void neighborsAndFramesHaveTheirLimits() {
        for (int i = 0; i < LldpAgent.NEIGHBORS_MAX + 3; i++) {
            ours.take(LldpduWriter.announcement(local(0x5254_0000_0100L + i, 1500), 121));
        }
        assertThat(ours.agent.neighbors()).hasSize(LldpAgent.NEIGHBORS_MAX);
        assertThat(ours.counted("neighbors_refused")).isEqualTo(3);
        for (int i = 0; i < LldpAgent.FRAMES_PER_SECOND; i++) {
            ours.take(LldpduWriter.announcement(local(0x5254_0000_0100L, 1500), 121));
        }
        assertThat(ours.counted("rx_discarded")).isEqualTo(LldpAgent.NEIGHBORS_MAX + 3);
        now += SECOND;
        ours.take(LldpduWriter.announcement(local(0x5254_0000_0100L, 1500), 121));
        assertThat(ours.counted("rx_discarded")).isEqualTo(LldpAgent.NEIGHBORS_MAX + 3);
        now += 121 * SECOND;
        ours.evaluate(false);
        assertThat(ours.agent.neighbors()).isEmpty();
    }

    @Test
    void noBytesWhateverMakeItFail() throws Exception {
        long seed = Long.getLong("vireo.seed", System.nanoTime());
        System.out.println("seed " + seed + " (replay with -Dvireo.seed)");
        var random = new Random(seed);
        for (int i = 0; i < 200_000; i++) {
            now += SECOND / 10;
            var frame = random.nextBoolean() ? mostlyRight(random) : noise(random);
            ours.take(frame);
            ours.evaluate(true);
            ours.sent.clear();
            assertThat(ours.agent.neighbors()).hasSizeLessThanOrEqualTo(LldpAgent.NEIGHBORS_MAX);
        }
        assertThat(ours.counted("rx_frames")).isEqualTo(200_000);
        assertThat(ours.counted("rx_discarded")).isPositive();
        assertThat(ours.counted("rx_tlvs_discarded")).isPositive();
        for (var neighbor : ours.agent.neighbors()) {
            assertThat(neighbor.systemName().chars()).noneMatch(Character::isISOControl);
        }
    }

    private static byte[] noise(Random random) {
        var frame = new byte[14 + random.nextInt(200)];
        random.nextBytes(frame);
        return frame;
    }

    /** TLVs in their order, with any content, some of their bytes changed, and cut somewhere. */
    private static byte[] mostlyRight(Random random) throws Exception {
        var out = new ByteArrayOutputStream();
        out.write(frame(CHASSIS, PORT, TTL));
        for (int k = random.nextInt(8); k > 0; k--) {
            int type = random.nextInt(4) == 0 ? 127 : random.nextInt(12);
            var value = new byte[random.nextInt(40)];
            random.nextBytes(value);
            out.write(ByteBuffer.allocate(2).putShort((short) (type << 9 | value.length)).array());
            out.write(value);
        }
        var frame = out.toByteArray();
        for (int k = random.nextInt(3); k > 0; k--) {
            frame[14 + random.nextInt(frame.length - 14)] = (byte) random.nextInt();
        }
        int cut = random.nextInt(4) == 0 ? random.nextInt(frame.length - 14) : 0;
        return Arrays.copyOf(frame, frame.length - cut);
    }
}
