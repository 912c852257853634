package io.vireo.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UnixSocketTest {
    @TempDir Path directory;

    private final NativeBuffer buffer = NativeBuffer.allocate(8192, 8);
    private int before;

    @BeforeEach
    void countDescriptors() throws ErrnoException {
        // The first use of a class opens its file; that is no leak of ours.
        UnixSocket[] ends = UnixSocket.pair();
        ends[0].close();
        ends[1].close();
        before = OpenFiles.count();
    }

    @AfterEach
    void nothingLeaks() {
        buffer.close();
        assertThat(OpenFiles.count()).isEqualTo(before);
    }

    @Test
    void connectionsCarryBytesAndDescriptors() throws ErrnoException {
        Path path = directory.resolve("socket");
        try (UnixSocket listener = UnixSocket.listen(path, 4)) {
            assertThat(listener.accept()).isEqualTo(-Errno.EAGAIN);
            try (UnixSocket client = UnixSocket.connect(path);
                    UnixSocket server = UnixSocket.of(Fd.of(listener.accept()));
                    Fd file = Memfd.create("passed", 4711, 0)) {
                assertThat(server.recvmsg(buffer.address(), 8, new int[1]))
                        .isEqualTo(-Errno.EAGAIN);
                ForeignMemory.putLong(buffer.address(), 42);
                assertThat(client.sendmsg(buffer.address(), 8, new int[] {file.number()}, 1))
                        .isEqualTo(8);
                int[] fds = new int[8];
                assertThat(server.recvmsg(buffer.address() + 8, 100, fds)).isEqualTo(8);
                assertThat(ForeignMemory.getLong(buffer.address() + 8)).isEqualTo(42);
                assertThat(server.receivedFds()).isEqualTo(1);
                assertThat(server.controlTruncated()).isFalse();
                try (Fd received = Fd.of(fds[0])) {
                    assertThat(received.number()).isNotEqualTo(file.number());
                    assertThat(FileStat.of(received).isSameFile(FileStat.of(file))).isTrue();
                }
                assertThat(server.send(buffer.address(), 3)).isEqualTo(3);
                assertThat(client.recvmsg(buffer.address(), 100, fds)).isEqualTo(3);
                assertThat(client.receivedFds()).isZero();
                assertThat(client.shutdown(UnixSocket.SHUT_WR)).isZero();
                assertThat(server.recvmsg(buffer.address(), 8, fds)).isZero();
            }
        }
    }

    @Test
    void asManyDescriptorsAsTheKernelLetsPassArrive() throws ErrnoException {
        UnixSocket[] ends = UnixSocket.pair();
        try (UnixSocket sender = ends[0];
                UnixSocket receiver = ends[1];
                Fd file = Memfd.create("many", 0, 0)) {
            int[] numbers = new int[UnixSocket.MAX_FDS + 1];
            Arrays.fill(numbers, file.number());
            assertThat(sender.sendmsg(buffer.address(), 1, numbers, numbers.length))
                    .isEqualTo(-Errno.EINVAL);
            assertThat(sender.sendmsg(buffer.address(), 1, numbers, UnixSocket.MAX_FDS))
                    .isEqualTo(1);
            int[] fds = new int[UnixSocket.MAX_FDS];
            assertThat(receiver.recvmsg(buffer.address(), 1, fds)).isEqualTo(1);
            assertThat(receiver.receivedFds()).isEqualTo(UnixSocket.MAX_FDS);
            assertThat(receiver.discardedFds()).isZero();
            assertThat(receiver.controlTruncated()).isFalse();
            assertThat(OpenFiles.count()).isEqualTo(before + 3 + UnixSocket.MAX_FDS);
            Arrays.stream(fds).forEach(Fd::closeNow);
        }
    }

    @Test
    void descriptorsThatNobodyWantsAreClosed() throws ErrnoException {
        UnixSocket[] ends = UnixSocket.pair();
        try (UnixSocket sender = ends[0];
                UnixSocket receiver = ends[1];
                Fd file = Memfd.create("unwanted", 0, 0)) {
            int[] numbers = new int[9];
            Arrays.fill(numbers, file.number());
            sender.sendmsg(buffer.address(), 1, numbers, 9);
            int[] fds = new int[2];
            assertThat(receiver.recvmsg(buffer.address(), 1, fds)).isEqualTo(1);
            assertThat(receiver.receivedFds()).isEqualTo(2);
            assertThat(receiver.discardedFds()).isEqualTo(7);
            Fd.closeNow(fds[0]);
            Fd.closeNow(fds[1]);
            assertThat(OpenFiles.count()).isEqualTo(before + 3);
        }
    }

    @Test
    void runningOutOfDescriptorsIsReported() throws ErrnoException {
        UnixSocket[] ends = UnixSocket.pair();
        Rlimit limit = Rlimit.of(Rlimit.RLIMIT_NOFILE);
        try (UnixSocket sender = ends[0];
                UnixSocket receiver = ends[1];
                Fd file = Memfd.create("too many", 0, 0);
                Fd highest = file.dup()) {
            int[] numbers = new int[UnixSocket.MAX_FDS];
            Arrays.fill(numbers, file.number());
            sender.sendmsg(buffer.address(), 1, numbers, numbers.length);
            int[] fds = new int[UnixSocket.MAX_FDS];
            new Rlimit(highest.number() + 6, limit.hard()).apply(Rlimit.RLIMIT_NOFILE);
            int result = receiver.recvmsg(buffer.address(), 1, fds);
            limit.apply(Rlimit.RLIMIT_NOFILE);
            for (int i = 0; i < receiver.receivedFds(); i++) {
                Fd.closeNow(fds[i]);
            }
            assertThat(result).isEqualTo(1);
            assertThat(receiver.receivedFds()).isBetween(1, 100);
            assertThat(receiver.controlTruncated()).isTrue();
        } finally {
            limit.apply(Rlimit.RLIMIT_NOFILE);
        }
    }

    @Test
    void aFullSocketWouldBlockAndAClosedOneBreaks() throws ErrnoException {
        UnixSocket[] ends = UnixSocket.pair();
        try (UnixSocket sender = ends[0];
                UnixSocket receiver = ends[1]) {
            int sent;
            do {
                sent = sender.send(buffer.address(), 8192);
            } while (sent > 0);
            assertThat(sent).isEqualTo(-Errno.EAGAIN);
            receiver.close();
            assertThat(sender.send(buffer.address(), 1)).isEqualTo(-Errno.EPIPE);
            assertThat(sender.recvmsg(buffer.address(), 1, new int[0])).isIn(0, -Errno.ECONNRESET);
        }
    }

    @Test
    void theFileOfADeadListenerIsReplacedButNotThatOfALivingOne() throws ErrnoException {
        Path path = directory.resolve("socket");
        UnixSocket.listen(path, 1).close();
        assertThat(path).exists();
        assertThatThrownBy(() -> UnixSocket.connect(path)).hasMessageContaining("ECONNREFUSED");
        try (UnixSocket living = UnixSocket.listen(path, 1)) {
            assertThatThrownBy(() -> UnixSocket.listen(path, 1)).hasMessageContaining("EADDRINUSE");
            UnixSocket.connect(path).close();
            Fd.of(living.accept()).close();
        }
    }

    @Test
    void nothingButASocketIsEverReplaced() throws IOException {
        Path file = Files.writeString(directory.resolve("file"), "precious");
        Path link = Files.createSymbolicLink(directory.resolve("link"), file);
        assertThatThrownBy(() -> UnixSocket.listen(file, 1)).hasMessageContaining("EEXIST");
        assertThatThrownBy(() -> UnixSocket.listen(link, 1)).hasMessageContaining("EEXIST");
        assertThat(file).hasContent("precious");
    }

    @Test
    void aLinkIsNotFollowedToAnotherSocket() throws IOException {
        Path path = directory.resolve("socket");
        Path link = Files.createSymbolicLink(directory.resolve("link"), path);
        try (UnixSocket listener = UnixSocket.listen(path, 1)) {
            assertThatThrownBy(() -> UnixSocket.connect(link))
                    .hasMessageContaining("ELOOP")
                    .hasMessageContaining(link + " is a symbolic link");
            assertThat(listener.accept()).isEqualTo(-Errno.EAGAIN);
            UnixSocket.connect(path).close();
            Fd.of(listener.accept()).close();
        }
    }

    @Test
    void whatIsNoSocketIsNotConnectedTo() throws IOException {
        Path file = Files.createFile(directory.resolve("file"));
        assertThatThrownBy(() -> UnixSocket.connect(file)).hasMessageContaining("ECONNREFUSED");
    }

    @Test
    void permissionsAreThereBeforeTheFirstConnection() throws ErrnoException {
        Path path = directory.resolve("socket");
        try (UnixSocket listener =
                UnixSocket.listen(path, 1, 0640, Credentials.euid(), Credentials.egid())) {
            FileStat stat = FileStat.of(PathCalls.AT_FDCWD, path.toString());
            assertThat(listener.fd().isOpen()).isTrue();
            assertThat(stat.isSocket()).isTrue();
            assertThat(stat.permissions()).isEqualTo(0640);
            assertThat(stat.gid()).isEqualTo(Credentials.egid());
        }
    }

    @Test
    void peersAreKnown() throws ErrnoException {
        UnixSocket[] ends = UnixSocket.pair();
        try (UnixSocket one = ends[0];
                UnixSocket other = ends[1]) {
            assertThat(other.fd().isOpen()).isTrue();
            assertThat(one.peerCredentials())
                    .isEqualTo(
                            new UnixSocket.PeerCredentials(
                                    (int) ProcessHandle.current().pid(),
                                    Credentials.euid(),
                                    Credentials.egid()));
        }
    }

    @Test
    void tooLongPathsAreRefusedAndAbsentOnesReported() {
        Path path = directory.resolve("x".repeat(108));
        assertThatThrownBy(() -> UnixSocket.listen(path, 1)).hasMessageContaining("ENAMETOOLONG");
        assertThatThrownBy(() -> UnixSocket.connect(directory.resolve("absent")))
                .hasMessageContaining("ENOENT");
    }
}
