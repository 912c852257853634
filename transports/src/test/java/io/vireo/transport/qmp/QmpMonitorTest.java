package io.vireo.transport.qmp;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.reactor.PollMode;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.ReactorConfig;
import io.vireo.transport.Monitor;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A monitor of QEMU, played by the test, in its good and bad moods. */
@Timeout(60)
class QmpMonitorTest {
    private static final String GREETING =
            "{\"QMP\": {\"version\": {\"qemu\": {\"major\": 10}}, \"capabilities\": [\"oob\"]}}";
    private static final String DONE = "{\"return\": {}}";
    private static final String EVENT = "{\"timestamp\": {\"seconds\": 1}, \"event\": \"NIC_RX\"}";

    @TempDir private Path directory;

    private final Reactor control =
            Reactor.start(new ReactorConfig("control", -1, PollMode.INTERRUPT));
    private final BlockingQueue<String> troubles = new LinkedBlockingQueue<>();

    @AfterEach
    void close() {
        control.close();
    }

    private Path socket() {
        return directory.resolve("qmp.sock");
    }

    private Monitor.Link link() {
        var held = new Monitor.Link[1];
        held[0] =
                new QmpMonitor(control)
                        .link(socket(), "vireo-eth0-net", () -> troubles.add(held[0].trouble()));
        return held[0];
    }

    /** Whoever finds the socket finds that somebody listens: between the two is a moment. */
    private ServerSocketChannel listen() throws IOException {
        Path bound = directory.resolve("bound.sock");
        var listener =
                ServerSocketChannel.open(StandardProtocolFamily.UNIX)
                        .bind(UnixDomainSocketAddress.of(bound));
        Files.move(bound, socket());
        return listener;
    }

    /**
     * Takes one client: greets, answers each command with the next answer, returns the commands.
     */
    private static List<String> serve(
            ServerSocketChannel listener, String greeting, String... answers) throws IOException {
        try (var client = listener.accept();
                var lines =
                        new BufferedReader(
                                new InputStreamReader(
                                        Channels.newInputStream(client), StandardCharsets.UTF_8))) {
            say(client, greeting);
            var commands = new ArrayList<String>();
            for (var answer : answers) {
                commands.add(lines.readLine());
                say(client, answer);
            }
            assertThat(lines.readLine()).as("after the last answer").isNull();
            return commands;
        }
    }

    private static void say(SocketChannel client, String text) throws IOException {
        for (byte[] piece : pieces(text + "\r\n")) {
            client.write(ByteBuffer.wrap(piece));
        }
    }

    /** Messages arrive in any pieces. */
    private static List<byte[]> pieces(String text) {
        int half = text.length() / 2;
        return List.of(
                text.substring(0, half).getBytes(StandardCharsets.UTF_8),
                text.substring(half).getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void setsTheLinkAndHangsUp() throws IOException {
        try (var listener = listen()) {
            var link = link();
            link.set(false);
            assertThat(serve(listener, GREETING, DONE, EVENT + "\r\n" + DONE))
                    .satisfiesExactly(
                            first -> assertThat(first).contains("\"execute\":\"qmp_capabilities\""),
                            second ->
                                    assertThat(second)
                                            .contains("\"execute\":\"set_link\"")
                                            .contains("\"name\":\"vireo-eth0-net\"")
                                            .contains("\"up\":false"));
            link.set(true);
            assertThat(serve(listener, GREETING, DONE, DONE).getLast()).contains("\"up\":true");
            assertThat(link.trouble()).isEmpty();
        }
    }

    @Test
    void triesAgainUntilItIsHeard() throws Exception {
        var link = link();
        link.set(false);
        assertThat(troubles.poll(20, TimeUnit.SECONDS)).contains("qmp.sock is not there");
        try (var listener = listen()) {
            serve(listener, GREETING, DONE, "{\"error\": {\"desc\": \"Device not found\"}}");
            assertThat(troubles.poll(20, TimeUnit.SECONDS)).contains("refuses: Device not found");
            assertThat(serve(listener, GREETING, DONE, DONE).getLast()).contains("\"up\":false");
            assertThat(troubles.poll(20, TimeUnit.SECONDS)).isEmpty();
        }
    }

    @Test
    void whatIsNoMonitorIsSaidSo() throws Exception {
        try (var listener = listen()) {
            var link = link();
            link.set(true);
            serve(listener, "SSH-2.0-OpenSSH");
            assertThat(troubles.poll(20, TimeUnit.SECONDS)).endsWith("speaks no QMP");
            serve(listener, "{\"hello\": 1}");
            link.idle();
            assertThat(troubles.poll(20, TimeUnit.SECONDS)).isEmpty();
            link.close();
        }
    }
}
