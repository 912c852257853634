package io.vireo.transport.qmp;

import io.vireo.linux.NativeBuffer;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.Timer;
import io.vireo.transport.Monitor;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Keeps the link of a card at what was said last, by {@code set_link}. One call at a time; what
 * changes meanwhile is said next. Fields belong to the control reactor.
 */
final class QmpLink implements Monitor.Link {
    private static final long RETRY_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final Reactor control;
    private final NativeBuffer scratch;
    private final Path socket;
    private final String device;
    private final Runnable changed;
    private @Nullable QmpCall call;
    private @Nullable Timer retry;
    private boolean up;

    /** Whether it is still to be said. */
    private boolean wanted;

    /** Whether there is somebody to tell. */
    private boolean active;

    private boolean closed;
    private volatile String trouble = "";

    QmpLink(Reactor control, NativeBuffer scratch, Path socket, String device, Runnable changed) {
        this.control = control;
        this.scratch = scratch;
        this.socket = socket;
        this.device = device;
        this.changed = changed;
    }

    @Override
    public void set(boolean newUp) {
        control.execute(() -> {
            if (!closed) {
                up = newUp;
                wanted = true;
                active = true;
                next();
            }
        });
    }

    @Override
    public void idle() {
        control.execute(this::stop);
    }

    @Override
    public String trouble() {
        return trouble;
    }

    @Override
    public void close() {
        control.execute(() -> {
            closed = true;
            stop();
        });
    }

    private void stop() {
        wanted = false;
        active = false;
        cancelRetry();
        trouble("");
    }

    private void cancelRetry() {
        if (retry != null) {
            retry.cancel();
            retry = null;
        }
    }

    /** Says what is wanted, unless something is being said. */
    private void next() {
        cancelRetry();
        if (!wanted || call != null) {
            return;
        }
        wanted = false;
        call =
                new QmpCall(
                        control,
                        scratch,
                        socket,
                        "set_link",
                        Map.of("name", device, "up", up),
                        this::said);
        call.start();
    }

    private void said(String failure) {
        call = null;
        if (!active) {
            return;
        }
        trouble(failure);
        if (wanted) {
            next();
        } else if (!failure.isEmpty()) {
            retry =
                    control.schedule(
                            RETRY_NANOS,
                            () -> {
                                wanted = true;
                                next();
                            });
        }
    }

    private void trouble(String now) {
        if (!now.equals(trouble)) {
            trouble = now;
            changed.run();
        }
    }
}
