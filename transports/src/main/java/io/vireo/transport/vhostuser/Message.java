package io.vireo.transport.vhostuser;

import io.vireo.linux.Closer;
import io.vireo.linux.Fd;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * One whole request of a front end. It owns the descriptors that came along until they are taken.
 */
final class Message {
    /** Bytes of the header: request, flags, size of the payload. */
    static final int HEADER = 12;

    /** Bytes of payload at most; no message of the specification is near that. */
    static final int MAX_PAYLOAD = 4096;

    static final int VERSION_MASK = 3;
    static final int VERSION = 1;
    static final int REPLY = 4;
    static final int NEED_REPLY = 8;

    // Numbers are in the machine's order; all machines that we run on are little-endian.
    private static final VarHandle SHORT =
            MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle INT =
            MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle LONG =
            MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private final int number;
    private final int flags;
    private final byte[] payload;
    private final int[] fds;
    private final Closer closer;
    private int fdsTaken;

    /** Takes over {@code fds}, which {@code closer} closes. */
    Message(int number, int flags, byte[] payload, int[] fds, Closer closer) {
        this.number = number;
        this.flags = flags;
        this.payload = payload;
        this.fds = fds;
        this.closer = closer;
    }

    int number() {
        return number;
    }

    boolean needsReply() {
        return (flags & NEED_REPLY) != 0;
    }

    int size() {
        return payload.length;
    }

    byte[] payload() {
        return payload;
    }

    int u16(int offset) {
        return Short.toUnsignedInt((short) SHORT.get(payload, offset));
    }

    int u32(int offset) {
        return (int) INT.get(payload, offset);
    }

    long u64(int offset) {
        return (long) LONG.get(payload, offset);
    }

    int fdCount() {
        return fds.length;
    }

    /** The next descriptor, which the caller closes from now on. */
    Fd takeFd() {
        return Fd.foreign(fds[fdsTaken++], closer);
    }

    /** Closes the descriptors that nobody took. */
    void closeFds() {
        while (fdsTaken < fds.length) {
            closer.close(fds[fdsTaken++]);
        }
    }

    static void putU32(byte[] to, int offset, int value) {
        INT.set(to, offset, value);
    }

    static void putU64(byte[] to, int offset, long value) {
        LONG.set(to, offset, value);
    }

    static int getU32(byte[] from, int offset) {
        return (int) INT.get(from, offset);
    }
}
