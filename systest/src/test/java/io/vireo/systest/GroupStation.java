package io.vireo.systest;

import static java.net.StandardProtocolFamily.INET;
import static java.net.StandardProtocolFamily.INET6;

import io.vireo.linux.NetworkNamespace;
import io.vireo.testkit.Eventually;
import io.vireo.testkit.HostShell;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.nio.channels.MembershipKey;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Pattern;

/**
 * A socket of the kernel at an interface of a namespace, for one IP version. It joins and leaves
 * multicast groups, which the kernel reports by IGMP or MLD; it sends numbers to groups, and hears
 * those of others. What goes to all stations it hears always.
 */
final class GroupStation implements AutoCloseable {
    /** Where numbers are sent to: two ports, since a socket of IPv6 has those of IPv4 too. */
    static final int PORT_4 = 50_004;

    static final int PORT_6 = 50_006;

    private static final Pattern ADDRESS = Pattern.compile("inet6? ([^/]+)/");

    private final String namespace;
    private final NetworkInterface card;
    private final int port;
    private final DatagramChannel channel;
    private final Map<String, MembershipKey> memberships = new HashMap<>();
    private final ByteBuffer number = ByteBuffer.allocate(Integer.BYTES);

    private GroupStation(
            String namespace, NetworkInterface card, int port, DatagramChannel channel) {
        this.namespace = namespace;
        this.card = card;
        this.port = port;
        this.channel = channel;
    }

    /**
     * Opens one.
     *
     * @param name of an interface that has an IPv4 address
     * @param all the group of all stations, of the IP version that it is to be of
     */
    static GroupStation open(String namespace, String name, InetAddress all) {
        try (var _ = NetworkNamespace.enter(namespace)) {
            var card = Objects.requireNonNull(NetworkInterface.getByName(name), name);
            boolean four = all instanceof Inet4Address;
            int port = four ? PORT_4 : PORT_6;
            var channel = DatagramChannel.open(four ? INET : INET6);
            channel.bind(new InetSocketAddress(port));
            channel.configureBlocking(false);
            channel.setOption(StandardSocketOptions.IP_MULTICAST_IF, card);
            channel.setOption(StandardSocketOptions.IP_MULTICAST_LOOP, false);
            channel.join(all, card);
            return new GroupStation(namespace, card, port, channel);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    void join(InetAddress group) {
        try {
            memberships.put(group.getHostAddress(), channel.join(group, card));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Joins a group for what one source sends to it. */
    void join(InetAddress group, InetAddress source) {
        try {
            memberships.put(key(group, source), channel.join(group, card, source));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String key(InetAddress group, InetAddress source) {
        return group.getHostAddress() + " of " + source.getHostAddress();
    }

    void leave(InetAddress group) {
        Objects.requireNonNull(memberships.remove(group.getHostAddress())).drop();
    }

    /** Takes what one source sends to a group no more. */
    void leave(InetAddress group, InetAddress source) {
        Objects.requireNonNull(memberships.remove(key(group, source))).drop();
    }

    /** What it sends from. The JVM sees IPv6 addresses of its own namespace only. */
    InetAddress address() {
        int version = port == PORT_4 ? 4 : 6;
        var shown =
                HostShell.run(
                        "ip -n %s -o -%d address show dev %s"
                                .formatted(namespace, version, card.getName()));
        var found = ADDRESS.matcher(shown);
        if (!found.find()) {
            throw new AssertionError(card.getName() + " has no address of IPv" + version);
        }
        return InetAddress.ofLiteral(found.group(1));
    }

    /** Whether that is its address, as tools write it. */
    boolean isAt(String written) {
        return !written.isEmpty()
                && Arrays.equals(
                        InetAddress.ofLiteral(written).getAddress(), address().getAddress());
    }

    void send(InetAddress group, int value) {
        try {
            channel.send(number.clear().putInt(value).flip(), new InetSocketAddress(group, port));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Waits for a number; what comes before it is passed over. */
    void hear(int value) {
        Eventually.until("card " + card.getName() + " hears " + value, () -> next() == value);
    }

    /** The next number, or a negative one. */
    private int next() {
        try {
            return channel.receive(number.clear()) == null ? -1 : number.flip().getInt();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
