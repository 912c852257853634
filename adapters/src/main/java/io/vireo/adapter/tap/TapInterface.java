package io.vireo.adapter.tap;

import io.vireo.adapter.link.HostInterface;
import io.vireo.linux.Credentials;
import io.vireo.linux.Errno;
import io.vireo.linux.ErrnoException;
import io.vireo.linux.Tap;
import io.vireo.reactor.Reactor;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * A TAP interface in its network namespace: opens it, makes it if it is absent, deletes it if it
 * was made here.
 *
 * <p>One that is made is persistent, so that addresses and bridges that the operator gave it
 * survive a restart of the daemon. A note in the runtime directory, which lives as long as
 * interfaces do, until the next boot, says that it is ours.
 */
final class TapInterface {
    private static final Path NAMESPACES = Path.of("/run/netns");

    private final String resource;
    private final HostInterface host;
    private final int mtu;
    private final Optional<String> user;
    private final Path note;

    /**
     * Names an interface.
     *
     * @param resource name of the resource
     * @param host the interface
     * @param mtu in bytes
     * @param user who may open it if it is made here; absent: the daemon's user
     * @param note file that says that it is ours
     */
    TapInterface(String resource, HostInterface host, int mtu, Optional<String> user, Path note) {
        this.resource = resource;
        this.host = host;
        this.mtu = mtu;
        this.user = user;
        this.note = note;
    }

    /** Opens it, up and with its MTU. */
    TapUplink open(Reactor control) {
        return host.inside(
                () -> {
                    boolean absent = !host.device().exists();
                    if (absent) {
                        Files.createDirectories(note.getParent());
                        Files.writeString(note, host.name() + "\n");
                    }
                    var tap = tap();
                    try {
                        if (absent) {
                            own(tap);
                        }
                        host.configure(mtu);
                        return new TapUplink(resource, tap, host.monitor(control), mtu);
                    } catch (IOException | RuntimeException e) {
                        tap.close();
                        throw e;
                    }
                },
                this::advice);
    }

    private void own(Tap tap) throws IOException {
        tap.setPersistent(true);
        if (user.isEmpty()) {
            return;
        }
        tap.setOwner(
                Credentials.uid(user.get())
                        .orElseThrow(() ->
                                new ResourceException(
                                        ErrorCode.INVALID,
                                        "there is no user '" + user.get() + "' in /etc/passwd")));
    }

    private Tap tap() throws ErrnoException {
        try {
            return Tap.open(host.name(), false, TapUplink.OFFLOADS);
        } catch (ErrnoException e) {
            if (e.errno() != Errno.EINVAL) {
                throw e;
            }
            // What exists may have been made for several queues.
            return Tap.open(host.name(), true, TapUplink.OFFLOADS);
        }
    }

    /** Deletes it if it was made here. */
    void delete() {
        if (!Files.exists(note)) {
            return;
        }
        if (host.namespace().isPresent()
                && !Files.exists(NAMESPACES.resolve(host.namespace().get()))) {
            // It went with its namespace.
            forget();
            return;
        }
        host.inside(
                () -> {
                    if (host.device().exists()) {
                        try (var tap = tap()) {
                            tap.setPersistent(false);
                        }
                    }
                    return true;
                },
                this::advice);
        forget();
    }

    private void forget() {
        try {
            Files.deleteIfExists(note);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private String advice(int errno) {
        return switch (errno) {
            case Errno.EPERM, Errno.EACCES ->
                    "Run the daemon with CAP_NET_ADMIN, or make the interface yourself: ip tuntap add dev "
                            + host.name()
                            + " mode tap vnet_hdr user <the daemon's user>, with its MTU, and up";
            case Errno.EBUSY -> "Another process has " + host.name() + " open";
            case Errno.EINVAL -> "Is " + host.name() + " a TAP interface?";
            case Errno.ENOENT ->
                    "Is there a namespace of that name below /run/netns, and /dev/net/tun?";
            default -> "";
        };
    }
}
