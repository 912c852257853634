package io.vireo.systest;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.linux.ForeignMemory;
import io.vireo.testkit.DriverMemory;
import io.vireo.testkit.Frames;
import io.vireo.testkit.VhostUserSession;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What tshark reads of a capture that a running daemon makes, by a pipe and from a file. */
class CaptureIT {
    private static final int RING = 16;
    private static final int HEADER = 12;
    private static final int BUFFER = 2048;
    private static final long ONE = 0x0200_0000_0001L;
    private static final long OTHER = 0x0200_0000_0002L;
    private static final String FIELDS =
            " -T fields -E separator=, -e frame.interface_name -e frame.packet_flags_direction"
                    + " -e eth.src -e frame.len -e frame.cap_len -e tcp.dstport -e frame.time_epoch";

    private final Bed bed = Bed.prepare(Path.of(".."), "capture");
    private final Daemon daemon = new Daemon(bed);

    /** A guest without an operating system. */
    private final class Card implements AutoCloseable {
        private final DriverMemory memory = new DriverMemory(1 << 20);
        private final VhostUserSession session;
        private final VhostUserSession.Ring receive;
        private final VhostUserSession.Ring transmit;
        private final long at;

        Card(String profile) {
            var socket = bed.run().resolve("runtime").resolve(profile).resolve("eth0.sock");
            session = VhostUserSession.open(socket, memory);
            receive = session.start(0, RING);
            transmit = session.start(1, RING);
            at = memory.allocate(BUFFER, 8);
            long room = memory.allocate(RING * BUFFER, 8);
            for (int i = 0; i < RING; i++) {
                receive.queue().add(new long[] {room + i * BUFFER}, new int[] {BUFFER}, 1, 0);
            }
            VhostUserSession.publish(receive);
        }

        void send(byte[] frame) {
            ForeignMemory.fill(memory.host(at), HEADER, (byte) 0);
            ForeignMemory.copyFromArray(frame, 0, memory.host(at + HEADER), frame.length);
            transmit.queue().add(new long[] {at}, new int[] {HEADER + frame.length}, 1, 1);
            VhostUserSession.publish(transmit);
            VhostUserSession.awaitUsed(transmit);
        }

        @Override
        public void close() {
            session.close();
            memory.close();
        }
    }

    @BeforeEach
    void start() {
        daemon.start();
        daemon.apply(Examples.localCopy(bed));
    }

    @AfterEach
    void stop() {
        daemon.close();
    }

    @Test
    @Timeout(300)
    void tsharkReadsWhatACardGetsAndSends() throws IOException {
        var file = bed.run().resolve("web1.pcapng");
        try (var web1 = new Card("web1");
                var web2 = new Card("web2")) {
            var piped =
                    start(
                            "vireo capture web1.eth0 --count 1 --snaplen 64 --direction out"
                                    + " --filter 'host 10.0.0.2 and port 2000' | tshark -n -r -"
                                    + FIELDS);
            var written = start("vireo capture web1.eth0 --direction in --count 1 -w " + file);
            // Broadcasts, so that it does not matter who is known to the switch; and a segment.
            while (piped.isAlive() || written.isAlive()) {
                web1.send(Frames.frame(Frames.BROADCAST, ONE, 300));
                web1.send(Frames.tcp4(Frames.BROADCAST, ONE, 0x10, 100));
                web2.send(Frames.frame(Frames.BROADCAST, OTHER, 400));
                Processes.pause(50);
                web2.receive.queue().poll();
            }
            var line = output(piped).split(",");
            assertThat(List.of(line).subList(0, 6))
                    .containsExactly(
                            "web1.eth0", "0x00000002", "02:00:00:00:00:01", "154", "64", "2000");
            assertThat(Double.parseDouble(line[6]))
                    .isBetween(
                            Instant.now().getEpochSecond() - 300.0,
                            Instant.now().getEpochSecond() + 1.0);
            assertThat(line[6]).matches("[0-9]+\\.[0-9]{9}");
            output(written);
        }
        assertThat(output(start("tshark -n -r " + file + FIELDS)))
                .startsWith("web1.eth0,0x00000001,02:00:00:00:00:02,400,400,,");
        assertThat(output(start("capinfos " + file)))
                .contains("Time precision = nanoseconds (9)")
                .contains("Name = web1.eth0")
                .contains("Number of stat entries = 1");
    }

    private Process start(String command) throws IOException {
        var program = bed.repository().resolve("server/target/vireo/bin").toAbsolutePath();
        var builder =
                new ProcessBuilder("bash", "-o", "pipefail", "-c", command)
                        .redirectError(bed.run().resolve("capture.err").toFile());
        builder.environment().put("VIREO_SOCKET", daemon.apiSocket().toAbsolutePath().toString());
        builder.environment().merge("PATH", program.toString(), (path, own) -> own + ":" + path);
        return builder.start();
    }

    private String output(Process process) throws IOException {
        var output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(Processes.ended(process, Duration.ofMinutes(1))).isTrue();
        assertThat(process.exitValue())
                .as(Files.readString(bed.run().resolve("capture.err")))
                .isZero();
        return output.strip();
    }
}
