package io.vireo.transport.iscsi;

import io.vireo.linux.Errno;
import io.vireo.linux.IovecArray;
import io.vireo.linux.TcpSocket;
import io.vireo.memory.NativeMemory;
import io.vireo.memory.OwnMemory;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * The sending side of a connection in full-feature phase: a queue of what is to be sent, and the
 * PDUs of its first ones as buffers for the kernel, data straight from the memory of the command.
 * It allocates nothing.
 */
final class Outbound {
    /** Bytes of own memory that it needs. */
    static final int MEMORY = Outbound.SLOTS * Outbound.SLOT;

    /** Most bytes of a data segment that is written behind its header. */
    static final int MAX_INLINE = 256;

    private static final int SLOTS = 64;

    /** Header, digest, data inside, padding, digest; else the two last ones by themselves. */
    private static final int SLOT = 320;

    private static final int TRAILER = SLOT - 8;
    private static final int BUFFERS = 256;

    /** Buffers beside those for data that one PDU needs. */
    private static final int FRAME_BUFFERS = 2;

    /** Longest data segment that is written, whatever the initiator takes. */
    static final int MAX_SEGMENT = 1 << 20;

    /** Most buffers of one PDU's data: a segment may begin and end within pieces of 64 KiB. */
    private static final int MAX_PIECES = 18;

    private final TcpSocket socket;
    private final OwnMemory memory;
    private final int base;
    private final BufferPool pool;
    private final boolean headerDigest;
    private final boolean dataDigest;
    private final IovecArray buffers = new IovecArray(BUFFERS);

    /** Who is over when this buffer has been sent. */
    private final @Nullable Outgoing[] ends = new Outgoing[BUFFERS];

    private final CRC32C sum = new CRC32C();

    private @Nullable Outgoing first;
    private @Nullable Outgoing last;
    private int slots;
    private int sentBuffers;
    private int usedBuffers;
    private int slot;
    private int sends;

    /**
     * @param memory shared with others
     * @param base of {@link #MEMORY} bytes of it
     */
    Outbound(
            TcpSocket socket,
            OwnMemory memory,
            int base,
            BufferPool pool,
            SessionParameters parameters) {
        this.socket = socket;
        this.memory = memory;
        this.base = base;
        this.pool = pool;
        headerDigest = parameters.headerDigest();
        dataDigest = parameters.dataDigest();
    }

    /** Appends to the queue. */
    void add(Outgoing outgoing) {
        outgoing.next = null;
        if (last == null) {
            first = outgoing;
        } else {
            last.next = outgoing;
        }
        last = outgoing;
    }

    /** Whether nothing waits. */
    boolean isEmpty() {
        return first == null && usedBuffers == 0;
    }

    /** Whether the PDU of any size can be written. */
    boolean hasRoom() {
        return slots < SLOTS && usedBuffers + FRAME_BUFFERS + MAX_PIECES <= BUFFERS;
    }

    /** Begins a PDU, for which there is room. Returns where its header is; the rest of it is 0. */
    long begin(int opcode, int flags) {
        slot = base + slots++ * SLOT;
        long header = memory.address() + slot;
        // Not by a fill, which makes an object for the range.
        for (int i = 0; i < Pdu.BHS; i += Long.BYTES) {
            NativeMemory.putLong(header + i, 0);
        }
        Wire.putU8(header, opcode);
        Wire.putU8(header + Pdu.FLAGS, flags);
        return header;
    }

    /** Where the data of the PDU that has begun can be written, up to {@link #MAX_INLINE} bytes. */
    long inline() {
        return memory.address() + slot + Pdu.BHS + (headerDigest ? Pdu.DIGEST : 0);
    }

    /**
     * Ends the PDU with data that was written to {@link #inline}.
     *
     * @param end who is over with it; absent: nobody is yet
     */
    void end(int length, @Nullable Outgoing end) {
        int at = frame(length);
        if (length > 0) {
            int padding = Pdu.padding(length);
            memory.fill(at + length, padding, (byte) 0);
            at += length + padding;
            if (dataDigest) {
                sum.reset();
                memory.update(sum, at - length - padding, length + padding);
                putDigest(at);
                at += Pdu.DIGEST;
            }
        }
        push(memory.address() + slot, at - slot, end);
    }

    /** Ends the PDU with the next bytes of a list. */
    void end(Ranges data, int length, @Nullable Outgoing end) {
        int at = frame(length);
        push(memory.address() + slot, at - slot, null);
        sum.reset();
        int left = length;
        while (left > 0) {
            int piece = data.contiguous(left);
            if (dataDigest) {
                pool.update(sum, data.address(), piece);
            }
            push(data.address(), piece, null);
            data.skip(piece);
            left -= piece;
        }
        trailer(length);
        ends[usedBuffers - 1] = end;
    }

    /** Completes the header. Returns where what follows it is. */
    private int frame(int length) {
        Wire.putU24(memory.address() + slot + Pdu.DATA_LENGTH, length);
        if (!headerDigest) {
            return slot + Pdu.BHS;
        }
        sum.reset();
        memory.update(sum, slot, Pdu.BHS);
        putDigest(slot + Pdu.BHS);
        return slot + Pdu.BHS + Pdu.DIGEST;
    }

    private void trailer(int length) {
        int padding = Pdu.padding(length);
        if (padding == 0 && !dataDigest) {
            return;
        }
        int at = slot + TRAILER;
        memory.fill(at, padding, (byte) 0);
        if (dataDigest) {
            memory.update(sum, at, padding);
            putDigest(at + padding);
        }
        push(memory.address() + at, padding + (dataDigest ? Pdu.DIGEST : 0), null);
    }

    /** A digest is on the wire with its lowest byte first (RFC 7143, 13.1). */
    private void putDigest(int at) {
        NativeMemory.putInt(memory.address() + at, (int) sum.getValue());
    }

    private void push(long address, int length, @Nullable Outgoing end) {
        buffers.set(usedBuffers, address, length);
        ends[usedBuffers++] = end;
    }

    /**
     * Sends what the kernel takes.
     *
     * @return 0 if everything has gone, -EAGAIN if the kernel takes no more for now, or another
     *     -errno
     */
    int flush() {
        while (true) {
            while (first != null && hasRoom() && first.write(this)) {
                Outgoing written = first;
                first = written.next;
                if (first == null) {
                    last = null;
                }
            }
            if (usedBuffers == 0) {
                return 0;
            }
            int count = socket.send(buffers, sentBuffers, usedBuffers - sentBuffers);
            if (count < 0) {
                if (count == -Errno.EINTR) {
                    continue;
                }
                return count;
            }
            sends++;
            advance(count);
        }
    }

    /** How often the kernel has taken something; it wraps. */
    int sends() {
        return sends;
    }

    private void advance(int count) {
        long left = count;
        while (left > 0) {
            long length = buffers.length(sentBuffers);
            if (left < length) {
                buffers.set(sentBuffers, buffers.base(sentBuffers) + left, length - left);
                return;
            }
            left -= length;
            Outgoing end = ends[sentBuffers];
            ends[sentBuffers++] = null;
            if (end != null) {
                end.sent();
            }
        }
        if (sentBuffers == usedBuffers) {
            sentBuffers = 0;
            usedBuffers = 0;
            slots = 0;
        }
    }

    /** Lets go of everything: nothing is sent any more, and all who wait are told that it was. */
    void clear() {
        for (int i = sentBuffers; i < usedBuffers; i++) {
            Outgoing end = ends[i];
            ends[i] = null;
            if (end != null) {
                end.sent();
            }
        }
        sentBuffers = 0;
        usedBuffers = 0;
        slots = 0;
        Outgoing waiting = first;
        first = null;
        last = null;
        while (waiting != null) {
            Outgoing behind = waiting.next;
            waiting.next = null;
            waiting.sent();
            waiting = behind;
        }
    }
}
