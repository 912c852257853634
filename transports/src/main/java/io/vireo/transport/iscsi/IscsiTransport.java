package io.vireo.transport.iscsi;

import io.vireo.linux.NativeBuffer;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.ReactorGroup;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/**
 * The iSCSI side of a host: what portals and targets have in common. A service of the host, which
 * the kinds of this package ask for.
 */
public final class IscsiTransport implements AutoCloseable {
    private static final Logger LOG = System.getLogger(IscsiTransport.class.getName());

    /** Address space for the data of commands on each reactor; memory is taken as it is used. */
    private static final int DEFAULT_POOL = 128 << 20;

    private final ReactorGroup reactors;
    private final NativeBuffer scratch = NativeBuffer.allocate(ControlConnection.SCRATCH, 8);
    private final Map<Reactor, ReactorSide> sides = new IdentityHashMap<>();
    private int tsih;

    public IscsiTransport(ReactorGroup reactors) {
        this(reactors, DEFAULT_POOL, Patience.DEFAULT);
    }

    /**
     * @param poolBytes for the data of commands on each reactor
     */
    IscsiTransport(ReactorGroup reactors, int poolBytes, Patience patience) {
        this.reactors = reactors;
        for (Reactor reactor : reactors.data()) {
            sides.put(reactor, new ReactorSide(reactor, poolBytes, patience));
        }
    }

    Reactor control() {
        return reactors.control();
    }

    Reactor nextReactor() {
        return reactors.next();
    }

    ReactorSide side(Reactor reactor) {
        ReactorSide side = sides.get(reactor);
        if (side == null) {
            throw new IllegalStateException(reactor.name() + " is no data reactor");
        }
        return side;
    }

    /** What is received on the control reactor, and sent, for a moment. */
    NativeBuffer scratch() {
        return scratch;
    }

    /** A session identifying handle that was not given lately. Control reactor. */
    int nextTsih() {
        tsih = tsih % 0xFFFF + 1;
        return tsih;
    }

    void sessionBegan(String target, SessionIdentity session) {
        LOG.log(
                Level.INFO,
                () -> target + ": " + session.initiator() + " (" + session.peer() + ") logged in");
    }

    void sessionEnded(String target, SessionIdentity session, String why) {
        LOG.log(
                Level.INFO,
                () -> target + ": the session of " + session.initiator() + " is over: " + why);
    }

    void refused(String portal, String who, String why) {
        LOG.log(Level.DEBUG, () -> portal + ": " + who + " was refused: " + why);
    }

    /** Gives everything back. No portal and no target is left. */
    @Override
    public void close() {
        for (Map.Entry<Reactor, ReactorSide> side : sides.entrySet()) {
            var closed = new CompletableFuture<Void>();
            side.getKey()
                    .execute(() -> {
                        side.getValue().close();
                        closed.complete(null);
                    });
            try {
                side.getKey().await(closed);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            } catch (ExecutionException e) {
                throw new IllegalStateException(e);
            }
        }
        scratch.close();
    }
}
