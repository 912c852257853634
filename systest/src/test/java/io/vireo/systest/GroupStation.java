package io.vireo.systest;

import static java.net.StandardProtocolFamily.INET;
import static java.net.StandardProtocolFamily.INET6;

import io.vireo.linux.NetworkNamespace;
import io.vireo.testkit.Eventually;
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
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;

/**
 * A socket of the kernel at an interface of a namespace, for one IP version. It joins and leaves
 * multicast groups, which the kernel reports by IGMP or MLD; it sends numbers to groups, and hears
 * those of others. What goes to all stations it hears always.
 */
final class GroupStation implements AutoCloseable {
    /** Where numbers are sent to: two ports, since a socket of IPv6 has those of IPv4 too. */
    static final int PORT_4 = 50_004;

    static final int PORT_6 = 50_006;

    private final NetworkInterface card;
    private final int port;
    private final DatagramChannel channel;
    private final Map<String, MembershipKey> memberships = new HashMap<>();
    private final ByteBuffer number = ByteBuffer.allocate(Integer.BYTES);

    private GroupStation(NetworkInterface card, int port, DatagramChannel channel) {
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
            return new GroupStation(card, port, channel);
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
            memberships.put(group.getHostAddress(), channel.join(group, card, source));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    void leave(InetAddress group) {
        Objects.requireNonNull(memberships.remove(group.getHostAddress())).drop();
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
