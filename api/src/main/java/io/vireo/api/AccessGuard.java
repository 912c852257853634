package io.vireo.api;

import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import jdk.net.ExtendedSocketOptions;
import jdk.net.UnixDomainPrincipal;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.server.Request;

/**
 * Who may call. On the Unix socket the kernel tells the caller's user and group: root, the daemon's
 * own user and members of the configured group may. On TCP a bearer token (RFC 6750) is needed; and
 * so that no web page can reach the interface through a browser of this host, {@code Host} must be
 * a loopback name and {@code Origin}, if there is one, its own.
 */
final class AccessGuard {
    private final byte[] token;
    private final PeerPolicy peers;

    AccessGuard(String token, PeerPolicy peers) {
        this.token = token.getBytes(StandardCharsets.US_ASCII);
        this.peers = peers;
    }

    /** Refuses requests that a foreign web page may have caused. */
    void checkOrigin(Request request) {
        SocketAddress local = request.getConnectionMetaData().getLocalSocketAddress();
        if (!(local instanceof InetSocketAddress address)) {
            return;
        }
        Set<String> own =
                Set.of(
                        "127.0.0.1:" + address.getPort(),
                        "localhost:" + address.getPort(),
                        "[::1]:" + address.getPort());
        String host =
                Optional.ofNullable(request.getHeaders().get(HttpHeader.HOST))
                        .orElse("")
                        .toLowerCase(Locale.ROOT);
        if (!own.contains(host)) {
            throw new ResourceException(
                    ErrorCode.PERMISSION_DENIED,
                    "the Host header must be 127.0.0.1:" + address.getPort());
        }
        String origin = request.getHeaders().get(HttpHeader.ORIGIN);
        if (origin != null && own.stream().noneMatch(name -> origin.equals("http://" + name))) {
            throw new ResourceException(
                    ErrorCode.PERMISSION_DENIED, "requests of other web sites are refused");
        }
    }

    /** Refuses callers that may not use the interface. */
    void authenticate(Request request) {
        Object transport =
                request.getConnectionMetaData().getConnection().getEndPoint().getTransport();
        boolean local =
                !(request.getConnectionMetaData().getLocalSocketAddress()
                        instanceof InetSocketAddress);
        if (local && transport instanceof SocketChannel channel) {
            checkPeer(channel);
        } else {
            checkToken(request);
        }
    }

    private void checkPeer(SocketChannel channel) {
        UnixDomainPrincipal peer;
        try {
            peer = channel.getOption(ExtendedSocketOptions.SO_PEERCRED);
        } catch (IOException e) {
            throw new ResourceException(
                    ErrorCode.UNAUTHENTICATED, "the kernel does not tell who calls", e);
        }
        String user = peer.user().getName();
        if (!peers.allows(user, peer.group().getName())) {
            throw new ResourceException(
                    ErrorCode.PERMISSION_DENIED,
                    "the user " + user + " may not use this daemon; " + peers.advice());
        }
    }

    private void checkToken(Request request) {
        String given = request.getHeaders().get(HttpHeader.AUTHORIZATION);
        String[] parts = given == null ? new String[0] : given.split(" ", 2);
        boolean bearer = parts.length == 2 && parts[0].equalsIgnoreCase("Bearer");
        byte[] presented = bearer ? parts[1].strip().getBytes(StandardCharsets.UTF_8) : new byte[0];
        if (!MessageDigest.isEqual(token, presented)) {
            throw new ResourceException(
                    ErrorCode.UNAUTHENTICATED,
                    "send 'Authorization: Bearer TOKEN' with the token from the file 'token' of the runtime directory");
        }
    }
}
