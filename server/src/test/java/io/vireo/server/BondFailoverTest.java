package io.vireo.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.fabric.l2.UplinkKind;
import io.vireo.linux.ForeignMemory;
import io.vireo.linux.Mapping;
import io.vireo.linux.NetInterface;
import io.vireo.linux.NetworkNamespace;
import io.vireo.linux.PacketSocket;
import io.vireo.net.FrameBatch;
import io.vireo.net.HostIdentity;
import io.vireo.net.NetPort;
import io.vireo.net.PortState;
import io.vireo.net.Uplink;
import io.vireo.reactor.PollMode;
import io.vireo.reactor.ReactorGroup;
import io.vireo.resource.Metadata;
import io.vireo.resource.Realization;
import io.vireo.resource.RealizeContext;
import io.vireo.resource.Reference;
import io.vireo.resource.RuntimeDirectory;
import io.vireo.resource.spec.UplinkSpec;
import io.vireo.testkit.Frames;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * A bond of two interfaces in a namespace, which a bridge of the kernel joins with a third: what is
 * lost of a steady stream when the active link goes down. Prints the figure.
 */
class BondFailoverTest {
    private static final String NAMESPACE = "vireo-bond-" + ProcessHandle.current().pid();
    private static final int FRAMES = 1500;
    private static final int CUT_AT = 500;
    private static final int PATIENCE = 2000;
    private static final int SEQUENCE = 20;

    private final ReactorGroup reactors = ReactorGroup.start(List.of(-1), PollMode.INTERRUPT);
    private final Map<Reference, Realization> running = new HashMap<>();
    private final UplinkKind kind = new UplinkKind();
    private final FrameBatch batch = new FrameBatch();

    @BeforeEach
    void wire() throws Exception {
        ip("netns", "add", NAMESPACE);
        inside("link", "add", "br0", "type", "bridge");
        inside("link", "set", "br0", "up");
        for (var end : List.of("0", "1", "2")) {
            inside("link", "add", "up" + end, "type", "veth", "peer", "name", "sw" + end);
            inside("link", "set", "up" + end, "up");
            inside("link", "set", "sw" + end, "master", "br0", "up");
        }
    }

    @AfterEach
    void unwire() throws Exception {
        reactors.close();
        batch.close();
        ip("netns", "del", NAMESPACE);
    }

    private static void inside(String... arguments) throws IOException, InterruptedException {
        var command = new ArrayList<>(List.of("-n", NAMESPACE));
        command.addAll(List.of(arguments));
        ip(command.toArray(String[]::new));
    }

    private static void ip(String... arguments) throws IOException, InterruptedException {
        var command = new ArrayList<>(List.of("ip"));
        command.addAll(List.of(arguments));
        var process = new ProcessBuilder(command).inheritIO().start();
        assertThat(process.waitFor()).as(command.toString()).isZero();
    }

    @Test
    void littleIsLostWhenALinkGoesDown() throws Exception {
        realize("a", spec(UplinkSpec.Type.PACKET, "up0", List.of()));
        realize("b", spec(UplinkSpec.Type.PACKET, "up1", List.of()));
        var bond = realize("bond", spec(UplinkSpec.Type.BOND, "", List.of("a", "b")));
        var port = bond.contract(NetPort.class).orElseThrow();
        onReactor(() -> port.attached(reactors.data().getFirst(), () -> {}));
        for (int i = 0; i < PATIENCE && port.state() == PortState.DOWN; i++) {
            Thread.sleep(5);
        }
        assertThat(bond.status().attributes()).containsEntry("member.a", "active");
        var got = new BitSet();
        try (var listener = listen()) {
            stream(port, listener, got);
        }
        report(got);
        assertThat(bond.status().attributes()).containsEntry("member.b", "active");
        assertThat(got.nextClearBit(FRAMES - 200)).isGreaterThanOrEqualTo(FRAMES);
        onReactor(port::detached);
        for (var name : List.of("bond", "a", "b")) {
            running(new Reference("Uplink", name)).close(() -> {});
        }
    }

    private static void report(BitSet got) {
        int lost = FRAMES - got.cardinality();
        int first = got.nextClearBit(0);
        System.out.printf(
                "bond failover by link state: %d of %d frames lost, one each ms, %d ms without%n",
                lost, FRAMES, Math.max(0, got.nextSetBit(first) - first));
    }

    private PacketSocket listen() throws IOException {
        try (var inside = NetworkNamespace.enter(NAMESPACE)) {
            return PacketSocket.open(NetInterface.of("up2").index(), 1522);
        }
    }

    /** Sends a numbered frame each millisecond, and cuts the first link on the way. */
    private void stream(NetPort port, PacketSocket listener, BitSet got) throws Exception {
        Thread cutter =
                Thread.ofPlatform()
                        .unstarted(() -> {
                            try {
                                inside("link", "set", "sw0", "down");
                            } catch (IOException | InterruptedException e) {
                                throw new IllegalStateException(e);
                            }
                        });
        try (var memory = Mapping.anonymous(4096)) {
            long next = System.nanoTime();
            for (int i = 0; i < FRAMES; i++) {
                if (i == CUT_AT) {
                    cutter.start();
                }
                send(port, memory, i);
                collect(listener, got);
                next += 1_000_000;
                Thread.sleep(java.time.Duration.ofNanos(Math.max(0, next - System.nanoTime())));
            }
            cutter.join();
            for (int i = 0; i < 20; i++) {
                Thread.sleep(10);
                collect(listener, got);
            }
        }
    }

    private void send(NetPort port, Mapping memory, int number) throws Exception {
        var frame = Frames.frame(0x0200_0000_0099L, 0x0200_0000_0001L, 100);
        Frames.put(frame, SEQUENCE, number);
        onReactor(() -> {
            batch.clear();
            Frames.append(batch, frame, memory.address());
            port.transmit(batch, new int[] {0}, 1);
            port.flush();
        });
    }

    private static void collect(PacketSocket listener, BitSet got) {
        while (listener.next()) {
            if (listener.length() == 100) {
                var frame = new byte[100];
                ForeignMemory.copyToArray(listener.frame(), frame, 0, frame.length);
                got.set(Frames.get(frame, SEQUENCE));
            }
            listener.giveBack();
        }
    }

    private void onReactor(Runnable task) throws Exception {
        var done = new CompletableFuture<Boolean>();
        reactors.data()
                .getFirst()
                .execute(() -> {
                    try {
                        task.run();
                        done.complete(true);
                    } catch (Throwable e) {
                        done.completeExceptionally(e);
                    }
                });
        done.get();
    }

    private static UplinkSpec spec(UplinkSpec.Type type, String device, List<String> members) {
        boolean bond = type == UplinkSpec.Type.BOND;
        return new UplinkSpec(
                type,
                bond ? Optional.empty() : Optional.of(device),
                bond ? Optional.empty() : Optional.of(NAMESPACE),
                1500,
                Optional.empty(),
                Optional.empty(),
                members,
                UplinkSpec.BondMode.ACTIVE_BACKUP,
                5,
                UplinkSpec.LacpRate.FAST,
                UplinkSpec.HashPolicy.LAYER2_3,
                Optional.empty());
    }

    private Realization realize(String name, UplinkSpec spec) {
        var metadata =
                new Metadata(
                        name,
                        Map.of(),
                        Map.of(),
                        "uid-" + name,
                        1,
                        1,
                        Instant.EPOCH,
                        Instant.EPOCH,
                        Optional.empty(),
                        Optional.empty());
        assertThat(kind.validate(metadata, spec)).isEmpty();
        var realization = kind.realize(metadata, spec, new Context());
        assertThat(realization.contract(Uplink.class)).isPresent();
        running.put(new Reference("Uplink", name), realization);
        return realization;
    }

    private Realization running(Reference reference) {
        return Objects.requireNonNull(running.get(reference));
    }

    private final class Context implements RealizeContext {
        @Override
        public <T> T require(Reference reference, Class<T> contract) {
            return running(reference).contract(contract).orElseThrow();
        }

        @Override
        public <T> T service(Class<T> type) {
            if (type == HostIdentity.class) {
                return type.cast(ThisHost.identity());
            }
            return type.cast(
                    type == ReactorGroup.class ? reactors : new RuntimeDirectory(Path.of("/tmp")));
        }

        @Override
        public boolean provisioned() {
            return false;
        }

        @Override
        public Runnable statusChanged() {
            return () -> {};
        }
    }
}
