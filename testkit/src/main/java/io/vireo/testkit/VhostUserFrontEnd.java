package io.vireo.testkit;

import io.vireo.linux.Errno;
import io.vireo.linux.ErrnoException;
import io.vireo.linux.Fd;
import io.vireo.linux.ForeignMemory;
import io.vireo.linux.NativeBuffer;
import io.vireo.linux.UnixSocket;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * The front end's side of a vhost-user connection (QEMU, docs/interop/vhost-user.rst): sends any
 * bytes with any descriptors, and tells whether the back end answered, refused or hung up. {@link
 * VhostUserSession} is a well-behaved one on top of it. One thread.
 */
public final class VhostUserFrontEnd implements AutoCloseable {
    public static final int GET_FEATURES = 1;
    public static final int SET_FEATURES = 2;
    public static final int SET_OWNER = 3;
    public static final int RESET_OWNER = 4;
    public static final int SET_MEM_TABLE = 5;
    public static final int SET_LOG_BASE = 6;
    public static final int SET_LOG_FD = 7;
    public static final int SET_VRING_NUM = 8;
    public static final int SET_VRING_ADDR = 9;
    public static final int SET_VRING_BASE = 10;
    public static final int GET_VRING_BASE = 11;
    public static final int SET_VRING_KICK = 12;
    public static final int SET_VRING_CALL = 13;
    public static final int SET_VRING_ERR = 14;
    public static final int GET_PROTOCOL_FEATURES = 15;
    public static final int SET_PROTOCOL_FEATURES = 16;
    public static final int GET_QUEUE_NUM = 17;
    public static final int SET_VRING_ENABLE = 18;
    public static final int SEND_RARP = 19;
    public static final int NET_SET_MTU = 20;
    public static final int SET_BACKEND_REQ_FD = 21;
    public static final int IOTLB_MSG = 22;
    public static final int SET_VRING_ENDIAN = 23;
    public static final int GET_CONFIG = 24;
    public static final int SET_CONFIG = 25;
    public static final int POSTCOPY_ADVISE = 28;
    public static final int POSTCOPY_LISTEN = 29;
    public static final int POSTCOPY_END = 30;
    public static final int GET_INFLIGHT_FD = 31;
    public static final int SET_INFLIGHT_FD = 32;
    public static final int RESET_DEVICE = 34;
    public static final int VRING_KICK = 35;
    public static final int GET_MAX_MEM_SLOTS = 36;
    public static final int ADD_MEM_REG = 37;
    public static final int REM_MEM_REG = 38;
    public static final int SET_STATUS = 39;
    public static final int GET_STATUS = 40;
    public static final int SET_DEVICE_STATE_FD = 42;
    public static final int CHECK_DEVICE_STATE = 43;

    public static final int VERSION = 1;
    public static final int REPLY = 4;
    public static final int NEED_REPLY = 8;

    /** Bytes of the header: request, flags, size. */
    public static final int HEADER = 12;

    private static final int CAPACITY = 64 * 1024;
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(20);
    private static final long PAUSE_NANOS = TimeUnit.MICROSECONDS.toNanos(50);

    /**
     * A reply.
     *
     * @param request that it answers
     * @param body without the header
     * @param fds that came with it, the receiver's to close
     */
    public record Reply(int request, ByteBuffer body, List<Fd> fds) {
        /** The number that most replies consist of. */
        public long u64() {
            return body.getLong(0);
        }
    }

    /** The back end closed the connection. */
    public static final class HungUpException extends RuntimeException {
        private static final long serialVersionUID = 1;

        HungUpException(String what) {
            super("the back end closed the connection " + what);
        }
    }

    private final UnixSocket socket;
    private final NativeBuffer buffer = NativeBuffer.allocate(CAPACITY, 8);

    private VhostUserFrontEnd(UnixSocket socket) {
        this.socket = socket;
    }

    /** Connects to a back end that listens. */
    public static VhostUserFrontEnd connect(Path path) {
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        while (true) {
            try {
                return new VhostUserFrontEnd(UnixSocket.connect(path));
            } catch (ErrnoException e) {
                // A full backlog answers EAGAIN, a socket between bind and listen ECONNREFUSED.
                boolean early = e.errno() == Errno.EAGAIN || e.errno() == Errno.ECONNREFUSED;
                if (!early || System.nanoTime() > deadline) {
                    throw new UncheckedIOException(e);
                }
                LockSupport.parkNanos(PAUSE_NANOS);
            }
        }
    }

    /** Takes over a connection. */
    public static VhostUserFrontEnd of(UnixSocket socket) {
        return new VhostUserFrontEnd(socket);
    }

    /** A little-endian buffer for a payload. */
    public static ByteBuffer payload(int size) {
        return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** A payload of one number. */
    public static ByteBuffer u64(long value) {
        return payload(8).putLong(0, value);
    }

    /** A payload of two numbers: struct vhost_vring_state. */
    public static ByteBuffer state(int index, int number) {
        return payload(8).putInt(0, index).putInt(4, number);
    }

    /** A whole message. */
    public static byte[] message(int request, int flags, ByteBuffer payload) {
        var all = payload(HEADER + payload.capacity());
        all.putInt(request).putInt(flags).putInt(payload.capacity());
        all.put(payload.array());
        return all.array();
    }

    /** Sends a message without asking for an acknowledgement. */
    public void send(int request, ByteBuffer payload, Fd... fds) {
        sendRaw(message(request, VERSION, payload), numbers(fds));
    }

    /** Sends a message with the need_reply flag. */
    public void sendNeedReply(int request, ByteBuffer payload, Fd... fds) {
        sendRaw(message(request, VERSION | NEED_REPLY, payload), numbers(fds));
    }

    /** Sends a message and waits for its reply. */
    public Reply ask(int request, ByteBuffer payload, Fd... fds) {
        send(request, payload, fds);
        return receive();
    }

    /** Sends a message and waits for its acknowledgement: 0 is success. */
    public long acknowledged(int request, ByteBuffer payload, Fd... fds) {
        sendNeedReply(request, payload, fds);
        return receive().u64();
    }

    /**
     * Sends bytes, all of them, with descriptors at the first. A back end that hung up is no error
     * here.
     */
    public void sendRaw(byte[] bytes, int... fds) {
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        int sent = 0;
        while (sent < bytes.length) {
            int count = trySend(bytes, sent, sent == 0 ? fds : new int[0]);
            if (count > 0) {
                sent += count;
            } else if (count == -Errno.EAGAIN && System.nanoTime() < deadline) {
                LockSupport.parkNanos(PAUSE_NANOS);
            } else if (count == -Errno.EPIPE || count == -Errno.ECONNRESET) {
                return;
            } else {
                throw new IllegalStateException("sending failed: " + Errno.name(-count));
            }
        }
    }

    /** Sends as much as fits now. Returns how many bytes, or -errno. */
    public int trySend(byte[] bytes, int offset, int... fds) {
        int length = Math.min(bytes.length - offset, CAPACITY);
        ForeignMemory.copyFromArray(bytes, offset, buffer.address(), length);
        return socket.sendmsg(buffer.address(), length, fds, fds.length);
    }

    /**
     * Waits for a reply.
     *
     * @throws HungUpException if the back end closes the connection instead
     */
    public Reply receive() {
        return receive(TimeUnit.NANOSECONDS.toMillis(PATIENCE_NANOS))
                .orElseThrow(() -> new IllegalStateException("no reply"));
    }

    /** Waits for a reply, or until the time is over. */
    public Optional<Reply> receive(long millis) {
        long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
        var fds = new ArrayList<Fd>();
        var header = read(HEADER, fds, deadline);
        if (header.isEmpty()) {
            return Optional.empty();
        }
        int size = header.get().getInt(8);
        var body = size == 0 ? payload(0) : read(size, fds, deadline).orElseThrow();
        return Optional.of(new Reply(header.get().getInt(0), body, fds));
    }

    private Optional<ByteBuffer> read(int size, List<Fd> fds, long deadline) {
        var bytes = payload(size);
        var numbers = new int[UnixSocket.MAX_FDS];
        int have = 0;
        while (have < size) {
            int count = socket.recvmsg(buffer.address(), size - have, numbers);
            if (count > 0) {
                ForeignMemory.copyToArray(buffer.address(), bytes.array(), have, count);
                have += count;
                for (int i = 0; i < socket.receivedFds(); i++) {
                    fds.add(Fd.of(numbers[i]));
                }
            } else if (count == 0 || count == -Errno.ECONNRESET || count == -Errno.EPIPE) {
                throw new HungUpException("instead of a reply");
            } else if (count != -Errno.EAGAIN && count != -Errno.EINTR) {
                throw new IllegalStateException("receiving failed: " + Errno.name(-count));
            } else if (System.nanoTime() > deadline) {
                return Optional.empty();
            } else {
                LockSupport.parkNanos(PAUSE_NANOS);
            }
        }
        return Optional.of(bytes);
    }

    /** Waits until the back end closes the connection; replies before that are thrown away. */
    public void awaitHangUp() {
        try {
            while (true) {
                for (var fd : receive().fds()) {
                    fd.close();
                }
            }
        } catch (HungUpException e) {
            return;
        }
    }

    /** The socket. */
    public UnixSocket socket() {
        return socket;
    }

    private static int[] numbers(Fd... fds) {
        var numbers = new int[fds.length];
        for (int i = 0; i < fds.length; i++) {
            numbers[i] = fds[i].number();
        }
        return numbers;
    }

    @Override
    public void close() {
        socket.close();
        buffer.close();
    }
}
