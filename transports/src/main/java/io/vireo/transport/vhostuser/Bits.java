package io.vireo.transport.vhostuser;

/** Feature bits that are the transport's matter. */
final class Bits {
    // VIRTIO 1.3, 6: reserved feature bits, common to all devices
    static final long INDIRECT_DESC = 1L << 28;
    static final long EVENT_IDX = 1L << 29;
    static final long VERSION_1 = 1L << 32;
    static final long RING_PACKED = 1L << 34;
    static final long IN_ORDER = 1L << 35;
    static final long RING_RESET = 1L << 40;

    /** VHOST_F_LOG_ALL: a bit that VIRTIO leaves unused; toggled while queues run. */
    static final long LOG_ALL = 1L << 26;

    /** VHOST_USER_F_PROTOCOL_FEATURES: a bit that VIRTIO leaves unused. */
    static final long PROTOCOL_FEATURES = 1L << 30;

    // VHOST_USER_PROTOCOL_F_*
    static final long MQ = 1;
    static final long LOG_SHMFD = 1L << 1;
    static final long RARP = 1L << 2;
    static final long REPLY_ACK = 1L << 3;
    static final long MTU = 1L << 4;
    static final long BACKEND_REQ = 1L << 5;
    static final long CONFIG = 1L << 9;
    static final long INFLIGHT_SHMFD = 1L << 12;
    static final long RESET_DEVICE = 1L << 13;
    static final long CONFIGURE_MEM_SLOTS = 1L << 15;
    static final long STATUS = 1L << 16;

    /** Stands for a protocol feature that is not offered. */
    static final long NEVER = 1L << 63;

    // VIRTIO 1.3, 2.1: device status
    static final int STATUS_NEEDS_RESET = 64;

    private Bits() {}
}
