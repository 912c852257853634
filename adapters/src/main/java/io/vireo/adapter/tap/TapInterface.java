package io.vireo.adapter.tap;

import io.vireo.linux.Credentials;
import io.vireo.linux.Errno;
import io.vireo.linux.ErrnoException;
import io.vireo.linux.NetInterface;
import io.vireo.linux.NetworkNamespace;
import io.vireo.linux.Tap;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;
import io.vireo.resource.spec.UplinkSpec;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;

/**
 * The interface of an uplink in its network namespace: opens it, makes it if it is absent, deletes
 * it if it was made here.
 *
 * <p>One that is made is persistent, so that addresses and bridges that the operator gave it
 * survive a restart of the daemon. A note in the runtime directory, which lives as long as
 * interfaces do, until the next boot, says that it is ours.
 */
final class TapInterface {
    private static final Path NAMESPACES = Path.of("/run/netns");

    private final String resource;
    private final UplinkSpec spec;
    private final Path note;

    /**
     * Names an interface.
     *
     * @param resource name of the uplink
     * @param uid of the uplink's incarnation
     * @param notes directory of the notes
     */
    TapInterface(String resource, String uid, UplinkSpec spec, Path notes) {
        this.resource = resource;
        this.spec = spec;
        this.note = notes.resolve(uid);
    }

    /** Opens it, up and with its MTU. */
    TapUplink open() {
        return inNamespace(() -> {
            var link = NetInterface.of(spec.interfaceName());
            boolean absent = !link.exists();
            if (absent) {
                Files.createDirectories(note.getParent());
                Files.writeString(note, spec.interfaceName() + "\n");
            }
            var tap = tap();
            try {
                if (absent) {
                    own(tap);
                }
                if (link.mtu() != spec.mtu()) {
                    link.setMtu(spec.mtu());
                }
                if (!link.isUp()) {
                    link.setUp(true);
                }
                return new TapUplink(resource, tap, spec.mtu());
            } catch (IOException | RuntimeException e) {
                tap.close();
                throw e;
            }
        });
    }

    private void own(Tap tap) throws IOException {
        tap.setPersistent(true);
        if (spec.owner().isEmpty()) {
            return;
        }
        var owner = spec.owner().get();
        tap.setOwner(
                Credentials.uid(owner)
                        .orElseThrow(() ->
                                new ResourceException(
                                        ErrorCode.INVALID,
                                        "there is no user '" + owner + "' in /etc/passwd")));
    }

    private Tap tap() throws ErrnoException {
        try {
            return Tap.open(spec.interfaceName(), false, TapUplink.OFFLOADS);
        } catch (ErrnoException e) {
            if (e.errno() != Errno.EINVAL) {
                throw e;
            }
            // What exists may have been made for several queues.
            return Tap.open(spec.interfaceName(), true, TapUplink.OFFLOADS);
        }
    }

    /** Deletes it if it was made here. */
    void delete() {
        if (!Files.exists(note)) {
            return;
        }
        if (spec.namespace().isPresent()
                && !Files.exists(NAMESPACES.resolve(spec.namespace().get()))) {
            // It went with its namespace.
            forget();
            return;
        }
        inNamespace(() -> {
            if (NetInterface.of(spec.interfaceName()).exists()) {
                try (var tap = tap()) {
                    tap.setPersistent(false);
                }
            }
            return true;
        });
        forget();
    }

    private void forget() {
        try {
            Files.deleteIfExists(note);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Runs a task on a platform thread of its own: the reconciler's must not get lost in a
     * namespace.
     */
    private <T> T inNamespace(Callable<T> task) {
        var future =
                new FutureTask<>(() -> {
                    if (spec.namespace().isEmpty()) {
                        return task.call();
                    }
                    try (var inside = NetworkNamespace.enter(spec.namespace().get())) {
                        return task.call();
                    }
                });
        Thread.ofPlatform().name("uplink-" + resource).daemon().start(future);
        try {
            return future.get();
        } catch (ExecutionException e) {
            throw failure(Objects.requireNonNullElse(e.getCause(), e));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while opening " + resource, e);
        }
    }

    private RuntimeException failure(Throwable cause) {
        return switch (cause) {
            case ErrnoException e -> new ResourceException(code(e.errno()), explain(e), e);
            case IOException e -> new UncheckedIOException(e);
            case RuntimeException e -> e;
            default -> new IllegalStateException(cause);
        };
    }

    private static ErrorCode code(int errno) {
        return switch (errno) {
            case Errno.EPERM, Errno.EACCES -> ErrorCode.PERMISSION_DENIED;
            case Errno.EBUSY -> ErrorCode.IN_USE;
            default -> ErrorCode.UNAVAILABLE;
        };
    }

    private String explain(ErrnoException e) {
        var what = "uplink '" + resource + "': " + e.getMessage();
        return switch (e.errno()) {
            case Errno.EPERM, Errno.EACCES ->
                    what
                            + ". Run the daemon with CAP_NET_ADMIN, or make the interface yourself: ip tuntap add dev "
                            + spec.interfaceName()
                            + " mode tap vnet_hdr user <the daemon's user>, with its MTU, and up";
            case Errno.EBUSY -> what + ". Another process has " + spec.interfaceName() + " open";
            case Errno.EINVAL -> what + ". Is " + spec.interfaceName() + " a TAP interface?";
            case Errno.ENOENT ->
                    what
                            + ". Is there a namespace of that name below /run/netns, and /dev/net/tun?";
            default -> what;
        };
    }
}
