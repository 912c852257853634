package io.vireo.transport.vhostuser;

import io.vireo.linux.ErrnoException;
import io.vireo.linux.Fd;
import io.vireo.linux.Mapping;
import io.vireo.linux.Memfd;
import io.vireo.virtqueue.InflightRegion;
import java.util.Optional;

/**
 * The memory in which requests in flight are recorded, made by us (GET_INFLIGHT_FD) and kept by the
 * front end, which brings it back (SET_INFLIGHT_FD) after this process or the connection died. What
 * comes back is foreign memory. Its format is that of the rings negotiated when it is given: front
 * ends set the features before.
 */
final class Inflight {
    /** struct VhostUserInflight without and with the padding that compilers add at its end. */
    private static final int SIZE = 20;

    private static final int PADDED_SIZE = 24;

    private final MemoryTable.SharedFile file;
    private final int queues;
    private final int queueSize;
    private final boolean packed;

    private Inflight(MemoryTable.SharedFile file, int queues, int queueSize, boolean packed) {
        this.file = file;
        this.queues = queues;
        this.queueSize = queueSize;
        this.packed = packed;
    }

    /**
     * GET_INFLIGHT_FD: a new, empty record. Sealed, so that nobody can take it away from under us.
     */
    static Fd create(Message message, int queueCount, boolean packed) throws ViolationException {
        long size = size(message, queueCount, packed);
        try {
            var fd = Memfd.create("vireo-inflight", size, Memfd.MFD_ALLOW_SEALING);
            Memfd.addSeals(fd, Memfd.F_SEAL_SHRINK | Memfd.F_SEAL_GROW | Memfd.F_SEAL_SEAL);
            return fd;
        } catch (ErrnoException e) {
            throw new ViolationException("the host has memory for it", e);
        }
    }

    /** The answer to GET_INFLIGHT_FD, in the size in which it was asked. */
    static byte[] answer(Message message, int queueCount, boolean packed)
            throws ViolationException {
        var body = message.payload().clone();
        Message.putU64(body, 0, size(message, queueCount, packed));
        Message.putU64(body, 8, 0);
        return body;
    }

    /** SET_INFLIGHT_FD. */
    static Inflight of(Message message, int queueCount, boolean packed) throws ViolationException {
        long needed = size(message, queueCount, packed);
        long size = message.u64(0);
        long offset = message.u64(8);
        if (size < needed) {
            throw new ViolationException("its size is enough for its queues");
        }
        if ((offset & (Mapping.pageSize() - 1)) != 0) {
            throw new ViolationException("its offset is a multiple of the page size");
        }
        var file = MemoryTable.SharedFile.map(message.takeFd(), offset, size);
        return new Inflight(file, message.u16(16), message.u16(18), packed);
    }

    private static long size(Message message, int queueCount, boolean packed)
            throws ViolationException {
        if (message.size() != SIZE && message.size() != PADDED_SIZE) {
            throw new ViolationException("its payload has another size");
        }
        int queues = message.u16(16);
        int queueSize = message.u16(18);
        if (queues > queueCount) {
            throw new ViolationException("the device has fewer queues");
        }
        try {
            return InflightRegion.size(queues, queueSize, packed);
        } catch (IllegalArgumentException e) {
            throw new ViolationException(
                    "it is for at least one queue of a size that queues can have", e);
        }
    }

    /** The record of one queue; empty if it is not for that queue. */
    Optional<InflightRegion> region(int queue) {
        return queue < queues
                ? Optional.of(InflightRegion.of(file.address(), queue, queueSize, packed))
                : Optional.empty();
    }

    MemoryTable.SharedFile file() {
        return file;
    }
}
