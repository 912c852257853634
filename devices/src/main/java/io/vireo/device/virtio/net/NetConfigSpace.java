package io.vireo.device.virtio.net;

import io.vireo.resource.MacAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.OptionalInt;

/**
 * {@code struct virtio_net_config} (VIRTIO 1.3, 5.1.4).
 *
 * @param mac the card's address
 * @param status VIRTIO_NET_S_* bits
 * @param queuePairs that there are
 * @param mtu in bytes
 * @param speed in Mbit/s, absent if it is not known
 */
record NetConfigSpace(MacAddress mac, int status, int queuePairs, int mtu, OptionalInt speed) {
    static final int SIZE = 24;

    /** VIRTIO_NET_S_LINK_UP. */
    static final int LINK_UP = 1;

    /** VIRTIO_NET_S_ANNOUNCE. */
    static final int ANNOUNCE = 2;

    private static final int UNKNOWN_SPEED = -1;
    private static final byte FULL_DUPLEX = 1;
    private static final byte UNKNOWN_DUPLEX = -1;

    /** The bytes of it. */
    ByteBuffer bytes() {
        return ByteBuffer.allocate(SIZE)
                .order(ByteOrder.LITTLE_ENDIAN)
                .put(mac.octets())
                .putShort((short) status)
                .putShort((short) queuePairs)
                .putShort((short) mtu)
                .putInt(speed.orElse(UNKNOWN_SPEED))
                .put(speed.isPresent() ? FULL_DUPLEX : UNKNOWN_DUPLEX)
                .put((byte) Toeplitz.KEY_MAX)
                .putShort((short) Steering.TABLE_MAX)
                .putInt(FlowHash.SUPPORTED);
    }
}
