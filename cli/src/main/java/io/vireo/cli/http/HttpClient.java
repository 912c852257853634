package io.vireo.cli.http;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** Sends requests of HTTP/1.1 (RFC 9112), one for each connection. */
public final class HttpClient {
    private static final int MAX_LINE = 16 * 1024;
    private static final int MAX_HEADERS = 100;

    private final Endpoint endpoint;

    public HttpClient(Endpoint endpoint) {
        this.endpoint = endpoint;
    }

    /** Where requests go. */
    public Endpoint endpoint() {
        return endpoint;
    }

    /**
     * Sends a request and reads the head of the answer; the body is read by the caller, who closes
     * the response.
     *
     * @param headers more header fields
     * @param body sent if not empty
     * @throws UnreachableException if there is no connection
     * @throws IOException if the connection breaks, or the answer is no HTTP
     */
    public HttpResponse send(String method, String path, Map<String, String> headers, byte[] body)
            throws IOException {
        SocketChannel channel;
        try {
            channel = endpoint.connect();
        } catch (IOException e) {
            throw new UnreachableException(endpoint, e);
        }
        try {
            write(channel, head(method, path, headers, body.length));
            write(channel, body);
            return read(channel);
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    private byte[] head(String method, String path, Map<String, String> headers, int length) {
        StringBuilder head = new StringBuilder();
        head.append(method).append(' ').append(path).append(" HTTP/1.1\r\n");
        head.append("Host: ").append(endpoint.host()).append("\r\nConnection: close\r\n");
        endpoint.token()
                .ifPresent(token ->
                        head.append("Authorization: Bearer ").append(token).append("\r\n"));
        headers.forEach(
                (name, value) -> head.append(name).append(": ").append(value).append("\r\n"));
        if (length > 0) {
            head.append("Content-Length: ").append(length).append("\r\n");
        }
        return head.append("\r\n").toString().getBytes(StandardCharsets.ISO_8859_1);
    }

    private static void write(SocketChannel channel, byte[] bytes) throws IOException {
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        while (buffer.hasRemaining()) {
            channel.write(buffer);
        }
    }

    private static HttpResponse read(SocketChannel channel) throws IOException {
        InputStream in = new BufferedInputStream(Channels.newInputStream(channel));
        String[] status = line(in).split(" ", 3);
        if (status.length < 2
                || !status[0].startsWith("HTTP/1.")
                || !status[1].matches("[0-9]{3}")) {
            throw new IOException("the answer is no HTTP; is another program listening there?");
        }
        Map<String, String> headers = new TreeMap<>();
        for (String line = line(in); !line.isEmpty(); line = line(in)) {
            int colon = line.indexOf(':');
            if (colon < 1 || headers.size() == MAX_HEADERS) {
                throw new IOException("the head of the answer is malformed");
            }
            headers.put(
                    line.substring(0, colon).toLowerCase(Locale.ROOT),
                    line.substring(colon + 1).strip());
        }
        boolean chunked = "chunked".equalsIgnoreCase(headers.get("transfer-encoding"));
        String length = headers.get("content-length");
        InputStream body = in;
        if (chunked) {
            body = new ChunkedInputStream(in);
        } else if (length != null) {
            body = new BoundedInputStream(in, Long.parseLong(length));
        }
        return new HttpResponse(Integer.parseInt(status[1]), headers, body, channel);
    }

    /** One line without its end, which is CRLF or, leniently (RFC 9112 section 2.2), LF. */
    static String line(InputStream in) throws IOException {
        var line = new ByteArrayOutputStream();
        for (int octet = in.read(); octet != '\n'; octet = in.read()) {
            if (octet < 0) {
                throw new IOException("the daemon closed the connection");
            }
            if (line.size() == MAX_LINE) {
                throw new IOException("a line of the answer is longer than " + MAX_LINE + " bytes");
            }
            line.write(octet);
        }
        String text = line.toString(StandardCharsets.ISO_8859_1);
        return text.endsWith("\r") ? text.substring(0, text.length() - 1) : text;
    }
}
