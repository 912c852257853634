package io.vireo.adapter.link;

import io.vireo.linux.Errno;
import io.vireo.linux.ErrnoException;
import io.vireo.linux.LinkSocket;
import io.vireo.linux.NetInterface;
import io.vireo.linux.NetworkNamespace;
import io.vireo.reactor.Reactor;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.MacAddress;
import io.vireo.resource.Metadata;
import io.vireo.resource.ResourceException;
import io.vireo.resource.spec.UplinkSpec;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;

/**
 * An interface of the host in its network namespace.
 *
 * @param owner the resource that uses it, as errors name it: {@code "uplink 'office'"}
 * @param name of the interface
 * @param namespace below /run/netns; absent: the daemon's own
 */
public record HostInterface(String owner, String name, Optional<String> namespace) {
    /** The interface of an uplink that has one. */
    public static HostInterface of(Metadata uplink, UplinkSpec spec) {
        return new HostInterface(
                "uplink '" + uplink.name() + "'",
                spec.interfaceName().orElseThrow(),
                spec.namespace());
    }

    /** Says what an error of the kernel means. */
    @FunctionalInterface
    public interface Advice {
        /** What is wrong and what to do, without a period; empty: nothing particular is known. */
        String on(int errno);
    }

    /** The interface by its name; of use inside the namespace only. */
    public NetInterface device() {
        return NetInterface.of(name);
    }

    /** Watches it on the control reactor; inside the namespace only. */
    public LinkMonitor monitor(Reactor control) throws ErrnoException {
        var address = address(device().mac());
        Optional<NamedNamespace> home =
                namespace.isEmpty()
                        ? Optional.empty()
                        : Optional.of(NamedNamespace.entered(namespace.get()));
        return LinkMonitor.start(control, LinkSocket.open(device().index()), address, home);
    }

    /** Empty where an interface has no MAC address, or none that a station may have. */
    private static Optional<MacAddress> address(byte[] octets) {
        long bits = 0;
        for (byte octet : octets) {
            bits = bits << Byte.SIZE | Byte.toUnsignedLong(octet);
        }
        try {
            return Optional.of(new MacAddress(bits));
        } catch (IllegalArgumentException _) {
            return Optional.empty();
        }
    }

    /**
     * Sets its MTU and takes it up, unless that is so already; inside the namespace only.
     *
     * @throws ResourceException if its driver does not take the MTU
     */
    public void configure(int mtu) throws ErrnoException {
        var device = device();
        if (device.mtu() != mtu) {
            setMtu(device, mtu);
        }
        if (!device.isUp()) {
            device.setUp(true);
        }
    }

    private void setMtu(NetInterface device, int mtu) throws ErrnoException {
        try {
            device.setMtu(mtu);
        } catch (ErrnoException e) {
            if (e.errno() != Errno.EINVAL && e.errno() != Errno.EOPNOTSUPP) {
                throw e;
            }
            throw new ResourceException(
                    ErrorCode.UNAVAILABLE,
                    "%s: %s does not take an MTU of %d; 'ip -d link show dev %s' says which it takes (maxmtu)"
                            .formatted(owner, text(), mtu, name),
                    e);
        }
    }

    /** It, for people: {@code interface up0 in namespace guests}. */
    private String text() {
        return "interface " + name + namespace.map(in -> " in namespace " + in).orElse("");
    }

    /** That there is none, for {@link Advice}. */
    public String absence() {
        return "there is no %s; 'ip %slink' shows those that there are"
                .formatted(text(), namespace.map(in -> "-n " + in + " ").orElse(""));
    }

    /**
     * Runs a task inside the namespace, on a platform thread of its own: the caller's must not get
     * lost there.
     *
     * @throws ResourceException if a system call of the task fails
     */
    public <T> T inside(Callable<T> task, Advice advice) {
        var future =
                new FutureTask<>(() -> {
                    if (namespace.isEmpty()) {
                        return task.call();
                    }
                    try (var entered = enter(namespace.get())) {
                        return task.call();
                    }
                });
        Thread.ofPlatform().name("interface-" + name).daemon().start(future);
        try {
            return future.get();
        } catch (ExecutionException e) {
            throw failure(Objects.requireNonNullElse(e.getCause(), e), advice);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while opening " + name, e);
        }
    }

    private NetworkNamespace enter(String place) {
        try {
            return NetworkNamespace.enter(place);
        } catch (ErrnoException e) {
            var what =
                    switch (e.errno()) {
                        case Errno.ENOENT ->
                                "there is no network namespace %s below /run/netns; make it with 'ip netns add %s', or name another one"
                                        .formatted(place, place);
                        case Errno.EPERM, Errno.EACCES ->
                                "the daemon may not enter network namespace %s; run it with CAP_SYS_ADMIN"
                                        .formatted(place);
                        case Errno.EINVAL ->
                                "/run/netns/%s is no network namespace; delete it, and make it with 'ip netns add %s'"
                                        .formatted(place, place);
                        default ->
                                "network namespace %s cannot be entered (%s)"
                                        .formatted(place, e.errnoName());
                    };
            throw new ResourceException(code(e.errno()), owner + ": " + what, e);
        }
    }

    private RuntimeException failure(Throwable cause, Advice advice) {
        return switch (cause) {
            case ErrnoException e -> new ResourceException(code(e.errno()), explain(e, advice), e);
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

    private String explain(ErrnoException e, Advice advice) {
        var known = advice.on(e.errno());
        return owner
                + ": "
                + (known.isEmpty()
                        ? "%s cannot be used (%s); the kernel's log may say why"
                                .formatted(text(), e.errnoName())
                        : known);
    }
}
