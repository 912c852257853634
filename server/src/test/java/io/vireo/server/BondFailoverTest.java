package io.vireo.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.fabric.l2.UplinkKind;
import io.vireo.linux.ForeignMemory;
import io.vireo.linux.Mapping;
import io.vireo.linux.NetInterface;
import io.vireo.linux.NetworkNamespace;
import io.vireo.linux.PacketSocket;
import io.vireo.net.FrameBatch;
import io.vireo.net.NetPort;
import io.vireo.net.PortState;
import io.vireo.net.Uplink;
import io.vireo.reactor.PollMode;
import io.vireo.resource.Metadata;
import io.vireo.resource.Realization;
import io.vireo.resource.spec.UplinkSpec;
import io.vireo.testkit.Eventually;
import io.vireo.testkit.Frames;
import io.vireo.testkit.HostShell;
import java.io.IOException;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * A bond of two interfaces in a namespace, which a bridge of the kernel joins with a third: what is
 * lost of a steady stream when the active link goes down. Prints the figure.
 */
class BondFailoverTest {
    private static final String NAMESPACE = "vireo-bond-" + ProcessHandle.current().pid();
    private static final int CUT_AT = 500;

    /** Frames that are sent after the other link has taken over. */
    private static final int AFTER = 1000;

    /** Of these all come. */
    private static final int SETTLED = 200;

    private static final int SEQUENCE = 20;

    private final NetBed bed = new NetBed(Path.of("/tmp"), 1, PollMode.INTERRUPT);
    private final UplinkKind kind = new UplinkKind();
    private final FrameBatch batch = new FrameBatch();

    @BeforeEach
    void wire() {
        HostShell.makeNamespace(NAMESPACE);
        inside("link add br0 type bridge");
        inside("link set br0 up");
        for (var end : List.of("0", "1", "2")) {
            inside("link add up%1$s type veth peer name sw%1$s".formatted(end));
            inside("link set up%s up".formatted(end));
            inside("link set sw%s master br0 up".formatted(end));
        }
    }

    @AfterEach
    void unwire() {
        bed.close();
        batch.close();
        HostShell.removeNamespace(NAMESPACE);
    }

    private static void inside(String arguments) {
        HostShell.run("ip -n " + NAMESPACE + " " + arguments);
    }

    @Test
    void littleIsLostWhenALinkGoesDown() throws Exception {
        realize("a", member("up0"));
        realize("b", member("up1"));
        var bond = realize("bond", NetBed.bond(5, "a", "b"));
        var port = bond.contract(NetPort.class).orElseThrow();
        onReactor(() -> port.attached(bed.reactors.data().getFirst(), () -> {}));
        Eventually.until("a link", () -> port.state() == PortState.UP);
        assertThat(isActive(bond, "a")).isTrue();
        var got = new BitSet();
        try (var listener = listen()) {
            int sent = stream(port, listener, got, () -> isActive(bond, "b"));
            report(got, sent);
        }
        onReactor(port::detached);
    }

    private static boolean isActive(Realization bond, String member) {
        return "active".equals(bond.status().attributes().get("member." + member));
    }

    private static void report(BitSet got, int sent) {
        int lost = sent - got.cardinality();
        int first = got.nextClearBit(0);
        System.out.printf(
                "bond failover by link state: %d of %d frames lost, one each ms, %d ms without%n",
                lost, sent, Math.max(0, got.nextSetBit(first) - first));
    }

    private PacketSocket listen() throws IOException {
        try (var inside = NetworkNamespace.enter(NAMESPACE)) {
            return PacketSocket.open(NetInterface.of("up2").index(), 1522);
        }
    }

    /**
     * Sends a numbered frame each millisecond, cuts the first link on the way, and goes on until
     * the other one has taken over, and for a while after that. Returns how many were sent.
     */
    private int stream(NetPort port, PacketSocket listener, BitSet got, BooleanSupplier over)
            throws Exception {
        Thread cutter = Thread.ofPlatform().unstarted(() -> inside("link set sw0 down"));
        try (var memory = Mapping.anonymous(4096)) {
            long next = System.nanoTime();
            int sent = 0;
            int end = Integer.MAX_VALUE;
            while (sent < end) {
                if (sent == CUT_AT) {
                    cutter.start();
                }
                send(port, memory, sent++);
                collect(listener, got);
                if (end == Integer.MAX_VALUE && over.getAsBoolean()) {
                    end = sent + AFTER;
                }
                next += 1_000_000;
                Thread.sleep(java.time.Duration.ofNanos(Math.max(0, next - System.nanoTime())));
            }
            cutter.join();
            int last = end;
            Eventually.until(
                    "the last frames arrive",
                    () -> {
                        collect(listener, got);
                        return got.nextClearBit(last - SETTLED) >= last;
                    });
            return sent;
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
        bed.reactors
                .data()
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

    private static UplinkSpec member(String device) {
        return NetBed.uplink(UplinkSpec.Type.PACKET, device, NAMESPACE, NetBed.MTU);
    }

    private Realization realize(String name, UplinkSpec spec) {
        var metadata = Metadata.of(name, "uid-" + name);
        assertThat(kind.validate(metadata, spec)).isEmpty();
        var realization = bed.context.realize(kind, metadata, spec);
        assertThat(realization.contract(Uplink.class)).isPresent();
        return realization;
    }
}
