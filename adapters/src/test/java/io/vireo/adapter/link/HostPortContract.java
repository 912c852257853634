package io.vireo.adapter.link;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vireo.linux.Errno;
import io.vireo.linux.FileCalls;
import io.vireo.linux.ForeignMemory;
import io.vireo.linux.Mapping;
import io.vireo.linux.NetInterface;
import io.vireo.linux.NetworkNamespace;
import io.vireo.linux.Tap;
import io.vireo.net.FrameBatch;
import io.vireo.net.NetPort;
import io.vireo.net.Offload;
import io.vireo.net.PortState;
import io.vireo.reactor.PollMode;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.ReactorConfig;
import io.vireo.testkit.Frames;
import io.vireo.testkit.NetPortContract;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.Test;

/**
 * What every port of a host's interface does. In a namespace of its own, a bridge of the kernel
 * leads from the port to a TAP, which the test holds.
 */
public abstract class HostPortContract extends NetPortContract {
    /** Name of the interface of the port. */
    protected static final String INTERFACE = "up0";

    private static final long HERE = 0x0200_0000_0011L;
    private static final long THERE = 0x0200_0000_0012L;
    private static final String PEER = "peer0";
    private static final int PEER_HEADER = 12;
    private static final int BUFFER = 70_000;
    private static final int PATIENCE = 2000;

    private final Reactor reactor = reactor("port-test");
    private final Reactor control = reactor("control");
    private final Mapping buffer = mapping();
    private final FrameBatch batch = new FrameBatch();
    private Tap peer;
    private NetPort port;

    /** Of the last frame that departed: first eight bytes of its header. */
    private long offload;

    @SuppressWarnings("NullAway.Init") // set by open, before each test
    protected HostPortContract() {}

    private static Reactor reactor(String name) {
        return Reactor.start(new ReactorConfig(name, -1, PollMode.INTERRUPT));
    }

    private static Mapping mapping() {
        try {
            return Mapping.anonymous(BUFFER);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Makes the interface and opens the port; in its namespace.
     *
     * @return name of the interface that goes into the bridge
     */
    protected abstract String make(Reactor controlReactor) throws Exception;

    /** The port that was made. */
    protected abstract NetPort port();

    /** Closes the port. */
    protected abstract void close();

    /** Whether packets to be cut pass as they are. */
    protected abstract boolean hasOffloads();

    /** Runs a command in the namespace of the calling thread. */
    protected static void command(String... words) throws IOException, InterruptedException {
        var process = new ProcessBuilder(words).redirectErrorStream(true).start();
        var output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(Arrays.toString(words) + ": " + output).isZero();
    }

    @Override
    protected NetPort open(Runnable wake) throws Exception {
        try (var inside = NetworkNamespace.enterNew()) {
            silence();
            var bridge = NetInterface.createBridge("br0");
            var other = make(control);
            peer = Tap.open(PEER, false, Tap.TUN_F_CSUM | Tap.TUN_F_TSO4 | Tap.TUN_F_TSO6);
            for (var name : List.of(other, PEER)) {
                bridge.addPort(NetInterface.of(name));
                NetInterface.of(name).setUp(true);
            }
            bridge.setUp(true);
            for (var name : List.of(INTERFACE, other, PEER, "br0")) {
                awaitRunning(NetInterface.of(name));
            }
        }
        port = port();
        for (int i = 0; i < PATIENCE && port.state() == PortState.DOWN; i++) {
            Thread.sleep(5);
        }
        run(() -> port.attached(reactor, wake));
        return port;
    }

    /** Interfaces of this namespace say nothing by themselves: IPv6 would, at any time. */
    private static void silence() throws IOException {
        var ipv6 = Path.of("/proc/sys/net/ipv6/conf/default/disable_ipv6");
        if (Files.exists(ipv6)) {
            Files.writeString(ipv6, "1");
        }
    }

    private static void awaitRunning(NetInterface device) throws Exception {
        for (int i = 0; i < PATIENCE; i++) {
            if ((device.flags() & NetInterface.IFF_RUNNING) != 0) {
                // Whoever sets the flag holds a lock that this call needs: now it is done.
                device.setUp(true);
                return;
            }
            Thread.sleep(5);
        }
        throw new AssertionError(device + " does not run");
    }

    @Override
    protected void run(Runnable task) throws Exception {
        var done = new CompletableFuture<Boolean>();
        reactor.execute(() -> {
            try {
                task.run();
                done.complete(true);
            } catch (Throwable e) {
                done.completeExceptionally(e);
            }
        });
        try {
            done.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RuntimeException cause) {
                throw cause;
            }
            throw e;
        }
    }

    @Override
    protected void arrive(byte[] frame) {
        arrive(frame, 0, 0);
    }

    private void arrive(byte[] frame, long header, int checksumOffset) {
        ForeignMemory.putLong(buffer.address(), header);
        ForeignMemory.putInt(buffer.address() + Long.BYTES, checksumOffset);
        ForeignMemory.copyFromArray(frame, 0, buffer.address() + PEER_HEADER, frame.length);
        long length = PEER_HEADER + frame.length;
        assertThat(FileCalls.write(peer.fd().number(), buffer.address(), length)).isEqualTo(length);
    }

    @Override
    protected List<byte[]> departed() {
        var frames = new ArrayList<byte[]>();
        long count = FileCalls.read(peer.fd().number(), buffer.address(), BUFFER);
        while (count >= 0) {
            offload = ForeignMemory.getLong(buffer.address());
            var frame = new byte[(int) count - PEER_HEADER];
            ForeignMemory.copyToArray(buffer.address() + PEER_HEADER, frame, 0, frame.length);
            frames.add(frame);
            count = FileCalls.read(peer.fd().number(), buffer.address(), BUFFER);
        }
        assertThat(count).isEqualTo(-Errno.EAGAIN);
        return frames;
    }

    @Override
    protected void shut() throws Exception {
        run(() -> port.detached());
        close();
        peer.close();
        buffer.unmap();
        batch.close();
        reactor.close();
        control.close();
    }

    @Test
    void isPluggedIntoOneNetworkOnly() {
        assertThatThrownBy(() -> run(() -> port.attached(reactor, () -> {})))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("another network");
    }

    @Test
    void tagsArriveAsTheyWereSent() throws Exception {
        for (int length : new int[] {60, 61, 64, 200, 1514}) {
            var frame = Frames.tagged(Frames.frame(HERE, THERE, length), 0x6005);
            arrive(frame);
            assertThat(receive(frame.length, 16)).isEqualTo(frame);
        }
    }

    @Test
    void whatIsSentDoesNotComeBack() throws Exception {
        transmit(Frames.frame(THERE, HERE, 100), 0, 0);
        var frame = Frames.frame(HERE, THERE, 101);
        arrive(frame);
        assertThat(receive(101, 12)).isEqualTo(frame);
    }

    @Test
    void largePacketsArriveWhole() throws Exception {
        if (!hasOffloads()) {
            return;
        }
        var large = Frames.tcp4(HERE, THERE, 0x10, 30_000);
        arrive(large, tcp4(1448), 16);
        var received = receive(large.length, -1);
        assertThat(received).startsWith(Arrays.copyOf(large, 24));
        assertThat(Arrays.copyOfRange(received, 54, received.length))
                .isEqualTo(Arrays.copyOfRange(large, 54, large.length));
        assertThat(Offload.gsoType(offload)).isEqualTo(Offload.GSO_TCPV4);
        assertThat(Offload.gsoSize(offload)).isEqualTo(1448);
        assertThat(Offload.checksumStart(offload)).isEqualTo(34);
    }

    @Test
    void largePacketsDepart() throws Exception {
        var large = Frames.tcp4(THERE, HERE, 0x10, 14_480);
        transmit(large, tcp4(1448), 16);
        var payload = new java.io.ByteArrayOutputStream();
        int segments = 0;
        for (int i = 0; i < PATIENCE && payload.size() < 14_480; i++) {
            for (var frame : departed()) {
                if (isTcp4(frame)) {
                    payload.write(frame, 54, frame.length - 54);
                    segments++;
                }
            }
            Thread.sleep(5);
        }
        assertThat(payload.toByteArray()).isEqualTo(Arrays.copyOfRange(large, 54, large.length));
        assertThat(segments).isEqualTo(hasOffloads() ? 1 : 10);
    }

    /** The kernel sends packets of its own, but not of TCP. */
    private static boolean isTcp4(byte[] frame) {
        return Frames.get(frame, 12) == 0x0800 && frame[23] == 6;
    }

    private static long tcp4(int segment) {
        return Offload.of(Offload.NEEDS_CHECKSUM, Offload.GSO_TCPV4, 54, segment, 34);
    }

    private void transmit(byte[] frame, long header, int checksumOffset) throws Exception {
        try (var memory = Mapping.anonymous(BUFFER)) {
            run(() -> {
                batch.clear();
                batch.sentBytes = 0;
                Frames.append(batch, frame, memory.address());
                batch.offload[0] = header;
                batch.checksumOffset[0] = (short) checksumOffset;
                assertThat(port.transmit(batch, new int[] {0}, 1)).isEqualTo(1);
                port.flush();
            });
        }
    }

    /**
     * Waits for a frame of a length, with our type at an offset, or TCP if that is negative, and
     * notes its offload.
     */
    private byte[] receive(int length, int typeAt) throws Exception {
        var found = new ArrayList<byte[]>();
        for (int i = 0; i < PATIENCE && found.isEmpty(); i++) {
            run(() -> {
                batch.clear();
                if (port.receive(batch) > 0) {
                    for (int k = 0; k < batch.count; k++) {
                        var frame = Frames.of(batch, k);
                        if (typeAt < 0
                                ? isTcp4(frame)
                                : Frames.get(frame, typeAt) == Frames.EXPERIMENTAL) {
                            found.add(frame);
                            offload = batch.offload[k];
                        }
                    }
                    port.release(batch);
                }
            });
            Thread.sleep(5);
        }
        assertThat(found).hasSize(1);
        assertThat(found.getFirst()).hasSize(length);
        return found.getFirst();
    }
}
