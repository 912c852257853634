package io.vireo.fabric.l2;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.net.DropReason;
import io.vireo.net.PortSpec;
import io.vireo.resource.VlanSet;
import io.vireo.testkit.FramePort;
import io.vireo.testkit.Frames;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class PortStageTest {
    private static final long A = 0x5254_0000_000AL;

    private final Bridge bridge = new Bridge(1500, VlanSet.NONE, 1000, 300);
    private final FramePort a = new FramePort("a", 1500);
    private final FramePort b = new FramePort("b", 1500);
    private final BridgePort portA = bridge.add(a, PortSpec.transparent(false));
    private final BridgePort portB = bridge.add(b, PortSpec.transparent(false));
    private final List<String> seen = new ArrayList<>();

    /** Notes what it sees and lets every {@code keep}th frame pass. */
    private PortStage stage(PortStage.Place place, int keep) {
        return new PortStage() {
            @Override
            public Place place() {
                return place;
            }

            @Override
            public int apply(Pass pass, int[] index, int count) {
                int left = 0;
                for (int k = 0; k < count; k++) {
                    seen.add(
                            place
                                    + " "
                                    + pass.batch.length[index[k]]
                                    + " of VLAN "
                                    + pass.vlan[index[k]]);
                    if (k % keep == 0) {
                        index[left++] = index[k];
                    }
                }
                return left;
            }
        };
    }

    @AfterEach
    void close() {
        bridge.close();
    }

    @Test
    void stagesRunInTheirOrderOverWhatIsLeft() {
        portA.ingress = BridgePort.with(portA.ingress, stage(PortStage.Place.RATE, 1));
        portA.ingress = BridgePort.with(portA.ingress, stage(PortStage.Place.GUARD, 2));
        portB.egress = BridgePort.with(portB.egress, stage(PortStage.Place.FILTER, 3));
        for (int length = 60; length < 64; length++) {
            a.arrive(Frames.tagged(Frames.frame(Frames.BROADCAST, A, length), 7));
        }
        bridge.pass(portA);
        assertThat(seen)
                .containsExactly(
                        "GUARD 64 of VLAN 7",
                        "GUARD 65 of VLAN 7",
                        "GUARD 66 of VLAN 7",
                        "GUARD 67 of VLAN 7",
                        "RATE 64 of VLAN 7",
                        "RATE 66 of VLAN 7",
                        "FILTER 64 of VLAN 7",
                        "FILTER 66 of VLAN 7");
        assertThat(b.sent()).hasSize(1);
        assertThat(portA.counters().receivedFrames()).isEqualTo(4);
        assertThat(portB.counters().transmittedFrames()).isEqualTo(1);
    }

    @Test
    void nothingIsLearntOfFramesThatAStageDrops() {
        var none = stage(PortStage.Place.GUARD, 1);
        PortStage drop =
                new PortStage() {
                    @Override
                    public Place place() {
                        return Place.FILTER;
                    }

                    @Override
                    public int apply(Pass pass, int[] index, int count) {
                        return 0;
                    }
                };
        portA.ingress = BridgePort.with(BridgePort.with(portA.ingress, drop), none);
        a.arrive(Frames.frame(Frames.BROADCAST, A, 60));
        assertThat(bridge.pass(portA)).isEqualTo(1);
        assertThat(bridge.table().size()).isZero();
        assertThat(b.sent()).isEmpty();
        portA.ingress = BridgePort.without(BridgePort.without(portA.ingress, drop), none);
        assertThat(portA.ingress).isSameAs(PortStage.NONE);
        a.arrive(Frames.frame(Frames.BROADCAST, A, 60));
        bridge.pass(portA);
        assertThat(b.sent()).hasSize(1);
    }

    @Test
    void framesWithoutAVlanOfThePortNeverReachAStage() {
        var trunk = bridge.add(new FramePort("c", 1500), PortSpec.access(5));
        trunk.ingress = BridgePort.with(trunk.ingress, stage(PortStage.Place.GUARD, 1));
        ((FramePort) trunk.port).arrive(Frames.tagged(Frames.frame(Frames.BROADCAST, A, 60), 7));
        bridge.pass(trunk);
        assertThat(seen).isEmpty();
        assertThat(trunk.counters().receivedDropped(DropReason.VLAN)).isEqualTo(1);
    }
}
