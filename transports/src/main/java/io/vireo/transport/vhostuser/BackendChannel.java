package io.vireo.transport.vhostuser;

import io.vireo.linux.Epoll;
import io.vireo.linux.Errno;
import io.vireo.linux.Fd;
import io.vireo.linux.ForeignMemory;
import io.vireo.linux.NativeBuffer;
import io.vireo.linux.UnixSocket;
import io.vireo.reactor.FdWatch;
import io.vireo.reactor.Reactor;
import org.jspecify.annotations.Nullable;

/**
 * The socket for requests of the back end (SET_BACKEND_REQ_FD). Requests that do not fit wait,
 * merged into one.
 */
final class BackendChannel {
    /** VHOST_USER_BACKEND_CONFIG_CHANGE_MSG. */
    private static final int CONFIG_CHANGE = 2;

    private final UnixSocket socket;
    private final Reactor reactor;
    private final NativeBuffer scratch;
    private @Nullable FdWatch waiting;
    private int sent;

    private BackendChannel(UnixSocket socket, Reactor reactor, NativeBuffer scratch) {
        this.socket = socket;
        this.reactor = reactor;
        this.scratch = scratch;
    }

    /** Takes over the descriptor, also when it fails. */
    static BackendChannel of(Fd fd, Reactor reactor, NativeBuffer scratch)
            throws ViolationException {
        if (!UnixSocket.isUnix(fd)) {
            fd.close();
            throw new ViolationException("the descriptor is a Unix socket");
        }
        return new BackendChannel(UnixSocket.of(fd), reactor, scratch);
    }

    /** Tells the front end that the configuration space has changed. */
    void configChanged() {
        if (waiting == null) {
            send();
        }
    }

    private void send() {
        var message = new byte[Message.HEADER];
        Message.putU32(message, 0, CONFIG_CHANGE);
        Message.putU32(message, 4, Message.VERSION);
        ForeignMemory.copyFromArray(message, 0, scratch.address(), message.length);
        int result = socket.send(scratch.address() + sent, message.length - sent);
        if (result > 0) {
            sent = (sent + result) % message.length;
        }
        // A front end that has closed its end learns of the change when it reads the configuration
        // again.
        if (result == -Errno.EAGAIN || sent > 0) {
            await();
        } else {
            close(waiting);
            waiting = null;
        }
    }

    private void await() {
        if (waiting == null) {
            waiting = reactor.watch(socket.fd().number(), Epoll.EPOLLOUT, _ -> send());
        }
    }

    void close() {
        close(waiting);
        waiting = null;
        socket.close();
    }

    private static void close(@Nullable FdWatch watch) {
        if (watch != null) {
            watch.close();
        }
    }
}
