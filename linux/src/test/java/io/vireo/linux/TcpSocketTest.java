package io.vireo.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TcpSocketTest {
    private final NativeBuffer buffer = NativeBuffer.allocate(8192, 8);
    private int before;

    @BeforeEach
    void countDescriptors() throws ErrnoException {
        // The first use of a class opens its file; that is no leak of ours.
        TcpSocket.listen(loopback("127.0.0.1"), 1).close();
        before = OpenFiles.count();
    }

    @AfterEach
    void nothingLeaks() {
        buffer.close();
        assertThat(OpenFiles.count()).isEqualTo(before);
    }

    private static InetSocketAddress loopback(String literal) {
        return new InetSocketAddress(InetAddress.ofLiteral(literal), 0);
    }

    @ParameterizedTest
    @ValueSource(strings = {"127.0.0.1", "::1"})
    void connectionsCarryScatteredBytes(String literal) throws ErrnoException {
        try (TcpSocket listener = TcpSocket.listen(loopback(literal), 4)) {
            assertThat(listener.accept()).isEqualTo(-Errno.EAGAIN);
            assertThat(listener.localAddress().getPort()).isPositive();
            try (TcpSocket client = TcpSocket.connect(listener.localAddress());
                    TcpSocket server = TcpSocket.of(Fd.of(accept(listener)))) {
                assertThat(client.localAddress()).isEqualTo(server.peerAddress());
                assertThat(server.receive(buffer.address(), 8)).isEqualTo(-Errno.EAGAIN);
                long at = buffer.address();
                ForeignMemory.putLong(at, 42);
                ForeignMemory.putLong(at + 100, 43);
                IovecArray pieces = new IovecArray(3);
                pieces.set(0, at + 4000, 1);
                pieces.set(1, at, 8);
                pieces.set(2, at + 100, 8);
                assertThat(client.send(pieces, 1, 2)).isEqualTo(16);
                pieces.set(0, at + 1000, 3);
                pieces.set(1, at + 2000, 100);
                int received = 0;
                while (received < 16) {
                    int count = server.receive(pieces, 2);
                    received += Math.max(count, 0);
                }
                assertThat(ForeignMemory.getByte(at + 1000)).isEqualTo((byte) 42);
                assertThat(ForeignMemory.getByte(at + 2005)).isEqualTo((byte) 43);
                assertThat(server.shutdown(UnixSocket.SHUT_WR)).isZero();
                int count = -Errno.EAGAIN;
                while (count == -Errno.EAGAIN) {
                    count = client.receive(at, 8);
                }
                assertThat(count).isZero();
            }
        }
    }

    private static int accept(TcpSocket listener) {
        int fd = -Errno.EAGAIN;
        while (fd == -Errno.EAGAIN) {
            fd = listener.accept();
        }
        return fd;
    }

    @ParameterizedTest
    @ValueSource(strings = {"127.0.0.1", "::1"})
    void aPortThatIsTakenIsRefused(String literal) throws ErrnoException {
        try (TcpSocket listener = TcpSocket.listen(loopback(literal), 4)) {
            InetSocketAddress taken = listener.localAddress();
            assertThatThrownBy(() -> TcpSocket.listen(taken, 4))
                    .isInstanceOfSatisfying(
                            ErrnoException.class,
                            e -> assertThat(e.errno()).isEqualTo(Errno.EADDRINUSE));
        }
    }
}
