package io.vireo.api;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** Sends bytes as they are, right or wrong, and returns what comes back. */
record RawHttp(SocketAddress address) {
    static RawHttp unix(Path socket) {
        return new RawHttp(UnixDomainSocketAddress.of(socket));
    }

    static RawHttp tcp(int port) {
        return new RawHttp(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
    }

    SocketChannel open() throws IOException {
        boolean unix = address instanceof UnixDomainSocketAddress;
        SocketChannel channel =
                SocketChannel.open(
                        unix ? StandardProtocolFamily.UNIX : StandardProtocolFamily.INET);
        channel.connect(address);
        return channel;
    }

    static void send(SocketChannel channel, String text) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    /** The whole answer to a request that asks for the connection to be closed. */
    String exchange(String request) throws IOException {
        try (SocketChannel channel = open()) {
            send(channel, request);
            return new String(
                    Channels.newInputStream(channel).readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    String request(String method, String path, String headers, String body) throws IOException {
        String length =
                body.isEmpty()
                        ? ""
                        : "Content-Length: "
                                + body.getBytes(StandardCharsets.UTF_8).length
                                + "\r\n";
        String type =
                body.isEmpty() || headers.contains("Content-Type")
                        ? ""
                        : "Content-Type: application/json\r\n";
        return exchange(
                method
                        + " "
                        + path
                        + " HTTP/1.1\r\nConnection: close\r\n"
                        + headers
                        + type
                        + length
                        + "\r\n"
                        + body);
    }
}
