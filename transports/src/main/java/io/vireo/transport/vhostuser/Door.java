package io.vireo.transport.vhostuser;

import io.vireo.linux.Epoll;
import io.vireo.linux.Errno;
import io.vireo.linux.ErrnoException;
import io.vireo.linux.Fd;
import io.vireo.linux.PathCalls;
import io.vireo.linux.UnixSocket;
import io.vireo.reactor.FdWatch;
import io.vireo.reactor.Timer;
import io.vireo.transport.EndpointSpec;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Where connections come from. All methods are called on the control reactor. */
sealed interface Door {
    /** Begins to give connections to {@code visitor}. */
    void open(Consumer<UnixSocket> visitor);

    /** The last connection has ended, and everything that belonged to it is given back. */
    void free(boolean wasUsed);

    /** Gives no more connections. */
    void close();

    /** We listen; front ends connect. */
    final class Server implements Door {
        private static final long RETRY_NANOS = TimeUnit.MILLISECONDS.toNanos(100);
        private static final int ACCEPTS_PER_TURN = 16;

        /** What may wait to be closed of those before. */
        private static final int MOST_UNCLOSED = 64;

        private final EndpointSpec spec;
        private final Session.Context context;
        private final UnixSocket listener;
        private @Nullable FdWatch watch;
        private @Nullable Timer retry;

        /** Takes over the socket. */
        Server(EndpointSpec spec, Session.Context context, UnixSocket listener) {
            this.spec = spec;
            this.context = context;
            this.listener = listener;
        }

        @Override
        public void open(Consumer<UnixSocket> visitor) {
            retry = null;
            watch =
                    context.control()
                            .watch(listener.fd().number(), Epoll.EPOLLIN, _ -> accept(visitor));
        }

        private void accept(Consumer<UnixSocket> visitor) {
            for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
                if (context.closer().waiting() > MOST_UNCLOSED) {
                    pause(
                            visitor,
                            "what earlier front ends sent cannot be closed yet, since who serves"
                                    + " those files or sockets does not answer");
                    return;
                }
                int fd = listener.accept();
                if (fd < 0) {
                    if (fd == -Errno.EMFILE || fd == -Errno.ENFILE || fd == -Errno.ENOMEM) {
                        pause(visitor, Errno.name(-fd) + "; raise the limit of open files");
                    }
                    return;
                }
                visitor.accept(UnixSocket.of(Fd.foreign(fd, context.closer())));
            }
        }

        /** The connection stays in the backlog; trying at once again would be a busy loop. */
        private void pause(Consumer<UnixSocket> visitor, String why) {
            context.journal().error("accept", "no connection can be accepted: " + why);
            unwatch();
            retry = context.control().schedule(RETRY_NANOS, () -> open(visitor));
        }

        private void unwatch() {
            if (watch != null) {
                watch.close();
                watch = null;
            }
        }

        @Override
        public void free(boolean wasUsed) {}

        @Override
        public void close() {
            unwatch();
            if (retry != null) {
                retry.cancel();
            }
            listener.close();
            try {
                PathCalls.unlinkat(PathCalls.AT_FDCWD, spec.socket().toString());
            } catch (ErrnoException e) {
                context.journal()
                        .info("the socket was removed by somebody else: " + e.getMessage());
            }
        }
    }

    /** We connect, for ever, to a front end that listens. */
    final class Client implements Door {
        private static final long SHORTEST_NANOS = TimeUnit.MILLISECONDS.toNanos(10);
        private static final long LONGEST_NANOS = TimeUnit.MILLISECONDS.toNanos(250);

        private final EndpointSpec spec;
        private final Session.Context context;
        private Consumer<UnixSocket> visitor = UnixSocket::close;
        private @Nullable Timer retry;
        private long delay = SHORTEST_NANOS;
        private boolean closed;

        Client(EndpointSpec spec, Session.Context context) {
            this.spec = spec;
            this.context = context;
        }

        @Override
        public void open(Consumer<UnixSocket> to) {
            visitor = to;
            connect();
        }

        private void connect() {
            retry = null;
            try {
                var socket = UnixSocket.connect(spec.socket());
                visitor.accept(VhostUserTransport.foreign(socket, context));
            } catch (ErrnoException e) {
                context.journal()
                        .error(
                                "connect",
                                "nobody listens at " + spec.socket() + " yet: " + e.getMessage());
                connectLater();
            }
        }

        private void connectLater() {
            if (!closed) {
                retry = context.control().schedule(delay, this::connect);
                delay = Math.min(2 * delay, LONGEST_NANOS);
            }
        }

        @Override
        public void free(boolean wasUsed) {
            if (wasUsed) {
                delay = SHORTEST_NANOS;
            }
            connectLater();
        }

        @Override
        public void close() {
            closed = true;
            if (retry != null) {
                retry.cancel();
            }
        }
    }
}
