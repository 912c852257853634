package io.vireo.cli;

import io.vireo.cli.http.Endpoint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Options that say where the daemon is; every command that talks to it has them. */
final class Connection {
    private static final String RUNTIME_DIRECTORY = "/run/vireo";

    @Option(
            names = "--socket",
            paramLabel = "PATH",
            description =
                    "Unix socket of the daemon. Default: $VIREO_SOCKET, else "
                            + RUNTIME_DIRECTORY
                            + "/api.sock.")
    @Nullable Path socket;

    @Option(
            names = "--server",
            paramLabel = "URL",
            description =
                    "Talk to http://127.0.0.1:7480 instead of the socket. Default: $VIREO_SERVER.")
    @Nullable String server;

    @Option(
            names = "--token-file",
            paramLabel = "PATH",
            description =
                    "Token for --server. Default: $VIREO_TOKEN_FILE, else "
                            + RUNTIME_DIRECTORY
                            + "/token.")
    @Nullable Path tokenFile;

    ApiClient open() {
        return new ApiClient(endpoint(System.getenv()));
    }

    private Endpoint endpoint(Map<String, String> environment) {
        String url = server != null ? server : environment.get("VIREO_SERVER");
        if (url == null || socket != null) {
            String byEnvironment =
                    environment.getOrDefault("VIREO_SOCKET", RUNTIME_DIRECTORY + "/api.sock");
            return Endpoint.unix(socket != null ? socket : Path.of(byEnvironment));
        }
        String byEnvironment =
                environment.getOrDefault("VIREO_TOKEN_FILE", RUNTIME_DIRECTORY + "/token");
        Path file = tokenFile != null ? tokenFile : Path.of(byEnvironment);
        try {
            // An address that is wrong is told before a token that it would not need.
            Endpoint.tcp(url, "");
            return Endpoint.tcp(url, Files.readString(file).strip());
        } catch (IOException e) {
            throw new CliException(
                    ExitCode.USAGE,
                    "cannot read the token "
                            + file
                            + ": "
                            + Sources.reason(e)
                            + "; name it with --token-file, or become a member of its group");
        } catch (IllegalArgumentException e) {
            throw new CliException(ExitCode.USAGE, String.valueOf(e.getMessage()));
        }
    }
}
