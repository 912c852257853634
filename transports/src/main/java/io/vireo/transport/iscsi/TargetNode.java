package io.vireo.transport.iscsi;

import io.vireo.linux.ErrnoException;
import io.vireo.linux.TcpSocket;
import io.vireo.reactor.Reactor;
import io.vireo.scsi.ScsiNexus;
import io.vireo.scsi.ScsiPort;
import io.vireo.scsi.ScsiTarget;
import java.net.InetAddress;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * An iSCSI target: a {@link ScsiTarget} under a name, at some portals, for some initiators, with
 * its sessions. Its sessions come and go on the control reactor; what is not said to be of it may
 * be called on any thread.
 */
final class TargetNode implements LoginDirectory.Entry {
    /** Any initiator may log in. */
    static final String ANYBODY = "*";

    private static final int MAX_SESSIONS = 256;

    /** Sessions of one initiator, so that it leaves some to others. */
    static final int MAX_OF_INITIATOR = 64;

    /**
     * What can be changed while it is presented.
     *
     * @param initiators iSCSI names in lower case, or {@link #ANYBODY}
     * @param movedTo TargetAddress of where initiators are sent instead; empty: nowhere
     */
    record Policy(Set<String> initiators, Authentication authentication, Optional<String> movedTo) {
        public Policy {
            initiators = Set.copyOf(initiators);
        }

        boolean admits(String initiator) {
            return initiators.contains(ANYBODY) || initiators.contains(initiator);
        }
    }

    private final IscsiTransport transport;
    private final String name;
    private final ScsiTarget device;
    private volatile List<Portal> portals;
    private final Runnable changed;
    private volatile Policy policy;

    // Of the control reactor; the list may be read by any thread.
    private final List<Place> places = new CopyOnWriteArrayList<>();
    private final List<Admission> waiting = new ArrayList<>();
    private final Map<Integer, ScsiPort.Iscsi> ports = new ConcurrentHashMap<>();
    private final SessionTotals totals = new SessionTotals();
    private @Nullable Runnable onClosed;

    TargetNode(
            IscsiTransport transport,
            String name,
            ScsiTarget device,
            List<Portal> portals,
            Policy policy,
            Runnable changed) {
        this.transport = transport;
        this.name = name;
        this.device = device;
        this.portals = List.copyOf(portals);
        this.policy = policy;
        this.changed = changed;
        makePorts(portals);
    }

    /**
     * A target port for each portal group; all of them or none.
     *
     * @throws io.vireo.resource.ResourceException if the device has no more
     */
    private void makePorts(List<Portal> of) {
        var made = new ArrayList<Integer>();
        try {
            for (Portal portal : of) {
                int group = portal.portalGroup();
                if (!ports.containsKey(group)) {
                    ports.put(group, device.iscsiPort(name, group));
                    made.add(group);
                }
            }
        } catch (RuntimeException e) {
            made.forEach(group -> device.removePort(Objects.requireNonNull(ports.remove(group))));
            throw e;
        }
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public boolean admits(String initiator) {
        return policy.admits(initiator);
    }

    @Override
    public Authentication authentication() {
        return policy.authentication();
    }

    @Override
    public Optional<String> movedTo() {
        return policy.movedTo();
    }

    /** Another policy from now on: sessions of initiators that it does not admit end. */
    void policy(Policy next) {
        policy = next;
        transport.control().execute(() -> expel(next));
    }

    private void expel(Policy by) {
        for (Admission admission : List.copyOf(waiting)) {
            SessionIdentity identity = admission.identity();
            if (!by.admits(identity.initiator().name()) && waiting.remove(admission)) {
                admission.refused(noMore(identity));
            }
        }
        places.stream()
                .filter(place -> !by.admits(place.identity.initiator().name()))
                .forEach(place -> place.dismiss("the initiator is not admitted any more"));
    }

    private LoginException noMore(SessionIdentity identity) {
        return new LoginException(
                LoginException.AUTHORIZATION_FAILURE,
                identity.initiator().name()
                        + " is not among the initiators of "
                        + name
                        + " any more");
    }

    /**
     * Other portals from now on: sessions by those that it leaves end, the others stay.
     *
     * @throws io.vireo.resource.ResourceException if the device has no ports for them: nothing has
     *     changed
     */
    void portals(List<Portal> next) {
        List<Portal> before = portals;
        synchronized (ports) {
            makePorts(next);
            portals = List.copyOf(next);
        }
        next.stream().filter(portal -> !before.contains(portal)).forEach(p -> p.add(this));
        List<Portal> left = before.stream().filter(portal -> !next.contains(portal)).toList();
        left.forEach(portal -> portal.remove(this));
        Set<String> names = left.stream().map(Portal::name).collect(Collectors.toSet());
        transport.control().execute(() -> leave(names));
    }

    private void leave(Set<String> left) {
        for (Admission admission : List.copyOf(waiting)) {
            if (left.contains(admission.identity().portal()) && waiting.remove(admission)) {
                admission.refused(
                        new LoginException(
                                LoginException.SERVICE_UNAVAILABLE,
                                name + " is not at this portal any more"));
            }
        }
        places.stream()
                .filter(place -> left.contains(place.identity.portal()))
                .forEach(place -> place.dismiss("the target is not at its portal any more"));
        releasePorts();
    }

    /** Gives up the ports of groups that have neither a portal nor a session any more. */
    private void releasePorts() {
        synchronized (ports) {
            ports.entrySet()
                    .removeIf(port -> {
                        int group = port.getKey();
                        boolean used =
                                portals.stream().anyMatch(p -> p.portalGroup() == group)
                                        || places.stream()
                                                .anyMatch(p -> p.identity.portalGroup() == group);
                        if (!used) {
                            device.removePort(port.getValue());
                        }
                        return !used;
                    });
        }
    }

    /** Where it is, as SendTargets says it to who has connected to {@code local}. */
    List<String> addresses(InetAddress local) {
        return portals.stream().flatMap(portal -> portal.advertised(local).stream()).toList();
    }

    /** What is known of its sessions now, by their session identifying handles. */
    SortedMap<Integer, String> sessions() {
        var sessions = new TreeMap<Integer, String>();
        for (Place place : places) {
            place.describe().ifPresent(text -> sessions.put(place.identity.tsih(), text));
        }
        return sessions;
    }

    /** A session identifying handle that none of its sessions has. Control reactor. */
    int nextTsih() {
        int tsih = transport.nextTsih();
        while (isUsed(tsih)) {
            tsih = transport.nextTsih();
        }
        return tsih;
    }

    private boolean isUsed(int tsih) {
        return places.stream().anyMatch(place -> place.identity.tsih() == tsih)
                || waiting.stream().anyMatch(each -> each.identity().tsih() == tsih);
    }

    /**
     * Asks initiators to log out; what sessions are left after {@code seconds} are ended.
     *
     * @param which of its sessions
     * @return the session identifying handles of those that were asked
     */
    List<Integer> requestLogout(Predicate<SessionIdentity> which, int seconds) {
        return places.stream()
                .filter(place -> place.session != null && which.test(place.identity))
                .peek(place -> place.requestLogout(seconds))
                .map(place -> place.identity.tsih())
                .sorted()
                .toList();
    }

    /** Whether no session is there, nor about to be. */
    boolean isIdle() {
        return places.isEmpty();
    }

    SessionTotals totals() {
        return totals;
    }

    /** Gives a login its place, once its initiator's older session is over. Control reactor. */
    void admit(Admission admission) {
        if (onClosed != null) {
            admission.refused(
                    new LoginException(
                            LoginException.SERVICE_UNAVAILABLE, name + " is being removed"));
            return;
        }
        if (!device.isLinkUp()) {
            admission.refused(
                    new LoginException(
                            LoginException.SERVICE_UNAVAILABLE,
                            "the link of the vHBA of " + name + " is down"));
            return;
        }
        if (!admits(admission.identity().initiator().name())) {
            // It did when the login began, which may be a while ago.
            admission.refused(noMore(admission.identity()));
            return;
        }
        waiting.removeIf(Admission::isWithdrawn);
        replaceOlder(admission.identity());
        List<SessionIdentity> others = others(admission.identity());
        if (others.size() >= MAX_SESSIONS) {
            admission.refused(
                    new LoginException(
                            LoginException.OUT_OF_RESOURCES,
                            name + " has " + MAX_SESSIONS + " sessions"));
            return;
        }
        String initiator = admission.identity().initiator().name();
        if (others.stream().filter(each -> each.initiator().name().equals(initiator)).count()
                >= MAX_OF_INITIATOR) {
            admission.refused(
                    new LoginException(
                            LoginException.OUT_OF_RESOURCES,
                            "the initiator has " + MAX_OF_INITIATOR + " sessions of " + name));
            return;
        }
        waiting.add(admission);
        next();
    }

    /** Of one initiator port the last login counts (RFC 7143, 6.3.5). */
    private void replaceOlder(SessionIdentity identity) {
        String why = "a new login of the initiator took its place";
        for (Admission older : List.copyOf(waiting)) {
            if (older.identity().isSameNexus(identity) && waiting.remove(older)) {
                older.refused(new LoginException(LoginException.INITIATOR_ERROR, why));
            }
        }
        for (Place place : places) {
            if (place.identity.isSameNexus(identity)) {
                place.end(why);
            }
        }
    }

    /** What other nexuses are there, or waited for; each once, also if it is being replaced. */
    private List<SessionIdentity> others(SessionIdentity identity) {
        return Stream.concat(
                        places.stream().map(place -> place.identity),
                        waiting.stream().map(Admission::identity).filter(each -> !isTaken(each)))
                .filter(other -> !other.isSameNexus(identity))
                .toList();
    }

    private boolean isTaken(SessionIdentity identity) {
        return places.stream().anyMatch(place -> place.identity.isSameNexus(identity));
    }

    private void next() {
        waiting.removeIf(Admission::isWithdrawn);
        for (Admission admission : List.copyOf(waiting)) {
            if (!isTaken(admission.identity())) {
                waiting.remove(admission);
                var place = new Place(admission.identity());
                places.add(place);
                admission.admitted(place);
            }
        }
    }

    private void free(Place place) {
        if (!places.remove(place)) {
            return;
        }
        next();
        releasePorts();
        changed.run();
        Runnable closing = onClosed;
        if (closing != null && places.isEmpty()) {
            onClosed = () -> {};
            ports.values().forEach(device::removePort);
            closing.run();
        }
    }

    /** Ends all sessions. Control reactor. */
    private void dismissAll(String why) {
        places.forEach(place -> place.dismiss(why));
    }

    /** Takes it away; {@code then} runs when the last session is over. */
    void close(Runnable then) {
        portals.forEach(portal -> portal.remove(this));
        transport
                .control()
                .execute(() -> {
                    onClosed = then;
                    for (Admission admission : List.copyOf(waiting)) {
                        admission.refused(
                                new LoginException(
                                        LoginException.SERVICE_UNAVAILABLE,
                                        name + " is being removed"));
                    }
                    waiting.clear();
                    dismissAll("the target is being removed");
                    if (places.isEmpty()) {
                        onClosed = () -> {};
                        ports.values().forEach(device::removePort);
                        then.run();
                    }
                });
    }

    /** The place of a session, from the end of its login on. Of the control reactor. */
    final class Place implements Session.Owner {
        private final SessionIdentity identity;
        private final SessionCounters counters = new SessionCounters();
        private volatile @Nullable Session session;
        private volatile String terms = "";
        private volatile @Nullable Reactor reactor;
        private boolean cancelled;
        private volatile boolean leaving;

        Place(SessionIdentity identity) {
            this.identity = identity;
        }

        private static String digest(boolean used) {
            return used ? "CRC32C" : "None";
        }

        /** What people want to know of its session, once there is one. */
        Optional<String> describe() {
            return session == null
                    ? Optional.empty()
                    : Optional.of(
                            identity.initiator()
                                    + " from "
                                    + identity.peer()
                                    + " by "
                                    + identity.portal()
                                    + ", "
                                    + terms
                                    + ", "
                                    + counters.outstanding()
                                    + " commands outstanding"
                                    + (leaving ? ", asked to log out" : ""));
        }

        /** The connection is the session's from now on. */
        void begin(
                TcpSocket socket,
                SessionParameters parameters,
                SendTargets directory,
                int expCmdSn,
                int statSn) {
            if (cancelled) {
                socket.close();
                free(this);
                return;
            }
            Reactor home = device.home().orElseGet(transport::nextReactor);
            reactor = home;
            terms =
                    "header digest "
                            + digest(parameters.headerDigest())
                            + ", data digest "
                            + digest(parameters.dataDigest())
                            + ", since "
                            + Instant.now().truncatedTo(ChronoUnit.SECONDS);
            totals.add(counters);
            home.execute(() -> {
                try {
                    start(socket, home, parameters, directory, expCmdSn, statSn);
                } catch (RuntimeException e) {
                    socket.close();
                    ended("it cannot begin: " + e.getMessage());
                }
                changed.run();
            });
            transport.sessionBegan(name, identity);
        }

        private void start(
                TcpSocket socket,
                Reactor home,
                SessionParameters parameters,
                SendTargets directory,
                int expCmdSn,
                int statSn) {
            var start =
                    new Session.Start(
                            socket,
                            transport.side(home),
                            parameters,
                            identity,
                            name,
                            directory,
                            counters,
                            device.maxTransferBytes(),
                            expCmdSn,
                            statSn);
            var begun = new Session(start, this);
            session = begun;
            begun.begin();
        }

        /** The login was not completed. */
        void cancel() {
            if (reactor == null) {
                cancelled = true;
                free(this);
            }
        }

        /** Ends it without a word: the initiator has given it up. */
        void end(String why) {
            onSession(why, false);
        }

        /** Ends it, and tells the initiator. */
        void dismiss(String why) {
            onSession(why, true);
        }

        private void onSession(String why, boolean tell) {
            if (reactor == null) {
                // Its login response is on its way: it ends when that has gone.
                cancelled = true;
                return;
            }
            onSession(present -> {
                if (tell) {
                    present.dismiss(why);
                } else {
                    present.end(why);
                }
            });
        }

        private void onSession(Consumer<Session> action) {
            Reactor home = reactor;
            if (home != null) {
                home.execute(() -> {
                    Session present = session;
                    if (present != null) {
                        action.accept(present);
                    }
                });
            }
        }

        /** Asks the initiator to log out; ends its session if it has not done so by then. */
        void requestLogout(int seconds) {
            leaving = true;
            onSession(present -> present.requestLogout(seconds));
            changed.run();
        }

        // Of the session's reactor.

        @Override
        public ScsiNexus open(Session opening) {
            ScsiPort.Iscsi port = ports.get(identity.portalGroup());
            Reactor home = reactor;
            if (port == null || home == null) {
                throw new IllegalStateException("there is no such port");
            }
            return device.open(identity.initiator(), port, home, opening);
        }

        @Override
        public void coldReset() {
            transport.control().execute(() -> dismissAll("the target was reset"));
        }

        @Override
        public void ended(Session ended, String why) {
            ended(why);
        }

        private void ended(String why) {
            transport
                    .control()
                    .execute(() -> {
                        transport.sessionEnded(name, identity, why);
                        totals.end(counters);
                        free(this);
                    });
        }
    }

    /** Our end of a connection. */
    static InetAddress localAddress(TcpSocket socket) {
        try {
            return socket.localAddress().getAddress();
        } catch (ErrnoException e) {
            return InetAddress.getLoopbackAddress();
        }
    }
}
