package io.vireo.fabric.l2;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.net.PortSpec;
import io.vireo.resource.VlanSet;
import io.vireo.testkit.FramePort;
import io.vireo.testkit.Frames;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Random traffic, in batches, against a model that takes one frame at a time. */
@Tag("endurance")
class BridgeModelTest {
    private static final int AGE = 300;

    static List<Long> seeds() {
        var replay = Long.getLong("vireo.seed");
        if (replay != null) {
            return List.of(replay);
        }
        var seeds = new ArrayList<Long>();
        for (long seed = 1; seed <= 30; seed++) {
            seeds.add(seed);
        }
        return seeds;
    }

    /** The model of a port: what leaves by it, in order. */
    private record ModelPort(
            FramePort port, BridgePort bridgePort, PortSpec spec, List<byte[]> expected) {
        int untagged() {
            return spec.accessVlan().orElse(spec.nativeVlan().orElse(-1));
        }

        boolean tags(int vlan) {
            return spec.accessVlan().isEmpty()
                    && (spec.trunk().isEmpty() || spec.trunk().contains(vlan));
        }
    }

    private record Seen(ModelPort port, int time) {}

    private final List<ModelPort> ports = new ArrayList<>();
    private final Map<Long, Seen> stations = new HashMap<>();
    private int now;

    @ParameterizedTest
    @MethodSource("seeds")
    void agrees(long seed) {
        System.out.println("seed " + seed);
        var random = new Random(seed);
        var bridge = new Bridge(1500, VlanSet.NONE, 100_000, AGE);
        for (int i = 0; i < 2 + random.nextInt(6); i++) {
            var port = new FramePort("p" + i, 1500);
            var spec = randomSpec(random);
            ports.add(new ModelPort(port, bridge.add(port, spec), spec, new ArrayList<>()));
        }
        if (random.nextBoolean()) {
            crowd(bridge);
        }
        for (int round = 0; round < 200; round++) {
            now += random.nextInt(60);
            bridge.time(TimeUnit.SECONDS.toNanos(now));
            boolean together = random.nextBoolean();
            for (int turns = together ? 1 + random.nextInt(10) : 1; turns > 0; turns--) {
                var in = ports.get(random.nextInt(ports.size()));
                int most = together ? 1 + random.nextInt(64) : 64;
                for (int i = random.nextInt(most); i >= 0; i--) {
                    var frame = randomFrame(random);
                    in.port.arrive(frame);
                    model(in, frame);
                }
                if (together) {
                    bridge.gather(in.bridgePort);
                } else {
                    bridge.pass(in.bridgePort);
                }
            }
            bridge.finish();
            for (var port : ports) {
                assertThat(port.port.sent())
                        .as("seed %d, round %d, port %s", seed, round, port.spec)
                        .usingElementComparator(java.util.Arrays::compare)
                        .isEqualTo(port.expected);
                port.expected.clear();
            }
        }
        bridge.close();
    }

    /** With as many stations, of a VLAN that no frame is of, tables are looked up in batches. */
    private static void crowd(Bridge bridge) {
        for (long i = 1; !bridge.table().isLarge(); i++) {
            bridge.table().learn(i << 1 | 4000L << 48, 0, 0);
        }
    }

    private static PortSpec randomSpec(Random random) {
        return switch (random.nextInt(5)) {
            case 0 -> PortSpec.access(0);
            case 1 -> PortSpec.access(1 + random.nextInt(3));
            case 2 -> PortSpec.trunk(List.of(1, 2), OptionalInt.empty());
            case 3 -> PortSpec.trunk(List.of(2, 3), OptionalInt.of(random.nextInt(2)));
            default -> PortSpec.transparent(random.nextBoolean());
        };
    }

    private static byte[] randomFrame(Random random) {
        long to =
                random.nextInt(10) == 0 ? Frames.BROADCAST : 0x0200_0000_0000L + random.nextInt(12);
        var frame =
                Frames.frame(to, 0x0200_0000_0000L + random.nextInt(12), 14 + random.nextInt(200));
        return random.nextBoolean()
                ? frame
                : Frames.tagged(frame, random.nextInt(8) << 13 | random.nextInt(5));
    }

    private void model(ModelPort in, byte[] frame) {
        boolean tagged = Frames.get(frame, 12) == 0x8100;
        int tci = tagged ? Frames.get(frame, 14) : 0;
        int vlan = tagged && (tci & 0xFFF) != 0 ? tci & 0xFFF : in.untagged();
        if (vlan < 0 || (tagged && (tci & 0xFFF) != 0 && !in.tags(vlan))) {
            return;
        }
        long from = mac(frame, 6) | (long) vlan << 48;
        if (mac(frame, 6) == 0) {
            return;
        }
        stations.put(from, new Seen(in, now));
        long to = mac(frame, 0);
        var seen = stations.get(to | (long) vlan << 48);
        var place = seen != null && now - seen.time <= AGE ? seen.port : null;
        boolean known = to != Frames.BROADCAST && place != null;
        for (var out : ports) {
            boolean member = out.untagged() == vlan || (vlan != 0 && out.tags(vlan));
            boolean wanted = known ? place == out : member;
            if (wanted && out != in && !(out.spec.uplink() && in.spec.uplink())) {
                out.expected.add(leaving(out, frame, tagged, tci & 0xE000, vlan));
            }
        }
    }

    private static byte[] leaving(
            ModelPort out, byte[] frame, boolean tagged, int priority, int vlan) {
        var plain = tagged ? untag(frame) : frame;
        return out.untagged() == vlan ? plain : Frames.tagged(plain, priority | vlan);
    }

    private static byte[] untag(byte[] frame) {
        var plain = new byte[frame.length - 4];
        System.arraycopy(frame, 0, plain, 0, 12);
        System.arraycopy(frame, 16, plain, 12, plain.length - 12);
        return plain;
    }

    private static long mac(byte[] frame, int offset) {
        long mac = 0;
        for (int i = 0; i < 6; i++) {
            mac = mac << 8 | Byte.toUnsignedLong(frame[offset + i]);
        }
        return mac;
    }
}
