package io.vireo.api;

import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Configuration of the REST interface.
 *
 * @param runtimeDirectory holds {@code api.sock} and {@code token}; exists
 * @param owner user who shall own socket and token; absent: the daemon's
 * @param group group whose members may use the socket and read the token; absent: the daemon's
 * @param port TCP port on 127.0.0.1; 0: any free one; absent: no TCP
 * @param version of the daemon
 */
public record ApiConfig(
        Path runtimeDirectory,
        Optional<String> owner,
        Optional<String> group,
        OptionalInt port,
        String version) {
    /** The TCP port that is used if none is given. */
    public static final int DEFAULT_PORT = 7480;

    /** The Unix socket. */
    public Path socket() {
        return runtimeDirectory.resolve("api.sock");
    }

    /** The file with the token for TCP. */
    public Path tokenFile() {
        return runtimeDirectory.resolve("token");
    }
}
