package io.vireo.transport.iscsi;

import io.vireo.linux.Errno;
import io.vireo.linux.IovecArray;
import io.vireo.linux.TcpSocket;
import io.vireo.memory.NativeMemory;
import io.vireo.memory.OwnMemory;
import io.vireo.memory.ScatterGatherList;
import java.util.zip.CRC32C;

/**
 * The receiving side of a connection in full-feature phase: takes PDUs off the socket, however they
 * arrive. Long data go straight to where they belong. It allocates nothing.
 */
final class Inbound {
    /** Whom it tells. */
    interface Handler {
        /**
         * A header is there, and its digest is right. Says where the data go ({@link
         * Inbound#direct}); else they are dropped.
         *
         * @param bhs native address of the header; what follows it are the additional ones
         * @param additional bytes of those
         * @param data bytes of the data segment
         */
        void header(long bhs, int additional, int data);

        /** All of the PDU is there, and the digest of its data is right. */
        void complete();

        /**
         * All of the PDU is there, and the digest of its data is wrong.
         *
         * @param bhs native address of its header
         */
        void wrongDataDigest(long bhs);

        /** The framing is broken, or a header's digest is wrong: {@code rule} is a constant. */
        void malformed(String rule);

        /** Whether to go on receiving. */
        boolean receptive();
    }

    /** Behind the header that is looked at, with all that may follow it. */
    private static final int BUFFER_AT = 2048;

    private static final int BUFFER = 16 << 10;

    /** Bytes of own memory that it needs. */
    static final int MEMORY = BUFFER_AT + BUFFER;

    private static final int PIECES = 8;

    /** Calls of the kernel before others have their turn. */
    private static final int RECEIVES_PER_TURN = 32;

    /** What comes next. */
    private enum State {
        HEADER,
        DATA,
        TRAILER
    }

    private final TcpSocket socket;
    private final OwnMemory memory;
    private final int base;
    private final BufferPool pool;
    private final Handler handler;
    private final int headerDigest;
    private final int dataDigest;
    private final int maxSegment;
    private final IovecArray buffers = new IovecArray(PIECES + 1);
    private final Ranges destination = new Ranges();
    private final Ranges ahead = new Ranges();
    private final CRC32C sum = new CRC32C();

    private State state = State.HEADER;
    private boolean dropping;
    private int length;
    private int left;
    private int from;
    private int to;

    /** Bytes that the last call of the kernel had room for. */
    private int asked;

    Inbound(
            TcpSocket socket,
            OwnMemory memory,
            int base,
            BufferPool pool,
            SessionParameters parameters,
            Handler handler) {
        this.socket = socket;
        this.memory = memory;
        this.base = base;
        this.pool = pool;
        this.handler = handler;
        headerDigest = parameters.headerDigest() ? Pdu.DIGEST : 0;
        dataDigest = parameters.dataDigest() ? Pdu.DIGEST : 0;
        maxSegment = parameters.receiveSegment();
    }

    /** The data segment of this header goes to a list, from a byte of it on; it has the room. */
    void direct(ScatterGatherList list, long offset) {
        destination.seek(list, offset);
        dropping = false;
    }

    /**
     * Takes what has arrived, as long as the handler is receptive.
     *
     * @return 0 if there is nothing more for now, 1 if there may be, or -errno; -EPIPE: the other
     *     side has closed
     */
    int receive() {
        for (int i = 0; i < RECEIVES_PER_TURN; i++) {
            process();
            if (!handler.receptive()) {
                return 0;
            }
            int count = state == State.DATA && !dropping ? receiveData() : receiveBuffer();
            if (count == -Errno.EAGAIN) {
                return 0;
            }
            if (count <= 0 && count != -Errno.EINTR) {
                return count == 0 ? -Errno.EPIPE : count;
            }
            if (count < asked) {
                // There is no more: asking again would only tell so.
                process();
                return 0;
            }
        }
        process();
        return 1;
    }

    /** Into the buffer, behind what it holds. */
    private int receiveBuffer() {
        if (from > 0) {
            NativeMemory.copy(buffer() + from, buffer(), to - from);
            to -= from;
            from = 0;
        }
        asked = BUFFER - to;
        int count = socket.receive(buffer() + to, asked);
        to += Math.max(count, 0);
        return count;
    }

    /** To where the data belong, and what follows them into the buffer, which is empty. */
    private int receiveData() {
        from = 0;
        to = 0;
        int wanted = 0;
        int pieces = 0;
        ahead.copy(destination);
        while (wanted < left && pieces < PIECES) {
            int piece = ahead.contiguous(left - wanted);
            buffers.set(pieces++, ahead.address(), piece);
            ahead.skip(piece);
            wanted += piece;
        }
        if (wanted == left) {
            buffers.set(pieces++, buffer(), BUFFER);
        }
        asked = wanted == left ? wanted + BUFFER : wanted;
        int count = socket.receive(buffers, pieces);
        int data = Math.min(Math.max(count, 0), wanted);
        to = Math.max(count, 0) - data;
        left -= data;
        while (data > 0) {
            int piece = destination.contiguous(data);
            if (dataDigest > 0) {
                pool.update(sum, destination.address(), piece);
            }
            destination.skip(piece);
            data -= piece;
        }
        return count;
    }

    private long buffer() {
        return memory.address() + base + BUFFER_AT;
    }

    private void process() {
        boolean more = true;
        while (more && handler.receptive()) {
            more =
                    switch (state) {
                        case HEADER -> header();
                        case DATA -> data();
                        case TRAILER -> trailer();
                    };
        }
    }

    /** Each of these returns whether there may be more to do. */
    private boolean header() {
        int have = to - from;
        if (have < Pdu.BHS) {
            return false;
        }
        long at = buffer() + from;
        int additional = Wire.getU8(at + Pdu.AHS_LENGTH) * 4;
        int size = Pdu.BHS + additional;
        if (have < size + headerDigest) {
            return false;
        }
        NativeMemory.copy(at, memory.address() + base, size + headerDigest);
        from += size + headerDigest;
        if (headerDigest > 0
                && memory.crc32c(base, size)
                        != NativeMemory.getInt(memory.address() + base + size)) {
            handler.malformed("the digest of a header is wrong");
            return false;
        }
        length = Wire.getU24(memory.address() + base + Pdu.DATA_LENGTH);
        if (length > maxSegment) {
            handler.malformed("a data segment is longer than we take");
            return false;
        }
        left = length;
        dropping = true;
        sum.reset();
        handler.header(memory.address() + base, additional, length);
        if (length > 0) {
            state = State.DATA;
        } else {
            handler.complete();
        }
        return true;
    }

    private boolean data() {
        while (left > 0 && to > from) {
            int count = Math.min(left, to - from);
            if (!dropping) {
                count = destination.contiguous(count);
                NativeMemory.copy(buffer() + from, destination.address(), count);
                destination.skip(count);
            }
            if (dataDigest > 0) {
                memory.update(sum, base + BUFFER_AT + from, count);
            }
            from += count;
            left -= count;
        }
        if (left > 0) {
            return false;
        }
        state = State.TRAILER;
        return true;
    }

    private boolean trailer() {
        int padding = Pdu.padding(length);
        if (to - from < padding + dataDigest) {
            return false;
        }
        boolean right = true;
        if (dataDigest > 0) {
            memory.update(sum, base + BUFFER_AT + from, padding);
            right = (int) sum.getValue() == NativeMemory.getInt(buffer() + from + padding);
        }
        from += padding + dataDigest;
        state = State.HEADER;
        if (right) {
            handler.complete();
        } else {
            handler.wrongDataDigest(memory.address() + base);
        }
        return true;
    }
}
