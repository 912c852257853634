package io.vireo.adapter.tap;

import io.vireo.adapter.link.CallBatch;
import io.vireo.adapter.link.HostInterface;
import io.vireo.linux.Credentials;
import io.vireo.linux.Errno;
import io.vireo.linux.ErrnoException;
import io.vireo.linux.Tap;
import io.vireo.reactor.Reactor;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.MacAddress;
import io.vireo.resource.ResourceException;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Optional;
import java.util.Set;

/**
 * A TAP interface in its network namespace: opens it, makes it if it is absent, deletes it if it
 * was made here.
 *
 * <p>One that is made is persistent, so that addresses and bridges that the operator gave it
 * survive a restart of the daemon. A {@link TapNote} in the runtime directory says that it is ours:
 * it is written before the interface is made persistent, and removed when the interface is gone, so
 * that there is no moment at which a crash would leave one without the other behind.
 */
final class TapInterface {
    private static final Logger LOG = System.getLogger(TapInterface.class.getName());
    private static final Path NAMESPACES = Path.of("/run/netns");

    private final String resource;
    private final HostInterface host;
    private final Settings settings;
    private final TapNote note;
    private volatile boolean made;

    /**
     * What an interface gets.
     *
     * @param mtu in bytes
     * @param mac absent: it is left as it is. Present: the interface has to be one that was made
     *     here
     * @param user who may open it if it is made here; absent: the daemon's user
     * @param queues that it has; one that was made here with a single one is made anew for several
     */
    record Settings(int mtu, Optional<MacAddress> mac, Optional<String> user, int queues) {}

    /**
     * Names an interface.
     *
     * @param resource name of the resource
     * @param host the interface
     * @param settings what it gets
     * @param note says that it is ours
     */
    TapInterface(String resource, HostInterface host, Settings settings, TapNote note) {
        this.resource = resource;
        this.host = host;
        this.settings = settings;
        this.note = note;
    }

    /**
     * Deletes those that were made here, and noted in a directory, for others than these.
     *
     * @param resource what they were, for logs
     */
    static void reclaim(String resource, Path notes, Set<TapNote.Subject> declared) {
        for (var subject : TapNote.subjects(notes)) {
            if (declared.contains(subject)) {
                continue;
            }
            var host = new HostInterface(resource, subject.interfaceName(), subject.namespace());
            var settings = new Settings(0, Optional.empty(), Optional.empty(), 1);
            try {
                new TapInterface(resource, host, settings, TapNote.of(notes, subject)).delete();
                LOG.log(Level.INFO, "removed " + host.name() + ", which nobody has any more");
            } catch (RuntimeException e) {
                LOG.log(Level.WARNING, host.name() + " stays for now: " + e.getMessage());
            }
        }
    }

    /** Opens it, up, with its MTU and MAC address. */
    TapUplink open(Reactor control) {
        return host.inside(() -> openInside(control), this::advice);
    }

    private TapUplink openInside(Reactor control) throws IOException {
        boolean there = host.device().exists();
        if (there && settings.mac().isPresent() && !isOurs()) {
            throw new ResourceException(
                    ErrorCode.IN_USE,
                    host.owner()
                            + ": there is an interface "
                            + host.name()
                            + " already that was not made for it; delete that one, or give the vNIC"
                            + " another interfaceName");
        }
        int before = there ? host.device().index() : 0;
        var taps = new ArrayList<Tap>();
        try {
            taps.add(settings.queues() == 1 ? tap() : oneOfSeveral());
            if (host.device().index() != before) {
                own(taps.getFirst());
                made = true;
            }
            while (taps.size() < settings.queues()) {
                taps.add(Tap.open(host.name(), true, TapUplink.OFFLOADS));
            }
            address();
            host.configure(settings.mtu());
            return new TapUplink(
                    resource,
                    taps,
                    host.monitor(control),
                    settings.mtu(),
                    isOurs(),
                    CallBatch::acquire);
        } catch (IOException | RuntimeException e) {
            taps.forEach(Tap::close);
            throw e;
        }
    }

    private void address() throws ErrnoException {
        if (settings.mac().isPresent()) {
            byte[] mac = settings.mac().get().octets();
            if (!Arrays.equals(host.device().mac(), mac)) {
                host.device().setMac(mac);
            }
        }
    }

    /** Whether {@link #open} has made it. */
    boolean made() {
        return made;
    }

    /** Whether the interface that is there was made here; inside the namespace. */
    private boolean isOurs() throws IOException {
        return note.isOf(host.name(), host.device().index());
    }

    private void own(Tap tap) throws IOException {
        note.write(host.name(), host.device().index());
        tap.setPersistent(true);
        if (settings.user().isEmpty()) {
            return;
        }
        tap.setOwner(
                Credentials.uid(settings.user().get())
                        .orElseThrow(() ->
                                new ResourceException(
                                        ErrorCode.INVALID,
                                        "there is no user '"
                                                + settings.user().get()
                                                + "' in /etc/passwd")));
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

    /** The kernel does not add queues to an interface that was made with one. */
    private Tap oneOfSeveral() throws IOException {
        try {
            return Tap.open(host.name(), true, TapUplink.OFFLOADS);
        } catch (ErrnoException e) {
            if (e.errno() != Errno.EINVAL || !isOurs()) {
                throw e;
            }
        }
        try (var former = Tap.open(host.name(), false, TapUplink.OFFLOADS)) {
            former.setPersistent(false);
        }
        return Tap.open(host.name(), true, TapUplink.OFFLOADS);
    }

    /** Deletes it if it was made here. */
    void delete() {
        if (!note.exists()) {
            return;
        }
        if (host.namespace().isPresent()
                && !Files.exists(NAMESPACES.resolve(host.namespace().get()))) {
            // It went with its namespace.
            note.remove();
            return;
        }
        host.inside(
                () -> {
                    if (host.device().exists() && isOurs()) {
                        try (var tap = tap()) {
                            tap.setPersistent(false);
                        }
                    }
                    return true;
                },
                this::advice);
        note.remove();
    }

    private String advice(int errno) {
        return switch (errno) {
            case Errno.EPERM, Errno.EACCES ->
                    "the daemon may not make or open %s; run it with CAP_NET_ADMIN, or make the interface yourself: ip tuntap add dev %s mode tap vnet_hdr user <the daemon's user>, with its MTU, and up"
                            .formatted(host.name(), host.name());
            case Errno.EBUSY ->
                    "another process has %s open; stop that one, or name another interface"
                            .formatted(host.name());
            case Errno.EINVAL ->
                    "%s is there and is no TAP interface that Vireo could open; name another one, or take it as it is with an Uplink of type packet"
                            .formatted(host.name());
            case Errno.ENOENT, Errno.ENODEV, Errno.ENXIO ->
                    "there is no /dev/net/tun that works, or %s was deleted just now; load the kernel's module: modprobe tun"
                            .formatted(host.name());
            default -> "";
        };
    }
}
