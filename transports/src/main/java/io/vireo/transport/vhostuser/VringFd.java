package io.vireo.transport.vhostuser;

import io.vireo.linux.ErrnoException;
import io.vireo.linux.Eventfd;
import io.vireo.linux.Fd;
import io.vireo.linux.FileCalls;
import org.jspecify.annotations.Nullable;

/**
 * The payload of SET_VRING_KICK, CALL and ERR: a queue, and an eventfd or none.
 *
 * @param index of the queue
 * @param fd null where the front end has none and wants polling, or no notification
 */
record VringFd(int index, @Nullable Fd fd) {
    static final long INDEX_MASK = 0xff;
    private static final long NO_FD = 0x100;

    /**
     * Takes the descriptor out of a message and makes sure that it is an eventfd and does not
     * block.
     */
    static VringFd of(Message message, int queueCount) throws ViolationException {
        long value = message.u64(0);
        int index = (int) (value & INDEX_MASK);
        boolean without = (value & NO_FD) != 0;
        if ((value & ~(INDEX_MASK | NO_FD)) != 0) {
            throw new ViolationException("unknown bits are set");
        }
        if (index >= queueCount) {
            throw new ViolationException("the device has no such queue");
        }
        if (without != (message.fdCount() == 0)) {
            throw new ViolationException(
                    "bit 8 says whether a descriptor comes along, and it does not agree");
        }
        return new VringFd(index, without ? null : eventfd(message.takeFd()));
    }

    private static Fd eventfd(Fd fd) throws ViolationException {
        if (!Eventfd.isEventfd(fd.number())) {
            fd.close();
            throw new ViolationException("the descriptor is no eventfd");
        }
        try {
            FileCalls.setNonBlocking(fd.number());
            return fd;
        } catch (ErrnoException e) {
            fd.close();
            throw new ViolationException("the eventfd cannot be made non-blocking", e);
        }
    }
}
