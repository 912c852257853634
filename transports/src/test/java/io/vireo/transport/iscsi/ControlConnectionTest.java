package io.vireo.transport.iscsi;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.linux.ErrnoException;
import io.vireo.linux.Fd;
import io.vireo.linux.NativeBuffer;
import io.vireo.linux.TcpSocket;
import io.vireo.reactor.PollMode;
import io.vireo.reactor.ReactorGroup;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** PDUs that come byte by byte, and those that do not come to an end. */
class ControlConnectionTest implements ControlConnection.Handler {
    private static final long LONG = TimeUnit.HOURS.toNanos(1);

    private final ReactorGroup reactors = ReactorGroup.start(List.of(-1), PollMode.INTERRUPT);
    private final NativeBuffer scratch = NativeBuffer.allocate(ControlConnection.SCRATCH, 8);
    private final Socket initiator = new Socket();
    private final Queue<HeapPdu> pdus = new ConcurrentLinkedQueue<>();
    private final CompletableFuture<HeapPdu> second = new CompletableFuture<>();
    private final CompletableFuture<String> end = new CompletableFuture<>();
    private TcpSocket target;

    @BeforeEach
    void connect() throws IOException, ErrnoException {
        var loopback = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
        try (TcpSocket listener = TcpSocket.listen(loopback, 1)) {
            initiator.connect(listener.localAddress());
            initiator.setTcpNoDelay(true);
            int accepted = listener.accept();
            while (accepted < 0) {
                accepted = listener.accept();
            }
            target = TcpSocket.of(Fd.of(accepted));
        }
    }

    @AfterEach
    void close() throws Exception {
        initiator.close();
        reactors.close();
        scratch.close();
    }

    private void begin(long patienceNanos) throws Exception {
        var made = new CompletableFuture<ControlConnection>();
        reactors.control()
                .execute(() ->
                        made.complete(
                                new ControlConnection(
                                        target, reactors.control(), scratch, patienceNanos, this)));
        made.get();
    }

    @Override
    public void pdu(HeapPdu pdu) {
        pdus.add(pdu);
        if (pdus.size() == 2) {
            second.complete(pdu);
        }
    }

    @Override
    public void gone(String why) {
        end.complete(why);
    }

    private static byte[] pdu(int length) {
        byte[] pdu = new byte[Pdu.BHS + length + Pdu.padding(length)];
        pdu[0] = 0x43;
        pdu[7] = (byte) length;
        for (int i = 0; i < length; i++) {
            pdu[Pdu.BHS + i] = (byte) i;
        }
        return pdu;
    }

    @Test
    void pdusComeByteByByte() throws Exception {
        begin(LONG);
        for (byte[] bytes : List.of(pdu(5), pdu(0))) {
            for (byte one : bytes) {
                initiator.getOutputStream().write(one);
            }
        }
        second.get();
        assertThat(pdus.remove().data()).containsExactly(0, 1, 2, 3, 4);
        assertThat(pdus.remove().data()).isEmpty();
        initiator.close();
        assertThat(end.get()).isEqualTo("the initiator closed the connection");
    }

    /** It is silent in the middle of the header, or of the data. */
    @Test
    void aPduThatDoesNotComeToItsEndEndsTheConnection() throws Exception {
        initiator.getOutputStream().write(pdu(5), 0, Pdu.BHS + 2);
        begin(TimeUnit.MILLISECONDS.toNanos(50));
        assertThat(end.get()).isEqualTo("it took too long");
        assertThat(pdus).isEmpty();
        assertThat(initiator.getInputStream().read()).isEqualTo(-1);
    }

    @Test
    void aPduThatIsLongerThanAgreedOnEndsTheConnection() throws Exception {
        byte[] announces = pdu(0);
        announces[5] = (byte) 0xFF;
        initiator.getOutputStream().write(announces);
        begin(LONG);
        assertThat(end.get()).isEqualTo("a PDU is longer than agreed on");
    }
}
