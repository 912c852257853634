package io.vireo.bench;

import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** The REST interface of a daemon, at its Unix socket. */
record Api(Path socket) {
    /** The body of an answer. */
    String get(String path) {
        return call("GET " + path + " HTTP/1.0\r\nHost: localhost\r\n\r\n");
    }

    /** Declares a resource. */
    void put(String path, String body) {
        var length = body.getBytes(StandardCharsets.UTF_8).length;
        call(
                "PUT %s HTTP/1.0\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
                        .formatted(path, length, body));
    }

    /** Whether a resource is ready. */
    boolean isReady(String path) {
        return get(path).replace(" ", "").contains("\"type\":\"Ready\",\"status\":\"True\"");
    }

    private String call(String request) {
        try (var channel = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
            var bytes = ByteBuffer.wrap(request.getBytes(StandardCharsets.UTF_8));
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
            var answer =
                    new String(
                            Channels.newInputStream(channel).readAllBytes(),
                            StandardCharsets.UTF_8);
            var status = answer.split(" ", 3);
            if (status.length < 2 || !status[1].startsWith("2")) {
                throw new BenchException("Vireo answers " + answer.strip());
            }
            return answer.substring(answer.indexOf("\r\n\r\n") + 4);
        } catch (IOException e) {
            throw new BenchException("Cannot talk to Vireo at " + socket + ".", e);
        }
    }
}
