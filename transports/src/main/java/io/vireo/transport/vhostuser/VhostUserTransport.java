package io.vireo.transport.vhostuser;

import io.vireo.device.VirtioDevice;
import io.vireo.linux.Closer;
import io.vireo.linux.Errno;
import io.vireo.linux.ErrnoException;
import io.vireo.linux.Fd;
import io.vireo.linux.NativeBuffer;
import io.vireo.linux.PathCalls;
import io.vireo.linux.UnixSocket;
import io.vireo.reactor.ReactorGroup;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;
import io.vireo.transport.Endpoint;
import io.vireo.transport.EndpointSpec;
import io.vireo.transport.VirtioTransport;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Presents virtio devices to hypervisors over vhost-user. Thread safe. */
public final class VhostUserTransport implements VirtioTransport {
    /**
     * What is common to all endpoints.
     *
     * @param mode permission bits of sockets that we listen at
     * @param uid owner of these, -1 leaves it
     * @param gid group of these, -1 leaves it
     * @param patience how long a front end may take for its first message, and for the rest of one
     *     that it began
     * @param ringReset whether to offer VIRTIO_F_RING_RESET, since all front ends convey the reset
     *     of one queue by GET_VRING_BASE. One that takes the feature and does not, as QEMU, leaves
     *     the device writing to memory that the driver has given to others
     */
    public record Configuration(int mode, int uid, int gid, Duration patience, boolean ringReset) {
        /** Owner and group may connect; ten seconds of patience; no resets of one queue. */
        public static Configuration defaults() {
            return new Configuration(0660, -1, -1, Duration.ofSeconds(10), false);
        }
    }

    private static final int BACKLOG = 16;
    private static final long WATCHDOG_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final ReactorGroup reactors;
    private final Configuration configuration;

    // One for all: only the control reactor uses it. It lives as long as the transport.
    private final NativeBuffer scratch = NativeBuffer.allocate(Connection.SCRATCH, 8);
    private final List<VhostUserEndpoint> endpoints = new ArrayList<>();

    /** A transport whose sessions run on these reactors. */
    public VhostUserTransport(ReactorGroup reactors, Configuration configuration) {
        this.reactors = reactors;
        this.configuration = configuration;
        reactors.control().execute(this::watchdog);
    }

    @Override
    public Endpoint present(VirtioDevice device, EndpointSpec spec) {
        var journal = new Journal(spec.name());
        var context =
                new Session.Context(
                        device,
                        journal,
                        reactors.control(),
                        reactors.data(),
                        scratch,
                        configuration.patience().toNanos(),
                        configuration.ringReset(),
                        new Closer("close " + spec.name()));
        var door = spec.listen() ? listen(spec, context) : new Door.Client(spec, context);
        var endpoint = new VhostUserEndpoint(context, door, this::forget);
        reactors.control()
                .execute(() -> {
                    endpoints.add(endpoint);
                    endpoint.open();
                });
        return endpoint;
    }

    private Door listen(EndpointSpec spec, Session.Context context) {
        try {
            var directory = spec.socket().getParent();
            if (directory != null) {
                makeDirectory(directory);
            }
            var socket =
                    UnixSocket.listen(
                            spec.socket(),
                            BACKLOG,
                            configuration.mode(),
                            configuration.uid(),
                            configuration.gid());
            return new Door.Server(spec, context, foreign(socket, context));
        } catch (ErrnoException e) {
            throw refused(spec, e);
        }
    }

    /** What a front end sends may be queued in it when it is closed. */
    static UnixSocket foreign(UnixSocket socket, Session.Context context) {
        return UnixSocket.of(Fd.foreign(socket.fd().release(), context.closer()));
    }

    private static ResourceException refused(EndpointSpec spec, ErrnoException e) {
        var code =
                switch (e.errno()) {
                    case Errno.EACCES, Errno.EPERM, Errno.EROFS -> ErrorCode.PERMISSION_DENIED;
                    default -> ErrorCode.UNAVAILABLE;
                };
        var why =
                switch (e.errno()) {
                    case Errno.EEXIST ->
                            ": something else has that name; remove it, or set another socketPath";
                    case Errno.EADDRINUSE ->
                            ": another process, or another device, listens there; stop that one, or"
                                    + " set another socketPath";
                    case Errno.ENOENT, Errno.ENOTDIR ->
                            ": its directory is not there; make it, or set another socketPath";
                    case Errno.EACCES, Errno.EPERM ->
                            ": permission denied; let the daemon's user write there, and give away"
                                    + " files to the owner of sockets";
                    case Errno.EROFS -> ": it is mounted read-only; set another socketPath";
                    case Errno.ENAMETOOLONG -> ": the path is too long; set a shorter socketPath";
                    default -> " (" + e.errnoName() + ")";
                };
        return new ResourceException(
                code, "%s cannot listen at %s%s".formatted(spec.name(), spec.socket(), why), e);
    }

    /** The folder of a profile's sockets: whoever may use them may pass through it. */
    private void makeDirectory(Path directory) throws ErrnoException {
        var path = directory.toString();
        try {
            PathCalls.mkdirat(PathCalls.AT_FDCWD, path, 0750);
        } catch (ErrnoException e) {
            if (e.errno() == Errno.EEXIST) {
                return;
            }
            throw e;
        }
        PathCalls.chmod(PathCalls.AT_FDCWD, path, 0750);
        if (configuration.uid() >= 0 || configuration.gid() >= 0) {
            PathCalls.chown(PathCalls.AT_FDCWD, path, configuration.uid(), configuration.gid());
        }
    }

    private void forget(VhostUserEndpoint endpoint) {
        endpoints.remove(endpoint);
    }

    private void watchdog() {
        endpoints.forEach(VhostUserEndpoint::freeStuck);
        reactors.control().schedule(WATCHDOG_NANOS, this::watchdog);
    }
}
