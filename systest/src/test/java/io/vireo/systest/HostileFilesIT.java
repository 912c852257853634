package io.vireo.systest;

import static io.vireo.testkit.VhostUserFrontEnd.*;
import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.linux.Fd;
import io.vireo.linux.PathCalls;
import io.vireo.testkit.DriverMemory;
import io.vireo.testkit.Eventually;
import io.vireo.testkit.VhostUserSession;
import io.vireo.testkit.hostile.BlkDriver;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * A front end passes descriptors of a FUSE file whose process does not answer, wherever a message
 * has one, and where it has none: whoever reads the file, touches a page of it or closes it waits.
 * The daemon does not: others are served, and so is who comes to the same socket next.
 */
@Timeout(300)
class HostileFilesIT {
    /** Its arguments: the socket of a device, and a port of the host. */
    private static final String LEAVES_UNREAD =
            """
            import array, os, socket, struct, sys
            tcp = socket.create_connection(("127.0.0.1", int(sys.argv[2])))
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 3600))
            tcp.setblocking(False)
            try:
                while True:
                    tcp.send(bytes(65536))
            except BlockingIOError:
                pass
            rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [tcp.fileno()]))
            sent = False
            while not sent:
                device = socket.socket(socket.AF_UNIX)
                device.connect(sys.argv[1])
                # A version that there is none of, and what is behind it is not read any more.
                device.sendmsg([struct.pack("III", 1, 3, 0)])
                try:
                    device.sendmsg([struct.pack("III", 1, 1, 0)], [rights])
                    sent = True
                except OSError:
                    # The daemon was quick, and has closed it already.
                    device.close()
            # A process that ends does not linger: the last to close the connection is the daemon.
            os._exit(0)
            """;

    private static final int SIZE = 16 << 20;
    private static final long GUEST = 0x9000_0000L;
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final String BED = "hostile-files";
    private static final String NAME = "slow";
    private static final String REFUSED = "this one is on fuse";

    private final Bed bed = prepare();
    private final Path file = bed.run().resolve(NAME);

    /** A run that was cut off may have left its file system behind, and nobody who serves it. */
    private static Bed prepare() {
        Processes.run(
                "bash",
                "-c",
                "! mountpoint -q $0 || umount -l $0",
                Path.of("..", "target", "run", BED, NAME).toString());
        return Bed.prepare(Path.of(".."), BED);
    }

    @Test
    void whoeverServesAFileKeepsNobodyWaiting() throws Exception {
        Files.createFile(file);
        Process server = serve();
        try (var daemon = new Daemon(bed);
                var memory = new DriverMemory(1 << 20)) {
            daemon.start();
            daemon.apply(Examples.localCopy(bed));
            try (var witness = VhostUserSession.open(socket("web2"), memory);
                    Fd slow = PathCalls.open(file, PathCalls.O_RDWR, 0)) {
                var ring = witness.start(0, 16);
                var driver = new BlkDriver();
                driver.exchange(witness, ring, 4);
                try {
                    signal("STOP", server);
                    Eventually.slowly("the server is stopped", () -> isStopped(server));
                    everywhere(slow, daemon, () -> driver.exchange(witness, ring, 4));
                } finally {
                    signal("CONT", server);
                }
                Eventually.slowly("the file is closed", () -> !isHeld(daemon));
            }
        } finally {
            signal("TERM", server);
            server.getOutputStream().close();
            // The shell ends when the server has, and has unmounted the file.
            Processes.ended(server, PATIENCE);
            Processes.end(server, PATIENCE);
        }
    }

    private void everywhere(Fd slow, Daemon daemon, Runnable witnessed) throws IOException {
        attack(SET_MEM_TABLE, table(), slow);
        witnessed.run();
        attack(ADD_MEM_REG, region(), slow);
        attack(SET_INFLIGHT_FD, record(), slow);
        attack(SET_LOG_BASE, payload(16).putLong(0, SIZE), slow);
        assertThat(refusals(daemon)).isEqualTo(4);
        attack(SET_VRING_KICK, u64(0), slow);
        attack(SET_VRING_CALL, u64(0), slow);
        attack(SET_VRING_ERR, u64(0), slow);
        attack(SET_BACKEND_REQ_FD, payload(0), slow);
        attack(SET_OWNER, payload(0), slow);
        witnessed.run();
        try (var memory = new DriverMemory(1 << 20);
                var session = VhostUserSession.open(socket("web1"), memory)) {
            new BlkDriver().exchange(session, session.start(0, 16), 4);
        }
        isServed(daemon, witnessed);
    }

    private static void isServed(Daemon daemon, Runnable witnessed) {
        witnessed.run();
        assertThat(UnixHttp.answers(daemon.apiSocket(), "/metrics")).isTrue();
    }

    /**
     * What a front end leaves unread in its socket, too, is closed with that: a connection by TCP
     * that is to wait for an hour until its data is taken, which nobody does.
     */
    @Test
    void whatLiesUnreadKeepsNobodyWaiting() throws Exception {
        try (var daemon = new Daemon(bed);
                var memory = new DriverMemory(1 << 20);
                var tcp = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            daemon.start();
            daemon.apply(Examples.localCopy(bed));
            try (var witness = VhostUserSession.open(socket("web2"), memory)) {
                var ring = witness.start(0, 16);
                var driver = new BlkDriver();
                Processes.run(
                        "python3",
                        "-c",
                        LEAVES_UNREAD,
                        socket("web1").toString(),
                        Integer.toString(tcp.getLocalPort()));
                try (var _ = tcp.accept()) {
                    Processes.pause(500);
                    isServed(daemon, () -> driver.exchange(witness, ring, 4));
                    try (var other = new DriverMemory(1 << 20);
                            var third = VhostUserSession.open(card("web1"), other)) {
                        assertThat(third.features()).isNotZero();
                    }
                }
            }
            try (var other = new DriverMemory(1 << 20);
                    var session = VhostUserSession.open(socket("web1"), other)) {
                new BlkDriver().exchange(session, session.start(0, 16), 4);
            }
        }
    }

    /**
     * QEMU's, at a file, which is the root of a file system. A shell sends it the signals that it
     * reads: while it is stopped this process can start no other, which would have to close the
     * file.
     */
    private Process serve() throws IOException {
        Path log = bed.run().resolve("server.log");
        Process shell =
                new ProcessBuilder(
                                "bash",
                                "-c",
                                "qemu-storage-daemon --blockdev driver=null-co,node-name=disk,read-zeroes=on,size="
                                        + SIZE
                                        + " --export type=fuse,id=file,node-name=disk,writable=on,mountpoint="
                                        + file
                                        + " & while read -r signal; do kill -s $signal $!; done; wait")
                        .redirectErrorStream(true)
                        .redirectOutput(log.toFile())
                        .start();
        Eventually.slowly("the file is served", () -> size() == SIZE || !shell.isAlive());
        assertThat(size()).as("size of the file that is served; %s", log).isEqualTo(SIZE);
        return shell;
    }

    private long size() {
        try {
            return Files.size(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static boolean isStopped(Process shell) {
        long pid = shell.children().findFirst().orElseThrow().pid();
        try {
            return Files.readString(Path.of("/proc/" + pid + "/status")).contains("State:\tT");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void signal(String name, Process shell) throws IOException {
        shell.getOutputStream().write((name + "\n").getBytes(StandardCharsets.US_ASCII));
        shell.getOutputStream().flush();
    }

    /** What breaks the rules ends the session. */
    private void attack(int request, ByteBuffer payload, Fd slow) {
        try (var memory = new DriverMemory(1 << 20);
                var session = VhostUserSession.open(socket("web1"), memory)) {
            session.frontEnd().send(request, payload, slow);
            session.frontEnd().awaitHangUp();
        }
    }

    private static ByteBuffer table() {
        return payload(40).putInt(0, 1).put(8, region().array(), 8, 32);
    }

    private static ByteBuffer region() {
        return payload(40).putLong(8, GUEST).putLong(16, SIZE).putLong(24, GUEST);
    }

    /** Of one queue of 16. */
    private static ByteBuffer record() {
        return payload(24).putLong(0, SIZE).putShort(16, (short) 1).putShort(18, (short) 16);
    }

    private Path socket(String profile) {
        return bed.run().resolve("runtime").resolve(profile).resolve("disk0.sock");
    }

    private Path card(String profile) {
        return bed.run().resolve("runtime").resolve(profile).resolve("eth0.sock");
    }

    private static long refusals(Daemon daemon) throws IOException {
        List<String> lines = Files.readAllLines(daemon.log());
        return lines.stream().filter(line -> line.contains(REFUSED)).count();
    }

    /** Whether the daemon has the file open; who serves it is not asked. */
    private static boolean isHeld(Daemon daemon) {
        try (var fds = Files.list(Path.of("/proc/" + daemon.pid() + "/fd"))) {
            return fds.anyMatch(HostileFilesIT::isTheFile);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static boolean isTheFile(Path fd) {
        try {
            return Files.readSymbolicLink(fd).endsWith(Path.of(BED, NAME));
        } catch (IOException e) {
            // It was closed meanwhile.
            return false;
        }
    }
}
