package io.vireo.transport.iscsi;

import io.vireo.reactor.Reactor;
import io.vireo.reactor.Timer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.LinkedList;
import java.util.List;

/**
 * What the sessions of one reactor have in common: memory for data, and a clock. Used on that
 * reactor only.
 */
final class ReactorSide {
    private final Reactor reactor;
    private final BufferPool pool;
    private final Patience patience;
    private final List<Session> sessions = new ArrayList<>();
    private final LinkedList<IscsiTask> waiting = new LinkedList<>();
    private final Timer timer;
    private final Runnable serve = this::serve;
    private boolean serving;

    ReactorSide(Reactor reactor, int poolBytes, Patience patience) {
        this.reactor = reactor;
        pool = new BufferPool(poolBytes);
        this.patience = patience;
        timer = reactor.timer(this::tick);
    }

    Reactor reactor() {
        return reactor;
    }

    BufferPool pool() {
        return pool;
    }

    Patience patience() {
        return patience;
    }

    /** Bytes of the pool that one session may hold. */
    int share() {
        return pool.largest() / 2;
    }

    /** A session is there. */
    void add(Session session) {
        sessions.add(session);
        if (sessions.size() == 1) {
            timer.start(patience.tickNanos());
        }
    }

    /** A session is over. */
    void remove(Session session) {
        sessions.remove(session);
        if (sessions.isEmpty()) {
            timer.cancel();
        }
    }

    /** Those that are there now. */
    List<Session> sessions() {
        return List.copyOf(sessions);
    }

    /** Looks after all sessions. */
    void tick() {
        for (Session session : sessions()) {
            session.tick(reactor.nanoTime());
        }
        // One at a time: what it gives back may be enough, and comes only later.
        sessions.stream()
                .filter(session -> session.hoards() && isShort(session))
                .max(Comparator.comparingInt(Session::held))
                .ifPresent(most -> most.end("it took too long over memory that others wait for"));
        if (!sessions.isEmpty()) {
            timer.start(patience.tickNanos());
        }
    }

    /** Has a task wait until there is memory for it. */
    void await(IscsiTask task) {
        waiting.add(task);
    }

    /** A task does not wait any more. */
    void forget(IscsiTask task) {
        waiting.remove(task);
    }

    /** Whether somebody waits. */
    boolean isAwaited() {
        return !waiting.isEmpty();
    }

    /** Whether sessions beside this one lack memory, or did a moment ago. */
    private boolean isShort(Session beside) {
        // Whose session has its share waits for that, and not for others.
        return waiting.stream()
                        .anyMatch(task -> task.session != beside && task.session.mayHold(task))
                || sessions.stream().anyMatch(other -> other != beside && other.wentShort());
    }

    /** Memory was given back: soon those that wait get it, in their order. */
    void released() {
        // Not now: whoever gives it back may be in the middle of sending.
        if (!waiting.isEmpty() && !serving) {
            serving = true;
            reactor.execute(serve);
        }
    }

    /** Gives those that wait the memory that there is. */
    void serve() {
        serving = false;
        Iterator<IscsiTask> each = waiting.iterator();
        var served = new ArrayList<IscsiTask>();
        while (each.hasNext()) {
            IscsiTask task = each.next();
            if (!task.session.mayHold(task)) {
                // Its session has enough: others go first.
                continue;
            }
            if (!task.session.takeMemory(task)) {
                break;
            }
            each.remove();
            served.add(task);
        }
        for (IscsiTask task : served) {
            // The session of one before may have ended meanwhile, and with it all that it had.
            if (task.state == IscsiTask.State.WAITING) {
                task.session.hasMemory(task);
            }
        }
    }

    /** Gives the memory back. No session is left. */
    void close() {
        timer.cancel();
        pool.close();
    }
}
