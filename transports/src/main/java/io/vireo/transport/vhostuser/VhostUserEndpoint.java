package io.vireo.transport.vhostuser;

import io.vireo.linux.UnixSocket;
import io.vireo.transport.Endpoint;
import io.vireo.transport.vhostuser.Journal.Counter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A device at its socket: one front end at a time. A front end that comes while the last one's
 * requests are still completing waits; one that comes while another is alive is turned away.
 */
final class VhostUserEndpoint implements Endpoint {
    private final Session.Context context;
    private final Door door;
    private final Consumer<VhostUserEndpoint> forget;
    private final List<Runnable> onClosed = new ArrayList<>();
    private @Nullable Session session;
    private @Nullable UnixSocket waiting;
    private boolean closing;

    /** Who waits for a pause. */
    private @Nullable Runnable pausing;

    private boolean paused;
    private volatile State state = State.WAITING;
    private volatile Runnable listener = () -> {};

    VhostUserEndpoint(Session.Context context, Door door, Consumer<VhostUserEndpoint> forget) {
        this.context = context;
        this.door = door;
        this.forget = forget;
        context.device().onConfigChange(() -> context.control().execute(this::configChanged));
    }

    /** Begins to take connections; on the control reactor. */
    void open() {
        if (!closing) {
            door.open(this::visit);
        }
    }

    /** See {@link Session#freeStuck}. */
    void freeStuck() {
        if (session != null) {
            session.freeStuck();
        }
    }

    @Override
    public State state() {
        return state;
    }

    @Override
    public Map<String, Long> counters() {
        return context.journal().counters();
    }

    @Override
    public String lastError() {
        return context.journal().lastError();
    }

    @Override
    public void onChange(Runnable changed) {
        listener = changed;
    }

    @Override
    public void pause(Runnable onPaused) {
        context.control().execute(() -> pauseNow(onPaused));
    }

    private void pauseNow(Runnable onPaused) {
        pausing = onPaused;
        if (session == null) {
            paused();
        } else if (!session.dropped()) {
            session.pause(this::paused);
        }
        // Else when it has given its queues back.
    }

    private void paused() {
        var told = pausing;
        if (told == null) {
            // It was taken back meanwhile.
            goOn();
            return;
        }
        pausing = null;
        paused = true;
        told.run();
    }

    @Override
    public void resume() {
        context.control()
                .execute(() -> {
                    if (paused) {
                        paused = false;
                        goOn();
                    } else {
                        pausing = null;
                    }
                });
    }

    private void goOn() {
        if (session != null) {
            session.resume();
        } else {
            serveNext();
        }
    }

    @Override
    public void close(Runnable closed) {
        context.control().execute(() -> closeNow(closed));
    }

    private void closeNow(Runnable closed) {
        if (state == State.CLOSED) {
            closed.run();
            return;
        }
        onClosed.add(closed);
        if (closing) {
            return;
        }
        closing = true;
        door.close();
        turnAwayWaiting();
        if (session == null) {
            closed();
        } else {
            session.close();
        }
    }

    private void closed() {
        forget.accept(this);
        become(State.CLOSED);
        onClosed.forEach(Runnable::run);
        onClosed.clear();
    }

    private void configChanged() {
        if (session != null) {
            session.configChanged();
        }
    }

    private void visit(UnixSocket socket) {
        if (session != null && !session.dropped()) {
            // It may have gone already, and we have not seen it yet.
            session.probe();
        }
        if (closing) {
            socket.close();
        } else if (session == null && !paused) {
            serve(socket);
        } else if ((session == null || session.dropped()) && waiting == null) {
            waiting = socket;
        } else {
            socket.close();
            context.journal().count(Counter.SESSIONS_REJECTED);
            context.journal()
                    .error(
                            "second front end",
                            "a second front end connected while one is alive; connection closed");
        }
    }

    private void serve(UnixSocket socket) {
        session = new Session(context, socket, this::changed, this::ended);
        changed();
    }

    private void ended() {
        boolean wasUsed = session != null && session.heard();
        session = null;
        if (pausing != null) {
            paused();
        }
        if (closing) {
            closed();
            return;
        }
        if (waiting == null) {
            become(State.WAITING);
            door.free(wasUsed);
        } else if (!paused) {
            serveNext();
        }
    }

    /** Serves a front end that had to wait. */
    private void serveNext() {
        var next = waiting;
        waiting = null;
        if (next != null) {
            serve(next);
        }
    }

    private void turnAwayWaiting() {
        if (waiting != null) {
            waiting.close();
            waiting = null;
        }
    }

    private void changed() {
        if (session == null || session.dropped()) {
            become(State.WAITING);
        } else {
            become(session.running() ? State.RUNNING : State.CONNECTED);
        }
    }

    private void become(State next) {
        state = next;
        listener.run();
    }
}
