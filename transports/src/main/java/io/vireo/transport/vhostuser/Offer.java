package io.vireo.transport.vhostuser;

import io.vireo.device.VirtioDevice;

/**
 * What a device is offered with: exactly what is implemented.
 *
 * @param features bits of GET_FEATURES
 * @param protocolFeatures bits of GET_PROTOCOL_FEATURES
 * @param queueNumber answer to GET_QUEUE_NUM
 */
record Offer(long features, long protocolFeatures, int queueNumber) {
    /** Bytes before the contents in GET_CONFIG and SET_CONFIG: offset, size, flags. */
    static final int CONFIG_HEADER = 12;

    /** VHOST_USER_MAX_CONFIG_SIZE of front ends. */
    static final int MAX_CONFIG = 256;

    private static final int NETWORK_CARD = 1;

    private static final long RING =
            Bits.VERSION_1
                    | Bits.INDIRECT_DESC
                    | Bits.EVENT_IDX
                    | Bits.RING_PACKED
                    | Bits.PROTOCOL_FEATURES
                    | Bits.LOG_ALL;
    private static final long PROTOCOL =
            Bits.MQ
                    | Bits.LOG_SHMFD
                    | Bits.REPLY_ACK
                    | Bits.INFLIGHT_SHMFD
                    | Bits.RESET_DEVICE
                    | Bits.CONFIGURE_MEM_SLOTS
                    | Bits.STATUS;

    /**
     * What goes with a device.
     *
     * @param ringReset whether front ends convey the reset of one queue
     */
    static Offer of(VirtioDevice device, boolean ringReset) {
        boolean network = device.deviceType() == NETWORK_CARD;
        long features =
                device.features()
                        | RING
                        | (device.completesInOrder() ? Bits.IN_ORDER : 0)
                        | (ringReset ? Bits.RING_RESET : 0);
        // Front ends own the configuration space of network cards, and QEMU warns where a back end
        // would, too.
        long protocol =
                PROTOCOL | (network ? Bits.MTU | Bits.RARP : Bits.CONFIG | Bits.BACKEND_REQ);
        // For network cards front ends count pairs of queues (QEMU and DPDK; the specification does
        // not say).
        int queues = network ? device.queueCount() / 2 : device.queueCount();
        return new Offer(features, protocol, queues);
    }
}
