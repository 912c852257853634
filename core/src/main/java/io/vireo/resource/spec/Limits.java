package io.vireo.resource.spec;

/** Ranges that come from standards and are used by more than one spec. */
public final class Limits {
    /**
     * Smallest MTU, RFC 791 section 3.2; also the smallest that virtio-net may offer (VIRTIO 1.3
     * section 5.1.4).
     */
    public static final int MTU_MIN = 68;

    /** Largest MTU: the common size of jumbo frames. */
    public static final int MTU_MAX = 9216;

    /** Smallest VLAN identifier, IEEE 802.1Q table 9-2. */
    public static final int VLAN_MIN = 1;

    /** Largest VLAN identifier, IEEE 802.1Q table 9-2. */
    public static final int VLAN_MAX = 4094;

    /** Highest priority code point, IEEE 802.1Q 6.9.3. */
    public static final int PCP_MAX = 7;

    /** Highest differentiated services code point, RFC 2474 section 3. */
    public static final int DSCP_MAX = 63;

    /** Highest rate of frames that can be asked for, per second. */
    public static final int FRAME_RATE_MAX = 100_000_000;

    /** Most requests per second that can be asked for. */
    public static final int IOPS_MAX = 100_000_000;

    /** Largest vDisk in bytes: what maps of pools on disks can address with any chunk size. */
    public static final long VDISK_MAX = 1L << 53;

    /** Most queues or queue pairs of one device. */
    public static final int QUEUES_MAX = 64;

    /** Longest serial of a disk in bytes: VIRTIO_BLK_ID_BYTES, VIRTIO 1.3 section 5.2.6. */
    public static final int SERIAL_MAX = 20;

    /** Longest name of a network interface: IFNAMSIZ - 1. */
    public static final int INTERFACE_MAX = 15;

    /** Path of an image file below the daemon's directory of images: plain names, no {@code ..}. */
    public static final String IMAGE_FILE =
            "[A-Za-z0-9_][-A-Za-z0-9_.+]*(/[A-Za-z0-9_][-A-Za-z0-9_.+]*)*";

    /** Longest path of a Unix socket: {@code sun_path} without its terminator, unix(7). */
    public static final int SOCKET_PATH_MAX = 107;

    private Limits() {}
}
