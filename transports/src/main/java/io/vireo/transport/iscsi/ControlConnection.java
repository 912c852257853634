package io.vireo.transport.iscsi;

import io.vireo.linux.Epoll;
import io.vireo.linux.Errno;
import io.vireo.linux.ForeignMemory;
import io.vireo.linux.NativeBuffer;
import io.vireo.linux.TcpSocket;
import io.vireo.reactor.FdWatch;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.Timer;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * A connection before its full-feature phase, or of a discovery session: takes PDUs one by one, not
 * a byte beyond, so that the connection can be handed over; sends answers. On the control reactor.
 */
final class ControlConnection {
    /** Whom it talks to. */
    interface Handler {
        /** A whole PDU. */
        void pdu(HeapPdu pdu);

        /** The connection is over, not by {@link #close}; the socket is closed. */
        void gone(String why);
    }

    /** Bytes of the buffer that all connections of a reactor share. */
    static final int SCRATCH = 16 << 10;

    private static final int MAX_QUEUED = 256 << 10;
    private static final int READS_PER_TURN = 16;

    private final TcpSocket socket;
    private final NativeBuffer scratch;
    private final FdWatch watch;
    private final Timer deadline;
    private Handler handler;
    private byte[] header = new byte[Pdu.BHS];
    private byte @Nullable [] body;
    private int have;
    private byte[] queued = {};
    private int sent;
    private @Nullable Runnable onFlushed;
    private boolean paused;
    private boolean open = true;

    /**
     * Takes over the socket.
     *
     * @param patienceNanos until {@link #gone} unless {@link #extend} is called before that
     */
    ControlConnection(
            TcpSocket socket,
            Reactor reactor,
            NativeBuffer scratch,
            long patienceNanos,
            Handler handler) {
        this.socket = socket;
        this.scratch = scratch;
        this.handler = handler;
        watch = reactor.watch(socket.fd().number(), Epoll.EPOLLIN, this::ready);
        deadline = reactor.schedule(patienceNanos, () -> gone("it took too long"));
    }

    /** Another handler from now on. */
    void handler(Handler next) {
        handler = next;
    }

    /** The time begins anew. */
    void extend(long patienceNanos) {
        if (open) {
            deadline.start(patienceNanos);
        }
    }

    TcpSocket socket() {
        return socket;
    }

    /** Takes no PDUs for now. */
    void pause() {
        paused = true;
        updateWatch();
    }

    private void ready(int events) {
        if ((events & Epoll.EPOLLOUT) != 0) {
            flush();
        }
        if (open && paused && (events & (Epoll.EPOLLHUP | Epoll.EPOLLERR)) != 0) {
            gone("the initiator closed the connection");
        }
        for (int i = 0; i < READS_PER_TURN && open && !paused; i++) {
            if (!read()) {
                return;
            }
        }
    }

    private boolean read() {
        byte[] into = body == null ? header : body;
        int missing = Math.min(into.length - have, SCRATCH);
        int count = socket.receive(scratch.address(), missing);
        if (count == -Errno.EAGAIN || count == -Errno.EINTR) {
            return false;
        }
        if (count <= 0) {
            gone(
                    count == 0
                            ? "the initiator closed the connection"
                            : "receiving failed: " + Errno.name(-count));
            return false;
        }
        ForeignMemory.copyToArray(scratch.address(), into, have, count);
        have += count;
        if (have == into.length) {
            have = 0;
            whole();
        }
        return true;
    }

    private void whole() {
        ByteBuffer bhs = ByteBuffer.wrap(header);
        int additional = Byte.toUnsignedInt(header[Pdu.AHS_LENGTH]) * 4;
        int length = bhs.getInt(Pdu.AHS_LENGTH) & 0xFFFFFF;
        if (body == null && (length > Negotiator.DEFAULT_SEGMENT || additional > 0)) {
            gone("a PDU is longer than agreed on");
            return;
        }
        if (body == null && length > 0) {
            body = new byte[length + Pdu.padding(length)];
            return;
        }
        byte[] data = body == null ? new byte[0] : java.util.Arrays.copyOf(body, length);
        body = null;
        header = new byte[Pdu.BHS];
        handler.pdu(new HeapPdu(bhs, data));
    }

    /** Sends a PDU; {@code then} runs when it has gone. */
    void send(HeapPdu pdu, Runnable then) {
        if (!open) {
            return;
        }
        var out = new ByteArrayOutputStream();
        out.write(queued, sent, queued.length - sent);
        out.writeBytes(pdu.header().array());
        out.writeBytes(pdu.data());
        out.writeBytes(new byte[Pdu.padding(pdu.data().length)]);
        if (out.size() > MAX_QUEUED) {
            gone("the initiator does not read its answers");
            return;
        }
        queued = out.toByteArray();
        sent = 0;
        onFlushed = then;
        flush();
    }

    private void flush() {
        while (open && sent < queued.length) {
            int length = Math.min(queued.length - sent, SCRATCH);
            ForeignMemory.copyFromArray(queued, sent, scratch.address(), length);
            int count = socket.send(scratch.address(), length);
            if (count == -Errno.EAGAIN || count == -Errno.EINTR) {
                updateWatch();
                return;
            }
            if (count < 0) {
                gone("sending failed: " + Errno.name(-count));
                return;
            }
            sent += count;
        }
        if (!open) {
            return;
        }
        queued = new byte[0];
        sent = 0;
        updateWatch();
        Runnable then = onFlushed;
        onFlushed = null;
        if (then != null) {
            then.run();
        }
    }

    private void updateWatch() {
        if (open) {
            watch.modify(
                    (paused ? 0 : Epoll.EPOLLIN) | (queued.length > sent ? Epoll.EPOLLOUT : 0));
        }
    }

    private void gone(String why) {
        if (open) {
            close();
            handler.gone(why);
        }
    }

    /** Lets go of the socket, which stays open. */
    TcpSocket release() {
        open = false;
        deadline.cancel();
        watch.close();
        return socket;
    }

    /** Closes the socket. Idempotent; the handler is not called. */
    void close() {
        if (open) {
            release().close();
        }
    }
}
