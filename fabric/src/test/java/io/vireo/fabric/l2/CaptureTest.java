package io.vireo.fabric.l2;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.tuple;

import io.vireo.net.CaptureSpec;
import io.vireo.net.CaptureSpec.Direction;
import io.vireo.net.PortSpec;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;
import io.vireo.resource.VlanSet;
import io.vireo.resource.spec.MirrorDestinationSpec;
import io.vireo.resource.spec.MirrorSourceSpec;
import io.vireo.resource.spec.MirrorSpec;
import io.vireo.testkit.FramePort;
import io.vireo.testkit.Frames;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Captures read back block by block. The test is the reactor; the writer has its own thread. */
@Timeout(60)
class CaptureTest {
    private static final long A = 0x5254_0000_000AL;
    private static final long B = 0x5254_0000_000BL;
    private static final int SECTION = 0x0A0D0D0A;
    private static final int INTERFACE = 1;
    private static final int STATISTICS = 5;
    private static final int PACKET = 6;
    private static final int IN = 1;
    private static final int OUT = 2;

    private final Bridge bridge = new Bridge(9000, VlanSet.NONE, 1000, 300);
    private final FramePort a = new FramePort("a.eth0", 9000);
    private final FramePort b = new FramePort("b.eth0", 9000);
    private final BridgePort portA = bridge.add(a, PortSpec.access(7));
    private final BridgePort portB = bridge.add(b, PortSpec.transparent(true));
    private final LinkedBlockingQueue<Runnable> tasks = new LinkedBlockingQueue<>();

    private record Frame(long nanos, int direction, int length, byte[] bytes) {}

    /** A capture under way. */
    private final class Running {
        final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        final Thread writer;
        private volatile @Nullable IOException failure;

        Running(BridgePort port, CaptureSpec spec, @Nullable OutputStream to)
                throws InterruptedException {
            var capture =
                    new Capture(new PortCaptures(bridge, port, tasks::add), spec, "in network lan");
            writer =
                    Thread.ofVirtual()
                            .start(() -> {
                                try {
                                    capture.writeTo(to == null ? bytes : to);
                                } catch (IOException e) {
                                    failure = e;
                                } catch (InterruptedException e) {
                                    Thread.currentThread().interrupt();
                                }
                            });
            tasks.take().run();
        }

        List<ByteBuffer> blocks() throws InterruptedException {
            writer.join();
            tasks.take().run();
            return CaptureTest.blocks(bytes.toByteArray());
        }
    }

    @AfterEach
    void close() {
        bridge.close();
    }

    private Running capture(Direction direction, int snapLength, long count, String filter)
            throws InterruptedException {
        return new Running(portA, new CaptureSpec(direction, snapLength, count, filter), null);
    }

    private void send(BridgePort from, byte[]... frames) {
        for (var frame : frames) {
            ((FramePort) from.port).arrive(frame);
        }
        while (bridge.pass(from) > 0) {}
    }

    /** Takes a file apart and checks its form. */
    static List<ByteBuffer> blocks(byte[] file) {
        var blocks = new ArrayList<ByteBuffer>();
        var all = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
        while (all.hasRemaining()) {
            int length = all.getInt(all.position() + 4);
            assertThat(length % 4).isZero();
            assertThat(all.getInt(all.position() + length - 4)).isEqualTo(length);
            blocks.add(all.slice(all.position(), length).order(ByteOrder.LITTLE_ENDIAN));
            all.position(all.position() + length);
        }
        assertThat(blocks.get(0).getInt(0)).isEqualTo(SECTION);
        assertThat(blocks.get(0).getInt(8)).isEqualTo(0x1A2B3C4D);
        assertThat(blocks.get(1).getInt(0)).isEqualTo(INTERFACE);
        assertThat(blocks.getLast().getInt(0)).isEqualTo(STATISTICS);
        return blocks;
    }

    private static List<Frame> frames(List<ByteBuffer> blocks) {
        return blocks.stream()
                .filter(block -> block.getInt(0) == PACKET)
                .map(block -> {
                    int captured = block.getInt(20);
                    var bytes = new byte[captured];
                    block.get(28, bytes);
                    int flags = 28 + (captured + 3 & -4);
                    assertThat(block.getShort(flags)).isEqualTo((short) 2);
                    long nanos =
                            (long) block.getInt(12) << 32
                                    | Integer.toUnsignedLong(block.getInt(16));
                    return new Frame(nanos, block.getInt(flags + 4), block.getInt(24), bytes);
                })
                .toList();
    }

    /** An option of a block whose options begin at an offset. */
    private static byte[] option(ByteBuffer block, int from, int code) {
        int at = from;
        while (block.getShort(at) != code) {
            assertThat(block.getShort(at)).isNotZero();
            at += 4 + (block.getShort(at + 2) + 3 & -4);
        }
        var value = new byte[block.getShort(at + 2)];
        block.get(at + 4, value);
        return value;
    }

    private static long statistic(List<ByteBuffer> blocks, int code) {
        return ByteBuffer.wrap(option(blocks.getLast(), 20, code))
                .order(ByteOrder.LITTLE_ENDIAN)
                .getLong();
    }

    @Test
    void framesAreWrittenAsTheStationHasThem() throws InterruptedException {
        long before = Instant.now().toEpochMilli() - 1;
        var running = capture(Direction.BOTH, CaptureSpec.SNAP_LENGTH_MAX, 3, "");
        var ask = Frames.frame(Frames.BROADCAST, A, 61);
        var answer = Frames.frame(A, B, 9014);
        send(portA, ask);
        send(portB, Frames.tagged(answer, 7), Frames.frame(A, B, 100));
        send(portA, ask);
        var blocks = running.blocks();
        var frames = frames(blocks);
        assertThat(frames).extracting(Frame::direction).containsExactly(OUT, IN, OUT);
        assertThat(frames).extracting(Frame::bytes).containsExactly(ask, answer, ask);
        assertThat(frames).extracting(Frame::length).containsExactly(61, 9014, 61);
        assertThat(frames.getFirst().nanos() / 1_000_000)
                .isBetween(before, Instant.now().toEpochMilli());
        assertThat(frames).isSortedAccordingTo((x, y) -> Long.compare(x.nanos(), y.nanos()));
        assertThat(new String(option(blocks.get(1), 16, 2), StandardCharsets.UTF_8))
                .isEqualTo("a.eth0");
        assertThat(option(blocks.get(1), 16, 9)).containsExactly(9);
        assertThat(statistic(blocks, 4)).isEqualTo(3);
        assertThat(statistic(blocks, 5)).isZero();
        assertThat(portA.ingress).isSameAs(PortStage.NONE);
        assertThat(portA.egress).isSameAs(PortStage.NONE);
    }

    @Test
    void oneDirectionAndASnapLength() throws InterruptedException {
        var running = capture(Direction.IN, 64, 2, "");
        var small = Frames.frame(A, B, 60);
        var large = Frames.frame(A, B, 1500);
        send(portA, Frames.frame(B, A, 70));
        send(portB, Frames.tagged(small, 7), Frames.tagged(large, 7));
        var frames = frames(running.blocks());
        assertThat(frames)
                .extracting(Frame::bytes)
                .containsExactly(small, Arrays.copyOf(large, 64));
        assertThat(frames).extracting(Frame::length).containsExactly(60, 1500);
        assertThat(a.sent()).containsExactly(small, large);
    }

    @Test
    void aFilterChooses() throws InterruptedException {
        var running = capture(Direction.BOTH, 65_536, 1, "host 10.0.0.2 and port 2000 and vlan 7");
        var wanted = Frames.tcp4(B, A, 0x10, 5);
        send(portA, Frames.tcp6(B, A, 0x10, 5), Frames.frame(B, A, 100), wanted);
        var blocks = running.blocks();
        assertThat(frames(blocks)).extracting(Frame::bytes).containsExactly(wanted);
        assertThat(statistic(blocks, 4)).isEqualTo(3);
        assertThat(statistic(blocks, 6)).isEqualTo(1);
    }

    @Test
    void whatIsDroppedByAPolicyOfThePortIsSeenAndNothingIsHeldUp() throws InterruptedException {
        var stuck = new CountDownLatch(1);
        var begun = new CountDownLatch(1);
        var bytes = new ByteArrayOutputStream();
        var slow =
                new OutputStream() {
                    @Override
                    public void write(int b) {
                        throw new UnsupportedOperationException();
                    }

                    @Override
                    public void write(byte[] from, int offset, int length) throws IOException {
                        begun.countDown();
                        try {
                            stuck.await();
                        } catch (InterruptedException e) {
                            throw new IOException(e);
                        }
                        bytes.write(from, offset, length);
                    }
                };
        int sent = 1024;
        var running =
                new Running(
                        portA, new CaptureSpec(Direction.OUT, 65_536, Long.MAX_VALUE, ""), slow);
        begun.await();
        var frame = Frames.frame(B, A, 9014);
        for (int i = 0; i < sent; i++) {
            send(portA, frame);
        }
        assertThat(b.sent()).as("frames themselves").hasSize(sent);
        stuck.countDown();
        bridge.remove(portA);
        running.writer.join();
        var blocks = blocks(bytes.toByteArray());
        long lost = statistic(blocks, 5);
        assertThat(lost).isPositive();
        assertThat(frames(blocks).size() + lost).isEqualTo(sent);
        assertThat(statistic(blocks, 4)).isEqualTo(sent);
    }

    @Test
    void aReaderThatGoesEndsTheCapture() throws InterruptedException {
        var gone =
                new OutputStream() {
                    private int writes;

                    @Override
                    public void write(int b) {
                        throw new UnsupportedOperationException();
                    }

                    @Override
                    public void write(byte[] from, int offset, int length) throws IOException {
                        if (writes++ > 0) {
                            throw new IOException("connection reset");
                        }
                    }
                };
        var running = new Running(portA, CaptureSpec.ALL, gone);
        send(portA, Frames.frame(B, A, 60));
        running.writer.join();
        assertThat(running.failure).hasMessage("connection reset");
        tasks.take().run();
        assertThat(portA.ingress).isSameAs(PortStage.NONE);
        assertThat(portA.egress).isSameAs(PortStage.NONE);
    }

    @Test
    void aPortThatIsGoneEndsTheCapture() throws InterruptedException {
        bridge.remove(portA);
        var running = capture(Direction.BOTH, 100, 5, "");
        assertThat(frames(running.blocks())).isEmpty();
    }

    @Test
    void copiesOfAMirrorAreSeenToo() throws InterruptedException {
        var probe = new FramePort("probe.eth0", 9000);
        var portP = bridge.add(probe, PortSpec.access(0));
        bridge.add(
                new Mirror(
                        new MirrorSpec(
                                "lan",
                                List.of(
                                        new MirrorSourceSpec(
                                                Optional.of("a.eth0"),
                                                Optional.empty(),
                                                MirrorSpec.Direction.INGRESS)),
                                new MirrorDestinationSpec(
                                        Optional.of("probe.eth0"), Optional.empty(), false),
                                OptionalInt.empty(),
                                OptionalInt.empty(),
                                1),
                        () -> {}));
        var running = new Running(portP, new CaptureSpec(Direction.BOTH, 100, 1, ""), null);
        var frame = Frames.frame(B, A, 99);
        send(portA, frame);
        assertThat(frames(running.blocks()))
                .extracting(Frame::bytes, Frame::direction)
                .containsExactly(tuple(frame, IN));
    }

    @Test
    void thereIsALimitOfCaptures() throws InterruptedException {
        var running = new ArrayList<Running>();
        for (int i = 0; i < Capture.MAX; i++) {
            running.add(capture(Direction.OUT, 100, 1, ""));
        }
        assertThatExceptionOfType(ResourceException.class)
                .isThrownBy(() -> capture(Direction.OUT, 100, 1, ""))
                .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.EXHAUSTED));
        send(portA, Frames.frame(B, A, 60));
        for (var each : running) {
            assertThat(frames(each.blocks())).hasSize(1);
        }
    }

    @Test
    void aFilterThatIsNotUnderstoodIsRefused() {
        for (var text :
                List.of(
                        "tcp",
                        "port",
                        "port 70000",
                        "port x",
                        "host 10.0.0",
                        "vlan 1 or vlan 2",
                        "vlan 1 and",
                        "mac 1",
                        "ethertype 0x12345",
                        "proto 256",
                        "colour red")) {
            assertThatExceptionOfType(ResourceException.class)
                    .as(text)
                    .isThrownBy(() ->
                            new Capture(
                                    new PortCaptures(bridge, portA, tasks::add),
                                    new CaptureSpec(Direction.BOTH, 100, 1, text),
                                    ""))
                    .withMessageContaining("filter")
                    .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID));
        }
    }
}
