package io.vireo.api;

import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.Optional;

/** The socket and the token in the runtime directory. */
final class RuntimeFiles {
    private static final String SOCKET_MODE = "rw-rw----";
    private static final String TOKEN_MODE = "rw-r-----";
    private static final int TOKEN_BYTES = 32;
    private static final int MAX_SOCKET_PATH = 107;

    private final ApiConfig config;

    RuntimeFiles(ApiConfig config) {
        this.config = config;
    }

    /** Refuses a path that is longer than sun_path of unix(7) takes. */
    void checkPath() {
        int bytes = config.socket().toString().getBytes(StandardCharsets.UTF_8).length;
        if (bytes > MAX_SOCKET_PATH) {
            throw new ResourceException(
                    ErrorCode.INVALID,
                    "a socket cannot be at "
                            + config.socket()
                            + ", whose path has "
                            + bytes
                            + " bytes, "
                            + MAX_SOCKET_PATH
                            + " at most: choose a shorter runtime directory");
        }
    }

    /** Removes a socket that an earlier daemon left; refuses if one still answers there. */
    void removeStaleSocket() throws IOException {
        Path socket = config.socket();
        if (!Files.exists(socket, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        try (var probe = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            probe.connect(UnixDomainSocketAddress.of(socket));
            throw new ResourceException(
                    ErrorCode.CONFLICT,
                    "another daemon answers at "
                            + socket
                            + "; stop it, or use another runtime directory");
        } catch (IOException _) {
            Files.delete(socket);
        }
    }

    /** Gives the bound socket its owner and mode. */
    void secureSocket() throws IOException {
        secure(config.socket(), SOCKET_MODE);
    }

    /** Writes a new token, readable for owner and group only from its first moment on. */
    String writeToken() throws IOException {
        byte[] random = new byte[TOKEN_BYTES];
        new SecureRandom().nextBytes(random);
        String token = HexFormat.of().formatHex(random);
        Path draft = config.tokenFile().resolveSibling("token.new");
        Files.deleteIfExists(draft);
        Files.createFile(
                draft,
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        Files.writeString(draft, token + "\n", StandardCharsets.US_ASCII);
        secure(draft, TOKEN_MODE);
        Files.move(draft, config.tokenFile(), StandardCopyOption.ATOMIC_MOVE);
        return token;
    }

    private void secure(Path file, String mode) throws IOException {
        var view =
                Files.getFileAttributeView(
                        file, PosixFileAttributeView.class, LinkOption.NOFOLLOW_LINKS);
        var users = file.getFileSystem().getUserPrincipalLookupService();
        Optional<String> group = config.group();
        if (group.isPresent()) {
            view.setGroup(users.lookupPrincipalByGroupName(group.get()));
        }
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(mode));
        Optional<String> owner = config.owner();
        if (owner.isPresent()) {
            view.setOwner(users.lookupPrincipalByName(owner.get()));
        }
    }
}
