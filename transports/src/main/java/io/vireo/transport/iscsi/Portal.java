package io.vireo.transport.iscsi;

import io.vireo.linux.Epoll;
import io.vireo.linux.Errno;
import io.vireo.linux.ErrnoException;
import io.vireo.linux.Fd;
import io.vireo.linux.TcpSocket;
import io.vireo.reactor.FdWatch;
import java.io.UncheckedIOException;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * A network portal (RFC 7143, 4.1): listens, and has connections log in to the targets that are
 * presented there. Logins run on the control reactor.
 */
final class Portal implements LoginDirectory {
    private static final int V6_FIELDS = 8;
    private static final int BACKLOG = 128;
    private static final int ACCEPTS_PER_TURN = 16;
    private static final int MAX_LOGINS = 128;
    private static final int MAX_DISCOVERIES = 64;
    private static final long RETRY_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    private final IscsiTransport transport;
    private final String name;
    private final int group;
    private final TcpSocket listener;
    private final InetSocketAddress address;
    private final Map<String, TargetNode> targets = new ConcurrentHashMap<>();
    private volatile Authentication discovery;
    private volatile String trouble = "";
    private final LongAdder refusals = new LongAdder();
    private final LongAdder accepts = new LongAdder();
    private final Runnable changed;

    // Of the control reactor.
    /** In the order in which their initiators said something last. */
    private final SequencedSet<Login> logins = new LinkedHashSet<>();

    /** In the order in which their initiators said something last. */
    private final SequencedSet<Discovery> discoveries = new LinkedHashSet<>();

    private @Nullable FdWatch watch;
    private boolean closed;

    /**
     * Listens.
     *
     * @throws UncheckedIOException if the host refuses
     */
    Portal(
            IscsiTransport transport,
            String name,
            InetSocketAddress address,
            int group,
            Authentication discovery,
            Runnable changed) {
        this.transport = transport;
        this.name = name;
        this.group = group;
        this.discovery = discovery;
        this.changed = changed;
        try {
            listener = TcpSocket.listen(address, BACKLOG);
            this.address = listener.localAddress();
        } catch (ErrnoException e) {
            throw new UncheckedIOException(e);
        }
        transport.control().execute(this::listen);
    }

    IscsiTransport transport() {
        return transport;
    }

    String name() {
        return name;
    }

    /** Where it listens, with the port that was found for 0. */
    InetSocketAddress address() {
        return address;
    }

    /** What went wrong last, for people; empty if nothing did. */
    String trouble() {
        return trouble;
    }

    /** Targets that are presented here. */
    int targets() {
        return targets.size();
    }

    long refusals() {
        return refusals.sum();
    }

    long accepts() {
        return accepts.sum();
    }

    @Override
    public int portalGroup() {
        return group;
    }

    @Override
    public Authentication discovery() {
        return discovery;
    }

    void discovery(Authentication next) {
        discovery = next;
    }

    @Override
    public Optional<TargetNode> target(String targetName) {
        return Optional.ofNullable(targets.get(targetName));
    }

    /** The target of a login that was found before: that one, and no other that took its name. */
    TargetNode node(Entry entry) {
        TargetNode found = targets.get(entry.name());
        if (found == null || found != entry) {
            throw new IllegalArgumentException(entry.name() + " is not presented any more");
        }
        return found;
    }

    /**
     * Presents a target.
     *
     * @return false if another one of its name is there
     */
    boolean add(TargetNode target) {
        return targets.putIfAbsent(target.name(), target) == null;
    }

    /** Presents it no more. */
    void remove(TargetNode target) {
        targets.remove(target.name(), target);
    }

    /** What an initiator finds out that has connected to {@code local}. */
    SendTargets directoryOf(String initiator, InetAddress local) {
        return () ->
                targets.values().stream()
                        .filter(target -> target.admits(initiator))
                        .map(target ->
                                new SendTargets.Found(target.name(), target.addresses(local)))
                        .toList();
    }

    /**
     * What SendTargets says of it: {@code address:port,group}. One that listens at all addresses is
     * said to be at the one that was used; empty if that is of the other family.
     */
    Optional<String> advertised(InetAddress local) {
        InetAddress own = address.getAddress();
        if (own.isAnyLocalAddress()) {
            if (own instanceof Inet6Address != local instanceof Inet6Address) {
                return Optional.empty();
            }
            own = local;
        }
        return Optional.of(format(new InetSocketAddress(own, address.getPort())) + "," + group);
    }

    /** The form {@code 192.0.2.1:3260} or {@code [fd00::1]:3260}. */
    static String format(InetSocketAddress address) {
        InetAddress host = address.getAddress();
        return (host instanceof Inet6Address six
                        ? "[" + compressed(six) + "]"
                        : host.getHostAddress())
                + ":"
                + address.getPort();
    }

    /** The text form of RFC 5952, 4: the longest run of zero fields is left out. */
    private static String compressed(Inet6Address address) {
        ByteBuffer bytes = ByteBuffer.wrap(address.getAddress());
        int bestAt = -1;
        int best = 1;
        int run = 0;
        for (int i = 0; i < V6_FIELDS; i++) {
            run = bytes.getShort(2 * i) == 0 ? run + 1 : 0;
            if (run > best) {
                best = run;
                bestAt = i + 1 - run;
            }
        }
        var text = new StringBuilder();
        for (int i = 0; i < V6_FIELDS; i++) {
            if (i == bestAt) {
                text.append("::");
                i += best - 1;
                continue;
            }
            if (i > 0 && text.charAt(text.length() - 1) != ':') {
                text.append(':');
            }
            text.append(Integer.toHexString(Short.toUnsignedInt(bytes.getShort(2 * i))));
        }
        return text.toString();
    }

    // Of the control reactor.

    private void listen() {
        if (!closed) {
            watch = transport.control().watch(listener.fd().number(), Epoll.EPOLLIN, _ -> accept());
        }
    }

    private void accept() {
        for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
            int fd = listener.accept();
            if (fd < 0) {
                if (fd == -Errno.EMFILE || fd == -Errno.ENFILE || fd == -Errno.ENOMEM) {
                    pause(fd);
                }
                return;
            }
            accepts.increment();
            TcpSocket socket = TcpSocket.of(Fd.of(fd));
            if (logins.size() < MAX_LOGINS || makeRoom()) {
                begin(socket);
            } else {
                socket.close();
            }
        }
    }

    /**
     * Drops the login that was silent for longest: who logs in goes on in a moment, and who only
     * wants the place does not. Those that are done and wait for their older sessions stay.
     *
     * @return false if all of them do: there is no place
     */
    private boolean makeRoom() {
        Optional<Login> silent = logins.stream().filter(login -> !login.isRight()).findFirst();
        silent.ifPresent(Login::drop);
        refused("an initiator", "there were " + MAX_LOGINS + " logins at once");
        return silent.isPresent();
    }

    /** The connection stays in the backlog; trying at once again would be a busy loop. */
    private void pause(int error) {
        trouble =
                "no connection can be accepted: "
                        + Errno.name(-error)
                        + "; raise the limit of open files";
        if (watch != null) {
            watch.close();
            watch = null;
        }
        var _ = transport.control().schedule(RETRY_NANOS, this::listen);
    }

    private void begin(TcpSocket socket) {
        String peer;
        try {
            peer = format(socket.peerAddress());
        } catch (ErrnoException e) {
            // It has gone already.
            socket.close();
            return;
        }
        socket.keepAlive();
        var login = new Login(this, peer);
        logins.add(login);
        login.begin(
                new ControlConnection(
                        socket,
                        transport.control(),
                        transport.scratch(),
                        Login.PATIENCE_NANOS,
                        login));
    }

    /** Our end of a connection. */
    InetAddress addressOf(ControlConnection connection) {
        return TargetNode.localAddress(connection.socket());
    }

    /** Its initiator has said something. */
    void loggingIn(Login login) {
        logins.addLast(login);
    }

    void loginEnded(Login login) {
        logins.remove(login);
    }

    void refused(String who, LoginException why) {
        refused(who, String.valueOf(why.getMessage()));
    }

    private void refused(String who, String why) {
        refusals.increment();
        trouble = who + ": " + why;
        transport.refused(name, who, why);
        changed.run();
    }

    void discovers(Discovery session) {
        if (discoveries.size() >= MAX_DISCOVERIES) {
            discoveries.getFirst().close();
        }
        discoveries.add(session);
    }

    /** Its initiator has said something. */
    void discovering(Discovery session) {
        discoveries.addLast(session);
    }

    void discoveryEnded(Discovery session) {
        discoveries.remove(session);
    }

    /** Stops listening; its targets are removed already. */
    void close(Runnable onClosed) {
        transport
                .control()
                .execute(() -> {
                    closed = true;
                    if (watch != null) {
                        watch.close();
                        watch = null;
                    }
                    listener.close();
                    new ArrayList<>(logins).forEach(Login::drop);
                    List.copyOf(discoveries).forEach(Discovery::close);
                    onClosed.run();
                });
    }
}
