package io.vireo.fabric.l2;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.net.PortSpec;
import io.vireo.resource.VlanSet;
import io.vireo.testkit.FramePort;
import io.vireo.testkit.Frames;
import java.util.HexFormat;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

class AnnouncerTest {
    @Test
    void namesEachLocalStationInItsVlan() {
        var bridge = new Bridge(1500, VlanSet.NONE, 1000, 300);
        var out = new FramePort("uplink", 1500);
        var uplink = bridge.add(out, PortSpec.transparent(true));
        var plain = new FramePort("plain", 1500);
        var tagged = new FramePort("tagged", 1500);
        var plainPort = bridge.add(plain, PortSpec.access(0));
        var taggedPort = bridge.add(tagged, PortSpec.trunk(List.of(7), OptionalInt.empty()));
        plain.arrive(Frames.frame(Frames.BROADCAST, 0x0200_0000_00A1L, 60));
        tagged.arrive(Frames.tagged(Frames.frame(Frames.BROADCAST, 0x0200_0000_00A2L, 60), 7));
        out.arrive(Frames.frame(Frames.BROADCAST, 0x0200_0000_00A3L, 60));
        for (var port : List.of(plainPort, taggedPort, uplink)) {
            bridge.pass(port);
        }
        out.sent();

        var announcer = new Announcer(uplink);
        announcer.begin(bridge.stationsFor(uplink), bridge.addressesFor(uplink));
        assertThat(announcer.announce()).isFalse();
        var hex = HexFormat.of();
        assertThat(out.sent().stream().map(hex::formatHex))
                .containsExactlyInAnyOrder(
                        "ffffffffffff"
                                + "0200000000a1"
                                + "8035"
                                + "0001080006040003"
                                + "0200000000a1"
                                + "00000000"
                                + "0200000000a1"
                                + "00".repeat(22),
                        "ffffffffffff"
                                + "0200000000a2"
                                + "81000007"
                                + "8035"
                                + "0001080006040003"
                                + "0200000000a2"
                                + "00000000"
                                + "0200000000a2"
                                + "00".repeat(22));
        announcer.close();
        bridge.close();
    }

    @Test
    void manyStationsGoInParts() {
        var bridge = new Bridge(1500, VlanSet.NONE, 1000, 300);
        var out = new FramePort("uplink", 1500);
        var uplink = bridge.add(out, PortSpec.transparent(true));
        var plain = new FramePort("plain", 1500);
        var port = bridge.add(plain, PortSpec.access(0));
        for (int i = 0; i < 100; i++) {
            plain.arrive(Frames.frame(Frames.BROADCAST, 0x0200_0000_0100L + i, 60));
        }
        bridge.pass(port);
        bridge.pass(port);
        out.sent();
        var announcer = new Announcer(uplink);
        announcer.begin(bridge.stationsFor(uplink), bridge.addressesFor(uplink));
        assertThat(announcer.announce()).isTrue();
        assertThat(announcer.announce()).isFalse();
        assertThat(out.sent()).hasSize(100);
        announcer.close();
        bridge.close();
    }
}
