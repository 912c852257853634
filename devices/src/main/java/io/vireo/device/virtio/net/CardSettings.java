package io.vireo.device.virtio.net;

import io.vireo.device.virtio.net.Coalescing.Parameters;
import java.nio.ByteBuffer;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What the driver set by its control queue, from one reset to the next; made where one was
 * negotiated. A command that cannot be carried out returns false and changes nothing. On the card's
 * reactor.
 */
final class CardSettings {
    private static final int RESERVED = 0x8000;

    private final VirtioNetDevice card;
    private final long features;
    private final int pairs;
    private final ReceiveFilter filter;
    private int activePairs;
    private long offloads;
    private @Nullable Steering steering;
    private @Nullable FlowHash reported;
    private Parameters receiveCoalescing = Parameters.OFF;
    private Parameters transmitCoalescing = Parameters.OFF;

    CardSettings(VirtioNetDevice card, long features, int pairs) {
        this.card = card;
        this.features = features;
        this.pairs = pairs;
        filter = new ReceiveFilter(features, card.mac().octets());
        offloads = features & NetFeatures.SWITCHED;
        activePairs = (features & NetFeatures.RSS) != 0 ? pairs : 1;
    }

    /** Index of the control queue, which follows the others (VIRTIO 1.3, 5.1.2). */
    int controlIndex() {
        return has(NetFeatures.MQ | NetFeatures.RSS) ? 2 * pairs : 2;
    }

    private boolean has(long anyOf) {
        return (features & anyOf) != 0;
    }

    // ---- what the card goes by

    ReceiveFilter filter() {
        return filter;
    }

    /** Pairs of queues that are in use: the first ones. */
    int activePairs() {
        return activePairs;
    }

    /** Negotiated features, without offloads that are turned off. */
    long effectiveFeatures() {
        return features & ~NetFeatures.SWITCHED | offloads;
    }

    /** How queues are chosen; null: by the card itself. */
    @Nullable Steering steering() {
        return steering;
    }

    /** The hash that is reported with each frame; null: none yet. */
    @Nullable FlowHash reported() {
        return reported;
    }

    /** What a queue begins with. */
    Parameters coalescing(boolean receive) {
        return receive ? receiveCoalescing : transmitCoalescing;
    }

    // ---- commands

    /** VIRTIO_NET_CTRL_MAC_ADDR_SET. */
    boolean address(byte[] octets) {
        if (!has(NetFeatures.CTRL_MAC_ADDR) || (octets[0] & 1) != 0) {
            return false;
        }
        filter.address(octets);
        return true;
    }

    /** VIRTIO_NET_CTRL_ANNOUNCE_ACK. */
    boolean acknowledgeAnnounce() {
        return has(NetFeatures.GUEST_ANNOUNCE) && card.announceAcknowledged();
    }

    /** VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET. */
    boolean usePairs(int count) {
        if (!has(NetFeatures.MQ) || count < 1 || count > pairs) {
            return false;
        }
        activePairs = count;
        steering = null;
        card.settingsChanged();
        return true;
    }

    /** VIRTIO_NET_CTRL_GUEST_OFFLOADS_SET. */
    boolean guestOffloads(long wanted) {
        long allowed = features & NetFeatures.SWITCHED;
        if (!has(NetFeatures.CTRL_GUEST_OFFLOADS) || (wanted & ~allowed) != 0) {
            return false;
        }
        offloads = NetFeatures.consistent(wanted);
        card.settingsChanged();
        return true;
    }

    /** VIRTIO_NET_CTRL_MQ_RSS_CONFIG: struct virtio_net_rss_config. */
    boolean steer(ByteBuffer data) {
        int types = data.getInt();
        int mask = Short.toUnsignedInt(data.getShort());
        int unclassified = Short.toUnsignedInt(data.getShort());
        if (!has(NetFeatures.RSS)
                || (types & ~FlowHash.SUPPORTED) != 0
                || mask >= Steering.TABLE_MAX
                || Integer.bitCount(mask + 1) != 1
                || !isPair(unclassified)) {
            return false;
        }
        var table = new char[mask + 1];
        for (int i = 0; i < table.length; i++) {
            table[i] = data.getChar();
            if (!isPair(table[i])) {
                return false;
            }
        }
        int transmitQueues = Short.toUnsignedInt(data.getShort());
        byte[] key = key(data);
        if (transmitQueues < 1 || transmitQueues > pairs || key.length > Toeplitz.KEY_MAX) {
            return false;
        }
        activePairs = pairs;
        steering = new Steering(new FlowHash(types, key), table, unclassified);
        reported = has(NetFeatures.HASH_REPORT) ? new FlowHash(types, key) : null;
        card.settingsChanged();
        return true;
    }

    private boolean isPair(int identifier) {
        return (identifier & RESERVED) == 0 && identifier < pairs;
    }

    /** VIRTIO_NET_CTRL_MQ_HASH_CONFIG: struct virtio_net_hash_config. */
    boolean reportHash(ByteBuffer data) {
        int types = data.getInt();
        long reserved = data.getLong();
        byte[] key = key(data);
        if (!has(NetFeatures.HASH_REPORT)
                || (types & ~FlowHash.SUPPORTED) != 0
                || reserved != 0
                || key.length > Toeplitz.KEY_MAX) {
            return false;
        }
        reported = new FlowHash(types, key);
        card.settingsChanged();
        return true;
    }

    /** The rest of a command: a length and as many bytes; longer than any key if it is not so. */
    private static byte[] key(ByteBuffer data) {
        var key = new byte[Byte.toUnsignedInt(data.get())];
        data.get(key);
        return data.hasRemaining() ? new byte[Toeplitz.KEY_MAX + 1] : key;
    }

    /** VIRTIO_NET_CTRL_NOTF_COAL_RX_SET and _TX_SET: for all queues of a direction. */
    boolean coalesceAll(boolean receive, Parameters parameters) {
        if (!has(NetFeatures.NOTF_COAL)) {
            return false;
        }
        if (receive) {
            receiveCoalescing = parameters;
        } else {
            transmitCoalescing = parameters;
        }
        for (int index = receive ? 0 : 1; index < 2 * pairs; index += 2) {
            card.coalescing(index).ifPresent(queue -> queue.set(parameters));
        }
        return true;
    }

    /** VIRTIO_NET_CTRL_NOTF_COAL_VQ_SET: for one queue. */
    boolean coalesce(int index, Parameters parameters) {
        var queue = queue(index);
        queue.ifPresent(found -> found.set(parameters));
        return queue.isPresent();
    }

    /** VIRTIO_NET_CTRL_NOTF_COAL_VQ_GET. */
    Optional<Parameters> coalescing(int index) {
        return queue(index).map(Coalescing::parameters);
    }

    private Optional<Coalescing> queue(int index) {
        return has(NetFeatures.VQ_NOTF_COAL) ? card.coalescing(index) : Optional.empty();
    }

    /** A command was answered with VIRTIO_NET_ERR. */
    void refused() {
        card.statistics().add(NetStatistics.CONTROL_REFUSED, 1);
    }
}
