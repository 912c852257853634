package io.vireo.cli.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The client against answers of all kinds, right and wrong. */
final class HttpClientTest {
    @TempDir Path directory;

    private String body(String answer) throws IOException {
        Path socket = directory.resolve("s" + System.nanoTime());
        try (var listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            listener.bind(UnixDomainSocketAddress.of(socket));
            Thread.ofVirtual().start(() -> serve(listener, answer));
            try (HttpResponse response =
                    new HttpClient(Endpoint.unix(socket)).send("GET", "/", Map.of(), new byte[0])) {
                return response.status() + " " + response.text();
            }
        }
    }

    private static void serve(ServerSocketChannel listener, String answer) {
        try (var channel = listener.accept()) {
            channel.read(ByteBuffer.allocate(4096));
            channel.write(ByteBuffer.wrap(answer.getBytes(StandardCharsets.ISO_8859_1)));
        } catch (IOException _) {
            // The client is not interested any more.
        }
    }

    @Test
    void readsBodiesOfEveryFraming() throws IOException {
        assertThat(body("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef")).isEqualTo("200 abc");
        assertThat(body("HTTP/1.1 404 Not Found\r\n\r\nuntil the end"))
                .isEqualTo("404 until the end");
        assertThat(
                        body(
                                "HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nT: x\r\n\r\n"))
                .isEqualTo("200 abc0123456789");
    }

    @Test
    void refusesWhatIsNoAnswer() {
        assertThatThrownBy(() -> body("SSH-2.0-OpenSSH\r\n\r\n")).hasMessageContaining("no HTTP");
        assertThatThrownBy(() -> body("")).hasMessageContaining("closed the connection");
        assertThatThrownBy(() -> body("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"))
                .hasMessageContaining("early");
        assertThatThrownBy(
                        () -> body("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"))
                .hasMessageContaining("malformed chunk");
        assertThatThrownBy(() -> body("HTTP/1.1 200 OK\r\n" + "x".repeat(20_000)))
                .hasMessageContaining("longer");
    }

    @Test
    void readsEvents() throws IOException {
        String stream =
                ": hello\nretry: 5\n\nid: 1\nevent: ADDED\ndata: {\ndata: }\n\n\nid: 2\ndata:x\n\nid: 3\ndata: cut";
        var reader =
                new EventReader(new ByteArrayInputStream(stream.getBytes(StandardCharsets.UTF_8)));

        assertThat(reader.next()).contains(new EventReader.ServerEvent("1", "ADDED", "{\n}"));
        assertThat(reader.next()).contains(new EventReader.ServerEvent("2", "message", "x"));
        assertThat(reader.next()).isEmpty();
    }
}
