package io.vireo.systest;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** HTTP/1.0 over a Unix socket, which the JDK's client does not speak. */
final class UnixHttp {
    private UnixHttp() {}

    /** Whether a GET is answered with status 200. */
    static boolean answers(Path socket, String path) {
        try {
            return response(socket, path).startsWith("200 ");
        } catch (IOException e) {
            return false;
        }
    }

    /**
     * The body of a resource.
     *
     * @throws ScenarioException if there is no answer or its status is not 200
     */
    static String get(Path socket, String path) {
        try {
            String response = response(socket, path);
            if (!response.startsWith("200 ")) {
                throw new ScenarioException("GET " + path + " is answered with " + response);
            }
            return response.substring(response.indexOf("\r\n\r\n") + 4);
        } catch (IOException e) {
            throw new ScenarioException("GET " + path + ": " + e.getMessage(), e);
        }
    }

    /**
     * The response from its status code on. Version 1.0 has no chunks: the body ends with the
     * stream.
     */
    private static String response(Path socket, String path) throws IOException {
        try (var channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            channel.connect(UnixDomainSocketAddress.of(socket));
            String request = "GET " + path + " HTTP/1.0\r\nHost: localhost\r\n\r\n";
            channel.write(ByteBuffer.wrap(request.getBytes(StandardCharsets.US_ASCII)));
            var bytes = new ByteArrayOutputStream();
            var buffer = ByteBuffer.allocate(64 * 1024);
            while (channel.read(buffer) >= 0) {
                bytes.write(buffer.array(), 0, buffer.position());
                buffer.clear();
            }
            String text = bytes.toString(StandardCharsets.UTF_8);
            int space = text.indexOf(' ');
            if (space < 0) {
                throw new IOException("no answer to GET " + path);
            }
            return text.substring(space + 1);
        }
    }
}
