package io.vireo.cli.http;

import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/**
 * An answer whose body is still to be read.
 *
 * @param headers names in lower case
 */
public record HttpResponse(
        int status, Map<String, String> headers, InputStream body, SocketChannel channel)
        implements AutoCloseable {
    /** The rest of the body as text. */
    public String text() throws IOException {
        return new String(body.readAllBytes(), StandardCharsets.UTF_8);
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
