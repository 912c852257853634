package io.vireo.device.scsi;

import static io.vireo.device.scsi.ScsiBed.BLOCK;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vireo.device.scsi.ScsiClient.Result;
import io.vireo.resource.ResourceException;
import io.vireo.scsi.ScsiPort;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** INQUIRY, mode pages, log pages and reports, byte by byte. */
class IdentityAndReportsTest {
    private final ScsiBed bed = new ScsiBed();
    private final ScsiClient client = bed.client(1);

    @AfterEach
    void close() {
        bed.close();
    }

    private static String hex(long value) {
        return HexFormat.of().toHexDigits(value);
    }

    private static String hex(String text) {
        return HexFormat.of().formatHex(text.getBytes(StandardCharsets.US_ASCII));
    }

    @Test
    void standardInquiryData() {
        String expected =
                "0000061" + "25b381002" + hex("VIREO   ") + hex("VDISK           ") + hex("1   ");
        String data = client.in(0, "120000FFFF00", 255).hex();
        assertThat(data).startsWith(expected).hasSize(2 * 96);
        assertThat(data.substring(2 * 58, 2 * 64)).isEqualTo("00a0046004c0");
    }

    @Test
    void inquiryIsCutOffAtEveryAllocationLength() {
        byte[] all = client.in(0, "120000FFFF00", 255).data();
        for (int length = 0; length <= 300; length++) {
            Result result =
                    client.in(
                            0, "1200 00" + HexFormat.of().toHexDigits((short) length) + "00", 300);
            assertThat(result.good()).isTrue();
            assertThat(result.data()).isEqualTo(Arrays.copyOf(all, Math.min(length, 96)));
        }
        assertThat(client.in(0, "120001FFFF00", 255).code()).isEqualTo(0x052400);
        assertThat(client.in(0, "120103FFFF00", 255).code()).isEqualTo(0x052400);
        assertThat(client.in(0, "120200FFFF00", 255).code()).isEqualTo(0x052400);
    }

    private String page(int code) {
        return client.in(0, "1201" + HexFormat.of().toHexDigits((byte) code) + "FFFF00", 4096)
                .hex();
    }

    @Test
    void vitalProductDataPages() {
        UnitIdentity identity = bed.unit.identity();
        assertThat(page(0x00)).isEqualTo("0000000a" + "0080838687" + "888fb0b1b2");
        assertThat(page(0x80)).isEqualTo("00800010" + hex(identity.serial()));
        String group = HexFormat.of().toHexDigits(bed.target.group());
        String port = HexFormat.of().toHexDigits(bed.target.fibreChannelPort().relativeId());
        String designators =
                ("01030008" + hex(identity.naa()))
                        + ("02010018" + hex("VIREO   " + identity.serial()))
                        + ("01060004" + HexFormat.of().toHexDigits(bed.unit.group()))
                        + ("01940004" + port)
                        + ("01950004" + group)
                        + ("01930008" + hex(0x2000_0000_0000_0001L))
                        + ("01a30008" + hex(0x2100_0000_0000_0001L));
        assertThat(page(0x83))
                .isEqualTo(
                        "0083"
                                + HexFormat.of().toHexDigits((short) (designators.length() / 2))
                                + designators);
        assertThat(page(0x86)).startsWith("0086003c00070101").hasSize(128);
        assertThat(page(0x87)).isEqualTo("008700043fff0000");
        assertThat(page(0x88))
                .isEqualTo(
                        "00880018"
                                + port
                                + "00000000"
                                + "0000000c"
                                + "01930008"
                                + hex(0x2000_0000_0000_0001L));
        assertThat(page(0x8F))
                .isEqualTo(
                        "008f0148"
                                + ("00000020" + "000000000000" + "0040" + "0000012c" + "0000003c")
                                + ("0000000000080000" + "0000000000020000")
                                + ("00010014" + "10" + "8305" + "00011c1011")
                                + ("8407" + "00010304050607" + "000000")
                                + ("0004001c" + "00000000" + "00080040" + "00000800")
                                + ("00000000" + "00".repeat(12))
                                + ("00080004" + "0202e400")
                                + ("000c0004" + "0002ffff")
                                + ("0106002c" + "00".repeat(12) + "0000003c" + "0000012c")
                                + ("0000012c" + "00".repeat(20))
                                + ("01080084" + "00000080")
                                + ("00800001" + "03000001" + "00".repeat(56))
                                + ("ffff0001" + "02000000" + "00".repeat(56))
                                + ("80010020" + "00000004" + "00000004" + "01fffe00" + "0900")
                                + "00".repeat(18));
        assertThat(page(0xB0))
                .isEqualTo(
                        "00b0003c"
                                + "00010008"
                                + "00002000"
                                + "0000000000000000"
                                + "00100000"
                                + "00000100"
                                + "00000008"
                                + "80000000"
                                + "0000000000800000"
                                + "000000080000000800000000"
                                + "0000000000000000");
        assertThat(page(0xB1)).startsWith("00b1003c00010040").hasSize(128);
        assertThat(page(0xB2)).isEqualTo("00b2000400e40200");
    }

    @Test
    void anIscsiPortIsNamedByItsStrings() {
        ScsiClient iscsi = bed.iscsi("iqn.1993-08.org.debian:01:abc", 0x00023D000001L, 1);
        String data = iscsi.in(0, "120183FFFF00", 4096).hex();
        assertThat(data)
                .contains("5398002" + "0" + hex("iqn.2026-11.test:hba1,t,0x0001") + "0000")
                .contains("53a80018" + hex("iqn.2026-11.test:hba1") + "000000");
    }

    @Test
    void capacities() {
        assertThat(client.in(0, "25000000000000000000", 8).hex()).isEqualTo("00003fff00000200");
        assertThat(client.in(0, "9E100000000000000000000000200000", 32).hex())
                .startsWith("0000000000003fff" + "00000200" + "0003" + "c000")
                .hasSize(64);
        for (int length = 0; length < 32; length++) {
            String allocation = HexFormat.of().toHexDigits(length);
            Result result = client.in(0, "9E100000000000000000" + allocation + "0000", 32);
            assertThat(result.data()).hasSize(length);
        }
    }

    @Test
    void physicalBlocksAreWhatTheDiskKeepsWhole() {
        assertThat(page(0xB0).substring(8 + 80, 8 + 80 + 16)).isEqualTo("0000000800000008");
        bed.disk.atomicWriteSize(512);
        assertThat(client.run(0, "000000000000").code()).isEqualTo(0x062A09);
        assertThat(client.in(0, "9E100000000000000000000000200000", 32).hex())
                .startsWith("0000000000003fff" + "00000200" + "0000" + "c000");
        String limits = page(0xB0);
        // What transfers are best a multiple of stays.
        assertThat(limits).startsWith("00b0003c" + "00010008");
        assertThat(limits.substring(8 + 80, 8 + 80 + 16)).isEqualTo("0000000100000000");
    }

    @Test
    void aUnitBeyondTwoTebibytesSaysSo() {
        bed.disk.pretendToGrow(3L << 40);
        client.ready(0);
        assertThat(client.in(0, "25000000000000000000", 8).hex()).isEqualTo("ffffffff00000200");
        assertThat(client.in(0, "9E100000000000000000000000200000", 32).hex())
                .startsWith(hex((3L << 31) - 1));
    }

    @Test
    void modePages() {
        String caching = "0812040000000000000000000000000000000000";
        String control = "0a0a021000000000ffff0000";
        String all = "010a00000000000000000000" + caching + control + "1c0a00000000000000000000";
        assertThat(client.in(0, "1A003F00FF00", 255).hex())
                .isEqualTo("43001008" + "0000400000000200" + all);
        assertThat(client.in(0, "1A083F00FF00", 255).hex()).isEqualTo("3b001000" + all);
        assertThat(client.in(0, "5A080800000000FFFF00", 255).hex())
                .isEqualTo("001a001000000000" + caching);
        assertThat(client.in(0, "5A100800000000FFFF00", 255).hex())
                .isEqualTo(
                        "002a001001000010"
                                + "0000000000004000"
                                + "00000000"
                                + "00000200"
                                + caching);
        assertThat(client.in(0, "1A084A00FF00", 255).hex())
                .isEqualTo("0f001000" + "0a0a04000840000000000000");
        assertThat(client.in(0, "1A08CA00FF00", 255).code()).isEqualTo(0x053900);
        assertThat(client.in(0, "1A080B00FF00", 255).code()).isEqualTo(0x052400);
        assertThat(client.in(0, "1A080801FF00", 255).code()).isEqualTo(0x052400);
        assertThat(client.in(0, "1A083FFFFF00", 255).good()).isTrue();
    }

    @Test
    void modeSelectChangesAndTellsOthers() {
        ScsiClient second = bed.client(2, bed.other);
        byte[] list = ScsiClient.bytes("00000000" + "0a0a061008400000ffff0000");
        assertThat(client.out(0, "151000001000", list).good()).isTrue();
        assertThat(second.run(0, "000000000000").code()).isEqualTo(0x062A01);
        assertThat(second.out(0, "2A000000000000000100", new byte[BLOCK]).code())
                .isEqualTo(0x072700);
        Result descriptor = client.in(0, "2800FFFFFFFF00000100", BLOCK);
        assertThat(descriptor.sense()[0]).isEqualTo((byte) 0x72);
        assertThat(descriptor.code()).isEqualTo(0x052100);
        byte[] back = ScsiClient.bytes("00000000" + "0a0a021000000000ffff0000");
        assertThat(client.out(0, "151000001000", back).good()).isTrue();
        assertThat(client.out(0, "2A000000000000000100", new byte[BLOCK]).good()).isTrue();
    }

    @Test
    void turningTheCacheOffMakesDurable() {
        byte[] list =
                ScsiClient.bytes("0000000000000000" + "0812000000000000000000000000000000000000");
        assertThat(client.out(0, "55100000000000001C00", list).good()).isTrue();
        assertThat(bed.disk.log().getLast().operation())
                .isEqualTo(io.vireo.block.BlockOperation.FLUSH);
        client.out(0, "2A000000000000000100", new byte[BLOCK]);
        assertThat(bed.disk.log().getLast().durable()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "00000000" + "0a0a021000000000ffff",
                "00000000" + "0a09021000000000ffff0000",
                "00000000" + "0b0a021000000000ffff0000",
                "00000000" + "4a0a021000000000ffff0000",
                "00000000" + "0a0a031000000000ffff0000",
                "00000000" + "0a0a021000000000fffe0000",
                "00000007" + "0a0a021000000000ffff0000",
                "00000008" + "00004000" + "00000400",
                "00000008" + "00004001" + "00000200",
                "000000",
                "00000000" + "0a",
            })
    void aModeParameterListThatIsWrongChangesNothing(String list) {
        byte[] bytes = ScsiClient.bytes(list);
        String cdb = "15100000" + HexFormat.of().toHexDigits((byte) bytes.length) + "00";
        assertThat(client.out(0, cdb, bytes).code()).isIn(0x051A00, 0x052600);
        assertThat(client.in(0, "1A080A00FF00", 255).hex())
                .isEqualTo("0f001000" + "0a0a021000000000ffff0000");
    }

    @Test
    void logPages() {
        client.out(0, "2A000000000000000300", new byte[3 * BLOCK]);
        client.in(0, "28000000000000000200", 2 * BLOCK);
        assertThat(client.in(0, "4D00400000000000FF00", 255).hex()).isEqualTo("00000004000d1119");
        assertThat(client.in(0, "4D0040FF00000000FF00", 255).hex())
                .isEqualTo("40ff000a000000ff0d0011001900");
        assertThat(client.in(0, "4D00590000000000FF00", 255).hex())
                .startsWith("19000044" + "00010340" + hex(1L) + hex(1L) + hex(3L) + hex(2L))
                .hasSize(2 * 72);
        assertThat(client.in(0, "4D004C0000000000FF00", 255).code()).isEqualTo(0x052400);
        assertThat(client.in(0, "4D004D0000000000FF00", 255).hex())
                .isEqualTo("0d00000c" + "0000030200ff" + "0001030200ff");
        assertThat(client.in(0, "4D004D0000000100FF00", 255).hex())
                .isEqualTo("0d000006" + "0001030200ff");
        assertThat(client.in(0, "4D00510000000000FF00", 255).hex())
                .isEqualTo("11000008" + "0001030400000000");
        assertThat(client.in(0, "4D004D0100000000FF00", 255).code()).isEqualTo(0x052400);
    }

    @Test
    void supportedOperationCodesAgreeWithWhatIsSupported() {
        byte[] all = client.in(0, "A30C00000000000FFFFF0000", 1 << 20).data();
        assertThat(Bytes.u32(all, 0)).isEqualTo(all.length - 4);
        List<Integer> seen = new ArrayList<>();
        for (int at = 4; at < all.length; at += 8) {
            boolean action = (all[at + 5] & 1) != 0;
            int code = Bytes.u8(all, at) << 16 | Bytes.u16(all, at + 2);
            assertThat(seen).doesNotContain(code);
            seen.add(code);
            String asked = HexFormat.of().toHexDigits(code).substring(2);
            Result one = client.in(0, "A30C0" + (action ? 2 : 1) + asked + "000001000000", 256);
            assertThat(one.data()[1] & 7).isEqualTo(3);
            int length = Bytes.u16(one.data(), 2);
            assertThat(length).isEqualTo(Bytes.u16(all, at + 6));
            assertThat(one.data()[4]).isEqualTo(all[at]);
            assertThat(one.data()).hasSize(4 + length);
            assertThat(
                            client.in(0, "A30C0" + (action ? 1 : 2) + asked + "000001000000", 256)
                                    .code())
                    .isEqualTo(0x052400);
            assertThat(client.in(0, "A30C83" + asked + "000001000000", 256).data())
                    .hasSize(16 + length);
        }
        assertThat(seen).hasSizeGreaterThan(50);
        assertThat(client.in(0, "A30C01FF0000000001000000", 256).hex()).isEqualTo("00010000");
        assertThat(client.run(0, "FF0000000000").code()).isEqualTo(0x052000);
        assertThat(client.run(0, "A31F00000000000000000000").code()).isEqualTo(0x052400);
    }

    @Test
    void otherReports() {
        assertThat(client.in(0, "A30D00000000000000040000", 4).hex()).isEqualTo("de070000");
        assertThat(client.in(0, "A30D80000000000000FF0000", 255).hex())
                .isEqualTo("de07000c" + "00".repeat(12));
        assertThat(client.in(0, "A30F00000000000000FF0000", 255).hex()).startsWith("000a0200");
        assertThat(client.in(0, "37000000000000000800", 8).hex()).isEqualTo("00000000");
        assertThat(client.in(0, "030000001200", 18).hex())
                .isEqualTo("700000000000000a" + "00".repeat(10));
        assertThat(client.in(0, "030100001200", 18).hex()).isEqualTo("7200000000000000");
    }

    @Test
    void portGroupsAreReportedAndSet() {
        ScsiClient second = bed.client(2, bed.other);
        String group = HexFormat.of().toHexDigits((short) bed.target.group());
        String port = HexFormat.of().toHexDigits(bed.target.fibreChannelPort().relativeId());
        assertThat(client.in(0, "A30A00000000000000FF0000", 255).hex())
                .isEqualTo("0000000c" + "000f" + group + "00000001" + port);
        assertThat(client.in(0, "A32A00000000000000FF0000", 255).hex())
                .isEqualTo("00000010" + "10000000" + "000f" + group + "00000001" + port);
        byte[] standby = ScsiClient.bytes("00000000" + "0200" + group);
        assertThat(client.out(0, "A40A00000000000000080000", standby).good()).isTrue();
        assertThat(second.run(0, "000000000000").code()).isEqualTo(0x062A06);
        assertThat(client.in(0, "28000000000000000100", BLOCK).code()).isEqualTo(0x02040B);
        assertThat(client.in(0, "120000FF FF00", 255).good()).isTrue();
        byte[] optimized = ScsiClient.bytes("00000000" + "0000" + group);
        assertThat(client.out(0, "A40A00000000000000080000", optimized).good()).isTrue();
        assertThat(client.in(0, "28000000000000000100", BLOCK).good()).isTrue();
        byte[] unknown = ScsiClient.bytes("00000000" + "00000000");
        assertThat(client.out(0, "A40A00000000000000080000", unknown).code()).isEqualTo(0x052600);
    }

    @Test
    void buffersEcho() {
        byte[] data = ScsiClient.bytes("0123456789abcdef");
        assertThat(client.in(0, "3C03000000000000FF00", 255).hex()).isEqualTo("00001000");
        assertThat(client.out(0, "3B0A0000000000000800", data).good()).isTrue();
        assertThat(client.in(0, "3C0A0000000000000800", 8).data()).isEqualTo(data);
        assertThat(client.out(0, "3B020000 0FFC00000800", data).code()).isEqualTo(0x052400);
        assertThat(client.in(0, "3C1F000000000000FF00", 255).code()).isEqualTo(0x052400);
    }

    @Test
    void startAndStop() {
        assertThat(client.run(0, "1B0000000000").good()).isTrue();
        assertThat(client.run(0, "000000000000").code()).isEqualTo(0x020402);
        assertThat(client.in(0, "28000000000000000100", BLOCK).code()).isEqualTo(0x020402);
        assertThat(client.in(0, "1A003F00FF00", 255).good()).isTrue();
        assertThat(client.in(0, "25000000000000000000", 8).good()).isTrue();
        assertThat(client.run(0, "1B0000000100").good()).isTrue();
        assertThat(client.in(0, "28000000000000000100", BLOCK).good()).isTrue();
        assertThat(client.run(0, "1B0000000200").code()).isEqualTo(0x052400);
    }

    /** The length of a page has two bytes. */
    @Test
    void portsThatAPageHasNoRoomForAreLeftOut() {
        var second = new UnitTarget("hba2", 3, 4, bed.numbers);
        ScsiBed.map(second, new UnitTarget.Mapping(0, bed.unit, false));
        for (int group = 1; group <= 200; group++) {
            bed.target.iscsiPort("iqn.2026-11.test:" + "x".repeat(200), group);
            second.iscsiPort("iqn.2026-11.test:" + "y".repeat(200), group);
        }
        byte[] page = client.in(0, "120188FFFF00", 0xFFFF).data();
        int length = Bytes.u16(page, 2);
        assertThat(length).isGreaterThan(60_000);
        assertThat(page).hasSize(4 + length);
        int at = 4;
        while (at < page.length) {
            at += 12 + Bytes.u16(page, at + 10);
        }
        assertThat(at).isEqualTo(page.length);
        ScsiBed.map(second);
    }

    /** The number of ports of a group has eight bits (SPC-4, 6.37). */
    @Test
    void aTargetHasAsManyPortsAsItsGroupCanTell() {
        String name = "iqn.2026-11.test:hba1";
        for (int group = 1; group < UnitTarget.MAX_PORTS; group++) {
            bed.target.iscsiPort(name, group);
        }
        assertThatThrownBy(() -> bed.target.iscsiPort(name, 9999))
                .isInstanceOf(ResourceException.class)
                .hasMessageContaining("vHBA hba1 has 255 target ports");
        ScsiPort known = bed.target.iscsiPort(name, 7);
        byte[] groups = client.in(0, "A30A0000000000000FFF0000", 0xFFF).data();
        assertThat(groups).hasSize(4 + 8 + 4 * 255);
        assertThat(Bytes.u8(groups, 11)).isEqualTo(255);
        bed.target.removePort(known);
        assertThat(bed.target.iscsiPort(name, 9999).portalGroup()).isEqualTo(9999);
    }
}
