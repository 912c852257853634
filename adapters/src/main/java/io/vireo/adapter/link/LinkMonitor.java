package io.vireo.adapter.link;

import io.vireo.linux.Epoll;
import io.vireo.linux.LinkSocket;
import io.vireo.net.PortState;
import io.vireo.reactor.FdWatch;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.Timer;
import io.vireo.resource.MacAddress;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Follows the state of an interface by the kernel's events, on the control reactor. Any thread may
 * ask. That its namespace was made anew under the same name no event tells: that is looked at once
 * a second.
 */
public final class LinkMonitor {
    private static final long LOOK_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final Reactor control;
    private final LinkSocket socket;
    private final Optional<MacAddress> address;
    private final Optional<NamedNamespace> home;
    private final List<Runnable> listeners = new CopyOnWriteArrayList<>();

    // On the control reactor only.
    private @Nullable FdWatch watch;
    private @Nullable Timer look;
    private boolean closed;
    private boolean wasUp;
    private boolean wasPresent;

    private volatile boolean replaced;
    private volatile PortState state;

    private LinkMonitor(
            Reactor control,
            LinkSocket socket,
            Optional<MacAddress> address,
            Optional<NamedNamespace> home) {
        this.control = control;
        this.address = address;
        this.home = home;
        this.socket = socket;
        wasUp = socket.isUp();
        wasPresent = socket.isPresent();
        state = wasUp ? PortState.UP : PortState.DOWN;
    }

    /** Starts; takes the socket over. */
    static LinkMonitor start(
            Reactor control,
            LinkSocket socket,
            Optional<MacAddress> address,
            Optional<NamedNamespace> home) {
        var monitor = new LinkMonitor(control, socket, address, home);
        control.execute(monitor::begin);
        return monitor;
    }

    private void begin() {
        if (!closed) {
            watch = control.watch(socket.fd().number(), Epoll.EPOLLIN, _ -> changed());
            changed();
            home.ifPresent(this::look);
        }
    }

    private void look(NamedNamespace namespace) {
        look = control.schedule(LOOK_NANOS, () -> look(namespace));
        replaced = namespace.isReplaced();
        changed();
    }

    private void changed() {
        socket.drain();
        boolean present = isPresent();
        boolean up = present && socket.isUp();
        if (up != wasUp || present != wasPresent) {
            wasUp = up;
            wasPresent = present;
            state = up ? PortState.UP : PortState.DOWN;
            listeners.forEach(Runnable::run);
        }
    }

    /** Whether frames can pass the interface. */
    public PortState state() {
        return state;
    }

    /** The MAC address that the interface had when it was opened. */
    public Optional<MacAddress> address() {
        return address;
    }

    /** Whether the interface is there, in the namespace that has its name. */
    public boolean isPresent() {
        return socket.isPresent() && !replaced;
    }

    /** What is wrong with the interface of a name, and what to do; empty if it is up. */
    public String trouble(String name) {
        if (state == PortState.UP) {
            return "";
        }
        if (replaced) {
            return "Interface %s is in a namespace %s that another one has taken the place of: the interface of this name in the new one is used when it is there."
                    .formatted(name, home.map(NamedNamespace::name).orElseThrow());
        }
        return isPresent()
                ? "Interface " + name + " has no link: check its cable, or take it up."
                : "Interface "
                        + name
                        + " was deleted, or taken to another namespace: it is used again when it is back.";
    }

    /**
     * Has {@code listener} run on the control reactor whenever the state has changed, or it is
     * gone.
     */
    public void onChange(Runnable listener) {
        listeners.add(listener);
    }

    /** Takes a listener back. */
    public void forget(Runnable listener) {
        listeners.remove(listener);
    }

    /** Stops; soon nothing is open any more. */
    public void close() {
        control.execute(() -> {
            closed = true;
            if (watch != null) {
                watch.close();
            }
            if (look != null) {
                look.cancel();
            }
            socket.close();
        });
    }
}
