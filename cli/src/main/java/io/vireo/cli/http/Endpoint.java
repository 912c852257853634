package io.vireo.cli.http;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Where the daemon listens.
 *
 * @param host value of the {@code Host} header
 * @param token bearer token for TCP
 * @param title for messages
 */
public record Endpoint(SocketAddress address, String host, Optional<String> token, String title) {
    private static final int DEFAULT_PORT = 7480;

    /** A Unix socket. */
    public static Endpoint unix(Path socket) {
        return new Endpoint(
                UnixDomainSocketAddress.of(socket),
                "localhost",
                Optional.empty(),
                socket.toString());
    }

    /**
     * A loopback address.
     *
     * @throws IllegalArgumentException if it is not of the form {@code http://127.0.0.1:7480}
     */
    public static Endpoint tcp(String url, String token) {
        URI uri;
        try {
            uri = new URI(url);
        } catch (URISyntaxException e) {
            throw noAddress(url);
        }
        String host = uri.getHost();
        if (!"http".equals(uri.getScheme()) || host == null) {
            throw noAddress(url);
        }
        int port = uri.getPort() < 0 ? DEFAULT_PORT : uri.getPort();
        return new Endpoint(
                new InetSocketAddress(host, port), host + ":" + port, Optional.of(token), url);
    }

    private static IllegalArgumentException noAddress(String url) {
        return new IllegalArgumentException(
                "'" + url + "' is no address of a daemon; write http://127.0.0.1:7480");
    }

    SocketChannel connect() throws IOException {
        var channel =
                SocketChannel.open(
                        address instanceof UnixDomainSocketAddress
                                ? StandardProtocolFamily.UNIX
                                : StandardProtocolFamily.INET);
        try {
            channel.connect(address);
            return channel;
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }
}
