package io.vireo.transport.vhostuser;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The requests of a front end: number, size of the payload, descriptors that may come along, and
 * the protocol feature without which it is not allowed (the specification, "Front-end message
 * types"). Those that need a feature which is not offered are named for the sake of the log.
 */
enum Request {
    GET_FEATURES(1, 0, 0, 0, 0, true),
    SET_FEATURES(2, 8, 0, 0, 0, false),
    SET_OWNER(3, 0, 0, 0, 0, false),
    RESET_OWNER(4, 0, 0, 0, 0, false),
    SET_MEM_TABLE(5, Request.VARIABLE, 0, MemoryTable.REGIONS_PER_MESSAGE, 0, false),
    SET_LOG_BASE(6, 16, 1, 1, Bits.LOG_SHMFD, true),
    // Nobody waits for the eventfd: front ends read the log when they want. It is closed.
    SET_LOG_FD(7, Request.VARIABLE, 0, 1, Bits.LOG_SHMFD, false),
    SET_VRING_NUM(8, 8, 0, 0, 0, false),
    SET_VRING_ADDR(9, 40, 0, 0, 0, false),
    SET_VRING_BASE(10, 8, 0, 0, 0, false),
    GET_VRING_BASE(11, 8, 0, 0, 0, true),
    SET_VRING_KICK(12, 8, 0, 1, 0, false),
    SET_VRING_CALL(13, 8, 0, 1, 0, false),
    SET_VRING_ERR(14, 8, 0, 1, 0, false),
    GET_PROTOCOL_FEATURES(15, 0, 0, 0, 0, true),
    SET_PROTOCOL_FEATURES(16, 8, 0, 0, 0, false),
    GET_QUEUE_NUM(17, 0, 0, 0, Bits.MQ, true),
    SET_VRING_ENABLE(18, 8, 0, 0, 0, false),
    SEND_RARP(19, 8, 0, 0, Bits.RARP, false),
    NET_SET_MTU(20, 8, 0, 0, Bits.MTU, false),
    SET_BACKEND_REQ_FD(21, 0, 1, 1, Bits.BACKEND_REQ, false),
    IOTLB_MSG(22, Bits.NEVER),
    SET_VRING_ENDIAN(23, Bits.NEVER),
    GET_CONFIG(24, Request.VARIABLE, 0, 0, Bits.CONFIG, true),
    SET_CONFIG(25, Request.VARIABLE, 0, 0, Bits.CONFIG, false),
    CREATE_CRYPTO_SESSION(26, Bits.NEVER),
    CLOSE_CRYPTO_SESSION(27, Bits.NEVER),
    POSTCOPY_ADVISE(28, Bits.NEVER),
    POSTCOPY_LISTEN(29, Bits.NEVER),
    POSTCOPY_END(30, Bits.NEVER),
    GET_INFLIGHT_FD(31, Request.VARIABLE, 0, 0, Bits.INFLIGHT_SHMFD, true),
    SET_INFLIGHT_FD(32, Request.VARIABLE, 1, 1, Bits.INFLIGHT_SHMFD, false),
    GPU_SET_SOCKET(33, Bits.NEVER),
    RESET_DEVICE(34, 0, 0, 0, Bits.RESET_DEVICE, false),
    VRING_KICK(35, Bits.NEVER),
    GET_MAX_MEM_SLOTS(36, 0, 0, 0, Bits.CONFIGURE_MEM_SLOTS, true),
    ADD_MEM_REG(37, 40, 1, 1, Bits.CONFIGURE_MEM_SLOTS, false),
    // A descriptor is an old mistake of front ends; it is closed.
    REM_MEM_REG(38, 40, 0, 1, Bits.CONFIGURE_MEM_SLOTS, false),
    SET_STATUS(39, 8, 0, 0, Bits.STATUS, false),
    GET_STATUS(40, 0, 0, 0, Bits.STATUS, true),
    GET_SHARED_OBJECT(41, Bits.NEVER),
    SET_DEVICE_STATE_FD(42, Bits.NEVER),
    CHECK_DEVICE_STATE(43, Bits.NEVER);

    private static final int VARIABLE = -1;
    private static final Map<Integer, Request> BY_NUMBER = new HashMap<>();

    static {
        for (var request : values()) {
            BY_NUMBER.put(request.number, request);
        }
    }

    private final int number;
    private final int size;
    private final int minFds;
    private final int maxFds;
    private final long protocolFeature;
    private final boolean body;

    Request(int number, int size, int minFds, int maxFds, long protocolFeature, boolean body) {
        this.number = number;
        this.size = size;
        this.minFds = minFds;
        this.maxFds = maxFds;
        this.protocolFeature = protocolFeature;
        this.body = body;
    }

    Request(int number, long protocolFeature) {
        this(number, VARIABLE, 0, 0, protocolFeature, false);
    }

    static @Nullable Request of(int number) {
        return BY_NUMBER.get(number);
    }

    /** Whether the reply has a body of its own, so that no other acknowledgement is sent. */
    boolean hasReplyBody() {
        return body;
    }

    /** Checks the frame of a message against what this request allows. */
    void check(Message message, long protocolFeatures) throws ViolationException {
        if (protocolFeature != 0 && (protocolFeatures & protocolFeature) == 0) {
            throw new ViolationException("the protocol feature for it was not negotiated");
        }
        if (size != VARIABLE && message.size() != size) {
            throw new ViolationException("its payload has another size");
        }
        if (message.fdCount() < minFds) {
            throw new ViolationException("it comes with a descriptor");
        }
        if (message.fdCount() > maxFds) {
            throw new ViolationException("it came with too many descriptors");
        }
    }

    /** Says what was sent, for the log. */
    String describe(Message message) {
        return switch (this) {
            case SET_VRING_NUM, SET_VRING_BASE, SET_VRING_ENABLE ->
                    message.size() < 8
                            ? name()
                            : name()
                                    + " "
                                    + Integer.toUnsignedString(message.u32(4))
                                    + " for queue "
                                    + Integer.toUnsignedString(message.u32(0));
            case SET_VRING_ADDR, GET_VRING_BASE ->
                    message.size() < 8
                            ? name()
                            : name() + " for queue " + Integer.toUnsignedString(message.u32(0));
            case SET_VRING_KICK, SET_VRING_CALL, SET_VRING_ERR ->
                    message.size() < 8
                            ? name()
                            : name() + " for queue " + (message.u64(0) & VringFd.INDEX_MASK);
            case SET_FEATURES, SET_PROTOCOL_FEATURES, SET_STATUS, NET_SET_MTU ->
                    message.size() < 8 ? name() : name() + " 0x" + Long.toHexString(message.u64(0));
            default -> name();
        };
    }
}
