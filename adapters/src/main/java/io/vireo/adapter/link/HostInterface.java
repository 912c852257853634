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

    /** Says what to do about an error of the kernel. */
    @FunctionalInterface
    public interface Advice {
        /** A sentence, or an empty string. */
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

    /** Sets its MTU and takes it up, unless that is so already; inside the namespace only. */
    public void configure(int mtu) throws ErrnoException {
        var device = device();
        if (device.mtu() != mtu) {
            device.setMtu(mtu);
        }
        if (!device.isUp()) {
            device.setUp(true);
        }
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
                    try (var entered = NetworkNamespace.enter(namespace.get())) {
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
        var what = owner + ": " + e.getMessage();
        var hint = advice.on(e.errno());
        return hint.isEmpty() ? what : what + ". " + hint;
    }
}
