package io.vireo.transport.vhostuser;

import io.vireo.linux.Closer;
import io.vireo.linux.Epoll;
import io.vireo.linux.Errno;
import io.vireo.linux.Fd;
import io.vireo.linux.ForeignMemory;
import io.vireo.linux.NativeBuffer;
import io.vireo.linux.UnixSocket;
import io.vireo.reactor.FdWatch;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.Timer;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One connection: takes bytes and descriptors off the socket, however they arrive, and hands over
 * whole messages; sends replies. It reads header and payload of a message separately and never
 * beyond it, since the kernel tells only for a whole read which descriptors came with it.
 */
final class Connection {
    /** Whom a connection talks to. */
    interface Handler {
        /** A whole message; the handler closes its descriptors. */
        void message(Message message);

        /**
         * The other side has gone, or the host failed: {@code why} in a few words. Not called by
         * {@link #close}.
         */
        void gone(String why);

        /**
         * The other side did not keep to the framing: {@code rule} is a constant. Not called by
         * {@link #close}.
         */
        void malformed(String rule);
    }

    /** Bytes of the buffer that all connections of a reactor receive into and send from. */
    static final int SCRATCH = Message.HEADER + Message.MAX_PAYLOAD;

    private static final int EVENTS = Epoll.EPOLLIN | Epoll.EPOLLRDHUP;
    private static final int MESSAGES_PER_TURN = 16;
    private static final int MAX_QUEUED = 64 * 1024;

    /** What may wait to be closed before the next message is read. */
    private static final int MAX_UNCLOSED = 1024;

    private static final long LOOK_AGAIN_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

    private static final int[] NO_FDS = {};

    private final UnixSocket socket;
    private final Reactor reactor;
    private final NativeBuffer scratch;
    private final long patienceNanos;
    private final Handler handler;
    private final Closer closer;
    private final FdWatch watch;
    private final byte[] header = new byte[Message.HEADER];
    private final int[] received = new int[MemoryTable.REGIONS_PER_MESSAGE];

    private byte @Nullable [] payload;
    private int have;
    private int[] fds = NO_FDS;
    private @Nullable Timer deadline;
    private byte[] queued = {};
    private boolean paused;

    /** While it waits for what came before to be closed. */
    private @Nullable Timer lookingAgain;

    private boolean open = true;

    /**
     * Begins to read.
     *
     * @param closer closes what comes with messages
     * @param scratch of {@link #SCRATCH} bytes, used by nobody else during a call
     * @param patienceNanos how long the first message, and the rest of one that has begun, may take
     */
    Connection(
            UnixSocket socket,
            Reactor reactor,
            NativeBuffer scratch,
            long patienceNanos,
            Handler handler,
            Closer closer) {
        this.socket = socket;
        this.reactor = reactor;
        this.scratch = scratch;
        this.patienceNanos = patienceNanos;
        this.handler = handler;
        this.closer = closer;
        watch = reactor.watch(socket.fd().number(), EVENTS, this::ready);
        startDeadline(
                "it sent nothing for " + TimeUnit.NANOSECONDS.toSeconds(patienceNanos) + " s");
    }

    /** Delivers no message until {@link #resume}; the other side's end is still noticed. */
    void pause() {
        paused = true;
        updateWatch();
    }

    /** Delivers messages again. */
    void resume() {
        if (open && paused) {
            paused = false;
            updateWatch();
        }
    }

    /** Sends a reply, with a descriptor if there is one, which stays the caller's. */
    void reply(int number, byte[] body, @Nullable Fd fd) {
        if (!open) {
            return;
        }
        var bytes = new byte[Message.HEADER + body.length];
        Message.putU32(bytes, 0, number);
        Message.putU32(bytes, 4, Message.VERSION | Message.REPLY);
        Message.putU32(bytes, 8, body.length);
        System.arraycopy(body, 0, bytes, Message.HEADER, body.length);
        if (queued.length > 0) {
            enqueue(bytes, fd);
            return;
        }
        int sent = send(bytes, fd);
        if (sent == bytes.length) {
            return;
        }
        if (sent > 0) {
            enqueue(Arrays.copyOfRange(bytes, sent, bytes.length), null);
        } else if (sent == -Errno.EAGAIN) {
            enqueue(bytes, fd);
        } else {
            gone("sending failed: " + Errno.name(-sent));
        }
    }

    private int send(byte[] bytes, @Nullable Fd fd) {
        int length = Math.min(bytes.length, SCRATCH);
        ForeignMemory.copyFromArray(bytes, 0, scratch.address(), length);
        return fd == null
                ? socket.send(scratch.address(), length)
                : socket.sendmsg(scratch.address(), length, new int[] {fd.number()}, 1);
    }

    private void enqueue(byte[] bytes, @Nullable Fd fd) {
        // A descriptor is not kept back for one who does not read.
        if (fd != null || queued.length + bytes.length > MAX_QUEUED) {
            malformed("it does not read its replies");
            return;
        }
        int at = queued.length;
        queued = Arrays.copyOf(queued, at + bytes.length);
        System.arraycopy(bytes, 0, queued, at, bytes.length);
        updateWatch();
    }

    private void flush() {
        int sent = send(queued, null);
        if (sent > 0) {
            queued = Arrays.copyOfRange(queued, sent, queued.length);
        } else if (sent != -Errno.EAGAIN) {
            gone("sending failed: " + Errno.name(-sent));
            return;
        }
        if (queued.length == 0) {
            updateWatch();
        }
    }

    private void ready(int events) {
        if ((events & Epoll.EPOLLOUT) != 0 && queued.length > 0) {
            flush();
        }
        if (isHeld()) {
            if (open && (events & (Epoll.EPOLLRDHUP | Epoll.EPOLLHUP | Epoll.EPOLLERR)) != 0) {
                gone("it closed the connection");
            }
            return;
        }
        receive();
    }

    /** Reads what is there, at most some messages: others have their turn, too. */
    void receive() {
        for (int messages = 0; open && !isHeld() && messages < MESSAGES_PER_TURN; ) {
            if (payload == null && have == 0 && closer.waiting() > MAX_UNCLOSED) {
                lookingAgain = reactor.schedule(LOOK_AGAIN_NANOS, this::goOn);
                updateWatch();
                return;
            }
            int step = read();
            if (step < 0) {
                return;
            }
            messages += step;
        }
    }

    private void goOn() {
        lookingAgain = null;
        updateWatch();
    }

    private boolean isHeld() {
        return paused || lookingAgain != null;
    }

    /**
     * Reads once. Returns 1 if that completed a message, 0 if there may be more to read, -1 if not.
     */
    private int read() {
        var body = payload;
        int missing = body == null ? Message.HEADER - have : body.length - have;
        int count = socket.recvmsg(scratch.address(), missing, received);
        if (count == -Errno.EAGAIN || count == -Errno.EINTR) {
            return -1;
        }
        if (count <= 0) {
            gone(
                    count == 0
                            ? "it closed the connection"
                            : "receiving failed: " + Errno.name(-count));
            return -1;
        }
        if (!takeFds(body == null && have == 0)) {
            return -1;
        }
        ForeignMemory.copyToArray(scratch.address(), body == null ? header : body, have, count);
        have += count;
        if (count < missing) {
            startDeadline(
                    "a message was not complete after "
                            + TimeUnit.NANOSECONDS.toSeconds(patienceNanos)
                            + " s");
            return 0;
        }
        return body == null ? headerComplete() : deliver(body);
    }

    private int headerComplete() {
        int flags = Message.getU32(header, 4);
        int size = Message.getU32(header, 8);
        if ((flags & Message.VERSION_MASK) != Message.VERSION) {
            malformed("the version of a message is 1");
            return -1;
        }
        if ((flags & Message.REPLY) != 0) {
            malformed("a request does not have the reply flag");
            return -1;
        }
        if (size < 0 || size > Message.MAX_PAYLOAD) {
            malformed("a payload has at most " + Message.MAX_PAYLOAD + " bytes");
            return -1;
        }
        if (size == 0) {
            return deliver(new byte[0]);
        }
        payload = new byte[size];
        have = 0;
        return 0;
    }

    private int deliver(byte[] body) {
        var message =
                new Message(
                        Message.getU32(header, 0), Message.getU32(header, 4), body, fds, closer);
        fds = NO_FDS;
        payload = null;
        have = 0;
        stopDeadline();
        handler.message(message);
        return 1;
    }

    /** Keeps the descriptors of the last read, or closes them if they are not allowed there. */
    private boolean takeFds(boolean allowed) {
        int count = socket.receivedFds();
        if (allowed) {
            fds = Arrays.copyOf(received, count);
        } else {
            for (int i = 0; i < count; i++) {
                socket.closeReceived(received[i]);
            }
        }
        if (socket.discardedFds() > 0) {
            malformed("at most " + received.length + " descriptors come with a message");
        } else if (socket.controlTruncated()) {
            malformed("the kernel had to drop descriptors that it sent");
        } else if (!allowed && count > 0) {
            malformed("descriptors come with the first byte of a message");
        }
        return open;
    }

    private void updateWatch() {
        if (open) {
            int events = isHeld() ? Epoll.EPOLLRDHUP : EVENTS;
            watch.modify(queued.length > 0 ? events | Epoll.EPOLLOUT : events);
        }
    }

    private void startDeadline(String rule) {
        if (deadline == null) {
            deadline = reactor.schedule(patienceNanos, () -> malformed(rule));
        }
    }

    private void stopDeadline() {
        if (deadline != null) {
            deadline.cancel();
            deadline = null;
        }
    }

    private void gone(String why) {
        if (open) {
            close();
            handler.gone(why);
        }
    }

    private void malformed(String rule) {
        if (open) {
            close();
            handler.malformed(rule);
        }
    }

    /** Closes the socket. Idempotent; the handler is not called again. */
    void close() {
        if (!open) {
            return;
        }
        open = false;
        stopDeadline();
        if (lookingAgain != null) {
            lookingAgain.cancel();
            lookingAgain = null;
        }
        watch.close();
        socket.close();
        for (int fd : fds) {
            socket.closeReceived(fd);
        }
        fds = NO_FDS;
    }
}
