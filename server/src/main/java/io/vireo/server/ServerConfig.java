package io.vireo.server;

import io.vireo.api.ApiConfig;
import io.vireo.control.identity.IdentityConfig;
import io.vireo.linux.Credentials;
import io.vireo.reactor.PollMode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.Pattern;
import picocli.CommandLine.Option;

/**
 * What {@code vireo serve} is told: by options, by the file given with {@code --config}, or by
 * default.
 */
final class ServerConfig {
    private static final Pattern LOOPBACK =
            Pattern.compile("(?:127\\.0\\.0\\.1|localhost):(\\d{1,5})");

    private static final int REACTORS_MAX = 64;

    @Option(
            names = "--runtime-dir",
            defaultValue = "/run/vireo",
            paramLabel = "DIR",
            description = "Where sockets and the API token live. Default: ${DEFAULT-VALUE}")
    Path runtimeDir = Path.of("/run/vireo");

    @Option(
            names = "--state-dir",
            defaultValue = "/var/lib/vireo",
            paramLabel = "DIR",
            description = "Where the store lives. Default: ${DEFAULT-VALUE}")
    Path stateDir = Path.of("/var/lib/vireo");

    @Option(
            names = "--image-dir",
            paramLabel = "DIR",
            description = {
                "Where image files are imported from and exported to; nothing outside of it is read or written.",
                "Default: images in the directory of --state-dir"
            })
    Path imageDir = Path.of("");

    @Option(
            names = "--secret-dir",
            paramLabel = "DIR",
            description = {
                "Where secrets are that resources name: a file each, readable by its owner only.",
                "Default: secrets in the directory of --state-dir"
            })
    Path secretDir = Path.of("");

    @Option(
            names = "--listen",
            defaultValue = "127.0.0.1:7480",
            paramLabel = "HOST:PORT",
            description = {
                "Loopback address of the REST API, which asks for the token there; \"none\" for the Unix",
                "socket only; port 0 for a free one. Default: ${DEFAULT-VALUE}"
            })
    String listen = "127.0.0.1:7480";

    @Option(
            names = "--socket-owner",
            paramLabel = "USER",
            description = "Owner of all sockets. Default: the user that the daemon runs as")
    String socketOwner = "";

    @Option(
            names = "--socket-group",
            paramLabel = "GROUP",
            description = {
                "Group of all sockets (mode 0660): name the group that hypervisors run in.",
                "Default: the group that the daemon runs as"
            })
    String socketGroup = "";

    @Option(
            names = "--reactors",
            paramLabel = "N",
            description =
                    "Number of data reactors. Default: half of the CPUs, at least 1, at most 4")
    Optional<Integer> reactors = Optional.empty();

    @Option(
            names = "--reactor-cpus",
            split = ",",
            paramLabel = "CPU",
            description = "Pins one data reactor to each of these CPUs, instead of --reactors")
    List<Integer> reactorCpus = new ArrayList<>();

    @Option(
            names = "--poll-mode",
            defaultValue = "ADAPTIVE",
            description = {
                "ADAPTIVE polls while there is work and a little longer, BUSY always, INTERRUPT never.",
                "Default: ${DEFAULT-VALUE}"
            })
    PollMode pollMode = PollMode.ADAPTIVE;

    @Option(
            names = "--mac-prefix",
            paramLabel = "OCTETS",
            description = {
                "First 1 to 5 octets of drawn MAC addresses, like 56:49:0a: give each host that shares a LAN",
                "its own. Addresses that are drawn already stay. Default: 56:49"
            })
    String macPrefix = IdentityConfig.DEFAULT.macPrefix();

    @Option(
            names = "--serial-prefix",
            paramLabel = "TEXT",
            description = {
                "First characters of drawn disk serials, 12 at most. Serials that are drawn already stay.",
                "Default: vireo-"
            })
    String serialPrefix = IdentityConfig.DEFAULT.serialPrefix();

    @Option(
            names = "--wwn-prefix",
            paramLabel = "DIGITS",
            description = {
                "First 1 to 14 hexadecimal digits of drawn World Wide Names, the first one 1, 2, 3 or 5.",
                "Names that are drawn already stay. Default: 3"
            })
    String wwnPrefix = IdentityConfig.DEFAULT.wwnPrefix();

    @Option(
            names = "--iqn-prefix",
            paramLabel = "NAME",
            description = {
                "What drawn iSCSI names begin with, like iqn.2026-11.com.example:rack7. Names that are drawn",
                "already stay. Default: iqn.2026-11.internal.vireo"
            })
    String iqnPrefix = IdentityConfig.DEFAULT.iqnPrefix();

    @Option(
            names = "--ring-reset",
            description = {
                "Offers guests to reset one queue of a device (VIRTIO_F_RING_RESET). Only where every",
                "hypervisor tells the daemon of it; QEMU does not: its guests' memory would be corrupted"
            })
    boolean ringReset = false;

    /**
     * Looks at all that can be wrong in itself.
     *
     * @throws IllegalArgumentException with a sentence that says what to do
     */
    void check() throws IOException {
        cpus();
        ReactorCpus.check(reactorCpus);
        identities();
        port();
        socketUid();
        socketGid();
    }

    /** Where identities are drawn from. */
    IdentityConfig identities() {
        return new IdentityConfig(
                macPrefix, IdentityConfig.DEFAULT.macOrder(), serialPrefix, wwnPrefix, iqnPrefix);
    }

    /** What the API is told. */
    ApiConfig api(Path runtime) {
        return new ApiConfig(
                runtime, named(socketOwner), named(socketGroup), port(), Version.get());
    }

    /** User id of sockets; -1: the daemon's. */
    int socketUid() throws IOException {
        return socketOwner.isEmpty()
                ? -1
                : Credentials.uid(socketOwner)
                        .orElseThrow(() -> unknown("user", socketOwner, "--socket-owner"));
    }

    /** Group id of sockets; -1: the daemon's. */
    int socketGid() throws IOException {
        return socketGroup.isEmpty()
                ? -1
                : Credentials.gid(socketGroup)
                        .orElseThrow(() -> unknown("group", socketGroup, "--socket-group"));
    }

    private static IllegalArgumentException unknown(String what, String name, String option) {
        return new IllegalArgumentException(
                "there is no "
                        + what
                        + " "
                        + name
                        + " on this host: make it or give another with "
                        + option);
    }

    private static Optional<String> named(String name) {
        return name.isEmpty() ? Optional.empty() : Optional.of(name);
    }

    private OptionalInt port() {
        if (listen.equals("none")) {
            return OptionalInt.empty();
        }
        var matcher = LOOPBACK.matcher(listen);
        if (!matcher.matches() || Integer.parseInt(matcher.group(1)) > 65535) {
            throw new IllegalArgumentException(
                    "--listen "
                            + listen
                            + ": give 127.0.0.1:PORT or none; for access from other hosts put a proxy with TLS"
                            + " before the Unix socket");
        }
        return OptionalInt.of(Integer.parseInt(matcher.group(1)));
    }

    /** One CPU for each data reactor; negative: not pinned. */
    List<Integer> cpus() {
        if (!reactorCpus.isEmpty()) {
            return List.copyOf(reactorCpus);
        }
        int half = Math.clamp(Runtime.getRuntime().availableProcessors() / 2, 1, 4);
        int wanted = reactors.orElse(half);
        if (wanted < 1 || wanted > REACTORS_MAX) {
            throw new IllegalArgumentException(
                    "--reactors " + wanted + ": give 1 to " + REACTORS_MAX);
        }
        return Collections.nCopies(wanted, -1);
    }
}
